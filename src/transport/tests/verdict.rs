//! When all is quiet: what a reader was told, held against the table.

use std::collections::BTreeMap;

use super::{
    record::{Moment, Record},
    witness::{Told, What},
};
use crate::{
    domain::{Notification, Offset, Position},
    stream::Head,
};

/// An inbox as the table has it.
pub struct Truth {
    pub head: Head,
    /// All that is not archived, muted or expired.
    pub shown: BTreeMap<Offset, Notification>,
}

/// What covers one number.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Covered {
    Event,
    Skip,
    Gap,
}

/// Judges all that a reader of this user was told. Since then nothing is hidden any more, nor shown again: who
/// connects later is told exactly what the table shows.
pub fn judge(user: &str, told: &[Told], record: &Record, truth: &Truth, quiet_since: Moment) {
    for (offset, notification) in &truth.shown {
        let stored = &record.stored[&(user.to_owned(), *offset)];
        assert_eq!((&notification.id, notification.position), (&stored.id, stored.position));
    }
    let mut covered = BTreeMap::new();
    let (mut base, mut at) = (0, Position::START);
    let mut is_in_quiet = false;
    for Told { what, opened, at: moment } in told {
        match what {
            What::Restart(position) => {
                covered.clear();
                (base, at) = (position.offset, *position);
                is_in_quiet = opened.is_after(quiet_since);
            }
            What::Notification { position, event } => {
                let stored = &record.stored[&(user.to_owned(), position.offset)];
                let draft = &record.drafts[stored.number];
                assert_eq!(event["id"], stored.id.as_str(), "{event}");
                assert_eq!(event["type"], draft.kind, "{event}");
                assert_eq!(event["payload"]["number"], stored.number, "{event}");
                let is_hidden = record.is_surely_hidden(user, position.offset, *opened);
                assert!(!is_hidden, "it was hidden before: {event}");
                if is_in_quiet {
                    assert!(truth.shown.contains_key(&position.offset), "the table does not show {event}");
                }
                cover(&mut covered, position.offset..=position.offset, Covered::Event);
                at = *position;
            }
            What::Skip { from, to } => {
                for offset in from.offset + 1..=to.offset {
                    let may_be_hidden = record.may_be_hidden(user, offset, *moment);
                    assert!(may_be_hidden, "{offset} of {user} is skipped and has something to show");
                    if is_in_quiet {
                        assert!(
                            !truth.shown.contains_key(&offset),
                            "{offset} of {user} is shown and skipped"
                        );
                    }
                }
                cover(&mut covered, from.offset + 1..=to.offset, Covered::Skip);
                at = *to;
            }
            What::Gap { from, to, reason } => {
                if reason == "pruned" {
                    assert!(to.offset <= truth.head.pruned, "nothing is pruned up to {to}");
                    cover(&mut covered, from.offset + 1..=to.offset, Covered::Gap);
                } else {
                    // The reader lists again, and goes on behind it.
                    covered.clear();
                    base = 0;
                    cover(&mut covered, 1..=to.offset, Covered::Gap);
                }
                at = *to;
            }
            What::Marked(event) => {
                let known = record.known(user);
                for id in event["ids"].as_array().into_iter().flatten() {
                    assert!(
                        known.iter().any(|(_, stored)| id == stored.id.as_str()),
                        "not of {user}: {event}"
                    );
                }
            }
        }
    }
    assert_eq!(at, truth.head.position(), "where {user} stands");
    assert!(
        covered.keys().copied().eq(base + 1..=truth.head.last),
        "{user} was told {covered:?} behind {base}"
    );
}

fn cover(covered: &mut BTreeMap<Offset, Covered>, offsets: std::ops::RangeInclusive<Offset>, by: Covered) {
    for offset in offsets {
        let before = covered.insert(offset, by);
        assert_eq!(before, None, "{offset} is told twice");
    }
}
