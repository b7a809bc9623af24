//! A socket that never waits: what is not whole yet, and what the kernel did not take.

use std::io::{self, ErrorKind, Read, Write};

use mio::{Interest, Registry, Token, net::TcpStream};

use super::{Fault, Outcome, stream::Stream};

/// What one read may bring, and the most that is told at once.
pub const SCRATCH_BYTES: usize = 16 << 20;

pub struct Connection {
    stream: Stream,
    /// The beginning of what has come in part.
    tail: Vec<u8>,
    unsent: Vec<u8>,
}

impl Connection {
    /// Takes a socket on; its events carry this number.
    ///
    /// # Errors
    /// If the kernel refuses it.
    pub fn new(stream: TcpStream, registry: &Registry, number: usize) -> Outcome<Self> {
        Self::of(Stream::Plain(stream), registry, number)
    }

    /// The same of a stream that may be sealed.
    ///
    /// # Errors
    /// If the kernel refuses it.
    pub fn of(mut stream: Stream, registry: &Registry, number: usize) -> Outcome<Self> {
        let interest = Interest::READABLE | Interest::WRITABLE;
        registry.register(stream.socket(), Token(number), interest)?;
        Ok(Self { stream, tail: Vec::new(), unsent: Vec::new() })
    }

    /// Reads all there is. `take` is given what has come and says how much of it was whole.
    ///
    /// # Errors
    /// If the peer is gone, or `take` fails.
    pub fn read(&mut self, scratch: &mut [u8], mut take: impl FnMut(&[u8]) -> Outcome<usize>) -> Outcome<()> {
        loop {
            let kept = self.tail.len();
            let (head, free) = scratch.split_at_mut_checked(kept).ok_or_else(too_large)?;
            if free.is_empty() {
                return Err(too_large());
            }
            head.copy_from_slice(&self.tail);
            let asked = free.len();
            let read = match self.stream.read(free) {
                Ok(0) => return Err(Fault::new("closed by the server")),
                Ok(read) => read,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                // TLS says so where the peer is gone without the word that ends it.
                Err(error) if error.kind() == ErrorKind::UnexpectedEof => {
                    return Err(Fault::new("closed by the server"));
                }
                Err(error) => return Err(error.into()),
            };
            let filled = scratch.get(..kept + read).unwrap_or_default();
            let taken = take(filled)?;
            self.tail.clear();
            self.tail.extend_from_slice(filled.get(taken..).unwrap_or_default());
            if self.stream.is_empty_after(read, asked) {
                return Ok(());
            }
        }
    }

    /// Sends, or keeps what does not fit until [`Self::flush`].
    ///
    /// # Errors
    /// If the peer is gone.
    pub fn send(&mut self, bytes: &[u8]) -> Outcome<()> {
        let sent = if self.unsent.is_empty() { write(&mut self.stream, bytes)? } else { 0 };
        self.unsent.extend_from_slice(bytes.get(sent..).unwrap_or_default());
        Ok(())
    }

    /// Sends what was kept.
    ///
    /// # Errors
    /// If the peer is gone.
    pub fn flush(&mut self) -> Outcome<()> {
        if !self.unsent.is_empty() {
            let sent = write(&mut self.stream, &self.unsent)?;
            self.unsent.drain(..sent);
        }
        match self.stream.flush() {
            Err(error) if error.kind() != ErrorKind::WouldBlock => Err(error.into()),
            _ => Ok(()),
        }
    }

    /// Ends without a trace in the kernel, which would keep the port for a minute otherwise.
    pub fn abandon(mut self) {
        // Where it cannot be, the port stays taken.
        let _ = socket2::SockRef::from(&*self.stream.socket()).set_linger(Some(std::time::Duration::ZERO));
    }
}

/// How much the kernel took.
fn write(stream: &mut Stream, bytes: &[u8]) -> io::Result<usize> {
    let mut sent = 0;
    while let Some(rest) = bytes.get(sent..).filter(|rest| !rest.is_empty()) {
        match stream.write(rest) {
            Ok(0) => break,
            Ok(count) => sent += count,
            Err(error) if error.kind() == ErrorKind::WouldBlock => break,
            Err(error) => return Err(error),
        }
    }
    Ok(sent)
}

fn too_large() -> Fault {
    Fault::new("more was told at once than any client takes")
}
