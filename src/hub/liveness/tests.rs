use super::*;

const NOW: Timestamp = Timestamp::from_secs(1_000_000);
const LIVE: Pulse = Pulse {
    was_heard: false,
    is_lagging: false,
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
    let slow = Pulse { is_lagging: true, was_heard: true, ..LIVE };
    for _ in 0..39 {
        assert_eq!(liveness.judge(&policy(), NOW, slow), Fate::Live);
    }
    assert_eq!(liveness.judge(&policy(), NOW, LIVE), Fate::Live);
    let (fate, after) = next(&mut liveness, NOW, slow);
    assert!(fate == Fate::End(CloseCode::SlowConsumer) && (10.0..=10.5).contains(&after), "{fate:?} {after}");
}

#[test]
fn a_closing_session_is_killed_after_a_second() {
    let closing = Pulse { is_closing: true, ..LIVE };
    let (fate, after) = next(&mut Liveness::new(Transport::WebSocket), NOW, closing);
    assert!(fate == Fate::Kill && (1.0..=1.5).contains(&after), "{fate:?} {after}");
}

#[test]
fn a_silent_session_is_not_waited_for() {
    let mut liveness = Liveness::new(Transport::WebSocket);
    while next(&mut liveness, NOW, LIVE).0 != Fate::End(CloseCode::NoPong) {}
    let closing = Pulse { is_closing: true, ..LIVE };
    assert_eq!(next(&mut liveness, NOW, closing), (Fate::Kill, 0.5));
}
