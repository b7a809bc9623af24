//! The TCP socket under a connection: how it is set up, and how it is ended from outside.
//!
//! When a peer stops reading, the server's task for it sleeps on a full socket and cannot be told
//! anything; only the socket itself can be ended, by a second handle.

use std::{
    any::Any,
    io,
    mem::MaybeUninit,
    os::fd::AsFd,
    rc::{Rc, Weak},
    task::{Context, Poll, ready},
    time::Duration,
};

use actix_web::{HttpRequest, dev::Extensions, rt::net::TcpStream, web::Data};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use socket2::{SockRef, TcpKeepalive};
use tokio::{io::Interest, time::timeout};

use super::{Api, crowd::Crowd, pace::Pace, patience::Patience, problem::Problem};
use crate::{
    auth::forwarded::ClientAddress,
    observe::{logs::Seldom, metrics::OpenConnection},
    protocol::ErrorCode,
    session::Line,
};

/// What the kernel may hold for one peer that does not read (it doubles this). Unset it grows to
/// megabytes, all of them stale by the time they are read.
const SEND_BUFFER_BYTES: usize = 64 * 1024;

/// How long sent data may stay unacknowledged, or a closed window closed, before the kernel gives up.
/// Longer than the heartbeat takes to notice, so that the client is told why where it can be.
const USER_TIMEOUT: Duration = Duration::from_secs(60);

/// The same for an event stream; with a heartbeat before it. Longer than a slow consumer has to read.
const ONE_WAY_TIMEOUT: Duration = Duration::from_secs(18);

const KEEPALIVE_TIME: Duration = Duration::from_secs(60);

static NO_HANDLE: Seldom = Seldom::new();

/// A second handle on a connection's socket; the only one, once the connection has been taken over from the server.
pub struct SocketHandle {
    stream: TcpStream,
    _counted: OpenConnection,
}

impl SocketHandle {
    /// # Errors
    /// Where there are no files left.
    fn of(stream: &TcpStream) -> io::Result<Self> {
        let fd = stream.as_fd().try_clone_to_owned()?;
        let stream = TcpStream::from_std(fd.into())?;
        Ok(Self { stream, _counted: OpenConnection::count() })
    }

    /// That of a request's connection.
    ///
    /// # Errors
    /// 503 where there is none: such a connection was ended at its start, so only what came before that can ask.
    pub fn of_request(request: &HttpRequest) -> Result<&Rc<Self>, Problem> {
        request
            .conn_data::<Rc<Self>>()
            .ok_or_else(|| Problem::new(ErrorCode::Unavailable, "the server has no handle left"))
    }

    /// Reads what is there; nothing is the end. Behind a part the kernel is asked again, though mostly in vain: what has
    /// come meanwhile is heard in the same turn then, which saves more than the call costs.
    ///
    /// # Errors
    /// Those of the operating system.
    pub fn poll_read(&self, buffer: &mut [u8], cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        loop {
            match self.stream.try_read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    ready!(self.stream.poll_read_ready(cx))?;
                }
                read => return Poll::Ready(read),
            }
        }
    }

    /// Writes as much as the kernel takes now.
    ///
    /// # Errors
    /// Those of the operating system.
    pub fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        match self.stream.try_write(bytes) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
            written => written,
        }
    }

    /// Waits until the kernel takes more, or the connection has ended.
    pub fn poll_writable(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.stream.poll_write_ready(cx).map(|_| ())
    }

    /// Whether the kernel takes more at this moment, or the connection has ended.
    pub fn is_writable(&self) -> bool {
        let mut files = [PollFd::new(&self.stream, PollFlags::OUT)];
        poll(&mut files, Some(&Timespec::default())).is_ok_and(|ready| ready > 0)
    }

    /// Says that nothing more comes.
    pub fn finish(&self) {
        // Fails only where the connection is gone already.
        let _ = self.socket().shutdown(std::net::Shutdown::Write);
    }

    fn socket(&self) -> SockRef<'_> {
        SockRef::from(&self.stream)
    }

    /// Ends the connection at once: what waits in the kernel is thrown away, the peer gets a reset.
    pub fn kill(&self) {
        // Each fails only where the connection is gone already.
        let _ = self.socket().set_linger(Some(Duration::ZERO));
        let _ = self.socket().shutdown(std::net::Shutdown::Both);
    }

    /// Ends the connection behind what waits in the kernel.
    pub fn hang_up(&self) {
        let _ = self.socket().shutdown(std::net::Shutdown::Both);
    }

    /// Whether the peer has sent what the server does not read any more.
    pub fn is_backed_up(&self) -> bool {
        let mut byte = [MaybeUninit::uninit()];
        // The handle shares the socket's mode, so this never waits.
        matches!(self.socket().peek(&mut byte), Ok(1..))
    }

    /// Whether anything came since this was asked last, whoever has read it: the kernel tells each who watches a
    /// socket of every arrival.
    pub fn has_news(&self) -> bool {
        let mut has_come = false;
        // It is asked only where something came, and what it answers makes that forgotten.
        let _ = self.stream.try_io(Interest::READABLE, || {
            has_come = true;
            Err::<(), _>(io::ErrorKind::WouldBlock.into())
        });
        has_come
    }

    /// Whether the kernel takes more for the peer, now or within this time. It does again when a third of its
    /// buffer is free, and by then has taken all that the server had ready.
    pub async fn has_room(&self, time: Duration) -> bool {
        let Ok(socket) = self.socket().try_clone().and_then(|socket| TcpStream::from_std(socket.into()))
        else {
            return true;
        };
        timeout(time, socket.writable()).await.is_ok()
    }
}

/// The connection of a request, as long as it is there.
struct RequestLine {
    socket: Weak<SocketHandle>,
    client: ClientAddress,
}

impl Line for RequestLine {
    fn kill(&self) {
        if let Some(socket) = self.socket.upgrade() {
            socket.kill();
        }
    }

    fn is_backed_up(&self) -> bool {
        self.socket.upgrade().is_some_and(|socket| socket.is_backed_up())
    }

    fn client(&self) -> ClientAddress {
        self.client
    }
}

/// The connection of a request, from outside.
///
/// # Errors
/// As [`SocketHandle::of_request`].
pub fn line(request: &HttpRequest) -> Result<Box<dyn Line>, Problem> {
    let api = request.app_data::<Data<Api>>().ok_or_else(Problem::internal)?;
    let (socket, client) = (Rc::downgrade(SocketHandle::of_request(request)?), api.gate.client(request));
    Ok(Box::new(RequestLine { socket, client }))
}

/// As [`line()`], for a client that answers nothing: that it is gone without a word is noticed by what it leaves
/// unacknowledged, and so within the time in which a WebSocket's client would have missed its pong (X26).
///
/// # Errors
/// As [`line()`].
pub fn one_way_line(request: &HttpRequest) -> Result<Box<dyn Line>, Problem> {
    if let Err(error) =
        SocketHandle::of_request(request)?.socket().set_tcp_user_timeout(Some(ONE_WAY_TIMEOUT))
    {
        log::debug!("a socket could not be set up: {error}");
    }
    line(request)
}

/// Sets up fresh connections, and has them watched; for `HttpServer::on_connect`, before `bind`.
pub fn on_connect(crowd: Crowd, patience: Patience) -> impl Fn(&dyn Any, &mut Extensions) {
    move |io, extensions| {
        let Some(stream) = io.downcast_ref::<TcpStream>() else { return };
        set_up(&SockRef::from(stream));
        match SocketHandle::of(stream) {
            Ok(handle) => {
                let handle = Rc::new(handle);
                extensions.insert(Pace::watched(handle.clone(), crowd.enter(), patience));
                extensions.insert(handle);
            }
            Err(error) => {
                // Nothing could end it later.
                let _ = SockRef::from(stream).shutdown(std::net::Shutdown::Both);
                if NO_HANDLE.is_due() {
                    log::warn!("a socket has no second handle: {error}");
                }
            }
        }
    }
}

fn set_up(socket: &SockRef<'_>) {
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
}
