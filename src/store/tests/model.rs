//! Any sequence of publishes, mutes, marks, deletions and sweeps against a plain model in memory.

use diesel::{BoolExpressionMethods, Connection as _, ExpressionMethods, QueryDsl, RunQueryDsl};
use proptest::prelude::*;

use super::*;
use crate::store::{
    job::{Job, Queued, Write},
    muting,
    sweep::{Ended, Sweep},
    transaction::Transaction,
};

#[derive(Debug, Clone)]
pub(super) enum Step {
    /// With one of two collapse keys, or none.
    Publish(Option<u8>),
    /// From now on everything is muted, or nothing.
    Mute(bool),
    /// All but the newest so many of the read ones go.
    Outnumber(usize),
    /// So many of the oldest go.
    Age(usize),
    Mark(MarkAs, Aim),
    Delete(usize),
}

#[derive(Debug, Clone)]
pub(super) enum Aim {
    Ids(Vec<usize>),
    UpTo(usize),
    All,
}

pub(super) fn steps() -> impl Strategy<Value = Vec<Step>> {
    let mark_as =
        prop_oneof![Just(MarkAs::Read), Just(MarkAs::Unread), Just(MarkAs::Seen), Just(MarkAs::Archived)];
    let aim = prop_oneof![
        3 => proptest::collection::vec(0..12usize, 0..4).prop_map(Aim::Ids),
        2 => (0..12usize).prop_map(Aim::UpTo),
        1 => Just(Aim::All),
    ];
    let step = prop_oneof![
        4 => proptest::option::of(0..2u8).prop_map(Step::Publish),
        1 => any::<bool>().prop_map(Step::Mute),
        1 => (0..4usize).prop_map(Step::Outnumber),
        1 => (1..4usize).prop_map(Step::Age),
        5 => (mark_as, aim).prop_map(|(mark_as, aim)| Step::Mark(mark_as, aim)),
        1 => (0..12usize).prop_map(Step::Delete),
    ];
    proptest::collection::vec(step, 1..40)
}

/// One notification as the rules of PROTOCOL.md section 3 see it.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Flags {
    key: Option<u8>,
    is_muted: bool,
    is_gone: bool,
    is_seen: bool,
    is_read: bool,
    is_archived: bool,
}

impl Flags {
    /// Whether it is there for its user.
    fn is_shown(self) -> bool {
        !self.is_gone && !self.is_muted
    }

    fn marked(self, mark_as: MarkAs) -> Self {
        match mark_as {
            _ if !self.is_shown() => self,
            MarkAs::Seen => Self { is_seen: true, ..self },
            MarkAs::Read => Self { is_seen: true, is_read: true, ..self },
            MarkAs::Archived => Self { is_seen: true, is_read: true, is_archived: true, ..self },
            MarkAs::Unread => Self { is_read: false, is_archived: false, ..self },
        }
    }
}

#[derive(Default)]
struct Model {
    items: Vec<Flags>,
    counters: Counters,
    is_muting: bool,
    horizon: usize,
}

impl Model {
    fn counts(&self) -> (u64, u64) {
        let count = |is_counted: fn(&&Flags) -> bool| self.items.iter().filter(is_counted).count() as u64;
        (
            count(|item| item.is_shown() && !item.is_archived && !item.is_read),
            count(|item| item.is_shown() && !item.is_archived && !item.is_seen),
        )
    }

    /// Settles the versions after a change; `is_mark` for those that `marks_version` counts.
    fn settle(&mut self, before: &[Flags], is_mark: bool) {
        let (unread, unseen) = self.counts();
        let shown = |items: &[Flags]| items.iter().copied().filter(|item| !item.is_muted).collect::<Vec<_>>();
        let numbers_changed = (unread, unseen) != (self.counters.unread, self.counters.unseen);
        self.counters = Counters {
            unread,
            unseen,
            version: self.counters.version + u64::from(numbers_changed),
            marks_version: self.counters.marks_version
                + u64::from(is_mark && shown(&self.items) != shown(before)),
        };
    }
}

/// Long after everything was made.
fn now() -> Timestamp {
    Timestamp::from_secs(clock::now().as_secs() + 3600)
}

fn run<W: Write>(conn: &mut Connection, write: W) -> (Option<W::Done>, usize) {
    let (job, mut answer) = Queued::new(write, None, Instant::now() + Duration::from_secs(60));
    let mut jobs: Vec<Box<dyn Job>> = vec![Box::new(job)];
    let mut tx = Transaction::new(conn, now(), &ClockWatch::default());
    tx.lock(&jobs).unwrap();
    jobs.iter_mut().for_each(|job| job.run(&mut tx).unwrap());
    tx.write().unwrap();
    let facts = tx.facts.len();
    jobs.into_iter().for_each(Job::answer);
    (answer.try_recv().unwrap().ok(), facts)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn counters_are_what_the_rows_say_after_every_step(steps in steps()) {
        let dir = TempDir::new().unwrap();
        let database = Database::open(&StoreOptions { is_fully_synchronous: false, ..options(&dir) }).unwrap();
        let mut conn = database.connect(database::Access::Write).unwrap();
        // Without its transactions a sequence is one, and fast.
        conn.begin_test_transaction().unwrap();
        let mut model = Model::default();
        let mut receipts: Vec<Receipt> = Vec::new();
        for step in steps {
            let before = model.items.clone();
            match step {
                Step::Publish(key) => {
                    let draft = Draft { key: key.map(|key| key.to_string()), ..draft("alice") };
                    let (done, _) = run(&mut conn, Append::new(publish(draft), Kept::default(), None));
                    receipts.extend(done.unwrap().receipts);
                    model.items.push(Flags { key, is_muted: model.is_muting, ..Flags::default() });
                    model.settle(&before, false);
                    let before = model.items.clone();
                    let (newest, older) = model.items.split_last_mut().unwrap();
                    for item in older {
                        if key.is_some() && item.key == key && !newest.is_muted && !item.is_read {
                            *item = item.marked(MarkAs::Archived);
                        }
                    }
                    model.settle(&before, true);
                }
                Step::Mute(is_muting) => {
                    let (user, pattern) = (user("alice"), "*".parse().unwrap());
                    if is_muting {
                        let put = PutMute { user, pattern, until: None };
                        let (done, _) = run(&mut conn, muting::Put { put, limit: 1 });
                        prop_assert!(done.is_some());
                    } else {
                        let (done, _) = run(&mut conn, RemoveMute { user, pattern });
                        prop_assert!(done.is_some());
                    }
                    model.is_muting = is_muting;
                }
                Step::Outnumber(keep) => {
                    let ended = Ended::Outnumbered { user: user("alice"), keep: keep as i64 };
                    let (_, facts) = run(&mut conn, Sweep { ended, by: now(), limit: 100 });
                    let read = model.items.iter_mut().rev().filter(|item| item.is_shown() && item.is_read);
                    read.skip(keep).for_each(|item| item.is_gone = true);
                    model.settle(&before, true);
                    prop_assert_eq!(facts, usize::from(model.items != before));
                }
                Step::Age(limit) => {
                    let ended = Ended::Aged(Duration::from_secs(60));
                    let (has_more, _) = run(&mut conn, Sweep { ended, by: now(), limit });
                    let kept: Vec<i64> = schema::notifications::table
                        .select(schema::notifications::offset).load(&mut conn).unwrap();
                    // Within a millisecond identities have no order, so the model asks which ones went.
                    for (i, item) in model.items.iter_mut().enumerate() {
                        if !item.is_gone && !kept.contains(&(i as i64 + 1)) {
                            item.is_gone = true;
                            model.horizon = model.horizon.max(i + 1);
                        }
                    }
                    let gone = |items: &[Flags]| items.iter().filter(|item| item.is_gone).count();
                    let went = gone(&model.items) - gone(&before);
                    prop_assert_eq!(went, limit.min(before.len() - gone(&before)));
                    prop_assert_eq!(has_more, Some(went == limit));
                    model.settle(&before, true);
                }
                Step::Mark(mark_as, aim) => {
                    let known = |i: &usize| *i < receipts.len();
                    let meant: Vec<usize> = match &aim {
                        Aim::Ids(named) => named.iter().copied().filter(known).collect(),
                        Aim::UpTo(i) => (0..=*i).filter(known).collect(),
                        Aim::All => (0..receipts.len()).collect(),
                    };
                    let target = match &aim {
                        Aim::Ids(_) => MarkTarget::Ids(meant.iter().map(|i| receipts[*i].id.clone()).collect()),
                        Aim::UpTo(i) if known(i) => MarkTarget::UpTo(receipts[*i].position),
                        Aim::UpTo(_) | Aim::All => MarkTarget::All,
                    };
                    for i in meant {
                        let item = model.items[i];
                        model.items[i] = item.marked(mark_as);
                    }
                    model.settle(&before, true);
                    let mark = Mark { mark_as, target };
                    let mark = ApplyMark { user: user("alice"), mark, origin: None };
                    let (done, facts) = run(&mut conn, marks::Apply { mark, is_told: false });
                    prop_assert_eq!(done, Some(model.counters));
                    prop_assert_eq!(facts, usize::from(model.items != before));
                }
                Step::Delete(i) => {
                    let Some(receipt) = receipts.get(i) else { continue };
                    let delete = Delete { user: user("alice"), id: receipt.id.clone() };
                    let (done, _) = run(&mut conn, delete);
                    prop_assert_eq!(done.is_some(), model.items[i].is_shown());
                    model.items[i].is_gone |= model.items[i].is_shown();
                    model.settle(&before, true);
                }
            }
            let state = inboxes::stands(&mut conn, &user("alice")).unwrap();
            let counters = state.counters;
            prop_assert_eq!(counters, model.counters);
            prop_assert_eq!((state.head.last, state.head.pruned), (model.items.len() as u64, model.horizon as u64));
            use schema::notifications::dsl::{archived_at, muted, notifications, read_at, seen_at};
            let kept = notifications.filter(archived_at.is_null().and(muted.eq(false)));
            let unread: i64 = kept.filter(read_at.is_null()).count().get_result(&mut conn).unwrap();
            let unseen: i64 = kept.filter(seen_at.is_null()).count().get_result(&mut conn).unwrap();
            prop_assert_eq!((unread as u64, unseen as u64), (counters.unread, counters.unseen));
        }
    }
}
