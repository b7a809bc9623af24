//! Event streams as they come from a server or from a proxy before it: events in chunks (RFC 9112 section 7.1),
//! cut wherever somebody on the way has cut them.

use memchr::memmem;

use super::{Fault, Outcome};

const LINE_END: &[u8] = b"\r\n";
const EVENT_END: &[u8] = b"\n\n";

/// Most of an event that is not whole yet.
const PARTIAL_MAX: usize = 1 << 20;

#[derive(Default)]
pub struct EventStream {
    /// What has not come of the chunk under way; `None` before the head of one.
    left: Option<usize>,
    /// The beginning of an event.
    partial: Vec<u8>,
}

impl EventStream {
    /// Hears the events of all that has come; how many of the bytes that was.
    ///
    /// # Errors
    /// If the stream is at its end, or none.
    pub fn read(
        &mut self,
        bytes: &[u8],
        mut start: usize,
        hear: &mut impl FnMut(&[u8]) -> Outcome<()>,
    ) -> Outcome<usize> {
        loop {
            let rest = bytes.get(start..).unwrap_or_default();
            match self.left {
                None => {
                    let Some(end) = memmem::find(rest, LINE_END) else { return Ok(start) };
                    self.left = Some(chunk_size(rest.get(..end).unwrap_or_default())?);
                    start += end + LINE_END.len();
                    if self.left == Some(0) {
                        return Err(Fault::new("closed by the server"));
                    }
                }
                Some(0) if rest.len() < LINE_END.len() => return Ok(start),
                Some(0) => {
                    self.left = None;
                    start += LINE_END.len();
                }
                Some(_) if rest.is_empty() => return Ok(start),
                Some(left) => {
                    let data = rest.get(..left).unwrap_or(rest);
                    self.hear(data, hear)?;
                    self.left = Some(left - data.len());
                    start += data.len();
                }
            }
        }
    }

    fn hear(&mut self, data: &[u8], hear: &mut impl FnMut(&[u8]) -> Outcome<()>) -> Outcome<()> {
        if self.partial.is_empty() {
            let whole = hear_all(data, hear)?;
            self.partial.extend_from_slice(data.get(whole..).unwrap_or_default());
            return Ok(());
        }
        self.partial.extend_from_slice(data);
        let whole = hear_all(&self.partial, hear)?;
        self.partial.drain(..whole);
        if self.partial.len() > PARTIAL_MAX {
            return Err(Fault::new("more was told at once than any client takes"));
        }
        Ok(())
    }
}

/// Hears what is whole, and says how much that was.
fn hear_all(data: &[u8], hear: &mut impl FnMut(&[u8]) -> Outcome<()>) -> Outcome<usize> {
    let mut start = 0;
    for end in memmem::find_iter(data, EVENT_END) {
        hear(data.get(start..end).unwrap_or_default())?;
        start = end + EVENT_END.len();
    }
    Ok(start)
}

/// The size that the head of a chunk names, before whatever else stands there.
///
/// # Errors
/// If it names none.
pub fn chunk_size(head: &[u8]) -> Outcome<usize> {
    let digits = head.split(|byte| *byte == b';').next().unwrap_or_default();
    let size = std::str::from_utf8(digits).ok().and_then(|text| usize::from_str_radix(text.trim(), 16).ok());
    size.ok_or_else(|| Fault::new("what the server sends is not chunked"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_heard_whole_however_chunks_and_reads_cut_them() {
        let stream = b"5\r\n:\n\nda\r\nb\r\nta: 1\n\nid: \r\n4;x=y\r\n2\n\n:\r\n2\r\n\n\n\r\n";
        for size in 1..=stream.len() {
            let (mut events, mut kept, mut told) = (EventStream::default(), Vec::new(), Vec::new());
            for piece in stream.chunks(size) {
                kept.extend_from_slice(piece);
                let mut hear = |event: &[u8]| {
                    told.push(String::from_utf8(event.to_vec()).unwrap());
                    Ok(())
                };
                let taken = events.read(&kept, 0, &mut hear).unwrap();
                kept.drain(..taken);
            }
            assert_eq!(told, [":", "data: 1", "id: 2", ":"], "{size}");
        }
    }

    #[test]
    fn the_last_chunk_is_the_end_and_what_is_no_chunk_is_a_fault() {
        let read = |bytes: &[u8]| EventStream::default().read(bytes, 0, &mut |_| Ok(()));
        assert!(read(b"0\r\n\r\n").is_err());
        assert!(read(b"data: 1\r\n").is_err());
    }
}
