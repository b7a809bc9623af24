//! A client of an event stream: it takes the bytes as they come, and knows only what WHATWG says of them.

use std::{
    rc::Rc,
    task::{Context, Waker},
};

use bytes::{Bytes, BytesMut};
use futures_util::stream::{Pending, pending};
use serde_json::Value;

use super::super::{
    connection::{Filled, Writer},
    sse_writer::SseWriter,
};
use crate::{
    domain::{Identity, Transport},
    limits::Place,
    protocol::event_stream::Naming,
    session::{Following, Opening, Session, Worker},
};

pub struct EventStream {
    writer: Option<SseWriter<Pending<Result<Bytes, ()>>>>,
    /// What has arrived and was not read.
    bytes: BytesMut,
    pub is_over: bool,
}

impl EventStream {
    pub fn open(worker: &Rc<Worker>, identity: Identity, following: Following) -> Self {
        let cursor = following.cursor();
        let (line, place) = (Box::new(()), Place::default());
        let session = Session::open(worker.clone(), Transport::EventStream, following, line, place);
        session.admit(identity, Opening::Welcome(None));
        let writer = Some(SseWriter::new(session.into(), cursor, Naming::ByType, false, pending()));
        Self { writer, bytes: BytesMut::new(), is_over: false }
    }

    /// Reads at most so many events, each with its `id`, and ends where the server ends.
    pub fn read(&mut self, events_max: usize, mut take: impl FnMut(Value, Option<String>)) {
        let mut read = 0;
        while read < events_max {
            let Some(end) = self.bytes.windows(2).position(|pair| pair == b"\n\n") else {
                let before = self.bytes.len();
                let Some(writer) = &mut self.writer else {
                    assert!(self.bytes.is_empty(), "the stream ends within an event");
                    self.is_over = true;
                    return;
                };
                if writer.fill(&mut self.bytes, &mut Context::from_waker(Waker::noop())) == Filled::End {
                    self.writer = None;
                } else if self.bytes.len() == before {
                    return;
                }
                continue;
            };
            let block = self.bytes.split_to(end + 2);
            if let Some((event, id)) = event(std::str::from_utf8(&block).unwrap()) {
                read += 1;
                take(event, id);
            }
        }
    }
}

/// The event that these lines are, unless they are a comment or a `retry`.
fn event(block: &str) -> Option<(Value, Option<String>)> {
    let (mut name, mut id, mut data) = (None, None, Vec::new());
    for line in block.lines().filter(|line| !line.is_empty() && !line.starts_with(':')) {
        let (field, value) = line.split_once(": ").unwrap_or_else(|| panic!("{line}"));
        match field {
            "event" => name = Some(value),
            "id" => id = Some(value.to_owned()),
            "data" => data.push(value),
            "retry" => assert!(value.parse::<u32>().is_ok(), "{line}"),
            _ => panic!("{line}"),
        }
    }
    if data.is_empty() {
        return None;
    }
    let event: Value = serde_json::from_str(&data.join("\n")).unwrap();
    assert_eq!(name, event["type"].as_str(), "{block}");
    Some((event, id))
}
