//! A client that sends as fast as it can: it is held back or ended, and costs next to nothing.

use tokio::io::AsyncWriteExt;

use crate::{
    app::{App, until},
    clients::raw::{Raw, frame},
};

/// What the server may grow by for one flooding connection: buffers of a connection, and some slack.
const GROWTH_MAX: u64 = 16 << 20;

/// T11, T12. What is not yet worked off waits in the socket and not in memory.
#[actix_web::test]
async fn a_flood_of_control_frames_ends_with_4009_and_memory_stays_flat() {
    let mut app = App::start();
    let mut raw = Raw::connect(app.address).await;
    let token = app.token("alice", "");
    raw.upgrade("/v1/ws", &format!("Authorization: Bearer {token}\r\n")).await;
    let before = app.memory();
    let pongs = frame(0x8A, b"").repeat(10_000);
    let (mut reader, mut writer) = tokio::io::split(raw.0);
    let flood = actix_web::rt::spawn(async move {
        let mut sent = 0_usize;
        while writer.write_all(&pongs).await.is_ok() {
            sent += pongs.len();
        }
        sent
    });
    let mut most = before;
    let ended = until("the flood is ended", || {
        most = most.max(app.memory());
        flood.is_finished().then_some(())
    });
    let mut said = Vec::new();
    // A reset ends it as a close does.
    let (_, _) = tokio::join!(ended, tokio::io::AsyncReadExt::read_to_end(&mut reader, &mut said));
    let said = String::from_utf8_lossy(&said);
    assert!(said.contains(r#""code":4009"#) && said.contains("rate_limited"), "{said}");
    assert!(flood.await.unwrap() > 0);
    assert!(most - before < GROWTH_MAX, "{} bytes more", most - before);
    app.expect_healthy().await;
}
