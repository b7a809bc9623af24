//! All clients of a node lose it at once and come to the other one (X29, X6): by a jitter of their own where it was
//! killed, when they were told to where it was stopped. Many have an address of their own; those of an office share one, whose
//! limit of handshakes is that of every server (T18).

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    net::{Ipv4Addr, SocketAddr},
    rc::Rc,
    time::{Duration, Instant},
};

use actix_web::rt;
use futures_util::StreamExt;
use serde_json::{Value, json};
use tokio::{
    net::{TcpSocket, TcpStream},
    time::{sleep, timeout},
};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{Error, Message, client::IntoClientRequest},
};

use crate::{
    app::{DEADLINE, token, until},
    cluster::{Cluster, Setup},
    scale::times,
    traffic::{Dice, Follower},
};

/// Within this everybody is back (X29).
const BACK: Duration = Duration::from_secs(30);

/// Back-off as PROTOCOL.md section 3 asks for it.
const BACKOFF_MIN_MILLIS: u64 = 500;
const BACKOFF_MAX_MILLIS: u64 = 20_000;

/// What a server has where nothing is set.
const HANDSHAKES: [(&str, &str); 2] =
    [("limits.handshakes_per_second", "10"), ("limits.handshakes_burst", "50")];
const HANDSHAKES_PER_SECOND: f64 = 10.0;
const HANDSHAKES_BURST: f64 = 50.0;

const OFFICE: Ipv4Addr = Ipv4Addr::new(127, 2, 0, 1);

/// What all clients of a herd tell.
#[derive(Default)]
struct Herd {
    connected: Cell<usize>,
    handshakes: RefCell<Vec<Instant>>,
    /// When each that was let in had asked and was answered, by address and node.
    admitted: RefCell<BTreeMap<(Ipv4Addr, SocketAddr), Vec<Span>>>,
    /// Handshakes that were one too many of their address.
    refused: Cell<usize>,
    told_to_restart: Cell<usize>,
    cut: Cell<usize>,
    /// When those who were told are to come back.
    returns: RefCell<Vec<Instant>>,
    /// How many notifications all of them have together.
    seen: Cell<usize>,
}

/// From a question to its answer.
type Span = [Instant; 2];

fn add(cell: &Cell<usize>, count: isize) {
    cell.set(cell.get().strict_add_signed(count));
}

/// How an attempt to connect came out.
enum Attempt {
    Connected(Box<WebSocketStream<TcpStream>>),
    /// Too early, and when it is not.
    Wait(Duration),
    Nobody,
}

/// How a connection ended.
enum End {
    /// Stopped by the server, which says when to come back.
    Restart(Duration),
    Cut,
}

struct Client {
    herd: Rc<Herd>,
    source: Ipv4Addr,
    nodes: [SocketAddr; 2],
    follower: Follower,
    token: String,
    dice: Dice,
}

impl Client {
    /// Begins on the second node, and lives for ever.
    async fn live(mut self) {
        let (mut node, mut failures) = (1, 0);
        loop {
            let wait = match self.connect(self.nodes[node]).await {
                Attempt::Connected(ws) => {
                    failures = 0;
                    add(&self.herd.connected, 1);
                    let end = self.listen(*ws).await;
                    add(&self.herd.connected, -1);
                    match end {
                        End::Restart(wait) => {
                            add(&self.herd.told_to_restart, 1);
                            self.herd.returns.borrow_mut().push(Instant::now() + wait);
                            wait
                        }
                        End::Cut => {
                            add(&self.herd.cut, 1);
                            self.backoff(failures)
                        }
                    }
                }
                Attempt::Wait(wait) => {
                    sleep(wait).await;
                    continue;
                }
                Attempt::Nobody => {
                    failures += 1;
                    self.backoff(failures)
                }
            };
            sleep(wait).await;
            // A plain load balancer in front: whoever is sent away or finds nobody comes to the other one.
            node = 1 - node;
        }
    }

    fn backoff(&mut self, failures: u32) -> Duration {
        self.dice.millis((BACKOFF_MIN_MILLIS << failures.min(10)).min(BACKOFF_MAX_MILLIS))
    }

    async fn connect(&self, address: SocketAddr) -> Attempt {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind((self.source, 0).into()).unwrap();
        let Ok(Ok(stream)) = timeout(DEADLINE, socket.connect(address)).await else { return Attempt::Nobody };
        let url = format!("ws://{address}/v1/ws{}", self.follower.query());
        let mut request = url.into_client_request().unwrap();
        let authorization = format!("Bearer {}", self.token).parse().unwrap();
        request.headers_mut().insert("authorization", authorization);
        let asked = Instant::now();
        self.herd.handshakes.borrow_mut().push(asked);
        match timeout(DEADLINE, client_async(request, stream)).await {
            Ok(Ok((ws, _))) => {
                let mut admitted = self.herd.admitted.borrow_mut();
                admitted.entry((self.source, address)).or_default().push([asked, Instant::now()]);
                Attempt::Connected(Box::new(ws))
            }
            Ok(Err(Error::Http(answer))) if answer.status() == 429 => {
                add(&self.herd.refused, 1);
                let seconds = answer.headers()["retry-after"].to_str().unwrap().parse().unwrap();
                Attempt::Wait(Duration::from_secs(seconds))
            }
            _ => Attempt::Nobody,
        }
    }

    async fn listen(&mut self, mut ws: WebSocketStream<TcpStream>) -> End {
        let mut wait = Duration::ZERO;
        loop {
            match ws.next().await {
                Some(Ok(Message::Text(text))) => {
                    let event: Value = serde_json::from_str(&text).unwrap();
                    if event["type"] == "goodbye" {
                        wait = Duration::from_millis(event["retry_after_ms"].as_u64().unwrap());
                    }
                    let before = self.follower.seen.len();
                    self.follower.take(&event);
                    add(&self.herd.seen, (self.follower.seen.len() - before) as isize);
                }
                Some(Ok(Message::Close(Some(frame)))) if u16::from(frame.code) == 1012 => {
                    return End::Restart(wait);
                }
                Some(Ok(_)) => {}
                _ => return End::Cut,
            }
        }
    }
}

/// So many clients on the second of two nodes, the first of them behind one address, ten behind each other one.
async fn gather(cluster: &Cluster, clients: usize, office: usize, dice: &mut Dice) -> Rc<Herd> {
    let herd = Rc::new(Herd::default());
    for n in 0..clients {
        let user = format!("user{n}");
        let shared = Ipv4Addr::from_bits(Ipv4Addr::new(127, 1, 0, 1).to_bits() + n as u32 / 10);
        let client = Client {
            herd: herd.clone(),
            source: if n < office { OFFICE } else { shared },
            nodes: [cluster.app(0).address, cluster.app(1).address],
            follower: Follower::from_start(&user),
            token: token(&user, "", 3600),
            dice: dice.fork(),
        };
        rt::spawn(client.live());
        if n % 50 == 49 {
            until("they are connected", || (herd.connected.get() + office > n - 40).then_some(())).await;
        }
    }
    until("all are connected", || (herd.connected.get() == clients).then_some(())).await;
    herd
}

/// One notification to everybody.
async fn publish(cluster: &Cluster, clients: usize, n: u64) {
    let users: Vec<String> = (0..clients).map(|n| format!("user{n}")).collect();
    for users in users.chunks(500) {
        let body = json!({ "to": users, "type": "test.event", "payload": { "n": n } });
        let app = cluster.app(0);
        let answer = app.http(&app.publisher()).post("/v1/notifications", &body).await;
        assert_eq!(answer.status, 201, "{}", answer.text());
    }
}

/// Waits until everybody is connected, and has so many notifications; each client has held them to be in order.
async fn expect_back(herd: &Herd, clients: usize, each: usize, start: Instant) {
    while herd.connected.get() < clients || herd.seen.get() < clients * each {
        let (connected, seen) = (herd.connected.get(), herd.seen.get());
        assert!(
            start.elapsed() < BACK,
            "{connected} of {clients} are back, {seen} of {} seen",
            clients * each
        );
        sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(herd.seen.get(), clients * each);
}

/// T18. No address was let in faster than it may be.
fn expect_admitted_at_the_rate(herd: &Herd) {
    for (source, admitted) in &*herd.admitted.borrow() {
        for n in 0..admitted.len() {
            let mut first = admitted[n][0];
            for (m, [asked, answered]) in admitted.iter().enumerate().skip(n) {
                // All of these were granted between the first question and the last answer.
                first = first.min(*asked);
                let time = (*answered - first).as_secs_f64();
                let most = HANDSHAKES_BURST + time * HANDSHAKES_PER_SECOND + 1.0;
                assert!((m - n + 1) as f64 <= most, "{} of {source:?} in {time} s", m - n + 1);
            }
        }
    }
}

/// The most within 100 ms, and how many that would be if they were spread evenly.
fn busiest(mut instants: Vec<Instant>) -> (usize, f64) {
    instants.sort_unstable();
    let start = instants[0];
    let mut bins = std::collections::BTreeMap::<u128, usize>::new();
    for instant in &instants {
        *bins.entry((*instant - start).as_millis() / 100).or_default() += 1;
    }
    let last = bins.keys().last().unwrap() + 1;
    (*bins.values().max().unwrap(), instants.len() as f64 / last as f64)
}

#[actix_web::test]
async fn x29_a_node_dies_and_its_clients_come_to_the_other_one() {
    let mut dice = Dice::new();
    let setup = Setup { has_bus: false, settings: &HANDSHAKES, ..Setup::default() };
    let mut cluster = Cluster::start_with(setup).await;
    let (clients, office) = (times(150, 3000), 80);
    let herd = gather(&cluster, clients, office, &mut dice).await;
    publish(&cluster, clients, 1).await;
    expect_back(&herd, clients, 1, Instant::now()).await;
    let (before, refused) = (herd.handshakes.borrow().len(), herd.refused.get());
    cluster.nodes[1].app.kill();
    let start = Instant::now();
    publish(&cluster, clients, 2).await;
    expect_back(&herd, clients, 2, start).await;
    let took = start.elapsed();
    let (peak, mean) = busiest(herd.handshakes.borrow()[before..].to_vec());
    assert_eq!(herd.cut.get(), clients);
    expect_admitted_at_the_rate(&herd);
    println!(
        "X29 a node killed under {clients} clients: accepted {}, lost 0, doubled 0, silent gaps 0; all back after \
         {took:.1?}, at most {peak} in 100 ms ({mean:.0} on average); {office} behind one address were let in at its \
         rate, {} times told to wait",
        clients * 2,
        herd.refused.get() - refused
    );
}

#[actix_web::test]
async fn x06_a_node_that_stops_sends_its_clients_away_one_after_the_other() {
    let mut dice = Dice::new();
    let settings = [("shutdown.drain", "3s"), HANDSHAKES[0], HANDSHAKES[1]];
    let setup = Setup { has_bus: false, settings: &settings, ..Setup::default() };
    let mut cluster = Cluster::start_with(setup).await;
    let clients = times(150, 3000);
    let herd = gather(&cluster, clients, 0, &mut dice).await;
    let start = Instant::now();
    cluster.app(1).signal("-TERM");
    publish(&cluster, clients, 1).await;
    assert!(cluster.nodes[1].app.ended().await.success());
    let ended = start.elapsed();
    expect_back(&herd, clients, 1, start).await;
    let took = start.elapsed();
    assert!(herd.told_to_restart.get() * 100 >= clients * 99, "{} were told", herd.told_to_restart.get());
    let (peak, mean) = busiest(herd.returns.borrow().clone());
    // Chance alone makes some bins fuller where there are few in each.
    assert!(peak as f64 <= 2.0 * mean + 8.0, "{peak} in 100 ms, {mean:.1} on average");
    println!(
        "X6 a node stopped under {clients} clients: exit 0 after {ended:.1?}, 1012 to {}, cut {}; accepted {clients}, \
         lost 0, doubled 0; all back after {took:.1?}, at most {peak} in 100 ms ({mean:.0} on average)",
        herd.told_to_restart.get(),
        herd.cut.get(),
    );
}
