//! The other nodes, as the hub knows them: what it has for them, and what came from them.

use std::time::Instant;

use actix::{Context, Handler, Recipient};

use super::{NotificationHub, messages::InboxFact, shard_link::Dispatch};
use crate::{
    bridge::messages::{BusEvent, BusEvents, Order, Orders, Tell},
    clock,
    mailbox::{self, Budget},
    peers::messages::{FollowBus, PeerNews},
};

/// Bytes of facts that may wait for the bridge. What finds no room the other nodes find out by themselves.
const FACTS_BYTES: usize = 64 * 1024 * 1024;

/// What one fact weighs beside its payload, so that some ten thousand may wait however small they are.
const FACT_BYTES: usize = 4 * 1024;

/// The way to the bridge.
pub(super) struct BusLink {
    bridge: Recipient<Orders>,
    facts: Budget,
    is_live: bool,
    /// The inboxes of other nodes are those of this one.
    has_inboxes: bool,
    /// What is to be sent at the end of this turn.
    orders: Vec<Order>,
}

impl BusLink {
    pub(super) fn new(bridge: Recipient<Orders>) -> Self {
        Self {
            bridge,
            facts: Budget::new(FACTS_BYTES),
            is_live: false,
            has_inboxes: true,
            orders: Vec::new(),
        }
    }

    /// What is known of inboxes stays here: other nodes have others, of the same users.
    pub(super) fn keep_inboxes_apart(&mut self) {
        self.has_inboxes = false;
    }

    /// The first session of a user has come, or the last one is gone.
    pub(super) fn follow(&mut self, order: Order) {
        if self.has_inboxes {
            self.order(order);
        }
    }

    pub(super) fn order(&mut self, order: Order) {
        self.orders.push(order);
    }

    fn hear(&mut self, event: &BusEvent) {
        match event {
            BusEvent::Live => self.is_live = true,
            BusEvent::Away => self.is_live = false,
            _ => {}
        }
    }

    /// Tells the other nodes what the store of this one has committed. While the bus is away, they find it out.
    pub(super) fn announce(&mut self, facts: &[InboxFact]) {
        let bytes: usize = facts.iter().map(|fact| fact.bytes() + FACT_BYTES).sum();
        if self.is_live
            && self.has_inboxes
            && let Some(load) = self.facts.take(bytes)
        {
            self.orders.push(Order::Announce { facts: facts.to_vec(), load });
        }
    }
}

impl NotificationHub {
    /// One message to the bridge for all that a turn has for it.
    pub(super) fn send_orders(&mut self) {
        let Some(bus) = &mut self.bus else { return };
        let mut orders = std::mem::take(&mut bus.orders);
        orders.extend(self.rooms.take_orders());
        if !orders.is_empty() {
            mailbox::signal_to(&bus.bridge, Orders(orders));
        }
    }
}

fn news_of_nodes(event: &BusEvent) -> Option<PeerNews> {
    match event {
        BusEvent::Live => Some(PeerNews::Live),
        BusEvent::Away => Some(PeerNews::Away),
        BusEvent::NodeLost(node) => Some(PeerNews::Lost(*node)),
        _ => None,
    }
}

impl NotificationHub {
    /// Hands on what is about nodes and no stream. Who does not listen has lost it.
    fn tell_peers(&self, news: PeerNews) {
        if let Some(peers) = &self.peers {
            let _ = mailbox::offer(peers, news);
        }
    }
}

impl Handler<Tell> for NotificationHub {
    type Result = ();

    fn handle(&mut self, tell: Tell, _: &mut Context<Self>) {
        if let Some(bus) = &mut self.bus {
            bus.order(Order::Tell(tell));
        }
        self.send_orders();
    }
}

impl Handler<FollowBus> for NotificationHub {
    type Result = ();

    fn handle(&mut self, FollowBus(peers): FollowBus, _: &mut Context<Self>) {
        if self.bus.as_ref().is_some_and(|bus| bus.is_live) {
            let _ = mailbox::offer(&peers, PeerNews::Live);
        }
        self.peers = Some(peers);
    }
}

impl Handler<BusEvents> for NotificationHub {
    type Result = ();

    fn handle(&mut self, BusEvents(events): BusEvents, ctx: &mut Context<Self>) {
        let (now, at) = (Instant::now(), clock::now());
        let mut facts = Vec::new();
        let dispatch = Dispatch::new(&self.shards);
        for event in events {
            match event {
                BusEvent::Facts(more) => facts.extend(more),
                BusEvent::Followed(users) => self.sessions.local_users().follow(users),
                BusEvent::Told { from, kind, body } => self.tell_peers(PeerNews::Told { from, kind, body }),
                event => {
                    if let Some(news) = news_of_nodes(&event) {
                        self.tell_peers(news);
                    }
                    if let Some(bus) = &mut self.bus {
                        bus.hear(&event);
                    }
                    self.rooms.hear(&dispatch, now, at, event);
                }
            }
        }
        dispatch.send();
        // Before the sessions, so that no poll is answered what is behind the event that woke it.
        self.sessions.local_users().hear(&facts);
        self.hear_facts(ctx, facts);
        self.finish_turn();
    }
}

#[cfg(test)]
mod tests {
    use actix::Actor;

    use super::*;
    use crate::{
        domain::{Counters, MarkAs, MarkTarget},
        hub::messages::MarkedChange,
    };

    /// A bridge that takes nothing in.
    struct Deaf;

    impl Actor for Deaf {
        type Context = Context<Self>;
    }

    impl Handler<Orders> for Deaf {
        type Result = ();

        fn handle(&mut self, _: Orders, _: &mut Context<Self>) {}
    }

    #[actix::test]
    async fn facts_beyond_what_may_wait_for_the_bridge_are_left_to_the_sweep_of_the_others() {
        let mut bus = BusLink::new(Deaf.start().recipient());
        bus.hear(&BusEvent::Live);
        let fact = InboxFact::Marked {
            user: "alice".parse().unwrap(),
            origin: None,
            change: MarkedChange::As(MarkAs::Read, MarkTarget::All),
            counters: Counters::default(),
        };
        let facts = vec![fact; FACTS_BYTES / FACT_BYTES];
        bus.announce(&facts);
        bus.announce(&facts[..1]);
        assert_eq!(bus.orders.len(), 1);
        bus.orders.clear();
        bus.announce(&facts[..1]);
        assert_eq!(bus.orders.len(), 1);
        bus.hear(&BusEvent::Away);
        bus.announce(&facts[..1]);
        assert_eq!(bus.orders.len(), 1, "while the bus is away");
    }
}
