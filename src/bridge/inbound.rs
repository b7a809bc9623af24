//! What is heard: words of the other nodes, made events for the hub.

use std::{
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use super::{
    connection::Loss,
    driver::Shared,
    envelope::{Body, Rejected},
    messages::BusEvent,
    names::Channel,
    pushes::{Push, Pushes},
};
use crate::{
    domain::{NodeId, RoomName},
    observe::metrics::{self, Dropped},
};

/// Most words that are taken at once.
const BATCH: usize = 256;

/// How often it is logged what others do wrong.
const COMPLAINT_INTERVAL: Duration = Duration::from_secs(5);

impl Shared {
    /// Hears until the connection is lost.
    pub async fn hear(&self, pushes: &mut Pushes) -> Loss {
        let mut batch = Vec::with_capacity(BATCH);
        loop {
            self.teller.has_room().await;
            pushes.next(&mut batch, BATCH).await;
            metrics::bus_heard(batch.len());
            for push in batch.drain(..) {
                match push {
                    Push::Said { channel, text, .. } => self.said(&channel, &text),
                    Push::TooLarge { channel } => {
                        if let Some(Channel::Room(room)) = self.calls.names().parse(&channel) {
                            self.miss(&room);
                        }
                    }
                    Push::Unsubscribed { channel } => {
                        let channel = self.calls.names().parse(&channel);
                        if channel.is_some_and(|channel| self.followed.borrow().is_wanted(&channel)) {
                            return Loss::Disconnected;
                        }
                    }
                    Push::Disconnected => return Loss::Disconnected,
                }
            }
            if pushes.has_dropped() {
                metrics::dropped(Dropped::BusFull, 1);
                log::warn!("more is said on the bus than this node can hear; it reads again what it missed");
                self.teller.retell();
            }
        }
    }

    fn said(&self, channel: &str, text: &[u8]) {
        let Some(channel) = self.calls.names().parse(channel) else { return };
        // What was unfollowed meanwhile interests nobody.
        if !self.followed.borrow().is_wanted(&channel) {
            return;
        }
        let heard = match &channel {
            Channel::Inbox(user) => self.calls.sealer.open(&channel, text).and_then(|body| {
                let (node, fact) = body.into_fact(user.clone()).ok_or(Rejected::Malformed)?;
                if node != self.node {
                    self.teller.tell(BusEvent::Facts(vec![fact]));
                }
                Ok(())
            }),
            Channel::Room(room) => self.said_in_room(room, &channel, text),
            Channel::Nodes => self.calls.sealer.open(&channel, text).and_then(|body| match body {
                Body::Told { node, to, kind, body } => {
                    if node != self.node && to.is_none_or(|to| to == self.node) {
                        self.teller.tell(BusEvent::Told { from: node, kind, body });
                    }
                    Ok(())
                }
                _ => Err(Rejected::Malformed),
            }),
        };
        if let Err(rejected) = heard {
            self.reject(rejected);
        }
    }

    fn said_in_room(&self, room: &RoomName, channel: &Channel, text: &[u8]) -> Result<(), Rejected> {
        let sealer = &self.calls.sealer;
        if text.get(8) == Some(&b'.') {
            let message = sealer.open_numbered(room, text).inspect_err(|_| self.miss(room))?;
            self.tell_of(room, BusEvent::Said(message));
            return Ok(());
        }
        let room = room.clone();
        let (node, event): (NodeId, BusEvent) = match sealer.open(channel, text)? {
            Body::Members { node, before, users, has_more } => {
                self.watch(node);
                let all = self.rolls.borrow_mut().hear((room.clone(), node), before, users, has_more);
                let Some(users) = all else { return Ok(()) };
                (node, BusEvent::Members { room: room.clone(), node, users })
            }
            Body::Entered { node, user } => {
                self.watch(node);
                (node, BusEvent::Entered { room: room.clone(), node, user })
            }
            Body::Exited { node, user } => (node, BusEvent::Exited { room: room.clone(), node, user }),
            Body::Typing { node, user, is_active } => {
                (node, BusEvent::Typing { room: room.clone(), node, user, is_active })
            }
            _ => return Err(Rejected::Malformed),
        };
        if node != self.node {
            self.tell_of(&room, event);
        }
        Ok(())
    }

    /// A number may be missing.
    fn miss(&self, room: &RoomName) {
        self.tell_of(room, BusEvent::Missed(room.clone()));
    }

    /// Tells the hub what was heard of a room, when it knows how the room is.
    fn tell_of(&self, room: &RoomName, event: BusEvent) {
        let held = self.opening.borrow_mut().hold(room, event);
        match held {
            Ok(Some(event)) => self.teller.tell(event),
            Ok(None) => {}
            Err(()) => self.teller.retell(),
        }
    }

    /// Counts what was not believed.
    pub fn reject(&self, why: Rejected) {
        let before = self.rejected.fetch_add(1, Ordering::Relaxed);
        self.complain(format_args!(
            "something on the bus was not believed, the {}th time: {why}",
            before + 1
        ));
    }

    /// Logs what may happen many times, once in a while.
    pub fn complain(&self, what: std::fmt::Arguments<'_>) {
        let now = Instant::now();
        if self.complained_at.get().is_none_or(|at| now.duration_since(at) >= COMPLAINT_INTERVAL) {
            self.complained_at.set(Some(now));
            log::warn!("{what}");
        }
    }
}
