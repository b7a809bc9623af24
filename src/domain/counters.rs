//! The numbers on a bell.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Counts of one inbox, changed in the same transaction as the rows they count (G13).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({ "unread": 3, "unseen": 1, "version": 57, "marks_version": 9 }))]
pub struct Counters {
    /// Notifications not yet dealt with; archived, muted, expired and deleted ones count nowhere.
    pub unread: u64,
    /// Notifications not yet shown in an opened list; the number of the badge.
    pub unseen: u64,
    /// Counts the changes of the two numbers above and never goes back: a client ignores older ones.
    pub version: u64,
    /// Counts marks and deletions: a client that knows another one lists again.
    pub marks_version: u64,
}

impl Counters {
    /// Of two states of one inbox: each change raises a version, and neither ever goes back.
    pub fn is_newer_than(&self, other: &Self) -> bool {
        (self.version, self.marks_version) > (other.version, other.marks_version)
    }

    /// The unread count as a badge shows it: the number, or `99+`.
    pub fn display(&self) -> String {
        if self.unread > 99 { "99+".to_owned() } else { self.unread.to_string() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_badge_is_capped_at_99() {
        let display = |unread| Counters { unread, ..Counters::default() }.display();
        assert_eq!([display(0), display(99), display(100)], ["0", "99", "99+"]);
    }
}
