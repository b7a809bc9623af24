//! Where settings come from, and which one wins.

use std::fs;

use secrecy::ExposeSecret;

use super::*;

#[test]
fn flags_win_over_the_environment_and_that_over_the_file() {
    let file = "[store]\npool_size = 1\nqueue = 1\n[session]\nrooms = 1\n";
    let environment = [("TIDINGS_STORE_POOL_SIZE", "2"), ("TIDINGS_STORE_QUEUE", "2")];
    let config = given(&environment).file(file).set(&["store.queue=3"]).load();
    assert_eq!((config.session.rooms, config.store.pool_size, config.store.queue), (1, 2, 3));
}

#[test]
fn the_named_file_is_read_and_must_be_there() {
    let mut given = given(&[]).file("[log]\nlevel = \"warn\"");
    assert_eq!(given.load().log.level, log::LevelFilter::Warn);
    fs::write(given.path().join("other.toml"), "[log]\nlevel = \"trace\"").unwrap();
    given.sources.environment.insert("TIDINGS_CONFIG".to_owned(), given.path().join("other.toml").into());
    assert_eq!(given.load().log.level, log::LevelFilter::Trace);
    given.sources.file = Some(given.path().join("missing.toml"));
    assert!(given.refusal().contains("missing.toml"));
}

#[test]
fn every_kind_of_value_can_be_written_in_the_file_and_in_a_variable() {
    let file = r#"
        [http]
        trusted_proxies = ["10.0.0.0/8", "::1"]
        body_limit = 1024
        [auth]
        default_scopes = ["join:*", "publish:chat:*"]
        query_token = false
        [limits]
        sessions = 0
        publishes_burst = 7
    "#;
    let config = given(&[]).file(file).load();
    assert_eq!((config.http.trusted_proxies.len(), config.http.body_limit), (2, 1024));
    assert_eq!(config.auth.default_scopes.words(), ["join:*", "publish:chat:*"]);
    assert_eq!(
        (config.auth.query_token, config.limits.sessions, config.limits.publishes_burst),
        (false, None, Some(7))
    );

    let config = given(&[
        ("TIDINGS_HTTP_TRUSTED_PROXIES", "10.0.0.0/8, ::1"),
        ("TIDINGS_HTTP_BODY_LIMIT", "1KiB"),
        ("TIDINGS_AUTH_DEFAULT_SCOPES", "join:*,publish:chat:*"),
        ("TIDINGS_AUTH_QUERY_TOKEN", "false"),
        ("TIDINGS_LIMITS_SESSIONS", "0"),
        ("TIDINGS_SESSION_PING_INTERVAL", "500ms"),
    ])
    .load();
    assert_eq!((config.http.trusted_proxies.len(), config.http.body_limit), (2, 1024));
    assert_eq!(config.auth.default_scopes.words(), ["join:*", "publish:chat:*"]);
    assert_eq!((config.auth.query_token, config.limits.sessions), (false, None));
    assert_eq!(config.session.ping_interval.as_millis(), 500);
}

#[test]
fn a_variable_can_name_a_file_and_its_last_line_break_is_not_part_of_the_secret() {
    let mut given = given(&[("TIDINGS_AUTH_SECRET", "")]);
    let path = given.path().join("secret");
    fs::write(&path, format!("{SECRET}\r\n")).unwrap();
    given.sources.environment.insert("TIDINGS_AUTH_SECRET_FILE".to_owned(), path.into());
    assert_eq!(given.load().auth.secret.unwrap().expose_secret(), SECRET);
    given.sources.environment.insert("TIDINGS_AUTH_SECRET".to_owned(), SECRET.into());
    assert!(given.refusal().contains("keep one"));
    given.sources.environment.remove("TIDINGS_AUTH_SECRET");
    given.sources.environment.insert("TIDINGS_AUTH_SECRET_FILE".to_owned(), "/nowhere/at/all".into());
    assert!(given.refusal().contains("/nowhere/at/all"));
}

#[test]
fn an_empty_variable_is_unset() {
    let environment =
        [("TIDINGS_HTTP_LISTEN", ""), ("TIDINGS_CONFIG", ""), ("PORT", ""), ("TIDINGS_NONSENSE", "")];
    assert_eq!(given(&environment).load().http.listen, Http::default().listen);
}

#[test]
fn the_names_of_platforms_count_where_our_own_is_not_set() {
    let config = given(&[("PORT", "9000"), ("DATABASE_URL", "sqlite:///data/t.db")]).load();
    assert_eq!(config.http.listen.to_string(), "0.0.0.0:9000");
    assert_eq!(config.store.url, StoreUrl::Sqlite("/data/t.db".into()));
    let own = [("TIDINGS_HTTP_LISTEN", "127.0.0.1:1"), ("TIDINGS_STORE_URL", "sqlite://own.db")];
    let config =
        given(&[own.as_slice(), &[("PORT", "9000"), ("DATABASE_URL", "sqlite://x.db")]].concat()).load();
    assert_eq!(config.http.listen.port(), 1);
    assert_eq!(config.store.url, StoreUrl::Sqlite("own.db".into()));
    assert!(given(&[("PORT", "http")]).refusal().contains("a port number is expected"));
    let config = given(&[("REDIS_URL", "redis://:pw@x")]).load();
    assert_eq!(config.bridge.url.unwrap().expose_secret(), "redis://:pw@x");
}

#[test]
fn what_an_orchestrator_injects_is_ignored() {
    given(&[
        ("TIDINGS_SERVICE_HOST", "10.0.0.1"),
        ("TIDINGS_SERVICE_PORT", "80"),
        ("TIDINGS_SERVICE_PORT_HTTP", "80"),
        ("TIDINGS_PORT", "tcp://10.0.0.1:80"),
        ("TIDINGS_PORT_80_TCP", "tcp://10.0.0.1:80"),
        ("TIDINGS_PORT_80_TCP_ADDR", "10.0.0.1"),
        ("UNRELATED", "x"),
    ])
    .load();
}

#[test]
fn what_a_verb_sets_wins_over_the_environment_but_not_over_flags() {
    let mut given =
        given(&[("TIDINGS_STORE_QUEUE", "1"), ("TIDINGS_STORE_POOL_SIZE", "1")]).set(&["store.queue=3"]);
    let settings = vec![("store.queue", "2".to_owned()), ("store.pool_size", "2".to_owned())];
    given.sources.preset = Some(("tidings dev", settings));
    let config = given.load();
    assert_eq!((config.store.queue, config.store.pool_size), (3, 2));
}

#[test]
fn a_client_does_not_mind_what_only_a_server_needs() {
    let given = given(&[("DATABASE_URL", "mysql://db/app"), ("TIDINGS_AUTH_SECRET", ""), ("PORT", "9000")]);
    let config = Config::read_for_client(&given.sources).unwrap().config;
    assert_eq!((config.http.listen.port(), config.auth.secret.is_none()), (9000, true));
    assert!(given.refusal().starts_with("store.url (from environment variable DATABASE_URL)"));
}
