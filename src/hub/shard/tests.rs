use std::{cell::RefCell, time::Duration};

use super::*;
use crate::{hub::seats::Listener, mailbox::Budget};

/// What happened on the worker, in order.
type Events = Rc<RefCell<Vec<&'static str>>>;

struct Ear {
    events: Events,
}

impl Listener for Ear {
    fn session(&self) -> SessionKey {
        SessionKey { shard: 0, slot: 0, generation: 0 }
    }

    fn hear(&self, _: &Frame) {
        self.events.borrow_mut().push("heard");
    }

    fn ring(&self, _: Position) {}
}

#[actix::test]
async fn a_worker_does_other_work_while_a_very_large_room_hears_something() {
    const MEMBERS: usize = 5 * SLICE_COST;
    let (events, seats, room) =
        (Events::default(), Rc::new(Seats::default()), "big".parse::<RoomName>().unwrap());
    for _ in 0..MEMBERS {
        seats.seat(&room, Rc::new(Ear { events: events.clone() }));
    }
    let second = Duration::from_secs(1);
    let policy = LivenessPolicy::new(second, second, second, second, second, second);
    let slots = Rc::new(Slots::new(0));
    let shard = HubShard {
        slots,
        seats,
        unheard: VecDeque::new(),
        turn: 0,
        policy,
        has_missed: Arc::default(),
        draining: None,
    }
    .start();
    let load = Budget::new(1).take(1).unwrap();
    let frame = Frame::ephemeral(&room, None, &"hello");
    let words = vec![RoomWord::FanOut { room, frame, except: None, load }];
    shard.send(DeliverToRooms { words }).await.unwrap();
    // Any task of this worker: a connection that reads, a message to another session.
    let worker = events.clone();
    let other_work = actix::spawn(async move {
        for _ in 0..3 {
            worker.borrow_mut().push("other");
            tokio::task::yield_now().await;
        }
    });
    let all_heard = async {
        while events.borrow().iter().filter(|event| **event == "heard").count() < MEMBERS {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(10 * second, all_heard).await.unwrap();
    other_work.await.unwrap();
    let events = events.borrow();
    let last = |wanted| events.iter().rposition(|event| *event == wanted).unwrap();
    assert!(last("other") < last("heard"), "everything else had to wait for the room");
}
