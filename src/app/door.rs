//! The socket on which clients arrive, with a handle by which it can be closed before the server stops.

use std::{
    net::{Shutdown, SocketAddr, TcpListener},
    time::Duration,
};

use socket2::{Domain, Protocol, Socket, Type};

use crate::observe::logs;

/// Connections that may wait for being accepted.
const BACKLOG: i32 = 4096;

/// How long the workers have to take up what was accepted: the server drops what they have not when it stops.
const TAKE_UP: Duration = Duration::from_millis(100);

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
        logs::expect_closed_listener();
        if let Err(error) = self.0.shutdown(Shutdown::Read) {
            log::warn!("the listener stays open until the end: {error}");
        }
        tokio::time::sleep(TAKE_UP).await;
    }
}
