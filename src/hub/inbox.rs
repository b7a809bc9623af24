//! Facts about inboxes: from the store to the sessions of their users.

use std::{collections::BTreeMap, time::Duration};

use actix::{AsyncContext, Context, Handler};

use super::{
    NotificationHub,
    messages::{Committed, InboxFact, MarkedChange},
    shard::{News, What},
};
use crate::{
    domain::{Counters, MarkTarget, Notification, Position, StreamName, UserId},
    protocol::{
        Frame,
        event::{Marked, MarkedAs, NotificationView, Skip},
    },
};

/// How long counters wait for further changes before they are told: one `unread` for a burst.
const UNREAD_DELAY: Duration = Duration::from_millis(50);

impl NotificationHub {
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
        if counters.is_newer_than(latest) {
            *latest = counters;
        }
    }

    fn flush_counters(&mut self) {
        let mut batch = BTreeMap::new();
        for (user, counters) in std::mem::take(&mut self.untold) {
            let frame = Frame::unread(counters);
            self.address(&mut batch, &user, What::Hint { frame, except: None });
        }
        self.send(batch);
    }
}

/// A notification as those see it who follow the inbox live.
fn event(notification: &Notification) -> What {
    let position = notification.position;
    let frame = if notification.muted {
        let from = Position { offset: position.offset.saturating_sub(1), ..position };
        Frame::hole(StreamName::Inbox, from, position, &Skip { stream: "inbox", from, to: position })
    } else {
        Frame::notification(position, &NotificationView(notification)).accepted_at(notification.created_at)
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
    Frame::marked(&Marked { mark_as, target, counters })
}

impl NotificationHub {
    /// Hands facts on to the sessions of their users, from whichever node they are.
    pub(super) fn hear_facts(&mut self, ctx: &mut Context<Self>, facts: Vec<InboxFact>) {
        let mut batch = BTreeMap::new();
        for fact in facts {
            if !self.sessions.has(fact.user()) {
                continue;
            }
            let (user, counters) = match fact {
                InboxFact::Appended { user, notification, counters } => {
                    self.address(&mut batch, &user, event(&notification));
                    // It was not counted, and passes in silence.
                    if notification.muted {
                        continue;
                    }
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
    }
}

impl Handler<Committed> for NotificationHub {
    type Result = ();

    fn handle(&mut self, Committed { facts, are_found, load }: Committed, ctx: &mut Self::Context) {
        if let Some(bus) = self.bus.as_mut().filter(|_| !are_found) {
            bus.announce(&facts);
            self.send_orders();
        }
        self.hear_facts(ctx, facts);
        drop(load);
    }
}
