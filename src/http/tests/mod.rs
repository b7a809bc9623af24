//! The API over real sockets against a real store: one server and one database a test, every wait with a deadline.

mod figures;
mod inbox;
mod pace;
mod publish;
mod requests;
mod rooms;

use std::{net::SocketAddr, sync::atomic::Ordering, time::Duration};

use actix::{Actor, Addr};
use actix_web::{
    App, HttpServer, dev::ServerHandle, http::Method, middleware::from_fn, rt::net::TcpStream, web::Bytes,
};
use awc::ClientResponse;
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;
use crate::{
    auth::{
        gate::Rules,
        tokens::{MintClaims, mint},
    },
    clock,
    config::{Config, StoreUrl},
    domain::NodeId,
    hub::{LocalUsers, NotificationHub, rooms::RoomPolicy},
    outbox::OutboxPool,
    peers::{Company, Peers, Survey},
    store::{
        Store,
        messages::{Others, PushPolicy, StoreOptions, WebhookBounds},
    },
    stream::LogLimits,
};

const SECRET: &str = "0123456789abcdef0123456789abcdef";
const DEADLINE: Duration = Duration::from_secs(10);
const BODY_TIMEOUT: Duration = Duration::from_millis(200);
const PAGE: &str = "https://app.example.com";

/// Rooms that forget nothing while a test runs.
fn room_policy() -> RoomPolicy {
    let long = Duration::from_secs(3600);
    RoomPolicy {
        log: LogLimits { messages: 1000, bytes: 1 << 20, age: long },
        total_bytes: 1 << 24,
        position_ttl: long,
        leave_grace: long,
        typing_ttl: long,
        messages_per_second: 0,
        messages_burst: 0,
        occupied_max: 0,
    }
}

struct Server {
    address: SocketAddr,
    handle: ServerHandle,
    store: StoreLink,
    hub: HubLink,
    is_draining: Arc<AtomicBool>,
    _dir: TempDir,
}

impl Server {
    async fn start() -> Self {
        Self::start_with(room_policy()).await
    }

    async fn start_with(rooms: RoomPolicy) -> Self {
        Self::start_beside(NotificationHub::new(0, rooms, None).start()).await
    }

    async fn start_beside(hub: Addr<NotificationHub>) -> Self {
        let dir = TempDir::new().unwrap();
        let options = StoreOptions {
            url: StoreUrl::Sqlite(dir.path().join("tidings.db")),
            migrates: true,
            pool_size: 2,
            busy_timeout: Duration::from_secs(5),
            queue: 100,
            memory: usize::MAX,
            is_fully_synchronous: false,
            idempotency_retention: Duration::from_secs(3600),
            mutes_max: 200,
            tickets_max: 20,
            max_age: Duration::from_secs(90 * 24 * 3600),
            max_read: 1000,
            push: PushPolicy::default(),
            webhooks: Default::default(),
            webhook_bounds: WebhookBounds { waiting: 1_000_000, dead: 100_000 },
            others: Others::default(),
        };
        let facts = hub.clone().recipient();
        let store = StoreLink::start(Store::open(options, facts, LocalUsers::default()).unwrap(), DEADLINE);
        let hub = HubLink::new(hub);
        let mut config = Config::default();
        config.auth.secret = Some(SECRET.into());
        config.http.allowed_origins = vec![PAGE.to_owned()];
        let is_draining = Arc::new(AtomicBool::new(false));
        let gate = Arc::new(Gate::new(Rules::new(&config).unwrap(), store.clone()));
        let revoker = Revoker::load(gate.clone(), store.clone(), hub.clone(), Arc::default(), None).await;
        let revoker = Arc::new(revoker.unwrap());
        let survey = Survey {
            node: NodeId::from_random(0),
            hub: hub.clone(),
            shards: Arc::default(),
            started_at: std::time::Instant::now(),
        };
        let peers = Peers::launch(survey, Company::Alone, Arc::default(), None);
        let api = web::Data::new(Api {
            store: store.clone(),
            hub: hub.clone(),
            bridge: None,
            gate,
            limits: Arc::new(Limits::new(&config.limits, false)),
            revoker,
            peers,
            push: None,
            webhooks: None,
            outboxes: OutboxPool::default(),
            is_draining: is_draining.clone(),
            body_limit: config.http.body_limit,
            body_timeout: BODY_TIMEOUT,
            data_bytes: config.session.data_bytes,
        });
        let app = move || {
            App::new()
                .app_data(api.clone())
                .configure(|config| routes(Listener::Only, config))
                .wrap(cors(api.gate.clone()))
                .wrap(from_fn(request_id::name_request))
        };
        let server = HttpServer::new(app)
            .workers(1)
            .disable_signals()
            .client_disconnect_timeout(Duration::ZERO)
            .bind("127.0.0.1:0")
            .unwrap();
        let address = server.addrs()[0];
        let server = server.run();
        let handle = server.handle();
        actix::spawn(server);
        Self { address, handle, store, hub, is_draining, _dir: dir }
    }

    async fn stop(self) {
        self.handle.stop(false).await;
        self.store.flush().await;
    }

    fn request(&self, method: &str, path: &str) -> awc::ClientRequest {
        let method: Method = method.parse().unwrap();
        // The path goes out as it is written, even where a URL type would tidy it.
        awc::Client::new().request(method, format!("http://{}{path}", self.address)).timeout(DEADLINE)
    }

    /// A request of this user, who may publish.
    fn publisher(&self, method: &str, path: &str) -> awc::ClientRequest {
        self.request(method, path).bearer_auth(token("service", "notify"))
    }

    fn user(&self, method: &str, path: &str) -> awc::ClientRequest {
        self.request(method, path).bearer_auth(token("alice", ""))
    }

    async fn publish(&self, body: &str) -> Answer {
        let request = self.publisher("POST", "/v1/notifications").content_type("application/json");
        Answer::read(request.send_body(body.to_owned()).await.unwrap()).await
    }

    async fn get(&self, path: &str) -> Answer {
        Answer::read(self.user("GET", path).send().await.unwrap()).await
    }

    /// Sends bytes and reads until the server has nothing more to say.
    async fn exchange(&self, request: &[u8]) -> String {
        let exchange = async {
            let mut stream = TcpStream::connect(self.address).await.unwrap();
            stream.write_all(request).await.unwrap();
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer).await.unwrap();
            String::from_utf8(answer).unwrap()
        };
        tokio::time::timeout(DEADLINE, exchange).await.unwrap()
    }
}

fn token(user: &str, scope: &str) -> String {
    let now = clock::now();
    let claims = MintClaims {
        user: user.parse().unwrap(),
        issued_at: now,
        expires_at: now.plus(Duration::from_secs(60)),
        scope: scope.to_owned(),
        audience: None,
        issuer: None,
    };
    mint(SECRET.as_bytes(), &claims).unwrap()
}

/// An answer, read to its end.
#[derive(Debug)]
struct Answer {
    status: u16,
    headers: awc::http::header::HeaderMap,
    body: Bytes,
}

impl Answer {
    async fn read<S>(mut response: ClientResponse<S>) -> Self
    where
        S: futures_util::Stream<Item = Result<Bytes, awc::error::PayloadError>> + Unpin,
    {
        let body = response.body().await.unwrap();
        Self { status: response.status().as_u16(), headers: response.headers().clone(), body }
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// Checks that it is a problem of this kind, in every respect that all problems share.
    fn assert_problem(&self, status: u16, code: &str) {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(self.header("content-type"), Some("application/problem+json"));
        assert_eq!(self.header("cache-control"), Some("no-store"));
        let body = self.json();
        assert_eq!((body["status"].as_u64(), body["code"].as_str()), (Some(u64::from(status)), Some(code)));
        assert_eq!(body["request_id"].as_str(), self.header("x-request-id"));
        assert!(body["request_id"].as_str().is_some_and(|id| !id.is_empty()));
    }
}
