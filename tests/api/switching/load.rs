//! What is published meanwhile, and what became of it as its publishers were told.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    time::Duration,
};

use awc::ClientRequest;
use serde_json::{Value, json};

use crate::{
    app::App,
    clients::{http::Http, room::EVERYWHERE},
    traffic::{Dice, receipts},
};

pub const ROOMS: [&str; 2] = ["one", "two"];

/// The type that the user has muted.
pub const MUTED: &str = "muted.event";

/// How long a publisher rests between two of its own.
const PAUSE: Duration = Duration::from_millis(8);

pub struct Load {
    backend: Http,
    reader: Http,
    speaker: Http,
    is_over: Cell<bool>,
    /// Accepted notifications: id by offset.
    pub accepted: RefCell<BTreeMap<u64, String>>,
    /// Accepted messages: room and position, and their data.
    pub said: RefCell<BTreeMap<(String, String), u64>>,
}

impl Load {
    /// Publishes to this user and its rooms.
    pub async fn new(app: &App, user: &str) -> Self {
        let muted = app.user(user).put(&format!("/v1/mutes/{MUTED}"), &json!({})).await;
        assert_eq!(muted.status, 200, "{}", muted.text());
        Self {
            backend: app.http(&app.publisher()),
            reader: app.user(user),
            speaker: app.http(&app.token("speaker", EVERYWHERE)),
            is_over: Cell::new(false),
            accepted: RefCell::default(),
            said: RefCell::default(),
        }
    }

    pub fn end(&self) {
        self.is_over.set(true);
    }

    /// Publishes notifications, each with a key of its own and again until it is accepted. Some expire soon,
    /// some take the place of others, some are muted, and of those accepted some are deleted or archived.
    pub async fn notify(&self, publisher: usize, user: &str, mut dice: Dice) {
        for n in 0.. {
            if self.is_over.get() {
                return;
            }
            let mut draft = json!({ "to": user, "type": "test.event", "payload": { "n": n } });
            match dice.below(20) {
                0 | 1 => draft["expires_in"] = json!(1),
                2 | 3 => draft["key"] = json!(format!("key {}", dice.below(3))),
                4..7 => draft["type"] = json!(MUTED),
                _ => {}
            }
            let accepted = self.until_accepted(&format!("{publisher}-{n}"), &draft).await;
            for receipt in receipts(&accepted) {
                let doubled = self.accepted.borrow_mut().insert(receipt.offset, receipt.id);
                assert_eq!(doubled, None, "{accepted}");
            }
            match dice.below(8) {
                0 => self.hide_one(&mut dice, 1).await,
                1 => self.hide_one(&mut dice, 20).await,
                _ => {}
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn until_accepted(&self, key: &str, draft: &Value) -> Value {
        loop {
            let request = self.backend.request("POST", "/v1/notifications");
            let request = request.insert_header(("Idempotency-Key", key));
            let answer = self.backend.try_send(with_json(request), draft.to_string()).await;
            match answer {
                Ok(answer) if answer.status == 201 => return answer.json(),
                // What was not answered is still under way.
                Ok(answer) => assert!([409, 503].contains(&answer.status), "{}", answer.text()),
                Err(_) => {}
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Deletes or archives one of the newest that were accepted, seen or not.
    async fn hide_one(&self, dice: &mut Dice, newest: usize) {
        let id = {
            let accepted = self.accepted.borrow();
            let newest = accepted.values().rev().take(newest).cloned().collect::<Vec<_>>();
            newest[dice.below(newest.len() as u64) as usize].clone()
        };
        // Whether it was done is told by the table.
        let _ = if dice.below(2) == 0 {
            self.reader.try_send(self.reader.request("DELETE", &format!("/v1/notifications/{id}")), "").await
        } else {
            let mark = json!({ "as": "archived", "ids": [id] }).to_string();
            let request = with_json(self.reader.request("POST", "/v1/notifications/mark"));
            self.reader.try_send(request, mark).await
        };
    }

    /// Says numbers in both rooms; what was not answered is not repeated.
    pub async fn say(&self) {
        for n in 0.. {
            if self.is_over.get() {
                return;
            }
            let room = ROOMS[(n % 2) as usize];
            let request = with_json(self.speaker.request("POST", &format!("/v1/rooms/{room}/messages")));
            let answer = self.speaker.try_send(request, json!({ "data": n }).to_string()).await;
            if let Ok(answer) = answer.as_ref().map_err(drop)
                && answer.status == 201
            {
                let position = answer.json()["position"].as_str().unwrap().to_owned();
                let doubled = self.said.borrow_mut().insert((room.to_owned(), position), n);
                assert_eq!(doubled, None, "{}", answer.text());
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}

fn with_json(request: ClientRequest) -> ClientRequest {
    request.insert_header(("Content-Type", "application/json"))
}
