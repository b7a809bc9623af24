//! Judges a history: what is owed to each client and was not told, what was told twice, in a wrong order, to the
//! wrong one, or is nobody's; pure.

#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use crate::{
    history::{Account, History, Position, Stream, Told, Truth, What},
    verdict::{Verdict, percentiles},
};

/// What was accepted in one stream.
type Accepted<'a> = BTreeMap<&'a Position, &'a str>;

pub fn judge(history: &History, truth: &Truth) -> Verdict {
    let mut verdict = Verdict {
        accepted: history.accepted.len(),
        said: history.accepted.iter().filter(|accepted| accepted.stream.is_room()).count(),
        refused: history.refusals.values().sum(),
        answers: percentiles(history.accepted.iter().map(|accepted| accepted.took).collect()),
        delays: percentiles(delays(history)),
        ..Verdict::default()
    };
    let mut streams: BTreeMap<&Stream, Accepted> = BTreeMap::new();
    for accepted in &history.accepted {
        let before =
            streams.entry(&accepted.stream).or_default().insert(&accepted.position, accepted.key.as_str());
        if before.is_some_and(|before| before != accepted.key) {
            verdict.doubled += 1;
            verdict.note(format!("{:?} {} was given twice", accepted.stream, accepted.position));
        }
    }
    for stream in truth.rows.keys() {
        streams.entry(stream).or_default();
    }
    for (stream, accepted) in &streams {
        if let Stream::Inbox(_) = stream {
            judge_table(&mut verdict, history, truth, stream, accepted);
        }
    }
    let nothing = Accepted::new();
    for account in &history.accounts {
        for stream in account.start.keys() {
            let accepted = streams.get(stream).unwrap_or(&nothing);
            Judge { history, truth, account, stream, accepted }.judge(&mut verdict);
        }
        judge_counters(&mut verdict, account, truth);
    }
    verdict
}

/// What was accepted is in the table, and nothing else is; numbers have no hole but where something was deleted.
fn judge_table(
    verdict: &mut Verdict,
    history: &History,
    truth: &Truth,
    stream: &Stream,
    accepted: &Accepted,
) {
    let rows = truth.rows.get(stream).map(Vec::as_slice).unwrap_or_default();
    let stored: BTreeMap<&Position, &str> =
        rows.iter().map(|row| (&row.position, row.key.as_str())).collect();
    for (position, key) in accepted {
        let is_there = stored.get(position) == Some(key);
        if !is_there && !history.hidden.contains(*key) {
            verdict.lost += 1;
            verdict.note(format!("{key} was accepted at {position} of {stream:?} and is not in the table"));
        }
    }
    for (position, key) in stored {
        if accepted.get(position) != Some(&key) {
            verdict.phantom += 1;
            verdict.note(format!("{key} at {position} of {stream:?} is in the table and was not accepted"));
        }
    }
}

fn judge_counters(verdict: &mut Verdict, account: &Account, truth: &Truth) {
    for (stream, _) in account.start.iter().filter(|_| account.is_steady) {
        let Some(unread) = truth.unread.get(stream.owner()).filter(|_| !stream.is_room()) else { continue };
        if account.counters["unread"] != *unread {
            verdict.wrong_counters += 1;
            verdict.note(format!("{} shows {}, unread are {unread}", account.name, account.counters));
        }
    }
}

/// One client in one stream.
struct Judge<'a> {
    history: &'a History,
    truth: &'a Truth,
    account: &'a Account,
    stream: &'a Stream,
    accepted: &'a Accepted<'a>,
}

/// What is known of a client after all it was told.
#[derive(Default)]
struct Seen<'a> {
    shown: BTreeMap<&'a Position, &'a str>,
    /// What was shown in an epoch, wherever.
    keys: BTreeSet<(&'a str, &'a str)>,
    skipped: Vec<(&'a Position, &'a Position)>,
    gaps: Vec<(&'a Position, &'a Position)>,
    /// Epochs in which it has stood.
    epochs: BTreeSet<&'a str>,
}

impl<'a> Judge<'a> {
    fn judge(&self, verdict: &mut Verdict) {
        let mut seen = Seen::default();
        seen.epochs.insert(&self.account.start[self.stream].epoch);
        for told in self.account.told.iter().filter(|told| &told.stream == self.stream) {
            match &told.what {
                What::Shown { position, key, meant } => {
                    self.show(verdict, &mut seen, told, position, key, meant);
                }
                What::Hole { from, to, reason } => {
                    self.hole(verdict, &mut seen, told, from, to, reason.as_deref());
                }
            }
        }
        self.owed(verdict, &seen);
    }

    fn show(
        &self,
        verdict: &mut Verdict,
        seen: &mut Seen<'a>,
        told: &'a Told,
        position: &'a Position,
        key: &'a str,
        meant: &[String],
    ) {
        seen.epochs.insert(&position.epoch);
        if seen.shown.insert(position, key).is_some() {
            verdict.doubled += 1;
            self.note(verdict, told, "was told before");
        } else if !seen.keys.insert((&position.epoch, key)) {
            verdict.doubled += 1;
            self.note(verdict, told, "stands at another position, too");
        } else if position.epoch == told.before.epoch && position.offset <= told.before.offset {
            verdict.disorder += 1;
            self.note(verdict, told, "comes behind what follows it");
        } else if !position.follows(&told.before) {
            verdict.silent_gaps += 1;
            self.note(verdict, told, "does not follow");
        }
        if !meant.iter().any(|meant| meant == self.stream.owner()) {
            verdict.leaks += 1;
            self.note(verdict, told, "is meant for others");
        }
        let is_unsure = self.stream.is_room() && self.history.unsure.contains(key);
        if self.accepted.get(position) != Some(&key) && !is_unsure {
            verdict.phantom += 1;
            self.note(verdict, told, "was not published there");
        }
    }

    fn hole(
        &self,
        verdict: &mut Verdict,
        seen: &mut Seen<'a>,
        told: &'a Told,
        from: &'a Position,
        to: &'a Position,
        reason: Option<&str>,
    ) {
        let is_start = told.before.is_very_start() && from.offset == 0;
        if &told.before != from && !is_start {
            let is_ahead = from.epoch != told.before.epoch || from.offset > told.before.offset;
            *(if is_ahead { &mut verdict.silent_gaps } else { &mut verdict.disorder }) += 1;
            self.note(verdict, told, "does not begin where the client stands");
        }
        seen.epochs.insert(&to.epoch);
        match reason {
            None => seen.skipped.push((from, to)),
            Some(reason) => {
                // Rooms keep everything that a test says, so all that is lost is lost with the room's life.
                if self.stream.is_room() && reason == "epoch" && from.epoch != to.epoch {
                    verdict.gaps += 1;
                    seen.gaps.push((from, to));
                } else {
                    verdict.false_gaps += 1;
                    self.note(verdict, told, "loses what is there");
                }
            }
        }
    }

    /// All that the truth has behind the start.
    fn owed(&self, verdict: &mut Verdict, seen: &Seen) {
        let start = &self.account.start[self.stream];
        let is_behind_start =
            |position: &Position| position.epoch != start.epoch || position.offset > start.offset;
        let rows = self.truth.rows.get(self.stream).into_iter().flatten();
        let shown = rows.filter(|row| row.is_shown).map(|row| (&row.position, row.key.as_str()));
        let said = self.accepted.iter().map(|(position, key)| (*position, *key));
        let owed: Vec<(&Position, &str)> =
            if self.stream.is_room() { said.collect() } else { shown.collect() };
        for (position, key) in owed.into_iter().filter(|(position, _)| is_behind_start(position)) {
            if seen.shown.get(position) == Some(&key) {
                continue;
            }
            if self.stream.is_room() && seen.is_told_lost(position) {
                verdict.told_lost += 1;
                continue;
            }
            verdict.lost += 1;
            let is_within = |(from, to): &(&Position, &Position)| {
                position.epoch == to.epoch && (from.offset < position.offset) && position.offset <= to.offset
            };
            let how = if seen.skipped.iter().any(is_within) { "was skipped" } else { "never came" };
            verdict.note(format!("{}: {key} at {position} of {:?} {how}", self.account.name, self.stream));
        }
    }

    fn note(&self, verdict: &mut Verdict, told: &Told, what: &str) {
        let at = &told.before;
        verdict.note(format!("{} at {at} of {:?}: {:?} {what}", self.account.name, self.stream, told.what));
    }
}

impl Seen<'_> {
    /// Whether a `gap` covers this position: the rest of a life in which the client has stood, what was lost
    /// before it came into another one, or a life that it has not seen at all.
    fn is_told_lost(&self, position: &Position) -> bool {
        if !self.epochs.contains(position.epoch.as_str()) {
            return !self.gaps.is_empty();
        }
        self.gaps.iter().any(|(from, to)| {
            (from.epoch == position.epoch && from.offset < position.offset)
                || (to.epoch == position.epoch && position.offset <= to.offset)
        })
    }
}

/// From the answer to a publisher until steady clients were told.
fn delays(history: &History) -> Vec<Duration> {
    let accepted: BTreeMap<(&Stream, &Position), _> =
        history.accepted.iter().map(|sent| ((&sent.stream, &sent.position), sent.at)).collect();
    let told = history.accounts.iter().filter(|account| account.is_steady).flat_map(|account| &account.told);
    let delay = |told: &Told| match &told.what {
        What::Shown { position, .. } => {
            accepted.get(&(&told.stream, position)).map(|at| told.at.saturating_duration_since(*at))
        }
        What::Hole { .. } => None,
    };
    told.filter_map(delay).collect()
}
