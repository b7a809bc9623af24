//! Several nodes on one PostgreSQL and one Redis, all real processes that end with the test; and one node alone.

use std::{collections::BTreeMap, process::Command, time::Duration};

use tokio::time::{Instant, sleep};

use crate::{
    app::{App, DEADLINE, program},
    clients::{http::Http, room::EVERYWHERE},
    database::Database,
    engines::{
        postgres::Server,
        proxy::{Proxy, Target},
        redis::Redis,
    },
    history::{Position, Row, Stream, Truth},
    scene::positions,
};

/// Lifts what one client with one token, and all from one address, would meet, keeps what rooms say, and notices soon who is gone.
const SETTINGS: [(&str, &str); 13] = [
    ("session.ping_interval", "1s"),
    ("session.pong_timeout", "3s"),
    ("limits.room_messages_per_second", "0"),
    ("limits.sessions_per_user", "0"),
    ("limits.sessions_per_ip", "0"),
    ("limits.handshakes_per_second", "0"),
    ("limits.tickets", "0"),
    ("rooms.history_size", "100000"),
    ("rooms.history_bytes", "32MiB"),
    ("rooms.presence_ttl", "4s"),
    // A long run archives thousands, and the table is to have all that was accepted.
    ("retention.max_read_per_user", "1000000"),
    ("rooms.leave_grace", "500ms"),
    ("shutdown.drain", "300ms"),
];

/// For clients that are read one after the other: nobody is asked meanwhile whether it is there.
pub const PATIENT: &[(&str, &str)] = &[("session.ping_interval", "25s"), ("session.pong_timeout", "10s")];

pub struct Setup<'a> {
    pub nodes: usize,
    /// Whether there is a Redis between them.
    pub has_bus: bool,
    /// Over those of all tests.
    pub settings: &'a [(&'a str, &'a str)],
}

impl Default for Setup<'_> {
    fn default() -> Self {
        Self { nodes: 2, has_bus: true, settings: &[] }
    }
}

pub struct Cluster {
    pub nodes: Vec<Node>,
    /// None where one node is alone with a database of its own.
    pub postgres: Option<Server>,
    pub redis: Option<Redis>,
}

pub struct Node {
    pub app: App,
    /// Between this node and Redis.
    pub bus: Option<Proxy>,
}

impl Cluster {
    pub async fn start() -> Self {
        Self::start_with(Setup::default()).await
    }

    /// The same for clients that are read one after the other.
    pub async fn start_patient() -> Self {
        Self::start_with(Setup { settings: PATIENT, ..Setup::default() }).await
    }

    pub async fn start_with(setup: Setup<'_>) -> Self {
        let postgres = Server::start().await;
        let redis = if setup.has_bus { Some(Redis::start().await) } else { None };
        let store = postgres.url();
        let node = |_| {
            let bus = redis.as_ref().map(|redis| Proxy::start(Target::Socket(redis.socket())));
            let url = bus.as_ref().map(|bus| format!("redis://{}", bus.address));
            let mut settings = SETTINGS.to_vec();
            settings.push(("store.url", &store));
            settings.extend(url.as_ref().map(|url| ("bridge.url", url.as_str())));
            settings.extend(setup.settings);
            Node { app: App::start_with(&settings), bus }
        };
        let nodes = (0..setup.nodes).map(node).collect();
        Self { nodes, postgres: Some(postgres), redis }
    }

    /// One node with the database that a test of the API would give it.
    pub fn alone(settings: &[(&str, &str)]) -> Self {
        Self::alone_as(program(), settings)
    }

    /// The same, started by this command.
    pub fn alone_as(command: Command, settings: &[(&str, &str)]) -> Self {
        let settings = [&SETTINGS[..], settings].concat();
        let app = App::start_as(command, &settings);
        Self { nodes: vec![Node { app, bus: None }], postgres: None, redis: None }
    }

    pub fn app(&self, node: usize) -> &App {
        &self.nodes[node].app
    }

    pub fn redis(&mut self) -> &mut Redis {
        self.redis.as_mut().unwrap()
    }

    pub fn database(&self) -> Database {
        match &self.postgres {
            Some(server) => Database::Server(server.connect()),
            None => Database::open(&self.app(0).database()),
        }
    }

    /// Waits until `/ready` of every node says this of the bus.
    pub async fn bridges_are(&self, state: &str) {
        let deadline = Instant::now() + DEADLINE;
        for node in &self.nodes {
            while ready(&node.app).await.is_none_or(|(_, bridge)| bridge != state) {
                assert!(Instant::now() < deadline, "a bridge is not {state}");
                sleep(Duration::from_millis(20)).await;
            }
        }
    }

    /// How all of these stand, when nothing is under way.
    pub async fn truth(&self, users: &[&str], rooms: &[&str]) -> Truth {
        let mut database = self.database();
        let deadline = Instant::now() + DEADLINE;
        while database.expiring() > 0 {
            assert!(Instant::now() < deadline, "what has expired is still there");
            sleep(Duration::from_millis(100)).await;
        }
        let mut truth = Truth::default();
        for user in users {
            let http = self.app(0).http(&self.app(0).token(user, EVERYWHERE));
            let mut tops = self.inbox_top(&http, user).await;
            for room in rooms {
                let page = http.get(&format!("/v1/rooms/{room}/messages?limit=1")).await;
                let position = Position::parse(page.json()["position"].as_str().unwrap());
                tops.insert(Stream::Room((*room).to_owned()), position);
            }
            truth.tops.extend(tops);
            let stream = Stream::Inbox((*user).to_owned());
            let epoch = database.epoch(user).unwrap_or_default();
            let shown: BTreeMap<u64, String> = database.shown(user).into_iter().collect();
            let row = |(offset, key): (u64, String)| Row {
                position: Position { epoch: epoch.clone(), offset },
                is_shown: shown.contains_key(&offset),
                key,
            };
            truth.rows.insert(stream, database.inbox(user).into_iter().map(row).collect());
            truth.unread.insert((*user).to_owned(), database.unread(user));
        }
        truth
    }

    async fn inbox_top(&self, http: &Http, user: &str) -> BTreeMap<Stream, Position> {
        let listed = http.get("/v1/notifications?limit=1").await;
        assert_eq!(listed.status, 200, "{}", listed.text());
        positions(listed.json()["cursor"].as_str().unwrap(), user)
    }
}

/// What `/ready` says: its status, and how the bus is.
pub async fn ready(app: &App) -> Option<(u16, String)> {
    let http = app.anonymous();
    let answer = http.try_send(http.request("GET", "/ready"), "").await.ok()?;
    let bridge = answer.json()["bridge"].as_str()?.to_owned();
    Some((answer.status, bridge))
}
