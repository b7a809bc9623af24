//! Requests over HTTP, by route.

use std::{
    cell::{OnceCell, RefCell},
    time::Duration,
};

use prometheus_client::{metrics::counter::Counter, registry::Unit};

use super::{
    METRICS,
    families::{Counters, Histogram, Histograms, Register, TIMES},
};

/// The route of a request that went to none.
const NO_ROUTE: &str = "none";

#[derive(Debug)]
pub(super) struct Http {
    requests: Counters<3>,
    durations: Histograms<1>,
    problems: Counters<1>,
}

impl Http {
    pub fn register(register: &mut Register<'_>) -> Self {
        Self {
            requests: register.counters(
                "http_requests",
                "Requests that were answered, by method, route and class of the status; a route of none is no address \
                 of ours",
                [],
            ),
            durations: register.histograms(
                "http_request_duration",
                "From the head of a request to the head of its answer, by route: of one that waits, the wait",
                Some(Unit::Seconds),
                || Histogram::of_times(&TIMES),
                [],
            ),
            problems: register.counters(
                "http_problems",
                "Requests that were refused, by the code of the problem: rate_limited are those with 429",
                [],
            ),
        }
    }
}

/// The counts of one route on one worker: each is looked up once, and then is at hand.
#[derive(Debug)]
pub struct RouteFigures {
    route: &'static str,
    requests: RefCell<Vec<(Labels, Counter)>>,
    durations: OnceCell<Histogram>,
}

type Labels = (&'static str, &'static str);

impl RouteFigures {
    /// `route` is a template, with names in braces.
    pub fn new(route: &'static str) -> Self {
        Self { route, requests: RefCell::default(), durations: OnceCell::new() }
    }

    /// Those of requests that went to no route.
    pub fn none() -> Self {
        Self::new(NO_ROUTE)
    }

    /// `method` and `status` are of a few words each.
    pub fn answered(&self, method: &'static str, status: &'static str, time: Duration) {
        let mut requests = self.requests.borrow_mut();
        match requests.iter().find(|(labels, _)| *labels == (method, status)) {
            Some((_, count)) => _ = count.inc(),
            None => {
                let labels = [("method", method), ("route", self.route), ("status", status)];
                let count = METRICS.http.requests.get_or_create_owned(&labels);
                count.inc();
                requests.push(((method, status), count));
            }
        }
        let histogram = || METRICS.http.durations.get_or_create_owned(&[("route", self.route)]);
        self.durations.get_or_init(histogram).observe_time(time);
    }
}

/// `code` is the word of the problem.
pub fn problem_answered(code: &'static str) {
    METRICS.http.problems.get_or_create(&[("code", code)]).inc();
}
