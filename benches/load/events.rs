//! Event streams as a server sends them, as far as a benchmark needs them: chunks (RFC 9112 section 7.1) of
//! whole events.

use std::ops::Range;

use memchr::{memchr, memmem};

use crate::server::Outcome;

/// Where a chunk's data is, and where the next one begins.
pub struct Chunk {
    pub data: Range<usize>,
    pub end: usize,
}

impl Chunk {
    /// The chunk at this place, if all of it is here.
    ///
    /// # Errors
    /// If it is the last one, or none.
    pub fn at(bytes: &[u8], start: usize) -> Outcome<Option<Self>> {
        let Some(length) = memchr(b'\r', &bytes[start..]) else { return Ok(None) };
        let size = usize::from_str_radix(std::str::from_utf8(&bytes[start..start + length])?, 16)?;
        if size == 0 {
            return Err("the server has ended the stream".into());
        }
        // A line end behind the size, and one behind the data.
        let data = start + length + 2..start + length + 2 + size;
        let end = data.end + 2;
        Ok((end <= bytes.len()).then_some(Self { data, end }))
    }
}

/// The events of a chunk.
///
/// # Errors
/// If the last one is not whole, which a client must expect, and our server does not do.
pub fn events(chunk: &[u8]) -> Outcome<impl Iterator<Item = &[u8]>> {
    if !chunk.ends_with(b"\n\n") {
        return Err("an event is cut".into());
    }
    let mut start = 0;
    Ok(memmem::find_iter(chunk, b"\n\n").map(move |end| {
        let event = &chunk[start..end];
        start = end + 2;
        event
    }))
}
