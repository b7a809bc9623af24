//! The limit of the machine: a loop that passes messages on and does nothing else a server does.
//!
//! One thread reads all that has come, frames each message once, and gives each member of a room all
//! that waits for it in one write. No token is looked at, nothing is numbered, kept, bounded or logged.

use std::{collections::HashMap, io::ErrorKind, net::SocketAddr};

use mio::{Events, Interest, Poll, Token, net::TcpListener};

use super::{
    connection::{Connection, SCRATCH_BYTES},
    frames::{self, Frame, append, masked},
};
use crate::server::Outcome;

const LISTENER: Token = Token(usize::MAX);

/// As many bytes as a server needs to say where a message stands in its room, whose it is and when it came.
const ENVELOPE: &str = r#"{"position":"k3x9q2ab.42","from":"bench","at":"2026-01-01T00:00:00.000Z","#;

struct Peer {
    connection: Connection,
    /// `None` before its handshake.
    room: Option<usize>,
}

#[derive(Default)]
struct Room {
    members: Vec<usize>,
    /// Frames of this turn.
    waiting: Vec<u8>,
}

#[derive(Default)]
struct Raw {
    /// By number; `None` where one is gone.
    peers: Vec<Option<Peer>>,
    names: HashMap<String, usize>,
    rooms: Vec<Room>,
    text: Vec<u8>,
}

/// Serves until the process is killed; says where on standard error, as the real program does.
///
/// # Errors
/// If the kernel refuses a socket.
pub fn serve() -> Outcome<()> {
    let mut listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
    let (mut poll, mut events) = (Poll::new()?, Events::with_capacity(1024));
    poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
    eprintln!(r#"{{"message":"listening","address":"{}"}}"#, listener.local_addr()?);
    let mut raw = Raw::default();
    let mut scratch = vec![0; SCRATCH_BYTES];
    loop {
        poll.poll(&mut events, None)?;
        for event in &events {
            match event.token() {
                LISTENER => raw.accept(&listener, &poll)?,
                Token(number) => raw.read(number, &mut scratch),
            }
        }
        raw.write();
    }
}

impl Raw {
    fn accept(&mut self, listener: &TcpListener, poll: &Poll) -> Outcome<()> {
        loop {
            match listener.accept() {
                Ok((stream, _)) => {
                    let connection = Connection::new(stream, poll.registry(), self.peers.len())?;
                    self.peers.push(Some(Peer { connection, room: None }));
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn read(&mut self, number: usize, scratch: &mut [u8]) {
        // Who fails is not put back, and so is closed.
        let Some(Peer { mut connection, room }) = self.peers[number].take() else { return };
        let mut joined = room;
        let outcome = connection.flush().and_then(|()| {
            connection.read(scratch, |bytes| match joined {
                Some(room) => Ok(self.pass_on(room, bytes)),
                None if bytes.ends_with(b"\r\n\r\n") => {
                    joined = Some(self.join(number, &String::from_utf8_lossy(bytes)));
                    Ok(bytes.len())
                }
                None => Ok(0),
            })
        });
        let outcome = outcome.and_then(|()| if joined == room { Ok(()) } else { welcome(&mut connection) });
        if outcome.is_ok() {
            self.peers[number] = Some(Peer { connection, room: joined });
        }
    }

    fn join(&mut self, number: usize, request: &str) -> usize {
        let path = request.split(' ').nth(1).unwrap_or_default();
        let rooms = self.rooms.len();
        let room = *self.names.entry(path.to_owned()).or_insert(rooms);
        if room == rooms {
            self.rooms.push(Room::default());
        }
        self.rooms[room].members.push(number);
        room
    }

    /// Frames what a member has published; how many bytes of it were whole.
    fn pass_on(&mut self, room: usize, bytes: &[u8]) -> usize {
        let mut start = 0;
        while let Some(Frame { opcode, mask, payload }) = Frame::at(bytes, start) {
            start = payload.end;
            if opcode == frames::TEXT {
                self.text.clear();
                self.text.extend_from_slice(ENVELOPE.as_bytes());
                // Without its brace, which the envelope has.
                self.text.extend(masked(&bytes[payload], mask.unwrap_or_default()).skip(1));
                append(&mut self.rooms[room].waiting, frames::TEXT, &self.text);
            }
        }
        start
    }

    /// Everybody gets all that waits, in one write each.
    fn write(&mut self) {
        for room in self.rooms.iter_mut().filter(|room| !room.waiting.is_empty()) {
            for number in &room.members {
                let peer = &mut self.peers[*number];
                if peer.as_mut().is_some_and(|peer| peer.connection.send(&room.waiting).is_err()) {
                    *peer = None;
                }
            }
            room.waiting.clear();
        }
    }
}

fn welcome(connection: &mut Connection) -> Outcome<()> {
    let mut answer = b"HTTP/1.1 101 Switching Protocols\r\n\r\n".to_vec();
    append(&mut answer, frames::TEXT, br#"{"type":"ok"}"#);
    connection.send(&answer)
}
