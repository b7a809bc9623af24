//! Nodes that share a bus: rooms and who is in them are the same on all, and `/ready` says how the bus is.

use std::{
    fs,
    net::TcpListener,
    path::Path,
    process::{Command, Stdio},
};

use serde_json::{Value, json};

use crate::{
    app::{App, program, until},
    clients::room::{join, join_since, member, message, offset, say},
    engines::{bound, redis::Redis},
};

fn node(redis: &Redis) -> App {
    node_with(redis, &[])
}

fn node_with(redis: &Redis, settings: &[(&str, &str)]) -> App {
    let url = format!("redis+unix://{}", redis.socket().display());
    let own = [("bridge.url", url.as_str()), ("rooms.presence_ttl", "2s"), ("rooms.leave_grace", "100ms")];
    App::start_with(&[&own, settings].concat())
}

async fn bus_of(app: &App) -> Value {
    app.http("alice").get("/ready").await.json()["bridge"].clone()
}

#[actix_web::test]
async fn a_room_is_one_room_on_all_nodes() {
    let redis = Redis::start().await;
    let (a, b) = (node(&redis), node(&redis));
    let mut alice = member(&a, "alice", &["chat"]).await;
    let mut bob = member(&b, "bob", &[]).await;
    let ok = join(&mut bob, "chat").await;
    if ok["user_count"] == 1 {
        // She was let in, and the bus did not know it yet.
        assert_eq!(bob.expect("user_joined").await["user"], "alice");
    }
    assert_eq!(alice.expect("user_joined").await["user"], "bob");
    let first = say(&mut bob, "chat", json!(1)).await;
    let second = say(&mut alice, "chat", json!(2)).await;
    let third = say(&mut bob, "chat", json!(3)).await;
    assert_eq!([first, second, third].map(|position| offset(&json!(position))), [1, 2, 3]);
    let mut carol = member(&b, "carol", &[]).await;
    let ok = join_since(&mut carol, "chat", "00000000.0").await;
    assert_eq!((offset(&ok["position"]), &ok["user_count"]), (3, &json!(3)));
    for n in 1..=3 {
        assert_eq!(message(&mut carol).await["data"], n);
    }
    assert_eq!(bus_of(&a).await, "ok");
}

/// Each has a file of its own, and in it other inboxes of the same users.
#[actix_web::test]
async fn nodes_with_files_share_rooms_and_no_inboxes() {
    let redis = Redis::start().await;
    let (a, b) = (node(&redis), node(&redis));
    b.logged(|record| record["message"].to_string().contains("store.url is a file")).await;
    let (mut here, mut there) = (member(&a, "alice", &["chat"]).await, member(&b, "alice", &["chat"]).await);
    a.publish("alice", 1).await;
    assert_eq!(here.expect("unread").await["counters"]["version"], 1);
    // What is said behind it comes behind it.
    say(&mut here, "chat", json!(1)).await;
    loop {
        let event = there.next().await;
        assert_ne!(event["type"], "unread");
        if event["type"] == "message" {
            break;
        }
    }
    b.publish("alice", 2).await;
    let position = there.next_numbered().await["position"].clone();
    assert!(position.as_str().unwrap().ends_with(".1"), "{position}");
}

#[actix_web::test]
async fn users_of_a_node_that_stops_or_dies_are_gone_from_its_rooms() {
    let redis = Redis::start().await;
    let (mut a, mut b, c) = (node(&redis), node(&redis), node(&redis));
    let mut carol = member(&c, "carol", &["chat"]).await;
    let _alice = member(&a, "alice", &["chat"]).await;
    assert_eq!(carol.expect("user_joined").await["user"], "alice");
    let _bob = member(&b, "bob", &["chat"]).await;
    assert_eq!(carol.expect("user_joined").await["user"], "bob");
    b.kill();
    assert_eq!(carol.expect("user_left").await["user"], "bob");
    a.signal("-TERM");
    assert_eq!(carol.expect("user_left").await["user"], "alice");
    assert!(a.ended().await.success());
}

#[actix_web::test]
async fn a_bus_that_is_away_is_degraded_and_stops_nobody() {
    let mut redis = Redis::start().await;
    redis.kill();
    let app = node(&redis);
    app.logged(|record| record["level"] == "warn" && record["message"].to_string().contains("bridge.url"))
        .await;
    assert_eq!(bus_of(&app).await, "degraded");
    redis.revive().await;
    app.logged(|record| record["message"] == "the bus is live").await;
    assert_eq!(bus_of(&app).await, "ok");
    redis.kill();
    app.logged(|record| record["message"].to_string().contains("the bus is away")).await;
    assert_eq!((app.http("alice").get("/ready").await.status, bus_of(&app).await), (200, json!("degraded")));
}

/// Makes an authority and a certificate for `localhost`, by files in this folder.
fn make_certificate(folder: &Path) {
    let openssl = |arguments: &[&str]| {
        let made = Command::new("openssl").args(arguments).current_dir(folder).output();
        let made = made.expect("this test needs openssl");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    };
    let key = ["req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj"];
    openssl(
        &[&key[..], &["/CN=authority", "-x509", "-days", "2", "-keyout", "ca.key", "-out", "ca.pem"]]
            .concat(),
    );
    openssl(&[&key[..], &["/CN=localhost", "-keyout", "server.key", "-out", "server.csr"]].concat());
    fs::write(folder.join("names"), "subjectAltName=DNS:localhost").unwrap();
    let sign = ["x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial"];
    openssl(&[&sign[..], &["-days", "2", "-extfile", "names", "-out", "server.pem"]].concat());
}

#[actix_web::test]
async fn a_bus_over_tls_is_believed_where_the_system_knows_its_authority_and_nowhere_else() {
    let folder = tempfile::tempdir().unwrap();
    make_certificate(folder.path());
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
    let mut redis = bound("KILL", "redis-server")
        .current_dir(folder.path())
        .args(["--port", "0", "--tls-port", &port, "--tls-auth-clients", "no", "--save", ""])
        .args([
            "--tls-cert-file",
            "server.pem",
            "--tls-key-file",
            "server.key",
            "--tls-ca-cert-file",
            "ca.pem",
        ])
        .args(["--requirepass", "hunter2"])
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    until("redis-server listens", || std::net::TcpStream::connect(format!("127.0.0.1:{port}")).ok()).await;
    let url = format!("rediss://:hunter2@localhost:{port}");
    let start = |authorities: &str| {
        let mut command = program();
        command.env("SSL_CERT_FILE", folder.path().join(authorities));
        App::start_as(command, &[("bridge.url", &url)])
    };
    let trusting = start("ca.pem");
    trusting.logged(|record| record["message"] == "the bus is live").await;
    assert_eq!(bus_of(&trusting).await, "ok");
    let _alice = member(&trusting, "alice", &["chat"]).await;
    // An authority of nobody.
    fs::copy(folder.path().join("server.pem"), folder.path().join("other.pem")).unwrap();
    let wary = start("other.pem");
    let away = wary.logged(|record| record["message"].to_string().contains("the bus is away")).await;
    assert_eq!(bus_of(&wary).await, "degraded");
    assert!(!away.to_string().contains("hunter2"));
    redis.kill().unwrap();
    redis.wait().unwrap();
}

#[actix_web::test]
async fn a_redis_that_lets_nobody_in_is_told_from_one_that_is_away() {
    let redis = Redis::start().await;
    redis.run::<()>(&["CONFIG", "SET", "requirepass", "hunter2"]);
    let socket = redis.socket();
    for login in ["", "?pass=wrong", "?pass=hunter2&db=99"] {
        let app = App::start_with(&[("bridge.url", &format!("redis+unix://{}{login}", socket.display()))]);
        let refused = |record: &Value| {
            record["level"] == "error"
                && record["message"].to_string().contains("refuses what bridge.url names")
        };
        let record = app.logged(refused).await;
        assert!(!record.to_string().contains("hunter2"), "{record}");
        assert_eq!(bus_of(&app).await, "degraded");
    }
}
