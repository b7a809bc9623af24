//! Events as a WebSocket tells them: the frames that a server sends (RFC 6455 section 5).

use bytes::Bytes;

use super::CloseFrame;

/// Longest header of an unmasked WebSocket frame (RFC 6455 section 5.2).
pub(super) const HEADER_MAX: usize = 10;

const FIN: u8 = 0x80;
pub(super) const TEXT: u8 = 0x1;
#[cfg(feature = "autobahn")]
pub(super) const BINARY: u8 = 0x2;
const CLOSE: u8 = 0x8;
const PING: u8 = 0x9;
const PONG: u8 = 0xA;

/// The header of a final, unmasked frame, and how many of the bytes count: they are the last ones of
/// the header's place, so that the payload follows at once.
pub(super) fn header(opcode: u8, len: usize) -> ([u8; HEADER_MAX], usize) {
    let mut header = [0; HEADER_MAX];
    let lengths = (len as u64).to_be_bytes();
    let used = match len {
        0..=125 => {
            header[1] = len as u8;
            2
        }
        126..=0xFFFF => {
            header[1] = 126;
            header[2..4].copy_from_slice(&lengths[6..]);
            4
        }
        _ => {
            header[1] = 127;
            header[2..].copy_from_slice(&lengths);
            10
        }
    };
    header[0] = FIN | opcode;
    (header, used)
}

/// A control frame; a payload over 125 bytes is cut (RFC 6455 section 5.5).
fn control(opcode: u8, payload: &[u8]) -> Bytes {
    let payload = payload.get(..125).unwrap_or(payload);
    let mut bytes = Vec::with_capacity(2 + payload.len());
    bytes.extend_from_slice(&[FIN | opcode, payload.len() as u8]);
    bytes.extend_from_slice(payload);
    bytes.into()
}

pub fn ping() -> Bytes {
    control(PING, &[])
}

pub fn pong(payload: &[u8]) -> Bytes {
    control(PONG, payload)
}

pub fn close(close: CloseFrame) -> Bytes {
    let Some(number) = close.number else { return control(CLOSE, &[]) };
    let mut payload = number.to_be_bytes().to_vec();
    payload.extend_from_slice(close.word.as_bytes());
    control(CLOSE, &payload)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::CloseCode;

    #[test]
    fn control_frames_are_as_rfc_6455_shows_them() {
        assert_eq!(ping()[..], [0x89, 0]);
        assert_eq!(pong(b"Hello")[..], [0x8A, 5, b'H', b'e', b'l', b'l', b'o']);
        assert_eq!(close(CloseCode::Normal.into())[..], *b"\x88\x08\x03\xe8normal");
        assert_eq!(close(CloseFrame { number: None, word: "" })[..], [0x88, 0]);
        assert_eq!(pong(&[0; 200]).len(), 127);
    }
}
