//! ACTOR `HubShard`: one on each HTTP worker; knows where the sessions of its thread are.
//!
//! The hub sends it one message for all its sessions; it puts shared frames into their outboxes, and
//! executes the hub's heartbeats with one timer. It decides nothing about users or streams.

use std::{
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use actix::{Actor, Addr, AsyncContext, Context, Handler, Message, Recipient};

use super::{
    liveness::{LivenessPolicy, TICK},
    slots::Slots,
};
use crate::{
    clock,
    domain::{Position, SessionKey, UserId},
    mailbox::{self, Budget, Load, OfferError},
    protocol::{CloseCode, Frame},
};

/// Bytes of frames that may wait for a shard.
const MAILBOX_BYTES: usize = 64 * 1024 * 1024;

/// Batches that may wait for a shard. What does not fit is made up for at the next tick.
const MAILBOX_CAPACITY: usize = 1024;

/// News for sessions of this worker, in order. Offered by the hub.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Deliver {
    pub news: Vec<News>,
    load: Load,
}

#[derive(Debug, Clone)]
pub struct News {
    pub user: UserId,
    pub what: What,
}

impl News {
    fn bytes(&self) -> usize {
        match &self.what {
            What::Event { frame, .. } | What::Hint { frame, .. } => frame.cost(),
            What::Ring { .. } => 0,
        }
    }
}

#[derive(Debug, Clone)]
pub enum What {
    Event { position: Position, frame: Frame },
    Ring { position: Position },
    Hint { frame: Frame, except: Option<SessionKey> },
}

/// End one session. Signalled by the hub; at most one for each session.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct EndSession {
    pub session: SessionKey,
    pub code: CloseCode,
}

/// Close all sessions, spread over this time. Signalled by the hub, once.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct DrainShard {
    pub over: Duration,
}

/// The hub's way to one shard.
#[derive(Clone)]
pub struct ShardLink {
    pub id: u16,
    addr: Addr<HubShard>,
    deliver: Recipient<Deliver>,
    budget: Budget,
    has_missed: Arc<AtomicBool>,
}

impl ShardLink {
    /// Offers news; what is not taken makes every session of the shard ask the truth at the next tick.
    pub fn deliver(&self, news: Vec<News>) {
        let bytes = news.iter().map(News::bytes).sum();
        let offered = match self.budget.take(bytes) {
            Some(load) => mailbox::offer(&self.deliver, Deliver { news, load }),
            None => Err(OfferError::Full),
        };
        if offered == Err(OfferError::Full) {
            self.has_missed.store(true, Ordering::Relaxed);
            log::warn!(shard = self.id; "a worker is behind; its sessions will read from the store");
        }
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

pub struct HubShard {
    slots: Rc<Slots>,
    policy: LivenessPolicy,
    has_missed: Arc<AtomicBool>,
    /// Ticks left until every session must have been closed.
    draining: Option<u32>,
}

impl HubShard {
    /// Starts the shard of this thread.
    pub fn launch(id: u16, slots: Rc<Slots>, policy: LivenessPolicy) -> ShardLink {
        let has_missed = Arc::new(AtomicBool::new(false));
        let addr = Self { slots, policy, has_missed: has_missed.clone(), draining: None }.start();
        ShardLink {
            id,
            deliver: addr.clone().recipient(),
            addr,
            budget: Budget::new(MAILBOX_BYTES),
            has_missed,
        }
    }

    /// Each tick has a timer of its own: an interval would make up at once for all that a stopped
    /// process has missed, and age every session by the time of the stop (X4).
    fn await_tick(ctx: &mut Context<Self>) {
        ctx.run_later(TICK, |shard, ctx| {
            shard.tick();
            Self::await_tick(ctx);
        });
    }

    fn tick(&mut self) {
        if self.has_missed.swap(false, Ordering::Relaxed) {
            self.slots.each(|receiver| {
                receiver.doubt();
                true
            });
        }
        if let Some(ticks_left) = self.draining {
            let mut to_close = self.slots.len().div_ceil(ticks_left.max(1) as usize);
            self.draining = Some(ticks_left.saturating_sub(1));
            self.slots.each(|receiver| {
                to_close -= usize::from(receiver.end(CloseCode::Restart));
                to_close > 0
            });
        }
        self.slots.tick(&self.policy, clock::now());
    }
}

impl Actor for HubShard {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(MAILBOX_CAPACITY);
        Self::await_tick(ctx);
    }
}

impl Handler<Deliver> for HubShard {
    type Result = ();

    fn handle(&mut self, Deliver { news, load }: Deliver, _: &mut Self::Context) {
        for News { user, what } in news {
            match what {
                What::Event { position, frame } => {
                    self.slots.each_of(&user, None, |receiver| receiver.event(position, &frame));
                }
                What::Ring { position } => {
                    self.slots.each_of(&user, None, |receiver| receiver.ring(position));
                }
                What::Hint { frame, except } => {
                    self.slots.each_of(&user, except, |receiver| receiver.hint(&frame));
                }
            }
        }
        drop(load);
    }
}

impl Handler<EndSession> for HubShard {
    type Result = ();

    fn handle(&mut self, EndSession { session, code }: EndSession, _: &mut Self::Context) {
        self.slots.with(session, |receiver| {
            receiver.end(code);
        });
    }
}

impl Handler<DrainShard> for HubShard {
    type Result = ();

    fn handle(&mut self, DrainShard { over }: DrainShard, _: &mut Self::Context) {
        self.draining = Some((over.as_millis() / TICK.as_millis()) as u32);
        self.tick();
    }
}
