//! ACTOR `HubShard`: one on each HTTP worker; knows where the sessions of its thread are.
//!
//! The hub sends it one message for all its sessions; it puts shared frames into their outboxes, and
//! executes the hub's heartbeats with one timer. It decides nothing about users or streams.

mod walk;

use std::{
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use actix::{Actor, AsyncContext, Context, Handler, Message};
use walk::Walk;

use super::{
    liveness::{LivenessPolicy, TICK},
    messages::{EndRevoked, RoomAnswer},
    rooms::RoomsState,
    seats::Seats,
    shard_link::ShardLink,
    slots::Slots,
};
use crate::{
    clock,
    domain::{Position, Revoked, RoomName, SessionKey, UserId},
    mailbox::Load,
    protocol::{CloseCode, Frame},
};

/// News for sessions of this worker, in order. Signalled by the hub, which counts what waits here.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Deliver {
    pub news: Vec<News>,
    pub load: Load,
}

#[derive(Debug, Clone)]
pub struct News {
    pub user: UserId,
    pub what: What,
}

impl News {
    pub fn bytes(&self) -> usize {
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

/// What the hub has to say about rooms, in order. Signalled by the hub, which counts what waits here.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct DeliverToRooms {
    pub words: Vec<RoomWord>,
}

#[derive(Debug)]
pub enum RoomWord {
    /// To all members of this worker but the session that caused it.
    FanOut { room: RoomName, frame: Frame, except: Option<SessionKey>, load: Load },
    /// To all members of this worker: the room has come to this position, how is to be read.
    Ring { room: RoomName, position: Position },
    /// To every session of this worker that is in a room.
    State(RoomsState),
    /// To the session that has asked something; at most one a question.
    Answer { session: SessionKey, answer: RoomAnswer },
}

pub struct HubShard {
    pub(super) slots: Rc<Slots>,
    seats: Rc<Seats>,
    walk: Walk,
    policy: LivenessPolicy,
    has_missed: Arc<AtomicBool>,
    /// Ticks left until every session must have been closed.
    draining: Option<u32>,
}

impl HubShard {
    /// Starts the shard of this thread.
    pub fn launch(id: u16, slots: Rc<Slots>, seats: Rc<Seats>, policy: LivenessPolicy) -> ShardLink {
        let has_missed = Arc::new(AtomicBool::new(false));
        let shard = Self {
            slots,
            seats,
            walk: Walk::default(),
            policy,
            has_missed: has_missed.clone(),
            draining: None,
        };
        ShardLink::new(id, shard.start(), has_missed)
    }

    /// Each tick has a timer of its own: an interval would make up at once for all that a stopped
    /// process has missed, and age every session by the time of the stop (X4). What a busy worker is late by, the
    /// next one makes up for, or sessions would age slower than time.
    fn await_tick(ctx: &mut Context<Self>, due: Instant) {
        ctx.run_later(due.saturating_duration_since(Instant::now()), move |shard, ctx| {
            shard.tick();
            let now = Instant::now();
            let was_stopped = due + TICK < now;
            Self::await_tick(ctx, if was_stopped { now } else { due } + TICK);
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
        Self::await_tick(ctx, Instant::now() + TICK);
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

impl Handler<DeliverToRooms> for HubShard {
    type Result = ();

    fn handle(&mut self, DeliverToRooms { words }: DeliverToRooms, ctx: &mut Self::Context) {
        let was_quiet = self.walk.is_over();
        for word in words {
            match word {
                RoomWord::FanOut { room, frame, except, load } => {
                    if self.seats.say(&room, frame, except, load) {
                        self.walk.add(room);
                    }
                }
                RoomWord::Ring { room, position } => self.seats.ring(&room, position),
                RoomWord::State(state) => self.slots.each(|receiver| {
                    receiver.rooms_state(state);
                    true
                }),
                RoomWord::Answer { session, answer } => {
                    self.slots.with(session, |receiver| receiver.answer(answer));
                }
            }
        }
        if was_quiet && !self.walk.is_over() {
            self.walk_soon(ctx);
        }
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

impl Handler<EndRevoked> for HubShard {
    type Result = ();

    fn handle(&mut self, EndRevoked { revocations }: EndRevoked, _: &mut Self::Context) {
        for revocation in &*revocations {
            match &revocation.revoked {
                Revoked::User(user) => self.slots.each_of(user, None, |receiver| receiver.revoke(revocation)),
                Revoked::Token(_) | Revoked::Session(_) => self.slots.each(|receiver| {
                    receiver.revoke(revocation);
                    true
                }),
            }
        }
    }
}

impl Handler<DrainShard> for HubShard {
    type Result = ();

    fn handle(&mut self, DrainShard { over }: DrainShard, _: &mut Self::Context) {
        self.draining = Some((over.as_millis() / TICK.as_millis()) as u32);
        self.tick();
    }
}
