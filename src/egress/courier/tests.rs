use std::{cell::Cell, rc::Rc, time::Instant};

use super::{Claimed, Courier, RECORD_PAUSE, Trade};
use crate::{domain::Timestamp, egress::stop, store::messages::StoreError};

/// So many letters are still due.
struct Letters(Cell<usize>);

impl Trade for Letters {
    type Errand = ();
    type Outcome = ();

    const NAME: &'static str = "letters";
    const PLACES: usize = 4;

    async fn claim(&self, limit: usize) -> Result<Claimed<()>, StoreError> {
        let due = self.0.get();
        let count = due.min(limit);
        self.0.set(due - count);
        Ok(Claimed { errands: vec![(); count], has_more: due > count, now: Timestamp::from_micros(0) })
    }

    async fn attempt(self: Rc<Self>, (): (), _: Timestamp, _: Instant) {}

    async fn record(&self, _: Vec<&()>) -> Result<(), StoreError> {
        Ok(())
    }

    fn rows(&self, (): &()) -> usize {
        1
    }

    fn tell(&self, (): &()) {}
}

#[actix::test]
async fn what_has_come_to_its_end_waits_for_more_unless_it_holds_the_places_that_others_wait_for() {
    for due in [4, 5] {
        let mut courier = Courier::new(Letters(Cell::new(due)), stop().1);
        courier.claim().await;
        let begun = Instant::now();
        for ended in 1..=4 {
            let done = courier.under_way.join_next().await.unwrap();
            courier.keep(done.ok());
            let record_at = courier.record_at.unwrap();
            if due > 4 && ended >= 3 {
                assert!(record_at <= Instant::now());
            } else {
                assert!(record_at >= begun + RECORD_PAUSE);
            }
        }
        courier.record().await;
        assert_eq!((courier.places(), courier.record_at), (4, None));
    }
}
