//! One client that listens: a WebSocket, an event stream, or requests that wait, by hand from its handshake on.

use memchr::memmem;

use super::{
    Fault, Outcome, Target,
    answer::{Answer, head_end, status},
    connection::Connection,
    event_stream::EventStream,
    frames::{self, Frame, append_masked},
    generator::Asked,
    tally::{Tally, append_data},
};

/// How a client is connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    WebSocket,
    EventStream,
    Poll,
}

/// How long the server holds the question of who polls, in seconds.
const WAIT: u32 = 25;

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Handshake,
    /// Let in; the first word, or the answer to the join, is awaited.
    Joining,
    Ready,
}

enum Reader {
    WebSocket,
    EventStream(EventStream),
    Poll(Poll),
}

/// Requests that wait, one after the other.
struct Poll {
    /// All of a request up to its cursor, and all behind it.
    before: String,
    after: String,
    chunks: Vec<u8>,
}

pub struct Client {
    connection: Connection,
    reader: Reader,
    state: State,
    /// What the event holds that says it is ready.
    awaited: &'static [u8],
    /// Reads nothing once it is ready.
    pub is_silent: bool,
    pub user: usize,
    pub room: Option<usize>,
    /// Messages that it has been told.
    pub heard: u64,
    /// When its first packet was due.
    pub begun: u64,
    out: Vec<u8>,
}

impl Client {
    /// Asks to be let in.
    ///
    /// # Errors
    /// If the server is gone.
    pub fn new(connection: Connection, target: &Target, asked: &Asked, begun: u64) -> Outcome<Self> {
        let (_, token) = target.user(asked.user);
        let room = asked.room.map(|room| format!("rooms={}", target.room(room)));
        let since = asked.room.filter(|_| asked.is_from_start);
        let since = since.map(|room| format!("since={}@00000000.0", target.room(room)));
        let query: Vec<String> = room.iter().chain(&since).cloned().collect();
        let query = if query.is_empty() { String::new() } else { format!("?{}", query.join("&")) };
        let (request, reader) = match asked.way {
            Way::WebSocket => {
                let head = target.head("GET", &format!("/v1/ws{query}"), token);
                let upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                               Sec-WebSocket-Protocol: tidings.v1\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
                (head + upgrade, Reader::WebSocket)
            }
            Way::EventStream => {
                let head = target.head("GET", &format!("/v1/sse{query}"), token);
                (head + "Accept: text/event-stream\r\n\r\n", Reader::EventStream(EventStream::default()))
            }
            Way::Poll => {
                let request = target.head("GET", &format!("/v1/poll{query}"), token) + "\r\n";
                let path = format!("/v1/poll?wait={WAIT}&{}&since=", room.unwrap_or_default());
                let next = target.head("GET", &path, token);
                let (before, after) = next.split_once(" HTTP/1.1").unwrap_or_default();
                let (before, after) = (before.to_owned(), format!(" HTTP/1.1{after}\r\n"));
                (request, Reader::Poll(Poll { before, after, chunks: Vec::new() }))
            }
        };
        let awaited: &[u8] = if asked.room.is_some() { br#""type":"ok""# } else { br#""type":"welcome""# };
        let mut client = Self {
            connection,
            reader,
            state: State::Handshake,
            awaited,
            is_silent: asked.is_silent,
            user: target.place(asked.user),
            room: asked.room,
            heard: 0,
            begun,
            out: Vec::new(),
        };
        client.connection.send(request.as_bytes())?;
        Ok(client)
    }

    pub fn is_ready(&self) -> bool {
        self.state == State::Ready
    }

    /// Publishes to a room; the command is made in a place that is used again.
    ///
    /// # Errors
    /// If the server is gone.
    pub fn publish(
        &mut self,
        room: &str,
        (due, number): (u64, u64),
        bytes: usize,
        command: &mut Vec<u8>,
    ) -> Outcome<()> {
        command.clear();
        for part in [r#"{"type":"message","room":""#, room, r#"","data":"#] {
            command.extend_from_slice(part.as_bytes());
        }
        append_data(command, due, number, bytes);
        command.push(b'}');
        self.out.clear();
        append_masked(&mut self.out, frames::TEXT, command);
        self.connection.send(&self.out)
    }

    /// Sends what did not fit, and reads what has come.
    ///
    /// # Errors
    /// If the server is gone, or did not let it in.
    pub fn turn(
        &mut self,
        number: usize,
        scratch: &mut [u8],
        tally: &mut Tally,
        now: impl Fn() -> u64,
    ) -> Outcome<()> {
        self.connection.flush()?;
        if self.is_silent && self.is_ready() {
            return Ok(());
        }
        let Self { connection, reader, state, awaited, heard, out, .. } = self;
        out.clear();
        connection.read(scratch, |bytes| {
            let now = now();
            let mut start = 0;
            if *state == State::Handshake && !matches!(reader, Reader::Poll(_)) {
                let Some(end) = head_end(bytes, 0) else { return Ok(0) };
                let accepted = if matches!(reader, Reader::WebSocket) { 101 } else { 200 };
                let_in(bytes, accepted)?;
                *state = State::Joining;
                start = end;
            }
            let mut hear = |event: &[u8]| {
                if *state != State::Ready && memmem::find(event, awaited).is_some() {
                    *state = State::Ready;
                } else if tally.hear(event, now) {
                    *heard += 1;
                } else if let Some(fault) = complaint(event) {
                    if *state != State::Ready {
                        return Err(fault);
                    }
                    tally.refuse(number, &fault);
                }
                Ok(())
            };
            match reader {
                Reader::WebSocket => read_frames(bytes, start, out, &mut hear),
                Reader::EventStream(events) => events.read(bytes, start, &mut hear),
                Reader::Poll(poll) => {
                    let taken = poll.read(bytes, out, |events| {
                        let before = tally.deliveries;
                        tally.hear_all(events, now);
                        *heard += tally.deliveries - before;
                    })?;
                    if taken > 0 {
                        *state = State::Ready;
                    }
                    Ok(taken)
                }
            }
        })?;
        if !out.is_empty() {
            connection.send(out)?;
        }
        Ok(())
    }

    /// Reads what has come at last to a silent client; whether it is told there that it has missed something.
    ///
    /// # Errors
    /// If the server has ended it.
    pub fn is_told_of_loss(&mut self, scratch: &mut [u8]) -> Outcome<bool> {
        const GAP: &[u8] = br#""overflow""#;
        let mut is_told = false;
        self.connection.read(scratch, |bytes| {
            is_told |= memmem::find(bytes, GAP).is_some();
            // Enough is kept to find it where it is cut.
            Ok(bytes.len().saturating_sub(GAP.len()))
        })?;
        Ok(is_told)
    }

    /// Ends it.
    pub fn abandon(self) {
        self.connection.abandon();
    }
}

impl Poll {
    /// Hears the answer, if all of it is here, and asks for what comes next.
    fn read(&mut self, bytes: &[u8], out: &mut Vec<u8>, hear: impl FnOnce(&[u8])) -> Outcome<usize> {
        const CURSOR: &[u8] = br#""cursor":""#;
        let Some(answer) = Answer::at(bytes, 0, &mut self.chunks)? else { return Ok(0) };
        let_in(bytes, 200)?;
        let body = bytes.get(answer.body).unwrap_or_default();
        let body = if answer.is_chunked { self.chunks.as_slice() } else { body };
        hear(body);
        let cursor = memmem::rfind(body, CURSOR).and_then(|start| body.get(start + CURSOR.len()..));
        let cursor = cursor.and_then(|rest| rest.split(|byte| *byte == b'"').next());
        let cursor = cursor.ok_or_else(|| Fault::new("an answer to a poll without a cursor"))?;
        if answer.is_last {
            return Err(Fault::new("closed by the server"));
        }
        for part in [self.before.as_bytes(), cursor, self.after.as_bytes()] {
            out.extend_from_slice(part);
        }
        Ok(answer.end)
    }
}

/// Hears the messages of all frames that are whole; how much of the bytes that was.
fn read_frames(
    bytes: &[u8],
    mut start: usize,
    pongs: &mut Vec<u8>,
    hear: &mut impl FnMut(&[u8]) -> Outcome<()>,
) -> Outcome<usize> {
    while let Some(frame) = Frame::at(bytes, start) {
        start = frame.payload.end;
        let payload = bytes.get(frame.payload).unwrap_or_default();
        match frame.opcode {
            frames::CLOSE => {
                let (code, reason) = payload.split_first_chunk().unwrap_or((&[0, 0], b""));
                let reason = String::from_utf8_lossy(reason);
                return Err(Fault::new(format!("closed: {} {reason}", u16::from_be_bytes(*code))));
            }
            frames::PING => append_masked(pongs, frames::PONG, payload),
            _ => hear(payload)?,
        }
    }
    Ok(start)
}

/// Whether the server's answer is the one awaited; else what it says.
pub fn let_in(bytes: &[u8], accepted: u16) -> Outcome<()> {
    match status(bytes) {
        Some(status) if status == accepted => Ok(()),
        Some(status) => {
            let code = word(bytes, br#""code":""#).unwrap_or_default();
            Err(Fault::new(format!("refused: {status} {code}").trim_end().to_owned()))
        }
        None => Err(Fault::new("what the server sends is not HTTP/1.1")),
    }
}

/// What an event says that went wrong, if it does.
fn complaint(event: &[u8]) -> Option<Fault> {
    if memmem::find(event, br#""type":"goodbye""#).is_some() {
        // What follows it is the end, which says the same.
        return None;
    }
    memmem::find(event, br#""type":"error""#)?;
    Some(Fault::new(format!("error: {}", word(event, br#""code":""#).unwrap_or("unknown"))))
}

/// The word behind a key.
fn word<'t>(text: &'t [u8], key: &[u8]) -> Option<&'t str> {
    let rest = text.get(memmem::find(text, key)? + key.len()..)?;
    std::str::from_utf8(rest.split(|byte| *byte == b'"').next()?).ok()
}
