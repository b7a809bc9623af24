//! What the checker has found in a history, and the one line that says it.

use std::{fmt, time::Duration};

/// What was found. All but the first line of numbers must be zero, but for what a fault excuses.
#[derive(Debug, Default, PartialEq)]
pub struct Verdict {
    /// Notifications and messages; messages alone; what was refused.
    pub accepted: usize,
    pub said: usize,
    pub refused: usize,
    /// Owed to a client, and never told; or accepted, and not in the table.
    pub lost: usize,
    /// Told twice to a client, or accepted twice at one position.
    pub doubled: usize,
    /// Told, and never published.
    pub phantom: usize,
    /// Told behind what comes after it.
    pub disorder: usize,
    /// A jump that nothing announces.
    pub silent_gaps: usize,
    /// A `gap` where nothing is lost.
    pub false_gaps: usize,
    /// Told to somebody for whom it was not meant.
    pub leaks: usize,
    /// A client that shows another number of unread ones than the table has.
    pub wrong_counters: usize,
    /// `gap`s that say the truth; messages that they tell to be lost.
    pub gaps: usize,
    pub told_lost: usize,
    /// From the answer to the publisher until a steady client was told; half of it, 99 of 100, the last.
    pub delays: [Duration; 3],
    /// How long a publisher waited for its 201.
    pub answers: [Duration; 3],
    /// What each of it was.
    pub details: Vec<String>,
}

impl Verdict {
    /// Fails where there is anything that must not be. Prints one line in any case.
    pub fn expect_clean(&self, fault: &str) {
        println!("{fault}: {self}");
        assert!(self.faults() == 0, "{fault}: {self}\n{}", self.details.join("\n"));
    }

    pub fn faults(&self) -> usize {
        self.lost
            + self.doubled
            + self.phantom
            + self.disorder
            + self.silent_gaps
            + self.false_gaps
            + self.leaks
            + self.wrong_counters
    }

    /// Takes what was found in another run of the same.
    pub fn add(&mut self, other: Self) {
        let sums = [
            (&mut self.accepted, other.accepted),
            (&mut self.said, other.said),
            (&mut self.refused, other.refused),
            (&mut self.lost, other.lost),
            (&mut self.doubled, other.doubled),
            (&mut self.phantom, other.phantom),
            (&mut self.disorder, other.disorder),
            (&mut self.silent_gaps, other.silent_gaps),
            (&mut self.false_gaps, other.false_gaps),
            (&mut self.leaks, other.leaks),
            (&mut self.wrong_counters, other.wrong_counters),
            (&mut self.gaps, other.gaps),
            (&mut self.told_lost, other.told_lost),
        ];
        sums.into_iter().for_each(|(sum, more)| *sum += more);
        // The worse of the two.
        let times = self.delays.iter_mut().chain(&mut self.answers);
        times
            .zip(other.delays.iter().chain(&other.answers))
            .for_each(|(time, other)| *time = (*time).max(*other));
        other.details.into_iter().for_each(|detail| self.note(detail));
    }

    pub fn note(&mut self, detail: String) {
        if self.details.len() < 100 {
            self.details.push(detail);
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "accepted {} ({} to rooms), refused {}, lost {}, doubled {}, phantom {}, out of order {}, \
             silent gaps {}, false gaps {}, leaks {}, wrong counters {}; gaps {} tell of {}; \
             delivered p50 {:.0?} p99 {:.0?} last {:.0?}; answered p99 {:.0?}",
            self.accepted,
            self.said,
            self.refused,
            self.lost,
            self.doubled,
            self.phantom,
            self.disorder,
            self.silent_gaps,
            self.false_gaps,
            self.leaks,
            self.wrong_counters,
            self.gaps,
            self.told_lost,
            self.delays[0],
            self.delays[1],
            self.delays[2],
            self.answers[1],
        )
    }
}

/// Half of them, 99 of 100, and all of them are within these.
pub fn percentiles(mut times: Vec<Duration>) -> [Duration; 3] {
    times.sort_unstable();
    [50, 99, 100]
        .map(|part| times.get((times.len() * part / 100).saturating_sub(1)).copied().unwrap_or_default())
}
