//! Clients that have nothing to say and say it all the same; and those that ask again at once, whatever they are told.

use std::time::Duration;

use futures_util::future::join_all;
use tokio::{
    io::AsyncWriteExt,
    net::TcpStream,
    time::{Instant, timeout, timeout_at},
};

use crate::{
    app::{App, DEADLINE},
    clients::poll::Poll,
};

/// The server's HTTP library reads on while an answer lasts, and buffers what it reads.
#[actix_web::test]
async fn a_client_that_goes_on_sending_on_a_stream_or_a_poll_is_cut_off() {
    let mut app = App::start();
    app.publish("alice", 1).await;
    for path in ["/v1/sse", "/v1/poll?since=inbox@00000000.0&wait=60", "/v1/notifications/unread?wait=60"] {
        let mut poll = Poll::start(&app, "alice", "", "").await;
        let path = if path.starts_with("/v1/poll") { poll.path(60) } else { path.to_owned() };
        let mut stream = TcpStream::connect(app.address).await.unwrap();
        let token = app.token("alice", "");
        let head = format!("GET {path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\n\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        let more = "GET /health HTTP/1.1\r\nHost: a\r\n\r\n".repeat(1000);
        let flooding = async { while stream.write_all(more.as_bytes()).await.is_ok() {} };
        timeout(DEADLINE, flooding).await.unwrap_or_else(|_| panic!("{path} is not cut off"));
        app.publish("alice", 2).await;
        assert!(!poll.next(0).await.is_empty(), "others are served");
    }
    app.expect_healthy().await;
}

#[actix_web::test]
async fn a_server_whose_polls_are_asked_again_at_once_stops_in_its_time() {
    let mut app = App::start_with(&[("shutdown.drain", "1s")]);
    let mut polls = Vec::new();
    for n in 0..30 {
        polls.push(Poll::start(&app, &format!("user{n}"), "", "").await);
    }
    let end = Instant::now() + DEADLINE;
    let asking = polls.iter_mut().map(|poll| async move {
        // Until nobody answers any more.
        while let Ok(Some(_)) = timeout_at(end, poll.try_next(60)).await {}
    });
    let stopping = async {
        tokio::task::yield_now().await;
        app.signal("-TERM");
        assert!(timeout(DEADLINE, app.ended()).await.unwrap().success());
    };
    futures_util::future::join(join_all(asking), stopping).await;
    assert!(Instant::now() < end + Duration::from_secs(1));
}
