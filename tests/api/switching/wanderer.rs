//! One logical client with one cursor, on whatever transport.

use std::{collections::BTreeMap, net::SocketAddr, time::Duration};

use serde_json::{Value, json};
use tokio::time::{Instant, timeout, timeout_at};

use crate::{
    app::App,
    clients::{
        poll::Poll,
        room::EVERYWHERE,
        sse::{Sse, cursor},
        ws::Ws,
    },
    traffic::{Dice, offset_of},
};

/// The position of a user who never had a notification.
const VERY_START: &str = "00000000.0";

/// A part of a stream that was told to be nothing, or to be lost.
#[derive(Debug)]
pub struct Hole {
    pub stream: String,
    pub from: String,
    pub to: String,
    /// Where it is lost.
    pub reason: Option<String>,
}

pub struct Wanderer {
    address: SocketAddr,
    token: String,
    rooms: String,
    poll: Poll,
    /// Where it stands in each stream.
    pub positions: BTreeMap<String, String>,
    /// Stream, position and event of all that it was shown.
    pub seen: Vec<(String, String, Value)>,
    pub holes: Vec<Hole>,
    /// How often it was let in, by transport.
    pub visits: BTreeMap<&'static str, usize>,
}

impl Wanderer {
    /// Begins where everything stands now.
    pub async fn start(app: &App, user: &str, rooms: &[&str]) -> Self {
        let rooms = rooms.join(",");
        let poll = Poll::start(app, user, EVERYWHERE, &rooms).await;
        Self {
            address: app.address,
            token: app.token(user, EVERYWHERE),
            rooms,
            positions: cursor(&poll.cursor),
            poll,
            seen: Vec::new(),
            holes: Vec::new(),
            visits: BTreeMap::new(),
        }
    }

    /// Stays for a while on a transport by chance; whether it was let in.
    pub async fn visit(&mut self, dice: &mut Dice, stay: Duration) -> bool {
        let end = Instant::now() + stay;
        let (transport, was_let_in) = match dice.below(3) {
            0 => ("WebSocket", self.over_ws(dice, end).await),
            1 => ("SSE", self.over_sse(dice, end).await),
            _ => ("long poll", self.over_poll(dice, end).await),
        };
        *self.visits.entry(transport).or_default() += usize::from(was_let_in);
        was_let_in
    }

    async fn over_ws(&mut self, dice: &mut Dice, end: Instant) -> bool {
        let query = format!("?rooms={}&since={}", self.rooms, self.cursor());
        let authorization = format!("Bearer {}", self.token);
        let opened = Ws::open(self.address, &query, &[("authorization", &authorization)]).await;
        let Ok(mut ws) = opened else { return false };
        let Ok(welcome) = ws.try_next().await else { return false };
        assert_eq!((&welcome["type"], &welcome["resume"]), (&json!("welcome"), &json!("complete")));
        while let Ok(Ok(event)) = timeout_at(end, ws.try_next()).await {
            self.take(&event);
        }
        if dice.below(2) == 0 {
            let _ = ws.socket.close(None).await;
        }
        true
    }

    async fn over_sse(&mut self, dice: &mut Dice, end: Instant) -> bool {
        let (rooms, token, at) = (&self.rooms, &self.token, self.cursor());
        let way = dice.below(3);
        let opened = match way {
            0 => {
                let query = format!("?rooms={rooms}&token={token}&since={at}");
                Sse::try_open(self.address, &query, &[]).await
            }
            1 => {
                // As a browser comes back: its first cursor in the address, its last one in the header.
                let query = format!("?rooms={rooms}&token={token}&since=inbox@{VERY_START}");
                Sse::try_open(self.address, &query, &[("Last-Event-ID", &at)]).await
            }
            _ => {
                let Some(ticket) = self.ticket().await else { return false };
                let query = format!("?rooms={rooms}&ticket={ticket}&since={at}");
                Sse::try_open(self.address, &query, &[]).await
            }
        };
        let Ok(mut sse) = opened else { return false };
        // A server that was killed meanwhile has forgotten its tickets.
        if way == 2 && sse.status == 401 {
            return false;
        }
        assert_eq!(sse.status, 200);
        let mut was_let_in = false;
        while let Ok(Some(event)) = timeout_at(end.max(Instant::now()), sse.try_next()).await {
            was_let_in |= event["type"] == "welcome";
            self.take(&event);
            if was_let_in {
                assert_eq!(cursor(sse.last_id()), self.positions, "{event}");
            }
        }
        was_let_in
    }

    /// Good for one connection; none where the server is away.
    async fn ticket(&self) -> Option<String> {
        let answer = self.poll.http.try_send(self.poll.http.request("POST", "/v1/tickets"), "").await.ok()?;
        let ticket = (answer.status == 201).then(|| answer.json()["ticket"].as_str().unwrap().to_owned());
        assert!(ticket.is_some() || answer.status == 503, "{}", answer.text());
        ticket
    }

    async fn over_poll(&mut self, dice: &mut Dice, end: Instant) -> bool {
        let mut was_let_in = false;
        while Instant::now() < end || !was_let_in {
            self.poll.cursor = self.cursor();
            let wait = dice.below(3);
            let asking = self.poll.try_next(wait);
            // Some are given up: what they might have brought, the next one brings.
            let patience = if dice.below(3) == 0 { dice.millis(40) } else { Duration::from_secs(10) };
            let Ok(answer) = timeout(patience, asking).await else { return true };
            let Some(events) = answer else { return was_let_in };
            was_let_in = true;
            for event in events {
                self.take(&event);
            }
            assert_eq!(cursor(&self.poll.cursor), self.positions);
        }
        true
    }

    /// Polls until it stands at these positions, and nothing more comes.
    pub async fn catch_up(&mut self, tops: &BTreeMap<String, String>) {
        loop {
            self.poll.cursor = self.cursor();
            let events = self.poll.next(0).await;
            events.iter().for_each(|event| self.take(event));
            assert_eq!(cursor(&self.poll.cursor), self.positions);
            if &self.positions == tops {
                return;
            }
        }
    }

    fn cursor(&self) -> String {
        let positions = self.positions.iter().map(|(stream, position)| format!("{stream}@{position}"));
        positions.collect::<Vec<_>>().join(",")
    }

    /// Takes note of an event, which must follow the last one of its stream.
    fn take(&mut self, event: &Value) {
        let text = |field: &str| event[field].as_str().unwrap_or_else(|| panic!("{event}")).to_owned();
        let event_type = text("type");
        match event_type.as_str() {
            "skip" | "gap" => {
                let (stream, from, to) = (text("stream"), text("from"), text("to"));
                let before = self.positions.insert(stream.clone(), to.clone()).unwrap();
                let is_start = before == VERY_START && from.ends_with(".0");
                assert!(before == from || is_start, "{before}: {event}");
                let reason = (event_type == "gap").then(|| text("reason"));
                self.holes.push(Hole { stream, from, to, reason });
            }
            "message" => self.show(text("room"), text("position"), event),
            dotted if dotted.contains('.') => self.show("inbox".to_owned(), text("position"), event),
            "error" => panic!("{event}"),
            _ => {}
        }
    }

    fn show(&mut self, stream: String, position: String, event: &Value) {
        let before = &self.positions[&stream];
        let is_same_epoch = before == VERY_START || before[..8] == position[..8];
        assert!(is_same_epoch && offset_of(&position) == offset_of(before) + 1, "{before}: {event}");
        self.positions.insert(stream.clone(), position.clone());
        self.seen.push((stream, position, event.clone()));
    }
}
