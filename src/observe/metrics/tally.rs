//! What each worker counts of what it sends and receives, for itself alone.
//!
//! A message to a room is delivered a thousand times in a millisecond. Were all of it counted in one place, workers
//! would pass the memory of that place to and fro for each; so each has a tally that nobody else writes, and who looks
//! adds them up. A delivery pays five additions to memory that its worker has at hand.

use std::{
    fmt::Error,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use prometheus_client::{
    encoding::{EncodeMetric, MetricEncoder, NoLabelSet},
    metrics::{MetricType, TypedMetric, exemplar::Exemplar},
    registry::Unit,
};

use super::families::{BYTES, Histogram, Labels, Register, TIMES, add_alone};
use crate::{
    domain::{Timestamp, Transport},
    protocol::{Class, EventKind, Frame, command::COMMANDS},
};

const TRANSPORTS: [Transport; 3] = [Transport::WebSocket, Transport::EventStream, Transport::LongPoll];

/// What a client says that is none of the commands.
const NO_COMMAND: &str = "unknown";

/// One of each worker that has started.
static TALLIES: Mutex<Vec<Arc<Tally>>> = Mutex::new(Vec::new());

/// The counts of one worker, which alone may add to them.
#[derive(Debug)]
// Two lines of the cache, since they are fetched in pairs: no tally shares one with another.
#[repr(align(128))]
pub struct Tally {
    /// By transport and kind.
    sent: Box<[AtomicU64]>,
    /// By command; the last is for what is none.
    received: Box<[AtomicU64]>,
    sent_bytes: Histogram,
    received_bytes: Histogram,
    /// By transport; of inboxes, then of rooms.
    latencies: Box<[Histogram]>,
}

impl Tally {
    /// That of one more worker.
    pub fn begin() -> Arc<Self> {
        let tally = Arc::new(Self::new());
        all().push(tally.clone());
        tally
    }

    fn new() -> Self {
        let cells = |count| std::iter::repeat_with(AtomicU64::default).take(count).collect();
        let times = || Histogram::of_times(&TIMES);
        Self {
            sent: cells(TRANSPORTS.len() * EventKind::ALL.len()),
            received: cells(COMMANDS.len() + 1),
            sent_bytes: Histogram::of_numbers(&BYTES),
            received_bytes: Histogram::of_numbers(&BYTES),
            latencies: std::iter::repeat_with(times).take(2 * TRANSPORTS.len()).collect(),
        }
    }

    /// A frame has gone to its client. `now` is asked only where that is of interest.
    pub fn sent(&self, transport: Transport, frame: &Frame, now: impl FnOnce() -> Timestamp) {
        self.count(transport, frame.kind());
        self.sent_bytes.observe_alone(frame.json().len() as u64);
        let Some(accepted_at) = frame.live_since() else { return };
        let place = 2 * transport as usize + usize::from(frame.class() == Class::Room);
        if let Some(latency) = self.latencies.get(place) {
            // Clocks of two machines differ.
            let micros = now().as_micros().saturating_sub(accepted_at.as_micros());
            latency.observe_alone(u64::try_from(micros).unwrap_or_default());
        }
    }

    /// A heartbeat has.
    pub fn pinged(&self, transport: Transport) {
        self.count(transport, EventKind::Ping);
    }

    fn count(&self, transport: Transport, kind: EventKind) {
        let place = transport as usize * EventKind::ALL.len() + kind as usize;
        if let Some(count) = self.sent.get(place) {
            add_alone(count, 1);
        }
    }

    /// A message has come from a client; `None` is no command.
    pub fn received(&self, command: Option<&str>, bytes: usize) {
        let place = command.and_then(|word| COMMANDS.iter().position(|known| *known == word));
        if let Some(count) = self.received.get(place.unwrap_or(COMMANDS.len())) {
            add_alone(count, 1);
        }
        self.received_bytes.observe_alone(bytes as u64);
    }
}

fn all() -> std::sync::MutexGuard<'static, Vec<Arc<Tally>>> {
    // Never held over anything that could panic, so what a poisoned lock guards is whole.
    TALLIES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Registers what the tallies hold together.
pub(super) fn register(register: &mut Register<'_>) {
    let registry = &mut *register.0;
    registry.register(
        "messages_received",
        "Messages that clients have sent, by transport and command; HTTP requests are counted for themselves",
        Counts(|totals| {
            let words = COMMANDS.iter().copied().chain([NO_COMMAND]);
            let labels = words.map(|word| [("transport", Transport::WebSocket.word()), ("type", word)]);
            labels.zip(totals.received.iter().map(read)).collect()
        }),
    );
    registry.register(
        "messages_sent",
        "Messages that clients were sent, by transport and type; all notifications are one type, and a comment that \
         keeps an event stream open is a ping",
        Counts(|totals| {
            let kinds = |transport: Transport| {
                EventKind::ALL.map(|kind| [("transport", transport.word()), ("type", kind.word())])
            };
            TRANSPORTS.into_iter().flat_map(kinds).zip(totals.sent.iter().map(read)).collect()
        }),
    );
    registry.register_with_unit(
        "message_size",
        "Size of the JSON of messages, by the direction in which they went",
        Unit::Bytes,
        Distributions(|totals| {
            vec![
                (vec![("direction", "in")], totals.received_bytes),
                (vec![("direction", "out")], totals.sent_bytes),
            ]
        }),
    );
    registry.register_with_unit(
        "delivery_latency",
        "From when a notification or a message to a room was stored or numbered to when it was handed to the \
         connection of one who was there all the while, by the wall clock",
        Unit::Seconds,
        Distributions(|totals| {
            let streams = |transport: Transport| {
                ["inbox", "room"].map(|stream| vec![("transport", transport.word()), ("stream", stream)])
            };
            TRANSPORTS.into_iter().flat_map(streams).zip(totals.latencies).collect()
        }),
    );
}

fn read(count: &AtomicU64) -> u64 {
    count.load(Ordering::Relaxed)
}

/// All tallies as one.
fn totals() -> Tally {
    let totals = Tally::new();
    for tally in all().iter() {
        let counts = totals.sent.iter().zip(&tally.sent).chain(totals.received.iter().zip(&tally.received));
        counts.for_each(|(total, count)| add_alone(total, read(count)));
        let mine = [&totals.sent_bytes, &totals.received_bytes].into_iter().chain(&totals.latencies);
        let theirs = [&tally.sent_bytes, &tally.received_bytes].into_iter().chain(&tally.latencies);
        mine.zip(theirs).for_each(|(total, histogram)| total.add(histogram));
    }
    totals
}

/// What is shown of the tallies together, by its labels.
type Series<L, M> = fn(Tally) -> Vec<(L, M)>;

/// Counters out of the tallies, read when somebody looks.
#[derive(Debug)]
struct Counts(Series<Labels<2>, u64>);

impl EncodeMetric for Counts {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> Result<(), Error> {
        for (labels, count) in (self.0)(totals()) {
            let none: Option<&Exemplar<NoLabelSet, u64>> = None;
            encoder.encode_family(&labels)?.encode_counter(&count, none)?;
        }
        Ok(())
    }

    fn metric_type(&self) -> MetricType {
        MetricType::Counter
    }
}

/// Histograms out of them.
#[derive(Debug)]
struct Distributions(Series<Vec<(&'static str, &'static str)>, Histogram>);

impl EncodeMetric for Distributions {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> Result<(), Error> {
        for (labels, histogram) in (self.0)(totals()) {
            histogram.encode(encoder.encode_family(&labels)?)?;
        }
        Ok(())
    }

    fn metric_type(&self) -> MetricType {
        Histogram::TYPE
    }
}
