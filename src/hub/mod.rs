//! ACTOR `NotificationHub`: knows who is there, and hands facts on to their workers.
//!
//! It owns the register of sessions by user and the limits on it; its shards execute its heartbeats. It
//! owns no pool, no secret and no business rule, asks nobody, and its handlers never wait. It keeps no
//! position: the delivery rule is applied where the events are delivered, in each session's
//! subscription, so a batch that was lost on the way here is noticed there too.

pub mod liveness;
pub mod messages;
mod register;
pub mod shard;
pub mod slots;

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use actix::{Actor, Addr, AsyncContext, Context, Handler};
use messages::{Committed, Drain, InboxFact, MarkedChange, Register, ShardReady, Unregister};
use register::SessionRegister;
use shard::{News, ShardLink, What};

use crate::{
    domain::{Counters, MarkTarget, Notification, UserId},
    mailbox,
    protocol::{
        Class, CloseCode, Frame,
        event::{Marked, MarkedAs, NotificationView, Skip, Unread},
    },
};

/// Batches of facts that may wait for the hub; the store makes up for what does not fit.
const MAILBOX_CAPACITY: usize = 4096;

/// How long counters wait for further changes before they are told: one `unread` for a burst.
const UNREAD_DELAY: Duration = Duration::from_millis(50);

pub struct NotificationHub {
    shards: BTreeMap<u16, ShardLink>,
    sessions: SessionRegister,
    /// Counters that changed and were not told yet.
    untold: HashMap<UserId, Counters>,
}

impl NotificationHub {
    /// `sessions_per_user`: beyond it the oldest session of the user ends (4504); 0 is no limit.
    pub fn new(sessions_per_user: usize) -> Self {
        Self {
            shards: BTreeMap::new(),
            sessions: SessionRegister::new(sessions_per_user),
            untold: HashMap::new(),
        }
    }

    /// Puts news under every shard that has sessions of the user.
    fn address(&self, batch: &mut BTreeMap<u16, Vec<News>>, user: &UserId, what: What) {
        for shard in self.sessions.shards_of(user) {
            batch.entry(shard).or_default().push(News { user: user.clone(), what: what.clone() });
        }
    }

    fn send(&self, batch: BTreeMap<u16, Vec<News>>) {
        for (shard, news) in batch {
            if let Some(shard) = self.shards.get(&shard) {
                shard.deliver(news);
            }
        }
    }

    /// Tells counters a little later, together with what changes until then.
    fn tell_counters(&mut self, ctx: &mut Context<Self>, user: UserId, counters: Counters) {
        if self.untold.is_empty() {
            ctx.run_later(UNREAD_DELAY, |hub, _| hub.flush_counters());
        }
        let latest = self.untold.entry(user).or_insert(counters);
        if latest.version <= counters.version {
            *latest = counters;
        }
    }

    fn flush_counters(&mut self) {
        let mut batch = BTreeMap::new();
        for (user, counters) in std::mem::take(&mut self.untold) {
            let frame = Frame::new(Class::Hint, &Unread { counters });
            self.address(&mut batch, &user, What::Hint { frame, except: None });
        }
        self.send(batch);
    }
}

/// The way to the hub for sessions.
#[derive(Clone)]
pub struct HubLink(Addr<NotificationHub>);

impl HubLink {
    pub fn new(hub: Addr<NotificationHub>) -> Self {
        Self(hub)
    }

    pub fn register(&self, fact: Register) {
        mailbox::signal(&self.0, fact);
    }

    pub fn unregister(&self, fact: Unregister) {
        mailbox::signal(&self.0, fact);
    }

    pub fn shard_ready(&self, shard: ShardLink) {
        mailbox::signal(&self.0, ShardReady { shard });
    }

    pub fn drain(&self, over: Duration) {
        mailbox::signal(&self.0, Drain { over });
    }

    pub fn is_alive(&self) -> bool {
        self.0.connected()
    }
}

/// A notification as those see it who follow the inbox live.
fn event(notification: &Notification) -> What {
    let position = notification.position;
    let frame = if notification.muted {
        let from = crate::domain::Position { offset: position.offset - 1, ..position };
        Frame::new(Class::Inbox, &Skip { stream: "inbox", from, to: position })
    } else {
        Frame::new(Class::Inbox, &NotificationView(notification))
    };
    What::Event { position, frame }
}

fn marked(change: &MarkedChange, counters: Counters) -> Frame {
    let deleted;
    let (mark_as, target) = match change {
        MarkedChange::As(mark_as, target) => (MarkedAs::Mark(*mark_as), target),
        MarkedChange::Deleted(ids) => {
            deleted = MarkTarget::Ids(ids.clone());
            (MarkedAs::Deleted, &deleted)
        }
    };
    Frame::new(Class::Hint, &Marked { mark_as, target, counters })
}

impl Actor for NotificationHub {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(MAILBOX_CAPACITY);
    }
}

impl Handler<ShardReady> for NotificationHub {
    type Result = ();

    fn handle(&mut self, ShardReady { shard }: ShardReady, _: &mut Self::Context) {
        self.shards.insert(shard.id, shard);
    }
}

impl Handler<Register> for NotificationHub {
    type Result = ();

    fn handle(&mut self, Register { session, user }: Register, _: &mut Self::Context) {
        // The newest stays, so that a ghost locks nobody out.
        if let Some(oldest) = self.sessions.add(user, session)
            && let Some(shard) = self.shards.get(&oldest.shard)
        {
            shard.end(oldest, CloseCode::ConnectionLimit);
        }
    }
}

impl Handler<Unregister> for NotificationHub {
    type Result = ();

    fn handle(&mut self, Unregister { session, user }: Unregister, _: &mut Self::Context) {
        self.sessions.remove(&user, session);
    }
}

impl Handler<Committed> for NotificationHub {
    type Result = ();

    fn handle(&mut self, Committed { facts, load }: Committed, ctx: &mut Self::Context) {
        let mut batch = BTreeMap::new();
        for fact in facts {
            if !self.sessions.has(fact.user()) {
                continue;
            }
            let (user, counters) = match fact {
                InboxFact::Appended { user, notification, counters } => {
                    self.address(&mut batch, &user, event(&notification));
                    (user, counters)
                }
                InboxFact::Marked { user, origin, change, counters } => {
                    let frame = marked(&change, counters);
                    self.address(&mut batch, &user, What::Hint { frame, except: origin });
                    (user, counters)
                }
                InboxFact::Changed { user, position, counters } => {
                    self.address(&mut batch, &user, What::Ring { position });
                    (user, counters)
                }
            };
            self.tell_counters(ctx, user, counters);
        }
        self.send(batch);
        drop(load);
    }
}

impl Handler<Drain> for NotificationHub {
    type Result = ();

    fn handle(&mut self, Drain { over }: Drain, _: &mut Self::Context) {
        for shard in self.shards.values() {
            shard.drain(over);
        }
    }
}
