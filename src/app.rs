//! The composition root: the only place that names every part. The process runs and ends here; [`parts`] starts
//! and watches what all workers share.

mod door;
mod parts;
mod policies;
mod shutdown;

use std::{
    cell::OnceCell,
    net::SocketAddr,
    rc::Rc,
    sync::{
        Arc, PoisonError,
        atomic::{AtomicBool, AtomicU16, AtomicUsize, Ordering},
    },
    time::Duration,
};

use actix_web::{
    App, HttpServer,
    dev::Server,
    middleware::{Condition, from_fn},
    web,
};
use door::Door;
use parts::Parts;
use policies::{liveness_policy, session_policy};
use shutdown::{Signals, stop};
use tokio::time::Instant;

use crate::{
    auth::gate::{Gate, Rules},
    config::Config,
    domain::NodeId,
    http::{self, Api},
    hub::{HubQueue, seats::Seats, shard::HubShard, slots::Slots},
    openapi, random,
    session::Worker,
    transport,
};

/// How the server runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Serve,
    /// For one developer on one machine: loopback only, and a `Host` that is not loopback is refused.
    Dev,
}

/// Why the server did not start or did not go on; one line.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// Exit code 2, unlike the others.
    #[error("{0}")]
    Configuration(String),
    #[error("{0}")]
    Store(String),
    #[error("http.listen: {address} cannot be listened on: {error}")]
    Listen { address: SocketAddr, error: std::io::Error },
    #[error("the process has no signals: {0}")]
    Signals(std::io::Error),
    /// An actor does not survive a panic; a process without it would only look alive.
    #[error("{0} has ended by itself; the process ends so that it is started anew")]
    PartEnded(&'static str),
    #[error("the HTTP server has ended: {0}")]
    Server(String),
}

/// How long requests in flight may take once every session is gone.
const REQUESTS_TIMEOUT_SECS: u64 = 5;

/// Connections of a worker beyond the sessions of the node: requests, and refused handshakes.
const SPARE_CONNECTIONS: usize = 10_000;

const KEEP_ALIVE: Duration = Duration::from_secs(75);

/// Runs the server until it is told to stop. `on_listening` is called once, with the true address.
///
/// # Errors
/// Where a part does not start or ends by itself.
pub fn serve(config: Config, mode: Mode, on_listening: impl FnOnce(SocketAddr)) -> Result<(), AppError> {
    actix::System::new().block_on(async move {
        let app = Application::start(config, mode).await?;
        on_listening(app.address);
        app.run_until_stopped().await
    })
}

/// The running parts.
struct Application {
    address: SocketAddr,
    server: Server,
    door: Door,
    parts: Parts,
    sessions: Arc<AtomicUsize>,
    is_draining: Arc<AtomicBool>,
    drain: Duration,
    timeout: Duration,
    signals: Signals,
}

impl Application {
    async fn start(config: Config, mode: Mode) -> Result<Self, AppError> {
        let rules = Rules::new(&config).map_err(AppError::Configuration)?;
        let (sessions, is_draining) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
        let node = NodeId::from_random(random::bits());
        let mut parts = Parts::start(&config, node).await?;
        let Parts { hub, store, bridge, shards, .. } = parts.clone();
        let gate = Arc::new(Gate::new(rules, store.clone()));
        let (revoker, peers) = parts.start_company(&config, node, &gate).await?;
        let policy = session_policy(&config);
        let liveness = liveness_policy(&config);
        let api = web::Data::new(Api {
            store: store.clone(),
            hub: hub.clone(),
            bridge,
            gate: gate.clone(),
            revoker,
            peers,
            is_draining: is_draining.clone(),
            body_limit: config.http.body_limit,
            body_timeout: config.http.body_timeout,
            data_bytes: config.session.data_bytes,
        });
        let workers = Arc::new(AtomicU16::new(0));
        let factory = {
            let (hub, store, shards) = (hub.clone(), store.clone(), shards.clone());
            let (sessions, is_draining) = (sessions.clone(), is_draining.clone());
            let allowed_origins = config.http.allowed_origins.clone();
            move || {
                let id = workers.fetch_add(1, Ordering::Relaxed);
                let slots = Rc::new(Slots::new(id));
                let seats = Rc::new(Seats::default());
                let shard = HubShard::launch(id, slots.clone(), seats.clone(), liveness);
                shards.lock().unwrap_or_else(PoisonError::into_inner).push(shard.clone());
                hub.shard_ready(shard);
                let worker = Rc::new(Worker {
                    node,
                    slots,
                    seats,
                    hub: HubQueue::launch(hub.clone()),
                    store: store.clone(),
                    gate: gate.clone(),
                    policy: policy.clone(),
                    sessions: sessions.clone(),
                    sessions_max: config.limits.sessions.unwrap_or(0),
                    is_draining: is_draining.clone(),
                    drained_since: OnceCell::new(),
                });
                App::new()
                    .app_data(worker)
                    .app_data(api.clone())
                    .configure(transport::routes)
                    .configure(openapi::routes)
                    .configure(http::routes)
                    .wrap(from_fn(http::draining::let_go))
                    .wrap(from_fn(http::uri::bounded))
                    .wrap(Condition::new(mode == Mode::Dev, from_fn(http::host::loopback_only)))
                    .wrap(http::cors(&allowed_origins))
                    .wrap(from_fn(http::request_id::name_request))
            }
        };
        let server = HttpServer::new(factory)
            .workers(config.http.workers)
            // The sessions have their own limit, which is answered; this one would only stop accepting.
            .max_connections(
                config.limits.sessions.unwrap_or(usize::MAX / 2).saturating_add(SPARE_CONNECTIONS),
            )
            .keep_alive(KEEP_ALIVE)
            .client_request_timeout(config.http.head_timeout)
            // The linger after a close handshake would keep the socket open for a peer that is done.
            .client_disconnect_timeout(Duration::ZERO)
            // A client that closed its side is gone, and is noticed.
            .h1_allow_half_closed(false)
            .on_connect(http::socket::on_connect)
            .disable_signals()
            .shutdown_timeout(REQUESTS_TIMEOUT_SECS);
        let listen = config.http.listen;
        let refused = |error| AppError::Listen { address: listen, error };
        let (door, listener) = Door::open(listen).map_err(refused)?;
        let server = server.listen(listener).map_err(refused)?;
        let address = server.addrs().first().copied().unwrap_or(listen);
        // Until here a signal ends the process as it ends any other: nothing was accepted.
        let signals = Signals::listen().map_err(AppError::Signals)?;
        Ok(Self {
            address,
            server: server.run(),
            door,
            parts,
            sessions,
            is_draining,
            drain: config.shutdown.drain,
            timeout: config.shutdown.timeout,
            signals,
        })
    }

    async fn run_until_stopped(self) -> Result<(), AppError> {
        let Self { server, door, parts, sessions, is_draining, drain, timeout, mut signals, .. } = self;
        let handle = server.handle();
        let mut server = actix::spawn(server);
        tokio::select! {
            () = signals.next() => {}
            ended = &mut server => {
                return Err(AppError::Server(format!("{ended:?}")));
            }
            part = parts.watch() => return Err(AppError::PartEnded(part)),
        }
        // Whoever reads that it stops may count on it.
        is_draining.store(true, Ordering::SeqCst);
        log::info!(sessions = sessions.load(Ordering::Relaxed); "stopping");
        let deadline = Instant::now() + timeout;
        tokio::select! {
            stopped = tokio::time::timeout_at(deadline, stop(&parts, door, handle, &sessions, drain)) => {
                if stopped.is_err() {
                    log::warn!("stopped with work in flight: shutdown.timeout has passed");
                }
            }
            () = signals.next() => log::warn!("stopped at once by a second signal"),
        }
        log::info!("stopped");
        Ok(())
    }
}
