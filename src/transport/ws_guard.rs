//! Reads the headers of frames as they pass, and stops a message that is too big before it is buffered.
//!
//! The codec behind it looks at a declared length only when the whole frame is in memory; here a
//! connection fails as soon as it declares too much (T11). Everything else about frames is the codec's,
//! but for the reason of a close frame, of which the codec does not tell what is wrong with it.

use crate::protocol::CloseCode;

#[derive(Debug, Clone, Copy)]
pub struct MessageLimits {
    pub bytes: u64,
    pub fragments: usize,
}

/// Where in the stream of frames it stands (RFC 6455 section 5.2).
pub struct Guard {
    limits: MessageLimits,
    /// Bytes of the current header so far.
    header: Vec<u8>,
    /// Bytes of the current frame's payload still to come.
    payload_left: u64,
    /// Mask and payload so far of a close frame.
    close: Option<([u8; MASK_BYTES], Vec<u8>)>,
    /// Of the current message.
    message_bytes: u64,
    fragments: usize,
}

const FIN: u8 = 0x80;
const OPCODE: u8 = 0x0F;
const CONTINUATION: u8 = 0x0;
const FIRST_CONTROL: u8 = 0x8;
const LENGTH: u8 = 0x7F;
const CLOSE: u8 = 0x8;
const CLOSE_CODE_BYTES: usize = 2;
const MASK_BYTES: usize = 4;
const HEADER_MAX: usize = 14;
const CONTROL_BYTES_MAX: u64 = 125;

impl Guard {
    pub fn new(limits: MessageLimits) -> Self {
        Self {
            limits,
            header: Vec::with_capacity(HEADER_MAX),
            payload_left: 0,
            close: None,
            message_bytes: 0,
            fragments: 0,
        }
    }

    /// Lets bytes pass.
    ///
    /// # Errors
    /// Why the connection fails: too big, malformed, or a close reason that is not UTF-8.
    pub fn pass(&mut self, mut bytes: &[u8]) -> Result<(), CloseCode> {
        while let Some((first, rest)) = bytes.split_first() {
            if self.payload_left > 0 {
                let skipped = self.payload_left.min(bytes.len() as u64);
                self.payload_left -= skipped;
                let (payload, rest) = bytes.split_at(skipped as usize);
                self.check_close(payload)?;
                bytes = rest;
                continue;
            }
            self.header.push(*first);
            bytes = rest;
            if let Some((opcode, is_final, length)) = self.complete_header() {
                let mask = self.header.last_chunk().copied().unwrap_or_default();
                self.close = (opcode == CLOSE).then(|| (mask, Vec::new()));
                self.header.clear();
                self.frame(opcode, is_final, length)?;
            }
        }
        Ok(())
    }

    /// Opcode, FIN and declared length, once the header is there in full.
    fn complete_header(&self) -> Option<(u8, bool, u64)> {
        let (first, second) = (*self.header.first()?, *self.header.get(1)?);
        let extended = match second & LENGTH {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        // An unmasked frame is refused by the codec at once; taken as masked it ends no later.
        if self.header.len() < 2 + extended + MASK_BYTES {
            return None;
        }
        let length = match extended {
            0 => u64::from(second & LENGTH),
            _ => self.header.get(2..2 + extended)?.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte)),
        };
        Some((first & OPCODE, first & FIN != 0, length))
    }

    /// Takes a part of a close frame's payload, and judges the reason once it is there in full.
    fn check_close(&mut self, payload: &[u8]) -> Result<(), CloseCode> {
        let Some((mask, close)) = &mut self.close else { return Ok(()) };
        let masks = mask.iter().cycle().skip(close.len());
        close.extend(payload.iter().zip(masks).map(|(byte, mask)| byte ^ mask));
        let reason = close.get(CLOSE_CODE_BYTES..).unwrap_or_default();
        if self.payload_left == 0 && std::str::from_utf8(reason).is_err() {
            return Err(CloseCode::InvalidUtf8);
        }
        Ok(())
    }

    fn frame(&mut self, opcode: u8, is_final: bool, length: u64) -> Result<(), CloseCode> {
        self.payload_left = length;
        if opcode >= FIRST_CONTROL {
            return if length > CONTROL_BYTES_MAX { Err(CloseCode::ProtocolError) } else { Ok(()) };
        }
        if opcode != CONTINUATION {
            (self.message_bytes, self.fragments) = (0, 0);
        }
        self.message_bytes = self.message_bytes.saturating_add(length);
        self.fragments += 1;
        if self.message_bytes > self.limits.bytes || self.fragments > self.limits.fragments {
            return Err(CloseCode::TooBig);
        }
        if is_final {
            (self.message_bytes, self.fragments) = (0, 0);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LIMITS: MessageLimits = MessageLimits { bytes: 64 * 1024, fragments: 64 };

    fn frame(first: u8, length: u64, payload: usize) -> Vec<u8> {
        let mut bytes = vec![first];
        match length {
            0..=125 => bytes.push(0x80 | length as u8),
            126..=0xFFFF => {
                bytes.push(0x80 | 126);
                bytes.extend_from_slice(&(length as u16).to_be_bytes());
            }
            _ => {
                bytes.push(0x80 | 127);
                bytes.extend_from_slice(&length.to_be_bytes());
            }
        }
        bytes.extend_from_slice(&[0; MASK_BYTES]);
        bytes.extend(std::iter::repeat_n(0, payload));
        bytes
    }

    fn pass(frames: &[Vec<u8>]) -> Result<(), CloseCode> {
        let mut guard = Guard::new(LIMITS);
        frames.iter().try_for_each(|frame| guard.pass(frame))
    }

    #[test]
    fn a_length_over_the_limit_fails_at_its_header() {
        assert_eq!(pass(&[frame(0x81, 65_536, 65_536)]), Ok(()));
        for length in [65_537, u64::from(u32::MAX), u64::MAX] {
            assert_eq!(pass(&[frame(0x81, length, 0)]), Err(CloseCode::TooBig));
        }
    }

    #[test]
    fn fragments_are_counted_and_summed_and_a_ping_between_them_is_not() {
        let ping = frame(0x89, 4, 4);
        let mut message = vec![frame(0x01, 32_768, 32_768), ping, frame(0x00, 32_768, 32_768)];
        assert_eq!(pass(&message), Ok(()));
        message.push(frame(0x80, 1, 1));
        assert_eq!(pass(&message), Err(CloseCode::TooBig));

        let mut many = vec![frame(0x01, 0, 0)];
        many.extend(std::iter::repeat_n(frame(0x00, 0, 0), 63));
        assert_eq!(pass(&many), Ok(()));
        many.push(frame(0x80, 0, 0));
        assert_eq!(pass(&many), Err(CloseCode::TooBig));
    }

    #[test]
    fn the_reason_of_a_close_frame_is_utf_8() {
        let close = |payload: &[u8]| {
            let mut bytes = vec![0x88, 0x80 | payload.len() as u8, 1, 2, 3, 4];
            bytes.extend(payload.iter().zip([1, 2, 3, 4].iter().cycle()).map(|(byte, mask)| byte ^ mask));
            bytes
        };
        for payload in [&b""[..], b"\x03", b"\x03\xE8", "\u{3}\u{20}fin: €".as_bytes()] {
            assert_eq!(pass(&[close(payload)]), Ok(()));
        }
        let bad = close(b"\x03\xE8\xC0\x80");
        let (start, end) = bad.split_at(9);
        assert_eq!(pass(std::slice::from_ref(&bad)), Err(CloseCode::InvalidUtf8));
        assert_eq!(pass(&[start.to_vec(), end.to_vec()]), Err(CloseCode::InvalidUtf8));
    }

    #[test]
    fn a_long_control_frame_is_malformed() {
        assert_eq!(pass(&[frame(0x89, 125, 125)]), Ok(()));
        assert_eq!(pass(&[frame(0x88, 1 << 40, 0)]), Err(CloseCode::ProtocolError));
    }

    proptest! {
        /// However the bytes are cut into chunks, the verdict is the same.
        #[test]
        fn chunks_do_not_matter(
            lengths in proptest::collection::vec((0..40_000u64, any::<bool>()), 1..6),
            cuts in proptest::collection::vec(1..5000usize, 1..20),
        ) {
            let mut bytes = Vec::new();
            let mut is_first = true;
            for (length, is_final) in lengths {
                let opcode = u8::from(is_first);
                bytes.extend(frame(if is_final { 0x80 | opcode } else { opcode }, length, length as usize));
                is_first = is_final;
            }
            let whole = Guard::new(LIMITS).pass(&bytes);
            let mut guard = Guard::new(LIMITS);
            let mut rest = bytes.as_slice();
            let mut verdict = Ok(());
            for cut in cuts.iter().cycle() {
                let (chunk, left) = rest.split_at((*cut).min(rest.len()));
                rest = left;
                verdict = guard.pass(chunk);
                if verdict.is_err() || rest.is_empty() {
                    break;
                }
            }
            prop_assert_eq!(verdict, whole);
        }

        #[test]
        fn any_bytes_pass_or_fail(bytes: Vec<u8>) {
            let _ = Guard::new(LIMITS).pass(&bytes);
        }
    }
}
