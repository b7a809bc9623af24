use std::collections::HashMap;

use proptest::prelude::*;

use super::*;

const MILLISECOND: Duration = Duration::from_millis(1);

fn kept(buckets: &Buckets<u64>) -> usize {
    buckets.full_at.sum(LruCache::len)
}

#[test]
fn a_standing_says_what_is_left_and_when_all_is_there_again() {
    let (buckets, now) = (Buckets::new("requests", Quota::new(50, 100).unwrap()), Instant::now());
    let first = buckets.take(&"alice", now);
    let expected = Standing {
        policy: "requests",
        burst: 100,
        window: Duration::from_secs(2),
        left: 99,
        full_in: 20 * MILLISECOND,
        is_refused: false,
    };
    assert_eq!(first, expected);
    let last = (0..99).map(|_| buckets.take(&"alice", now)).last().unwrap();
    assert_eq!((last.left, last.full_in, last.is_refused), (0, Duration::from_secs(2), false));
    let refused = buckets.take(&"alice", now);
    assert_eq!(refused, Standing { is_refused: true, ..last });
    assert_eq!(buckets.take(&"bob", now), expected);
}

#[test]
fn what_is_full_again_is_forgotten_by_those_who_come() {
    let (buckets, start) = (Buckets::new("handshakes", Quota::new(10, 50).unwrap()), Instant::now());
    for key in 0..10_000 {
        buckets.take(&key, start);
    }
    assert_eq!(kept(&buckets), 10_000);
    for key in 10_000..20_000 {
        buckets.take(&key, start + Duration::from_secs(6));
    }
    assert!(kept(&buckets) <= 10_100, "{} are kept", kept(&buckets));
}

#[test]
fn whoever_goes_on_is_not_forgotten_among_a_flood_of_others() {
    let buckets = Buckets::bounded("handshakes", Quota::new(10, 50).unwrap(), 64);
    let start = Instant::now();
    let mut taken = 0;
    for round in 0..10_000_u64 {
        let now = start + round as u32 * MILLISECOND;
        taken += u64::from(!buckets.take(&0, now).is_refused);
        for other in 1..20 {
            buckets.take(&(round * 20 + other), now);
        }
    }
    assert_eq!(taken, 50 + 10 * 10 - 1, "the last of them is free after the last round");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Against one bucket for each key, none of which is ever forgotten, and none of which is a bucket of ours.
    #[test]
    fn as_long_as_the_bound_is_not_reached_nothing_is_forgotten_that_matters(
        per_second in 1_u32..30,
        burst in 1_u32..8,
        steps in prop::collection::vec((0_u64..6, 0_u64..400), 1..200),
    ) {
        let buckets = Buckets::bounded("requests", Quota::new(per_second, burst).unwrap(), 6);
        let mut now = Instant::now();
        let (interval, burst) = (Duration::from_secs(1) / per_second, f64::from(burst));
        // How much is in each bucket, and since when.
        let mut levels: HashMap<u64, (f64, Instant)> = HashMap::new();
        for (key, pause) in steps {
            now += Duration::from_millis(pause);
            let (level, since) = levels.get(&key).copied().unwrap_or((burst, now));
            let level = (level + (now - since).as_secs_f64() / interval.as_secs_f64()).min(burst);
            let standing = buckets.take(&key, now);
            // Where a token is there to a billionth either answer is right.
            if (level - 1.0).abs() > 1e-6 {
                prop_assert_eq!(standing.is_refused, level < 1.0, "{} in the bucket of {}", level, key);
            }
            levels.insert(key, (if standing.is_refused { level } else { level - 1.0 }, now));
            prop_assert!(standing.full_in <= standing.window && standing.left < standing.burst.max(1));
        }
    }

    /// In any stretch of time a key that stays gets its burst, and what the rate gives in it.
    #[test]
    fn whatever_others_do_memory_is_bounded_and_who_stays_gets_no_more_than_is_theirs(
        pauses in prop::collection::vec((0_u64..30, 0_u64..3), 1..300),
        per_second in 1_u32..100,
        burst in 1_u32..20,
    ) {
        let buckets = Buckets::bounded("handshakes", Quota::new(per_second, burst).unwrap(), 16);
        let start = Instant::now();
        let (mut now, mut others, mut granted) = (start, 1, Vec::new());
        for (pause, crowd) in pauses {
            now += Duration::from_millis(pause);
            if !buckets.take(&0, now).is_refused {
                granted.push(now);
            }
            for _ in 0..crowd {
                others += 1;
                buckets.take(&others, now);
            }
            prop_assert!(kept(&buckets) <= 16 * 16);
        }
        for (n, first) in granted.iter().enumerate() {
            for (m, last) in granted.iter().enumerate().skip(n) {
                let most = f64::from(burst) + (*last - *first).as_secs_f64() * f64::from(per_second);
                prop_assert!((m - n + 1) as f64 <= most + 1e-6);
            }
        }
    }
}
