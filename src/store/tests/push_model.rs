//! Any sequence of publishes, marks, subscriptions, claims and what becomes of them against a plain model in memory:
//! what is claimed is what the model says, and nothing that was sent comes again.

use std::collections::BTreeMap;

use diesel::{Connection as _, connection::SimpleConnection};
use proptest::prelude::*;

use super::{pushing::target, *};
use crate::{
    domain::PushSubscriptionId,
    store::{
        claiming::Claim,
        job::{Job, Queued, Write},
        subscriptions::Put,
        transaction::Transaction,
    },
};

#[derive(Debug, Clone)]
enum Step {
    Publish {
        is_pushed: bool,
    },
    Read(usize),
    Delete(usize),
    /// A page in front has shown everything.
    Attend,
    Subscribe(usize),
    Unsubscribe(usize),
    Prefer(bool),
    Claim,
    /// What became of the oldest push that is on its way.
    Record(PushOutcome),
    /// Whoever has claimed something has died since.
    EndLeases,
    Revive,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let outcome = prop_oneof![
        4 => Just(PushOutcome::Sent { status: 201 }),
        2 => Just(PushOutcome::Retry { after: Duration::ZERO, status: Some(503), reason: "ill" }),
        1 => Just(PushOutcome::Gone { status: 410 }),
        1 => Just(PushOutcome::Refused { reason: "inside" }),
        2 => Just(PushOutcome::Dead { status: Some(400), reason: "refused" }),
    ];
    let step = prop_oneof![
        5 => any::<bool>().prop_map(|b| Step::Publish { is_pushed: b }),
        2 => (0usize..20).prop_map(Step::Read),
        1 => (0usize..20).prop_map(Step::Delete),
        1 => Just(Step::Attend),
        3 => (0usize..3).prop_map(Step::Subscribe),
        1 => (0usize..3).prop_map(Step::Unsubscribe),
        1 => any::<bool>().prop_map(Step::Prefer),
        5 => Just(Step::Claim),
        6 => outcome.prop_map(Step::Record),
        2 => Just(Step::EndLeases),
        1 => Just(Step::Revive),
    ];
    prop::collection::vec(step, 1..60)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Waiting,
    /// On its way, for whoever has made this attempt.
    Claimed(u32),
    Ended,
    Dead,
}

#[derive(Default)]
struct Model {
    /// By offset: whether it is there and unread.
    unread: Vec<bool>,
    attended: usize,
    is_off: bool,
    /// The browser's subscription, and whether it can be sent to.
    browsers: BTreeMap<usize, (PushSubscriptionId, bool)>,
    /// Each with its attempts.
    jobs: BTreeMap<(usize, PushSubscriptionId), (State, u32)>,
}

impl Model {
    fn is_worth_it(&self, offset: usize, id: &PushSubscriptionId) -> bool {
        let is_reachable = self.browsers.values().any(|(kept, is_enabled)| kept == id && *is_enabled);
        is_reachable && !self.is_off && offset > self.attended && self.unread[offset - 1]
    }

    /// Claims what waits, and says what of it is worth a push.
    fn claim(&mut self) -> Vec<(usize, PushSubscriptionId, u32)> {
        let waiting = self.jobs.iter().filter(|(_, (state, _))| *state == State::Waiting);
        let waiting: Vec<(usize, PushSubscriptionId)> = waiting.map(|(key, _)| key.clone()).collect();
        let mut claimed = Vec::new();
        for (offset, id) in waiting {
            let is_worth_it = self.is_worth_it(offset, &id);
            let (state, attempts) = self.jobs.get_mut(&(offset, id.clone())).unwrap();
            match (is_worth_it, *attempts >= 10) {
                (false, _) => *state = State::Ended,
                (true, true) => *state = State::Dead,
                (true, false) => {
                    *attempts += 1;
                    *state = State::Claimed(*attempts);
                    claimed.push((offset, id, *attempts));
                }
            }
        }
        claimed
    }

    fn record(&mut self, (offset, id, attempt): &(usize, PushSubscriptionId, u32), outcome: &PushOutcome) {
        match outcome {
            PushOutcome::Gone { .. } => self.browsers.retain(|_, (kept, _)| kept != id),
            PushOutcome::Refused { .. } => {
                for (kept, is_enabled) in self.browsers.values_mut() {
                    *is_enabled &= kept != id;
                }
            }
            _ => {}
        }
        let Some((state, attempts)) = self.jobs.get_mut(&(*offset, id.clone())) else { return };
        // Whoever is late changes nothing: another attempt has begun, or may begin.
        let is_its = matches!(state, State::Claimed(_) | State::Waiting) && *attempts == *attempt;
        if is_its {
            *state = match outcome {
                PushOutcome::Sent { .. } | PushOutcome::Gone { .. } => State::Ended,
                PushOutcome::Retry { .. } => State::Waiting,
                PushOutcome::Refused { .. } | PushOutcome::Dead { .. } => State::Dead,
            };
        }
    }
}

fn run<W: Write>(conn: &mut Connection, write: W) -> Result<W::Done, StoreError> {
    run_at(conn, clock::now(), &ClockWatch::default(), write)
}

/// Does one write in the transaction that the test is, when the clock shows this.
pub(super) fn run_at<W: Write>(
    conn: &mut Connection,
    now: Timestamp,
    clock: &ClockWatch,
    write: W,
) -> Result<W::Done, StoreError> {
    let mut tx = Transaction::new(conn, now, clock);
    let (job, mut answer) = Queued::new(write, None, Instant::now() + Duration::from_secs(60));
    let mut jobs: Vec<Box<dyn Job>> = vec![Box::new(job)];
    tx.lock(&jobs).unwrap();
    jobs[0].run(&mut tx).unwrap();
    tx.write().unwrap();
    jobs.into_iter().for_each(Job::answer);
    answer.try_recv().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn what_is_claimed_is_what_is_owed_and_never_what_was_sent(steps in steps()) {
        let dir = TempDir::new().unwrap();
        let database = Database::open(&StoreOptions { is_fully_synchronous: false, ..options(&dir) }).unwrap();
        let mut conn = database.connect(database::Access::Write).unwrap();
        // Without its transactions a sequence is one, and fast.
        conn.begin_test_transaction().unwrap();
        let policy = options(&dir).push;
        let alice = || user("alice");
        let mut model = Model::default();
        let mut receipts: Vec<Receipt> = Vec::new();
        let mut on_their_way: Vec<(PushClaim, (usize, PushSubscriptionId, u32))> = Vec::new();
        for step in steps {
            match step {
                Step::Publish { is_pushed } => {
                    let push = is_pushed.then(PushWish::default);
                    let write = Append::new(publish(Draft { push, ..draft("alice") }), Kept::default(), Some(Duration::ZERO));
                    receipts.extend(run(&mut conn, write).unwrap().receipts);
                    model.unread.push(true);
                    let enabled = model.browsers.values().filter(|(_, is_enabled)| is_pushed && *is_enabled);
                    for (id, _) in enabled {
                        model.jobs.insert((model.unread.len(), id.clone()), (State::Waiting, 0));
                    }
                }
                Step::Read(i) => if let Some(receipt) = receipts.get(i) {
                    let mark = Mark { mark_as: MarkAs::Read, target: MarkTarget::Ids(vec![receipt.id.clone()]) };
                    let mark = ApplyMark { user: alice(), mark, origin: None };
                    run(&mut conn, marks::Apply { mark, is_told: false }).unwrap();
                    model.unread[i] = false;
                },
                Step::Delete(i) => if let Some(receipt) = receipts.get(i) {
                    drop(run(&mut conn, Delete { user: alice(), id: receipt.id.clone() }));
                    model.unread[i] = false;
                    // Nothing is left to be tried again, but what may be on its way.
                    model.jobs.retain(|(offset, _), (state, attempts)| {
                        *offset != i + 1 || *attempts > 0 && matches!(state, State::Claimed(_) | State::Waiting)
                    });
                },
                Step::Attend => if let Some(last) = receipts.last() {
                    run(&mut conn, Acknowledge { user: alice(), up_to: last.position, is_visible: true }).unwrap();
                    // Of who has nothing to be sent to nobody remembers it.
                    if model.browsers.values().any(|(_, is_enabled)| *is_enabled) {
                        model.attended = receipts.len();
                    }
                },
                Step::Subscribe(i) => {
                    let put = PutSubscription { user: alice(), target: target(&i.to_string()) };
                    let kept = run(&mut conn, Put { put, limit: 0 }).unwrap();
                    model.browsers.insert(i, (kept.id, true));
                }
                Step::Unsubscribe(i) => if let Some((id, _)) = model.browsers.remove(&i) {
                    run(&mut conn, RemoveSubscription { user: alice(), id }).unwrap();
                },
                Step::Prefer(push) => {
                    let preferences = Preferences { push, ..Preferences::default() };
                    run(&mut conn, SetPreferences { user: alice(), preferences }).unwrap();
                    model.is_off = !push;
                }
                Step::Claim => {
                    let claim = Claim { claim: ClaimPushes { limit: 1000 }, policy: policy.clone() };
                    let claimed = run(&mut conn, claim).unwrap();
                    let mut told: Vec<_> = claimed.pushes.into_iter().map(|push| {
                        let (offset, attempt) = push.claim.jobs[0];
                        let job = (usize::try_from(offset).unwrap(), push.claim.subscription.clone(), attempt);
                        (push.claim, job)
                    }).collect();
                    told.sort_by(|(_, a), (_, b)| a.cmp(b));
                    let jobs: Vec<_> = told.iter().map(|(_, job)| job.clone()).collect();
                    prop_assert_eq!(jobs, model.claim());
                    on_their_way.extend(told);
                }
                Step::Record(outcome) => if !on_their_way.is_empty() {
                    let (claim, job) = on_their_way.remove(0);
                    run(&mut conn, RecordPush { outcomes: vec![(claim, outcome.clone())] }).unwrap();
                    model.record(&job, &outcome);
                },
                Step::EndLeases => {
                    conn.batch_execute("UPDATE push_jobs SET due_at = due_at - 31000000 WHERE due_at IS NOT NULL").unwrap();
                    for (state, _) in model.jobs.values_mut() {
                        if matches!(state, State::Claimed(_)) {
                            *state = State::Waiting;
                        }
                    }
                }
                Step::Revive => {
                    run(&mut conn, RetryPushes { user: None, before: Timestamp::from_micros(i64::MAX), limit: 1000 }).unwrap();
                    for (state, attempts) in model.jobs.values_mut() {
                        if *state == State::Dead {
                            (*state, *attempts) = (State::Waiting, 0);
                        }
                    }
                }
            }
        }
    }
}
