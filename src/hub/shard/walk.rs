//! How what is said to rooms reaches those of this worker: in slices, with what else there is to do between them.

use std::{
    collections::VecDeque,
    future::poll_fn,
    mem::replace,
    task::Poll,
    time::{Duration, Instant},
};

use actix::{ActorFutureExt, AsyncContext, Context, WrapFuture};
use tokio::task::yield_now;

use super::HubShard;
use crate::domain::RoomName;

/// What a slice costs at least ([`Seats::walk`](super::Seats::walk)): about thirty members who hear little, and half of
/// them who hear much. What the walk has touched of them is still in the cache when their connections write.
const SLICE_COST: usize = 512;

/// For each so many things that wait a slice is a [`SLICE_COST`] larger: what is said must not come in faster than it is
/// heard.
const WAITING: usize = 16;

/// The same for each time that the worker's other work has taken so long. Those of the least slice write within it.
const OTHERS: Duration = Duration::from_millis(1);

/// What is heard may cost so much before other rooms have their turn; a slice costs no more.
const TURN_COST: usize = 32 * SLICE_COST;

/// The rooms that have not heard everything yet; the first of them has its turn.
#[derive(Default)]
pub(super) struct Walk {
    unheard: VecDeque<RoomName>,
    /// What was heard since others had their turn has cost so much.
    turn_cost: usize,
}

impl Walk {
    pub(super) fn is_over(&self) -> bool {
        self.unheard.is_empty()
    }

    pub(super) fn add(&mut self, room: RoomName) {
        self.unheard.push_back(room);
    }

    fn next_turn(&mut self) {
        self.turn_cost = 0;
        if let Some(room) = self.unheard.pop_front() {
            self.unheard.push_back(room);
        }
    }
}

impl HubShard {
    /// Walks after the connections that are ready now: on an idle worker at once, on a busy one each listener is visited
    /// once for all that has come meanwhile, and written to once.
    pub(super) fn walk_soon(&self, ctx: &mut Context<Self>) {
        self.walk_behind(yield_now(), ctx);
    }

    fn walk_behind(&self, others: impl Future<Output = ()> + 'static, ctx: &mut Context<Self>) {
        let since = Instant::now();
        ctx.spawn(others.into_actor(self).map(move |(), shard, ctx| shard.walk(since.elapsed(), ctx)));
    }

    /// Lets members hear what was said, room by room, for one slice.
    fn walk(&mut self, waited: Duration, ctx: &mut Context<Self>) {
        let mut cost_left = slice_cost(self.seats.waiting(), waited);
        while cost_left > 0
            && let Some(room) = self.walk.unheard.front()
        {
            let (cost, is_heard) = self.seats.walk(room, cost_left);
            let cost = cost.max(1);
            cost_left = cost_left.saturating_sub(cost);
            self.walk.turn_cost += cost;
            if is_heard {
                self.walk.unheard.pop_front();
            }
        }
        if self.walk.is_over() {
            self.walk.turn_cost = 0;
        } else if self.walk.turn_cost >= TURN_COST {
            self.walk.next_turn();
            self.walk_soon(ctx);
        } else {
            self.walk_behind(behind_ready_tasks(), ctx);
        }
    }
}

/// What the next slice may cost, by how many things wait and how long the others have taken.
fn slice_cost(waiting: usize, waited: Duration) -> usize {
    let slices = (waiting / WAITING).max(waited.div_duration_f32(OTHERS) as usize);
    slices.saturating_mul(SLICE_COST).clamp(SLICE_COST, TURN_COST)
}

/// Waits for the tasks of this worker that are ready by now; unlike [`yield_now`] not for what the sockets have besides,
/// since the longer that waits, the more of it is said at once.
fn behind_ready_tasks() -> impl Future<Output = ()> {
    let mut is_behind = false;
    poll_fn(move |cx| {
        if replace(&mut is_behind, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
}

#[cfg(test)]
mod tests;
