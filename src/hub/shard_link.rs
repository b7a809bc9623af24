//! The hub's way to one shard, bounded in bytes and in work.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use actix::Addr;

use super::{
    messages::RoomAnswer,
    rooms::Shards,
    shard::{Answer, Broadcast, Deliver, DrainShard, EndSession, HubShard, News},
};
use crate::{
    domain::{RoomName, SessionKey},
    mailbox::{self, Budget},
    protocol::{CloseCode, Frame},
};

/// Bytes of news, and of broadcasts, that may wait for a shard: apart, so that busy rooms do not make
/// inboxes wait.
const NEWS_BYTES: usize = 64 * 1024 * 1024;
const BROADCASTS_BYTES: usize = 64 * 1024 * 1024;

/// What a message weighs beside its bytes: it costs its worker time for each session, so some
/// thousands are as many as should wait, however small they are.
const MESSAGE_BYTES: usize = 16 * 1024;

#[derive(Clone)]
pub struct ShardLink {
    pub id: u16,
    addr: Addr<HubShard>,
    news: Budget,
    broadcasts: Budget,
    has_missed: Arc<AtomicBool>,
}

impl ShardLink {
    /// `has_missed` tells the shard that it was not told something.
    pub fn new(id: u16, addr: Addr<HubShard>, has_missed: Arc<AtomicBool>) -> Self {
        let (news, broadcasts) = (Budget::new(NEWS_BYTES), Budget::new(BROADCASTS_BYTES));
        Self { id, addr, news, broadcasts, has_missed }
    }

    /// Gives news; what finds no room makes every session of the shard ask the truth at the next tick.
    pub fn deliver(&self, news: Vec<News>) {
        let bytes: usize = news.iter().map(News::bytes).sum();
        if let Some(load) = self.news.take(bytes + MESSAGE_BYTES) {
            mailbox::signal(&self.addr, Deliver { news, load });
        } else {
            self.has_missed.store(true, Ordering::Relaxed);
            log::warn!(shard = self.id; "a worker is behind; its sessions will read from the store");
        }
    }

    fn has_capacity(&self, bytes: usize) -> bool {
        self.broadcasts.has(bytes + MESSAGE_BYTES)
    }

    /// What has a number was asked about before, so it finds room; the rest is dropped under pressure.
    fn broadcast(&self, room: &RoomName, frame: &Frame, except: Option<SessionKey>) {
        if frame.position().is_none() && self.broadcasts.is_strained() {
            return;
        }
        let Some(load) = self.broadcasts.take(frame.cost() + MESSAGE_BYTES) else {
            log::error!(shard = self.id; "a worker that had room has none");
            return;
        };
        let broadcast = Broadcast { room: room.clone(), frame: frame.clone(), except, load };
        mailbox::signal(&self.addr, broadcast);
    }

    fn answer(&self, session: SessionKey, answer: RoomAnswer) {
        mailbox::signal(&self.addr, Answer { session, answer });
    }

    pub fn end(&self, session: SessionKey, code: CloseCode) {
        mailbox::signal(&self.addr, EndSession { session, code });
    }

    pub fn drain(&self, over: Duration) {
        mailbox::signal(&self.addr, DrainShard { over });
    }

    pub fn is_alive(&self) -> bool {
        self.addr.connected()
    }
}

impl Shards for BTreeMap<u16, ShardLink> {
    fn has_capacity(&self, shard: u16, bytes: usize) -> bool {
        self.get(&shard).is_some_and(|link| link.has_capacity(bytes))
    }

    fn broadcast(&self, shard: u16, room: &RoomName, frame: &Frame, except: Option<SessionKey>) {
        if let Some(link) = self.get(&shard) {
            link.broadcast(room, frame, except);
        }
    }

    fn answer(&self, session: SessionKey, answer: RoomAnswer) {
        if let Some(link) = self.get(&session.shard) {
            link.answer(session, answer);
        }
    }
}
