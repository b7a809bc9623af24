//! The socket on which clients arrive, with a handle by which it can be closed before the server stops.

use std::{
    net::{Shutdown, SocketAddr, TcpListener},
    time::{Duration, Instant},
};

use socket2::{Domain, Protocol, Socket, Type};

use crate::observe::logs;

/// Connections that may wait for being accepted.
const BACKLOG: i32 = 4096;

/// How long the workers have to take up what was accepted: the server drops what they have not when it stops.
const TAKE_UP: Duration = Duration::from_millis(100);

/// How often it is looked whether somebody still waits: the table of a busy host is large.
const LOOK_INTERVAL: Duration = Duration::from_millis(20);

/// What the kernel's table calls a socket that listens.
const LISTENING: &str = "0A";

pub struct Door(Socket);

impl Door {
    /// Listens; the listener is for the server.
    ///
    /// # Errors
    /// Those of the operating system: the address is not ours, or is taken.
    pub fn open(address: SocketAddr) -> std::io::Result<(Self, TcpListener)> {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
        // The connections of the process before may still be on their way out.
        socket.set_reuse_address(true)?;
        socket.bind(&address.into())?;
        socket.listen(BACKLOG)?;
        let listener: TcpListener = socket.try_clone()?.into();
        listener.set_nonblocking(true)?;
        Ok((Self(socket), listener))
    }

    /// Nobody new comes in: who tries is refused, and may go to another instance. Who is in has been taken up
    /// when this returns.
    pub async fn close(self) {
        // Whoever still waits to be accepted would be cut off.
        let start = Instant::now();
        while start.elapsed() < TAKE_UP && self.has_queue() {
            tokio::time::sleep(LOOK_INTERVAL).await;
        }
        logs::expect_closed_listener();
        if let Err(error) = self.0.shutdown(Shutdown::Read) {
            log::warn!("the listener stays open until the end: {error}");
        }
        tokio::time::sleep(TAKE_UP).await;
    }

    /// Whether connections wait to be accepted, as far as the system tells.
    fn has_queue(&self) -> bool {
        let address = self.0.local_addr().ok().and_then(|address| address.as_socket());
        let Some(port) = address.map(|address| address.port()) else { return false };
        let tables =
            ["/proc/net/tcp", "/proc/net/tcp6"].map(|path| std::fs::read_to_string(path).unwrap_or_default());
        tables
            .iter()
            .flat_map(|table| table.lines())
            .any(|line| queue_length(line, port).is_some_and(|length| length > 0))
    }
}

/// How many connections wait for this port, if that is what a line of the kernel's table of sockets (proc(5)) is
/// about.
fn queue_length(line: &str, port: u16) -> Option<u64> {
    let mut columns = line.split_whitespace().skip(1);
    let (local, _, state, queues) = (columns.next()?, columns.next()?, columns.next()?, columns.next()?);
    let (_, local_port) = local.rsplit_once(':')?;
    let is_ours = state == LISTENING && u16::from_str_radix(local_port, 16).ok()? == port;
    let (_, length) = queues.split_once(':')?;
    is_ours.then(|| u64::from_str_radix(length, 16).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_tells_how_many_wait_for_a_port() {
        let line =
            "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000003 00:00000000 00000000     0        0 1";
        assert_eq!((queue_length(line, 8080), queue_length(line, 8081)), (Some(3), None));
        assert_eq!(queue_length(&line.replace(" 0A ", " 01 "), 8080), None);
        assert_eq!(queue_length("  sl  local_address rem_address   st tx_queue rx_queue", 8080), None);
    }

    #[test]
    fn a_connection_that_nobody_has_accepted_is_seen() {
        let (door, listener) = Door::open("127.0.0.1:0".parse().unwrap()).unwrap();
        let _waiting = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        assert!(door.has_queue());
        listener.accept().unwrap();
        assert!(!door.has_queue());
    }
}
