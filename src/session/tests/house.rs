//! The hub, the shards of three workers on one thread, and a store.

use std::{
    collections::HashMap,
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use actix::{Actor, Addr, Recipient};
use tempfile::TempDir;

use super::{client::Client, witness::Record, *};
use crate::{
    auth::gate::{Gate, Rules},
    config::{Config, StoreUrl},
    domain::NodeId,
    hub::{
        HubLink, HubQueue, LocalUsers, NotificationHub,
        liveness::LivenessPolicy,
        messages::Committed,
        rooms::{
            RoomPolicy,
            tests::known::{Known, KnownRoom, Look},
        },
        seats::Seats,
        shard::HubShard,
        slots::Slots,
    },
    limits::Limits,
    outbox::{OutboxLimits, OutboxPool},
    store::{
        Store, StoreLink,
        messages::{Others, PushPolicy, StoreOptions, WebhookBounds},
    },
    stream::LogLimits,
};

pub const WORKERS: u16 = 3;

/// How long everything may take to fit together.
const PATIENCE: Duration = Duration::from_secs(10);

/// One server, without its sockets.
pub struct House {
    pub hub: HubLink,
    pub workers: Vec<Rc<Worker>>,
    pub store: StoreLink,
    _folder: TempDir,
}

impl House {
    pub fn open() -> Self {
        Self::behind(Addr::recipient)
    }

    /// With somebody between the store and the hub, who makes known what is committed.
    pub fn behind(doorbell: impl FnOnce(Addr<NotificationHub>) -> Recipient<Committed>) -> Self {
        let folder = TempDir::new().unwrap();
        let hub = NotificationHub::new(4, room_policy(), None).start();
        let options = StoreOptions {
            url: StoreUrl::Sqlite(folder.path().join("tidings.db")),
            migrates: true,
            pool_size: 1,
            busy_timeout: 5 * SECOND,
            queue: 10_000,
            memory: usize::MAX,
            is_fully_synchronous: false,
            idempotency_retention: SECOND,
            mutes_max: 200,
            tickets_max: 20,
            max_age: Duration::from_secs(90 * 24 * 3600),
            max_read: 1000,
            push: PushPolicy::default(),
            webhooks: Default::default(),
            webhook_bounds: WebhookBounds { waiting: 1_000_000, dead: 100_000 },
            others: Others::default(),
        };
        let store = Store::open(options, doorbell(hub.clone()), LocalUsers::default()).unwrap();
        let store = StoreLink::start(store, 5 * SECOND);
        let hub = HubLink::new(hub);
        let mut config = Config::default();
        config.auth.secret = Some(SECRET.into());
        let limits = Arc::new(Limits::new(&config.limits, false));
        let gate = Arc::new(Gate::new(Rules::new(&config).unwrap(), store.clone()));
        let worker = |id| {
            let (slots, seats) = (Rc::new(Slots::new(id)), Rc::new(Seats::default()));
            let liveness =
                LivenessPolicy::new(5 * SECOND, 25 * SECOND, 10 * SECOND, 15 * SECOND, 10 * SECOND, SECOND);
            hub.shard_ready(HubShard::launch(id, slots.clone(), seats.clone(), liveness));
            Rc::new(Worker {
                node: NodeId::from_random(0),
                slots,
                seats,
                hub: HubQueue::launch(hub.clone()),
                store: store.clone(),
                gate: gate.clone(),
                limits: limits.clone(),
                policy: session_policy(),
                sessions: Arc::default(),
                sessions_max: 0,
                tally: Tally::begin(),
                is_draining: Arc::new(AtomicBool::new(false)),
                drained_since: Default::default(),
            })
        };
        let workers = (0..WORKERS).map(worker).collect();
        Self { hub, workers, store, _folder: folder }
    }

    /// Everybody reads until all is said and everything fits together.
    pub async fn settle(&self, clients: &mut Vec<Client>, record: &mut Record) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            for client in &mut *clients {
                client.read(usize::MAX, record);
            }
            clients.retain(|client| !client.conn.is_over);
            let Err(fault) = self.settled(clients).await else { return };
            assert!(Instant::now() < deadline, "{fault}");
            tokio::time::sleep(Duration::from_micros(200)).await;
        }
    }

    /// Whether everybody was told everything, and the hub, the sessions, their seats and their clients
    /// agree on who is in which room; else says what does not fit.
    async fn settled(&self, clients: &[Client]) -> Result<(), String> {
        let mut known = self.hub.ask(Look).await.unwrap();
        let (mut told, mut seats) = (Known::default(), HashMap::new());
        for Client { user, conn, witness } in clients {
            let key = conn.session.key().unwrap();
            let rooms: BTreeSet<RoomName> = conn.session.rooms.names().into_iter().collect();
            if !witness.is_answered() || !rooms.iter().map(|room| room.as_str()).eq(witness.rooms.keys()) {
                return Err(format!("{user} is in {rooms:?}, was told {:?}", witness.rooms));
            }
            if !rooms.iter().all(|room| witness.may_join.contains(&room.as_str())) {
                return Err(format!("{user} is in {rooms:?}, and may be in {:?}", witness.may_join));
            }
            for (room, stand) in rooms.iter().zip(witness.rooms.values()) {
                let Some(head) =
                    known.rooms.get(room).map(|room| room.head).filter(|head| stand.is_at(*head))
                else {
                    return Err(format!("{user} stands at {stand:?} of {:?}", known.rooms.get(room)));
                };
                let room_told = told.rooms.entry(room.clone()).or_insert_with(|| KnownRoom::empty(head));
                room_told.users.insert(user.parse().unwrap());
                *room_told.shards.entry(key.shard).or_default() += 1;
                *seats.entry((room.clone(), key)).or_default() += 1;
            }
            told.sessions.insert(key, rooms);
        }
        told.occupied = told.rooms.len();
        known.rooms.retain(|_, room| !room.users.is_empty() || !room.shards.is_empty());
        if known != told {
            return Err(format!("the hub has {known:?}, the clients {told:?}"));
        }
        let mut taken: HashMap<_, usize> = HashMap::new();
        for seat in self.workers.iter().flat_map(|worker| worker.seats.members()) {
            *taken.entry(seat).or_default() += 1;
        }
        if taken == seats { Ok(()) } else { Err(format!("seats are {taken:?}, not {seats:?}")) }
    }
}

/// Small enough that a few messages fall out of the history, and an empty room is soon forgotten.
fn room_policy() -> RoomPolicy {
    RoomPolicy {
        log: LogLimits { messages: 12, bytes: 1 << 20, age: 600 * SECOND },
        total_bytes: 1 << 30,
        position_ttl: Duration::ZERO,
        leave_grace: Duration::ZERO,
        typing_ttl: SECOND,
        messages_per_second: 0,
        messages_burst: 0,
        occupied_max: 0,
    }
}

/// With an outbox that overflows after a few messages.
fn session_policy() -> SessionPolicy {
    SessionPolicy {
        outbox: OutboxLimits { events: 16, bytes: 1 << 20 },
        pool: OutboxPool::default(),
        message_bytes: 1 << 16,
        fragments: 64,
        data_bytes: 1 << 15,
        rooms: 100,
        sse_rooms: 10,
        messages_per_second: 0,
        messages_burst: 0,
        ping_interval: 25 * SECOND,
        sse_heartbeat: 15 * SECOND,
        retry_window: SECOND,
    }
}
