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
    pub is_overflowed: bool,
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
    overflowed_since: Option<Tick>,
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
            overflowed_since: None,
            closing_since: None,
            floods: 0,
        }
    }

    /// Whether it is to be looked at the line. A WebSocket is read by its own rules; on the others the client has
    /// nothing to say, and the server buffers what it says all the same, up to megabytes, and spins on the rest.
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
            return if lasted(Some(since), ticks(CLOSE_WAIT)) { Fate::Kill } else { Fate::Live };
        }
        self.overflowed_since =
            if pulse.is_overflowed { Some(self.overflowed_since.unwrap_or(age)) } else { None };

        let Some(expires_at) = pulse.expires_at else {
            return if age >= policy.auth_timeout { Fate::End(CloseCode::AuthTimeout) } else { Fate::Live };
        };
        if now >= expires_at.plus(policy.expiry_grace) {
            Fate::End(CloseCode::TokenExpired)
        } else if lasted(self.unanswered_since, policy.pong_timeout) {
            Fate::End(CloseCode::NoPong)
        } else if lasted(self.overflowed_since, policy.slow_timeout) {
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
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_000_000);
    const LIVE: Pulse = Pulse {
        was_heard: false,
        is_overflowed: false,
        is_closing: false,
        is_flooding: false,
        expires_at: Some(Timestamp::from_secs(2_000_000)),
    };

    fn policy() -> LivenessPolicy {
        let secs = Duration::from_secs;
        LivenessPolicy::new(secs(5), secs(25), secs(10), secs(15), secs(10), secs(5))
    }

    /// Passes ticks until something happens, and says after how many seconds it did.
    fn next(liveness: &mut Liveness, now: Timestamp, pulse: Pulse) -> (Fate, f64) {
        for tick in 1..1000 {
            match liveness.judge(&policy(), now, pulse) {
                Fate::Live => {}
                fate => return (fate, f64::from(tick) * TICK.as_secs_f64()),
            }
        }
        (Fate::Live, f64::INFINITY)
    }

    #[test]
    fn a_silent_session_is_pinged_and_then_ended() {
        let mut liveness = Liveness::new(Transport::WebSocket);
        let (fate, after) = next(&mut liveness, NOW, LIVE);
        assert!(fate == Fate::Ping && (25.0..26.0).contains(&after), "{fate:?} {after}");
        assert_eq!(next(&mut liveness, NOW, LIVE), (Fate::End(CloseCode::NoPong), 10.0));
    }

    #[test]
    fn anything_heard_counts_as_alive_and_pings_go_on() {
        let mut liveness = Liveness::new(Transport::WebSocket);
        let heard = Pulse { was_heard: true, ..LIVE };
        for _ in 0..5 {
            assert_eq!(next(&mut liveness, NOW, heard).0, Fate::Ping);
        }
    }

    #[test]
    fn an_event_stream_has_heartbeats_that_nobody_has_to_answer() {
        let mut liveness = Liveness::new(Transport::EventStream);
        for place in 0..10 {
            let (fate, after) = next(&mut liveness, NOW, LIVE);
            let expected = if place == 0 { 15.25 } else { 15.0 };
            assert_eq!((fate, after), (Fate::Ping, expected));
        }
    }

    #[test]
    fn a_client_that_has_nothing_to_say_and_goes_on_saying_it_is_cut_off() {
        let flooding = Pulse { is_flooding: true, ..LIVE };
        for transport in [Transport::EventStream, Transport::LongPoll] {
            let (fate, after) = next(&mut Liveness::new(transport), NOW, flooding);
            assert!(fate == Fate::Kill && after <= 2.0, "{fate:?} {after}");
            let mut liveness = Liveness::new(transport);
            for second in 0..10 {
                for _ in 0..LINE_LOOK {
                    let pulse = Pulse { is_flooding: second % 2 == 0, ..LIVE };
                    assert_eq!(liveness.judge(&policy(), NOW, pulse), Fate::Live);
                }
            }
        }
        assert_eq!(next(&mut Liveness::new(Transport::WebSocket), NOW, flooding).0, Fate::Ping);
    }

    #[test]
    fn a_request_that_waits_has_no_heartbeats() {
        let waited = next(&mut Liveness::new(Transport::LongPoll), NOW, LIVE);
        assert_eq!(waited, (Fate::Live, f64::INFINITY));
    }

    #[test]
    fn a_session_that_never_authenticates_ends_after_its_time() {
        let anonymous = Pulse { expires_at: None, ..LIVE };
        assert_eq!(
            next(&mut Liveness::new(Transport::WebSocket), NOW, anonymous),
            (Fate::End(CloseCode::AuthTimeout), 5.0)
        );
    }

    #[test]
    fn a_token_ends_its_session_after_the_grace_and_not_before() {
        let mut liveness = Liveness::new(Transport::WebSocket);
        let pulse = Pulse { expires_at: Some(NOW), ..LIVE };
        let late = |secs| NOW.plus(Duration::from_secs(secs));
        assert_eq!(liveness.judge(&policy(), late(4), pulse), Fate::Live);
        assert_eq!(liveness.judge(&policy(), late(5), pulse), Fate::End(CloseCode::TokenExpired));
    }

    #[test]
    fn a_full_outbox_has_ten_seconds_to_fall_below_half() {
        let mut liveness = Liveness::new(Transport::WebSocket);
        let slow = Pulse { is_overflowed: true, was_heard: true, ..LIVE };
        for _ in 0..39 {
            assert_eq!(liveness.judge(&policy(), NOW, slow), Fate::Live);
        }
        assert_eq!(liveness.judge(&policy(), NOW, LIVE), Fate::Live);
        let (fate, after) = next(&mut liveness, NOW, slow);
        assert!(
            fate == Fate::End(CloseCode::SlowConsumer) && (10.0..=10.5).contains(&after),
            "{fate:?} {after}"
        );
    }

    #[test]
    fn a_closing_session_is_killed_after_a_second() {
        let closing = Pulse { is_closing: true, ..LIVE };
        let (fate, after) = next(&mut Liveness::new(Transport::WebSocket), NOW, closing);
        assert!(fate == Fate::Kill && (1.0..=1.5).contains(&after), "{fate:?} {after}");
    }
}
