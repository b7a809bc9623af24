//! T15: nothing that is secret gets into the log, and nobody can write lines of it.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Error;

use crate::{
    app::{App, DEADLINE, SECRET, program},
    clients::{http::Http, raw::Raw, sse::Sse, ws::Ws},
};

const MARKER: &str = "marker-of-a-payload";
const FORGED: &str = "forged-line";

/// A ticket that was used, one that was not, and one that was refused; all of them travelled.
async fn use_tickets(app: &App, token: &str) -> [String; 3] {
    let http = app.http(token);
    let issue = async || {
        let answer = http.send(http.request("POST", "/v1/tickets"), "").await;
        answer.json()["ticket"].as_str().unwrap().to_owned()
    };
    let [used, unused, refused] = [issue().await, issue().await, issue().await];
    let mut ws = Ws::open(app.address, &format!("?ticket={used}"), &[]).await.unwrap();
    ws.expect("welcome").await;
    assert_eq!(Ws::refusal(app.address, &format!("?ticket={used}"), &[]).await.0, 401);
    http.get(&format!("/v1/me?t%69cket={refused}")).await.problem(400, "bad_message");
    let mut ws = Ws::open(app.address, "", &[]).await.unwrap();
    ws.send(json!({"type": "auth", "token": refused})).await;
    assert_eq!(ws.end().await, Some(4500));
    [used, unused, refused]
}

/// A token of each user, so that each way of travelling has its own to look for.
fn tokens(app: &App) -> Vec<String> {
    let ways = [
        "header",
        "query",
        "stream",
        "poll",
        "cookie",
        "subprotocol",
        "message",
        "refresh",
        "refused",
        "expired",
        "admin",
        "foreign",
        "malformed",
    ];
    let token = |way: &&str| {
        if *way == "expired" { app.token_for(way, "", -60) } else { app.token(way, "notify admin") }
    };
    ways.iter().map(token).collect()
}

async fn use_every_way(app: &App, tokens: &[String]) {
    let [header, query, stream, poll, cookie, subprotocol, message, refresh, refused, expired, ..] = tokens
    else {
        panic!()
    };
    let anonymous = app.anonymous();
    let body = json!({"to": "header", "type": "a.b", "payload": {"text": MARKER}, "key": MARKER});
    let keyed =
        app.http(header).request("POST", "/v1/notifications").insert_header(("Idempotency-Key", MARKER));
    let keyed = keyed.insert_header(("Content-Type", "application/json"));
    assert_eq!(anonymous.send(keyed, body.to_string()).await.status, 201);
    for bad in [json!({"payload": MARKER, "to": [MARKER, "a b"]}), json!([MARKER])] {
        assert!(app.http(header).post("/v1/notifications", &bad).await.status >= 400);
    }
    assert_eq!(app.http(header).get("/v1/notifications").await.status, 200);
    assert_eq!(anonymous.get(&format!("/v1/me?token={query}")).await.status, 200);
    assert_eq!(anonymous.get(&format!("/v1/me?a=b&t%6Fken={query}")).await.status, 200);
    let mut sse = Sse::open(app.address, &format!("?token={stream}&since=inbox@00000000.0"), &[]).await;
    assert_eq!(sse.next().await["user"], "stream");
    for query in [format!("token={poll}"), format!("since=inbox@00000000.0&t%6Fken={poll}")] {
        assert_eq!(anonymous.get(&format!("/v1/poll?{query}")).await.status, 200);
    }
    let page = anonymous.request("GET", "/v1/me").insert_header(("Sec-Fetch-Site", "same-origin"));
    let page = page.insert_header(("Cookie", format!("tidings_token={cookie}")));
    assert_eq!(anonymous.send(page, "").await.status, 200);

    // Those that are refused are the ones that tempt to say why.
    let broken = format!("{}x", refused);
    for token in [&broken, expired, &format!("{refused} {refused}")] {
        app.http(token).get("/v1/me").await.problem(401, "invalid_token");
        anonymous
            .get(&format!("/v1/me?token={}", token.replace(' ', "+")))
            .await
            .problem(401, "invalid_token");
        anonymous
            .get(&format!("/v1/me?ticket={}", token.replace(' ', "+")))
            .await
            .problem(401, "invalid_token");
    }
    app.http(header).get(&format!("/v1/me?token={refused}")).await.problem(400, "bad_message");

    let protocols = format!("tidings.v1, bearer.{subprotocol}");
    let (mut ws, answer) =
        Ws::handshake(app.address, "/v1/ws", &[("sec-websocket-protocol", &protocols)]).await.unwrap();
    assert_eq!(answer.headers()["sec-websocket-protocol"], "tidings.v1");
    ws.expect("welcome").await;
    let protocols = format!("tidings.v1, bearer.{expired}");
    let refusal = Ws::handshake(app.address, "/v1/ws", &[("sec-websocket-protocol", &protocols)]).await;
    assert!(matches!(refusal, Err(Error::Http(answer)) if answer.status() == 401));

    let mut ws = Ws::open(app.address, "", &[]).await.unwrap();
    ws.send(json!({"type": "auth", "token": message})).await;
    ws.expect("welcome").await;
    assert_eq!(ws.ask(json!({"type": "auth", "token": refresh})).await["code"], "forbidden");
    assert_eq!(ws.ask(json!({"type": "echo", "data": MARKER})).await["data"], MARKER);
    assert_eq!(ws.ask(json!({"type": MARKER, "data": MARKER})).await["type"], "error");
    ws.send_text(MARKER).await;
    assert_eq!(ws.next().await["type"], "error");
    let mut ws = Ws::open(app.address, &format!("?since={MARKER}"), &[]).await.err();
    assert!(matches!(ws.take(), Some(Error::Http(answer)) if answer.status() == 400));
    let mut ws = Ws::open(app.address, "", &[]).await.unwrap();
    ws.send(json!({"type": "auth", "token": broken})).await;
    assert_eq!(ws.end().await, Some(4500));
}

/// On the listener for administrators: what is let in, and what is not.
async fn administrate(app: &App, token: &str, refused: &str) {
    let listening = app.logged(|record| record["message"] == "listening for administrators").await;
    let address = listening["address"].as_str().unwrap().parse().unwrap();
    let nobody = Http::new(address, None);
    assert_eq!(Http::new(address, Some(token)).get("/v1/admin/stats").await.status, 200);
    assert_eq!(nobody.get(&format!("/v1/admin/stats?token={token}")).await.status, 200);
    assert_eq!(nobody.get(&format!("/metrics?token={token}")).await.status, 200);
    nobody.get(&format!("/v1/admin/stats?t%6Fken={refused}x")).await.problem(401, "invalid_token");
    nobody.get(&format!("/v1/me?token={token}&{MARKER}")).await.problem(404, "not_found");
    let page = nobody.request("GET", "/v1/admin/stats").insert_header(("Origin", "https://evil.example"));
    let page = page.insert_header(("Cookie", format!("tidings_token={token}")));
    nobody.send(page, "").await.problem(403, "origin_not_allowed");
    let http = Http::new(address, Some(token));
    let revoked = http.post("/v1/admin/revocations", &json!({"user": "nobody"})).await;
    assert_eq!(revoked.status, 200, "{}", revoked.text());
}

/// Handshakes that are refused for each reason there is, with a token in each place.
async fn be_refused(app: &App, foreign: &str, malformed: &str) {
    let cookie = format!("tidings_token={foreign}");
    let evil = ("origin", "https://evil.example");
    assert_eq!(Ws::refusal(app.address, "", &[("cookie", &cookie), evil]).await.0, 403);
    assert_eq!(Ws::refusal(app.address, &format!("?token={foreign}"), &[evil]).await.0, 403);
    let bearer = format!("Bearer {malformed}");
    let offers = format!("tidings.v1, bearer.{foreign}");
    let both = [("authorization", bearer.as_str()), ("sec-websocket-protocol", &offers)];
    assert_eq!(Ws::refusal(app.address, "", &both).await.0, 400);
    let forbidden = [("authorization", bearer.as_str())];
    assert_eq!(Ws::refusal(app.address, "?rooms=secret", &forbidden).await.0, 403);
    for line in [
        format!("GET /v1/ws?token={malformed} HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n"),
        format!("GET /v1/ws HTTP/1.1\r\nHost: a\r\nSec-WebSocket-Protocol: bearer.{malformed}\r\n"),
        format!("GET /v1/ws HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {malformed}\r\nX : {malformed}\r\n"),
        format!(
            "GET /v1/ws HTTP/1.1\r\nHost: a\r\nCookie: tidings_token={malformed}\r\nContent-Length: +4\r\n"
        ),
        format!("{malformed} /v1/ws?ticket={malformed} HTTP/1.1\r\n"),
    ] {
        let mut raw = Raw::connect(app.address).await;
        raw.write(format!("{line}\r\n")).await;
        assert!(raw.read_head().await.starts_with("HTTP/1.1 4"), "{line}");
    }
}

async fn try_to_forge(app: &App) {
    let line = format!("%0d%0a%7b%22message%22:%22{FORGED}%22%7d%1b%5b2J%c2%9b2J");
    for path in [format!("/{line}"), format!("/v1/send/{line}"), format!("/v1/notifications?x={line}")] {
        assert!(app.http(&app.publisher()).get(&path).await.status >= 400);
    }
    for name in [format!("\u{9b}{FORGED}"), format!("\t{FORGED}")] {
        let http = app.anonymous();
        let request = http.request("GET", "/v1/me").insert_header(("X-Request-Id", name.clone()));
        http.send(request.insert_header(("User-Agent", name)), "").await.problem(401, "invalid_token");
    }
    let mut raw = Raw::connect(app.address).await;
    raw.write(format!("GET / HTTP/1.1\r\nHost: a\r\nX\x1b[2J{{\"message\":\"{FORGED}\"}}: a\r\n\r\n")).await;
    assert!(raw.read_to_end().await.starts_with(b"HTTP/1.1 400 "));
}

/// The log of a server that has ended, up to its last word.
async fn whole_log(app: &App) -> Vec<String> {
    let deadline = Instant::now() + DEADLINE;
    loop {
        let lines = app.logs();
        if lines.last().is_some_and(|line| line.contains(r#""message":"stopped""#)) {
            return lines;
        }
        assert!(Instant::now() < deadline, "the log has no end: {}", lines.join("\n"));
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[actix_web::test]
async fn a_client_that_sends_nonsense_writes_no_line_of_the_log() {
    // So few that the limit on open files is not spoken of.
    let mut app = App::start_with(&[("limits.sessions", "100")]);
    for nonsense in ["\u{16}\u{3}\u{1}\r\n\r\n", "GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n"] {
        let mut raw = Raw::connect(app.address).await;
        raw.write(nonsense).await;
        assert!(raw.read_to_end().await.starts_with(b"HTTP/1.1 400 "));
    }
    app.signal("-TERM");
    app.wait();
    let lines = whole_log(&app).await;
    let messages = lines.iter().map(|line| serde_json::from_str::<Value>(line).unwrap()["message"].clone());
    assert_eq!(messages.collect::<Vec<_>>(), ["listening", "stopping", "stopped"]);
}

/// The pieces of a token by which anybody would know it.
fn pieces(token: &str) -> impl Iterator<Item = &str> {
    token.split('.').skip(1).chain([token])
}

#[actix_web::test]
async fn t15_a_log_at_debug_holds_no_token_no_secret_no_payload_and_no_forged_line() {
    let mut debug = program();
    debug.env("RUST_LOG", "debug");
    let mut app = App::start_as(debug, &[("http.admin_listen", "127.0.0.1:0")]);
    let tokens = tokens(&app);
    use_every_way(&app, &tokens).await;
    administrate(&app, &tokens[10], &tokens[8]).await;
    be_refused(&app, &tokens[11], &tokens[12]).await;
    let tickets = use_tickets(&app, &tokens[0]).await;
    let tickets = tickets.iter().map(String::as_str);
    try_to_forge(&app).await;
    app.signal("-TERM");
    app.wait();
    let lines = whole_log(&app).await;
    let mut refusals = 0;
    for line in &lines {
        assert!(!line.chars().any(char::is_control), "{line:?}");
        let record: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert!(record["time"].as_str().unwrap().parse::<jiff::Timestamp>().is_ok(), "{line}");
        assert!(["debug", "info", "warn", "error"].contains(&record["level"].as_str().unwrap()), "{line}");
        assert!(record["target"].is_string() && record["message"].is_string(), "{line}");
        assert_ne!(record["message"], FORGED, "{line}");
        refusals += usize::from(record["message"] == "auth refused");
        for piece in
            tokens.iter().flat_map(|token| pieces(token)).chain([MARKER, SECRET]).chain(tickets.clone())
        {
            assert!(!line.contains(piece), "{piece:?} is in {line}");
        }
    }
    assert!(refusals >= 8, "the log says that somebody was refused: {}", lines.join("\n"));
}
