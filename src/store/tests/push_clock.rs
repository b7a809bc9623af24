//! Pushes and a wall clock that jumps (G16).

use diesel::Connection as _;

use super::{push_model::run_at, pushing::target, *};
use crate::store::{claiming::Claim, subscriptions::Put};

const DAY: i64 = 86_400;

/// A database, and a clock that is believed, at a time that is chosen.
struct Played {
    _dir: TempDir,
    conn: Connection,
    clock: ClockWatch,
    began_at: Timestamp,
}

impl Played {
    fn new() -> Self {
        let dir = TempDir::new().unwrap();
        let database = Database::open(&options(&dir)).unwrap();
        let mut conn = database.connect(database::Access::Write).unwrap();
        conn.begin_test_transaction().unwrap();
        let clock = ClockWatch::start(|| Ok::<_, ()>(clock::now())).unwrap();
        let mut played = Self { _dir: dir, conn, clock, began_at: clock::now() };
        let put = PutSubscription { user: user("alice"), target: target("a") };
        run_at(&mut played.conn, clock::now(), &played.clock, Put { put, limit: 0 }).unwrap();
        played
    }

    fn at(&self, seconds: i64) -> Timestamp {
        Timestamp::from_micros(self.began_at.as_micros() + seconds * 1_000_000)
    }

    fn publish(&mut self, seconds: i64) {
        let grace = Some(Duration::from_secs(10));
        let append = Append::new(publish(draft("alice")), Kept::default(), grace);
        let now = self.at(seconds);
        run_at(&mut self.conn, now, &self.clock, append).unwrap();
    }

    fn claim(&mut self, seconds: i64) -> usize {
        let policy =
            PushPolicy { is_enabled: true, ttl: Duration::from_secs(7 * 86_400), ..PushPolicy::default() };
        let claim = Claim { claim: ClaimPushes { limit: 64 }, policy };
        let now = self.at(seconds);
        run_at(&mut self.conn, now, &self.clock, claim).unwrap().pushes.len()
    }
}

#[test]
fn a_clock_that_jumps_has_nothing_pushed_twice_and_nothing_late() {
    for jump in [DAY, -DAY] {
        let mut played = Played::new();
        played.publish(0);
        assert_eq!([9, 11].map(|seconds| played.claim(seconds)), [0, 1]);
        assert_eq!(played.claim(jump + 12), 0, "it is on its way");
        played.publish(jump + 12);
        assert_eq!(played.claim(jump + 13), 1, "a jump costs the grace");
        played.publish(jump + 13);
        assert_eq!(played.claim(24), 1, "the clock was put right");
        assert_eq!((played.claim(jump + 25), played.claim(25)), (0, 0));
        assert!(played.claim(50) > 0, "the lease is over");
    }
}
