use super::*;
use crate::domain::{Scopes, Timestamp};

fn settings() -> config::Limits {
    config::Limits { sessions_per_ip: Some(2), handshakes_burst: 3, ..config::Limits::default() }
}

fn client(text: &str) -> ClientAddress {
    text.parse::<IpAddr>().unwrap().into()
}

fn identity(user: &str, scope: &str) -> Identity {
    Identity {
        user: user.parse().unwrap(),
        scopes: Scopes::parse(scope),
        expires_at: Timestamp::from_secs(0),
        issued_at: None,
        token_id: None,
    }
}

#[test]
fn an_address_has_a_rate_and_as_many_places_as_are_set_and_another_one_has_its_own() {
    let (limits, now) = (Limits::new(&settings(), false), Instant::now());
    let here = client("2001:db8::1");
    let first = limits.enter(here, now).unwrap();
    let _second = limits.enter(client("2001:db8::2"), now).unwrap();
    assert_eq!(limits.enter(here, now).err(), Some(Excess::Sessions));
    assert!(matches!(limits.enter(here, now), Err(Excess::Handshakes(standing)) if standing.left == 0));
    assert_eq!(limits.place(here).err(), Some(Excess::Sessions));
    drop(first);
    drop(limits.place(here).unwrap());
    assert!(matches!(limits.enter(here, now), Err(Excess::Handshakes(standing)) if standing.left == 0));
    assert!(limits.enter(client("2001:db8:0:1::1"), now).is_ok());
}

#[test]
fn zero_switches_each_off() {
    let settings = config::Limits {
        sessions_per_ip: None,
        handshakes_per_second: 0,
        requests_per_second: 0,
        ..config::Limits::default()
    };
    let (limits, now) = (Limits::new(&settings, false), Instant::now());
    let places: Vec<Place> = (0..1000).filter_map(|_| limits.enter(client("192.0.2.1"), now).ok()).collect();
    assert_eq!(places.len(), 1000);
    assert_eq!(limits.request(&identity("alice", ""), now), None);
    assert_eq!(limits.publish(&"backend".parse().unwrap(), now), None);
}

#[test]
fn clients_on_this_machine_are_spared_where_that_is_asked_for() {
    let settings = config::Limits { handshakes_burst: 1, sessions_per_ip: Some(1), ..settings() };
    for (spares_loopback, address, admitted) in
        [(true, "127.0.0.1", 9), (true, "::1", 9), (true, "192.0.2.1", 1), (false, "127.0.0.1", 1)]
    {
        let (limits, now) = (Limits::new(&settings, spares_loopback), Instant::now());
        let places: Vec<Place> = (0..9).filter_map(|_| limits.enter(client(address), now).ok()).collect();
        assert_eq!(places.len(), admitted, "{address}");
    }
}

#[test]
fn who_publishes_is_counted_by_publishes_alone() {
    let settings = config::Limits { publishes_per_second: 3, ..settings() };
    let (limits, now) = (Limits::new(&settings, false), Instant::now());
    let publisher = identity("backend", "notify:order.*");
    assert_eq!(limits.request(&publisher, now), None);
    let refused = (0..9).filter(|_| limits.publish(&publisher.user, now).unwrap().is_refused).count();
    assert_eq!(refused, 6, "the burst is a second's worth where none is set");
    assert_eq!(limits.request(&identity("alice", "admin"), now).unwrap().left, 99);
}
