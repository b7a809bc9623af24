//! The composition root: the only place that names every part. The process runs and ends here; [`parts`] starts
//! and watches what all workers share.

mod check;
mod door;
mod machine;
mod parts;
mod policies;
mod reload;
mod server;
mod shutdown;
mod supervisor;

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use actix_web::web;
pub use check::check;
pub use machine::Capacity;
use parts::Parts;
pub use policies::store_options;
use policies::{liveness_policy, session_policy};
pub use reload::Reader;
use server::{Opened, Servers, Shared};
use shutdown::{Signals, stop};
use supervisor::Supervisor;
use tokio::time::Instant;

use crate::{
    auth::gate::{Gate, Rules},
    config::{Config, StoreUrl},
    domain::NodeId,
    http::{Api, Listener},
    limits::Limits,
    observe::metrics,
    pages::{ticker, trial::Trial},
    random,
};

/// How the server runs.
#[derive(Clone)]
pub enum Mode {
    /// For others; on SIGHUP the settings are read again.
    Serve {
        reader: Reader,
        /// Whether a database of an older version is changed.
        migrates: bool,
    },
    /// For one developer on one machine: loopback only, where addresses have no limits, a `Host` that is not
    /// loopback is refused, and the pages are signed in.
    Dev(Arc<Trial>),
}

impl Mode {
    fn trial(&self) -> Option<&Arc<Trial>> {
        match self {
            Self::Serve { .. } => None,
            Self::Dev(trial) => Some(trial),
        }
    }

    fn migrates(&self) -> bool {
        matches!(self, Self::Serve { migrates: true, .. } | Self::Dev(_))
    }

    fn reader(&self) -> Option<&Reader> {
        match self {
            Self::Serve { reader, .. } => Some(reader),
            Self::Dev(_) => None,
        }
    }
}

/// Where the server listens.
#[derive(Debug, Clone, Copy)]
pub struct Listening {
    pub clients: SocketAddr,
    /// `None` where administrators have no listener of their own.
    pub administrators: Option<SocketAddr>,
}

/// Why the server did not start or did not go on; one line.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// Exit code 2, unlike the others.
    #[error("{0}")]
    Configuration(String),
    #[error("{0}")]
    Store(String),
    #[error("{key}: {address} cannot be listened on: {error}")]
    Listen { key: &'static str, address: SocketAddr, error: std::io::Error },
    #[error("the process has no signals: {0}")]
    Signals(std::io::Error),
    /// An actor does not survive a panic; a process without it would only look alive.
    #[error("{0} has ended by itself; the process ends so that it is started anew")]
    PartEnded(&'static str),
    #[error("the HTTP server has ended: {0}")]
    Server(String),
}

/// Runs the server until it is told to stop. `on_listening` is called once, with the true addresses.
///
/// # Errors
/// Where a part does not start or ends by itself.
pub fn serve(config: Config, mode: Mode, on_listening: impl FnOnce(Listening)) -> Result<(), AppError> {
    metrics::process_started();
    actix::System::new().block_on(async move {
        let app = Application::start(config, mode).await?;
        let Listening { clients, administrators } = app.listening;
        on_listening(app.listening);
        if let Some(address) = administrators {
            log::info!(address:%; "listening for administrators");
        }
        log::info!(address:% = clients; "listening");
        app.run_until_stopped(&Supervisor::of_environment()).await
    })
}

/// The running parts.
struct Application {
    listening: Listening,
    servers: Servers,
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
        let mut parts = Parts::start(&config, node, mode.migrates()).await?;
        let gate = Arc::new(Gate::new(rules, parts.store.clone()));
        let (revoker, peers) = parts.start_company(&config, node, &gate).await?;
        let push = parts.start_push(&config).await?;
        let webhooks = parts.start_webhooks(&config, node)?;
        let policy = session_policy(&config);
        let api = web::Data::new(Api {
            store: parts.store.clone(),
            hub: parts.hub.clone(),
            bridge: parts.bridge.clone(),
            gate: gate.clone(),
            // The Autobahn test suite shakes hands 301 times, from this machine.
            limits: Arc::new(Limits::new(
                &config.limits,
                mode.trial().is_some() || cfg!(feature = "autobahn"),
            )),
            revoker,
            peers,
            push,
            webhooks,
            outboxes: policy.pool.clone(),
            is_draining: is_draining.clone(),
            body_limit: config.http.body_limit,
            body_timeout: config.http.body_timeout,
            data_bytes: config.session.data_bytes,
        });
        // A pool of a server opens what it needs; that of a file is whole by now.
        let is_file = matches!(config.store.url, StoreUrl::Sqlite(_));
        let later = if is_file { 0 } else { config.store.pool_size };
        let capacity = Capacity::new(config.http.workers, later, config.limits.sessions);
        if mode.trial().is_none() {
            capacity.warn_if_less_than(config.limits.sessions);
        }
        let reloadable = config.clone();
        let shared = Shared {
            node,
            mode,
            api,
            gate,
            parts: parts.clone(),
            policy,
            liveness: liveness_policy(&config),
            sessions: sessions.clone(),
            sessions_max: capacity.sessions,
            connections_max: capacity.connections,
            is_draining: is_draining.clone(),
            http: config.http,
        };
        let public = Opened::new("http.listen", shared.http.listen)?;
        let admin = shared.http.admin_listen.map(|address| Opened::new("http.admin_listen", address));
        let admin = admin.transpose()?;
        let listening =
            Listening { clients: public.address(), administrators: admin.as_ref().map(Opened::address) };
        // Until here a signal ends the process as it ends any other: nothing was accepted.
        let signals = Signals::listen().map_err(AppError::Signals)?;
        if let Some(reader) = shared.mode.reader() {
            let reloading = reload::listen(reader.clone(), reloadable, shared.gate.clone());
            parts.mind("what reads the settings again", reloading.map_err(AppError::Signals)?);
        }
        let listener = if admin.is_some() { Listener::Public } else { Listener::Only };
        let servers = Servers {
            public: public.serve(listener, &shared)?,
            admin: admin.map(|admin| admin.serve(Listener::Admin, &shared)).transpose()?,
        };
        if shared.mode.trial().is_some() {
            actix::spawn(ticker::tick(parts.hub.clone()));
        }
        Ok(Self {
            listening,
            servers,
            parts,
            sessions,
            is_draining,
            drain: config.shutdown.drain,
            timeout: config.shutdown.timeout,
            signals,
        })
    }

    async fn run_until_stopped(self, supervisor: &Supervisor) -> Result<(), AppError> {
        let Self { listening, mut servers, parts, sessions, is_draining, drain, timeout, mut signals } = self;
        supervisor.ready(listening.clients);
        tokio::select! {
            () = signals.next() => {}
            ended = servers.ended() => return Err(ended),
            part = parts.watch(supervisor) => return Err(AppError::PartEnded(part)),
        }
        supervisor.stopping();
        // Whoever reads that it stops may count on it.
        is_draining.store(true, Ordering::SeqCst);
        log::info!(sessions = sessions.load(Ordering::Relaxed); "stopping");
        let deadline = Instant::now() + timeout;
        tokio::select! {
            stopped = tokio::time::timeout_at(deadline, stop(&parts, servers, &sessions, drain, timeout)) => {
                if stopped.is_err() {
                    log::warn!("stopped with work in flight: shutdown.timeout has passed");
                }
            }
            () = signals.next() => log::warn!("stopped at once by a second signal"),
            never = supervisor.keep_alive() => match never {},
        }
        log::info!("stopped");
        Ok(())
    }
}
