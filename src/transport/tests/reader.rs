//! One logical reader: it carries its cursor from connection to connection, of whatever kind.

use std::{rc::Rc, time::Duration};

use futures_util::FutureExt;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use super::{
    super::poll::{self, Known},
    LOBBY,
    event_stream::EventStream,
    record::{Moment, Record},
    stand::Restart,
    witness::{Asked, Witness},
};
use crate::{
    domain::{Counters, Cursor, StreamName},
    limits::Place,
    session::{
        Following, Worker,
        tests::{connection::Connection, identity},
    },
};

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    WebSocket,
    EventStream,
    LongPoll,
}

enum Link {
    Cut,
    WebSocket(Connection),
    EventStream(EventStream),
    LongPoll(JoinHandle<Option<Value>>),
}

pub struct Reader {
    pub user: &'static str,
    pub kind: Kind,
    pub follows_lobby: bool,
    link: Link,
    pub witness: Witness,
}

impl Reader {
    pub fn new(user: &'static str, kind: Kind, follows_lobby: bool) -> Self {
        Self { user, kind, follows_lobby, link: Link::Cut, witness: Witness::new(user) }
    }

    /// Connects as what it is now; an earlier connection is cut.
    pub fn connect(&mut self, worker: &Rc<Worker>, restart: Restart, wait: Duration, is_busy: bool) {
        self.cut();
        self.witness.connect(restart);
        let rooms = if self.follows_lobby { vec![LOBBY.parse().unwrap()] } else { Vec::new() };
        let positions = self.witness.cursor().into_iter();
        let since =
            Cursor::of(positions.map(|(name, at)| (name.parse::<StreamName>().unwrap(), at)).collect());
        let following = Following { rooms, since };
        let identity = identity(worker, self.user, &[LOBBY]);
        self.link = match self.kind {
            Kind::WebSocket => Link::WebSocket(Connection::open(worker, identity, following, is_busy)),
            Kind::EventStream => Link::EventStream(EventStream::open(worker, identity, following)),
            Kind::LongPoll => {
                let wait = if following.since.is_empty() { Duration::ZERO } else { wait };
                let worker = worker.clone();
                let Counters { version, marks_version, .. } = self.witness.counters;
                let known = Known { version: Some(version), marks_version: Some(marks_version) };
                Link::LongPoll(actix::spawn(async move {
                    // Where there are too many it is refused, and the reader comes again.
                    let (line, place) = (Box::new(()), Place::default());
                    let answer =
                        poll::gather(&worker, identity, following, known, wait, line, place).await.ok()?;
                    Some(serde_json::to_value(answer.body().unwrap()).unwrap())
                }))
            }
        };
    }

    /// The connection is gone, with all that was on its way.
    pub fn cut(&mut self) {
        match std::mem::replace(&mut self.link, Link::Cut) {
            Link::Cut | Link::EventStream(_) => {}
            Link::WebSocket(mut conn) => conn.close(),
            Link::LongPoll(answer) => answer.abort(),
        }
    }

    pub fn is_connected(&self) -> bool {
        match &self.link {
            Link::Cut => false,
            Link::WebSocket(conn) => !conn.is_over,
            Link::EventStream(stream) => !stream.is_over,
            Link::LongPoll(answer) => !answer.is_finished(),
        }
    }

    /// Reads at most so many events; of a poll the answer, if it is there.
    pub fn read(&mut self, events_max: usize, record: &mut Record) {
        let witness = &mut self.witness;
        match &mut self.link {
            Link::Cut => {}
            Link::WebSocket(conn) => conn.read(events_max, |event| witness.take(&event, record)),
            Link::EventStream(stream) => stream.read(events_max, |event, id| {
                witness.take(&event, record);
                witness.take_id(id.as_deref(), &event);
            }),
            Link::LongPoll(answer) => {
                if answer.is_finished()
                    && let Some(answer) = answer.now_or_never()
                {
                    if let Some(answer) = answer.unwrap() {
                        witness.take_answer(&answer, record);
                    }
                    self.link = Link::Cut;
                }
            }
        }
    }

    /// Sends a command, if it can; its answer is awaited.
    pub fn send(&mut self, asked: impl FnOnce() -> Asked, command: Value) -> bool {
        match &mut self.link {
            Link::WebSocket(conn) if !conn.is_over => {
                let reference = conn.send(command);
                self.witness.asked.insert(reference, asked());
                true
            }
            _ => false,
        }
    }

    pub fn resume(&mut self, restart: Restart) {
        if let Some(since) = restart.since {
            self.send(|| Asked::Resume(restart, Moment::now()), json!({ "type": "resume", "since": since }));
        }
    }
}
