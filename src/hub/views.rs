//! What the hub and its shards say of themselves to administrators.

use std::collections::HashSet;

use actix::{Context, Handler, MessageResult};

use super::{
    NotificationHub, ShardLink,
    messages::{
        CountHeads, DescribeSessions, Headcount, HubFigures, ListRooms, Measure, RoomView, SessionView,
    },
    shard::HubShard,
    slots::{Receiver, Slots},
};
use crate::domain::SessionId;

impl NotificationHub {
    fn heads(&self) -> Headcount {
        let (sessions, users) = self.sessions.count();
        Headcount { sessions, users, rooms: self.rooms.occupied() }
    }
}

impl Handler<CountHeads> for NotificationHub {
    type Result = MessageResult<CountHeads>;

    fn handle(&mut self, _: CountHeads, _: &mut Context<Self>) -> Self::Result {
        MessageResult(self.heads())
    }
}

impl Handler<Measure> for NotificationHub {
    type Result = MessageResult<Measure>;

    fn handle(&mut self, _: Measure, _: &mut Context<Self>) -> Self::Result {
        MessageResult(HubFigures {
            heads: self.heads(),
            history_bytes: self.rooms.history_bytes(),
            workers: self.shards.values().map(ShardLink::standing).sum(),
        })
    }
}

impl Handler<ListRooms> for NotificationHub {
    type Result = MessageResult<ListRooms>;

    fn handle(&mut self, ListRooms { prefix, limit }: ListRooms, _: &mut Context<Self>) -> Self::Result {
        let mut rooms: Vec<RoomView> = self.rooms.views(&prefix);
        rooms.sort_unstable_by(|a, b| a.room.cmp(&b.room));
        rooms.truncate(limit);
        MessageResult(rooms)
    }
}

impl Handler<DescribeSessions> for HubShard {
    type Result = MessageResult<DescribeSessions>;

    fn handle(&mut self, describe: DescribeSessions, _: &mut Context<Self>) -> Self::Result {
        MessageResult(newest(&self.slots, &describe))
    }
}

/// The newest sessions that are meant. Only those are looked at closely.
fn newest(slots: &Slots, DescribeSessions { filter, limit }: &DescribeSessions) -> Vec<SessionView> {
    let each = |act: &mut dyn FnMut(&dyn Receiver)| match &filter.user {
        Some(user) => slots.each_of(user, None, act),
        None => slots.each(|receiver| {
            act(receiver);
            true
        }),
    };
    let mut ids = Vec::new();
    each(&mut |receiver| ids.extend(receiver.is_meant(filter)));
    // A session's id begins with the time of its making.
    ids.sort_unstable_by(|a, b| b.cmp(a));
    ids.truncate(*limit);
    let ids: HashSet<SessionId> = ids.into_iter().collect();
    let mut views = Vec::with_capacity(ids.len());
    each(&mut |receiver| {
        if receiver.is_meant(filter).is_some_and(|id| ids.contains(&id)) {
            views.extend(receiver.view());
        }
    });
    views.sort_unstable_by(|a, b| b.session.cmp(&a.session));
    views
}
