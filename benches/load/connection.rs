//! A socket that never waits: what is not whole yet, and what the kernel did not take.

use std::{
    io::{ErrorKind, Read, Write},
    net::SocketAddr,
};

use mio::{Interest, Registry, Token, net::TcpStream};
use socket2::{Domain, Protocol, Socket, Type};

use crate::server::Outcome;

/// What one read may bring; larger than any frame.
pub const SCRATCH_BYTES: usize = 256 * 1024;

pub struct Connection {
    stream: TcpStream,
    /// The beginning of what has come in part.
    tail: Vec<u8>,
    unsent: Vec<u8>,
}

impl Connection {
    /// Takes a socket on; its events carry this number.
    ///
    /// # Errors
    /// If the kernel refuses it.
    pub fn new(mut stream: TcpStream, registry: &Registry, number: usize) -> Outcome<Self> {
        stream.set_nodelay(true)?;
        registry.register(&mut stream, Token(number), Interest::READABLE | Interest::WRITABLE)?;
        Ok(Self { stream, tail: Vec::new(), unsent: Vec::new() })
    }

    /// Connects, with a small window where the kernel shall hold little for it.
    ///
    /// # Errors
    /// If nobody listens, or the process may open no more files.
    pub fn open(
        address: SocketAddr,
        receive_buffer: Option<usize>,
        registry: &Registry,
        number: usize,
    ) -> Outcome<Self> {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
        if let Some(bytes) = receive_buffer {
            socket.set_recv_buffer_size(bytes)?;
        }
        socket.connect(&address.into())?;
        socket.set_nonblocking(true)?;
        Self::new(TcpStream::from_std(socket.into()), registry, number)
    }

    /// Reads all there is. `take` is given what has come and says how much of it was whole.
    ///
    /// # Errors
    /// If the peer is gone, or `take` fails.
    pub fn read(&mut self, scratch: &mut [u8], mut take: impl FnMut(&[u8]) -> Outcome<usize>) -> Outcome<()> {
        loop {
            let kept = self.tail.len();
            scratch[..kept].copy_from_slice(&self.tail);
            let filled = match self.stream.read(&mut scratch[kept..]) {
                Ok(0) => return Err("the peer has closed".into()),
                Ok(count) => kept + count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error.into()),
            };
            let taken = take(&scratch[..filled])?;
            self.tail.clear();
            self.tail.extend_from_slice(&scratch[taken..filled]);
            // A read that was not filled has emptied the socket; what comes later is another event.
            if filled < scratch.len() {
                return Ok(());
            }
        }
    }

    /// Sends, or keeps what does not fit until [`Self::flush`].
    ///
    /// # Errors
    /// If the peer is gone.
    pub fn send(&mut self, bytes: &[u8]) -> Outcome<()> {
        let sent = if self.unsent.is_empty() { self.write(bytes)? } else { 0 };
        self.unsent.extend_from_slice(&bytes[sent..]);
        Ok(())
    }

    /// Sends what was kept.
    ///
    /// # Errors
    /// If the peer is gone.
    pub fn flush(&mut self) -> Outcome<()> {
        if !self.unsent.is_empty() {
            let unsent = std::mem::take(&mut self.unsent);
            self.send(&unsent)?;
        }
        Ok(())
    }

    /// How much the kernel took.
    fn write(&mut self, bytes: &[u8]) -> Outcome<usize> {
        let mut sent = 0;
        while sent < bytes.len() {
            match self.stream.write(&bytes[sent..]) {
                Ok(count) => sent += count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(sent)
    }
}
