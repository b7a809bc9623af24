use proptest::prelude::*;

use super::*;

const LIMITS: MessageLimits = MessageLimits { bytes: 64 * 1024, fragments: 64, has_binary: false };

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
    frames.iter().try_for_each(|frame| guard.pass(frame)).map_err(|refused| refused.code)
}

/// A small frame with a mask that hides something.
fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    let mask = [1, 2, 3, 4];
    let mut bytes = vec![first, 0x80 | payload.len() as u8];
    bytes.extend(mask);
    bytes.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    bytes
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
    let close = |payload: &[u8]| masked(0x88, payload);
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

#[test]
fn text_fails_with_the_first_byte_that_is_not_utf_8_and_not_before() {
    let text = "κόσμε".as_bytes();
    assert_eq!(pass(&[masked(0x01, text), masked(0x00, b"\xF4")]), Ok(()));
    // Above the last character that there is.
    assert_eq!(pass(&[masked(0x01, text), masked(0x00, b"\xF4\x90")]), Err(CloseCode::InvalidUtf8));

    let mut whole = masked(0x81, &[text, b"\xF4\x90\x80\x80", text].concat());
    whole.truncate(6 + text.len() + 1);
    let (mut guard, fault) = (Guard::new(LIMITS), 0x90 ^ [1, 2, 3, 4][(text.len() + 1) % 4]);
    assert_eq!(guard.pass(&whole), Ok(()));
    assert_eq!(guard.pass(&[fault]), Err(Refused { code: CloseCode::InvalidUtf8, passed: 0 }));
}

#[test]
fn text_ends_with_a_whole_character_and_what_is_between_its_parts_is_none_of_it() {
    let (start, ping, end) = (masked(0x01, b"\xE2\x82"), masked(0x89, b"\xFF"), masked(0x80, b"\xAC"));
    assert_eq!(pass(&[start.clone(), ping.clone(), end]), Ok(()));
    for end in [masked(0x80, b""), masked(0x80, b"x")] {
        assert_eq!(pass(&[start.clone(), ping.clone(), end]), Err(CloseCode::InvalidUtf8));
    }
    assert_eq!(pass(&[masked(0x81, b"x"), masked(0x81, b"\xE2\x82")]), Err(CloseCode::InvalidUtf8));
}

#[test]
fn binary_is_refused_at_its_header_unless_it_is_wanted() {
    let mut wanted = Guard::new(MessageLimits { has_binary: true, ..LIMITS });
    assert_eq!(wanted.pass(&masked(0x82, b"\xFF")), Ok(()));
    assert_eq!(pass(&[frame(0x82, 60_000, 0)]), Err(CloseCode::Binary));
    assert_eq!(pass(&[frame(0x02, 1, 0)]), Err(CloseCode::Binary));
    // Within a message it is a fault of another kind, and the codec's to tell.
    assert_eq!(pass(&[masked(0x01, b"x"), masked(0x82, b"x")]), Ok(()));
}

#[test]
fn after_a_failure_the_close_frame_of_the_peer_is_still_seen() {
    let mut guard = Guard::new(LIMITS);
    let (giant, close) = (frame(0x81, 70_000, 69_999), frame(0x88, 0, 0));
    // All but the last byte of its header.
    assert_eq!(guard.pass(&giant), Err(Refused { code: CloseCode::TooBig, passed: 13 }));
    guard.skip(&[0x88]);
    assert!(!guard.has_seen_close(), "that was the end of the payload");
    guard.skip(&close);
    assert!(guard.has_seen_close());
}

/// The codec refuses it; its header is as long as it says, all the same.
#[test]
fn a_frame_without_a_mask_is_over_where_it_ends() {
    let mut guard = Guard::new(LIMITS);
    assert!(guard.pass(&[0x8A, 0x01, 0x00, 0x88, 0x00]).is_ok());
    assert!(guard.has_seen_close());
}

#[test]
fn text_under_a_mask_is_read_wherever_it_is_cut() {
    let bytes = masked(0x81, "größer als ein Stück, 🦀 und noch eins".as_bytes());
    for size in 1..bytes.len() {
        let mut guard = Guard::new(LIMITS);
        let verdict = bytes.chunks(size).try_for_each(|chunk| guard.pass(chunk));
        assert!(verdict.is_ok(), "in pieces of {size}");
    }
}

proptest! {
    /// However the bytes are cut into chunks, the verdict is the same.
    #[test]
    fn chunks_do_not_matter(
        lengths in proptest::collection::vec((0..20_000u64, any::<bool>()), 1..6),
        cuts in proptest::collection::vec(1..5000usize, 1..20),
    ) {
        let mut bytes = Vec::new();
        let mut is_first = true;
        for (length, is_final) in lengths {
            let opcode = u8::from(is_first);
            bytes.extend(frame(if is_final { 0x80 | opcode } else { opcode }, length, length as usize));
            is_first = is_final;
        }
        let whole = pass(&[bytes.clone()]);
        let mut guard = Guard::new(LIMITS);
        let mut rest = bytes.as_slice();
        let mut verdict = Ok(());
        for cut in cuts.iter().cycle() {
            let (chunk, left) = rest.split_at((*cut).min(rest.len()));
            rest = left;
            verdict = guard.pass(chunk).map_err(|refused| refused.code);
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
