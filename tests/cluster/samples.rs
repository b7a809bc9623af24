//! How each node stands, second by second: what it holds by its own count, and by the kernel's.

use std::{
    cell::{Cell, RefCell},
    fmt::Write,
    fs,
    rc::Rc,
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

use crate::{
    app::{App, token},
    clients::{http::Http, scrape},
    cluster::Cluster,
    engines::kernel::server_ends,
    slope::{hourly, median},
};

const EACH: Duration = Duration::from_secs(1);

/// A node that does not answer so long stands still, and this sample is left out.
const PATIENCE: Duration = Duration::from_millis(900);

/// Within this all is gone that somebody who is gone without a word has left.
const GONE: Duration = Duration::from_secs(90);

/// More reads than a store does at once.
const READERS: usize = 100;

/// What is so for less time says nothing about an hour.
const JUDGED_FROM: Duration = Duration::from_secs(15 * 60);

/// Most that memory may grow in an hour.
const GROWTH_MAX_MIB: f64 = 1.0;

/// Most by which a number may be higher in the last third after the warm-up than in the first, as a part of it; and what
/// chance does to small numbers.
const DRIFT_MAX: f64 = 0.1;
const FEW: f64 = 10.0;

const MIB: f64 = (1 << 20) as f64;

#[derive(Clone, Copy, PartialEq)]
enum Judged {
    /// By what it grows in an hour, from rest to rest.
    Growth,
    /// It does not drift, and is back where it was when all have gone, but for so much.
    Back(f64),
}

/// (what is sampled, how it is judged).
const GAUGES: [(&str, Judged); 9] = [
    ("rss MiB", Judged::Growth),
    ("allocated MiB", Judged::Growth),
    // A pool keeps what it opens when it first needs it.
    ("fds", Judged::Back(8.0)),
    ("threads", Judged::Back(12.0)),
    ("sockets", Judged::Back(0.0)),
    ("connections", Judged::Back(0.0)),
    ("sessions", Judged::Back(0.0)),
    ("users", Judged::Back(0.0)),
    ("rooms", Judged::Back(0.0)),
];

const RSS: usize = 0;

type Sample = [f64; GAUGES.len()];

struct Node {
    name: String,
    http: Http,
    pid: u32,
    port: u16,
    idle: Sample,
    /// Under load, and while the crowd rests.
    samples: RefCell<Vec<(Duration, Sample)>>,
    rests: RefCell<Vec<(Duration, Sample)>>,
    gone: Cell<Sample>,
}

/// What is sampled.
#[derive(Clone, Copy, PartialEq)]
pub enum Phase {
    Load,
    /// On the way from one of the others to the next.
    Between,
    Rest,
}

pub struct Recorder {
    start: Instant,
    nodes: Vec<Node>,
    phase: Cell<Phase>,
    is_over: Cell<bool>,
}

impl Recorder {
    /// Looks at each node before anybody comes.
    pub async fn start(stand: &str, cluster: &Cluster) -> Self {
        let mut nodes = Vec::new();
        for (n, node) in cluster.nodes.iter().enumerate() {
            fill_pools(&node.app).await;
            let mut node = Node {
                name: format!("{stand}, {n}"),
                http: Http::new(node.app.address, Some(&token("scraper", "admin", 4 * 3600))),
                pid: node.app.pid(),
                port: node.app.address.port(),
                idle: Sample::default(),
                samples: RefCell::default(),
                rests: RefCell::default(),
                gone: Cell::default(),
            };
            node.idle = node.look().await.expect("the node answers");
            nodes.push(node);
        }
        Self { start: Instant::now(), nodes, phase: Cell::new(Phase::Load), is_over: Cell::new(false) }
    }

    pub async fn record(self: Rc<Self>) {
        let mut seconds = interval(EACH);
        seconds.set_missed_tick_behavior(MissedTickBehavior::Skip);
        while !self.is_over.get() {
            seconds.tick().await;
            for node in &self.nodes {
                let phase = self.phase.get();
                let Ok(Ok(sample)) = timeout(PATIENCE, node.look()).await else { continue };
                let sample = (self.start.elapsed(), sample);
                match phase {
                    Phase::Load => node.samples.borrow_mut().push(sample),
                    Phase::Rest => node.rests.borrow_mut().push(sample),
                    Phase::Between => {}
                }
            }
        }
    }

    pub fn enter(&self, phase: Phase) {
        self.phase.set(phase);
    }

    pub fn end(&self) {
        self.is_over.set(true);
    }

    /// Takes how it stands now, with nobody there, for how it was before anybody came.
    pub async fn begin_again(&mut self) {
        for node in &mut self.nodes {
            node.idle = node.look().await.expect("the node answers");
        }
    }

    /// Resident MiB of each node before anybody came, and when all had gone.
    pub fn memory(&self) -> Vec<[f64; 2]> {
        self.nodes.iter().map(|node| [node.idle[RSS], node.gone.get()[RSS]]).collect()
    }

    /// Waits until every node holds what it held before anybody came, and says what it goes on holding.
    pub async fn until_all_is_gone(&self) -> Vec<String> {
        let deadline = Instant::now() + GONE;
        let mut bad = Vec::new();
        for node in &self.nodes {
            let mut left = node.left().await;
            while !left.is_empty() && Instant::now() < deadline {
                sleep(EACH).await;
                left = node.left().await;
            }
            bad.extend(left);
        }
        bad
    }

    /// What grew or drifted after the warm-up.
    pub fn growth(&self, warm_up: Duration) -> Vec<String> {
        self.nodes.iter().flat_map(|node| node.growth(warm_up)).collect()
    }

    pub fn table(&self, warm_up: Duration) -> String {
        let mut text = format!("{:24}", "");
        GAUGES.iter().for_each(|(name, _)| write!(text, "{name:>14}").unwrap());
        for node in &self.nodes {
            let [first, last] = thirds(&node.samples.borrow(), warm_up);
            let [first_rest, last_rest] = thirds(&node.rests.borrow(), warm_up);
            let rows = [
                ("idle", node.idle.to_vec()),
                ("after the warm-up", first),
                ("at the end", last),
                ("at rest", first_rest),
                ("at the last rest", last_rest),
                ("all gone", node.gone.get().to_vec()),
                ("an hour, at rest", node.slopes(warm_up)),
            ];
            write!(text, "\n{}", node.name).unwrap();
            for (name, values) in rows {
                write!(text, "\n    {name:20}").unwrap();
                values.iter().for_each(|value| write!(text, "{value:14.1}").unwrap());
            }
        }
        text
    }
}

/// Has each worker answer, and the store read as much at once as it does.
async fn fill_pools(app: &App) {
    let http = app.user("reader");
    let readers = (0..READERS).map(|_| http.get("/v1/notifications"));
    assert!(join_all(readers).await.iter().all(|answer| answer.status == 200));
}

impl Node {
    async fn look(&self) -> Result<Sample, String> {
        let request = self.http.request("GET", "/metrics").force_close();
        let answer = self.http.try_send(request, "").await?;
        // As of a node that stood still while it was asked.
        if answer.status != 200 {
            return Err(answer.text());
        }
        let numbers = scrape::samples(&answer);
        let sessions = ["websocket", "sse", "poll"]
            .map(|transport| numbers[&format!("tidings_sessions{{transport=\"{transport}\"}}")]);
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid)).unwrap();
        let field = |name: &str| -> f64 {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
            line.split_whitespace().nth(1).unwrap().parse().unwrap()
        };
        Ok([
            field("VmRSS") / 1024.0,
            numbers["tidings_allocated_bytes"] / MIB,
            fs::read_dir(format!("/proc/{}/fd", self.pid)).unwrap().count() as f64,
            field("Threads"),
            server_ends(self.port) as f64,
            numbers["tidings_connections"],
            sessions.iter().sum(),
            numbers["tidings_users"],
            numbers["tidings_rooms"],
        ])
    }

    async fn left(&self) -> Vec<String> {
        let now = self.look().await.expect("the node answers");
        self.gone.set(now);
        let mut left = Vec::new();
        for (gauge, (name, judged)) in GAUGES.iter().enumerate() {
            if let Judged::Back(slack) = judged
                && now[gauge] > self.idle[gauge] + slack
            {
                let (now, idle) = (now[gauge], self.idle[gauge]);
                left.push(format!("{}: {name} are {now} when all have gone, and were {idle}", self.name));
            }
        }
        left
    }

    /// Of what is judged by it, as far as anything can be said.
    fn slopes(&self, warm_up: Duration) -> Vec<f64> {
        let judged = GAUGES.iter().enumerate().filter(|(_, (_, judged))| *judged == Judged::Growth);
        judged.filter_map(|(gauge, _)| hourly(&series(&self.rests.borrow(), gauge, warm_up))).collect()
    }

    fn growth(&self, warm_up: Duration) -> Vec<String> {
        let (samples, rests) = (self.samples.borrow(), self.rests.borrow());
        if series(&samples, RSS, warm_up + JUDGED_FROM).is_empty() {
            return Vec::new();
        }
        let mut bad = Vec::new();
        for (gauge, (name, judged)) in GAUGES.iter().enumerate() {
            let of = if *judged == Judged::Growth { &rests } else { &samples };
            let Some(slope) = hourly(&series(of, gauge, warm_up)) else { continue };
            let [first, last] = thirds(of, warm_up).map(|values| values[gauge]);
            let is_bad = match judged {
                Judged::Growth => slope > GROWTH_MAX_MIB,
                Judged::Back(_) => last > first * (1.0 + DRIFT_MAX) + FEW,
            };
            if is_bad {
                bad.push(format!(
                    "{}: {name} went from {first:.1} to {last:.1}, {slope:.2} an hour",
                    self.name
                ));
            }
        }
        bad
    }
}

/// One gauge after the warm-up.
fn series(samples: &[(Duration, Sample)], gauge: usize, warm_up: Duration) -> Vec<(Duration, f64)> {
    let warm = samples.iter().filter(|(at, _)| *at >= warm_up);
    warm.map(|(at, sample)| (*at, sample[gauge])).collect()
}

/// What each gauge mostly was in the first and in the last third after the warm-up.
fn thirds(samples: &[(Duration, Sample)], warm_up: Duration) -> [Vec<f64>; 2] {
    let middle = |gauge: usize, is_last: bool| {
        let values: Vec<f64> = series(samples, gauge, warm_up).into_iter().map(|(_, value)| value).collect();
        let third = values.len() / 3;
        let part = if is_last { &values[values.len() - third..] } else { &values[..third] };
        if part.is_empty() { f64::NAN } else { median(part.to_vec()) }
    };
    [false, true].map(|is_last| (0..GAUGES.len()).map(|gauge| middle(gauge, is_last)).collect())
}
