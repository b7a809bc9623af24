//! What is told on an event stream: a browser reads back exactly what was said, whatever publishers put into it.
//! The reader is made of the words of WHATWG HTML, section 9.2.6, and knows nothing of the writer.
//!
//! Input: things that are told, with U+001E between; of each its kind and its fields, with U+001F between. No JSON
//! has these characters.

#![no_main]

use std::time::Duration;

use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use tidings::{
    domain::{
        Cursor, Epoch, Json, MessageDraft, Notification, NotificationId, Position, StreamName, Timestamp,
    },
    protocol::{
        Class, Frame,
        event::{Message, NotificationView, Refused},
        event_stream::{self, Naming},
    },
};

#[derive(Debug, PartialEq)]
struct Event {
    name: String,
    data: String,
    last_id: String,
}

/// The reader: its events, and the reconnection time that it was told last.
fn read(stream: &[u8]) -> (Vec<Event>, Option<u64>) {
    let text = std::str::from_utf8(stream).expect("an event stream is UTF-8");
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    // A line ends with CR LF, LF or CR.
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let (mut events, mut retry) = (Vec::new(), None);
    let (mut name, mut data, mut last_id) = (String::new(), String::new(), String::new());
    let lines = text.split('\n').collect::<Vec<_>>();
    // What is behind the last line end is no line.
    let (_, lines) = lines.split_last().unwrap();
    for line in lines {
        if line.is_empty() {
            let data = std::mem::take(&mut data);
            let name = std::mem::take(&mut name);
            if let Some(data) = data.strip_suffix('\n') {
                let name = if name.is_empty() { "message".to_owned() } else { name };
                events.push(Event { name, data: data.to_owned(), last_id: last_id.clone() });
            }
            continue;
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => name = value.to_owned(),
            "data" => data = format!("{data}{value}\n"),
            "id" if !value.contains('\0') => last_id = value.to_owned(),
            "retry" if value.bytes().all(|byte| byte.is_ascii_digit()) => retry = value.parse().ok(),
            "" => {}
            unknown => panic!("{unknown:?} is no field"),
        }
    }
    assert!(name.is_empty() && data.is_empty(), "the stream ends within an event");
    (events, retry)
}

/// One thing that is told, if the fields are what the server would have taken from a publisher, and its name.
fn frame(fields: &[&str], offset: u64) -> Option<(String, Frame)> {
    let field = |place: usize| fields.get(place).copied().unwrap_or_default();
    let position = Position::new(Epoch::from_random(7), offset);
    let json = |place: usize| Json::parse(field(place)).ok();
    Some(match field(0) {
        "notification" => {
            let notification = Notification {
                id: NotificationId::generate(),
                position,
                notification_type: field(1).parse().ok()?,
                v: 1,
                payload: json(2)?,
                key: fields.get(3).map(|key| (*key).to_owned()),
                created_at: Timestamp::from_secs(0),
                expires_at: None,
                seen_at: None,
                read_at: None,
                archived_at: None,
                muted: false,
            };
            (field(1).to_owned(), Frame::notification(position, &NotificationView(&notification)))
        }
        "message" => {
            let (room, from) = ("chat:general".parse().unwrap(), field(1).parse().ok()?);
            let event = fields.get(3).map(|event| event.parse()).transpose().ok()?;
            let nonce = fields.get(4).map(|nonce| nonce.parse()).transpose().ok()?;
            let draft = MessageDraft { data: json(2)?, event, nonce };
            let name = draft.event.as_ref().map_or("message", |event| event.as_str()).to_owned();
            let message = Message::new(&room, position, &from, &draft, Timestamp::from_secs(0));
            (name, Frame::message(&room, position, &message))
        }
        "error" => {
            let code = tidings::protocol::ErrorCode::Internal;
            // The browser has an `error` of its own.
            let refused = Refused::new(None, None, None, code, field(1), None);
            ("problem".to_owned(), Frame::new(Class::Reply, &refused))
        }
        _ => return None,
    })
}

fuzz_target!(|text: &str| {
    let naming = if text.len() % 2 == 0 { Naming::ByType } else { Naming::Unnamed };
    let mut stream = BytesMut::new();
    let (mut cursor, mut expected, mut retry) = (Cursor::default(), Vec::new(), None);
    let mut last_id = String::new();
    for (offset, told) in (1..).zip(text.split('\u{1e}')) {
        let fields: Vec<&str> = told.split('\u{1f}').collect();
        match fields[0] {
            "comment" => event_stream::comment(&mut stream),
            "retry" => {
                retry = Some(fields.len() as u64 * 1234);
                event_stream::retry(&mut stream, Duration::from_millis(fields.len() as u64 * 1234));
            }
            _ => {
                let Some((name, frame)) = frame(&fields, offset) else { continue };
                event_stream::begin(&mut stream, naming, frame.headline(), frame.json());
                let reached = frame.reached().map(|(stream, at)| (stream.clone(), at));
                if let Some((stream, position)) = &reached {
                    cursor.advance(stream, *position);
                    last_id = cursor.to_string();
                }
                event_stream::end(&mut stream, reached.is_some().then_some(&cursor));
                let name = if naming == Naming::ByType { name } else { "message".to_owned() };
                expected.push((name, frame, last_id.clone()));
            }
        }
    }

    let (events, told_retry) = read(&stream);
    assert_eq!((events.len(), told_retry), (expected.len(), retry));
    for (event, (name, frame, last_id)) in events.iter().zip(&expected) {
        assert_eq!((&event.name, &event.last_id), (name, last_id));
        // Line ends are lost, and are no part of what JSON says.
        let told = std::str::from_utf8(frame.json()).unwrap();
        assert_eq!(event.data, told.replace("\r\n", "\n").replace('\r', "\n"));
        let json: Value = serde_json::from_str(&event.data).expect("the same JSON");
        assert_eq!(json, serde_json::from_slice::<Value>(frame.json()).unwrap());
        if let Some((StreamName::Inbox, position)) = frame.reached() {
            assert_eq!(json["position"], position.to_string());
        }
    }
});
