//! X34: a thousand sessions over WebSocket, event streams and polls, most of which come and go all the time, steady
//! load, and faults by chance, for as long as is asked for. What is told is judged as in every run; and nothing may
//! grow, and nothing be left when all have gone.
//!
//! Two stands are played at the same time: two nodes on PostgreSQL and Redis, and one node on a file.

mod faults;

use std::{
    rc::Rc,
    time::{Duration, Instant},
};

use actix_web::rt;
use futures_util::future::join;
use serde_json::Value;
use tokio::time::sleep;

use self::faults::Faults;
use crate::{
    cluster::{Cluster, Setup},
    crowd::Crowd,
    load::Plan,
    run::Run,
    samples::{Phase, Recorder},
    scale::{lasting, soak_minutes, times},
    traffic::{Dice, draft, publish},
    verdict::Verdict,
};

/// So that all that is kept for a time is as much as it will ever be when the warm-up is over, and who does not read
/// or is gone is found out within seconds.
const SETTINGS: [(&str, &str); 7] = [
    ("rooms.history_size", "1000"),
    ("rooms.history_bytes", "1MiB"),
    ("rooms.history_ttl", "120s"),
    ("rooms.position_ttl", "30s"),
    ("session.ping_interval", "2s"),
    ("session.slow_timeout", "3s"),
    ("session.sse_heartbeat", "5s"),
];

/// How much is played.
#[derive(Clone, Copy)]
struct Scale {
    lasting: Duration,
    /// What comes before says nothing about what grows.
    warm_up: Duration,
    /// Each ends with a rest: all go home, and memory is compared from one to the next. What hundreds of sessions
    /// hold goes up and down by more than would show in half an hour.
    rounds: u32,
    rest: Option<Rest>,
    /// How often something large is published before it begins, to so many who never come: more than the writer of a
    /// file keeps of it in memory, which would grow with the file otherwise.
    fillings: usize,
    /// Whom the checker judges: each has a client that stays on each node, and one that roams.
    users: usize,
    /// Sessions that come and go.
    crowd: usize,
    /// Longest visit of those.
    visit: Duration,
    /// Shortest and longest time between two faults, and the longest fault.
    calm: (Duration, Duration),
    fault: Duration,
}

#[derive(Clone, Copy)]
struct Rest {
    /// Until all is gone that is kept for those who have left, their idle connections (75 s) too.
    settling: Duration,
    looking: Duration,
}

impl Scale {
    /// When a round ends, or its rest begins.
    fn round(&self, number: u32) -> Duration {
        let rest = self.rest.map_or(Duration::ZERO, |rest| rest.settling + rest.looking);
        self.lasting * number / self.rounds - rest
    }

    fn sessions(&self, nodes: usize) -> usize {
        self.users * (nodes + 1) + self.crowd
    }
}

/// One set of nodes and everything that is done to it.
struct Stand {
    name: &'static str,
    cluster: Cluster,
    scale: Scale,
    dice: Dice,
}

/// What a stand has shown.
struct Outcome {
    verdict: Verdict,
    /// What was played, for the one line.
    played: String,
    /// How each node stood, as rows of a table.
    table: String,
    /// What was bad besides.
    faults: Vec<String>,
}

impl Stand {
    async fn play(mut self) -> Outcome {
        self.fill().await;
        let recorder = Rc::new(Recorder::start(self.name, &self.cluster).await);
        let users = (0..self.scale.users).map(|n| &*format!("user{n:02}").leak()).collect();
        let plan = Plan {
            users,
            publishers: 2,
            speakers: 2,
            pause: Duration::from_millis(200),
            stay_millis: self.scale.visit.as_millis() as u64,
            is_varied: true,
            ..Plan::default()
        };
        let run = Run::start(&self.cluster, plan, &mut self.dice).await;
        let crowd = Crowd::start(&self.cluster, self.scale.crowd, self.scale.visit, &mut self.dice);
        let recording = rt::spawn(recorder.clone().record());

        let start = Instant::now();
        let mut faults = Faults::new(self.dice.fork(), self.scale.calm, self.scale.fault);
        for round in 1..=self.scale.rounds {
            let end = start + self.scale.round(round);
            while faults.has_time_for_one(end) {
                faults.play_one(&mut self.cluster, &crowd.doors).await;
            }
            sleep(end.saturating_duration_since(Instant::now())).await;
            if let Some(rest) = self.scale.rest {
                crowd.rest(true);
                run.scene.rest(true);
                recorder.enter(Phase::Between);
                sleep(rest.settling).await;
                recorder.enter(Phase::Rest);
                sleep(rest.looking).await;
                recorder.enter(Phase::Load);
                run.scene.rest(false);
                crowd.rest(false);
            }
        }

        let visits = crowd.end().await;
        let verdict = run.judge(&self.cluster).await;
        recorder.end();
        recording.await.unwrap();
        let mut bad = recorder.until_all_is_gone().await;
        bad.extend(recorder.growth(self.scale.warm_up));
        bad.extend(self.cluster.nodes.iter().flat_map(|node| unfit(&node.app.logs())));
        Outcome {
            verdict,
            played: format!(
                "{}: {} sessions, {visits}; faults: {faults}",
                self.name,
                self.scale.sessions(self.cluster.nodes.len())
            ),
            table: recorder.table(self.scale.warm_up),
            faults: bad,
        }
    }

    async fn fill(&self) {
        let app = self.cluster.app(0);
        let users: Vec<String> = (0..FILLED_USERS).map(|n| format!("filled{n}")).collect();
        let users: Vec<&str> = users.iter().map(String::as_str).collect();
        for n in 0..self.scale.fillings {
            publish(&app.http(&app.publisher()), &draft(&users, n as u64, FILLING_BYTES)).await;
        }
    }
}

const FILLED_USERS: usize = 500;
const FILLING_BYTES: usize = 15 << 10;

/// What must not stand in a log: a line that is no event, a panic, a token.
fn unfit(lines: &[String]) -> Vec<String> {
    let is_unfit = |line: &&String| {
        serde_json::from_str::<Value>(line).is_err() || line.contains("panicked") || line.contains("eyJ")
    };
    lines.iter().filter(is_unfit).take(10).map(|line| format!("the log says {line}")).collect()
}

#[actix_web::test]
async fn x34_a_thousand_sessions_come_and_go_through_faults_and_nothing_grows_and_nothing_is_lost() {
    let mut dice = Dice::new();
    let secs = Duration::from_secs;
    let scale = match soak_minutes() {
        // Faults, so that there are some, and no slope: seconds say nothing about one.
        None => Scale {
            lasting: lasting(12, 180),
            warm_up: lasting(12, 180) / 3,
            rounds: 1,
            rest: None,
            fillings: 0,
            users: times(5, 20),
            crowd: times(25, 150),
            visit: secs(2),
            calm: (Duration::from_millis(300), secs(1)),
            fault: secs(1),
        },
        Some(minutes) => Scale {
            lasting: secs(60 * minutes),
            warm_up: secs(60 * minutes) * 3 / 10,
            rounds: (minutes / 7).max(6) as u32,
            rest: Some(Rest { settling: secs(100), looking: secs(15) }),
            fillings: 6,
            users: 50,
            crowd: 550,
            visit: secs(15),
            calm: (secs(5), secs(20)),
            fault: secs(6),
        },
    };
    let cluster = Cluster::start_with(Setup { settings: &SETTINGS, ..Setup::default() }).await;
    let several = Stand { name: "two nodes", cluster, scale, dice: dice.fork() };
    let fewer = Scale { users: scale.users / 2, crowd: scale.crowd * 5 / 11, ..scale };
    let alone =
        Stand { name: "one node", cluster: Cluster::alone(&SETTINGS), scale: fewer, dice: dice.fork() };
    let start = Instant::now();
    let (several, alone) = join(several.play(), alone.play()).await;

    let took = start.elapsed();
    let mut verdict = Verdict::default();
    let mut bad = Vec::new();
    for outcome in [several, alone] {
        println!("{}\n{}", outcome.played, outcome.table);
        verdict.add(outcome.verdict);
        bad.extend(outcome.faults);
    }
    bad.iter().for_each(|fault| println!("bad: {fault}"));
    verdict.expect_clean(&format!("X34 soak of {took:.0?}"));
    assert!(bad.is_empty(), "{}", bad.join("\n"));
}
