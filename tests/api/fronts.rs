//! Behind real proxies with the configurations of `deploy/`: two instances, every transport, nothing sticky, and no
//! token in what they write down.

mod manners;

use std::{mem, net::SocketAddr};

use futures_util::future::{join, join_all};
use serde_json::{Value, json};

use crate::{
    app::{App, until},
    clients::{
        http::Http,
        poll::Poll,
        raw::Raw,
        room::{EVERYWHERE, say},
        sse::Sse,
        ws::Ws,
    },
    engines::{front::Front, postgres::Server, redis::Redis},
};

/// Two behind the same proxy, which is believed.
struct Instances {
    nodes: [App; 2],
    _bus: Redis,
    _database: Server,
}

impl Instances {
    async fn start() -> Self {
        let (database, bus) = (Server::start().await, Redis::start().await);
        let (store, bridge) = (database.url(), format!("redis+unix://{}", bus.socket().display()));
        let settings =
            [("store.url", &*store), ("bridge.url", &*bridge), ("http.trusted_proxies", "127.0.0.1")];
        let nodes = [App::start_with(&settings), App::start_with(&settings)];
        Self { nodes, _bus: bus, _database: database }
    }

    fn addresses(&self) -> [SocketAddr; 2] {
        self.nodes.each_ref().map(|node| node.address)
    }
}

/// A token in the query, an instance by chance.
async fn in_chat(front: SocketAddr, token: &str) -> Ws {
    let mut ws = Ws::open(front, &format!("?rooms=chat&token={token}"), &[]).await.unwrap();
    ws.welcome = ws.expect("welcome").await;
    ws.expect("ok").await;
    ws
}

async fn publish(publisher: &Http, n: u64) -> String {
    let draft = json!({ "to": "alice", "type": "test.event", "payload": { "n": n } });
    let answer = publisher.post("/v1/notifications", &draft).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    answer.json()["notifications"][0]["position"].as_str().unwrap().to_owned()
}

/// WebSocket, event stream, poll and publish through the proxy. Answers with the secrets that have travelled.
async fn pass_every_transport(front: SocketAddr, nodes: &[App; 2]) -> Vec<String> {
    let secrets = ["alice", "bob", "carol"].map(|user| nodes[0].token(user, EVERYWHERE));
    let [alice, bob, carol] = &secrets;
    let publisher = Http::new(front, Some(&nodes[0].publisher()));

    // WebSockets come to both instances, and meet in a room.
    let (mut here, mut there) = (in_chat(front, alice).await, in_chat(front, bob).await);
    let mut others = Vec::new();
    while here.welcome["node"] == there.welcome["node"] {
        others.push(mem::replace(&mut there, in_chat(front, bob).await));
        assert!(others.len() < 10, "all come to one instance");
    }
    say(&mut here, "chat", json!("over two instances")).await;
    assert_eq!(there.expect("message").await["data"], "over two instances");

    // An event is not held back until more comes: it needs no heartbeat to move it.
    let mut sse = Sse::open(front, &format!("?token={alice}"), &[]).await;
    assert_eq!((sse.status, sse.header("Content-Type")), (200, Some("text/event-stream")));
    sse.expect("welcome").await;
    let heartbeats = sse.parser.comments;
    let first = publish(&publisher, 1).await;
    assert_eq!((sse.next_ns(1).await, sse.parser.comments), (vec![1], heartbeats));
    assert_eq!(here.next_ns(1).await, [1]);

    // A poll goes on from the cursor of the stream, and waits.
    let mut poll = Poll::over(Http::new(front, Some(alice)), "chat", sse.last_id());
    let polled = poll.collect(1, |event| event["type"] == "test.event");
    let (polled, _) = join(polled, publish(&publisher, 2)).await;
    assert_eq!(polled[0]["payload"]["n"], 2);
    let reader = Http::new(front, Some(alice));
    let unread = reader.get("/v1/notifications/unread").await;
    assert_eq!(unread.json()["unread"], 2);
    let again = reader.request("GET", "/v1/notifications/unread");
    let again = again.insert_header(("If-None-Match", unread.header("ETag").unwrap()));
    assert_eq!(reader.send(again, "").await.status, 304);

    // Who comes back goes on where it stood, wherever that was.
    let mut back = Ws::connect(front, &format!("?since=inbox@{first}"), alice).await;
    assert_eq!(back.next_ns(1).await, [2]);

    // A ticket, and a token among the subprotocols.
    let http = Http::new(front, Some(carol));
    let ticket = http.send(http.request("POST", "/v1/tickets"), "").await.json();
    let ticket = ticket["ticket"].as_str().unwrap().to_owned();
    Ws::open(front, &format!("?ticket={ticket}"), &[]).await.unwrap().expect("welcome").await;
    let protocols = format!("tidings.v1, bearer.{carol}");
    let (mut ws, answer) =
        Ws::handshake(front, "/v1/ws", &[("sec-websocket-protocol", &protocols)]).await.unwrap();
    assert_eq!(answer.headers()["sec-websocket-protocol"], "tidings.v1");
    ws.expect("welcome").await;

    expect_the_address_of_the_client(front, nodes).await;
    expect_the_own_origin(front, alice).await;
    secrets.into_iter().chain([ticket]).collect()
}

/// Whoever is refused is named by the address from which it came to the proxy, whatever it says itself.
async fn expect_the_address_of_the_client(front: SocketAddr, nodes: &[App; 2]) {
    let mut raw = Raw::connect_from([127, 0, 0, 9].into(), front).await;
    let said = "X-Forwarded-For: 203.0.113.9\r\nAuthorization: Bearer nonsense\r\n";
    raw.write(format!("GET /v1/me HTTP/1.1\r\nHost: {front}\r\n{said}\r\n")).await;
    assert!(raw.read_head().await.starts_with("HTTP/1.1 401"));
    let told = |node: &App| node.logs().into_iter().find(|line| line.contains("auth refused"));
    let line = until("one of them says so", || nodes.iter().find_map(told)).await;
    assert_eq!(serde_json::from_str::<Value>(&line).unwrap()["client"], "127.0.0.9", "{line}");
}

/// A page of the address that clients know is of the same origin, and no other is.
async fn expect_the_own_origin(front: SocketAddr, token: &str) {
    let bearer = format!("Bearer {token}");
    let from = async |origin: &str| {
        Ws::open(front, "", &[("authorization", bearer.as_str()), ("origin", origin)]).await.is_ok()
    };
    assert!(from(&format!("http://{front}")).await);
    // It did not come by TLS.
    assert!(!from(&format!("https://{front}")).await && !from("http://evil.example").await);
}

/// Both instances die: what the proxy says of that quotes no secret either. `upgraded` is how its log tells of a
/// WebSocket that has ended.
async fn expect_no_secret(front: &Front, mut instances: Instances, secrets: &[String], upgraded: &str) {
    instances.nodes.iter_mut().for_each(App::kill);
    let nobody = Http::new(front.address, None);
    let paths = secrets.iter().flat_map(|secret| {
        ["/v1/sse?token=", "/v1/ws?ticket=", "/v1/me?token="].map(|path| format!("{path}{secret}"))
    });
    for answer in join_all(paths.map(|path| {
        let nobody = nobody.clone();
        async move { nobody.get(&path).await }
    }))
    .await
    {
        assert!([502, 503].contains(&answer.status), "{}", answer.status);
    }
    let said = until("the log has them", || Some(front.said()).filter(|said| said.contains(upgraded))).await;
    assert!(said.contains("/v1/ws") && said.contains("/v1/me"), "{said}");
    for secret in secrets {
        for piece in secret.split('.').skip(1).chain([secret.as_str()]) {
            assert!(!said.contains(piece), "{piece:?} is in the log: {said}");
        }
    }
}

#[actix_web::test]
async fn nginx_passes_every_transport_to_any_instance_and_writes_down_no_token() {
    let instances = Instances::start().await;
    let front = Front::nginx(instances.addresses(), &[], None).await;
    let secrets = pass_every_transport(front.address, &instances.nodes).await;
    // What is too large is told in the server's own words, and what is far too large by nginx.
    let publisher = Http::new(front.address, Some(&instances.nodes[0].publisher()));
    publisher.post_text("/v1/notifications", " ".repeat(257 << 10)).await.problem(413, "too_large");
    assert_eq!(publisher.post_text("/v1/notifications", " ".repeat(1 << 20)).await.status, 413);
    Http::new(front.address, Some(&"x".repeat(8 << 10))).get("/v1/me").await.problem(401, "invalid_token");
    expect_no_secret(&front, instances, &secrets, "HTTP/1.1\" 101 ").await;
}

#[actix_web::test]
async fn haproxy_passes_every_transport_to_any_instance_and_writes_down_no_token() {
    let instances = Instances::start().await;
    let front = Front::haproxy(instances.addresses(), &[], None).await;
    let secrets = pass_every_transport(front.address, &instances.nodes).await;
    expect_no_secret(&front, instances, &secrets, " 101 ").await;
}

#[actix_web::test]
async fn caddy_passes_every_transport_to_any_instance_and_writes_down_no_token() {
    let instances = Instances::start().await;
    let front = Front::caddy(instances.addresses(), &[], None).await;
    let secrets = pass_every_transport(front.address, &instances.nodes).await;
    expect_no_secret(&front, instances, &secrets, "\"status\":0,").await;
}
