//! The way to the hub for the sessions of one worker.
//!
//! What they say in one turn of the worker goes to the hub in one message: to wake another thread costs
//! more than all that it does for a message.

use std::{cell::RefCell, rc::Rc};

use tokio::sync::Notify;

use super::{
    HubLink,
    messages::{Request, Requests},
};
use crate::mailbox::Load;

pub struct HubQueue {
    hub: HubLink,
    waiting: RefCell<Vec<Request>>,
    filled: Notify,
}

impl HubQueue {
    /// Starts the queue of this thread.
    pub fn launch(hub: HubLink) -> Rc<Self> {
        let queue = Rc::new(Self { hub, waiting: RefCell::default(), filled: Notify::new() });
        actix::spawn(send(queue.clone()));
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

    /// As [`HubLink::load`].
    pub fn load(&self, bytes: usize) -> Option<Load> {
        self.hub.load(bytes)
    }
}

/// Has its turn after the connections that were ready with the one that filled the queue.
async fn send(queue: Rc<HubQueue>) {
    loop {
        queue.filled.notified().await;
        queue.hub.tell(Requests(queue.waiting.take()));
    }
}
