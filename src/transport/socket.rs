//! The TCP socket under a connection: how it is set up, and how it is ended from outside.
//!
//! When a peer stops reading, the server's task for it sleeps on a full socket and cannot be told
//! anything; only the socket itself can be ended, by a second handle.

use std::{any::Any, os::fd::AsFd, rc::Rc, time::Duration};

use actix_web::{HttpRequest, dev::Extensions, rt::net::TcpStream};
use socket2::{SockRef, Socket, TcpKeepalive};

use crate::{http::problem::Problem, protocol::ErrorCode, session::Kill};

/// What the kernel may hold for one peer that does not read (it doubles this). Unset it grows to
/// megabytes, all of them stale by the time they are read.
const SEND_BUFFER_BYTES: usize = 64 * 1024;

/// How long sent data may stay unacknowledged, or a closed window closed, before the kernel gives up.
/// Longer than the heartbeat takes to notice, so that the client is told why where it can be.
const USER_TIMEOUT: Duration = Duration::from_secs(60);

const KEEPALIVE_TIME: Duration = Duration::from_secs(60);

/// A second handle on a connection's socket.
pub struct SocketHandle(Socket);

impl SocketHandle {
    /// Ends the connection at once: what waits in the kernel is thrown away, the peer gets a reset.
    pub fn kill(&self) {
        // Each fails only where the connection is gone already.
        let _ = self.0.set_linger(Some(Duration::ZERO));
        let _ = self.0.shutdown(std::net::Shutdown::Both);
    }
}

/// What ends the connection of a request from outside, as long as it is there.
///
/// # Errors
/// 503 where there is no second handle: its socket could not be ended.
pub fn kill(request: &HttpRequest) -> Result<Kill, Problem> {
    let socket = request.conn_data::<Rc<SocketHandle>>().map(Rc::downgrade);
    let socket =
        socket.ok_or_else(|| Problem::new(ErrorCode::Unavailable, "the server has no handle left"))?;
    Ok(Box::new(move || {
        if let Some(socket) = socket.upgrade() {
            socket.kill();
        }
    }))
}

/// Sets up a fresh connection; for `HttpServer::on_connect`, before `bind`.
pub fn on_connect(io: &dyn Any, extensions: &mut Extensions) {
    let Some(stream) = io.downcast_ref::<TcpStream>() else { return };
    let socket = SockRef::from(stream);
    let keepalive = TcpKeepalive::new().with_time(KEEPALIVE_TIME);
    let set_up = socket
        // Without it a small frame waits for the acknowledgement of the one before.
        .set_tcp_nodelay(true)
        .and_then(|()| socket.set_tcp_keepalive(&keepalive))
        .and_then(|()| socket.set_send_buffer_size(SEND_BUFFER_BYTES))
        .and_then(|()| socket.set_tcp_user_timeout(Some(USER_TIMEOUT)));
    if let Err(error) = set_up {
        log::debug!("a socket could not be set up: {error}");
    }
    match stream.as_fd().try_clone_to_owned() {
        Ok(fd) => {
            extensions.insert(Rc::new(SocketHandle(fd.into())));
        }
        Err(error) => log::warn!("a socket has no second handle: {error}"),
    }
}
