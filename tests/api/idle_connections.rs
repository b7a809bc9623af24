//! Connections that ask nothing more (T12): a few of them may wait, and all of them shut nobody out.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use tokio::{io::AsyncReadExt, time::timeout};

use crate::{
    app::{App, DEADLINE},
    clients::raw::{Raw, field},
    engines::bound,
};

const GET: &str = "GET /health HTTP/1.1\r\nHost: a\r\n\r\n";

/// How long somebody may wait while another one takes whatever becomes free.
const TURN: Duration = Duration::from_secs(10);

/// Asks once from this address, and keeps the connection.
async fn ask(app: &App, source: [u8; 4]) -> (Raw, String) {
    let mut raw = Raw::connect_from(source.into(), app.address).await;
    raw.write(GET).await;
    let head = raw.read_head().await;
    (raw, head)
}

#[actix_web::test]
async fn t12_one_address_with_all_connections_shuts_nobody_out() {
    let mut command = bound("KILL", "prlimit");
    command.env_clear().args(["--nofile=300", env!("CARGO_BIN_EXE_tidings")]);
    let mut app = App::start_as(command, &[("store.pool_size", "32")]);
    let (mut raw, head) = ask(&app, [127, 0, 0, 2]).await;
    assert_eq!(field(&head, "Connection"), None, "{head}");

    // More than there is room for, and all at once; every second one does not even ask.
    let crowd = join_all((0..300).map(async |n| {
        let mut raw = Raw::connect_from([127, 0, 0, 1].into(), app.address).await;
        if n % 2 == 0 {
            raw.write(GET).await;
        }
        raw
    }));
    let crowd = crowd.await;
    let start = Instant::now();
    let (_, head) = ask(&app, [127, 0, 0, 2]).await;
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    assert!(start.elapsed() < TURN, "{:?}", start.elapsed());
    // Who was there before and asks nothing makes room as well.
    let _ = timeout(DEADLINE, raw.0.read_to_end(&mut Vec::new())).await.expect("it is kept");
    let files =
        app.logs().into_iter().filter(|line| line.contains("second handle") || line.contains("os error 24"));
    assert_eq!(files.collect::<Vec<_>>(), [""; 0], "no file was missing");
    drop(crowd);
    app.expect_healthy().await;
}

#[actix_web::test]
async fn t12_b52_a_second_head_that_does_not_come_is_given_up_as_the_first_is() {
    let mut app = App::start_with(&[("http.head_timeout", "1s")]);
    let (mut raw, _) = ask(&app, [127, 0, 0, 1]).await;
    let mut body = [0; 11];
    raw.0.read_exact(&mut body).await.unwrap();
    raw.write(&GET[..20]).await;
    // Long before an idle connection ends.
    assert_eq!(raw.read_to_end().await, b"");
    app.expect_healthy().await;
}
