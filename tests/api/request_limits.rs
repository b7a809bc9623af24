//! How often one user may ask over HTTP, and a back-end may publish; and what the answers tell of that
//! (draft-ietf-httpapi-ratelimit-headers).

use std::{collections::BTreeSet, time::Instant};

use futures_util::future::join_all;
use serde_json::json;

use crate::{
    app::App,
    clients::http::{Answer, Http},
};

const SPARSE: [(&str, &str); 2] = [("limits.requests_per_second", "1"), ("limits.requests_burst", "5")];

/// What is left, as an answer tells it beside the rule.
fn left(answer: &Answer, policy: &str) -> u64 {
    assert_eq!(answer.header("RateLimit-Policy"), Some(policy), "{}", answer.text());
    let (name, _) = policy.split_once(';').unwrap();
    let told = answer.header("RateLimit").unwrap();
    let (left, full_in) = told.strip_prefix(&format!("{name};r=")).unwrap().split_once(";t=").unwrap();
    let window: u64 = policy.rsplit_once('=').unwrap().1.parse().unwrap();
    assert!((1..=window).contains(&full_in.parse().unwrap()), "{told}");
    left.parse().unwrap()
}

fn tells_nothing(answer: &Answer) -> bool {
    answer.header("RateLimit").is_none() && answer.header("RateLimit-Policy").is_none()
}

/// Asks until that is refused; how often it was not.
async fn exhaust(http: &Http, path: &str) -> usize {
    for passed in 0..100 {
        let answer = http.get(path).await;
        if answer.status == 429 {
            answer.problem(429, "rate_limited");
            return passed;
        }
    }
    panic!("it is never refused");
}

#[actix_web::test]
async fn a_user_may_ask_fifty_times_a_second_and_is_told_how_it_stands() {
    let app = App::start_with(&[("limits.requests_per_second", "50")]);
    let alice = app.user("alice");
    let start = Instant::now();
    let answers = join_all((0..300).map(|_| alice.get("/v1/me"))).await;
    let most = 100.0 + start.elapsed().as_secs_f64() * 50.0;
    let passed = answers.iter().filter(|answer| answer.status == 200).count();
    assert!((100..=most as usize + 1).contains(&passed), "{passed} of 300 passed, {most} may");
    let mut seen = BTreeSet::new();
    for answer in &answers {
        let left = left(answer, "\"requests\";q=100;w=2");
        seen.insert(left);
        if answer.status == 429 {
            let seconds: u64 = answer.header("Retry-After").unwrap().parse().unwrap();
            assert!((1..=5).contains(&seconds));
            answer.problem(429, "rate_limited");
            assert_eq!(left, 0);
        }
    }
    assert!(seen.len() > 50, "{seen:?}");
    // Each user has a bucket of their own.
    assert_eq!(left(&app.user("bob").get("/v1/me").await, "\"requests\";q=100;w=2"), 99);
}

#[actix_web::test]
async fn all_that_a_user_asks_is_counted_together_and_told_on_every_answer() {
    const POLICY: &str = "\"requests\";q=5;w=5";
    let app = App::start_with(&SPARSE);
    let tag = app.user("alice").get("/v1/notifications/unread").await.header("ETag").unwrap().to_owned();
    let alice = app.user("alice");
    let request = alice.request("GET", "/v1/notifications/unread").insert_header(("If-None-Match", tag));
    let unchanged = alice.send(request, "").await;
    let head = alice.send(alice.request("HEAD", "/v1/me"), "").await;
    let missing = alice.get("/v1/notifications/ntf_01ARZ3NDEKTSV4RRFFQ69G5FAV").await;
    let ticket = alice.send(alice.request("POST", "/v1/tickets"), "").await;
    let forbidden = alice.get("/v1/admin/stats").await;
    let answers = [unchanged, head, missing, ticket, forbidden];
    let statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    // On a slow machine one or two more were left by then.
    assert!(statuses.starts_with(&[304, 200, 404, 201]) && [403, 429].contains(&statuses[4]), "{statuses:?}");
    for answer in &answers {
        left(answer, POLICY);
    }
    exhaust(&alice, "/v1/me").await;
    for path in ["/v1/poll", "/v1/notifications", "/v1/mutes", "/v1/rooms/a/presence", "/metrics"] {
        exhaust(&alice, path).await;
    }
    // Who is nobody is in no bucket, nor is what asks nobody who they are.
    for answer in [app.anonymous().get("/v1/me").await, alice.get("/health").await, alice.get("/x").await] {
        assert!(answer.status != 429 && tells_nothing(&answer));
    }
    app.user("bob").get("/v1/me").await.json();
}

#[actix_web::test]
async fn pages_of_other_origins_can_read_how_it_stands() {
    let app = App::start_with(&[("http.allowed_origins", "https://app.example.com")]);
    let alice = app.user("alice");
    let request = alice.request("GET", "/v1/me").insert_header(("Origin", "https://app.example.com"));
    let answer = alice.send(request, "").await;
    let exposed = answer.header("Access-Control-Expose-Headers").unwrap().to_ascii_lowercase();
    let exposed: Vec<&str> = exposed.split(',').map(str::trim).collect();
    for name in ["ratelimit", "ratelimit-policy", "retry-after"] {
        assert!(exposed.contains(&name), "{exposed:?}");
    }
}

#[actix_web::test]
async fn who_publishes_asks_as_often_as_they_like_and_an_administrator_does_not() {
    let app = App::start_with(&SPARSE);
    for scope in ["notify", "notify:order.*"] {
        let backend = app.http(&app.token("backend", scope));
        for _ in 0..20 {
            let answer = backend.get("/v1/me").await;
            assert!(answer.status == 200 && tells_nothing(&answer));
        }
    }
    let root = app.http(&app.token("root", "admin join:* publish:*"));
    assert!(exhaust(&root, "/v1/admin/stats").await >= 5);
}

#[actix_web::test]
async fn a_back_end_publishes_as_often_as_is_set_on_both_calls_together() {
    const POLICY: &str = "\"publishes\";q=3;w=3";
    let app = App::start_with(&[("limits.publishes_per_second", "1"), ("limits.publishes_burst", "3")]);
    let publisher = app.publisher();
    let backend = app.http(&publisher);
    let body = json!({ "to": "alice", "type": "a.b", "payload": {} });
    let (mut stored, mut refused) = (0, 0);
    while refused < 2 {
        let answer = match stored % 2 {
            0 => backend.post("/v1/notifications", &body).await,
            _ => backend.send(backend.request("POST", "/v1/send/alice"), "x").await,
        };
        let left = left(&answer, POLICY);
        match answer.status {
            201 => stored += 1,
            _ => {
                answer.problem(429, "rate_limited");
                assert!(left == 0 && answer.header("Retry-After").is_some());
                refused += 1;
            }
        }
        assert!(stored < 100);
    }
    assert!(stored >= 3);
    assert_eq!(app.unread("alice").await["unread"], stored, "what was refused is not stored");
    // Another publisher is another one, and what is no publish is not counted.
    assert_eq!(
        left(&app.http(&app.token("shop", "notify")).post("/v1/notifications", &body).await, POLICY),
        2
    );
    assert!(tells_nothing(&backend.get("/v1/me").await));
}

#[actix_web::test]
async fn a_second_worth_is_published_at_once_where_no_burst_is_set_and_all_where_nothing_is() {
    let body = json!({ "to": "alice", "type": "a.b", "payload": {} });
    let app = App::start_with(&[("limits.publishes_per_second", "7")]);
    let answer = app.http(&app.publisher()).post("/v1/notifications", &body).await;
    assert_eq!(left(&answer, "\"publishes\";q=7;w=1"), 6);

    let app = App::start();
    let backend = app.http(&app.publisher());
    let answers = join_all((0..300).map(|_| backend.post("/v1/notifications", &body))).await;
    assert!(answers.iter().all(|answer| answer.status == 201 && tells_nothing(answer)));
}

#[actix_web::test]
async fn zero_lets_every_user_ask_as_often_as_they_like() {
    let app = App::start_with(&[("limits.requests_per_second", "0"), ("limits.requests_burst", "1")]);
    let alice = app.user("alice");
    let answers = join_all((0..300).map(|_| alice.get("/v1/me"))).await;
    assert!(answers.iter().all(|answer| answer.status == 200 && tells_nothing(answer)));
}
