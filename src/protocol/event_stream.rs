//! Events as an event stream tells them (WHATWG HTML, section 9.2 "Server-sent events").
//!
//! What an event says is rendered once and shared; its `id`, the cursor of the reader, is the reader's own.

use std::borrow::Cow;

use bytes::{BufMut, Bytes, BytesMut};
use serde::Deserialize;

use crate::domain::Cursor;

/// The lines of one event, without its `id` and its end: `event: NAME`, and `data:` for each line of the JSON.
#[derive(Debug)]
pub struct Lines {
    bytes: Bytes,
    /// Length of the line that names the event.
    name_len: usize,
}

impl Lines {
    /// Renders an event of ours, a JSON object.
    pub fn of(json: &[u8]) -> Self {
        let name = name(json);
        let mut bytes = BytesMut::with_capacity(json.len() + name.len() + 32);
        line(&mut bytes, "event", name.as_bytes());
        let name_len = bytes.len();
        // JSON is written on one line, but a payload is kept as its sender wrote it.
        let mut rest = json;
        while let Some(end) = rest.iter().position(|byte| matches!(byte, b'\r' | b'\n')) {
            let (data, tail) = rest.split_at(end);
            line(&mut bytes, "data", data);
            rest = tail.strip_prefix(b"\r\n").or_else(|| tail.get(1..)).unwrap_or_default();
        }
        line(&mut bytes, "data", rest);
        Self { bytes: bytes.freeze(), name_len }
    }

    /// With the name: for those who listen by name.
    pub fn named(&self) -> &[u8] {
        &self.bytes
    }

    /// Whether the event has this name.
    pub fn is_called(&self, name: &str) -> bool {
        let line = self.bytes.get(..self.name_len).unwrap_or_default();
        line.strip_prefix(b"event: ").and_then(|line| line.strip_suffix(b"\n")) == Some(name.as_bytes())
    }

    /// Without a name, so that the browser calls it `message`.
    pub fn unnamed(&self) -> &[u8] {
        self.bytes.get(self.name_len..).unwrap_or_default()
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

fn line(bytes: &mut BytesMut, field: &str, value: &[u8]) {
    bytes.put_slice(field.as_bytes());
    bytes.put_slice(b": ");
    bytes.put_slice(value);
    bytes.put_u8(b'\n');
}

/// Ends an event that has moved the reader to this cursor, and one that has not.
pub fn end(bytes: &mut BytesMut, cursor: Option<&Cursor>) {
    if let Some(cursor) = cursor {
        line(bytes, "id", cursor.to_string().as_bytes());
    }
    bytes.put_u8(b'\n');
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

    fn named(json: &str) -> String {
        String::from_utf8(Lines::of(json.as_bytes()).named().to_vec()).unwrap()
    }

    #[test]
    fn an_event_is_called_by_its_type_or_as_its_publisher_says() {
        assert_eq!(named(r#"{"type":"a.b"}"#), "event: a.b\ndata: {\"type\":\"a.b\"}\n");
        assert!(named(r#"{"type":"message","event":"update"}"#).starts_with("event: update\n"));
        assert!(named(r#"{"type":"a.b","event":"update"}"#).starts_with("event: a.b\n"));
        assert!(named(r#"{"type":"error","code":"internal"}"#).starts_with("event: problem\n"));
        let json = r#"{"type":"unread"}"#;
        assert_eq!(Lines::of(json.as_bytes()).unnamed(), format!("data: {json}\n").as_bytes());
    }

    #[test]
    fn every_line_of_the_json_is_a_line_of_data() {
        let json = "{\"type\":\"a.b\",\r\n\"x\":\r1,\n\n\"y\": \"\u{2028}\"}";
        assert_eq!(
            named(json),
            "event: a.b\ndata: {\"type\":\"a.b\",\ndata: \"x\":\ndata: 1,\ndata: \ndata: \"y\": \"\u{2028}\"}\n"
        );
    }

    #[test]
    fn an_event_ends_with_the_cursor_behind_it() {
        let mut bytes = BytesMut::new();
        end(&mut bytes, Some(&"inbox@k3x9q2ab.42".parse().unwrap()));
        end(&mut bytes, None);
        retry(&mut bytes, std::time::Duration::from_millis(1234));
        comment(&mut bytes);
        assert_eq!(bytes, "id: inbox@k3x9q2ab.42\n\n\nretry: 1234\n\n:\n\n");
    }
}
