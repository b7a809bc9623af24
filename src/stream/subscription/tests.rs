//! A model of truth, doorbell and reader: whatever is lost, doubled, reordered, hidden or refused on the
//! way, the session is told every number once, in order.

use proptest::prelude::*;

use super::*;
use crate::{
    domain::{Epoch, Offset},
    stream::{Head, Item, replay},
};

fn at(offset: Offset) -> Position {
    Position::new("aaaaaaaa".parse().unwrap(), offset)
}

/// A position in the first life of the model's stream, which it may not have reached yet.
fn ahead(offset: Offset) -> Position {
    Position::new(Epoch::from_random(1), offset)
}

#[derive(Debug, Clone)]
enum Step {
    /// The truth grows by one, shown or hidden; the doorbell rings or not.
    Append { shown: bool, rings: bool },
    /// An event up to this many numbers old comes again, or late.
    Echo(u64),
    /// Only the news of the top comes.
    Ring,
    /// The read that is under way is answered, out of the truth as it is now.
    Answer,
    /// The client reads so many of the waiting items.
    Take(usize),
    /// The stream starts a new life.
    NewLife,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => (proptest::bool::weighted(0.8), proptest::bool::weighted(0.7)).prop_map(|(shown, rings)| Step::Append { shown, rings }),
        2 => (0..5u64).prop_map(Step::Echo),
        1 => Just(Step::Ring),
        4 => Just(Step::Answer),
        4 => (1..5usize).prop_map(Step::Take),
        1 => proptest::bool::weighted(0.1).prop_map(|yes| if yes { Step::NewLife } else { Step::Ring }),
    ];
    proptest::collection::vec(step, 1..120)
}

/// The room of the model's outbox, and the size of its pages.
const ROOM: usize = 6;
const PAGE: usize = 3;

struct Model {
    epoch: u64,
    truth: Vec<bool>,
    subscription: Subscription<Offset>,
    /// A read that was asked for and not yet answered.
    read: Option<Position>,
    outbox: VecDeque<Item<Position>>,
    /// What the client has seen.
    seen: Position,
}

impl Model {
    fn new(since: Position) -> Self {
        Self {
            epoch: 0,
            truth: Vec::new(),
            subscription: Subscription::reading(since),
            read: Some(since),
            outbox: VecDeque::new(),
            seen: since,
        }
    }

    fn head(&self) -> Head {
        if self.truth.is_empty() && self.epoch == 0 {
            return Head::NONE;
        }
        let last = self.truth.len() as u64;
        Head { epoch: Epoch::from_random(self.epoch), last, pruned: 0, restart: last }
    }

    fn event(&self, offset: Offset) -> Item<Position> {
        let at = |offset| Position::new(self.head().epoch, offset);
        match self.truth.get(offset as usize - 1) {
            Some(true) => Item::Event(at(offset)),
            _ => Item::Skip { from: at(offset - 1), to: at(offset) },
        }
    }

    fn offer(&mut self, offset: Offset) {
        let position = Position::new(self.head().epoch, offset);
        let before = self.subscription.last();
        match self.subscription.offer(position, offset, 1) {
            Offered::Nothing => {}
            Offered::Deliver(offset) if self.outbox.len() < ROOM => self.outbox.push_back(self.event(offset)),
            Offered::Deliver(_) => self.subscription.refused(before),
            Offered::Read(since) => self.read = Some(since),
        }
    }

    fn answer(&mut self) {
        let Some(since) = self.read.take() else { return };
        let head = self.head();
        let (_, begin) = replay::begin(head, since);
        let mut rows = (1..)
            .zip(&self.truth)
            .filter(|(offset, _)| *offset > begin)
            .map(|(offset, shown)| (offset, shown.then_some(Position::new(head.epoch, offset))));
        let taken: Vec<_> = rows.by_ref().take(PAGE).collect();
        let page = replay::page(head, since, taken, rows.next().is_some());
        self.outbox.extend(page.items.iter().cloned());
        match self.subscription.turn(&page) {
            Turn::Read(since) if self.outbox.len() * 2 < ROOM => self.read = Some(since),
            Turn::Read(_) => self.subscription.wait(),
            Turn::Live(due) => {
                let mut before = page.reached;
                for (position, offset) in due {
                    if self.outbox.len() >= ROOM {
                        return self.subscription.refused(before);
                    }
                    self.outbox.push_back(self.event(offset));
                    before = position;
                }
            }
        }
    }

    /// The client reads; every number must follow the one before it.
    fn take(&mut self, count: usize) -> Result<(), TestCaseError> {
        for item in self.outbox.drain(..count.min(self.outbox.len())) {
            let (from, to) = match item {
                Item::Event(at) => (Position::new(at.epoch, at.offset - 1), at),
                Item::Skip { from, to } => (from, to),
                Item::Gap(gap) => (gap.from, gap.to),
            };
            let is_next = from == self.seen || (self.seen == Position::START && from.offset == 0);
            prop_assert!(is_next, "{from} follows {}", self.seen);
            self.seen = to;
        }
        if self.outbox.len() * 2 < ROOM
            && let Some(since) = self.subscription.resume()
        {
            self.read = Some(since);
        }
        Ok(())
    }

    fn step(&mut self, step: Step) -> Result<(), TestCaseError> {
        let last = self.truth.len() as u64;
        match step {
            Step::Append { shown, rings } => {
                if self.epoch == 0 {
                    self.epoch = 1;
                }
                self.truth.push(shown);
                if rings {
                    self.offer(last + 1);
                }
            }
            Step::Echo(age) if age < last => self.offer(last - age),
            Step::Echo(_) => {}
            Step::Ring => {
                let top = self.head().position();
                self.read = self.subscription.ring(top).or(self.read);
            }
            Step::Answer => self.answer(),
            Step::Take(count) => self.take(count)?,
            Step::NewLife => {
                self.epoch += 1;
                self.truth.clear();
            }
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]
    #[test]
    fn every_number_is_told_once_and_in_order(
        steps in steps(),
        since in prop_oneof![4 => Just(Position::START), 1 => (0..9u64).prop_map(ahead)],
    ) {
        let mut model = Model::new(since);
        for step in steps {
            model.step(step)?;
        }
        // Quiet: one last ring, then everything that is owed arrives.
        model.step(Step::Ring)?;
        for _ in 0..200 {
            model.answer();
            model.take(ROOM)?;
        }
        let top = model.head().position();
        prop_assert!(model.seen == top || (model.seen == Position::START && top.offset == 0));
        prop_assert!(model.subscription.is_live());
    }
}

#[test]
fn live_events_wait_for_the_end_of_the_replay_and_follow_it() {
    let mut subscription = Subscription::reading(at(0));
    for offset in 1..=4 {
        assert_eq!(subscription.offer(at(offset), offset, 1), Offered::Nothing);
    }
    let head = Head { epoch: at(0).epoch, last: 3, pruned: 0, restart: 3 };
    let page = replay::page(head, at(0), (1..=3).map(|offset| (offset, Some(offset))), false);
    assert!(subscription.is_reading() && !subscription.is_live());
    assert_eq!(subscription.turn(&page), Turn::Live(vec![(at(4), 4)]));
    assert!(subscription.is_live() && !subscription.is_reading());
    assert_eq!(subscription.offer(at(5), 5, 1), Offered::Deliver(5));
    assert_eq!(subscription.offer(at(5), 5, 1), Offered::Nothing);
}

#[test]
fn an_event_below_a_position_that_never_was_is_held_and_follows_the_gap() {
    let mut subscription = Subscription::reading(at(999));
    assert_eq!(subscription.offer(at(4), 4, 1), Offered::Nothing);
    let head = Head { epoch: at(0).epoch, last: 3, pruned: 0, restart: 3 };
    let page = replay::page(head, at(999), [(0, None::<Offset>); 0], false);
    assert_eq!(subscription.turn(&page), Turn::Live(vec![(at(4), 4)]));
}

#[test]
fn what_can_be_held_is_given_out_and_no_more() {
    let head = Head { epoch: at(0).epoch, last: 0, pruned: 0, restart: 0 };
    let page = replay::page(head, at(0), [(0, None::<Offset>); 0], false);
    let after = |events: u64, bytes: usize| {
        let mut subscription = Subscription::reading(at(0));
        (1..=events).for_each(|offset| drop(subscription.offer(at(offset), offset, bytes)));
        subscription.turn(&page)
    };
    for (events, bytes) in [(HELD_EVENTS_MAX as u64, 1), (2, HELD_BYTES_MAX / 2)] {
        assert!(matches!(after(events, bytes), Turn::Live(due) if due.len() as u64 == events));
    }
    for (events, bytes) in [(HELD_EVENTS_MAX as u64 + 1, 1), (2, HELD_BYTES_MAX / 2 + 1)] {
        assert_eq!(after(events, bytes), Turn::Read(at(0)));
    }
}

#[test]
fn a_restart_reads_behind_where_it_is_told_to() {
    let mut subscription = Subscription::reading(at(0));
    let head = Head { epoch: at(0).epoch, last: 3, pruned: 0, restart: 3 };
    let page = replay::page(head, at(0), (1..=3).map(|offset| (offset, Some(offset))), false);
    assert_eq!(subscription.turn(&page), Turn::Live(Vec::new()));
    subscription.restart(at(1));
    assert!(subscription.is_reading());
    assert_eq!(subscription.last(), at(1));
    assert_eq!(subscription.offer(at(4), 4, 1), Offered::Nothing, "it is held");
}

#[test]
fn more_than_can_be_held_is_read_a_second_time() {
    let mut subscription = Subscription::reading(at(0));
    for offset in 1..=HELD_EVENTS_MAX as u64 + 2 {
        assert_eq!(subscription.offer(at(offset), offset, 1), Offered::Nothing);
    }
    let head = Head { epoch: at(0).epoch, last: 1, pruned: 0, restart: 1 };
    let page = replay::page(head, at(0), [(1, Some(1))], false);
    assert_eq!(subscription.turn(&page), Turn::Read(at(1)));
}
