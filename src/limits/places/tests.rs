use std::thread;

use proptest::prelude::*;

use super::*;

fn address(last: u8) -> IpAddr {
    [192, 0, 2, last].into()
}

fn taken(places: &Places) -> usize {
    places.taken.sum(|taken| taken.values().sum())
}

#[test]
fn the_one_too_many_gets_no_place_until_somebody_leaves() {
    let places = Arc::new(Places::new(200));
    let mut here: Vec<Place> = (0..200).map(|_| places.take(address(1)).unwrap()).collect();
    assert!(places.take(address(1)).is_none());
    assert!(places.take(address(2)).is_some());
    here.pop();
    here.push(places.take(address(1)).unwrap());
    assert!(places.take(address(1)).is_none());
    drop(here);
    assert_eq!(places.taken.sum(HashMap::len), 0, "nothing is kept of who is gone");
}

#[test]
fn several_workers_count_together() {
    let places = Arc::new(Places::new(50));
    let crowd = || {
        for round in 0..2000_u32 {
            let here: Vec<Option<Place>> = (0..round % 40).map(|_| places.take(address(1))).collect();
            assert!(taken(&places) <= 50);
            drop(here);
        }
    };
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(crowd);
        }
    });
    assert_eq!(taken(&places), 0);
}

proptest! {
    #[test]
    fn who_comes_and_goes_in_whatever_order_leaves_nothing_behind(
        steps in prop::collection::vec((any::<bool>(), 0_u8..4, any::<prop::sample::Index>()), 0..200),
    ) {
        let places = Arc::new(Places::new(3));
        let mut here: Vec<(u8, Place)> = Vec::new();
        for (comes, who, which) in steps {
            if comes {
                let count = here.iter().filter(|(other, _)| *other == who).count();
                let place = places.take(address(who));
                prop_assert_eq!(place.is_some(), count < 3);
                here.extend(place.map(|place| (who, place)));
            } else if !here.is_empty() {
                drop(here.swap_remove(which.index(here.len())));
            }
            prop_assert_eq!(taken(&places), here.len());
        }
    }
}
