//! A TCP proxy that does to the bytes of a connection what bad networks do. It runs on a thread of its own, so
//! that a busy test is no bad network.

use std::{
    future::pending,
    io,
    net::SocketAddr,
    path::PathBuf,
    thread,
    time::{Duration, Instant},
};

use socket2::SockRef;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream, UnixStream},
    runtime,
    sync::{mpsc, watch},
    task::LocalSet,
    time::{sleep, sleep_until},
};

/// What is read at once; how many of those may be on their way where there is a delay, and where there is none:
/// a proxy that took in more would hide who does not read.
const CHUNK_BYTES: usize = 16 << 10;
const DELAYED_MAX: usize = 4096;
const WAITING_MAX: usize = 2;

/// What the kernel may keep for a client that does not read.
const SEND_BUFFER_BYTES: usize = 64 << 10;

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Fault {
    None,
    /// Everything comes so much later.
    Delay(Duration),
    /// So many bytes a second pass, each way.
    Throttle(usize),
    /// Connections are closed, new ones as soon as they are there.
    Closed,
    /// The same by a reset.
    Reset,
    /// Bytes are swallowed both ways, and nobody is told. A connection that was met by it stays so.
    BlackHole,
    /// Requests arrive, and answers are swallowed.
    Mute,
    /// The client says nothing more, and reads on; who connects says nothing at all.
    HalfClosed,
    /// A bit of whatever the client says comes otherwise.
    Corrupt,
    /// Whatever the client says comes twice.
    Duplicate,
}

impl Fault {
    fn ends_connections(self) -> bool {
        matches!(self, Self::Closed | Self::Reset)
    }
}

#[derive(Clone)]
pub enum Target {
    Socket(PathBuf),
    Port(SocketAddr),
}

trait Wire: AsyncRead + AsyncWrite + Unpin {}
impl<T: AsyncRead + AsyncWrite + Unpin> Wire for T {}

impl Target {
    async fn connect(&self) -> io::Result<Box<dyn Wire>> {
        Ok(match self {
            Self::Socket(path) => Box::new(UnixStream::connect(path).await?),
            Self::Port(address) => {
                let stream = TcpStream::connect(address).await?;
                stream.set_nodelay(true)?;
                Box::new(stream)
            }
        })
    }
}

/// Ends with its owner, and all that goes through it.
pub struct Proxy {
    pub address: SocketAddr,
    fault: watch::Sender<Fault>,
}

impl Proxy {
    /// Listens on a free port of loopback.
    pub fn start(target: Target) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let (fault, faults) = watch::channel(Fault::None);
        thread::spawn(move || {
            let runtime = runtime::Builder::new_current_thread().enable_all().build().unwrap();
            LocalSet::new().block_on(&runtime, accept(listener, target, faults));
        });
        Self { address, fault }
    }

    pub fn set(&self, fault: Fault) {
        self.fault.send(fault).unwrap();
    }

    /// Ends what is open now; what comes passes.
    pub async fn cut(&self, fault: Fault) {
        self.set(fault);
        // Whoever is open looks at it once more.
        sleep(Duration::from_millis(50)).await;
        self.set(Fault::None);
    }
}

async fn accept(listener: std::net::TcpListener, target: Target, mut faults: watch::Receiver<Fault>) {
    let listener = TcpListener::from_std(listener).unwrap();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                if let Ok((client, _)) = accepted {
                    tokio::task::spawn_local(serve(client, target.clone(), faults.clone()));
                }
            }
            changed = faults.changed() => if changed.is_err() { return },
        }
    }
}

async fn serve(client: TcpStream, target: Target, mut faults: watch::Receiver<Fault>) {
    let _ = client.set_nodelay(true);
    let handle = SockRef::from(&client).try_clone().unwrap();
    let _ = handle.set_send_buffer_size(SEND_BUFFER_BYTES);
    let passing = async {
        let Ok(server) = target.connect().await else { return };
        let (from_client, to_client) = tokio::io::split(client);
        let (from_server, to_server) = tokio::io::split(server);
        let requests = carry(from_client, to_server, faults.clone(), false);
        tokio::join!(requests, carry(from_server, to_client, faults.clone(), true));
    };
    let mut ends = faults.clone();
    tokio::select! {
        () = passing => {}
        _ = ends.wait_for(|fault| fault.ends_connections()) => {}
    }
    if *faults.borrow_and_update() == Fault::Reset {
        let _ = handle.set_linger(Some(Duration::ZERO));
    }
}

async fn carry(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    faults: watch::Receiver<Fault>,
    is_answer: bool,
) {
    let (send, mut chunks) = mpsc::channel::<(Instant, Vec<u8>)>(DELAYED_MAX);
    let reading = async move {
        let mut buffer = vec![0; CHUNK_BYTES];
        let mut is_swallowed = false;
        let mut halves = faults.clone();
        loop {
            let count = tokio::select! {
                count = from.read(&mut buffer) => count.unwrap_or(0),
                _ = halves.wait_for(|fault| *fault == Fault::HalfClosed), if !is_answer => 0,
            };
            let fault = *faults.borrow();
            is_swallowed |= fault == Fault::BlackHole || (fault == Fault::Mute && is_answer);
            if is_swallowed && count > 0 {
                continue;
            }
            if is_swallowed {
                // The end is not told either.
                return pending().await;
            }
            if count == 0 {
                return;
            }
            let mut due = Instant::now();
            let mut bytes = buffer[..count].to_vec();
            match fault {
                Fault::Corrupt if !is_answer => bytes[count / 2] ^= 0x80,
                Fault::Duplicate if !is_answer => bytes.extend_from_within(..),
                Fault::Delay(delay) => due += delay,
                Fault::Throttle(rate) => sleep(Duration::from_secs_f64(count as f64 / rate as f64)).await,
                _ => {
                    while DELAYED_MAX - send.capacity() > WAITING_MAX && !send.is_closed() {
                        sleep(Duration::from_millis(1)).await;
                    }
                }
            }
            if send.send((due, bytes)).await.is_err() {
                return;
            }
        }
    };
    let writing = async move {
        while let Some((due, bytes)) = chunks.recv().await {
            sleep_until(due.into()).await;
            if to.write_all(&bytes).await.is_err() {
                return;
            }
        }
        let _ = to.shutdown().await;
    };
    tokio::join!(reading, writing);
}
