//! What one address may have: handshakes, and sessions (guarantees of README's limits, T12, T18).

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    time::{Duration, Instant},
};

use actix_web::rt;
use futures_util::future::join_all;
use tokio_tungstenite::tungstenite::Error;

use crate::{
    app::{App, DEADLINE, until},
    clients::{
        raw::{Raw, field},
        sse::Sse,
        ws::Ws,
    },
    sse_ends::expect_to_wait,
    traffic::Dice,
};

/// As many sessions of a user as they like, and as often as they like.
const SESSIONS_ALONE: [(&str, &str); 2] =
    [("limits.handshakes_per_second", "0"), ("limits.sessions_per_user", "0")];

const SPARSE: [(&str, &str); 2] = [("limits.handshakes_per_second", "1"), ("limits.handshakes_burst", "3")];

fn bearer(app: &App, user: &str) -> String {
    format!("Bearer {}", app.token(user, ""))
}

/// Opens a connection from this address, and asks for something; what is answered first.
async fn ask(app: &App, source: &str, path: &str, headers: &str) -> (u16, String, Raw) {
    let mut raw = Raw::connect_from(source.parse().unwrap(), app.address).await;
    raw.write(format!("GET {path} HTTP/1.1\r\nHost: {}\r\n{headers}\r\n", app.address)).await;
    let head = raw.read_head().await;
    (head.split(' ').nth(1).unwrap().parse().unwrap(), head, raw)
}

const UPGRADE: &str = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
                       Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

/// A WebSocket of this user from this address.
async fn websocket(app: &App, source: &str, user: &str) -> (u16, Raw) {
    let headers = format!("{UPGRADE}Authorization: {}\r\n", bearer(app, user));
    let (status, head, raw) = ask(app, source, "/v1/ws", &headers).await;
    assert!(status != 429 || field(&head, "Retry-After").is_some(), "{head}");
    (status, raw)
}

/// T12. What is refused costs next to nothing, and nobody else notices.
#[actix_web::test]
async fn t12_a_flood_of_handshakes_is_refused_before_anybody_is_asked_who_it_is() {
    let mut app = App::start_with(&[("limits.handshakes_per_second", "10")]);
    let sockets = app.idle_sockets().await;
    let before = app.memory();
    let start = Instant::now();
    let headers = format!("{UPGRADE}Authorization: Bearer nonsense\r\n");
    let flood = (0..10).map(async |_| {
        let mut tried = Vec::new();
        for _ in 0..40 {
            let (status, head, _raw) = ask(&app, "127.0.0.1", "/v1/ws", &headers).await;
            assert_eq!(status == 429, field(&head, "Retry-After").is_some(), "{head}");
            if status == 429 {
                assert_eq!(field(&head, "RateLimit-Policy"), Some("\"handshakes\";q=50;w=5"));
                assert!(field(&head, "RateLimit").unwrap().starts_with("\"handshakes\";r=0;t="), "{head}");
            }
            tried.push(status);
        }
        tried
    });
    let other = async { websocket(&app, "127.0.0.2", "alice").await.0 };
    let (tried, other) = tokio::join!(join_all(flood), other);
    let asked = tried.concat().iter().filter(|status| **status == 401).count();
    let granted = 50.0 + start.elapsed().as_secs_f64() * 10.0;
    assert!(tried.concat().iter().all(|status| [401, 429].contains(status)));
    assert!((50..=granted as usize + 1).contains(&asked), "{asked} of 400 were let in, {granted} may be");
    assert_eq!(other, 101);
    let refusals = || app.logs().iter().filter(|line| line.contains("auth refused")).count();
    until("each that was asked is in the log", || (refusals() >= asked).then_some(())).await;
    assert_eq!(refusals(), asked, "the log is no part of the flood");
    assert!(app.memory() < before + (16 << 20));
    app.expect_sockets(sockets).await;
    app.expect_healthy().await;
}

async fn event_stream(app: &App, query: &str, authorization: Option<&str>) -> Sse {
    let headers: Vec<(&str, &str)> =
        authorization.map(|value| ("Authorization", value)).into_iter().collect();
    Sse::open(app.address, query, &headers).await
}

/// PROTOCOL.md section 4.
#[actix_web::test]
async fn an_event_stream_that_finds_no_place_is_told_to_wait_where_it_may_come_at_all() {
    let app = App::start_with(&[("limits.sessions_per_ip", "1")]);
    let (alice, authorization) = (app.user("alice"), bearer(&app, "alice"));
    let ticket = alice.send(alice.request("POST", "/v1/tickets"), "").await.json()["ticket"].clone();
    let ticket = format!("?ticket={}", ticket.as_str().unwrap());
    let (_, bob) = websocket(&app, "127.0.0.1", "bob").await;

    for (query, authorization) in [("", None), ("", Some("Bearer nonsense")), (&ticket, None)] {
        let refused = event_stream(&app, query, authorization).await;
        assert_eq!(refused.status, 429, "{query}");
        assert!(refused.header("Retry-After").unwrap().parse::<u64>().unwrap() >= 1);
    }
    let goodbye = expect_to_wait(&mut event_stream(&app, "", Some(&authorization)).await).await;
    assert_eq!((goodbye["code"].as_u64(), goodbye["reason"].as_str()), (Some(4009), Some("rate_limited")));
    // Who it is was known, so what else is wrong is said as ever.
    assert_eq!(event_stream(&app, "?since=x", Some(&authorization)).await.status, 400);
    let refusal = Ws::refusal(app.address, &ticket, &[]).await;
    assert_eq!((refusal.0, &refusal.2["code"]), (429, &"rate_limited".into()));
    // The ticket was not used up by any of that.
    drop(bob);
    let mut stream = None;
    while stream.is_none() {
        stream = Some(event_stream(&app, &ticket, None).await).filter(|sse| sse.status != 429);
    }
    assert_eq!(stream.unwrap().next().await["user"], "alice");
}

#[actix_web::test]
async fn an_event_stream_that_comes_too_often_is_told_to_wait_where_it_may_come_at_all() {
    let app = App::start_with(&SPARSE);
    let authorization = bearer(&app, "alice");
    let (mut let_in, mut told) = (0, None);
    while told.is_none() {
        let mut sse = event_stream(&app, "", Some(&authorization)).await;
        match sse.next().await["type"].as_str().unwrap() {
            "welcome" => let_in += 1,
            _ => told = Some(sse.status),
        }
        assert!(let_in < 100);
    }
    assert!(told == Some(200) && let_in >= 3, "{let_in} were let in");
    for authorization in [None, Some("Bearer nonsense")] {
        let mut refusals = 0;
        while refusals == 0 {
            let refused = event_stream(&app, "", authorization).await;
            assert!([401, 429].contains(&refused.status));
            refusals += usize::from(refused.status == 429);
        }
    }
}

/// The 201st session of an address, on each transport.
#[actix_web::test]
async fn an_address_has_two_hundred_sessions_and_no_more_until_one_has_left() {
    let mut app = App::start_with(&SESSIONS_ALONE);
    let sockets = app.idle_sockets().await;
    let authorization = format!("Authorization: {}\r\n", bearer(&app, "alice"));
    let since = app.user("alice").get("/v1/poll").await.json()["cursor"].as_str().unwrap().to_owned();
    let poll = format!("/v1/poll?wait=60&since={since}");
    let unread = "/v1/notifications/unread?wait=60";
    let mut here = Vec::new();
    for _ in 0..99 {
        here.push(websocket(&app, "127.0.0.1", "alice").await.1);
        here.push(ask(&app, "127.0.0.1", "/v1/sse", &authorization).await.2);
    }
    for path in [poll.as_str(), unread] {
        let mut raw = Raw::connect(app.address).await;
        raw.write(format!("GET {path} HTTP/1.1\r\nHost: a\r\n{authorization}\r\n")).await;
        here.push(raw);
    }
    let root = app.http(&app.token("root", "admin"));
    let deadline = Instant::now() + DEADLINE;
    while root.get("/v1/admin/stats").await.json()["sessions"]["poll"] != 2 {
        assert!(Instant::now() < deadline, "they do not wait");
    }

    assert_eq!(websocket(&app, "127.0.0.1", "bob").await.0, 429);
    assert_eq!(ask(&app, "127.0.0.1", "/v1/sse", "").await.0, 429);
    expect_to_wait(&mut event_stream(&app, "", Some(&bearer(&app, "bob"))).await).await;
    for path in [poll.as_str(), unread] {
        app.user("bob").get(path).await.problem(429, "rate_limited");
    }
    // Who does not wait takes no place; nor does another address.
    for path in ["/v1/poll", &format!("/v1/poll?since={since}"), "/v1/notifications/unread"] {
        assert_eq!(app.user("bob").get(path).await.status, 200, "{path}");
    }
    assert_eq!(websocket(&app, "127.0.0.2", "bob").await.0, 101);
    assert!(
        root.get("/metrics")
            .await
            .text()
            .contains("tidings_limits_exceeded_total{limit=\"sessions_per_ip\"} 5\n")
    );

    // One place is free again with each that leaves, however it does.
    for left in [199, 198, 1, 0] {
        drop(here.swap_remove(left));
        let come = until_let_in(&app, "127.0.0.1").await;
        assert_eq!(websocket(&app, "127.0.0.1", "bob").await.0, 429);
        here.push(come);
    }
    drop((here, root));
    app.expect_sockets(sockets).await;
    app.expect_healthy().await;
}

/// A place is taken from this address as soon as there is one.
async fn until_let_in(app: &App, source: &str) -> Raw {
    let deadline = Instant::now() + DEADLINE;
    loop {
        let (status, raw) = websocket(app, source, "carol").await;
        if status == 101 {
            return raw;
        }
        assert!(Instant::now() < deadline, "no place becomes free");
    }
}

/// Nobody takes a place along: neither who was refused for something else, nor who was cut off, nor who let
/// nobody know.
#[actix_web::test]
async fn whoever_comes_and_goes_in_whatever_way_leaves_every_place_free() {
    const PLACES: usize = 8;
    let app = App::start_with(&[
        SESSIONS_ALONE[0],
        ("limits.sessions_per_user", "3"),
        ("limits.sessions_per_ip", &PLACES.to_string()),
        ("auth.first_message_timeout", "1s"),
    ]);
    let (mut dice, mut here) = (Dice::new(), Vec::new());
    let since = app.user("alice").get("/v1/poll").await.json()["cursor"].as_str().unwrap().to_owned();
    for _ in 0..400 {
        let user = ["alice", "bob", "carol"][dice.below(3) as usize];
        let good = format!("Authorization: {}\r\n", bearer(&app, user));
        let socket = |more: &str| format!("{UPGRADE}{more}");
        let (path, headers) = match dice.below(11) {
            0 => ("/v1/ws".to_owned(), socket(&good)),
            1 => ("/v1/ws?rooms=forbidden".to_owned(), socket(&good)),
            2 => ("/v1/ws?since=x".to_owned(), socket(&good)),
            3 => ("/v1/ws".to_owned(), socket("Authorization: Bearer nonsense\r\n")),
            // Ends by itself after a second, if it is not gone before.
            4 => ("/v1/ws".to_owned(), socket("")),
            5 => ("/v1/ws".to_owned(), socket("Origin: https://evil.example\r\n")),
            6 => ("/v1/sse".to_owned(), good),
            7 => ("/v1/sse?rooms=_".to_owned(), good),
            8 => (format!("/v1/poll?wait=60&since={since}"), good),
            9 => ("/v1/notifications/unread?wait=1".to_owned(), good),
            _ => (format!("/v1/poll?wait=60&since={since}&rooms=forbidden"), good),
        };
        let mut raw = Raw::connect(app.address).await;
        raw.write(format!("GET {path} HTTP/1.1\r\nHost: {}\r\n{headers}\r\n", app.address)).await;
        if dice.below(2) == 0 && !path.contains("wait") {
            raw.read_head().await;
        }
        here.push(raw);
        while here.len() > dice.below(12) as usize {
            let raw: Raw = here.swap_remove(dice.below(here.len() as u64) as usize);
            if dice.below(2) == 0 {
                // A reset.
                raw.0.set_zero_linger().unwrap();
            }
        }
    }
    drop(here);
    let mut all = Vec::new();
    for _ in 0..PLACES {
        all.push(until_let_in(&app, "127.0.0.1").await);
    }
    assert_eq!(websocket(&app, "127.0.0.1", "dave").await.0, 429);
}

/// A session that is sent away for a newer one has its place until it is gone, and not longer.
#[actix_web::test]
async fn a_session_that_is_sent_away_frees_its_place() {
    let app = App::start_with(&[
        SESSIONS_ALONE[0],
        ("limits.sessions_per_user", "1"),
        ("limits.sessions_per_ip", "2"),
    ]);
    let mut first = app.ws("alice").await;
    for _ in 0..20 {
        let next = loop {
            match Ws::open(app.address, "", &[("authorization", &bearer(&app, "alice"))]).await {
                Ok(next) => break next,
                Err(Error::Http(refused)) => assert_eq!(refused.status().as_u16(), 429),
                Err(error) => panic!("{error}"),
            }
        };
        assert_eq!(first.end().await, Some(4504));
        first = next;
    }
}

#[actix_web::test]
async fn zero_lets_every_address_come_as_often_and_as_many_as_it_likes() {
    let app = App::start_with(&[SESSIONS_ALONE[0], SESSIONS_ALONE[1], ("limits.sessions_per_ip", "0")]);
    let mut here = Vec::new();
    for _ in 0..260 {
        let (status, raw) = websocket(&app, "127.0.0.1", "alice").await;
        assert_eq!(status, 101);
        here.push(raw);
    }
}

/// What the clients behind one address do together.
#[derive(Default)]
struct Office {
    connected: Cell<usize>,
    /// When each that was let in had asked and was answered.
    admitted: RefCell<Vec<[Instant; 2]>>,
}

/// Comes, and comes back, as PROTOCOL.md section 3 says.
async fn work(office: Rc<Office>, address: std::net::SocketAddr, token: String, mut dice: Dice) {
    let mut failures = 0_u32;
    loop {
        let asked = Instant::now();
        let opened = Ws::open(address, "", &[("authorization", &format!("Bearer {token}"))]).await;
        let mut wait = dice.millis((500 << failures.min(6)).min(20_000));
        match opened {
            Ok(mut ws) => {
                failures = 0;
                office.admitted.borrow_mut().push([asked, Instant::now()]);
                office.connected.update(|count| count + 1);
                while ws.try_next().await.is_ok() {}
                office.connected.update(|count| count - 1);
                wait = dice.millis(500);
            }
            Err(Error::Http(refused)) => {
                assert_eq!(refused.status().as_u16(), 429);
                let seconds = refused.headers()["retry-after"].to_str().unwrap().parse().unwrap();
                wait = wait.max(Duration::from_secs(seconds));
            }
            Err(_) => failures += 1,
        }
        tokio::time::sleep(wait).await;
    }
}

/// T18. A hundred behind one address lose their server at once.
#[actix_web::test]
async fn t18_those_who_come_back_at_once_are_let_in_at_the_rate_and_all_within_thirty_seconds() {
    const CLIENTS: usize = 100;
    // Within the patience of these clients.
    let mut app = App::start_with(&[("limits.handshakes_per_second", "10"), ("session.ping_interval", "5s")]);
    let (office, mut dice) = (Rc::new(Office::default()), Dice::new());
    for n in 0..CLIENTS {
        let token = app.token(&format!("user{n}"), "");
        rt::spawn(work(office.clone(), app.address, token, dice.fork()));
    }
    for restart in [false, true] {
        if restart {
            app.kill();
            until("all have lost it", || (office.connected.get() == 0).then_some(())).await;
            office.admitted.borrow_mut().clear();
            app.restart();
        }
        let start = Instant::now();
        while office.connected.get() < CLIENTS {
            assert!(start.elapsed() < Duration::from_secs(30), "{} are back", office.connected.get());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let admitted = office.admitted.borrow();
        for n in 0..admitted.len() {
            let mut first = admitted[n][0];
            for (m, [asked, answered]) in admitted[n..].iter().enumerate() {
                // All of these were granted between the first question and the last answer.
                first = first.min(*asked);
                assert!(m as f64 <= 50.0 + (*answered - first).as_secs_f64() * 10.0);
            }
        }
    }
}
