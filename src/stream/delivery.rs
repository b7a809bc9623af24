//! The delivery rule: what to do with an event that arrives, knowing the last one delivered.

use crate::domain::Position;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It was delivered before: a duplicate, or late.
    Drop,
    /// It is the next one.
    Deliver,
    /// Something is missing before it, or it belongs to another life of the stream: ask the truth.
    Behind,
}

/// Judges an event at `event` for a receiver that was last given `last`.
pub fn judge(last: Position, event: Position) -> Verdict {
    if event.epoch != last.epoch {
        return Verdict::Behind;
    }
    match event.offset {
        offset if offset <= last.offset => Verdict::Drop,
        offset if offset == last.offset + 1 => Verdict::Deliver,
        _ => Verdict::Behind,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Position {
        text.parse().unwrap()
    }

    #[test]
    fn only_the_very_next_number_of_the_same_epoch_is_delivered() {
        let last = at("aaaaaaaa.5");
        assert_eq!(judge(last, at("aaaaaaaa.4")), Verdict::Drop);
        assert_eq!(judge(last, at("aaaaaaaa.5")), Verdict::Drop);
        assert_eq!(judge(last, at("aaaaaaaa.6")), Verdict::Deliver);
        assert_eq!(judge(last, at("aaaaaaaa.7")), Verdict::Behind);
        assert_eq!(judge(last, at("bbbbbbbb.6")), Verdict::Behind);
    }

    #[test]
    fn the_first_event_of_a_stream_that_had_none_is_read_from_the_truth() {
        assert_eq!(judge(Position::START, at("aaaaaaaa.1")), Verdict::Behind);
    }
}
