//! What was published and who has it: messages carry their number and the time they were sent, and are
//! counted without being decoded.

/// What a message's mark begins with; no name or number around it has it.
const SIGN: &[u8] = b"@t";
const TIME_DIGITS: usize = 18;
const NUMBER_DIGITS: usize = 8;
const MARK_BYTES: usize = SIGN.len() + TIME_DIGITS + NUMBER_DIGITS;

#[derive(Default)]
pub struct Tally {
    /// By number: who published it, and how many members have it.
    messages: Vec<(usize, usize)>,
    /// How many members a message has to reach.
    receivers: usize,
    /// Who has seen messages of theirs reach everybody, once for each message.
    pub done: Vec<usize>,
    /// How many messages have reached everybody.
    pub complete: usize,
    pub deliveries: u64,
    /// Microseconds from publish to delivery, of what was sent since `measured_from`.
    pub micros: Vec<u32>,
    /// Nanoseconds, as all times here.
    pub measured_from: Option<u64>,
    /// Where the mark was in the last message: the next one has it there or nearby.
    place: usize,
}

impl Tally {
    /// Counts messages that are for so many members each.
    pub fn new(receivers: usize) -> Self {
        Self { receivers, ..Self::default() }
    }

    /// The data of the next message: JSON of this size, with its mark.
    pub fn publish(&mut self, member: usize, bytes: usize, now: u64) -> String {
        let number = self.messages.len();
        self.messages.push((member, 0));
        let head = format!(r#"{{"mark":"@t{now:018}{number:08}","text":""#);
        let text = (b'a'..=b's').cycle().map(char::from).take(bytes.saturating_sub(head.len() + 2));
        head.chars().chain(text).chain("\"}".chars()).collect()
    }

    pub fn published(&self) -> usize {
        self.messages.len()
    }

    /// A member was told something.
    pub fn hear(&mut self, event: &[u8], now: u64) {
        let Some(mark) = self.mark(event) else { return };
        let (time, number) = mark[SIGN.len()..].split_at(TIME_DIGITS);
        self.deliveries += 1;
        let sent = digits(time);
        if self.measured_from.is_some_and(|from| sent >= from) {
            self.micros.push(u32::try_from(now.saturating_sub(sent) / 1000).unwrap_or(u32::MAX));
        }
        let Some((member, count)) = self.messages.get_mut(digits(number) as usize) else { return };
        *count += 1;
        if *count == self.receivers {
            self.complete += 1;
            self.done.push(*member);
        }
    }

    fn mark<'e>(&mut self, event: &'e [u8]) -> Option<&'e [u8]> {
        let at = |place: usize| event.get(place..place + MARK_BYTES).filter(|mark| mark.starts_with(SIGN));
        if at(self.place).is_none() {
            self.place = event.windows(SIGN.len()).position(|bytes| bytes == SIGN)?;
        }
        at(self.place)
    }
}

fn digits(text: &[u8]) -> u64 {
    text.iter().fold(0, |number, digit| number * 10 + u64::from(digit.wrapping_sub(b'0')))
}
