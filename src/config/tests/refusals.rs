//! What stops the start, in one line that holds no secret.

use super::*;

#[test]
fn an_unknown_name_is_refused_with_the_one_that_was_meant() {
    let refusal = given(&[("TIDINGS_HTTP_LISEN", "x")]).refusal();
    assert_eq!(
        refusal,
        "environment variable TIDINGS_HTTP_LISEN is not a setting; did you mean TIDINGS_HTTP_LISTEN?"
    );
    assert!(
        given(&[("TIDINGS_AUTH_SECRT_FILE", "x")])
            .refusal()
            .contains("did you mean TIDINGS_AUTH_SECRET_FILE?")
    );
    let refusal = given(&[]).set(&["log.levle=info"]).refusal();
    assert_eq!(refusal, "--set log.levle is not a setting; did you mean log.level?");
    assert!(given(&[]).file("[http]\nlisen = 1").refusal().ends_with("did you mean http.listen?"));
    for text in ["listen = 1", "[web]\nlisten = 1", "[http.listen.more]\nx = 1", "[http]\n\"a b\" = 1"] {
        assert!(!given(&[]).file(text).refusal().is_empty(), "{text}");
    }
    assert!(given(&[("TIDINGS_PORTS", "1")]).refusal().contains("is not a setting"));
    assert!(given(&[]).set(&["log.level"]).refusal().contains("section.key=value"));
}

#[test]
fn a_malformed_value_names_the_setting_its_origin_and_what_is_expected() {
    let refusal = given(&[("TIDINGS_SESSION_PING_INTERVAL", "25")]).refusal();
    let expected = "session.ping_interval (from environment variable TIDINGS_SESSION_PING_INTERVAL): \"25\": \
                    a duration is a whole number with ms, s, m, h or d, such as 25s";
    assert_eq!(refusal, expected);
    for (setting, expected) in [
        ("store.pool_size=many", "store.pool_size (from --set): a whole number from 0 is expected"),
        ("store.pool_size=-1", "store.pool_size (from --set)"),
        ("http.listen=localhost:80", "http.listen (from --set): \"localhost:80\""),
        ("http.trusted_proxies=10.0.0.0/8,proxy", "\"proxy\": an address or a network is expected"),
        ("auth.algorithm=none", "an algorithm is HS256, RS256, ES256 or EdDSA"),
        ("store.synchronous=off", "one of these is expected: full normal"),
        ("log.level=loud", "log.level (from --set)"),
        ("auth.query_token=perhaps", "auth.query_token (from --set)"),
        ("session.message_bytes=64KB", "a size is"),
        ("store.url=mysql://root:hunter2@db", "sqlite://PATH of a file is expected"),
        ("store.url=sqlite://:memory:", "sqlite://PATH of a file is expected"),
    ] {
        let refusal = given(&[]).set(&[setting]).refusal();
        assert!(refusal.contains(expected) && !refusal.contains("hunter2"), "{refusal}");
    }
    for url in ["postgres://u:hunter2@db:5433/t?sslmode=prefer", "postgresql://db/t"] {
        let config = given(&[]).set(&[&format!("store.url={url}")]).load();
        assert!(matches!(config.store.url, StoreUrl::Postgres(_)));
        assert!(!format!("{config:?} {}", config.store.url).contains("hunter2"));
    }
    let refusal = given(&[]).file(&format!("[auth]\nsecret = \"{SECRET}\" x")).refusal();
    assert!(refusal.contains("line 2"), "{refusal}");
}

#[test]
fn a_missing_or_short_secret_is_refused_with_two_ways_out() {
    let refusal = given(&[("TIDINGS_AUTH_SECRET", "")]).refusal();
    assert!(refusal.starts_with("auth.secret: is not set"), "{refusal}");
    assert!(
        refusal.contains("TIDINGS_AUTH_SECRET=$(openssl rand -hex 32)") && refusal.contains("`tidings dev`")
    );
    let refusal = given(&[("TIDINGS_AUTH_SECRET", "short")]).refusal();
    assert!(refusal.contains("and this one has 5") && !refusal.contains("short,"), "{refusal}");
    assert!(given(&[]).set(&["auth.previous_secret=short"]).refusal().starts_with("auth.previous_secret"));
}

#[test]
fn another_algorithm_needs_its_public_key() {
    assert!(given(&[]).set(&["auth.algorithm=RS256"]).refusal().starts_with("auth.public_key"));
    let refusal = given(&[]).set(&["auth.algorithm=ES256", "auth.jwks={}"]).refusal();
    assert!(refusal.starts_with("auth.jwks (from --set): is not a JSON Web Key Set"), "{refusal}");
    let junk = given(&[("TIDINGS_AUTH_PUBLIC_KEY", "PEM")]).set(&["auth.algorithm=RS256"]).refusal();
    let expected = "auth.public_key (from environment variable TIDINGS_AUTH_PUBLIC_KEY): is not a public key";
    assert!(junk.starts_with(expected), "{junk}");
    let key = include_str!("../../../tests/keys/es256.public.pem");
    given(&[("TIDINGS_AUTH_PUBLIC_KEY", key), ("TIDINGS_AUTH_SECRET", "")])
        .set(&["auth.algorithm=ES256"])
        .load();
    let refusal = given(&[("TIDINGS_AUTH_SECRET", key)]).refusal();
    assert!(refusal.starts_with("auth.secret") && refusal.contains("this is a PEM key"), "{refusal}");
    assert!(given(&[]).set(&["auth.public_key=PEM"]).refusal().starts_with("auth.algorithm"));
}

#[test]
fn only_room_scopes_can_be_given_to_every_user() {
    for scopes in ["notify", "admin", "join:a,admin", "openid", "join:", "join:* publish:*", "join:a*b"] {
        let refusal = given(&[]).set(&[&format!("auth.default_scopes={scopes}")]).refusal();
        assert!(refusal.contains("only join:PATTERN and publish:PATTERN"), "{refusal}");
    }
}

#[test]
fn webhooks_are_signed_and_their_events_are_known() {
    let url = "webhooks.url=https://example.com/hooks?key=hunter2";
    let refusal = given(&[]).set(&[url]).refusal();
    assert!(refusal.starts_with("webhooks.secret") && !refusal.contains("hunter2"), "{refusal}");
    let pauses = format!("webhooks.retries={}", ["1s"; 21].join(","));
    for (setting, expected) in [
        ("webhooks.events=user.gone", "an event is one of session.opened, "),
        ("webhooks.retries=soon", "a duration is a whole number"),
        (&pauses, "at most 20 pauses"),
        ("webhooks.disable_after=0", "must be more than 0"),
        ("webhooks.max_waiting=0", "must be more than 0"),
        ("rooms.presence_ttl=1s", "at least 2s with webhooks.url"),
    ] {
        let refusal = given(&[]).set(&[url, "webhooks.secret=x", setting]).refusal();
        assert!(refusal.contains(expected) && !refusal.contains("hunter2"), "{refusal}");
    }
}

#[test]
fn to_push_a_contact_is_needed() {
    let refusal = given(&[]).set(&["push.enabled=true"]).refusal();
    assert!(refusal.starts_with("push.subject") && refusal.contains("mailto:ops@example.com"), "{refusal}");
    for subject in [
        "ops@example.com",
        "mailto:",
        "mailto:ops@localhost",
        "mailto:a b@c.d",
        "http://example.com",
        "https://x",
    ] {
        let refusal = given(&[]).set(&[&format!("push.subject={subject}")]).refusal();
        assert!(refusal.starts_with("push.subject (from --set)"), "{refusal}");
    }
    for setting in ["push.ttl=29d", "push.test_ca=x"] {
        let refusal = given(&[]).set(&[setting]).refusal();
        assert!(refusal.starts_with(setting.split_once('=').unwrap().0), "{refusal}");
    }
    for subject in ["mailto:ops@example.com", "https://example.com/contact"] {
        given(&[]).set(&["push.enabled=true", &format!("push.subject={subject}")]).load();
    }
}

#[test]
fn a_burst_of_zero_is_refused_where_there_is_a_rate() {
    for limit in ["handshakes", "requests", "room_messages", "publishes"] {
        let (rate, burst) = (format!("limits.{limit}_per_second"), format!("limits.{limit}_burst"));
        let set = |rate_is: u32, burst_is: u32| {
            given(&[]).set(&[&format!("{rate}={rate_is}"), &format!("{burst}={burst_is}")])
        };
        let expected =
            format!("{burst} (from --set): at least 1; what switches this limit off is 0 a second");
        assert_eq!(set(5, 0).refusal(), expected);
        set(5, 1).load();
        set(0, 0).load();
    }
    let refusal = given(&[]).set(&["session.messages_burst=0"]).refusal();
    assert_eq!(refusal, "session.messages_burst (from --set): must be more than 0");
}

#[test]
fn two_listeners_cannot_have_one_address() {
    let listening = |public: &str, admin: &str| {
        given(&[]).set(&[&format!("http.listen={public}"), &format!("http.admin_listen={admin}")])
    };
    for (public, admin) in [
        ("127.0.0.1:80", "127.0.0.1:80"),
        ("0.0.0.0:80", "127.0.0.1:80"),
        ("127.0.0.1:80", "0.0.0.0:80"),
        ("[::]:80", "127.0.0.1:80"),
        ("[::ffff:127.0.0.1]:80", "127.0.0.1:80"),
    ] {
        let refusal = listening(public, admin).refusal();
        assert!(refusal.starts_with("http.admin_listen (from --set)"), "{refusal}");
    }
    for (public, admin) in [
        ("127.0.0.1:80", "127.0.0.1:81"),
        ("127.0.0.1:80", "127.0.0.2:80"),
        ("127.0.0.1:0", "127.0.0.1:0"),
        ("0.0.0.0:80", "[::1]:80"),
    ] {
        assert!(listening(public, admin).load().http.admin_listen.is_some());
    }
}

#[test]
fn a_prefix_that_no_proxy_would_write_is_refused() {
    for bad in ["/", "tidings", "/tidings/", "/a%20b"] {
        let refusal = given(&[]).set(&[&format!("http.base_path={bad}")]).refusal();
        let expected = format!("http.base_path (from --set): {bad:?}: a path is expected that begins with /");
        assert!(refusal.starts_with(&expected), "{refusal}");
    }
    assert_eq!(given(&[]).set(&["http.base_path=/a/b"]).load().http.base_path.as_str(), "/a/b");
    assert_eq!(given(&[]).set(&["http.base_path="]).load().http.base_path.as_str(), "");
}

#[test]
fn tls_to_postgresql_is_refused_where_it_is_not_built_in() {
    for parameters in ["sslmode=require", "connect_timeout=1&ssl%72ootcert=system"] {
        let setting = format!("store.url=postgres://u:hunter2@db/t?{parameters}");
        if cfg!(feature = "postgres-tls") {
            assert!(matches!(given(&[]).set(&[&setting]).load().store.url, StoreUrl::Postgres(_)));
        } else {
            let refusal = given(&[]).set(&[&setting]).refusal();
            assert!(
                refusal.starts_with("store.url") && refusal.contains("without TLS to PostgreSQL"),
                "{refusal}"
            );
            assert!(!refusal.contains("hunter2"));
        }
    }
}

#[test]
fn a_lease_that_a_living_node_would_lose_is_refused_where_there_is_a_bus() {
    let url = "bridge.url=redis://bus";
    for (timeout, ttl) in [("500ms", "1999ms"), ("1s", "3s"), ("500ms", "1ms")] {
        let settings = [format!("bridge.timeout={timeout}"), format!("rooms.presence_ttl={ttl}")];
        let settings = [settings[0].as_str(), &settings[1]];
        let refusal = given(&[]).set(&[&settings[..], &[url]].concat()).refusal();
        assert!(refusal.starts_with("rooms.presence_ttl") && refusal.contains("bridge.timeout"), "{refusal}");
        given(&[]).set(&settings).load();
    }
    given(&[]).set(&["bridge.timeout=1s", "rooms.presence_ttl=4s", url]).load();
}

#[test]
fn what_is_expected_is_said_in_words_of_whoever_writes_it() {
    for (setting, expected) in [
        ("http.listen=127.0.0.1", "an address with a port is expected, such as 127.0.0.1:9090"),
        ("http.admin_listen=127.0.0.1", "an address with a port is expected, such as 127.0.0.1:9090"),
        ("limits.sessions=-1", "a whole number from 0 is expected"),
        ("limits.handshakes_per_second=-1", "a whole number from 0 is expected"),
        ("limits.handshakes_per_second=4294967296", "a whole number from 0 to 4294967295 is expected"),
        ("http.workers=many", "a whole number from 0 is expected"),
    ] {
        let refusal = given(&[]).set(&[setting]).refusal();
        assert!(refusal.contains(expected), "{setting}: {refusal}");
    }
}

#[test]
fn a_value_that_would_stop_all_work_is_refused() {
    for setting in [
        "session.ping_interval=0",
        "http.workers=0",
        "http.workers=513",
        "store.queue=0",
        "session.messages_per_second=0",
        "auth.leeway=6s",
        "auth.cookie=a b",
        "session.data_bytes=65KiB",
        "shutdown.drain=30s",
        "bridge.timeout=0",
        "bridge.timeout=6s",
        "bridge.prefix={tidings}:",
        "bridge.prefix=our tidings:",
        "bridge.prefix=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "bridge.secret=short",
        "http.public_url=tidings.example.com",
        "http.allowed_origins=*",
        "http.allowed_origins=https://app.example.com/",
        "http.allowed_origins=null",
        "http.allowed_origins=https://x:abc",
    ] {
        let key = setting.split('=').next().unwrap();
        assert!(given(&[]).set(&[setting]).refusal().starts_with(key), "{setting}");
        assert!(keys::all().iter().any(|known| known == key), "{key}");
    }
}
