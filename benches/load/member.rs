//! One member of a room: a WebSocket by hand, from its handshake on.

use super::{
    connection::Connection,
    frames::{self, Frame, append_masked},
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
    pub fn new(connection: Connection, room: &str, token: &str, is_silent: bool) -> Outcome<Self> {
        let mut member = Self { connection, state: State::Handshake, is_silent, frame: Vec::new() };
        let request = format!(
            "GET /v1/ws?rooms={room} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {token}\r\n\
             Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
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
        let Self { connection, state, frame: pongs, .. } = self;
        pongs.clear();
        connection.read(scratch, |bytes| {
            let now = now();
            let mut start = 0;
            if *state == State::Handshake {
                let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else {
                    return Ok(0);
                };
                if !bytes.starts_with(b"HTTP/1.1 101 ") {
                    return Err(String::from_utf8_lossy(bytes).into());
                }
                *state = State::Joining;
                start = end + 4;
            }
            while let Some(frame) = Frame::at(bytes, start) {
                let payload = &bytes[frame.payload.clone()];
                start = frame.payload.end;
                match frame.opcode {
                    frames::CLOSE => return Err(String::from_utf8_lossy(payload).into()),
                    frames::PING => append_masked(pongs, frames::PONG, payload),
                    _ if *state == State::Joined => tally.hear(payload, now),
                    _ => *state = opening(payload)?,
                }
            }
            Ok(start)
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

/// What an event before the first message says: the answer to the join is awaited.
fn opening(event: &[u8]) -> Outcome<State> {
    let text = String::from_utf8_lossy(event);
    if text.contains(r#""type":"error""#) {
        return Err(text.into());
    }
    Ok(if text.contains(r#""type":"ok""#) { State::Joined } else { State::Joining })
}
