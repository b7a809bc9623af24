//! A client of a session, and the transport between them.

use std::{
    collections::{BTreeMap, VecDeque},
    task::{Context, Poll, Waker},
};

use tokio::{sync::mpsc, task::JoinHandle};

use super::{
    witness::{Asked, Record, Witness},
    *,
};
use crate::{outbox::Outgoing, session::commands::Pending};

/// A session with a client that reads when it is told to; between them is what a transport does.
pub struct Client {
    pub user: String,
    pub session: Rc<Session>,
    pub witness: Witness,
    commands: mpsc::UnboundedSender<String>,
    next_ref: u64,
    transport: JoinHandle<()>,
    pub is_over: bool,
}

impl Client {
    pub fn open(
        worker: &Rc<Worker>,
        user: &str,
        may_join: Vec<&'static str>,
        rooms: Vec<(&'static str, Option<Position>)>,
        is_busy: bool,
    ) -> Self {
        let positions = rooms.iter().filter_map(|(room, since)| Some(format!("{room}@{}", (*since)?)));
        let since = positions.collect::<Vec<_>>().join(",");
        let following = Following {
            rooms: rooms.iter().map(|(room, _)| room.parse().unwrap()).collect(),
            since: since.parse().unwrap_or_default(),
        };
        let identity = worker.gate.verify(&token(user, &may_join), clock::now()).unwrap();
        let session = Session::open(worker.clone(), Transport::WebSocket, following, Box::new(|| ()));
        session.admit(identity, Opening::Welcome(None));
        let (commands, arriving) = mpsc::unbounded_channel();
        let transport = actix::spawn(transport(session.clone(), arriving, is_busy));
        let opening = rooms.into_iter().collect();
        let witness =
            Witness { may_join, asked: BTreeMap::new(), opening, is_welcomed: false, rooms: BTreeMap::new() };
        Self { user: user.to_owned(), session, witness, commands, next_ref: 0, transport, is_over: false }
    }

    /// Sends a command; its answer is awaited.
    pub fn send(&mut self, asked: Asked, mut command: serde_json::Value) {
        self.next_ref += 1;
        command["ref"] = self.next_ref.into();
        self.witness.asked.insert(self.next_ref, asked);
        self.commands.send(command.to_string()).unwrap();
    }

    /// Reads at most so many frames, and ends where the server ends.
    pub fn read(&mut self, frames_max: usize, record: &mut Record) {
        for _ in 0..frames_max {
            let outgoing = self.session.outbox.poll_next(&mut Context::from_waker(Waker::noop()));
            if self.session.outbox.take_drained() {
                self.session.drained();
            }
            match outgoing {
                Poll::Pending => return,
                Poll::Ready(Outgoing::Frame(frame)) => {
                    self.witness.take(&serde_json::from_slice(frame.json()).unwrap(), record);
                }
                Poll::Ready(Outgoing::Close(_)) => {
                    self.close();
                    return;
                }
                Poll::Ready(Outgoing::Ping | Outgoing::Pong(_)) => {}
            }
        }
    }

    /// The connection is cut.
    pub fn close(&mut self) {
        self.transport.abort();
        self.session.closed();
        self.is_over = true;
    }
}

/// Gives the commands that arrive to the session, one after the other. As a connection's task it looks
/// after the one that waits at other times, too: where something arrives, and all the time if it is busy.
async fn transport(session: Rc<Session>, mut arriving: mpsc::UnboundedReceiver<String>, is_busy: bool) {
    let mut commands = VecDeque::new();
    let mut pending: Option<Pending> = Some(Box::pin(session.clone().opened()));
    loop {
        tokio::select! {
            biased;
            () = async { if let Some(pending) = &mut pending { pending.await } }, if pending.is_some() => {
                pending = None;
            }
            Some(command) = arriving.recv() => commands.push_back(command),
            () = turn(), if is_busy && pending.is_some() => {}
            else => return,
        }
        while pending.is_none()
            && let Some(command) = commands.pop_front()
        {
            pending = session.command(&command);
        }
    }
}
