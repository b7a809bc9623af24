//! What is measured: who beside whom doing what, and which sizes of what.

use tidings::load::{Broadcast, Idle, Pace, Plan, Replay, Report, Span, Way, machine};

use super::{Measure, contender::Contender};
use crate::load::fan_out;

pub struct Comparison {
    pub name: &'static str,
    pub plan: Plan,
    /// Instances, with a Redis between them where there are several.
    pub servers: usize,
    /// The first one is what the others are compared with.
    pub contenders: Vec<Contender>,
    pub measures: &'static [Measure],
}

pub struct Series {
    pub name: &'static str,
    /// What grows.
    pub size: &'static str,
    pub points: Vec<(usize, Plan)>,
    pub measures: &'static [Measure],
}

const DELIVERIES: Measure =
    Measure { name: "deliveries/s", digits: 0, of: |report| report.deliveries_per_second() };
const CPU: Measure = Measure {
    name: "CPU µs per delivery",
    digits: 2,
    of: |report| report.cpu_micros_per(report.deliveries).unwrap_or(f64::NAN),
};
const BUSY: Measure = Measure {
    name: "server busy",
    digits: 2,
    of: |report| report.server.map_or(f64::NAN, |server| server.busy),
};
const GENERATOR: Measure = Measure { name: "generator busy", digits: 2, of: |report| report.generator_busy };
const STEAL: Measure = Measure { name: "steal", digits: 2, of: |report| report.steal };
const BYTES: Measure = Measure {
    name: "bytes per connection",
    digits: 0,
    of: |report| report.bytes_per_client().unwrap_or(f64::NAN),
};

const BROADCAST: &[Measure] = &[
    DELIVERIES,
    CPU,
    Measure { name: "p50 ms", digits: 1, of: |report| quantile(report, Span::Room, 0.5) },
    Measure { name: "p99 ms", digits: 1, of: |report| quantile(report, Span::Room, 0.99) },
    BUSY,
    GENERATOR,
    STEAL,
];
const AT_A_RATE: &[Measure] = &[CPU, BROADCAST[2], BROADCAST[3], DELIVERIES, BUSY, GENERATOR, STEAL];
const IDLE: &[Measure] = &[
    BYTES,
    Measure { name: "connections", digits: 0, of: |report| report.clients as f64 },
    Measure {
        name: "CPU µs per handshake",
        digits: 0,
        of: |report| report.cpu_micros_per_handshake().unwrap_or(f64::NAN),
    },
    STEAL,
];
const IDLE_GROWTH: &[Measure] = &[BUSY, BYTES, STEAL];
const PUBLISH: &[Measure] = &[
    Measure { name: "publishes/s", digits: 0, of: |report| report.published as f64 / report.seconds },
    Measure {
        name: "CPU µs per publish",
        digits: 1,
        of: |report| report.cpu_micros_per(report.published).unwrap_or(f64::NAN),
    },
    Measure { name: "p50 ms", digits: 2, of: |report| quantile(report, Span::Accepted, 0.5) },
    Measure { name: "p99 ms", digits: 2, of: |report| quantile(report, Span::Accepted, 0.99) },
    BUSY,
    GENERATOR,
    STEAL,
];
const REPLAY: &[Measure] = &[
    Measure { name: "all caught up, ms", digits: 0, of: |report| quantile(report, Span::CaughtUp, 1.0) },
    Measure { name: "half caught up, ms", digits: 0, of: |report| quantile(report, Span::CaughtUp, 0.5) },
    DELIVERIES,
    CPU,
    STEAL,
];

/// Sessions that a server of ours can have here: one file each, and a quarter of the files are for requests alone.
pub fn sessions_max() -> usize {
    let files = machine::raise_open_files().saturating_sub(200);
    usize::try_from(files / 4 * 3).unwrap_or(usize::MAX)
}

/// As many of so many as there can be here, once each.
fn possible<const N: usize>(sizes: [usize; N], scale: usize) -> Vec<usize> {
    let mut sizes = sizes.map(|size| (size / scale).min(sessions_max())).to_vec();
    sizes.dedup();
    sizes
}

/// Where more are in flight at once than wait for a worker, it refuses some, as it should.
const IN_FLIGHT_MAX: usize = 4000;

/// All that is compared, of a size divided by `scale`.
pub fn comparisons(scale: usize) -> Vec<Comparison> {
    use Contender::{Bun, FastApi, Node, RawJoined, RawSingle, Tidings, TidingsOnPostgres};
    let peers = || vec![Tidings, RawJoined, RawSingle, Bun, Node, FastApi];
    let scaled = |plan: Broadcast| Plan::Broadcast(Broadcast { readers: plan.readers / scale, ..plan });
    let streams = |pace| Broadcast { ways: vec![Way::EventStream], ..fan_out(pace) };
    let of_5000 = Broadcast { readers: 5000, ..fan_out(Pace::InFlight(4)) };
    let rooms = Broadcast { rooms: 100 / scale, speakers: 1000 / scale, ..fan_out(Pace::OneEach) };
    let publish = |recipients| {
        let pace = Some(Pace::InFlight(64));
        let plan = Broadcast { readers: 0, rooms: 0, speakers: 0, to_rooms: None, ..fan_out(Pace::OneEach) };
        Plan::Broadcast(Broadcast { to_inboxes: pace, recipients, publishers: 64, ..plan })
    };
    let compare =
        |name, plan, contenders, measures| Comparison { name, plan, servers: 1, contenders, measures };
    let mut stores = vec![Tidings];
    // Where there is such a server: `tests/with-postgres make peers`.
    stores.extend(std::env::var_os("TIDINGS_TEST_POSTGRES").map(|_| TidingsOnPostgres));
    let clients = sessions_max().min(10_000) / scale;
    let idle = Plan::Idle(Idle { way: Way::WebSocket, clients, rooms: clients.div_ceil(10) });
    vec![
        compare("fan-out 1,000, W=1", scaled(fan_out(Pace::InFlight(1))), peers(), BROADCAST),
        compare("fan-out 1,000, W=16", scaled(fan_out(Pace::InFlight(16))), peers(), BROADCAST),
        compare("fan-out 5,000, W=4", scaled(of_5000), vec![Tidings, RawJoined, Bun, Node], BROADCAST),
        compare("rooms 100 × 10, one in flight each", scaled(rooms), peers(), BROADCAST),
        compare("fan-out 1,000, 20 a second", scaled(fan_out(Pace::PerSecond(20.0))), peers(), AT_A_RATE),
        compare("SSE 1,000, W=16", scaled(streams(Pace::InFlight(16))), peers(), BROADCAST),
        Comparison {
            name: "two instances and Redis, fan-out 2 × 500, W=16",
            plan: scaled(fan_out(Pace::InFlight(16))),
            servers: 2,
            contenders: vec![Tidings, Bun, Node, FastApi],
            measures: BROADCAST,
        },
        compare("idle", idle, vec![Tidings, RawJoined, Bun, Node, FastApi], IDLE),
        compare("durable publish, one recipient, W=64", publish(1), stores.clone(), PUBLISH),
        compare("durable publish, 100 recipients a call, W=64", publish(100), stores, PUBLISH),
    ]
}

/// All sizes of what grows, divided by `scale`.
pub fn series(scale: usize) -> Vec<Series> {
    let of_one_room = |readers| Plan::Broadcast(Broadcast { readers, ..fan_out(Pace::InFlight(16)) });
    // The same members, and about as many deliveries in flight, in ever more rooms.
    let members = sessions_max().min(10_000) / scale;
    let of_rooms = |rooms: usize| {
        let in_flight = (rooms * 16 / 10).clamp(2, members.min(IN_FLIGHT_MAX));
        let plan =
            Broadcast { rooms, readers: members, speakers: rooms, ..fan_out(Pace::InFlight(in_flight)) };
        Plan::Broadcast(plan)
    };
    let idle =
        |clients: usize| Plan::Idle(Idle { way: Way::WebSocket, clients, rooms: clients.div_ceil(10) });
    let replay = |clients| Plan::Replay(Replay { way: Way::WebSocket, clients, history: 100, bytes: 128 });
    vec![
        Series {
            name: "subscribers of one room, W=16",
            size: "subscribers",
            points: points(possible([100, 1000, 5000, 15_000], scale), of_one_room),
            measures: BROADCAST,
        },
        Series {
            name: "rooms, with the same members in all",
            size: "rooms",
            points: points(possible([scale, 10 * scale, 100 * scale, 1000, 10_000], scale), of_rooms),
            measures: BROADCAST,
        },
        Series {
            name: "idle sessions",
            size: "sessions",
            points: points(possible([1000, 5000, 15_000], scale), idle),
            measures: IDLE_GROWTH,
        },
        Series {
            name: "clients that reconnect at once and missed 100 messages",
            size: "clients",
            points: points(possible([100, 300, 1000], scale), replay),
            measures: REPLAY,
        },
    ]
}

fn points(sizes: Vec<usize>, plan: impl Fn(usize) -> Plan) -> Vec<(usize, Plan)> {
    sizes.into_iter().map(|size| (size, plan(size))).collect()
}

fn quantile(report: &Report, span: Span, part: f64) -> f64 {
    report.latency(span).map_or(f64::NAN, |latency| latency.quantile_millis(part))
}
