//! A model of the log that never forgets: whatever is appended, expires or is cleared, a reader anywhere
//! is given what is held behind it, and is told what is not.

use proptest::prelude::*;

use super::*;

#[derive(Debug, Clone)]
enum Step {
    /// With so many bytes, and maybe a nonce.
    Append(usize, Option<u8>),
    /// So many seconds pass.
    Expire(u64),
    Clear,
    /// Somebody reads behind this position.
    Page(Position, PageLimit),
    /// The one reader reads on.
    Read(PageLimit),
}

fn page_limits() -> impl Strategy<Value = PageLimit> {
    (0..6usize, 0..600usize).prop_map(|(rows, bytes)| PageLimit { rows, bytes })
}

fn positions() -> impl Strategy<Value = Position> {
    let other = Position::new("bbbbbbbb".parse().unwrap(), 3);
    prop_oneof![1 => Just(Position::START), 1 => Just(other), 8 => (0..40u64).prop_map(at)]
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => (0..400usize, proptest::option::of(0..4u8)).prop_map(|(bytes, nonce)| Step::Append(bytes, nonce)),
        2 => (0..40u64).prop_map(Step::Expire),
        1 => proptest::bool::weighted(0.2).prop_map(|yes| if yes { Step::Clear } else { Step::Expire(0) }),
        4 => (positions(), page_limits()).prop_map(|(since, limit)| Step::Page(since, limit)),
        2 => page_limits().prop_map(Step::Read),
    ];
    proptest::collection::vec(step, 0..80)
}

fn limits() -> impl Strategy<Value = LogLimits> {
    (0..12usize, 0..4000usize, 0..90u64).prop_map(|(messages, bytes, age)| LogLimits {
        messages,
        bytes,
        age: Duration::from_secs(age),
    })
}

struct Model {
    log: RoomLog<Offset>,
    limits: LogLimits,
    now: Instant,
    /// Everything ever appended: bytes, nonce, when.
    all: Vec<(usize, Option<u8>, Instant)>,
    /// How many of those are forgotten.
    pruned: usize,
    reader: Position,
}

impl Model {
    fn held(&self) -> &[(usize, Option<u8>, Instant)] {
        &self.all[self.pruned..]
    }

    fn cost(&self) -> usize {
        self.held().iter().map(|(bytes, ..)| bytes + ENTRY_BYTES).sum()
    }

    fn prune(&mut self) {
        while !self.held().is_empty()
            && (self.held().len() > self.limits.messages
                || self.cost() > self.limits.bytes
                || self.held()[0].2 + self.limits.age <= self.now)
        {
            self.pruned += 1;
        }
    }

    /// The page as the protocol tells it: what is lost, then what is held.
    fn expected(&self, since: Position, limit: PageLimit) -> Page<Offset> {
        let (last, pruned) = (self.all.len() as Offset, self.pruned as Offset);
        let is_known = since == Position::START || since.epoch == epoch();
        let reason = match since.offset {
            _ if !is_known => Some(GapReason::Epoch),
            offset if offset > last => Some(GapReason::Ahead),
            offset if offset < pruned => Some(GapReason::Pruned),
            _ => None,
        };
        let gap = reason.map(|reason| Gap { from: since, to: at(pruned), reason });
        let begin = gap.map_or(since.offset, |gap| gap.to.offset);
        let mut count = 0;
        let behind = &self.all[begin as usize..];
        while count < behind.len() {
            let bytes: usize = behind[..=count].iter().map(|(bytes, ..)| bytes).sum();
            if count > 0 && (count >= limit.rows || bytes > limit.bytes) {
                break;
            }
            count += 1;
        }
        let reached = begin + count as Offset;
        let events = (begin + 1..=reached).map(Item::Event);
        Page {
            head: Head { epoch: epoch(), last, pruned, restart: pruned },
            resume: if gap.is_some() { Resume::Gap } else { Resume::Complete },
            items: gap.into_iter().map(Item::Gap).chain(events).collect(),
            reached: at(reached),
        }
    }

    /// Reads one page; every number must follow the one before it, whatever was forgotten meanwhile.
    fn read(&mut self, limit: PageLimit) -> Result<bool, TestCaseError> {
        let page = self.log.page(self.reader, limit);
        for item in &page.items {
            let (from, to) = match item {
                Item::Event(offset) => (at(offset - 1), at(*offset)),
                Item::Gap(gap) => (gap.from, gap.to),
                Item::Skip { .. } => return Err(TestCaseError::fail("a room has no number to skip")),
            };
            let is_next = from == self.reader || (self.reader == Position::START && from.offset == 0);
            prop_assert!(is_next && to.offset > from.offset, "{from} to {to} follows {}", self.reader);
            self.reader = to;
        }
        prop_assert_eq!(self.reader.offset, page.reached.offset);
        Ok(page.is_top())
    }

    fn step(&mut self, step: Step) -> Result<(), TestCaseError> {
        match step {
            Step::Append(bytes, nonce) => {
                let named = nonce.map(|nonce| author("alice", &nonce.to_string()));
                let position =
                    self.log.append(self.all.len() as Offset + 1, bytes, named, self.now, self.limits);
                self.all.push((bytes, nonce, self.now));
                prop_assert_eq!(position, at(self.all.len() as Offset));
            }
            Step::Expire(seconds) => {
                self.now += Duration::from_secs(seconds);
                self.log.expire(self.now, self.limits);
            }
            Step::Clear => {
                self.log.clear();
                self.pruned = self.all.len();
            }
            Step::Page(since, limit) => {
                prop_assert_eq!(self.log.page(since, limit), self.expected(since, limit));
                return Ok(());
            }
            Step::Read(limit) => return self.read(limit).map(drop),
        }
        self.prune();
        self.check()
    }

    fn check(&self) -> Result<(), TestCaseError> {
        let (last, pruned) = (self.all.len() as Offset, self.pruned as Offset);
        prop_assert_eq!((self.log.bytes(), self.log.has_history()), (self.cost(), pruned < last));
        prop_assert_eq!(
            self.log.latest(PageLimit { rows: 3, bytes: usize::MAX }),
            (pruned.max(last.saturating_sub(3)) + 1..=last).collect::<Vec<_>>()
        );
        let due = self.held().first().map(|(.., at)| *at + self.limits.age);
        prop_assert_eq!(self.log.expires_at(self.limits), due);
        for nonce in 0..4 {
            let (user, name) = author("alice", &nonce.to_string());
            let newest = self.all.iter().rposition(|(_, used, _)| *used == Some(nonce));
            let held = newest.filter(|index| *index >= self.pruned).map(|index| at(index as Offset + 1));
            prop_assert_eq!(self.log.first_of(&user, &name), held);
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]
    #[test]
    fn a_reader_is_given_what_is_held_and_told_what_is_not(limits in limits(), steps in steps()) {
        let mut model = Model {
            log: RoomLog::new(epoch()),
            limits,
            now: Instant::now(),
            all: Vec::new(),
            pruned: 0,
            reader: Position::START,
        };
        for step in steps {
            model.step(step)?;
        }
        let mut pages = 0;
        while !model.read(PageLimit { rows: 1, bytes: 0 })? {
            pages += 1;
            prop_assert!(pages <= model.all.len(), "the top is never reached");
        }
    }
}
