//! The hub's way to its shards, bounded in bytes and in work.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use actix::Addr;

use super::{
    messages::{DescribeSessions, EndRevoked, RoomAnswer, SessionView},
    rooms::{RoomsState, Shards},
    shard::{Deliver, DeliverToRooms, DrainShard, EndSession, HubShard, News, RoomWord},
};
use crate::{
    domain::{Position, RoomName, SessionKey},
    mailbox::{self, AskError, Budget, Standing},
    observe::metrics::{self, Dropped},
    protocol::{CloseCode, Frame},
};

/// Bytes of news, and of what rooms say, that may wait for a shard: apart, so that busy rooms do not make
/// inboxes wait.
const NEWS_BYTES: usize = 64 * 1024 * 1024;
const FAN_OUTS_BYTES: usize = 64 * 1024 * 1024;

/// What a message weighs beside its bytes: it costs its worker time for each session, so some
/// thousands are as many as should wait, however small they are.
const MESSAGE_BYTES: usize = 16 * 1024;

#[derive(Clone)]
pub struct ShardLink {
    pub id: u16,
    addr: Addr<HubShard>,
    news: Budget,
    fan_outs: Budget,
    has_missed: Arc<AtomicBool>,
}

impl ShardLink {
    /// `has_missed` tells the shard that it was not told something.
    pub fn new(id: u16, addr: Addr<HubShard>, has_missed: Arc<AtomicBool>) -> Self {
        let (news, fan_outs) = (Budget::new(NEWS_BYTES), Budget::new(FAN_OUTS_BYTES));
        Self { id, addr, news, fan_outs, has_missed }
    }

    /// Gives news; what finds no room makes every session of the shard ask the truth at the next tick.
    pub fn deliver(&self, news: Vec<News>) {
        let bytes: usize = news.iter().map(News::bytes).sum();
        let count = news.len();
        if let Some(load) = self.news.take(bytes + MESSAGE_BYTES) {
            mailbox::signal(&self.addr, Deliver { news, load });
        } else {
            metrics::dropped(Dropped::WorkerFull, count);
            self.has_missed.store(true, Ordering::Relaxed);
            log::warn!(shard = self.id; "a worker is behind; its sessions will read from the store");
        }
    }

    /// News and what rooms say that wait for it.
    pub fn standing(&self) -> Standing {
        [self.news.standing(), self.fan_outs.standing()].into_iter().sum()
    }

    pub fn end(&self, session: SessionKey, code: CloseCode) {
        mailbox::signal(&self.addr, EndSession { session, code });
    }

    pub fn revoke(&self, revoked: EndRevoked) {
        mailbox::signal(&self.addr, revoked);
    }

    /// The sessions of the worker that are meant.
    ///
    /// # Errors
    /// As [`mailbox::ask`].
    pub async fn describe(
        &self,
        describe: DescribeSessions,
        deadline: Duration,
    ) -> Result<Vec<SessionView>, AskError> {
        mailbox::ask(&self.addr.clone().recipient(), describe, deadline).await
    }

    pub fn drain(&self, over: Duration) {
        mailbox::signal(&self.addr, DrainShard { over });
    }

    pub fn is_alive(&self) -> bool {
        self.addr.connected()
    }
}

/// What the hub says about rooms in one turn: one message to each worker concerned.
pub struct Dispatch<'a> {
    links: &'a BTreeMap<u16, ShardLink>,
    words: RefCell<BTreeMap<u16, Vec<RoomWord>>>,
}

impl<'a> Dispatch<'a> {
    pub fn new(links: &'a BTreeMap<u16, ShardLink>) -> Self {
        Self { links, words: RefCell::default() }
    }

    pub fn send(self) {
        for (shard, words) in self.words.into_inner() {
            if let Some(link) = self.links.get(&shard) {
                mailbox::signal(&link.addr, DeliverToRooms { words });
            }
        }
    }

    fn say(&self, shard: u16, word: RoomWord) {
        self.words.borrow_mut().entry(shard).or_default().push(word);
    }
}

impl Shards for Dispatch<'_> {
    fn has_capacity(&self, shard: u16, bytes: usize) -> bool {
        self.links.get(&shard).is_some_and(|link| link.fan_outs.has(bytes + MESSAGE_BYTES))
    }

    fn fan_out(&self, shard: u16, room: &RoomName, frame: &Frame, except: Option<SessionKey>) -> bool {
        let Some(link) = self.links.get(&shard) else { return false };
        if frame.position().is_none() && link.fan_outs.is_strained() {
            metrics::dropped(Dropped::WorkerStrained, 1);
            return false;
        }
        // What has a number was asked about before, so it finds room.
        let Some(load) = link.fan_outs.take(frame.cost() + MESSAGE_BYTES) else {
            log::error!(shard; "a worker that had room for a message has none");
            return false;
        };
        self.say(shard, RoomWord::FanOut { room: room.clone(), frame: frame.clone(), except, load });
        true
    }

    fn answer(&self, session: SessionKey, answer: RoomAnswer) {
        self.say(session.shard, RoomWord::Answer { session, answer });
    }

    fn ring(&self, shard: u16, room: &RoomName, position: Position) {
        self.say(shard, RoomWord::Ring { room: room.clone(), position });
    }

    fn tell_state(&self, state: RoomsState) {
        self.links.keys().for_each(|shard| self.say(*shard, RoomWord::State(state)));
    }
}
