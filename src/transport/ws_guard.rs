//! Reads frames as they pass, and stops what is to be refused before it is buffered.
//!
//! The codec behind it looks at a frame only when the whole of it is in memory; here a connection fails as soon
//! as it declares too much (T11), or says what is not UTF-8 (RFC 6455 section 8.1). Everything else about frames
//! is the codec's.

use super::ws_utf8::Utf8;
use crate::protocol::CloseCode;

/// What a message may be.
#[derive(Debug, Clone, Copy)]
pub struct MessageLimits {
    pub bytes: u64,
    pub fragments: usize,
    pub has_binary: bool,
}

/// Why a connection fails, and how many of the bytes came before that: they still count.
#[derive(Debug, PartialEq, Eq)]
pub struct Refused {
    pub code: CloseCode,
    pub passed: usize,
}

/// Where in the stream of frames it stands (RFC 6455 section 5.2).
pub struct Guard {
    limits: MessageLimits,
    /// Bytes of the current header so far.
    header: Vec<u8>,
    /// The current frame, as far as its payload has not come.
    frame: Frame,
    /// Of the current message.
    message_bytes: u64,
    fragments: usize,
    /// The current message, if it is a text.
    text: Option<Utf8>,
    /// The reason of a close frame.
    reason: Utf8,
    has_seen_close: bool,
}

#[derive(Debug, Clone, Copy, Default)]
struct Frame {
    opcode: u8,
    is_final: bool,
    /// A frame without one is refused by the codec.
    mask: Option<[u8; MASK_BYTES]>,
    payload_seen: u64,
    payload_left: u64,
}

const FIN: u8 = 0x80;
const OPCODE: u8 = 0x0F;
const CONTINUATION: u8 = 0x0;
const TEXT: u8 = 0x1;
const BINARY: u8 = 0x2;
const FIRST_CONTROL: u8 = 0x8;
const CLOSE: u8 = 0x8;
const MASKED: u8 = 0x80;
const LENGTH: u8 = 0x7F;
const CLOSE_CODE_BYTES: usize = 2;
const MASK_BYTES: usize = 4;
const HEADER_MAX: usize = 14;
const CONTROL_BYTES_MAX: u64 = 125;

impl Guard {
    pub fn new(limits: MessageLimits) -> Self {
        Self {
            limits,
            header: Vec::with_capacity(HEADER_MAX),
            frame: Frame::default(),
            message_bytes: 0,
            fragments: 0,
            text: None,
            reason: Utf8::default(),
            has_seen_close: false,
        }
    }

    /// Lets bytes pass.
    ///
    /// # Errors
    /// If the connection fails: too big, malformed, of no use here, or not UTF-8. What comes next is for
    /// [`Self::skip`].
    pub fn pass(&mut self, bytes: &[u8]) -> Result<(), Refused> {
        let mut rest = bytes;
        while !rest.is_empty() {
            let passed = bytes.len() - rest.len();
            if let Err(code) = self.step(&mut rest) {
                self.skip(rest);
                return Err(Refused { code, passed });
            }
        }
        Ok(())
    }

    /// Goes on without judging, once the connection has failed: all that matters is the peer's close frame.
    pub fn skip(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let _ = self.take_payload(&mut bytes).is_some() || self.take_header(&mut bytes);
        }
    }

    /// Whether the peer has said that it closes.
    pub fn has_seen_close(&self) -> bool {
        self.has_seen_close
    }

    /// The part of the current frame's payload that the bytes begin with; `None` if it is over.
    fn take_payload<'a>(&mut self, bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
        let frame = &mut self.frame;
        let taken = frame.payload_left.min(bytes.len() as u64);
        if taken == 0 {
            return None;
        }
        frame.payload_left -= taken;
        frame.payload_seen += taken;
        let (payload, rest) = bytes.split_at(taken as usize);
        *bytes = rest;
        Some(payload)
    }

    /// Takes one byte of a header; whether it was the last.
    fn take_header(&mut self, bytes: &mut &[u8]) -> bool {
        let Some((byte, rest)) = bytes.split_first() else { return false };
        *bytes = rest;
        self.header.push(*byte);
        let Some(frame) = read_header(&self.header) else { return false };
        self.header.clear();
        self.has_seen_close |= frame.opcode == CLOSE;
        self.frame = frame;
        true
    }

    fn step(&mut self, bytes: &mut &[u8]) -> Result<(), CloseCode> {
        let place = self.frame.payload_seen;
        if let Some(payload) = self.take_payload(bytes) {
            return self.judge_payload(place, payload);
        }
        if self.take_header(bytes) { self.judge_header() } else { Ok(()) }
    }

    fn judge_header(&mut self) -> Result<(), CloseCode> {
        let Frame { opcode, is_final, mask: Some(_), payload_left, .. } = self.frame else { return Ok(()) };
        if opcode < FIRST_CONTROL {
            // A message within a message is refused by the codec.
            if opcode == BINARY && !self.limits.has_binary && self.fragments == 0 {
                return Err(CloseCode::Binary);
            }
            self.judge_size(opcode, payload_left)?;
            if opcode == TEXT {
                self.text = Some(Utf8::default());
            }
            if is_final {
                (self.message_bytes, self.fragments) = (0, 0);
            }
        } else if payload_left > CONTROL_BYTES_MAX {
            return Err(CloseCode::ProtocolError);
        } else if opcode == CLOSE {
            self.reason = Utf8::default();
        }
        if payload_left == 0 { self.judge_payload(0, &[]) } else { Ok(()) }
    }

    fn judge_size(&mut self, opcode: u8, length: u64) -> Result<(), CloseCode> {
        if opcode != CONTINUATION {
            (self.message_bytes, self.fragments) = (0, 0);
        }
        self.message_bytes = self.message_bytes.saturating_add(length);
        self.fragments += 1;
        let MessageLimits { bytes, fragments, .. } = self.limits;
        if self.message_bytes > bytes || self.fragments > fragments {
            return Err(CloseCode::TooBig);
        }
        Ok(())
    }

    /// Judges a part of a payload, and with the last one the whole.
    fn judge_payload(&mut self, place: u64, payload: &[u8]) -> Result<(), CloseCode> {
        let Frame { opcode, is_final, mask: Some(mask), payload_left, .. } = self.frame else {
            return Ok(());
        };
        let is_last = payload_left == 0 && is_final;
        let (text, code_bytes) = match opcode {
            CLOSE => (&mut self.reason, CLOSE_CODE_BYTES.saturating_sub(place as usize)),
            TEXT | CONTINUATION => match &mut self.text {
                Some(text) => (text, 0),
                None => return Ok(()),
            },
            _ => return Ok(()),
        };
        let clear = unmask(payload, mask, place);
        let is_text = text.push(clear.get(code_bytes..).unwrap_or_default()).is_ok();
        let is_valid = is_text && (!is_last || text.is_whole());
        if is_last && opcode != CLOSE {
            self.text = None;
        }
        if is_valid { Ok(()) } else { Err(CloseCode::InvalidUtf8) }
    }
}

/// The frame that a header declares, once it is there in full.
fn read_header(header: &[u8]) -> Option<Frame> {
    let (first, second) = (*header.first()?, *header.get(1)?);
    let extended = match second & LENGTH {
        126 => 2,
        127 => 8,
        _ => 0,
    };
    let length = header.get(2..2 + extended)?;
    let payload_left = match extended {
        0 => u64::from(second & LENGTH),
        _ => length.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte)),
    };
    let mask = match second & MASKED {
        0 => None,
        _ => Some(*header.get(2 + extended..)?.first_chunk()?),
    };
    let (opcode, is_final) = (first & OPCODE, first & FIN != 0);
    Some(Frame { opcode, is_final, mask, payload_seen: 0, payload_left })
}

/// A part of a payload that begins at `place`, without its mask (RFC 6455 section 5.3).
fn unmask(payload: &[u8], mut mask: [u8; MASK_BYTES], place: u64) -> Vec<u8> {
    mask.rotate_left((place % MASK_BYTES as u64) as usize);
    let mut clear = payload.to_vec();
    for word in clear.chunks_mut(MASK_BYTES) {
        word.iter_mut().zip(mask).for_each(|(byte, mask)| *byte ^= mask);
    }
    clear
}

#[cfg(test)]
mod tests;
