//! The limit of the machine: a loop that passes messages on and does nothing else a server does.
//!
//! One thread reads all that has come and frames each message once. It gives each member of a room all that waits
//! for it in one write, or, to see what that is worth, each message in a write of its own. No token is looked at,
//! nothing is numbered, kept, bounded or logged.

use std::{collections::HashMap, io::ErrorKind, net::SocketAddr};

use clap::ValueEnum;
use mio::{Events, Interest, Poll, Token, net::TcpListener};
use tidings::load::{
    Connection, SCRATCH_BYTES,
    frames::{self, Frame, append, masked},
};

use crate::server::Outcome;

const LISTENER: Token = Token(usize::MAX);

/// As many bytes as a server needs to say where a message stands in its room, whose it is and when it came.
const ENVELOPE: &str = r#"{"position":"k3x9q2ab.42","from":"bench","at":"2026-01-01T00:00:00.000Z","#;

/// The same on an event stream, with the cursor of whoever reads it.
const EVENT: &str = "event: message\nid: inbox@k3x9q2ab.42,bench0@k3x9q2ab.42\ndata: ";

/// How many messages leave in one write.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Writes {
    Joined,
    Single,
}

struct Peer {
    connection: Connection,
    /// `None` before its handshake.
    place: Option<Place>,
}

/// Where a member is, and how it is connected.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Place {
    room: usize,
    is_stream: bool,
}

#[derive(Default)]
struct Room {
    members: Vec<(usize, bool)>,
    has_streams: bool,
    /// What this turn has for those with a WebSocket, and where each frame ends.
    frames: (Vec<u8>, Vec<usize>),
    /// The same for event streams.
    chunks: (Vec<u8>, Vec<usize>),
}

struct Raw {
    writes: Writes,
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
pub fn serve(writes: Writes) -> Outcome<()> {
    let mut listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
    let (mut poll, mut events) = (Poll::new()?, Events::with_capacity(1024));
    poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
    tidings::load::machine::raise_open_files();
    eprintln!(r#"{{"message":"listening","address":"{}"}}"#, listener.local_addr()?);
    let mut raw =
        Raw { writes, peers: Vec::new(), names: HashMap::new(), rooms: Vec::new(), text: Vec::new() };
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
                    stream.set_nodelay(true)?;
                    let connection = Connection::new(stream, poll.registry(), self.peers.len())?;
                    self.peers.push(Some(Peer { connection, place: None }));
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn read(&mut self, number: usize, scratch: &mut [u8]) {
        // Who fails is not put back, and so is closed.
        let Some(Peer { mut connection, place }) = self.peers[number].take() else { return };
        let mut joined = place;
        let outcome = connection.flush().and_then(|()| {
            connection.read(scratch, |bytes| match joined {
                Some(place) => Ok(self.pass_on(place.room, bytes)),
                None if bytes.ends_with(b"\r\n\r\n") => {
                    joined = Some(self.join(number, &String::from_utf8_lossy(bytes)));
                    Ok(bytes.len())
                }
                None => Ok(0),
            })
        });
        let welcome = joined.filter(|_| place.is_none()).map(welcome).unwrap_or_default();
        if outcome.and_then(|()| connection.send(&welcome)).is_ok() {
            self.peers[number] = Some(Peer { connection, place: joined });
        }
    }

    fn join(&mut self, number: usize, request: &str) -> Place {
        let path = request.split(' ').nth(1).unwrap_or_default();
        let (way, query) = path.split_once('?').unwrap_or((path, ""));
        let rooms = self.rooms.len();
        let room = *self.names.entry(query.to_owned()).or_insert(rooms);
        if room == rooms {
            self.rooms.push(Room::default());
        }
        let is_stream = way.ends_with("/sse");
        self.rooms[room].members.push((number, is_stream));
        self.rooms[room].has_streams |= is_stream;
        Place { room, is_stream }
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
                let Room { frames: (frames, ends), chunks, has_streams, .. } = &mut self.rooms[room];
                append(frames, frames::TEXT, &self.text);
                ends.push(frames.len());
                if *has_streams {
                    append_chunk(&mut chunks.0, &[EVENT.as_bytes(), &self.text, b"\n\n"].concat());
                    chunks.1.push(chunks.0.len());
                }
            }
        }
        start
    }

    /// Everybody gets all that waits.
    fn write(&mut self) {
        for room in self.rooms.iter_mut().filter(|room| !room.frames.1.is_empty()) {
            for (number, is_stream) in &room.members {
                let peer = &mut self.peers[*number];
                let (bytes, ends) = if *is_stream { &room.chunks } else { &room.frames };
                let mut start = 0;
                for end in if self.writes == Writes::Joined { &ends[ends.len() - 1..] } else { ends } {
                    let part = &bytes[start..*end];
                    if peer.as_mut().is_some_and(|peer| peer.connection.send(part).is_err()) {
                        *peer = None;
                    }
                    start = *end;
                }
            }
            for (bytes, ends) in [&mut room.frames, &mut room.chunks] {
                bytes.clear();
                ends.clear();
            }
        }
    }
}

fn append_chunk(bytes: &mut Vec<u8>, data: &[u8]) {
    bytes.extend_from_slice(format!("{:x}\r\n", data.len()).as_bytes());
    bytes.extend_from_slice(data);
    bytes.extend_from_slice(b"\r\n");
}

fn welcome(place: Place) -> Vec<u8> {
    if place.is_stream {
        let mut answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
        append_chunk(&mut answer, b"event: ok\ndata: {\"type\":\"ok\"}\n\n");
        return answer;
    }
    let mut answer = b"HTTP/1.1 101 Switching Protocols\r\n\r\n".to_vec();
    append(&mut answer, frames::TEXT, br#"{"type":"ok"}"#);
    answer
}
