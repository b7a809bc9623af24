//! Sessions: how many come, why they end, how long they last, and how they go on where they stood.

use std::time::Duration;

use prometheus_client::{metrics::counter::Counter, metrics::gauge::Gauge, registry::Unit};

use super::{
    METRICS,
    families::{Counters, Histogram, Histograms, Register, SPANS, each},
};
use crate::{
    domain::Transport,
    protocol::CloseCode,
    stream::{GapReason, Resume},
};

pub(super) const TRANSPORTS: [&str; 3] = ["websocket", "sse", "poll"];
const STREAMS: [&str; 2] = ["inbox", "room"];
const RESUMES: [&str; 3] = ["complete", "gap", "fresh"];
const GAPS: [&str; 4] = ["pruned", "epoch", "ahead", "overflow"];

/// Why a session ends that the server does not end.
const BY_CLIENT: [&str; 2] = ["client", "gone"];

/// By what names limits are counted: those of their settings, without what they are counted by.
const LIMITS: [&str; 8] = [
    "handshakes",
    "sessions",
    "sessions_per_ip",
    "sessions_per_user",
    "requests",
    "publishes",
    "messages",
    "room_messages",
];

#[derive(Debug)]
pub(super) struct Sessions {
    pub connections: Gauge,
    opened: Counters<1>,
    closed: Counters<2>,
    durations: Histograms<1>,
    resumes: Counters<3>,
    gaps: Counters<2>,
    limits_exceeded: Counters<1>,
    credentials_refused: Counters<1>,
    overflows: Counter,
}

impl Sessions {
    pub fn register(register: &mut Register<'_>) -> Self {
        let reasons = || CloseCode::ALL.map(CloseCode::word).into_iter().chain(BY_CLIENT);
        let closed = TRANSPORTS.iter().flat_map(|transport| {
            reasons().map(move |reason| [("transport", *transport), ("reason", reason)])
        });
        let resumes = TRANSPORTS.iter().flat_map(|transport| {
            let streams =
                STREAMS.iter().flat_map(|stream| RESUMES.iter().map(move |result| (stream, result)));
            streams.map(move |(stream, result)| {
                [("transport", *transport), ("stream", *stream), ("result", *result)]
            })
        });
        let gaps = STREAMS
            .iter()
            .flat_map(|stream| GAPS.iter().map(move |reason| [("stream", *stream), ("reason", *reason)]));
        Self {
            connections: register.gauge("connections", "TCP connections that are open"),
            opened: register.counters(
                "sessions_opened",
                "Sessions that were opened, by transport; a long poll is one for as long as it waits",
                each("transport", &TRANSPORTS),
            ),
            closed: register.counters(
                "sessions_closed",
                "Sessions that have ended, by transport and by the word of their close code; client and gone say that the \
                 client did it",
                closed,
            ),
            durations: register.histograms(
                "session_duration",
                "How long sessions have lasted that have ended, by transport",
                Some(Unit::Seconds),
                || Histogram::of_times(&SPANS),
                each("transport", &TRANSPORTS),
            ),
            resumes: register.counters(
                "resumes",
                "How the position of a client that has come was met, by transport and stream: complete and gap are \
                 those who come back, fresh those who begin",
                resumes,
            ),
            gaps: register.counters(
                "gaps",
                "Losses that a client was told of, by stream and reason",
                gaps,
            ),
            limits_exceeded: register.counters(
                "limits_exceeded",
                "What was refused, or had to go, because the node, an address, a user, a connection or a room had as \
                 much as it may, by setting",
                each("limit", &LIMITS),
            ),
            credentials_refused: register.counters(
                "credentials_refused",
                "Requests and first messages that were not let in, by what is wrong with them",
                each("reason", &["invalid_token", "two_credentials", "origin_not_allowed"]),
            ),
            overflows: register.counter(
                "outbox_overflows",
                "How often a client read so slowly that something did not fit into its outbox",
            ),
        }
    }
}

pub fn session_opened(transport: Transport) {
    METRICS.sessions.opened.get_or_create(&[("transport", transport.word())]).inc();
}

/// `reason` is one of a few words.
pub fn session_closed(transport: Transport, reason: &'static str, lasted: Duration) {
    let Sessions { closed, durations, .. } = &METRICS.sessions;
    let transport = ("transport", transport.word());
    closed.get_or_create(&[transport, ("reason", reason)]).inc();
    durations.get_or_create(&[transport]).observe_time(lasted);
}

pub fn resumed(transport: Transport, is_room: bool, resume: Resume) {
    let result = match resume {
        Resume::Complete => "complete",
        Resume::Gap => "gap",
        Resume::Fresh => "fresh",
    };
    let labels = [("transport", transport.word()), ("stream", stream(is_room)), ("result", result)];
    METRICS.sessions.resumes.get_or_create(&labels).inc();
}

pub fn gap_told(is_room: bool, reason: GapReason) {
    let reason = match reason {
        GapReason::Pruned => "pruned",
        GapReason::Epoch => "epoch",
        GapReason::Ahead => "ahead",
        GapReason::Overflow => "overflow",
    };
    METRICS.sessions.gaps.get_or_create(&[("stream", stream(is_room)), ("reason", reason)]).inc();
}

/// `limit` is the name of its setting, without what it is counted by.
pub fn limit_exceeded(limit: &'static str) {
    METRICS.sessions.limits_exceeded.get_or_create(&[("limit", limit)]).inc();
}

/// `reason` is one of a few words.
pub fn credential_refused(reason: &'static str) {
    METRICS.sessions.credentials_refused.get_or_create(&[("reason", reason)]).inc();
}

pub fn outbox_overflowed() {
    METRICS.sessions.overflows.inc();
}

pub(super) fn stream(is_room: bool) -> &'static str {
    if is_room { "room" } else { "inbox" }
}

/// Counts a connection for as long as it is held.
pub struct OpenConnection(());

impl OpenConnection {
    pub fn count() -> Self {
        METRICS.sessions.connections.inc();
        Self(())
    }
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        METRICS.sessions.connections.dec();
    }
}
