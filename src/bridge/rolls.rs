//! Lists of the users of a node in a room that are too long for one word: put together again.

use std::collections::HashMap;

use crate::domain::{NodeId, RoomName, UserId};

/// Most users of one list; more is nobody's.
const USERS_MAX: usize = 100_000;

/// Most lists at once: the parts of one are said one behind the other, so there is hardly ever a second.
const ROLLS_MAX: usize = 64;

#[derive(Default)]
pub struct Rolls {
    begun: HashMap<(RoomName, NodeId), Vec<UserId>>,
}

impl Rolls {
    /// Hears a part; gives the whole list with the last of them. A list of which a part was lost is never whole.
    pub fn hear(
        &mut self,
        whose: (RoomName, NodeId),
        before: usize,
        users: Vec<UserId>,
        has_more: bool,
    ) -> Option<Vec<UserId>> {
        let mut all = self.begun.remove(&whose).filter(|_| before > 0).unwrap_or_default();
        if all.len() != before || all.len() + users.len() > USERS_MAX {
            return None;
        }
        all.extend(users);
        if !has_more {
            return Some(all);
        }
        if self.begun.len() == ROLLS_MAX {
            self.begun.clear();
        }
        self.begun.insert(whose, all);
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn users(numbers: std::ops::Range<usize>) -> Vec<UserId> {
        numbers.map(|n| format!("user{n}").parse().unwrap()).collect()
    }

    #[test]
    fn a_list_is_whole_when_all_its_parts_were_heard_one_behind_the_other() {
        let mut rolls = Rolls::default();
        let whose = |room: &str| (room.parse().unwrap(), NodeId::from_random(1));
        assert_eq!(rolls.hear(whose("a"), 0, users(0..2), false), Some(users(0..2)));
        assert_eq!(rolls.hear(whose("a"), 0, Vec::new(), false), Some(Vec::new()));

        assert_eq!(rolls.hear(whose("a"), 0, users(0..2), true), None);
        assert_eq!(rolls.hear(whose("b"), 0, users(0..1), true), None);
        assert_eq!(rolls.hear(whose("a"), 2, users(2..4), true), None);
        assert_eq!(rolls.hear(whose("a"), 4, users(4..5), false), Some(users(0..5)));
        assert_eq!(rolls.hear(whose("b"), 1, users(1..2), false), Some(users(0..2)));

        // The first part, or one in the middle, was lost; the next list is heard again.
        assert_eq!(rolls.hear(whose("a"), 2, users(2..3), false), None);
        assert_eq!(rolls.hear(whose("a"), 0, users(0..2), true), None);
        assert_eq!(rolls.hear(whose("a"), 4, users(4..5), false), None);
        assert_eq!(rolls.hear(whose("a"), 0, users(0..1), false), Some(users(0..1)));
    }
}
