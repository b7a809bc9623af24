//! What is ordered: carried out in order, as many orders at once as wait.

use std::{collections::HashSet, sync::atomic::Ordering, time::Instant};

use redis::{ServerErrorKind, Value};
use tokio::sync::{mpsc, oneshot};

use super::{
    batch::{Batch, Then},
    connection::{Connection, Loss},
    driver::{Shared, Work},
    messages::{BusEvent, OpenRoom, Order, Purpose, RoomPublish},
    names::Channel,
    scripts,
};
use crate::{domain::RoomName, hub::messages::RoomRefusal, observe::metrics};

/// Most orders that are taken at once.
const BATCH: usize = 256;

/// Who is to be answered.
#[derive(Default)]
pub struct UnderWay {
    publishes: HashSet<u64>,
    rooms: Vec<RoomName>,
}

impl UnderWay {
    fn begin(&mut self, order: &Order) {
        match order {
            Order::Publish(publish) => _ = self.publishes.insert(publish.id),
            Order::OpenRoom(open) => self.rooms.push(open.room.clone()),
            _ => {}
        }
    }

    pub fn end_open(&mut self, room: &RoomName) {
        if let Some(place) = self.rooms.iter().position(|waiting| waiting == room) {
            self.rooms.swap_remove(place);
        }
    }

    /// The answers of a bus that is away.
    pub fn refuse(&mut self) -> Vec<BusEvent> {
        let publishes = self.publishes.drain().map(published_not);
        publishes.chain(self.rooms.drain(..).map(opened_not)).collect()
    }
}

impl Shared {
    /// Carries out what is ordered until the bus is lost; `None` when it was told to stop, and has, or
    /// nobody is left to order anything.
    pub async fn carry_out(
        &self,
        orders: &mut mpsc::UnboundedReceiver<Work>,
        connection: &Connection,
    ) -> Option<Loss> {
        let mut waiting = Vec::with_capacity(BATCH);
        // What was ordered while the connection was made.
        if let Err(loss) = self.settle_followed(connection).await {
            return Some(loss);
        }
        loop {
            self.teller.has_room().await;
            if orders.recv_many(&mut waiting, BATCH).await == 0 {
                return None;
            }
            let taken = waiting.iter().filter(|work| matches!(work, Work::Order(_))).count();
            self.waiting.fetch_sub(taken, Ordering::Relaxed);
            waiting.retain(|work| !self.is_ordered_again(work));
            // Whatever becomes of the bus from here on, these are answered, and what is to be followed is known.
            for work in &waiting {
                if let Work::Order(order) = work {
                    self.under_way.borrow_mut().begin(order);
                    self.note_inbox(order);
                }
            }
            match self.carry_out_some(waiting.drain(..), connection).await {
                Ok(None) => {}
                Ok(Some(done)) => {
                    // Whoever was sent away has as long as any other to come back on another node. After that
                    // this node's users are taken out by whoever notices.
                    if let Err(loss) = connection.call_one(self.calls.end_lease(self.leave_grace)).await {
                        log::warn!("this node's users are shown until its lease ends: {loss}");
                    }
                    let _ = done.send(());
                    return None;
                }
                Err(loss) => return Some(loss),
            }
        }
    }

    async fn carry_out_some(
        &self,
        work: impl Iterator<Item = Work>,
        connection: &Connection,
    ) -> Result<Option<oneshot::Sender<()>>, Loss> {
        let mut batch = Batch::default();
        let mut stop = None;
        for work in work {
            match work {
                Work::Order(order) => self.add(order, &mut batch),
                Work::Stop(done) => stop = Some(done),
            }
        }
        self.settle_followed(connection).await?;
        loop {
            let (calls, then) = batch.take();
            if calls.is_empty() {
                return Ok(stop);
            }
            let asked = Instant::now();
            let answers = connection.call(&calls).await?;
            metrics::bridge_answered(asked.elapsed());
            for (answer, then) in answers.into_iter().zip(then) {
                let answer = self.accepted(answer)?;
                match then {
                    Then::Nothing => {}
                    Then::Noted => self.is_stale.set(self.is_stale.get() || answer.is_none()),
                    Then::Published(id) => self.published(id, answer),
                    Then::Opened(room, known, purpose) => {
                        self.opened(room, known, &purpose, answer, connection).await?;
                    }
                }
            }
        }
    }

    async fn settle_followed(&self, connection: &Connection) -> Result<(), Loss> {
        let users = self.follow_changes(connection).await?;
        if !users.is_empty() {
            self.teller.tell(BusEvent::Followed(users));
        }
        Ok(())
    }

    /// An order is put into the queue.
    pub fn ordered(&self, order: &Order) {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        if let Order::OpenRoom(open) = order
            && let Purpose::Enter(_) = open.purpose
        {
            *self.ordered.borrow_mut().entry(open.room.clone()).or_default() += 1;
        }
    }

    /// Whether a room waits to be entered once more, which tells everything: then this time is nobody's, and is
    /// answered so. However often rooms are opened under load, no more is done than there are rooms.
    fn is_ordered_again(&self, work: &Work) -> bool {
        let Work::Order(Order::OpenRoom(OpenRoom { room, purpose, .. })) = work else { return false };
        let mut ordered = self.ordered.borrow_mut();
        let Some(times) = ordered.get_mut(room) else { return false };
        if let Purpose::Enter(_) = purpose {
            *times -= 1;
        }
        if *times == 0 {
            ordered.remove(room);
            return false;
        }
        self.teller.tell(opened_not(room.clone()));
        true
    }

    fn note_inbox(&self, order: &Order) {
        let mut followed = self.followed.borrow_mut();
        match order {
            Order::FollowInbox(user) => followed.follow(Channel::Inbox(user.clone())),
            Order::UnfollowInbox(user) => followed.unfollow(Channel::Inbox(user.clone())),
            _ => {}
        }
    }

    fn add(&self, order: Order, batch: &mut Batch) {
        let calls = &self.calls;
        match order {
            // Noted before.
            Order::FollowInbox(_) | Order::UnfollowInbox(_) => {}
            Order::Announce { facts, load } => {
                for fact in facts {
                    batch.add(calls.announce(fact), Then::Nothing);
                }
                batch.keep(load);
            }
            Order::OpenRoom(OpenRoom { room, known, purpose }) => {
                self.followed.borrow_mut().follow(Channel::Room(room.clone()));
                self.opening.borrow_mut().begin(room.clone());
                if let Purpose::Enter(members) = &purpose {
                    batch.add(calls.present(&room, members), Then::Noted);
                }
                batch.add(calls.open(&room, known, &purpose), Then::Opened(room, known, purpose));
            }
            Order::CloseRoom(room) => self.followed.borrow_mut().unfollow(Channel::Room(room)),
            Order::Publish(RoomPublish { id, room, from, draft, known, load }) => {
                batch.add(calls.publish(room, from, draft, known), Then::Published(id));
                batch.keep(load);
            }
            Order::Enter { room, user } => batch.add(calls.enter(room, user), Then::Noted),
            Order::Exit { room, user } => batch.add(calls.exit(room, user), Then::Noted),
            Order::Type { room, user, is_active } => {
                batch.add(calls.typing(room, user, is_active), Then::Nothing);
            }
            Order::Tell(tell) => batch.add(calls.tell(tell), Then::Nothing),
        }
    }

    /// The answer, if it is one; `None` if Redis has refused.
    ///
    /// # Errors
    /// Where it will refuse everything: another server has to be found.
    fn accepted(&self, answer: Value) -> Result<Option<Value>, Loss> {
        let Value::ServerError(error) = answer else { return Ok(Some(answer)) };
        if matches!(
            error.kind(),
            Some(
                ServerErrorKind::ReadOnly
                    | ServerErrorKind::MasterDown
                    | ServerErrorKind::ClusterDown
                    | ServerErrorKind::Moved
                    | ServerErrorKind::Ask
            )
        ) {
            return Err(Loss::Refused(error.to_string()));
        }
        self.complain(format_args!("Redis has refused something: {error}"));
        Ok(None)
    }

    fn published(&self, id: u64, answer: Option<Value>) {
        let result = match answer.map(scripts::published) {
            Some(Ok(result)) => result,
            Some(Err(_)) | None => Err(RoomRefusal::Unavailable),
        };
        self.under_way.borrow_mut().publishes.remove(&id);
        self.teller.tell(BusEvent::Published { id, result });
    }

    /// What is ordered while the bus is away.
    pub fn refuse(&self, order: Order) {
        self.note_inbox(&order);
        match order {
            Order::OpenRoom(open) => {
                self.ordered.borrow_mut().remove(&open.room);
                self.teller.tell(opened_not(open.room));
            }
            Order::Publish(publish) => self.teller.tell(published_not(publish.id)),
            // The hub says it again when it opens its rooms, or it is lost.
            Order::FollowInbox(_)
            | Order::UnfollowInbox(_)
            | Order::Announce { .. }
            | Order::CloseRoom(_)
            | Order::Enter { .. }
            | Order::Exit { .. }
            | Order::Type { .. }
            | Order::Tell(_) => {}
        }
    }
}

fn published_not(id: u64) -> BusEvent {
    BusEvent::Published { id, result: Err(RoomRefusal::Unavailable) }
}

fn opened_not(room: RoomName) -> BusEvent {
    BusEvent::RoomOpened { room, result: Err(RoomRefusal::Unavailable) }
}
