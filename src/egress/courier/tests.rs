use std::{
    cell::Cell,
    rc::Rc,
    time::{Duration, Instant},
};

use super::{Claimed, Courier, RECORD_PAUSE, Trade};
use crate::{domain::Timestamp, egress::stop, store::messages::StoreError};

struct Letters {
    /// So many are still due.
    due: Cell<usize>,
    has_failed: bool,
}

impl Trade for Letters {
    type Errand = ();
    type Outcome = ();

    const NAME: &'static str = "letters";
    const PLACES: usize = 4;

    async fn claim(&self, limit: usize) -> Result<Claimed<()>, StoreError> {
        let due = self.due.get();
        let count = due.min(limit);
        self.due.set(due - count);
        Ok(Claimed { errands: vec![(); count], has_more: due > count, now: Timestamp::from_micros(0) })
    }

    async fn attempt(self: Rc<Self>, (): (), _: Timestamp, _: Instant) {}

    fn has_failed(&self, (): &()) -> bool {
        self.has_failed
    }

    async fn record(&self, _: Vec<&()>) -> Result<(), StoreError> {
        Ok(())
    }

    fn rows(&self, (): &()) -> usize {
        1
    }

    fn tell(&self, (): &()) {}
}

/// How long after the first of so many that have come to their end they are recorded.
async fn pauses<const ENDED: usize>(due: usize, has_failed: bool) -> [Duration; ENDED] {
    let mut courier = Courier::new(Letters { due: Cell::new(due), has_failed }, stop().1);
    courier.claim().await;
    let mut pauses = [Duration::MAX; ENDED];
    for pause in &mut pauses {
        let done = courier.under_way.join_next().await.unwrap();
        courier.keep(done.ok());
        *pause = courier.record_at().unwrap() - courier.unrecorded_since.unwrap();
    }
    courier.record().await;
    assert_eq!((courier.places(), courier.record_at()), (4, None));
    pauses
}

#[actix::test]
async fn what_has_come_to_its_end_waits_for_more_unless_it_holds_the_places_that_others_wait_for() {
    assert_eq!(pauses(4, false).await, [RECORD_PAUSE; 4]);
    let [first, second, third, fourth] = pauses(5, false).await;
    // Those that hang keep nobody from holding some of them.
    assert!(RECORD_PAUSE > first && first > second && second > third, "{first:?} {second:?}");
    assert_eq!([third, fourth], [Duration::ZERO; 2]);
}

#[actix::test]
async fn a_receiver_that_fails_at_once_is_not_asked_the_more_often_for_that() {
    assert_eq!(pauses(5, true).await, [RECORD_PAUSE; 4]);
}
