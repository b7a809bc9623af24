//! The store: how long it takes, and how much it does at once.

use std::time::Duration;

use prometheus_client::registry::Unit;

use super::{
    METRICS,
    families::{COUNTS, Counters, Histogram, Histograms, Register, TIMES, each},
};

/// What the store is asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreOperation {
    Read,
    Write,
}

impl StoreOperation {
    fn word(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
        }
    }
}

/// What becomes of a question; `refused` is an answer, too.
const RESULTS: [&str; 6] = ["ok", "refused", "overloaded", "unavailable", "full", "internal"];

#[derive(Debug)]
pub(super) struct Store {
    requests: Counters<2>,
    durations: Histograms<1>,
    transactions: Histogram,
    batches: Histogram,
}

impl Store {
    pub fn register(register: &mut Register<'_>) -> Self {
        let operations = ["read", "write"];
        let requests = operations.into_iter().flat_map(|operation| {
            RESULTS.into_iter().map(move |result| [("operation", operation), ("result", result)])
        });
        let batches = Histogram::of_numbers(&COUNTS);
        register.0.register(
            "store_batch_writes",
            "Writes that were committed in one transaction",
            batches.clone(),
        );
        Self {
            requests: register.counters(
                "store_requests",
                "Questions to the store, by what became of them: refused is an answer; overloaded, unavailable, full \
                 (the disk) and internal are failures",
                requests,
            ),
            durations: register.histograms(
                "store_request_duration",
                "From when the store was asked to its answer, waiting included",
                Some(Unit::Seconds),
                || Histogram::of_times(&TIMES),
                each("operation", &operations),
            ),
            transactions: register.times(
                "store_transaction_duration",
                "From the beginning of a transaction that writes to the end of its commit",
            ),
            batches,
        }
    }
}

/// `result` is one of a few words.
pub fn store_answered(operation: StoreOperation, result: &'static str, time: Duration) {
    let Store { requests, durations, .. } = &METRICS.store;
    requests.get_or_create(&[("operation", operation.word()), ("result", result)]).inc();
    durations.get_or_create(&[("operation", operation.word())]).observe_time(time);
}

pub fn store_committed(writes: usize, time: Duration) {
    METRICS.store.batches.observe(writes as u64);
    METRICS.store.transactions.observe_time(time);
}
