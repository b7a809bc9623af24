//! Tells the hub: in order, many events at a time, and no faster than it hears.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    time::{Duration, Instant},
};

use actix::Recipient;
use tokio::sync::{Notify, watch};

use super::messages::{BusEvent, BusEvents};

/// Most events in one message to the hub, so that it hears others in between.
const BATCH: usize = 256;

/// Beyond this many that wait, nothing more is taken from Redis.
const WAITING_MAX: usize = 1024;

/// How often everything is read again at most: to read much again is no cure for having too much to do.
const RETELL_INTERVAL: Duration = Duration::from_secs(1);

/// What the hub is still to be told. The bridge may wait for it, since it never waits for the bridge.
pub struct Teller {
    waiting: RefCell<VecDeque<BusEvent>>,
    /// Something was lost on the way here.
    has_missed: Cell<bool>,
    told_live_at: Cell<Option<Instant>>,
    has_more: Notify,
    has_room: Notify,
    /// The same for the store, which looks for what was missed of inboxes.
    lives: watch::Sender<bool>,
}

impl Teller {
    pub fn new(lives: watch::Sender<bool>) -> Self {
        Self {
            waiting: RefCell::default(),
            has_missed: Cell::default(),
            told_live_at: Cell::default(),
            has_more: Notify::new(),
            has_room: Notify::new(),
            lives,
        }
    }

    pub fn tell(&self, event: BusEvent) {
        if let BusEvent::Live | BusEvent::Away = event {
            let is_live = matches!(event, BusEvent::Live);
            // What was missed before is read again when the bus is there, and not before.
            self.has_missed.set(false);
            self.told_live_at.set(is_live.then(Instant::now));
            self.lives.send_replace(is_live);
        }
        self.waiting.borrow_mut().push_back(event);
        self.has_more.notify_one();
    }

    /// Everything is to be read again: something that came was dropped, or others have forgotten this node.
    pub fn retell(&self) {
        self.has_missed.set(true);
        self.has_more.notify_one();
    }

    /// Returns when the hub keeps up. Whoever takes something from Redis waits for this before.
    pub async fn has_room(&self) {
        while self.waiting.borrow().len() >= WAITING_MAX {
            self.has_room.notified().await;
        }
    }

    /// Hands events on until the hub is gone.
    pub async fn run(&self, hub: &Recipient<BusEvents>) {
        loop {
            let has_more = self.has_more.notified();
            match self.has_missed.get() {
                true => _ = tokio::time::timeout(RETELL_INTERVAL, has_more).await,
                false => has_more.await,
            }
            while let Some(batch) = self.take() {
                if hub.send(BusEvents(batch)).await.is_err() {
                    return;
                }
                self.has_room.notify_waiters();
            }
        }
    }

    fn take(&self) -> Option<Vec<BusEvent>> {
        let is_due = self.told_live_at.get().is_some_and(|at| at.elapsed() >= RETELL_INTERVAL);
        if is_due && self.has_missed.get() {
            self.tell(BusEvent::Live);
        }
        let mut waiting = self.waiting.borrow_mut();
        let count = waiting.len().min(BATCH);
        (count > 0).then(|| waiting.drain(..count).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn teller() -> Teller {
        Teller::new(watch::channel(false).0)
    }

    #[test]
    fn what_was_missed_is_not_told_as_live_behind_a_loss() {
        let teller = teller();
        teller.tell(BusEvent::Live);
        teller.told_live_at.set(Instant::now().checked_sub(RETELL_INTERVAL));
        teller.retell();
        teller.tell(BusEvent::Away);
        assert!(matches!(teller.take().unwrap().as_slice(), [BusEvent::Live, BusEvent::Away]));
        teller.retell();
        assert!(teller.take().is_none());
    }

    #[test]
    fn everything_is_read_again_once_a_second_at_most() {
        let teller = teller();
        teller.tell(BusEvent::Live);
        teller.retell();
        assert!(matches!(teller.take().unwrap().as_slice(), [BusEvent::Live]));
        assert!(teller.take().is_none());
        teller.told_live_at.set(Instant::now().checked_sub(RETELL_INTERVAL));
        assert!(matches!(teller.take().unwrap().as_slice(), [BusEvent::Live]));
        assert!(teller.take().is_none());
    }
}
