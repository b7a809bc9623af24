use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    sync::Arc,
    time::Duration,
};

use actix::{Actor, Addr};
use tokio::{task::yield_now, time::timeout};

use super::{SLICE_COST, TURN_COST, Walk, slice_cost};
use crate::{
    domain::{Position, RoomName, SessionKey},
    hub::{
        liveness::LivenessPolicy,
        seats::{Listener, Seats},
        shard::{DeliverToRooms, HubShard, RoomWord},
        slots::Slots,
    },
    mailbox::Budget,
    protocol::Frame,
};

const DEADLINE: Duration = Duration::from_secs(10);

/// Who hears, in order.
type Heard = Rc<RefCell<Vec<&'static str>>>;

struct Ear {
    name: &'static str,
    heard: Heard,
}

impl Listener for Ear {
    fn session(&self) -> SessionKey {
        SessionKey { shard: 0, slot: 0, generation: 0 }
    }

    fn hear(&self, _: &Frame) {
        self.heard.borrow_mut().push(self.name);
    }

    fn ring(&self, _: Position) {}
}

#[derive(Default)]
struct Worker {
    seats: Rc<Seats>,
    heard: Heard,
}

impl Worker {
    fn seat(&self, room: &str, name: &'static str, members: usize) {
        for _ in 0..members {
            self.seats.seat(&room.parse().unwrap(), Rc::new(Ear { name, heard: self.heard.clone() }));
        }
    }

    fn start(&self) -> Addr<HubShard> {
        let second = Duration::from_secs(1);
        HubShard {
            slots: Rc::new(Slots::new(0)),
            seats: self.seats.clone(),
            walk: Walk::default(),
            policy: LivenessPolicy::new(second, second, second, second, second, second),
            has_missed: Arc::default(),
            draining: None,
        }
        .start()
    }

    fn heard_by(&self, name: &str) -> usize {
        self.heard.borrow().iter().filter(|heard| **heard == name).count()
    }

    async fn until_heard_by(&self, name: &str, times: usize) {
        let all = async {
            while self.heard_by(name) < times {
                yield_now().await;
            }
        };
        timeout(DEADLINE, all).await.unwrap();
    }
}

fn fan_out(room: &str) -> RoomWord {
    let room: RoomName = room.parse().unwrap();
    let frame = Frame::ephemeral(&room, None, &"hello");
    RoomWord::FanOut { room, frame, except: None, load: Budget::new(1).take(1).unwrap() }
}

async fn say(shard: &Addr<HubShard>, rooms: impl IntoIterator<Item = &str>) {
    let words = rooms.into_iter().map(fan_out).collect();
    shard.send(DeliverToRooms { words }).await.unwrap();
}

#[actix::test]
async fn a_worker_does_other_work_while_a_very_large_room_hears_something() {
    const MEMBERS: usize = TURN_COST;
    let worker = Worker::default();
    worker.seat("big", "big", MEMBERS);
    let shard = worker.start();
    say(&shard, ["big"]).await;
    // Any task of this worker: a connection that reads, a message to another session.
    let is_done = Rc::new(Cell::new(false));
    let (done, heard) = (is_done.clone(), worker.heard.clone());
    let other_work = actix::spawn(async move {
        for _ in 0..3 {
            yield_now().await;
        }
        done.set(true);
        heard.borrow().len()
    });
    worker.until_heard_by("big", MEMBERS).await;
    assert!(is_done.get() && other_work.await.unwrap() < MEMBERS, "everything else had to wait for the room");
}

#[actix::test]
async fn a_small_room_hears_something_before_a_very_large_one_has_heard_all() {
    const MEMBERS: usize = TURN_COST;
    let worker = Worker::default();
    worker.seat("big", "big", MEMBERS);
    worker.seat("small", "small", 10);
    let shard = worker.start();
    say(&shard, ["big", "small"]).await;
    worker.until_heard_by("small", 10).await;
    assert!(worker.heard_by("big") < MEMBERS / 2);
    // What is said meanwhile is heard, too.
    say(&shard, ["small", "big"]).await;
    worker.until_heard_by("small", 20).await;
    worker.until_heard_by("big", 2 * MEMBERS).await;
    assert_eq!(worker.seats.waiting(), 0);
    say(&shard, ["big"]).await;
    worker.until_heard_by("big", 3 * MEMBERS).await;
}

#[test]
fn a_slice_is_larger_where_much_waits_or_others_take_long() {
    let millis = Duration::from_millis;
    for (waiting, waited, slices) in [
        (1, millis(0), 1),
        (31, millis(1), 1),
        (1, millis(9), 9),
        (160, millis(3), 10),
        (4096, millis(1), 32),
    ] {
        assert_eq!(slice_cost(waiting, waited), slices * SLICE_COST, "{waiting} wait, {waited:?}");
    }
    assert_eq!(slice_cost(1, Duration::from_secs(3600)), TURN_COST);
}
