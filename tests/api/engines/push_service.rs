//! A push service, or a receiver of webhooks, over TLS on this machine, which keeps what it is sent, and answers each
//! device, or path, as it is told to.

use std::{
    collections::{HashMap, VecDeque},
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};

use rustls::{
    ServerConfig,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::Notify,
    time::{Duration, sleep},
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use super::authority::{Authority, Certificate};
use crate::app::until;

/// How one push to a device is answered.
#[derive(Clone)]
pub enum Plan {
    Status(u16),
    /// With other header fields, each of them a line.
    With(u16, &'static str),
    /// Not before the test says so.
    Hold(Arc<Notify>, u16),
    After(Duration, u16),
    Redirect(String),
    /// 201, and then a body of 1 KiB each 10 ms that goes on for as long as it is read.
    Endless,
    /// 201, and a body of which there is a byte now and then.
    DripBody,
    /// A head of which there is a byte now and then.
    DripHead,
    /// Header fields that go on for as long as they are read.
    EndlessHead,
    /// Nothing; the connection ends.
    Cut,
}

/// One push, as it came.
#[derive(Clone)]
pub struct Received {
    pub device: String,
    pub headers: HashMap<String, String>,
    pub body: Vec<u8>,
    pub at: Instant,
}

#[derive(Default)]
struct State {
    received: Mutex<Vec<Received>>,
    /// What each device is answered next; 201 when nothing is left.
    plans: Mutex<HashMap<String, VecDeque<Plan>>>,
    /// How many are open.
    connections: AtomicUsize,
    /// How many there ever were: one whose certificate is not believed is open for an instant alone.
    accepted: AtomicUsize,
    /// How many bytes of an answer without end were taken for each device.
    taken: Mutex<HashMap<String, usize>>,
}

pub struct PushService {
    pub address: SocketAddr,
    /// Who vouches for it.
    pub authority: Authority,
    state: Arc<State>,
}

impl PushService {
    pub async fn start() -> Self {
        let authority = Authority::new();
        let acceptor = acceptor(authority.certify("localhost"));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, state) = (listener.local_addr().unwrap(), Arc::<State>::default());
        let kept = state.clone();
        actix_web::rt::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                kept.accepted.fetch_add(1, Ordering::SeqCst);
                kept.connections.fetch_add(1, Ordering::SeqCst);
                let (acceptor, state) = (acceptor.clone(), kept.clone());
                actix_web::rt::spawn(async move {
                    serve(acceptor, stream, &state).await;
                    state.connections.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        Self { address, authority, state }
    }

    /// The settings by which a server pushes to it, and to nobody else.
    pub fn settings(&self) -> Vec<(&'static str, String)> {
        vec![
            ("push.enabled", "true".to_owned()),
            ("push.subject", "mailto:ops@example.com".to_owned()),
            ("push.grace", "0s".to_owned()),
            ("push.allowed_hosts", self.host()),
            ("push.test_ca", self.authority.certificate.clone()),
        ]
    }

    pub fn host(&self) -> String {
        format!("localhost:{}", self.address.port())
    }

    pub fn endpoint(&self, device: &str) -> String {
        format!("https://{}/{device}", self.host())
    }

    /// Says how the next pushes to this device are answered.
    pub fn plan(&self, device: &str, plans: impl IntoIterator<Item = Plan>) {
        self.state.plans.lock().unwrap().entry(device.to_owned()).or_default().extend(plans);
    }

    /// The same, whatever was said before.
    pub fn replan(&self, device: &str, plans: impl IntoIterator<Item = Plan>) {
        self.state.plans.lock().unwrap().insert(device.to_owned(), plans.into_iter().collect());
    }

    /// What has come for this device.
    pub fn received(&self, device: &str) -> Vec<Received> {
        let received = self.state.received.lock().unwrap();
        received.iter().filter(|received| received.device == device).cloned().collect()
    }

    /// Waits until so many have come for this device.
    pub async fn expect(&self, device: &str, count: usize) -> Vec<Received> {
        let enough = || Some(self.received(device)).filter(|received| received.len() >= count);
        until(&format!("{count} pushes to {device}"), enough).await
    }

    /// How many have come that tell of this notification, or of what takes its place.
    pub fn topics(&self, id: &str) -> usize {
        let topic = tidings::domain::PushTag::of(&id.parse().unwrap(), None).topic();
        self.state
            .received
            .lock()
            .unwrap()
            .iter()
            .filter(|received| received.headers.get("topic") == Some(&topic))
            .count()
    }

    pub fn connections(&self) -> usize {
        self.state.connections.load(Ordering::SeqCst)
    }

    pub fn accepted(&self) -> usize {
        self.state.accepted.load(Ordering::SeqCst)
    }

    pub fn taken(&self, device: &str) -> usize {
        self.state.taken.lock().unwrap().get(device).copied().unwrap_or_default()
    }
}

pub fn acceptor(Certificate { chain, key }: Certificate) -> TlsAcceptor {
    let chain = CertificateDer::pem_slice_iter(chain.as_bytes()).collect::<Result<_, _>>().unwrap();
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

/// One connection, until one of both ends it.
async fn serve(acceptor: TlsAcceptor, stream: TcpStream, state: &State) {
    let Ok(mut stream) = acceptor.accept(stream).await else { return };
    let mut buffer = Vec::new();
    while let Some(received) = read(&mut stream, &mut buffer).await {
        let plan = state.plans.lock().unwrap().get_mut(&received.device).and_then(VecDeque::pop_front);
        let device = received.device.clone();
        state.received.lock().unwrap().push(received);
        if answer(&mut stream, &device, plan.unwrap_or(Plan::Status(201)), state).await.is_none() {
            return;
        }
    }
}

/// One request; strict, since it is ours that is on trial.
async fn read(stream: &mut TlsStream<TcpStream>, buffer: &mut Vec<u8>) -> Option<Received> {
    let end = loop {
        match buffer.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
            Some(end) => break end,
            None if stream.read_buf(buffer).await.ok()? == 0 => return None,
            None => {}
        }
    };
    let head = String::from_utf8(buffer.drain(..end + 4).collect()).unwrap();
    let mut lines = head.trim_end().split("\r\n");
    let request = lines.next().unwrap();
    let path = request.strip_prefix("POST /").and_then(|rest| rest.strip_suffix(" HTTP/1.1"));
    let device = path.unwrap_or_else(|| panic!("{request}")).to_owned();
    let mut headers = HashMap::new();
    for line in lines {
        let (name, value) = line.split_once(": ").unwrap();
        assert!(headers.insert(name.to_lowercase(), value.to_owned()).is_none(), "{name} twice");
    }
    let length: usize = headers["content-length"].parse().unwrap();
    while buffer.len() < length {
        if stream.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    }
    Some(Received { device, headers, body: buffer.drain(..length).collect(), at: Instant::now() })
}

/// Answers one request; `None` where the connection is over.
async fn answer(stream: &mut TlsStream<TcpStream>, device: &str, plan: Plan, state: &State) -> Option<()> {
    const DRIP: Duration = Duration::from_millis(200);
    let took = |bytes: usize| *state.taken.lock().unwrap().entry(device.to_owned()).or_default() += bytes;
    let plain =
        |status: u16, fields: &str| format!("HTTP/1.1 {status} -\r\n{fields}Content-Length: 0\r\n\r\n");
    let text = match plan {
        Plan::Status(status) => plain(status, ""),
        Plan::With(status, fields) => plain(status, &format!("{fields}\r\n")),
        Plan::Hold(until, status) => {
            until.notified().await;
            plain(status, "")
        }
        Plan::After(delay, status) => {
            sleep(delay).await;
            plain(status, "")
        }
        Plan::Redirect(to) => plain(307, &format!("Location: {to}\r\n")),
        Plan::Endless => {
            write(stream, "HTTP/1.1 201 Created\r\nContent-Length: 1000000000000\r\n\r\n").await?;
            loop {
                write(stream, &"x".repeat(1024)).await?;
                took(1024);
                sleep(Duration::from_millis(10)).await;
            }
        }
        Plan::EndlessHead => {
            write(stream, "HTTP/1.1 201 Created\r\n").await?;
            loop {
                write(stream, &format!("X-Long: {}\r\n", "x".repeat(1000))).await?;
                took(1000);
            }
        }
        Plan::DripBody => {
            write(stream, "HTTP/1.1 201 Created\r\nContent-Length: 1000000\r\n\r\n").await?;
            loop {
                write(stream, "x").await?;
                sleep(DRIP).await;
            }
        }
        Plan::DripHead => {
            for letter in "HTTP/1.1 201 Created\r\nX-Slow: ".chars().chain(std::iter::repeat('x')) {
                write(stream, &letter.to_string()).await?;
                sleep(DRIP).await;
            }
            String::new()
        }
        Plan::Cut => return None,
    };
    write(stream, &text).await
}

async fn write(stream: &mut TlsStream<TcpStream>, text: &str) -> Option<()> {
    stream.write_all(text.as_bytes()).await.ok()?;
    stream.flush().await.ok()
}
