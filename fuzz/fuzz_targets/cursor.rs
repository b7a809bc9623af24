//! A cursor and a position: what is taken reads back as it was written, and every way of writing it is the same.

#![no_main]

use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;
use tidings::{
    domain::{Cursor, Position, StreamName},
    protocol::event_stream,
};

const CURSOR_MAX: usize = 2048;

fuzz_target!(|text: &str| {
    if let Ok(position) = text.parse::<Position>() {
        assert_eq!(position.to_string(), text);
    }
    if let Ok(stream) = text.parse::<StreamName>() {
        assert_eq!(stream.as_str(), text);
        assert!(!text.contains([',', '@', '\r', '\n', '\0']), "a stream that no cursor can name");
    }
    let Ok(mut cursor) = text.parse::<Cursor>() else { return };
    assert!(text.len() <= CURSOR_MAX);
    assert_eq!(cursor.to_string(), text);

    // An event stream writes it by hand.
    let mut bytes = BytesMut::new();
    event_stream::end(&mut bytes, Some(&cursor));
    assert_eq!(bytes, format!("id: {text}\n\n"));

    let known: Vec<(StreamName, Position)> =
        cursor.iter().map(|(stream, position)| (stream.clone(), position)).collect();
    assert_eq!(known.len(), text.split(',').count());
    for (stream, position) in &known {
        assert_eq!(cursor.position(stream), Some(*position));
        let next = Position { offset: position.offset / 2, ..*position };
        cursor.advance(stream, next);
        assert_eq!(cursor.position(stream), Some(next));
    }
    assert_eq!(cursor.iter().count(), known.len(), "a stream is in it once");
    let again = cursor.to_string();
    assert_eq!(again.parse::<Cursor>().as_ref(), Ok(&cursor));
    let (first, _) = &known[0];
    cursor.retain(|stream| stream == first);
    assert_eq!(cursor.iter().count(), 1);
});
