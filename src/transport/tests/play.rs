//! Plays the steps on the real parts.

use std::{cell::RefCell, rc::Rc, time::Duration};

use actix::Actor;
use serde_json::json;
use tokio::task::JoinHandle;

use super::{
    LOBBY, USERS,
    doorbell::{Doorbell, Fate},
    quiet::PATIENCE,
    reader::{Kind, Reader},
    record::Record,
    stand::Restart,
    steps::{Aim, Since, Step},
    witness::Asked,
};
use crate::{
    domain::{Draft, Json, Mark, MarkAs, MarkTarget, MessageDraft, Position, UserId},
    hub::messages::{InboxFact, PublishMessage},
    session::tests::{house::House, turn},
    store::{
        messages::{ApplyMark, Delete, InboxState, Publish, PutMute, ReadState, RemoveMute},
        tests::chores::{DeleteEnded, End},
    },
};

pub struct Play {
    pub(super) house: House,
    pub(super) doorbell: Doorbell,
    pub(super) readers: Vec<Reader>,
    pub(super) record: Rc<RefCell<Record>>,
    /// What the store and the hub were asked and may not have answered.
    pub(super) asked: Vec<JoinHandle<()>>,
    said: usize,
}

pub(super) fn user(name: &str) -> UserId {
    name.parse().unwrap()
}

impl Play {
    pub fn new(fates: Vec<Fate>) -> Self {
        let mut doorbell = None;
        let house = House::behind(|hub| {
            let doorbell = doorbell.insert(Doorbell::new(hub, fates));
            doorbell.clone().start().recipient()
        });
        let readers = USERS.iter().flat_map(|user| {
            [true, false].map(|follows_lobby| Reader::new(user, Kind::WebSocket, follows_lobby))
        });
        Self {
            readers: readers.collect(),
            house,
            doorbell: doorbell.unwrap(),
            record: Rc::default(),
            asked: Vec::new(),
            said: 0,
        }
    }

    pub async fn step(&mut self, step: Step) {
        match step {
            Step::Publish { to, kind, key, expires_in, count } => {
                for _ in 0..count {
                    self.publish(&to, kind, key, expires_in);
                }
            }
            Step::Mark { reader, mark_as, aim } => self.mark(reader, mark_as, &aim),
            Step::Delete { user, choice } => self.delete(user, choice),
            Step::Mute { user, pattern } => self.mute(user, pattern),
            Step::Unmute { user, pattern } => self.unmute(user, pattern),
            Step::Expire => self.delete_ended(End::Expired, 100),
            Step::Prune { limit } => self.delete_ended(End::Aged, limit),
            Step::Crowd { user: name, keep } => {
                self.record.borrow_mut().crowd(name);
                self.delete_ended(End::Outnumbered { user: user(name), keep }, 100);
            }
            Step::Say { count } => {
                for _ in 0..count {
                    self.say();
                }
            }
            Step::Connect { reader, worker, kind, since, is_busy, waits } => {
                let wait = if waits { PATIENCE } else { Duration::ZERO };
                let restart = self.restart(reader, &since);
                let reader = &mut self.readers[reader];
                reader.kind = kind;
                reader.connect(&self.house.workers[worker], restart, wait, is_busy);
            }
            Step::Resume { reader, since } => {
                let restart = self.restart(reader, &since);
                self.readers[reader].resume(restart);
            }
            Step::Cut { reader } => self.readers[reader].cut(),
            Step::Read { reader, events } => {
                self.readers[reader].read(events, &mut self.record.borrow_mut());
            }
            Step::LetGo { choices } => self.doorbell.let_go(&choices),
            Step::Ring { user } => self.ring(user).await,
            Step::Yield { times } => {
                for _ in 0..times {
                    turn().await;
                }
            }
            Step::Rest => tokio::time::sleep(Duration::from_millis(1)).await,
        }
    }

    /// Where this reader goes on.
    fn restart(&self, place: usize, since: &Since) -> Restart {
        let reader = &self.readers[place];
        let own = reader.witness.own();
        let at = |position: Position, offset| Position { offset, ..position };
        match since {
            Since::Own => own,
            Since::Nothing => Restart { since: None, is_forged: false },
            Since::Start => Restart { since: Some(Position::START), is_forged: false },
            Since::Older(choice) => {
                Restart { since: own.since.map(|own| at(own, choice % (own.offset + 1))), ..own }
            }
            Since::Ahead(by) => {
                let record = self.record.borrow();
                let top = record.known(reader.user).last().map(|(_, stored)| stored.position);
                Restart { since: top.map(|top| at(top, top.offset + by)), is_forged: true }
            }
            Since::OtherLife => Restart { since: "otherone.5".parse().ok(), is_forged: true },
        }
    }

    pub(super) fn publish(
        &mut self,
        to: &[&'static str],
        kind: &'static str,
        key: Option<&'static str>,
        expires_in: Option<Duration>,
    ) {
        let number = self.record.borrow_mut().publish(kind, key, expires_in);
        // Payloads are kept as they were written, line ends and all.
        let payload = format!("{{\"number\": {number},\n\"to\": {}}}", json!(to));
        let draft = Draft {
            to: to.iter().map(|name| user(name)).collect(),
            notification_type: kind.parse().unwrap(),
            v: 1,
            payload: Json::parse(&payload).unwrap(),
            key: key.map(str::to_owned),
            expires_in,
            push: None,
        };
        let publish = Publish { publisher: user("app"), idempotency_key: None, draft };
        let (store, record) = (self.house.store.clone(), self.record.clone());
        self.asked.push(actix::spawn(async move {
            let published = store.ask(publish).await.unwrap();
            record.borrow_mut().published(number, published.receipts);
        }));
    }

    /// Marks as a session where there is one, else as a request does.
    fn mark(&mut self, place: usize, mark_as: MarkAs, aim: &Aim) {
        let reader = &mut self.readers[place];
        let mut record = self.record.borrow_mut();
        let known = record.known(reader.user);
        let choose = |choice: &usize| choice.checked_rem(known.len()).map(|place| &known[place]);
        let target = match aim {
            Aim::Ids(choices) => MarkTarget::Ids(
                choices.iter().filter_map(choose).map(|(_, stored)| stored.id.clone()).collect(),
            ),
            Aim::UpTo(choice) => {
                choose(choice).map_or(MarkTarget::All, |(_, stored)| MarkTarget::UpTo(stored.position))
            }
            Aim::All => MarkTarget::All,
        };
        let word = serde_json::to_value(mark_as).unwrap();
        let command = match &target {
            MarkTarget::Ids(ids) => {
                let ids: Vec<&str> = ids.iter().map(|id| id.as_str()).collect();
                json!({ "type": "mark", "as": word, "ids": ids })
            }
            MarkTarget::UpTo(position) => json!({ "type": "mark", "as": word, "up_to": position }),
            MarkTarget::All => json!({ "type": "mark", "as": word, "all": true }),
        };
        let change = record.change(reader.user, Some(mark_as), target.clone());
        drop(record);
        if reader.send(|| Asked::Mark(change), command) {
            return;
        }
        let mark = ApplyMark { user: user(reader.user), mark: Mark { mark_as, target }, origin: None };
        let (store, record) = (self.house.store.clone(), self.record.clone());
        self.asked.push(actix::spawn(async move {
            store.ask(mark).await.unwrap();
            record.borrow_mut().change_answered(change);
        }));
    }

    fn delete(&mut self, name: &'static str, choice: usize) {
        let mut record = self.record.borrow_mut();
        let known = record.known(name);
        let Some(place) = choice.checked_rem(known.len()) else { return };
        let id = known[place].1.id.clone();
        let change = record.change(name, None, MarkTarget::Ids(vec![id.clone()]));
        let (store, record) = (self.house.store.clone(), self.record.clone());
        self.asked.push(actix::spawn(async move {
            // It may be gone already.
            let _ = store.ask(Delete { user: user(name), id }).await;
            record.borrow_mut().change_answered(change);
        }));
    }

    fn mute(&mut self, name: &'static str, pattern: &'static str) {
        let place = self.record.borrow_mut().mute(name, pattern);
        let mute = PutMute { user: user(name), pattern: pattern.parse().unwrap(), until: None };
        let (store, record) = (self.house.store.clone(), self.record.clone());
        self.asked.push(actix::spawn(async move {
            store.ask(mute).await.unwrap();
            record.borrow_mut().mute_answered(place);
        }));
    }

    fn unmute(&mut self, name: &'static str, pattern: &'static str) {
        let places = self.record.borrow_mut().unmute(name, pattern);
        let unmute = RemoveMute { user: user(name), pattern: pattern.parse().unwrap() };
        let (store, record) = (self.house.store.clone(), self.record.clone());
        self.asked.push(actix::spawn(async move {
            store.ask(unmute).await.unwrap();
            record.borrow_mut().unmute_answered(&places);
        }));
    }

    pub(super) fn delete_ended(&mut self, ended: End, limit: usize) {
        let store = self.house.store.clone();
        self.asked.push(actix::spawn(async move {
            store.ask(DeleteEnded { ended, limit }).await.unwrap();
        }));
    }

    pub(super) fn say(&mut self) {
        self.said += 1;
        let draft =
            MessageDraft { data: Json::parse(&self.said.to_string()).unwrap(), event: None, nonce: None };
        let load = self.house.hub.load(1).unwrap();
        let message = PublishMessage { room: LOBBY.parse().unwrap(), from: user("app"), draft, load };
        let hub = self.house.hub.clone();
        self.asked.push(actix::spawn(async move { hub.ask(message).await.unwrap().map(drop).unwrap() }));
    }

    pub(super) async fn state(&self, name: &str) -> InboxState {
        self.house.store.ask(ReadState { user: user(name) }).await.unwrap()
    }

    pub(super) async fn ring(&self, name: &str) {
        let InboxState { head, counters } = self.state(name).await;
        self.doorbell.ring(InboxFact::Changed { user: user(name), position: head.position(), counters });
    }
}
