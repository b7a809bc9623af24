//! WebSocket frames (RFC 6455 section 5.2), as far as a load needs them: whole messages, one frame each.

use std::ops::Range;

pub const TEXT: u8 = 0x1;
pub const CLOSE: u8 = 0x8;
pub const PING: u8 = 0x9;
pub const PONG: u8 = 0xA;

const FIN: u8 = 0x80;
const MASKED: u8 = 0x80;
/// Hides nothing; only servers insist on it.
const MASK: [u8; 4] = [0x1F, 0x5C, 0xA3, 0x76];

/// Where a frame's parts are.
pub struct Frame {
    pub opcode: u8,
    pub mask: Option<[u8; 4]>,
    pub payload: Range<usize>,
}

impl Frame {
    /// The frame at this place, if all of it is here.
    pub fn at(bytes: &[u8], start: usize) -> Option<Self> {
        let [first, second] = chunk(bytes, start)?;
        let (length, mut head) = match second & !MASKED {
            126 => (u64::from(u16::from_be_bytes(chunk(bytes, start + 2)?)), start + 4),
            127 => (u64::from_be_bytes(chunk(bytes, start + 2)?), start + 10),
            length => (u64::from(length), start + 2),
        };
        let mut mask = None;
        if second & MASKED != 0 {
            mask = Some(chunk(bytes, head)?);
            head += 4;
        }
        let end = head.checked_add(usize::try_from(length).ok()?)?;
        (end <= bytes.len()).then_some(Self { opcode: first & 0x0F, mask, payload: head..end })
    }
}

fn chunk<const N: usize>(bytes: &[u8], start: usize) -> Option<[u8; N]> {
    bytes.get(start..)?.first_chunk().copied()
}

/// Appends a frame as a server sends it.
pub fn append(bytes: &mut Vec<u8>, opcode: u8, payload: &[u8]) {
    append_head(bytes, opcode, payload.len(), 0);
    bytes.extend_from_slice(payload);
}

/// Appends a frame as a client sends it.
pub fn append_masked(bytes: &mut Vec<u8>, opcode: u8, payload: &[u8]) {
    append_head(bytes, opcode, payload.len(), MASKED);
    bytes.extend_from_slice(&MASK);
    bytes.extend(masked(payload, MASK));
}

/// Masks what is not, and the other way round.
pub fn masked(payload: &[u8], mask: [u8; 4]) -> impl Iterator<Item = u8> {
    payload.iter().zip(mask.into_iter().cycle()).map(|(byte, mask)| byte ^ mask)
}

fn append_head(bytes: &mut Vec<u8>, opcode: u8, length: usize, masked: u8) {
    bytes.push(FIN | opcode);
    match (u8::try_from(length), u16::try_from(length)) {
        (Ok(length @ ..126), _) => bytes.push(masked | length),
        (_, Ok(length)) => {
            bytes.push(masked | 126);
            bytes.extend_from_slice(&length.to_be_bytes());
        }
        _ => {
            bytes.push(masked | 127);
            bytes.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_read_as_it_was_written_and_not_before_all_of_it_is_here() {
        for length in [0, 1, 125, 126, 65_535, 65_536] {
            let payload = vec![b'x'; length];
            let mut bytes = Vec::new();
            append_masked(&mut bytes, TEXT, &payload);
            assert!(Frame::at(&bytes[..bytes.len() - 1], 0).is_none(), "{length}");
            let frame = Frame::at(&bytes, 0).unwrap();
            let read: Vec<u8> = masked(&bytes[frame.payload.clone()], frame.mask.unwrap()).collect();
            assert_eq!((frame.opcode, frame.payload.end, read), (TEXT, bytes.len(), payload));
        }
    }
}
