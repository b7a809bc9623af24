//! The way to the hub for the sessions of one worker.
//!
//! What they say in one turn of the worker goes to the hub in one message: to wake another thread costs
//! more than all that it does for a message.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use tokio::sync::Notify;

use super::{
    HubLink,
    messages::{HasPlace, Request, Requests},
};
use crate::{domain::UserId, mailbox::Load};

pub struct HubQueue {
    hub: HubLink,
    waiting: RefCell<Vec<Request>>,
    filled: Notify,
    /// Connections that have had their turn since something waits.
    turns: Cell<u32>,
}

/// So many connections have their turn, and no more, before what waits is sent: enough to share the price
/// of a wake-up, and few beside the thousands that a busy worker has ready.
const TURNS_MAX: u32 = 32;

impl HubQueue {
    /// Starts the queue of this thread.
    pub fn launch(hub: HubLink) -> Rc<Self> {
        let queue =
            Rc::new(Self { hub, waiting: RefCell::default(), filled: Notify::new(), turns: Cell::new(0) });
        actix::spawn(send_all(queue.clone()));
        queue
    }

    /// Says something to the hub, behind all that was said before on this worker.
    pub fn say(&self, request: Request) {
        let mut waiting = self.waiting.borrow_mut();
        waiting.push(request);
        if waiting.len() == 1 {
            self.filled.notify_one();
        }
    }

    /// A connection of this worker has had its turn.
    pub fn pass_turn(&self) {
        if self.waiting.borrow().is_empty() {
            return;
        }
        self.turns.set(self.turns.get() + 1);
        if self.turns.get() >= TURNS_MAX {
            self.send();
        }
    }

    fn send(&self) {
        self.turns.set(0);
        let requests = self.waiting.take();
        if !requests.is_empty() {
            self.hub.tell(Requests(requests));
        }
    }

    /// Whether one more event stream of this user may stay; where the hub is in trouble, none may.
    pub async fn has_place(&self, user: UserId) -> bool {
        self.hub.ask(HasPlace { user }).await.unwrap_or(false)
    }

    /// As [`HubLink::load`].
    pub fn load(&self, bytes: usize) -> Option<Load> {
        self.hub.load(bytes)
    }
}

/// Has its turn after the connections that were ready before something waited: at once on an idle worker.
async fn send_all(queue: Rc<HubQueue>) {
    loop {
        queue.filled.notified().await;
        queue.send();
    }
}
