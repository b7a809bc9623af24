//! Clients that leave in all the ways there are, behind networks that do the same: nothing is left of them (X27).

use std::time::{Duration, Instant};

use serde_json::json;
use tokio::time::sleep;

use super::{ended, expect_counted};
use crate::{
    app::{App, DEADLINE, token, until},
    clients::{
        http::Http,
        room::{EVERYWHERE, member},
        ws::Ws,
    },
    cluster::Cluster,
    crowd::Crowd,
    engines::proxy::{Fault, Proxy, Target},
    samples::Recorder,
    scale::times,
    traffic::Dice,
};

/// How many are there at once, and how long a visit takes.
const CROWD: usize = 40;
const VISIT: Duration = Duration::from_millis(200);

/// What memory may be more when all have gone: what the row of the table says, and what the allocator keeps of a
/// small process.
const MORE: f64 = 0.05;
const MORE_MIB: f64 = 2.0;

/// What is kept of an empty room, and for somebody who does not read, is soon over.
const SETTINGS: [(&str, &str); 3] =
    [("rooms.position_ttl", "1s"), ("rooms.history_bytes", "256KiB"), ("session.slow_timeout", "1s")];

/// By then nothing is kept of them but what is kept for good.
const SETTLED: Duration = Duration::from_secs(4);

/// What networks do to those who come through them.
const NETWORK: [Fault; 5] =
    [Fault::Closed, Fault::Reset, Fault::HalfClosed, Fault::Corrupt, Fault::Duplicate];

/// Who comes and goes until there were so many visits; the network changes all the time.
async fn churn(cluster: &Cluster, visits: usize, dice: &mut Dice) -> String {
    let crowd = Crowd::start(cluster, CROWD, VISIT, dice);
    while crowd.visits() < visits {
        let fault = NETWORK[dice.below(NETWORK.len() as u64) as usize];
        crowd.doors[0].set(fault);
        sleep(dice.millis(200)).await;
        crowd.doors[0].set(Fault::None);
        sleep(dice.millis(200)).await;
    }
    crowd.end().await
}

#[actix_web::test]
async fn x27_sockets_are_cut_reset_and_half_closed_at_any_instant() {
    let mut dice = Dice::new();
    let cluster = Cluster::alone(&SETTINGS);
    let mut recorder = Recorder::start("one node", &cluster).await;
    // As much as is ever there at once.
    churn(&cluster, times(300, 3000), &mut dice).await;
    assert_eq!(recorder.until_all_is_gone().await, [""; 0]);
    sleep(SETTLED).await;
    recorder.begin_again().await;
    let visits = churn(&cluster, times(1000, 10_000), &mut dice).await;
    let most = |before: f64| before * (1.0 + MORE) + MORE_MIB;
    // What is given back is given back in a while.
    let deadline = Instant::now() + DEADLINE;
    let [before, after] = loop {
        assert_eq!(recorder.until_all_is_gone().await, [""; 0]);
        let [before, after] = recorder.memory()[0];
        if after <= most(before) || Instant::now() > deadline {
            break [before, after];
        }
    };
    assert!(after <= most(before), "{before:.1} MiB became {after:.1}");
    println!(
        "X27 {visits}: sockets left 0, sessions left 0, rooms left 0; {before:.1} MiB became {after:.1}"
    );
}

async fn through(network: &Proxy, user: &str) -> Ws {
    Ws::connect(network.address, "", &token(user, EVERYWHERE, 3600)).await
}

#[actix_web::test]
async fn a_client_that_says_nothing_more_for_its_network_is_half_closed_is_ended() {
    let app = App::start();
    let network = Proxy::start(Target::Port(app.address));
    let mut ws = through(&network, "alice").await;
    network.set(Fault::HalfClosed);
    ws.end().await;
    until("it is gone", || (ended(&app, "gone") == 1).then_some(())).await;
    expect_counted(&app, "gone", (1, 0)).await;
}

#[actix_web::test]
async fn what_a_network_has_corrupted_ends_one_session_and_no_other() {
    let app = App::start();
    let network = Proxy::start(Target::Port(app.address));
    let mut other = app.ws("bob").await;
    let mut ws = through(&network, "alice").await;
    network.set(Fault::Corrupt);
    // A bit in the middle makes it no text.
    ws.send(json!({ "type": "echo", "data": "x".repeat(1000) })).await;
    assert_eq!(ws.end().await, Some(1007));
    assert_eq!(other.ask(json!({ "type": "echo", "data": 1 })).await["data"], 1);
}

#[actix_web::test]
async fn what_a_network_says_twice_is_done_once() {
    let app = App::start();
    let network = Proxy::start(Target::Port(app.address));
    let mut listener = member(&app, "bob", &["chat"]).await;
    let mut ws = through(&network, "alice").await;
    network.set(Fault::Duplicate);
    let message = json!({ "type": "message", "room": "chat", "data": 1, "nonce": "n1", "ref": "r" });
    ws.send(message).await;
    let answers = [ws.expect("ok").await, ws.expect("ok").await];
    assert_eq!(answers[0]["position"], answers[1]["position"]);
    listener.expect("message").await;
    let http = Http::new(network.address, Some(&app.publisher()));
    let request = http.request("POST", "/v1/notifications").force_close();
    let request = request.insert_header(("Content-Type", "application/json"));
    let request = request.insert_header(("Idempotency-Key", "k"));
    let draft = json!({ "to": "bob", "type": "test.event", "payload": { "n": 1 } });
    assert_eq!(http.send(request, draft.to_string()).await.status, 201);
    app.publish("bob", 2).await;
    // The notification does not come again.
    assert_eq!(listener.next_ns(2).await, [1, 2]);
}
