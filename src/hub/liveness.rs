//! Everything that time does to a session: the deadline to authenticate, heartbeats, the end of its
//! token, the eviction of a slow consumer, the patience with a closing one.
//!
//! Pure. Time is counted in ticks of the worker's one timer, not read from a clock: a process that was
//! stopped for a minute has aged its sessions by one tick, and finds their pongs in the socket (X4).
//! Only the end of a token is a matter of the wall clock (G16).

use std::time::Duration;

use crate::{
    domain::{Timestamp, Transport},
    protocol::CloseCode,
};

/// Ticks of a worker's timer since the session came.
pub type Tick = u32;

/// The length of a tick: how late any of these judgements may be.
pub const TICK: Duration = Duration::from_millis(250);

/// How long a closing session may take to send its goodbye and to hear the client's close frame.
const CLOSE_WAIT: Duration = Duration::from_secs(1);

#[derive(Debug, Clone, Copy)]
pub struct LivenessPolicy {
    auth_timeout: Tick,
    ping_interval: Tick,
    pong_timeout: Tick,
    sse_heartbeat: Tick,
    slow_timeout: Tick,
    expiry_grace: Duration,
}

impl LivenessPolicy {
    pub fn new(
        auth_timeout: Duration,
        ping_interval: Duration,
        pong_timeout: Duration,
        sse_heartbeat: Duration,
        slow_timeout: Duration,
        expiry_grace: Duration,
    ) -> Self {
        Self {
            auth_timeout: ticks(auth_timeout),
            ping_interval: ticks(ping_interval),
            pong_timeout: ticks(pong_timeout),
            sse_heartbeat: ticks(sse_heartbeat),
            slow_timeout: ticks(slow_timeout),
            expiry_grace,
        }
    }

    /// Between two heartbeats; a request that waits has an end of its own, and needs none.
    fn heartbeat(&self, transport: Transport) -> Option<Tick> {
        match transport {
            Transport::WebSocket => Some(self.ping_interval),
            Transport::EventStream => Some(self.sse_heartbeat),
            Transport::LongPoll => None,
        }
    }
}

fn ticks(duration: Duration) -> Tick {
    Tick::try_from(duration.as_millis().div_ceil(TICK.as_millis())).unwrap_or(Tick::MAX).max(1)
}

/// What a session shows of itself at a tick.
#[derive(Debug, Clone, Copy, Default)]
pub struct Pulse {
    /// Something came in since the last tick.
    pub was_heard: bool,
    /// It leaves unread what it should have read by now.
    pub is_lagging: bool,
    pub is_closing: bool,
    /// Its client goes on sending though nobody reads it; looked at when the line is due.
    pub is_flooding: bool,
    /// `None` before it is authenticated.
    pub expires_at: Option<Timestamp>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    Live,
    Ping,
    End(CloseCode),
    /// The socket itself is to be ended, whatever still waits.
    Kill,
}

#[derive(Debug)]
pub struct Liveness {
    transport: Transport,
    age: Tick,
    next_heartbeat: Option<Tick>,
    /// When a ping was sent that nothing has followed yet. Of a client that cannot answer, the socket alone
    /// tells that it is gone.
    unanswered_since: Option<Tick>,
    lagging_since: Option<Tick>,
    closing_since: Option<Tick>,
    /// Looks at the line in a row that found it flooded.
    floods: u8,
}

/// Ticks between two looks at the line of a client that has nothing to say: each is a call of the kernel.
const LINE_LOOK: Tick = 4;

/// So many looks in a row are no coincidence: the server reads such a line at once, or not any more.
const FLOODS_MAX: u8 = 2;

impl Liveness {
    pub fn new(transport: Transport) -> Self {
        Self {
            transport,
            age: 0,
            next_heartbeat: None,
            unanswered_since: None,
            lagging_since: None,
            closing_since: None,
            floods: 0,
        }
    }

    /// Whether it is to be looked at the line. A WebSocket is read by its own rules; on the others the client has
    /// nothing to say, and of a poll the server buffers what it says all the same, up to megabytes, and spins on the rest.
    pub fn is_line_due(&self) -> bool {
        self.transport != Transport::WebSocket && self.age.is_multiple_of(LINE_LOOK)
    }

    /// Passes one tick.
    pub fn judge(&mut self, policy: &LivenessPolicy, now: Timestamp, pulse: Pulse) -> Fate {
        if self.is_line_due() {
            self.floods = if pulse.is_flooding { self.floods.saturating_add(1) } else { 0 };
            if self.floods >= FLOODS_MAX {
                return Fate::Kill;
            }
        }
        self.age = self.age.saturating_add(1);
        let age = self.age;
        if pulse.was_heard {
            self.unanswered_since = None;
        }
        let lasted = |since: Option<Tick>, limit: Tick| since.is_some_and(|since| age - since >= limit);

        if pulse.is_closing {
            let since = *self.closing_since.get_or_insert(age);
            // Whoever has not answered is not waited for.
            let wait = if lasted(self.unanswered_since, policy.pong_timeout) { 1 } else { ticks(CLOSE_WAIT) };
            return if lasted(Some(since), wait) { Fate::Kill } else { Fate::Live };
        }
        self.lagging_since = if pulse.is_lagging { Some(self.lagging_since.unwrap_or(age)) } else { None };

        let Some(expires_at) = pulse.expires_at else {
            return if age >= policy.auth_timeout { Fate::End(CloseCode::AuthTimeout) } else { Fate::Live };
        };
        if now >= expires_at.plus(policy.expiry_grace) {
            Fate::End(CloseCode::TokenExpired)
        } else if lasted(self.unanswered_since, policy.pong_timeout) {
            Fate::End(CloseCode::NoPong)
        } else if lasted(self.lagging_since, policy.slow_timeout) {
            Fate::End(CloseCode::SlowConsumer)
        } else if policy.heartbeat(self.transport).is_some_and(|interval| self.is_heartbeat_due(interval)) {
            if self.transport == Transport::WebSocket {
                self.unanswered_since.get_or_insert(age);
            }
            Fate::Ping
        } else {
            Fate::Live
        }
    }

    fn is_heartbeat_due(&mut self, interval: Tick) -> bool {
        let is_due = self.age >= *self.next_heartbeat.get_or_insert(self.age + interval);
        if is_due {
            self.next_heartbeat = Some(self.age + interval);
        }
        is_due
    }
}

#[cfg(test)]
mod tests;
