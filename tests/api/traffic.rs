//! Traffic for tests under load: chance that can be had again, publishers, and a client that keeps its cursor.

use std::{
    cell::Cell,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::{
    app::App,
    clients::{
        http::Http,
        ws::{Ws, is_numbered},
    },
};

/// Chance from a seed that is printed; `TIDINGS_TEST_SEED` gives the same again.
pub struct Dice(u64);

impl Dice {
    pub fn new() -> Self {
        let given = std::env::var("TIDINGS_TEST_SEED").ok().map(|seed| seed.parse().unwrap());
        let seed =
            given.unwrap_or_else(|| SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_micros() as u64);
        println!("TIDINGS_TEST_SEED={seed}");
        Self(seed)
    }

    /// A number below `bound` (SplitMix64).
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (bits ^ (bits >> 31)) % bound
    }

    pub fn millis(&mut self, bound: u64) -> Duration {
        Duration::from_millis(self.below(bound))
    }

    /// Chance of its own for a part of the test that runs beside the others.
    pub fn fork(&mut self) -> Self {
        Self(self.below(u64::MAX))
    }
}

/// A publish of `{"n": n}` to these users, made larger by a text of so many bytes.
pub fn draft(to: &[&str], n: u64, filler: usize) -> Value {
    json!({ "to": to, "type": "test.event", "payload": { "n": n, "text": "x".repeat(filler) } })
}

/// One accepted notification, as its publisher was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    pub user: String,
    pub offset: u64,
    pub id: String,
}

/// The receipts of a 201.
pub fn receipts(body: &Value) -> Vec<Receipt> {
    let receipt = |item: &Value| Receipt {
        user: item["to"].as_str().unwrap().to_owned(),
        offset: offset_of(item["position"].as_str().unwrap()),
        id: item["id"].as_str().unwrap().to_owned(),
    };
    body["notifications"].as_array().unwrap().iter().map(receipt).collect()
}

pub fn offset_of(position: &str) -> u64 {
    position.split_once('.').unwrap().1.parse().unwrap()
}

/// Publishes, and fails the test where that is not accepted.
pub async fn publish(http: &Http, draft: &Value) -> Vec<Receipt> {
    let answer = http.post("/v1/notifications", draft).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    receipts(&answer.json())
}

/// Publishes `count` times to these users from so many publishers at once.
pub async fn publish_all(
    app: &App,
    to: &[&str],
    count: u64,
    filler: usize,
    publishers: usize,
) -> Vec<Receipt> {
    let next = Cell::new(1);
    let publisher = || async {
        let http = app.http(&app.publisher());
        let mut accepted = Vec::new();
        while next.get() <= count {
            let n = next.replace(next.get() + 1);
            accepted.extend(publish(&http, &draft(to, n, filler)).await);
        }
        accepted
    };
    join_all((0..publishers).map(|_| publisher())).await.into_iter().flatten().collect()
}

/// A client that follows an inbox as a good one does: it keeps its position from what it is told, and
/// comes back with it. Each number must follow the one before.
pub struct Follower {
    pub user: String,
    pub position: String,
    /// Offset and id of every notification.
    pub seen: Vec<(u64, String)>,
}

impl Follower {
    /// Follows from this position.
    pub fn new(user: &str, position: &str) -> Self {
        Self { user: user.to_owned(), position: position.to_owned(), seen: Vec::new() }
    }

    /// Follows from the very start of the inbox.
    pub fn from_start(user: &str) -> Self {
        Self::new(user, "00000000.0")
    }

    pub async fn connect(&self, app: &App) -> Ws {
        app.ws_at(&self.user, &self.query()).await
    }

    /// What it asks for when it connects.
    pub fn query(&self) -> String {
        format!("?since=inbox@{}", self.position)
    }

    /// Takes note of what came, whatever it is.
    pub fn take(&mut self, event: &Value) {
        if !is_numbered(event) {
            return;
        }
        match event["type"].as_str().unwrap() {
            "skip" => {
                assert_eq!(event["from"], self.position.as_str(), "{event}");
                self.position = event["to"].as_str().unwrap().to_owned();
            }
            "gap" => panic!("{} at {}: {event}", self.user, self.position),
            _ => {
                let position = event["position"].as_str().unwrap();
                assert_eq!(
                    offset_of(position),
                    self.offset() + 1,
                    "{} at {}: {event}",
                    self.user,
                    self.position
                );
                self.seen.push((offset_of(position), event["id"].as_str().unwrap().to_owned()));
                self.position = position.to_owned();
            }
        }
    }

    pub fn offset(&self) -> u64 {
        offset_of(&self.position)
    }

    /// Reads until it stands at `offset`; nothing numbered may lie behind it.
    pub async fn read_to(&mut self, ws: &mut Ws, offset: u64) {
        while self.offset() < offset {
            self.take(&ws.next().await);
        }
        ws.send(json!({ "type": "ping", "ref": "end" })).await;
        loop {
            let event = ws.next().await;
            assert!(!is_numbered(&event), "{} stands at {offset}: {event}", self.user);
            if event["ref"] == "end" {
                return;
            }
        }
    }
}
