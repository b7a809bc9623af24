//! Answers over HTTP/1.1 (RFC 9112), as far as a load needs them: status, body, and whether another may follow.

use std::ops::Range;

use memchr::memmem;

use super::{Outcome, event_stream::chunk_size};

const HEAD_END: &[u8] = b"\r\n\r\n";

pub struct Answer {
    pub status: u16,
    /// Of the bytes that were given; empty where the body came in chunks, and is in `chunks` then.
    pub body: Range<usize>,
    pub is_chunked: bool,
    pub end: usize,
    /// Whether the server ends the connection after it.
    pub is_last: bool,
}

/// Where the head ends that begins at this place.
pub fn head_end(bytes: &[u8], start: usize) -> Option<usize> {
    memmem::find(bytes.get(start..)?, HEAD_END).map(|length| start + length + HEAD_END.len())
}

/// The status that a head begins with.
pub fn status(head: &[u8]) -> Option<u16> {
    let digits = head.strip_prefix(b"HTTP/1.")?.get(2..5)?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}

impl Answer {
    /// The answer at this place, if all of it is here.
    ///
    /// # Errors
    /// If it is none.
    pub fn at(bytes: &[u8], start: usize, chunks: &mut Vec<u8>) -> Outcome<Option<Self>> {
        let Some(body) = head_end(bytes, start) else { return Ok(None) };
        let head = bytes.get(start..body).unwrap_or_default();
        let status =
            status(head).ok_or_else(|| super::Fault::new("what the server sends is not HTTP/1.1"))?;
        let is_last = field(head, b"connection").is_some_and(|word| word.eq_ignore_ascii_case(b"close"));
        let is_chunked =
            field(head, b"transfer-encoding").is_some_and(|word| word.eq_ignore_ascii_case(b"chunked"));
        let answer = Self { status, body: body..body, is_chunked, end: body, is_last };
        if matches!(status, 204 | 304) {
            return Ok(Some(answer));
        }
        if is_chunked {
            let end = unchunk(bytes, body, chunks)?;
            return Ok(end.map(|end| Self { end, ..answer }));
        }
        let length = field(head, b"content-length").and_then(|text| std::str::from_utf8(text).ok());
        let end = body + length.and_then(|text| text.parse::<usize>().ok()).unwrap_or(0);
        Ok((end <= bytes.len()).then_some(Self { body: body..end, end, ..answer }))
    }
}

/// The value of a field of a head.
fn field<'h>(head: &'h [u8], name: &[u8]) -> Option<&'h [u8]> {
    head.split(|byte| *byte == b'\n').find_map(|line| {
        let colon = memchr::memchr(b':', line)?;
        let (key, value) = line.split_at_checked(colon)?;
        key.eq_ignore_ascii_case(name).then(|| value.get(1..).unwrap_or_default().trim_ascii())
    })
}

/// Puts the chunks together; where they end, if all of them are here.
fn unchunk(bytes: &[u8], mut start: usize, chunks: &mut Vec<u8>) -> Outcome<Option<usize>> {
    chunks.clear();
    loop {
        let rest = bytes.get(start..).unwrap_or_default();
        let Some(head) = memmem::find(rest, b"\r\n") else { return Ok(None) };
        let size = chunk_size(rest.get(..head).unwrap_or_default())?;
        let data = head + 2..(head + 2).saturating_add(size);
        // A line end behind the data; behind the last chunk, which has none, that of the whole.
        let end = data.end.saturating_add(2);
        let Some(data) = rest.get(data).filter(|_| end <= rest.len()) else { return Ok(None) };
        chunks.extend_from_slice(data);
        start += end;
        if size == 0 {
            return Ok(Some(start));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_has_its_status_and_body_once_all_of_it_is_here() {
        let whole = b"HTTP/1.1 201 Created\r\nContent-LENGTH: 2\r\nConnection: close\r\n\r\n{}HTTP/1.1 304";
        let mut chunks = Vec::new();
        for cut in [20, whole.len() - "}HTTP/1.1 304".len()] {
            assert!(Answer::at(&whole[..cut], 0, &mut chunks).unwrap().is_none(), "{cut}");
        }
        let answer = Answer::at(whole, 0, &mut chunks).unwrap().unwrap();
        assert_eq!((answer.status, &whole[answer.body], answer.is_last), (201, &b"{}"[..], true));
        assert!(Answer::at(whole, answer.end, &mut chunks).unwrap().is_none());
    }

    #[test]
    fn a_body_in_chunks_is_put_together() {
        let whole =
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{\"\r\n3\r\na\":\r\n2\r\n1}\r\n0\r\n\r\n";
        let mut chunks = Vec::new();
        assert!(Answer::at(&whole[..whole.len() - 1], 0, &mut chunks).unwrap().is_none());
        let answer = Answer::at(whole, 0, &mut chunks).unwrap().unwrap();
        assert_eq!(
            (answer.is_chunked, chunks.as_slice(), answer.end),
            (true, &b"{\"a\":1}"[..], whole.len())
        );
        assert!(Answer::at(b"SSH-2.0\r\n\r\n", 0, &mut chunks).is_err());
    }
}
