//! Handshakes and frames byte by byte (RFC 6455): what no client library would send.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::{io::AsyncWriteExt, time::timeout};

use crate::{
    app::{App, DEADLINE},
    clients::raw::{Raw, frame, header},
};

const KEY: &str = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
const VERSION: &str = "Sec-WebSocket-Version: 13\r\n";
const UPGRADE: &str = "Upgrade: websocket\r\nConnection: Upgrade\r\n";

const MESSAGE_BYTES: usize = 64 * 1024;

async fn open(app: &App) -> Raw {
    let mut raw = Raw::connect(app.address).await;
    let authorization = format!("Authorization: Bearer {}\r\n", app.token("alice", ""));
    let head = raw.upgrade("/v1/ws", &authorization).await;
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    raw.read_frame().await;
    raw
}

/// Sends these bytes on a welcomed connection: the code it is closed with. Afterwards its socket is gone and
/// the server still answers.
async fn close_code(app: &App, bytes: &[u8]) -> Option<u16> {
    let mut raw = open(app).await;
    raw.write(bytes).await;
    let code = raw.read_close().await;
    raw.read_to_end().await;
    code
}

async fn handshake(app: &App, request: &str) -> String {
    let mut raw = Raw::connect(app.address).await;
    raw.write(format!("{request}Host: a\r\nAuthorization: Bearer {}\r\n\r\n", app.token("alice", ""))).await;
    raw.read_head().await
}

fn text(message: &Value) -> Vec<u8> {
    frame(0x81, message.to_string().as_bytes())
}

#[actix_web::test]
async fn a_handshake_is_answered_as_rfc_6455_shows_and_negotiates_no_extension() {
    let app = App::start();
    let mut raw = Raw::connect(app.address).await;
    let headers = format!(
        "Authorization: Bearer {}\r\nSec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n",
        app.token("alice", "")
    );
    let head = raw.upgrade("/v1/ws", &headers).await.to_lowercase();
    assert!(head.starts_with("http/1.1 101 "), "{head}");
    assert!(head.contains("sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo=\r\n"), "{head}");
    assert!(head.contains("upgrade: websocket\r\n") && head.contains("connection: upgrade\r\n"), "{head}");
    for absent in
        ["sec-websocket-extensions", "sec-websocket-protocol", "transfer-encoding", "content-length"]
    {
        assert!(!head.contains(absent), "{head}");
    }
}

#[actix_web::test]
async fn b12_another_version_of_the_protocol_is_told_which_one_is_spoken() {
    let mut app = App::start();
    let head =
        handshake(&app, &format!("GET /v1/ws HTTP/1.1\r\n{UPGRADE}{KEY}Sec-WebSocket-Version: 12\r\n"))
            .await
            .to_lowercase();
    assert!(head.starts_with("http/1.1 426 ") && head.contains("sec-websocket-version: 13\r\n"), "{head}");
    app.expect_healthy().await;
}

/// B13, and what the library alone would answer with 101.
#[actix_web::test]
async fn b13_what_is_no_handshake_is_refused() {
    let mut app = App::start();
    for (request, status) in [
        (format!("GET /v1/ws HTTP/1.1\r\n{UPGRADE}{VERSION}"), 400),
        (
            format!("GET /v1/ws HTTP/1.1\r\n{UPGRADE}{VERSION}Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAA\r\n"),
            400,
        ),
        (format!("GET /v1/ws HTTP/1.1\r\n{UPGRADE}{VERSION}{KEY}{KEY}"), 400),
        (format!("GET /v1/ws HTTP/1.1\r\n{UPGRADE}{KEY}"), 400),
        (
            format!("GET /v1/ws HTTP/1.1\r\nUpgrade: notwebsocket\r\nConnection: Upgrade\r\n{VERSION}{KEY}"),
            400,
        ),
        (format!("GET /v1/ws HTTP/1.1\r\nUpgrade: websocket\r\n{VERSION}{KEY}"), 400),
        ("GET /v1/ws HTTP/1.1\r\n".to_owned(), 400),
        (format!("GET /v1/ws HTTP/1.0\r\n{UPGRADE}{VERSION}{KEY}"), 400),
        (format!("POST /v1/ws HTTP/1.1\r\n{UPGRADE}{VERSION}{KEY}"), 405),
    ] {
        let head = handshake(&app, &request).await;
        assert_eq!(head.split(' ').nth(1), Some(status.to_string().as_str()), "{request}\n{head}");
    }
    app.expect_healthy().await;
}

#[actix_web::test]
async fn b15_b16_a_frame_against_the_protocol_is_a_protocol_error() {
    let mut app = App::start();
    let sockets = app.idle_sockets().await;
    let unmasked = b"\x81\x0f{\"type\":\"ping\"}".to_vec();
    for (name, bytes) in [
        ("unmasked", unmasked),
        ("RSV1", frame(0xC1, b"{}")),
        ("RSV2", frame(0xA1, b"{}")),
        ("opcode 0x3", frame(0x83, b"{}")),
        ("opcode 0xB", frame(0x8B, b"")),
        ("a fragmented ping", frame(0x09, b"hello")),
        ("a ping of 126 bytes", frame(0x89, &[b'x'; 126])),
        ("a continuation of nothing", frame(0x80, b"{}")),
        ("a message within a message", [frame(0x01, b"{"), frame(0x81, b"}")].concat()),
    ] {
        assert_eq!(close_code(&app, &bytes).await, Some(1002), "{name}");
    }
    app.expect_sockets(sockets).await;
    app.expect_healthy().await;
}

#[actix_web::test]
async fn b17_text_that_is_not_utf_8_is_refused_as_such() {
    let mut app = App::start();
    for (name, bytes) in [
        ("an overlong NUL", frame(0x81, b"\"\xC0\x80\"")),
        ("a lone surrogate", frame(0x81, b"\"\xED\xA0\x80\"")),
        ("cut in the middle", frame(0x81, b"\"\xE2\x82")),
        ("in fragments", [frame(0x01, b"\"\xE2\x82"), frame(0x80, b"\"")].concat()),
        ("in a message that has not ended", frame(0x01, b"\"\xFF")),
        ("in a frame that has not ended", [header(0x81, 100), b"\"\xFF".to_vec()].concat()),
    ] {
        assert_eq!(close_code(&app, &bytes).await, Some(1007), "{name}");
    }
    app.expect_healthy().await;
}

#[actix_web::test]
async fn a_character_may_be_cut_by_fragments() {
    let app = App::start();
    let mut raw = open(&app).await;
    let message = r#"{"type":"echo","data":"€"}"#.as_bytes();
    let cut = message.len() - 4;
    raw.write(frame(0x01, &message[..cut])).await;
    // A ping may come between the parts, and is answered at once.
    raw.write(frame(0x89, b"now")).await;
    assert_eq!(raw.read_frame().await, (0x8A, b"now".to_vec()));
    raw.write(frame(0x80, &message[cut..])).await;
    let (_, answer) = raw.read_frame().await;
    assert_eq!(serde_json::from_slice::<Value>(&answer).unwrap()["data"], "€");
}

#[actix_web::test]
async fn b18_a_close_frame_that_is_none_is_a_protocol_error() {
    let mut app = App::start();
    for (name, payload, code) in [
        ("1005", &b"\x03\xED"[..], 1002),
        ("1006", b"\x03\xEE", 1002),
        ("1015", b"\x03\xF7", 1002),
        ("999", b"\x03\xE7", 1002),
        ("2999", b"\x0B\xB7", 1002),
        ("5000", b"\x13\x88", 1002),
        ("one byte", b"\x03", 1002),
        ("a reason that is not UTF-8", b"\x03\xE8\xC0\x80", 1007),
    ] {
        assert_eq!(close_code(&app, &frame(0x88, payload)).await, Some(code), "{name}");
    }
    app.expect_healthy().await;
}

/// B19, B20.
#[actix_web::test]
async fn t11_b19_b20_a_message_over_the_limit_is_too_big_in_one_piece_or_in_many() {
    let mut app = App::start();
    let part = MESSAGE_BYTES.div_ceil(9);
    let parts = |count: usize, bytes: usize| {
        let mut message = frame(0x01, &vec![b' '; bytes]);
        message.extend((2..count).flat_map(|_| frame(0x00, &vec![b' '; bytes])));
        message.extend(frame(0x80, &vec![b' '; bytes]));
        message
    };
    for (name, bytes) in [
        ("limit + 1", frame(0x81, &vec![b' '; MESSAGE_BYTES + 1])),
        ("10 fragments", parts(10, part)),
        ("65 fragments", parts(65, 1)),
        ("65 empty fragments", parts(65, 0)),
    ] {
        assert_eq!(close_code(&app, &bytes).await, Some(1009), "{name}");
    }
    // At the limit it is a message, if one that says nothing.
    let mut raw = open(&app).await;
    for message in [frame(0x81, &vec![b' '; MESSAGE_BYTES]), parts(64, 1)] {
        raw.write(message).await;
        let (_, answer) = raw.read_frame().await;
        assert_eq!(serde_json::from_slice::<Value>(&answer).unwrap()["code"], "bad_message");
    }
    app.expect_healthy().await;
}

/// What is declared is not what is kept, however much of it is sent; nor does it help to cut it small.
#[actix_web::test]
async fn t11_neither_giant_frames_nor_endless_small_ones_cost_memory() {
    let lifted = ["limits.sessions_per_user", "limits.sessions_per_ip", "limits.handshakes_per_second"];
    let mut app = App::start_with(&lifted.map(|limit| (limit, "0")));
    let sockets = app.idle_sockets().await;
    let poured = 4 << 20;
    let endless = |first: Vec<u8>, next: Vec<u8>| [first, next.repeat(poured / next.len())].concat();
    let floods = [
        (header(0x81, 1 << 40), 1009),
        (endless(header(0x81, 1 << 30), b"x".to_vec()), 1009),
        (endless(frame(0x01, b"x"), frame(0x00, b"x")), 1009),
        (endless(frame(0x01, b""), frame(0x00, b"")), 1009),
        // Of no use, and so ten are too many.
        (endless(Vec::new(), frame(0x81, b"")), 4501),
        // What could be compressed is not looked at.
        (endless(frame(0xC1, b"x"), frame(0xC0, b"x")), 1002),
    ];
    let pour_all = || join_all(floods.iter().cycle().take(60).map(|(bytes, code)| pour(&app, bytes, *code)));
    // What so many connections take for their buffers at once, the allocator keeps for the next ones, more or less.
    pour_all().await;
    let before = app.memory();
    for _ in 0..3 {
        pour_all().await;
    }
    let grown = app.memory().saturating_sub(before);
    // Of some 600 MiB.
    assert!(grown < 60 * 8 * MESSAGE_BYTES as u64, "{grown} bytes more");
    app.expect_sockets(sockets).await;
    app.expect_healthy().await;
}

/// Sends all of it, or as much as the server lets it, and is closed with this code.
async fn pour(app: &App, bytes: &[u8], code: u16) {
    let mut raw = open(app).await;
    // Who is not listened to any more may be cut off in the middle.
    let _ = timeout(DEADLINE, raw.0.write_all(bytes)).await.expect("the server neither reads nor ends it");
    assert_eq!(raw.read_close().await, Some(code));
}

#[actix_web::test]
async fn what_came_before_a_fault_in_one_piece_with_it_is_answered() {
    let app = App::start();
    let mut raw = open(&app).await;
    let echo = text(&json!({ "type": "echo", "data": 1, "ref": 1 }));
    raw.write([echo, header(0x81, 1 << 40)].concat()).await;
    let (_, answer) = raw.read_frame().await;
    assert_eq!(serde_json::from_slice::<Value>(&answer).unwrap()["type"], "ok");
    assert_eq!(raw.read_close().await, Some(1009));
}

/// Who answers the close frame of a failed connection is not made to wait for those who do not.
#[actix_web::test]
async fn a_failed_connection_is_over_when_the_client_has_closed_too() {
    let app = App::start();
    for fault in [frame(0x89, &[b'x'; 126]), frame(0xC1, b"{}"), frame(0x81, b"\xFF"), frame(0x09, b"part")] {
        let (mut silent, mut polite) = (open(&app).await, open(&app).await);
        for raw in [&mut silent, &mut polite] {
            raw.write(&fault).await;
            raw.read_close().await;
        }
        polite.write(frame(0x88, b"\x03\xEA")).await;
        tokio::select! {
            _ = polite.read_to_end() => {}
            _ = silent.read_to_end() => panic!("the one that says nothing was first"),
        }
    }
}

#[actix_web::test]
async fn b21_a_binary_frame_is_refused() {
    let mut app = App::start();
    assert_eq!(close_code(&app, &frame(0x82, b"{}")).await, Some(1003));
    assert_eq!(close_code(&app, &frame(0x02, b"{}")).await, Some(1003));
    assert_eq!(close_code(&app, &header(0x82, 60_000)).await, Some(1003));
    app.expect_healthy().await;
}

/// A connection that has failed costs no processor while its end is awaited.
#[actix_web::test]
async fn a_failed_connection_is_not_listened_to() {
    let app = App::start();
    let before = app.processor_time();
    let start = Instant::now();
    for bytes in [frame(0xC1, b"{}"), frame(0x83, b""), b"\x81\x00".to_vec()] {
        assert_eq!(close_code(&app, &bytes).await, Some(1002));
    }
    let (spent, elapsed) = (app.processor_time() - before, start.elapsed());
    assert!(spent < elapsed / 4 + Duration::from_millis(200), "{spent:?} of {elapsed:?}");
}

#[actix_web::test]
async fn many_small_frames_in_one_write_are_all_answered_in_order() {
    let app = App::start();
    let mut raw = open(&app).await;
    let commands: Vec<u8> =
        (0..30).flat_map(|n| text(&json!({ "type": "echo", "data": n, "ref": n }))).collect();
    raw.write(commands).await;
    for n in 0..30 {
        let (_, answer) = raw.read_frame().await;
        assert_eq!(serde_json::from_slice::<Value>(&answer).unwrap()["ref"], n);
    }
}
