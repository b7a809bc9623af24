//! The parser of event streams (WHATWG HTML, "Server-sent events"), strict where a browser is lenient: what no
//! server of ours may send ends the test.

use std::{collections::VecDeque, mem};

use serde_json::Value;

/// An event as it was dispatched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The name, where it has one.
    pub name: Option<String>,
    pub data: String,
    /// The id, where this event has set one.
    pub id: Option<String>,
}

impl Event {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.data).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

#[derive(Default)]
pub struct Parser {
    line: Vec<u8>,
    /// The last byte was a CR: an LF now is of the same line end.
    is_after_cr: bool,
    name: Option<String>,
    data: Option<String>,
    id: Option<String>,
    events: VecDeque<Event>,
    /// Every `retry:` in milliseconds.
    pub retries: Vec<u64>,
    /// How many comments have come.
    pub comments: usize,
}

impl Parser {
    pub fn feed(&mut self, bytes: &[u8]) {
        for byte in bytes {
            let is_second_half = *byte == b'\n' && mem::take(&mut self.is_after_cr);
            match byte {
                b'\n' if is_second_half => {}
                b'\n' | b'\r' => {
                    self.is_after_cr = *byte == b'\r';
                    let line = String::from_utf8(mem::take(&mut self.line)).expect("a line is UTF-8");
                    self.take(&line);
                }
                _ => {
                    self.is_after_cr = false;
                    self.line.push(*byte);
                }
            }
        }
    }

    /// The next event that is whole.
    pub fn next(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Whether nothing stands behind the last event, so that a stream that ends here ends well.
    pub fn is_between_events(&self) -> bool {
        self.line.is_empty() && self.name.is_none() && self.data.is_none() && self.id.is_none()
    }

    fn take(&mut self, line: &str) {
        if line.is_empty() {
            return self.dispatch();
        }
        let (field, value) =
            line.split_once(':').unwrap_or_else(|| panic!("a field without a value: {line:?}"));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "" => self.comments += 1,
            "event" => {
                assert!(!value.is_empty(), "an event with an empty name");
                assert_eq!(self.name.replace(value.to_owned()), None, "an event with two names");
            }
            "data" => match &mut self.data {
                Some(data) => *data = format!("{data}\n{value}"),
                none => *none = Some(value.to_owned()),
            },
            "id" => {
                // An empty one would forget where the client stands, and one with NUL would be ignored.
                assert!(!value.is_empty() && !value.contains('\0'), "a bad id: {value:?}");
                assert_eq!(self.id.replace(value.to_owned()), None, "an event with two ids");
            }
            "retry" => {
                assert!(value.bytes().all(|byte| byte.is_ascii_digit()), "a bad retry: {value:?}");
                self.retries.push(value.parse().unwrap());
            }
            _ => panic!("an unknown field: {line:?}"),
        }
    }

    fn dispatch(&mut self) {
        let (name, id) = (self.name.take(), self.id.take());
        match self.data.take() {
            Some(data) => self.events.push_back(Event { name, data, id }),
            None => assert_eq!((name, id), (None, None), "an event without data"),
        }
    }
}

#[test]
fn a_stream_reads_the_same_with_every_line_end_and_however_it_is_cut() {
    let text = ": hello\nretry: 1500\n\nevent: a.b\nid: 7\ndata: {\ndata:  1\ndata: }\n\n:\n\ndata:x\n\n";
    let events = [
        Event { name: Some("a.b".to_owned()), data: "{\n 1\n}".to_owned(), id: Some("7".to_owned()) },
        Event { name: None, data: "x".to_owned(), id: None },
    ];
    for line_end in ["\n", "\r", "\r\n"] {
        let bytes = text.replace('\n', line_end).into_bytes();
        for size in 1..bytes.len() {
            let mut parser = Parser::default();
            bytes.chunks(size).for_each(|part| parser.feed(part));
            assert_eq!(parser.events, events);
            assert!(parser.is_between_events());
            assert_eq!((&parser.retries[..], parser.comments), (&[1500][..], 2));
        }
    }
}
