//! A client of an event stream: it takes the bytes as they come, and knows only what WHATWG says of them.

use std::{
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, Waker},
};

use futures_util::Stream;
use serde_json::Value;

use super::super::sse_body::SseBody;
use crate::{
    domain::{Identity, Transport},
    limits::Place,
    protocol::event_stream::Naming,
    session::{Following, Opening, Session, Worker},
};

pub struct EventStream {
    body: Pin<Box<SseBody>>,
    /// What has arrived and was not read.
    bytes: Vec<u8>,
    pub is_over: bool,
}

impl EventStream {
    pub fn open(worker: &Rc<Worker>, identity: Identity, following: Following) -> Self {
        let cursor = following.cursor();
        let (line, place) = (Box::new(()), Place::default());
        let session = Session::open(worker.clone(), Transport::EventStream, following, line, place);
        session.admit(identity, Opening::Welcome(None));
        let body = Box::pin(SseBody::new(session, cursor, Naming::ByType));
        Self { body, bytes: Vec::new(), is_over: false }
    }

    /// Reads at most so many events, each with its `id`, and ends where the server ends.
    pub fn read(&mut self, events_max: usize, mut take: impl FnMut(Value, Option<String>)) {
        let mut read = 0;
        while read < events_max {
            let Some(end) = self.bytes.windows(2).position(|pair| pair == b"\n\n") else {
                match self.body.as_mut().poll_next(&mut Context::from_waker(Waker::noop())) {
                    Poll::Pending => return,
                    Poll::Ready(Some(piece)) => self.bytes.extend_from_slice(&piece.unwrap()),
                    Poll::Ready(None) => {
                        assert!(self.bytes.is_empty(), "the stream ends within an event");
                        self.is_over = true;
                        return;
                    }
                }
                continue;
            };
            let block = self.bytes.drain(..end + 2).collect();
            if let Some((event, id)) = event(&String::from_utf8(block).unwrap()) {
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
