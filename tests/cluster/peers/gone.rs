//! Clients that are gone without a word (X26).

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use futures_util::future::join_all;

use super::{OPEN, ended, expect_counted};
use crate::{
    app::{App, program, until},
    clients::{
        room::{EVERYWHERE, join},
        sse::Sse,
        ws::Ws,
    },
    engines::{
        host::{Cable, Host},
        proxy::{Fault, Proxy, Target},
    },
    scale::{is_chaos, times},
};

/// By then somebody who is gone is known to be, and what is usual besides.
const KNOWN: Duration = Duration::from_secs(35 + 2);

/// Seconds show it with these, but for event streams, on which the kernel waits for 18 s; `make chaos` plays with the
/// defaults. Those who come first answer nothing until the last is there.
const SHORT: [(&str, &str); 3] =
    [("session.ping_interval", "1s"), ("session.pong_timeout", "5s"), ("session.sse_heartbeat", "1s")];

fn settings() -> Vec<(&'static str, &'static str)> {
    // Somebody who is gone has left without a grace.
    let own = [&OPEN[..], &[("rooms.leave_grace", "0s")]].concat();
    if is_chaos() { own } else { [&own[..], &SHORT].concat() }
}

async fn socket(address: SocketAddr, user: &str) -> Ws {
    Ws::connect(address, "?rooms=chat", &crate::app::token(user, EVERYWHERE, 3600)).await
}

/// Hears these leave: how long each kind took, sockets and streams.
async fn hear_leave(witness: &mut Ws, sockets: usize, streams: usize) -> [Duration; 2] {
    let start = Instant::now();
    let (mut left, mut took) = ([0; 2], [Duration::ZERO; 2]);
    while left != [sockets, streams] {
        assert!(start.elapsed() < KNOWN, "{left:?} have left");
        // It is asked whether it is there, so something comes.
        let event = witness.next().await;
        if event["type"] == "user_left" {
            let kind = usize::from(event["user"].as_str().unwrap().starts_with("stream"));
            left[kind] += 1;
            took[kind] = start.elapsed();
        }
    }
    took
}

/// What log, metric and kernel say of those who are gone: the witness alone is there.
async fn expect_forgotten(app: &App, sockets: usize, streams: usize) {
    let logged = || (ended(app, "no_pong"), ended(app, "gone"));
    until("the log has them", || (logged() == (sockets, streams)).then_some(())).await;
    expect_counted(app, "no_pong", (sockets, 1)).await;
}

#[actix_web::test]
async fn x26_clients_walk_out_of_reach() {
    let Some(host) = Host::start() else { return };
    let settings = [settings(), vec![("http.listen", "0.0.0.0:0")]].concat();
    let mut app = App::start_as(host.command(&program()), &settings);
    let port = app.address.port();
    let [steady, loose] =
        [Cable::Steady, Cable::Loose].map(|cable| SocketAddr::from((host.address(cable), port)));
    app.address = steady;
    let (sockets, streams) = (times(10, 300), times(10, 200));
    let stream = async |n: usize| {
        let token = app.token(&format!("stream{n}"), EVERYWHERE);
        Sse::connect(loose, "?rooms=chat", &token).await
    };
    let _streams = join_all((0..streams).map(stream)).await;
    let _sockets = join_all((0..sockets).map(async |n| socket(loose, &format!("socket{n}")).await)).await;
    let mut witness = Ws::connect(steady, "", &app.token("witness", EVERYWHERE)).await;
    let here = join(&mut witness, "chat").await;
    assert_eq!(here["user_count"], sockets + streams + 1);
    host.unplug();
    let [of_sockets, of_streams] = hear_leave(&mut witness, sockets, streams).await;
    expect_forgotten(&app, sockets, streams).await;
    println!(
        "X26 a cable unplugged: 4012 to {sockets} WebSockets within {of_sockets:.1?}, {streams} event streams ended \
         within {of_streams:.1?}; offline {}, sessions left 0",
        sockets + streams
    );
}

#[actix_web::test]
async fn x26_a_network_swallows_what_clients_and_server_say() {
    let app = App::start_with(&settings());
    let network = Proxy::start(Target::Port(app.address));
    let sockets = times(50, 500);
    let connecting = (0..sockets).map(async |n| socket(network.address, &format!("socket{n}")).await);
    let _gone = join_all(connecting).await;
    let mut witness = socket(app.address, "witness").await;
    while witness.next().await["command"] != "join" {}
    network.set(Fault::BlackHole);
    let [took, _] = hear_leave(&mut witness, sockets, 0).await;
    expect_forgotten(&app, sockets, 0).await;
    println!(
        "X26 a network that swallows: 4012 to {sockets} WebSockets within {took:.1?}; offline {sockets}, sessions left 0"
    );
}
