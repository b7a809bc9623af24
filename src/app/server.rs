//! The HTTP servers: one for everybody, or one for clients and a small one for administrators.
//!
//! Each has a listener of its own and the same layers around its routes. Owns what they are built with; what the
//! routes do is theirs.

use std::{
    cell::OnceCell,
    net::{SocketAddr, TcpListener},
    rc::Rc,
    sync::{
        Arc, PoisonError,
        atomic::{AtomicBool, AtomicU16, AtomicUsize, Ordering},
    },
    time::Duration,
};

use actix_web::{
    App, Error, HttpServer,
    body::MessageBody,
    dev::{ServerHandle, ServiceFactory, ServiceRequest, ServiceResponse},
    middleware::{Condition, from_fn},
    web::{self, Data, ServiceConfig},
};
use tokio::task::JoinHandle;

use super::{AppError, Mode, door::Door, machine, parts::Parts};
use crate::{
    auth::gate::Gate,
    config::Http,
    documents,
    domain::NodeId,
    http::{self, Api, Listener, crowd::Crowd, patience::Patience},
    hub::{HubQueue, liveness::LivenessPolicy, seats::Seats, shard::HubShard, slots::Slots},
    observe::metrics::{RouteFigures, Tally},
    pages::{self, trial::Trial},
    session::{SessionPolicy, Worker},
    transport,
};

/// How long requests in flight may take once every session is gone.
const REQUESTS_TIMEOUT_SECS: u64 = 5;

/// Connections of a worker beyond as many as the node has sessions, all of which may poll: requests, and refused
/// handshakes.
const SPARE_CONNECTIONS: usize = 10_000;

/// Of the memory that the process may use; an idle connection takes a quarter of it.
const CONNECTION_BYTES: usize = 64 << 10;

const KEEP_ALIVE: Duration = Duration::from_secs(75);

/// How long a client may leave the rest of an answer where it is.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
/// Bytes a second at which it takes a whole answer, beyond that time.
const ANSWER_RATE: u64 = 16 * 1024;

/// Administrators are few.
const ADMIN_WORKERS: usize = 1;
/// Their part of the connections.
const ADMIN_PART: usize = 16;

/// What the workers of the servers are given.
#[derive(Clone)]
pub struct Shared {
    pub node: NodeId,
    pub mode: Mode,
    pub http: Http,
    pub api: Data<Api>,
    pub gate: Arc<Gate>,
    pub parts: Parts,
    pub policy: SessionPolicy,
    pub liveness: LivenessPolicy,
    /// Sessions of the node, and how many it takes.
    pub sessions: Arc<AtomicUsize>,
    pub sessions_max: usize,
    /// Connections of the process.
    pub connections_max: usize,
    pub is_draining: Arc<AtomicBool>,
}

impl Shared {
    /// What the sessions of one more worker share.
    fn worker(&self, id: u16) -> Worker {
        let Parts { hub, store, shards, .. } = &self.parts;
        let slots = Rc::new(Slots::new(id));
        let seats = Rc::new(Seats::default());
        let shard = HubShard::launch(id, slots.clone(), seats.clone(), self.liveness);
        shards.lock().unwrap_or_else(PoisonError::into_inner).push(shard.clone());
        hub.shard_ready(shard);
        Worker {
            node: self.node,
            slots,
            seats,
            hub: HubQueue::launch(hub.clone()),
            store: store.clone(),
            gate: self.gate.clone(),
            limits: self.api.limits.clone(),
            policy: self.policy.clone(),
            sessions: self.sessions.clone(),
            sessions_max: self.sessions_max,
            tally: Tally::begin(),
            is_draining: self.is_draining.clone(),
            drained_since: OnceCell::new(),
        }
    }

    /// The routes of a listener below the base path, in the layers that every request passes.
    fn app(
        &self,
        listener: Listener,
        documents: Data<documents::Sent>,
    ) -> App<
        impl ServiceFactory<
            ServiceRequest,
            Config = (),
            Response = ServiceResponse<impl MessageBody + use<>>,
            Error = Error,
            InitError = (),
        > + use<>,
    > {
        let base_path = self.http.base_path.as_str();
        App::new()
            .app_data(self.api.clone())
            .app_data(documents)
            .app_data(RouteFigures::none())
            .configure(|config| below(base_path, listener, self.mode.trial(), config))
            .wrap(from_fn(http::held::hold))
            .wrap(from_fn(http::draining::let_go))
            .wrap(from_fn(http::uri::bounded))
            .wrap(Condition::new(self.mode.trial().is_some(), from_fn(http::host::loopback_only)))
            .wrap(http::cors(self.gate.clone()))
            .wrap(from_fn(http::request_id::name_request))
            .wrap(from_fn(http::turn::keep))
    }
}

/// Outside of the base path there is nothing; without one there is no outside.
fn below(base_path: &str, listener: Listener, trial: Option<&Arc<Trial>>, config: &mut ServiceConfig) {
    if base_path.is_empty() {
        return routes(listener, trial, config);
    }
    let scope = web::scope(base_path).configure(|config| routes(listener, trial, config));
    config.service(scope).default_service(web::to(http::not_found));
}

fn routes(listener: Listener, trial: Option<&Arc<Trial>>, config: &mut ServiceConfig) {
    if listener != Listener::Admin {
        transport::routes(config);
    }
    documents::routes(listener, config);
    pages::routes(listener, trial.cloned(), config);
    http::routes(listener, config);
}

/// A listener that is open, and that nobody serves yet.
pub struct Opened {
    key: &'static str,
    address: SocketAddr,
    door: Door,
    socket: TcpListener,
}

impl Opened {
    /// `key` is the setting that names the address.
    ///
    /// # Errors
    /// Where the address is not ours, or is taken.
    pub fn new(key: &'static str, address: SocketAddr) -> Result<Self, AppError> {
        let opened = Door::open(address).and_then(|(door, socket)| Ok((socket.local_addr()?, door, socket)));
        let (address, door, socket) = opened.map_err(|error| AppError::Listen { key, address, error })?;
        Ok(Self { key, address, door, socket })
    }

    /// The true address, whatever port was asked for.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Accepts from here on.
    ///
    /// # Errors
    /// Those of the operating system.
    pub fn serve(self, listener: Listener, shared: &Shared) -> Result<Running, AppError> {
        let Self { key, address, door, socket } = self;
        let Http { workers, head_timeout, ref base_path, .. } = shared.http;
        let for_admins = shared.connections_max / ADMIN_PART;
        let (workers, connections) = match listener {
            Listener::Admin => (ADMIN_WORKERS, for_admins),
            Listener::Public => (workers, shared.connections_max - for_admins),
            Listener::Only => (workers, shared.connections_max),
        };
        let (shared, ids) = (shared.clone(), Arc::new(AtomicU16::new(0)));
        // The sessions have their own limit, which is answered; this one only stops accepting.
        let wanted = shared.sessions_max.saturating_add(SPARE_CONNECTIONS);
        let connections_max = wanted.min((connections / workers.max(1)).max(1));
        let patience = Patience {
            answer: ANSWER_TIMEOUT,
            rate: ANSWER_RATE,
            idle: KEEP_ALIVE + head_timeout,
            head: head_timeout,
        };
        let together = connections_max.saturating_mul(workers).min(wanted);
        let crowd = Crowd::new(together.min(machine::memory() / CONNECTION_BYTES));
        let documents = Data::new(documents::Sent::new(listener, base_path));
        let factory = move || {
            let app = shared.app(listener, documents.clone());
            if listener == Listener::Admin {
                return app;
            }
            app.app_data(shared.policy.pool.clone())
                .app_data(Rc::new(shared.worker(ids.fetch_add(1, Ordering::Relaxed))))
        };
        let server = HttpServer::new(factory)
            .workers(workers)
            .max_connections(connections_max)
            .keep_alive(KEEP_ALIVE)
            // The library's clock stands still with the process, and heads that came meanwhile would be late.
            .client_request_timeout(Duration::ZERO)
            // The linger after a close handshake would keep the socket open for a peer that is done.
            .client_disconnect_timeout(Duration::ZERO)
            // A client that closed its side is gone, and is noticed.
            .h1_allow_half_closed(false)
            .on_connect(http::socket::on_connect(crowd, patience))
            .disable_signals()
            .shutdown_timeout(REQUESTS_TIMEOUT_SECS)
            .listen(socket)
            .map_err(|error| AppError::Listen { key, address, error })?
            .run();
        Ok(Running { door, handle: server.handle(), server: actix::spawn(server) })
    }
}

/// A server that runs, and its listener.
pub struct Running {
    door: Door,
    handle: ServerHandle,
    server: JoinHandle<std::io::Result<()>>,
}

impl Running {
    /// Ends when the server has ended by itself.
    pub async fn ended(&mut self) -> AppError {
        AppError::Server(format!("{:?}", (&mut self.server).await))
    }

    /// Refuses who comes from here on, and lets requests in flight finish.
    pub async fn stop(self) {
        self.door.close().await;
        self.handle.stop(true).await;
    }
}

/// The servers of the process.
pub struct Servers {
    pub public: Running,
    /// `None` where administrators have no listener of their own.
    pub admin: Option<Running>,
}

impl Servers {
    /// Ends when one of them has ended by itself.
    pub async fn ended(&mut self) -> AppError {
        match &mut self.admin {
            None => self.public.ended().await,
            Some(admin) => tokio::select! {
                ended = self.public.ended() => ended,
                ended = admin.ended() => ended,
            },
        }
    }

    /// The one for administrators goes last, so that the numbers can be read up to the end.
    pub async fn stop(self) {
        self.public.stop().await;
        if let Some(admin) = self.admin {
            admin.stop().await;
        }
    }
}
