//! Events as an event stream tells them (WHATWG HTML, section 9.2 "Server-sent events").
//!
//! The JSON is the one that every transport tells; what has to be known of it besides is looked up once and
//! shared. The `id` of an event, the cursor of its reader, is the reader's own.

use std::borrow::Cow;

use bytes::{BufMut, BytesMut};
use serde::Deserialize;

use crate::domain::Cursor;

/// What an event stream needs to know of an event. It waits with it in every outbox, so it is small.
#[derive(Debug)]
pub struct Headline {
    name: Box<str>,
    is_one_line: bool,
}

impl Headline {
    /// Reads an event of ours, a JSON object.
    pub fn of(json: &[u8]) -> Self {
        // JSON is written on one line, but a payload is kept as its sender wrote it.
        Self { name: name(json).into(), is_one_line: !json.iter().any(|byte| matches!(byte, b'\r' | b'\n')) }
    }
}

/// What an event is called: its type; a message, what its publisher has called it; and `error` is the
/// browser's own.
fn name(json: &[u8]) -> Cow<'_, str> {
    #[derive(Deserialize)]
    struct Named<'a> {
        #[serde(borrow)]
        r#type: Cow<'a, str>,
        #[serde(borrow)]
        event: Option<Cow<'a, str>>,
    }
    match serde_json::from_slice(json) {
        Ok(Named { r#type, event: Some(event) }) if r#type == "message" => event,
        Ok(Named { r#type, .. }) if r#type != "error" => r#type,
        _ => "problem".into(),
    }
}

/// How events are called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Naming {
    ByType,
    /// Not at all, so that a browser takes each for a `message`: for clients that only set `onmessage`.
    Unnamed,
}

/// Begins an event: its name, and `data:` for each line of the JSON.
pub fn begin(bytes: &mut BytesMut, naming: Naming, headline: &Headline, json: &[u8]) {
    if naming == Naming::ByType {
        line(bytes, "event", headline.name.as_bytes());
    }
    let mut rest = json;
    while !headline.is_one_line
        && let Some(end) = rest.iter().position(|byte| matches!(byte, b'\r' | b'\n'))
    {
        let (data, tail) = rest.split_at(end);
        line(bytes, "data", data);
        rest = tail.strip_prefix(b"\r\n").or_else(|| tail.get(1..)).unwrap_or_default();
    }
    line(bytes, "data", rest);
}

fn line(bytes: &mut BytesMut, field: &str, value: &[u8]) {
    bytes.put_slice(field.as_bytes());
    bytes.put_slice(b": ");
    bytes.put_slice(value);
    bytes.put_u8(b'\n');
}

/// Ends an event that has moved the reader to this cursor, and one that has not.
pub fn end(bytes: &mut BytesMut, cursor: Option<&Cursor>) {
    if let Some(cursor) = cursor {
        bytes.put_slice(b"id: ");
        put_cursor(bytes, cursor);
        bytes.put_u8(b'\n');
    }
    bytes.put_u8(b'\n');
}

/// Writes a cursor as [`Cursor`] shows itself; by hand, since each delivery has one.
fn put_cursor(bytes: &mut BytesMut, cursor: &Cursor) {
    for (place, (stream, position)) in cursor.iter().enumerate() {
        if place > 0 {
            bytes.put_u8(b',');
        }
        bytes.put_slice(stream.as_str().as_bytes());
        bytes.put_u8(b'@');
        bytes.put_slice(position.epoch.as_str().as_bytes());
        bytes.put_u8(b'.');
        bytes.put_slice(itoa::Buffer::new().format(position.offset).as_bytes());
    }
}

/// What keeps the connection open while nothing happens.
pub fn comment(bytes: &mut BytesMut) {
    bytes.put_slice(b":\n\n");
}

/// When a reader that is cut off should come again.
pub fn retry(bytes: &mut BytesMut, after: std::time::Duration) {
    line(bytes, "retry", after.as_millis().to_string().as_bytes());
    bytes.put_u8(b'\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn begun(naming: Naming, json: &str) -> String {
        let mut bytes = BytesMut::new();
        begin(&mut bytes, naming, &Headline::of(json.as_bytes()), json.as_bytes());
        String::from_utf8(bytes.to_vec()).unwrap()
    }

    #[test]
    fn an_event_is_called_by_its_type_or_as_its_publisher_says() {
        let named = |json| begun(Naming::ByType, json);
        assert_eq!(named(r#"{"type":"a.b"}"#), "event: a.b\ndata: {\"type\":\"a.b\"}\n");
        assert!(named(r#"{"type":"message","event":"update"}"#).starts_with("event: update\n"));
        assert!(named(r#"{"type":"a.b","event":"update"}"#).starts_with("event: a.b\n"));
        assert!(named(r#"{"type":"error","code":"internal"}"#).starts_with("event: problem\n"));
        let json = r#"{"type":"unread"}"#;
        assert_eq!(begun(Naming::Unnamed, json), format!("data: {json}\n"));
    }

    #[test]
    fn every_line_of_the_json_is_a_line_of_data() {
        let json = "{\"type\":\"a.b\",\r\n\"x\":\r1,\n\n\"y\": \"\u{2028}\"}";
        assert_eq!(
            begun(Naming::Unnamed, json),
            "data: {\"type\":\"a.b\",\ndata: \"x\":\ndata: 1,\ndata: \ndata: \"y\": \"\u{2028}\"}\n"
        );
    }

    #[test]
    fn an_event_ends_with_the_cursor_behind_it() {
        let mut bytes = BytesMut::new();
        end(&mut bytes, Some(&"inbox@k3x9q2ab.42,chat:general@e1e1e1e1.0".parse().unwrap()));
        end(&mut bytes, None);
        retry(&mut bytes, std::time::Duration::from_millis(1234));
        comment(&mut bytes);
        assert_eq!(bytes, "id: inbox@k3x9q2ab.42,chat:general@e1e1e1e1.0\n\n\nretry: 1234\n\n:\n\n");
    }
}
