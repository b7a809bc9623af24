//! Bytes to messages: guard and codec together say what RFC 6455 says, however the bytes are cut, and keep no more
//! than a message may have.
//!
//! Input: four bytes of limits, then what the connection brings.

#![no_main]

use std::{
    alloc::{GlobalAlloc, Layout, System},
    io,
    pin::Pin,
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
    task::{Context, Poll, Waker},
};

use actix_http::ws::Codec;
use bytes::Bytes;
use futures_util::{Stream, stream};
use libfuzzer_sys::fuzz_target;
use tidings::{
    protocol::CloseCode,
    transport::{Guard, Inbound, MessageLimits, Messages},
};

/// Counts what is allocated, and remembers the most.
struct Counting;

static LIVE: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let live = LIVE.fetch_add(layout.size(), Relaxed) + layout.size();
        PEAK.fetch_max(live, Relaxed);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Relaxed);
        unsafe { System.dealloc(place, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Hears a connection to its end: its messages, and how it failed.
fn hear(chunks: Vec<Bytes>, limits: MessageLimits, mut take: impl FnMut(Inbound)) -> Option<CloseCode> {
    let payload = stream::iter(chunks.into_iter().map(Ok::<_, io::Error>));
    let codec = Codec::new().max_size(limits.bytes as usize);
    let mut messages = Messages::new(payload, Guard::new(limits), codec);
    let mut cx = Context::from_waker(Waker::noop());
    let (mut failure, mut is_closed, mut pauses) = (None, false, 0);
    // Between two messages others have their turn; a longer pause is the end of a failed connection.
    while pauses < 2 {
        pauses += 1;
        match Pin::new(&mut messages).poll_next(&mut cx) {
            Poll::Pending => continue,
            Poll::Ready(None) => break,
            Poll::Ready(Some(Ok(message))) if failure.is_none() => take(message),
            Poll::Ready(Some(Ok(message))) => {
                assert_eq!((message, is_closed), (Inbound::Close(None), false), "after a failure");
                is_closed = true;
            }
            Poll::Ready(Some(Err(code))) => assert_eq!(failure.replace(code), None, "it fails once"),
        }
        pauses = 0;
    }
    failure
}

/// The whole connection, read frame by frame: its messages, and what may be said of the frame that it fails with.
fn reference(mut bytes: &[u8], limits: MessageLimits) -> (Vec<Inbound>, Vec<CloseCode>) {
    let mut said = Vec::new();
    // Opcode and payload of the message that comes in parts.
    let mut begun: Option<(u8, Vec<u8>)> = None;
    let (mut message_bytes, mut fragments) = (0u64, 0);
    loop {
        let [first, second, ..] = *bytes else { return (said, Vec::new()) };
        let (is_final, opcode, is_control) = (first & 0x80 != 0, first & 0x0F, first & 0x08 != 0);
        if first & 0x70 != 0 || second & 0x80 == 0 || !matches!(opcode, 0..=2 | 8..=10) {
            return (said, vec![CloseCode::ProtocolError]);
        }
        let extended = match second & 0x7F {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        // The highest bit of a length is 0 (section 5.2).
        if extended == 8 && bytes.len() >= 10 && bytes[2] & 0x80 != 0 {
            return (said, vec![CloseCode::TooBig]);
        }
        let Some((header, rest)) = bytes.split_at_checked(2 + extended + 4) else {
            return (said, Vec::new());
        };
        let length = match extended {
            0 => u64::from(second & 0x7F),
            _ => header[2..2 + extended].iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte)),
        };
        let mask = &header[2 + extended..];
        let payload: Vec<u8> = rest
            .iter()
            .take(usize::try_from(length).unwrap_or(usize::MAX))
            .zip(mask.iter().cycle())
            .map(|(byte, mask)| byte ^ mask)
            .collect();
        let is_whole = payload.len() as u64 == length;

        let mut faults = Vec::new();
        let mut fault = |is_fault: bool, code| {
            if is_fault {
                faults.push(code)
            }
        };
        // Known from the header, and from what there is of the payload.
        let parts = if opcode == 0 { begun.take() } else { None };
        let text = match (opcode, &parts) {
            (1, _) => Some(payload.clone()),
            (0, Some((1, start))) => Some([start.as_slice(), &payload].concat()),
            (8, _) => Some(payload.get(2..).unwrap_or_default().to_vec()),
            _ => None,
        };
        if let Some(Err(error)) = text.as_deref().map(std::str::from_utf8) {
            let is_cut = error.error_len().is_none();
            fault(!is_cut || is_whole && is_final, CloseCode::InvalidUtf8);
        }
        if is_control {
            fault(length > 125, CloseCode::ProtocolError);
        } else {
            if opcode != 0 {
                (message_bytes, fragments) = (0, 0);
            }
            (message_bytes, fragments) = (message_bytes.saturating_add(length), fragments + 1);
            fault(message_bytes > limits.bytes || fragments > limits.fragments, CloseCode::TooBig);
            let is_within = begun.is_some();
            fault(opcode == 2 && !limits.has_binary && !is_within, CloseCode::Binary);
        }
        if is_whole {
            fault(is_control && !is_final, CloseCode::ProtocolError);
            fault(opcode == 0 && parts.is_none(), CloseCode::ProtocolError);
            fault(matches!(opcode, 1 | 2) && begun.is_some(), CloseCode::ProtocolError);
            let code = payload.first_chunk().map(|code| u16::from_be_bytes(*code));
            let is_code = code.is_some_and(|code| matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999));
            fault(opcode == 8 && length > 0 && !is_code, CloseCode::ProtocolError);
        }
        if !faults.is_empty() || !is_whole {
            return (said, faults);
        }

        bytes = &rest[payload.len()..];
        match opcode {
            8 => {
                let code = payload.first_chunk().map(|code| u16::from_be_bytes(*code));
                said.push(Inbound::Close(code));
            }
            9 => said.push(Inbound::Ping(payload.into())),
            10 => said.push(Inbound::Pong),
            _ => {
                let (kind, message) = match parts {
                    Some((kind, start)) => (kind, [start, payload].concat()),
                    None => (opcode, payload),
                };
                if !is_final {
                    begun = Some((kind, message));
                    continue;
                }
                (message_bytes, fragments) = (0, 0);
                said.push(match kind {
                    1 => Inbound::Text(String::from_utf8(message).unwrap()),
                    _ => Inbound::Binary(message.into()),
                });
            }
        }
    }
}

fuzz_target!(|bytes: &[u8]| {
    let Some(([size, fragments, has_binary, cut], bytes)) = bytes.split_first_chunk() else { return };
    let limits = MessageLimits {
        bytes: 128 + u64::from(*size) * 8,
        fragments: 1 + usize::from(*fragments % 8),
        has_binary: has_binary % 2 == 1,
    };
    let (expected, faults) = reference(bytes, limits);

    let chunk_size = 1 + usize::from(*cut);
    for size in [bytes.len().max(1), chunk_size, 1] {
        let chunks = bytes.chunks(size).map(Bytes::copy_from_slice).collect();
        let mut said = Vec::new();
        let failure = hear(chunks, limits, |message| said.push(message));
        assert_eq!(said, expected, "in chunks of {size}");
        match failure {
            Some(code) => {
                assert!(faults.contains(&code), "{code:?}, and not {faults:?}, in chunks of {size}")
            }
            None => assert!(faults.is_empty(), "{faults:?} passed in chunks of {size}"),
        }
    }

    let chunks = bytes.chunks(chunk_size).map(Bytes::copy_from_slice).collect();
    let before = LIVE.load(Relaxed);
    PEAK.store(before, Relaxed);
    hear(chunks, limits, drop);
    let taken = PEAK.load(Relaxed) - before;
    // A message in its frames, put together, and as a text; the chunk, and without its mask.
    let allowed = 4 * limits.bytes as usize + 4 * chunk_size + 1024;
    assert!(taken <= allowed, "{taken} bytes for messages of {}", limits.bytes);
});
