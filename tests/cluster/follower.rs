//! One logical client with one cursor, on whatever node and transport. It believes what it is told, as a client
//! does, and writes it down; the checker judges.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

use crate::{
    app::token,
    clients::{http::AWAY, poll::Poll, room::EVERYWHERE, sse::Sse, ws::Ws},
    history::{Account, Position, Stream, Told, What},
    scene::{PATIENCE, Scene, TOKEN_SECONDS, attempt, cursor_of, positions, text},
    traffic::Dice,
};

/// A connection on which nothing comes for so long, not even a ping, is dead.
const SILENCE: Duration = Duration::from_secs(4);

/// Longest time away between two stays.
const AWAY_MILLIS: u64 = 100;

/// How long whoever stays on a node is elsewhere when that node was away: all of them do not gather on one in the end.
const ELSEWHERE: Duration = Duration::from_secs(10);

pub struct Follower {
    scene: Scene,
    account: usize,
    user: String,
    token: String,
    rooms: String,
    polls: Vec<Poll>,
    /// Where it stands in each stream.
    positions: BTreeMap<Stream, Position>,
    dice: Dice,
}

impl Follower {
    /// Begins where everything stands now.
    pub async fn start(scene: &Scene, user: &str, rooms: &[&str], is_steady: bool, dice: Dice) -> Self {
        let rooms = rooms.join(",");
        let https = scene.https(user, EVERYWHERE);
        let mut polls: Vec<Poll> = https.into_iter().map(|http| Poll::over(http, &rooms, "")).collect();
        polls[0].begin().await;
        let positions = positions(&polls[0].cursor, user);
        let name = format!("{user}, who {}", if is_steady { "stays" } else { "roams" });
        let account = scene.enter(Account::new(&name, is_steady, positions.clone()));
        Self {
            scene: scene.clone(),
            account,
            user: user.to_owned(),
            token: token(user, EVERYWHERE, TOKEN_SECONDS),
            rooms,
            polls,
            positions,
            dice,
        }
    }

    /// Stays on a WebSocket of this node as long as that holds, comes back to any as a client does, and is at home
    /// again after a while. It goes on after the load has ended, until it stands at the tops and is asked to go.
    pub async fn stay(mut self, home: usize) {
        let mut node = home;
        loop {
            let end = (node != home).then(|| Instant::now() + ELSEWHERE);
            let wait = self.over_ws(node, end).await.unwrap_or_else(|| self.dice.millis(AWAY_MILLIS));
            sleep(wait).await;
            self.scene.until_awake().await;
            let any = self.dice.below(self.scene.nodes() as u64) as usize;
            node = if node == home { any } else { home };
        }
    }

    /// Goes from node to node and from transport to transport until the load ends.
    pub async fn roam(&mut self, stay_millis: u64) {
        while !self.scene.is_over() {
            self.scene.until_awake().await;
            let node = self.dice.below(self.scene.nodes() as u64) as usize;
            let stay = self.dice.millis(stay_millis);
            self.visit(node, stay).await;
            if self.dice.below(2) == 0 {
                sleep(self.dice.millis(AWAY_MILLIS)).await;
            }
        }
    }

    /// Stays for a while on a transport by chance.
    async fn visit(&mut self, node: usize, stay: Duration) {
        let end = Instant::now() + stay;
        match self.dice.below(3) {
            0 => drop(self.over_ws(node, Some(end)).await),
            1 => self.over_sse(node, end).await,
            _ => self.over_poll(node, end).await,
        }
    }

    /// When to come back, if the server has said it.
    async fn over_ws(&mut self, node: usize, end: Option<Instant>) -> Option<Duration> {
        let query = format!("?rooms={}&since={}", self.rooms, self.cursor());
        let authorization = format!("Bearer {}", self.token);
        let headers = [("authorization", authorization.as_str())];
        let opening = Ws::open(self.scene.address(node), &query, &headers);
        let Ok(Ok(mut ws)) = timeout(PATIENCE, opening).await else {
            self.ended("refused");
            return None;
        };
        let mut retry = None;
        let mut has_entered = false;
        let how = loop {
            if self.scene.is_resting() {
                break "own".to_owned();
            }
            let patience =
                end.map_or(SILENCE, |end| end.saturating_duration_since(Instant::now()).min(SILENCE));
            match timeout(patience, ws.try_next()).await {
                Ok(Ok(event)) => {
                    if event["type"] == "goodbye" {
                        retry = event["retry_after_ms"].as_u64().map(Duration::from_millis);
                    }
                    if !has_entered && event["type"] == "welcome" {
                        has_entered = true;
                        self.entered("WebSocket");
                    }
                    if !self.take(&event) {
                        break "unavailable".to_owned();
                    }
                }
                Ok(Err(code)) => break code.map_or_else(|| "cut".to_owned(), |code| code.to_string()),
                Err(_) if end.is_some_and(|end| end <= Instant::now()) => break "own".to_owned(),
                Err(_) => break "silence".to_owned(),
            }
        };
        if how == "own" && self.dice.below(2) == 0 {
            let _ = timeout(PATIENCE, ws.socket.close(None)).await;
        }
        self.ended(&how);
        retry
    }

    async fn over_sse(&mut self, node: usize, end: Instant) {
        let (rooms, token, at) = (&self.rooms, &self.token, self.cursor());
        let way = self.dice.below(3);
        let (query, header) = match way {
            0 => (format!("?rooms={rooms}&token={token}&since={at}"), None),
            // As a browser comes back: its first cursor in the address, its last one in the header.
            1 => (
                format!("?rooms={rooms}&token={token}&since=inbox@00000000.0"),
                Some(("Last-Event-ID", &*at)),
            ),
            _ => {
                let Some(ticket) = self.ticket().await else { return };
                (format!("?rooms={}&ticket={ticket}&since={at}", self.rooms), None)
            }
        };
        let opening = Sse::try_open(self.scene.address(node), &query, header.as_slice());
        let Ok(Ok(mut sse)) = timeout(PATIENCE, opening).await else { return };
        // A node with a database of its own has forgotten its tickets when it was killed meanwhile.
        if AWAY.contains(&sse.status) || (way == 2 && sse.status == 401) {
            return;
        }
        assert_eq!(sse.status, 200);
        let mut has_entered = false;
        let patience = || end.saturating_duration_since(Instant::now());
        while let Ok(Some(event)) = timeout(patience(), sse.try_next()).await {
            if !has_entered && event["type"] == "welcome" {
                has_entered = true;
                self.entered("SSE");
            }
            if !self.take(&event) {
                return self.ended("unavailable");
            }
            if has_entered {
                assert_eq!(positions(sse.last_id(), &self.user), self.positions, "{event}");
            }
        }
    }

    /// Good for one connection, on any node; none where the one that is asked is away.
    async fn ticket(&mut self) -> Option<String> {
        let http = self.polls[self.dice.below(self.polls.len() as u64) as usize].http.clone();
        let answer = attempt(&http, http.request("POST", "/v1/tickets"), String::new()).await.ok()?;
        assert!(answer.status == 201 || AWAY.contains(&answer.status), "{}", answer.text());
        (answer.status == 201).then(|| text(&answer.json(), "ticket"))
    }

    async fn over_poll(&mut self, node: usize, end: Instant) {
        let mut has_entered = false;
        while Instant::now() < end || !has_entered {
            let cursor = self.cursor();
            let wait = self.dice.below(3);
            // Some are given up: what they might have brought, the next one brings.
            let patience = if self.dice.below(3) == 0 { self.dice.millis(40) } else { PATIENCE };
            let poll = &mut self.polls[node];
            poll.cursor = cursor;
            let Ok(Some(events)) = timeout(patience, poll.try_next(wait)).await else { return };
            if !has_entered {
                has_entered = true;
                self.entered("long poll");
            }
            for event in &events {
                self.take(event);
            }
            assert_eq!(positions(&self.polls[node].cursor, &self.user), self.positions);
        }
    }

    /// Polls until it stands at these positions or the deadline is over; what is missing is the checker's.
    pub async fn catch_up(&mut self, tops: &BTreeMap<Stream, Position>, deadline: Instant) {
        while self.positions.iter().any(|(stream, at)| tops.get(stream).is_some_and(|top| top != at))
            && Instant::now() < deadline
        {
            let node = self.dice.below(self.polls.len() as u64) as usize;
            let cursor = self.cursor();
            let poll = &mut self.polls[node];
            poll.cursor = cursor;
            if let Ok(Some(events)) = timeout(PATIENCE, poll.try_next(0)).await {
                for event in &events {
                    self.take(event);
                }
            }
        }
    }

    fn cursor(&self) -> String {
        cursor_of(&self.positions)
    }

    fn entered(&mut self, transport: &'static str) {
        *self.scene.record().accounts[self.account].visits.entry(transport).or_default() += 1;
    }

    fn ended(&self, how: &str) {
        *self.scene.record().accounts[self.account].ends.entry(how.to_owned()).or_default() += 1;
    }

    /// Takes note of an event, and stands where it says. Whether all is well: a room that takes nobody in now is
    /// asked again from the start.
    fn take(&mut self, event: &Value) -> bool {
        let event_type = text(event, "type");
        let counters = match event_type.as_str() {
            "welcome" => &event["inbox"]["counters"],
            _ => &event["counters"],
        };
        if counters.is_object() {
            let mut history = self.scene.record();
            let known = &mut history.accounts[self.account].counters;
            // Older ones are ignored.
            if known["version"].as_u64() <= counters["version"].as_u64() {
                *known = counters.clone();
            }
        }
        match event_type.as_str() {
            "skip" | "gap" => {
                let reason = (event_type == "gap").then(|| text(event, "reason"));
                let [from, to] = ["from", "to"].map(|field| Position::parse(&text(event, field)));
                self.note(self.stream(&text(event, "stream")), to.clone(), What::Hole { from, to, reason });
            }
            "message" => {
                let position = Position::parse(&text(event, "position"));
                let (key, meant) = (text(&event["data"], "key"), vec![text(&event["data"], "room")]);
                let what = What::Shown { position: position.clone(), key, meant };
                self.note(Stream::Room(text(event, "room")), position, what);
            }
            "degraded" | "restored" => {
                self.scene.record().accounts[self.account].notices.push(event_type);
            }
            "error" => {
                assert_eq!(
                    (&event["command"], &event["code"]),
                    (&json!("join"), &json!("unavailable")),
                    "{event}"
                );
                return false;
            }
            dotted if dotted.contains('.') => {
                let position = Position::parse(&text(event, "position"));
                let meant = serde_json::from_value(event["payload"]["to"].clone()).unwrap();
                let what = What::Shown { position: position.clone(), key: text(event, "id"), meant };
                self.note(Stream::Inbox(self.user.clone()), position, what);
            }
            _ => {}
        }
        true
    }

    fn stream(&self, name: &str) -> Stream {
        if name == "inbox" { Stream::Inbox(self.user.clone()) } else { Stream::Room(name.to_owned()) }
    }

    fn note(&mut self, stream: Stream, at: Position, what: What) {
        let before =
            self.positions.insert(stream.clone(), at).unwrap_or_else(|| panic!("{stream:?} is not followed"));
        let told = Told { at: Instant::now(), stream, before, what };
        self.scene.record().accounts[self.account].told.push(told);
    }
}
