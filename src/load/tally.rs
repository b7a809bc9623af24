//! What was published and who has it: messages carry their number and the time they were due, and are counted
//! without being decoded.

use std::collections::VecDeque;

use memchr::memmem;

use super::{
    Fault, Faults,
    latency::{Latencies, Span},
};

/// What a message's mark begins with; no name or number around it has it.
const SIGN: &[u8] = b"@t";
const TIME_DIGITS: usize = 18;
const NUMBER_DIGITS: usize = 10;
const MARK_BYTES: usize = SIGN.len() + TIME_DIGITS + NUMBER_DIGITS;

/// Messages that are followed at the same time; beyond, the oldest is given up as missing.
const FOLLOWED_MAX: usize = 1 << 20;

/// What fills a message: nothing that a mark could begin with.
const TEXT: &[u8; 19] = b"abcdefghijklmnopqrs";

struct Message {
    publisher: usize,
    span: Span,
    /// How many sessions it has to reach, and has reached.
    wanted: usize,
    heard: usize,
}

#[derive(Default)]
pub struct Tally {
    /// What has not reached everybody, by number; and what has, behind one that has not.
    followed: VecDeque<Message>,
    /// The number of the first of them.
    first: u64,
    /// Who may publish again: a message of theirs has come to its end.
    pub done: Vec<usize>,
    pub published: u64,
    /// How many have reached everybody.
    pub complete: u64,
    pub refused: u64,
    /// Publishes over HTTP that were answered as stored.
    pub accepted: u64,
    pub deliveries: u64,
    /// How many of the refused ones were found among those given up.
    forgiven: u64,
    /// Deliveries that were given up.
    missing: u64,
    pub faults: Faults,
    pub latencies: Latencies,
    /// Nanoseconds, as all times here: what was due before is not recorded.
    pub measured_from: Option<u64>,
    /// Where the mark was in the last message: the next one has it there or nearby.
    place: usize,
}

impl Tally {
    /// Follows a message of this member that has to reach so many; gives its number.
    pub fn publish(&mut self, publisher: usize, span: Span, wanted: usize) -> u64 {
        if self.followed.len() >= FOLLOWED_MAX {
            self.give_up_first();
        }
        self.published += 1;
        self.followed.push_back(Message { publisher, span, wanted, heard: 0 });
        let number = self.first + self.followed.len() as u64 - 1;
        if wanted == 0 {
            self.complete += 1;
            self.pass_complete();
        }
        number
    }

    /// How much has come to its end: what grows while a load gets on.
    pub fn ended(&self) -> u64 {
        self.complete + self.refused + self.accepted
    }

    /// Messages that have neither reached everybody nor been refused.
    pub fn under_way(&self) -> u64 {
        self.published.saturating_sub(self.complete + self.refused)
    }

    /// A client was told something; whether it was a message.
    pub fn hear(&mut self, event: &[u8], now: u64) -> bool {
        let Some(mark) = self.mark(event) else { return false };
        let (due, number) = read(mark);
        self.deliveries += 1;
        let place = number.checked_sub(self.first).and_then(|place| usize::try_from(place).ok());
        let Some(message) = place.and_then(|place| self.followed.get_mut(place)) else {
            // One that had been given up.
            self.missing = self.missing.saturating_sub(1);
            return true;
        };
        message.heard += 1;
        let (span, is_complete) = (message.span, message.heard == message.wanted);
        if is_complete {
            // Who publishes over HTTP may go on from the answer.
            if span == Span::Room {
                self.done.push(message.publisher);
            }
            self.complete += 1;
        }
        self.record(span, due, now);
        if is_complete {
            self.pass_complete();
        }
        true
    }

    /// The same of all messages in a text.
    pub fn hear_all(&mut self, text: &[u8], now: u64) {
        for start in memmem::find_iter(text, SIGN) {
            if let Some(mark) = text.get(start..start + MARK_BYTES) {
                self.place = 0;
                self.hear(mark, now);
            }
        }
    }

    /// Something was done that was due then.
    pub fn record(&mut self, span: Span, due: u64, now: u64) {
        if self.measured_from.is_some_and(|from| due >= from) {
            self.latencies.record(span, now.saturating_sub(due));
        }
    }

    /// A message of this member reaches nobody. Which one it was is not said, and does not matter.
    pub fn refuse(&mut self, publisher: usize, fault: &Fault) {
        self.drop_one(fault);
        self.done.push(publisher);
    }

    /// The same of one whose publisher is gone.
    pub fn drop_one(&mut self, fault: &Fault) {
        self.refused += 1;
        self.faults.note(fault);
    }

    /// Gives up what has not reached everybody; what was refused is not missing.
    pub fn give_up(&mut self) {
        while !self.followed.is_empty() {
            self.give_up_first();
        }
    }

    fn give_up_first(&mut self) {
        let Some(Message { wanted, heard, .. }) = self.followed.pop_front() else { return };
        self.first += 1;
        if heard >= wanted {
            return;
        }
        if heard == 0 && self.forgiven < self.refused {
            self.forgiven += 1;
            return;
        }
        self.complete += 1;
        self.missing += (wanted - heard) as u64;
    }

    /// How many deliveries have not come.
    pub fn missing(&self) -> u64 {
        self.missing
    }

    fn pass_complete(&mut self) {
        while self.followed.front().is_some_and(|message| message.heard >= message.wanted) {
            self.followed.pop_front();
            self.first += 1;
        }
    }

    fn mark<'e>(&mut self, event: &'e [u8]) -> Option<&'e [u8]> {
        let at = |place: usize| event.get(place..place + MARK_BYTES).filter(|mark| mark.starts_with(SIGN));
        if at(self.place).is_none() {
            self.place = memmem::find(event, SIGN)?;
        }
        at(self.place)
    }
}

/// Appends the data of a message: JSON of at least this size, with its mark.
pub fn append_data(out: &mut Vec<u8>, due: u64, number: u64, bytes: usize) {
    use std::io::Write;
    let start = out.len();
    // A vector takes all that is written.
    let _ = write!(out, r#"{{"mark":"@t{due:018}{number:010}","text":""#);
    let text = bytes.saturating_sub(out.len() - start + 2);
    out.extend(TEXT.iter().cycle().take(text));
    out.extend_from_slice(b"\"}");
}

/// When it was due, and its number.
fn read(mark: &[u8]) -> (u64, u64) {
    let digits = |text: &[u8]| {
        text.iter().fold(0_u64, |number, digit| {
            number.wrapping_mul(10).wrapping_add(u64::from(digit.wrapping_sub(b'0')))
        })
    };
    let (time, number) =
        mark.get(SIGN.len()..).unwrap_or_default().split_at_checked(TIME_DIGITS).unwrap_or_default();
    (digits(time), digits(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(due: u64, number: u64) -> Vec<u8> {
        let mut event = br#"{"type":"message","data":"#.to_vec();
        append_data(&mut event, due, number, 128);
        event
    }

    #[test]
    fn data_is_json_of_the_size_that_was_asked_for() {
        for bytes in [128, 1024] {
            let mut data = Vec::new();
            append_data(&mut data, 7, 42, bytes);
            assert_eq!(data.len(), bytes);
            let value: serde_json::Value = serde_json::from_slice(&data).unwrap();
            assert_eq!(value["mark"], "@t0000000000000000070000000042");
        }
    }

    #[test]
    fn a_message_is_complete_when_all_have_it_and_only_what_was_due_in_time_is_recorded() {
        let mut tally = Tally { measured_from: Some(100), ..Tally::default() };
        let early = tally.publish(3, Span::Room, 2);
        let late = tally.publish(4, Span::Room, 1);
        assert!(!tally.hear(br#"{"type":"ping"}"#, 0));
        tally.hear(&message(100, late), 5100);
        assert_eq!((tally.complete, tally.done.as_slice(), tally.under_way()), (1, &[4][..], 1));
        tally.hear(&message(99, early), 200);
        tally.hear(&message(99, early), 300);
        assert_eq!((tally.complete, tally.deliveries, tally.under_way()), (2, 3, 0));
        assert_eq!(tally.latencies.get(Span::Room).unwrap().count(), 1);
        assert!(tally.followed.is_empty());
    }

    #[test]
    fn what_does_not_come_is_missing_unless_it_was_refused_and_what_comes_late_is_not() {
        let mut tally = Tally::default();
        let numbers: Vec<u64> = (0..3).map(|_| tally.publish(0, Span::Room, 10)).collect();
        tally.hear(&message(0, numbers[1]), 0);
        tally.refuse(0, &Fault::new("rate_limited"));
        assert_eq!(tally.under_way(), 2);
        tally.give_up();
        assert_eq!((tally.missing(), tally.under_way()), (19, 0));
        tally.hear(&message(0, numbers[2]), 0);
        assert_eq!(tally.missing(), 18);
    }

    #[test]
    fn messages_of_an_answer_are_all_heard() {
        let mut tally = Tally::default();
        let numbers = [tally.publish(0, Span::Inbox, 1), tally.publish(0, Span::Inbox, 1)];
        let events = numbers.map(|number| message(0, number)).join(&b","[..]);
        tally.hear_all(&events, 0);
        assert_eq!((tally.complete, tally.deliveries, tally.done.len()), (2, 2, 0));
    }
}
