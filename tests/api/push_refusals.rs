//! What may not be pushed to: at the registration, and again when it is sent (T9, B54 to B56).

use std::{fs, net::TcpListener, process::Command};

use serde_json::{Value, json};

use crate::{
    app::{App, program},
    clients::browser::Browser,
    engines::push_service::PushService,
    push_faults::{numbers, subscriptions},
    pushing::{expect_state, publish, register, start, subscribe, traces},
};

/// A server that pushes to the services of the browsers.
fn start_for_browsers() -> App {
    App::start_with(&[
        ("push.enabled", "true"),
        ("push.subject", "mailto:ops@example.com"),
        ("push.grace", "0s"),
    ])
}

#[actix_web::test]
async fn t9_b54_only_push_services_are_endpoints() {
    let mut app = start_for_browsers();
    let (browser, alice) = (Browser::new(), app.user("alice"));
    for endpoint in [
        "http://web.push.apple.com/x",
        "https://127.0.0.1/x",
        "https://localhost/",
        "https://10.0.0.1/",
        "https://169.254.169.254/",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://2130706433/",
        "https://0x7f.1/",
        "https://017700000001/",
        "https://user@web.push.apple.com/x",
        "https://web.push.apple.com:8443/x",
        "https://web.push.apple.com.evil.example/x",
        "https://evil.example/web.push.apple.com",
        &format!("https://web.push.apple.com/{}", "x".repeat(2048)),
    ] {
        let answer = alice.post("/v1/push/subscriptions", &browser.subscription(endpoint)).await;
        answer.problem(422, "endpoint_not_allowed");
    }
    assert_eq!(subscriptions(&app, "alice").await, [json!(null); 0]);
    let known = browser.subscription("https://web.push.apple.com/QOaG");
    assert_eq!(register(&alice, &known).await.0, 201);
    app.expect_healthy().await;
}

#[actix_web::test]
async fn b55_keys_that_nobody_can_read_with_are_refused() {
    let mut app = start_for_browsers();
    let alice = app.user("alice");
    let good = Browser::new().subscription("https://web.push.apple.com/QOaG");
    let (p256dh, auth) = Browser::new().keys();
    // The last letter but one is within the second coordinate.
    let mut off_curve = p256dh.clone().into_bytes();
    off_curve[80] = if off_curve[80] == b'A' { b'B' } else { b'A' };
    for (pointer, key, value) in [
        ("/keys/p256dh", "p256dh", json!(String::from_utf8(off_curve).unwrap())),
        ("/keys/p256dh", "p256dh", json!(&p256dh[..80])),
        ("/keys/p256dh", "p256dh", json!("")),
        ("/keys/p256dh", "p256dh", json!(7)),
        ("/keys/auth", "auth", json!("A".repeat(20))),
        ("/keys/auth", "auth", json!("not base64url at all!!")),
        ("/keys/auth", "auth", json!(format!("{auth}{auth}"))),
    ] {
        let mut subscription = good.clone();
        subscription["keys"][key] = value;
        let answer = alice.post("/v1/push/subscriptions", &subscription).await;
        assert_eq!(answer.status, 422, "{subscription}");
        assert!(answer.faults()[0].starts_with("/keys"), "{pointer}: {}", answer.text());
    }
    assert_eq!(register(&alice, &good).await.0, 201);
    app.expect_healthy().await;
}

#[actix_web::test]
async fn b56_a_browser_that_changes_hands_is_pushed_to_for_its_new_user_alone() {
    let service = PushService::start().await;
    let mut app = start(&service, &[]);
    subscribe(&app, &service, "alice", "laptop").await;
    let browser = subscribe(&app, &service, "bob", "laptop").await;
    assert_eq!((subscriptions(&app, "alice").await.len(), subscriptions(&app, "bob").await.len()), (0, 1));
    publish(&app, "alice", json!({})).await;
    let id = publish(&app, "bob", json!({})).await;
    expect_state(&app, &id, "sent").await;
    let received = service.received("laptop");
    assert_eq!(received.len(), 1);
    assert_eq!(browser.read(&received[0].body)["notification"]["data"]["id"], json!(id));
    app.expect_healthy().await;
}

/// The program where names resolve as this says: in a mount namespace of its own, with another `/etc/hosts`.
pub fn where_names_are(hosts: &str) -> (Command, tempfile::NamedTempFile) {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), hosts).unwrap();
    let program = program();
    let mut command = Command::new("unshare");
    command.env_clear().args(["--user", "--map-root-user", "--mount", "--propagation", "private"]);
    command.args(["sh", "-euc", r#"mount --bind "$1" /etc/hosts; shift; exec "$@""#, "sh"]);
    command.arg(file.path()).arg(program.get_program()).args(program.get_args());
    (command, file)
}

/// A name that is fine by itself resolves to this machine, alone or beside an address that is public; and no proxy that
/// the environment names is asked.
#[actix_web::test]
async fn t9_a_name_that_resolves_to_a_private_address_is_not_connected_to() {
    let trap = TcpListener::bind("127.0.0.1:0").unwrap();
    trap.set_nonblocking(true).unwrap();
    let host = |name: &str| format!("{name}.push.example.com:{}", trap.local_addr().unwrap().port());
    // The program asks for whole names, which end in a dot.
    let hosts = "127.0.0.1 own.push.example.com. mixed.push.example.com.\n\
                 10.1.2.3 private.push.example.com.\n\
                 93.184.215.14 mixed.push.example.com.\n\
                 ::ffff:127.0.0.1 mapped.push.example.com.\n";
    let (mut command, _hosts) = where_names_are(hosts);
    let proxy = format!("http://{}", trap.local_addr().unwrap());
    for name in ["https_proxy", "HTTPS_PROXY", "http_proxy", "all_proxy", "ALL_PROXY"] {
        command.env(name, &proxy);
    }
    let names = ["own", "mixed", "private", "mapped"];
    let allowed = names.map(host).join(",");
    let app = App::start_as(
        command,
        &[
            ("push.enabled", "true"),
            ("push.subject", "mailto:ops@example.com"),
            ("push.grace", "0s"),
            ("push.allowed_hosts", &allowed),
        ],
    );
    for name in names {
        let subscription = Browser::new().subscription(&format!("https://{}/x", host(name)));
        assert_eq!(register(&app.user(name), &subscription).await.0, 201, "{name}");
        let id = publish(&app, name, json!({})).await;
        let trace = expect_state(&app, &id, "dead").await;
        assert_eq!((&trace["attempts"], &trace["status"]), (&json!(1), &Value::Null), "{trace}");
        let later = publish(&app, name, json!({})).await;
        assert!(traces(&app, &later).await.is_empty(), "the subscription is disabled");
        let disabled = subscriptions(&app, name).await;
        assert!(disabled[0]["disabled_at"].is_string(), "{disabled:?}");
    }
    assert!(trap.accept().is_err(), "it was connected to");
    assert_eq!(numbers(&app).await["tidings_pushes_total{result=\"address_refused\"}"], 4.0);
}

/// Who names another host forgets the others by a slip: nobody is pushed to there, and nobody is lost.
#[actix_web::test]
async fn what_is_not_allowed_any_more_is_given_up_and_stays_subscribed() {
    let service = PushService::start().await;
    let mut app = start(&service, &[]);
    subscribe(&app, &service, "alice", "laptop").await;
    app.set("push.allowed_hosts", "push.example.com");
    app.kill();
    app.restart();
    let id = publish(&app, "alice", json!({})).await;
    assert_eq!(expect_state(&app, &id, "dead").await["status"], Value::Null);
    assert!(service.received("laptop").is_empty());
    app.set("push.allowed_hosts", &service.host());
    app.kill();
    app.restart();
    assert!(subscriptions(&app, "alice").await[0].get("disabled_at").is_none());
    app.http(&app.token("root", "admin")).post("/v1/admin/push/retry", &json!({})).await;
    expect_state(&app, &id, "sent").await;
}
