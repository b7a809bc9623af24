//! A session with a transport that does what a WebSocket does, and a client that reads when it is told to.

use std::{
    collections::VecDeque,
    task::{Context, Waker},
};

use serde_json::Value;
use tokio::{sync::mpsc, task::JoinHandle};

use super::*;
use crate::{outbox::Outgoing, session::commands::Pending};

pub struct Connection {
    pub session: Rc<Session>,
    commands: mpsc::UnboundedSender<String>,
    next_ref: u64,
    transport: JoinHandle<()>,
    pub is_over: bool,
}

impl Connection {
    pub fn open(worker: &Rc<Worker>, identity: Identity, following: Following, is_busy: bool) -> Self {
        let session =
            Session::open(worker.clone(), Transport::WebSocket, following, Box::new(()), Place::default());
        session.admit(identity, Opening::Welcome(None));
        let (commands, arriving) = mpsc::unbounded_channel();
        let transport = actix::spawn(transport(session.clone(), arriving, is_busy));
        Self { session, commands, next_ref: 0, transport, is_over: false }
    }

    /// Sends a command, and says the ref that its answer will have.
    pub fn send(&mut self, mut command: Value) -> u64 {
        self.next_ref += 1;
        command["ref"] = self.next_ref.into();
        self.commands.send(command.to_string()).unwrap();
        self.next_ref
    }

    /// Reads at most so many events, and ends where the server ends.
    pub fn read(&mut self, events_max: usize, mut take: impl FnMut(Value)) {
        for _ in 0..events_max {
            let outgoing = self.session.outbox.poll_next(&mut Context::from_waker(Waker::noop()));
            if self.session.outbox.take_drained() {
                self.session.drained();
            }
            match outgoing {
                Poll::Pending => return,
                Poll::Ready(Outgoing::Frame(frame)) => take(serde_json::from_slice(frame.json()).unwrap()),
                Poll::Ready(Outgoing::Close(_)) => return self.close(),
                Poll::Ready(Outgoing::Ping | Outgoing::Pong(_)) => {}
            }
        }
    }

    /// The connection is cut.
    pub fn close(&mut self) {
        if !self.is_over {
            self.transport.abort();
            self.session.closed();
            self.is_over = true;
        }
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
