//! What a reader behind a position is owed, page by page, out of the rows of the truth.

use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::{Epoch, Offset, Position};

/// Bounds of a stream at one instant, as its truth knows them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    pub epoch: Epoch,
    /// Offset of the newest event; 0 before the first.
    pub last: Offset,
    /// The pruned horizon: events up to here, itself included, may be lost.
    pub pruned: Offset,
    /// Where a reader goes on whose position is of no use: in an inbox the newest event, for there is a
    /// list of it to read again; in a room the pruned horizon, so that all it holds follows.
    pub restart: Offset,
}

impl Head {
    /// A stream that never had an event.
    pub const NONE: Self = Self { epoch: Epoch::NONE, last: 0, pruned: 0, restart: 0 };

    /// The position of the newest event.
    pub fn position(&self) -> Position {
        Position::new(self.epoch, self.last)
    }
}

/// How a client's position was met (PROTOCOL.md section 1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Resume {
    /// All missed events follow.
    Complete,
    /// Some are lost; a `gap` says which.
    Gap,
    /// Nothing was asked.
    Fresh,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum GapReason {
    /// Retention removed events that were not read.
    Pruned,
    /// The position is of another life of the stream.
    Epoch,
    /// The position is above the newest event.
    Ahead,
    /// The client was too slow for a stream that cannot be read again.
    Overflow,
}

/// An announced loss: what lies after `from` is not to be had; from `to` on everything follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    pub from: Position,
    pub to: Position,
    pub reason: GapReason,
}

/// One thing that a reader is told; together they cover the numbers without a hole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item<E> {
    Event(E),
    /// Nothing to show after `from`, up to and including `to`.
    Skip {
        from: Position,
        to: Position,
    },
    Gap(Gap),
}

/// Bounds of one page: whichever is reached first, but always at least one row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageLimit {
    pub rows: usize,
    /// Of what the rows carry, in bytes.
    pub bytes: usize,
}

/// A part of what a reader is owed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<E> {
    pub head: Head,
    pub resume: Resume,
    pub items: Vec<Item<E>>,
    /// Where the reader stands after the items.
    pub reached: Position,
}

impl<E> Page<E> {
    /// For a reader who asks for nothing that was before: it stands at the top.
    pub fn fresh(head: Head) -> Self {
        Self { head, resume: Resume::Fresh, items: Vec::new(), reached: head.position() }
    }

    /// Whether the reader has everything that the truth held when it was read.
    pub fn is_top(&self) -> bool {
        self.reached == self.head.position()
    }
}

/// Where to begin to read for a reader that stands at `since`, and what it has lost, if anything.
pub fn begin(head: Head, since: Position) -> (Option<Gap>, Offset) {
    let lost =
        |to: Offset, reason| (Some(Gap { from: since, to: Position::new(head.epoch, to), reason }), to);
    let known_epoch = since == Position::START || since.epoch == head.epoch;
    if !known_epoch {
        lost(head.restart, GapReason::Epoch)
    } else if since.offset > head.last {
        lost(head.restart, GapReason::Ahead)
    } else if since.offset < head.pruned {
        lost(head.pruned, GapReason::Pruned)
    } else {
        (None, since.offset)
    }
}

/// Makes a page of the rows above the offset that [`begin`] gave.
///
/// `rows` are in order of their offsets; `None` stands for one that has nothing to show, and a
/// number without a row likewise. `has_more` says that rows were left behind the last of these.
pub fn page<E>(
    head: Head,
    since: Position,
    rows: impl IntoIterator<Item = (Offset, Option<E>)>,
    has_more: bool,
) -> Page<E> {
    let (gap, begin) = begin(head, since);
    let at = |offset| Position::new(head.epoch, offset);
    let mut items: Vec<Item<E>> = gap.map(Item::Gap).into_iter().collect();
    // Everything up to `told` is covered by an item; up to `reached` there was nothing to show since.
    let (mut told, mut reached) = (begin, begin);
    let skip_to = |items: &mut Vec<Item<E>>, told: Offset, to: Offset| {
        if told < to {
            items.push(Item::Skip { from: at(told), to: at(to) });
        }
    };
    for (offset, event) in rows {
        reached = offset;
        if let Some(event) = event {
            skip_to(&mut items, told, offset - 1);
            items.push(Item::Event(event));
            told = offset;
        }
    }
    if !has_more {
        reached = head.last;
    }
    skip_to(&mut items, told, reached);
    let resume = if gap.is_some() { Resume::Gap } else { Resume::Complete };
    Page { head, resume, items, reached: at(reached) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn epoch() -> Epoch {
        "aaaaaaaa".parse().unwrap()
    }

    fn at(offset: Offset) -> Position {
        Position::new(epoch(), offset)
    }

    fn head(last: Offset, pruned: Offset) -> Head {
        Head { epoch: epoch(), last, pruned, restart: last }
    }

    #[test]
    fn a_position_of_another_life_or_ahead_or_pruned_is_a_gap() {
        let other = Position::new("bbbbbbbb".parse().unwrap(), 3);
        for (since, to, reason) in
            [(other, 9, GapReason::Epoch), (at(10), 9, GapReason::Ahead), (at(3), 4, GapReason::Pruned)]
        {
            assert_eq!(begin(head(9, 4), since), (Some(Gap { from: since, to: at(to), reason }), to));
        }
        assert_eq!(begin(head(9, 4), at(4)), (None, 4));
        assert_eq!(begin(head(9, 0), Position::START), (None, 0));
        assert_eq!(begin(Head::NONE, Position::START), (None, 0));
    }

    #[test]
    fn a_position_of_no_use_goes_on_where_the_stream_restarts() {
        let room = Head { restart: 4, ..head(9, 4) };
        let other = Position::new("bbbbbbbb".parse().unwrap(), 7);
        for (since, reason) in [(other, GapReason::Epoch), (at(10), GapReason::Ahead)] {
            assert_eq!(begin(room, since), (Some(Gap { from: since, to: at(4), reason }), 4));
        }
        assert_eq!(begin(room, at(7)), (None, 7));
    }

    #[test]
    fn from_the_very_start_of_a_pruned_stream_is_a_gap() {
        assert!(matches!(begin(head(9, 4), Position::START).0, Some(Gap { reason: GapReason::Pruned, .. })));
    }

    #[test]
    fn numbers_with_nothing_to_show_become_one_skip() {
        let page = page(head(9, 0), at(1), [(3, Some('c')), (4, None), (6, Some('f'))], false);
        assert_eq!(
            page.items,
            [
                Item::Skip { from: at(1), to: at(2) },
                Item::Event('c'),
                Item::Skip { from: at(3), to: at(5) },
                Item::Event('f'),
                Item::Skip { from: at(6), to: at(9) },
            ]
        );
        assert!(page.is_top());
    }

    proptest! {
        /// Whatever rows there are and wherever the pages are cut, the items cover every number once.
        #[test]
        fn pages_cover_every_number_once(
            rows in proptest::collection::vec(proptest::option::of(any::<bool>()), 0..40),
            since in 0..45u64,
            size in 1..7usize,
        ) {
            // Some(true): shown, Some(false): hidden, None: no row.
            let head = head(rows.len() as u64, 0);
            let mut reached = at(since);
            let mut events = Vec::new();
            loop {
                let (_, begin) = begin(head, reached);
                let mut behind = (1..).zip(&rows).filter(|(offset, _)| *offset > begin)
                    .filter_map(|(offset, row)| row.map(|shown| (offset, shown.then_some(offset))));
                let taken: Vec<_> = behind.by_ref().take(size).collect();
                let page = page(head, reached, taken, behind.next().is_some());
                for item in &page.items {
                    match item {
                        Item::Event(offset) => {
                            prop_assert_eq!(*offset, reached.offset + 1);
                            events.push(*offset);
                            reached = at(*offset);
                        }
                        Item::Skip { from, to } => {
                            prop_assert_eq!(*from, reached);
                            prop_assert!(to.offset > from.offset);
                            reached = *to;
                        }
                        Item::Gap(gap) => {
                            prop_assert_eq!((gap.from, gap.reason), (reached, GapReason::Ahead));
                            reached = gap.to;
                        }
                    }
                }
                prop_assert_eq!(reached, page.reached);
                if page.is_top() {
                    break;
                }
            }
            let shown: Vec<u64> = (1..).zip(&rows)
                .filter(|(offset, row)| *offset > since && **row == Some(true)).map(|(offset, _)| offset).collect();
            prop_assert_eq!(events, shown);
            prop_assert_eq!(reached, head.position());
        }
    }
}
