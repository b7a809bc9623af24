//! One member of a room: a WebSocket or an event stream by hand, from its handshake on.

use super::{
    connection::Connection,
    events::{Chunk, events},
    frames::{self, Frame, append_masked},
    plan::Way,
    tally::Tally,
};
use crate::server::Outcome;

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Handshake,
    Joining,
    Joined,
}

pub struct Member {
    connection: Connection,
    way: Way,
    state: State,
    /// Reads nothing once it has joined.
    is_silent: bool,
    frame: Vec<u8>,
}

impl Member {
    /// Asks to be let in.
    ///
    /// # Errors
    /// If the server is gone.
    pub fn new(connection: Connection, way: Way, room: &str, token: &str, is_silent: bool) -> Outcome<Self> {
        let mut member = Self { connection, way, state: State::Handshake, is_silent, frame: Vec::new() };
        let (path, headers) = match way {
            Way::WebSocket => (
                "/v1/ws",
                "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                 Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
            ),
            Way::EventStream => ("/v1/sse", "Accept: text/event-stream\r\n"),
        };
        let request = format!(
            "GET {path}?rooms={room} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {token}\r\n{headers}\r\n"
        );
        member.connection.send(request.as_bytes())?;
        Ok(member)
    }

    pub fn has_joined(&self) -> bool {
        self.state == State::Joined
    }

    pub fn is_silent(&self) -> bool {
        self.is_silent
    }

    /// Publishes data to a room.
    ///
    /// # Errors
    /// If the server is gone.
    pub fn publish(&mut self, room: &str, data: &str) -> Outcome<()> {
        let command = format!(r#"{{"type":"message","room":"{room}","data":{data}}}"#);
        self.frame.clear();
        append_masked(&mut self.frame, frames::TEXT, command.as_bytes());
        self.connection.send(&self.frame)
    }

    /// Sends what did not fit, and reads what has come.
    ///
    /// # Errors
    /// If the server is gone, or did not let it in.
    pub fn turn(&mut self, scratch: &mut [u8], tally: &mut Tally, now: impl Fn() -> u64) -> Outcome<()> {
        self.connection.flush()?;
        if self.is_silent && self.has_joined() {
            return Ok(());
        }
        let Self { connection, way, state, frame: pongs, .. } = self;
        pongs.clear();
        connection.read(scratch, |bytes| {
            let now = now();
            let mut start = 0;
            if *state == State::Handshake {
                let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else {
                    return Ok(0);
                };
                let accepted: &[u8] = match way {
                    Way::WebSocket => b"HTTP/1.1 101 ",
                    Way::EventStream => b"HTTP/1.1 200 ",
                };
                if !bytes.starts_with(accepted) {
                    return Err(String::from_utf8_lossy(bytes).into());
                }
                *state = State::Joining;
                start = end + 4;
            }
            let mut hear = |event: &[u8]| {
                match *state {
                    State::Joined => tally.hear(event, now),
                    _ => *state = opening(event)?,
                }
                Ok(())
            };
            match way {
                Way::WebSocket => read_frames(bytes, start, pongs, &mut hear),
                Way::EventStream => read_chunks(bytes, start, &mut hear),
            }
        })?;
        if !pongs.is_empty() {
            connection.send(pongs)?;
        }
        Ok(())
    }

    /// Reads what has come at last to a silent member; whether it is told there that it has missed something.
    ///
    /// # Errors
    /// If the server has ended it.
    pub fn is_told_of_loss(&mut self, scratch: &mut [u8]) -> Outcome<bool> {
        const GAP: &[u8] = br#""overflow""#;
        let mut is_told = false;
        self.connection.read(scratch, |bytes| {
            is_told |= bytes.windows(GAP.len()).any(|window| window == GAP);
            // Enough is kept to find it where it is cut.
            Ok(bytes.len().saturating_sub(GAP.len()))
        })?;
        Ok(is_told)
    }
}

/// Hears the events of all frames that are whole; how much of the bytes that was.
fn read_frames(
    bytes: &[u8],
    mut start: usize,
    pongs: &mut Vec<u8>,
    hear: &mut impl FnMut(&[u8]) -> Outcome<()>,
) -> Outcome<usize> {
    while let Some(frame) = Frame::at(bytes, start) {
        let payload = &bytes[frame.payload.clone()];
        start = frame.payload.end;
        match frame.opcode {
            frames::CLOSE => return Err(String::from_utf8_lossy(payload).into()),
            frames::PING => append_masked(pongs, frames::PONG, payload),
            _ => hear(payload)?,
        }
    }
    Ok(start)
}

/// The same of an event stream.
fn read_chunks(
    bytes: &[u8],
    mut start: usize,
    hear: &mut impl FnMut(&[u8]) -> Outcome<()>,
) -> Outcome<usize> {
    while let Some(chunk) = Chunk::at(bytes, start)? {
        start = chunk.end;
        events(&bytes[chunk.data])?.try_for_each(&mut *hear)?;
    }
    Ok(start)
}

/// What an event before the first message says: the answer to the join is awaited.
fn opening(event: &[u8]) -> Outcome<State> {
    let text = String::from_utf8_lossy(event);
    if text.contains(r#""type":"error""#) {
        return Err(text.into());
    }
    Ok(if text.contains(r#""type":"ok""#) { State::Joined } else { State::Joining })
}
