//! T12: connections that stand still, over real sockets, with little patience.

use std::time::Instant;

use actix_web::{
    App, HttpResponse, HttpServer,
    dev::{Extensions, ServerHandle},
    middleware::from_fn,
    rt::net::TcpStream,
    web,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpSocket},
};

use super::*;
use crate::{
    http::{crowd::Crowd, held, patience::Patience, socket::on_connect, turn},
    outbox::OutboxPool,
};

const PATIENCE: Patience = Patience {
    answer: Duration::from_millis(400),
    rate: 16 << 10,
    idle: Duration::from_millis(1200),
    head: Duration::from_millis(400),
};

/// More than all buffers on the way hold.
const LARGE: usize = 8 << 20;

const PIECE: usize = 64 << 10;

struct Slow {
    address: SocketAddr,
    handle: ServerHandle,
}

impl Slow {
    fn start() -> Self {
        Self::start_with(PATIENCE)
    }

    fn start_with(patience: Patience) -> Self {
        // Two large answers, and then no more.
        let pool = OutboxPool::new(LARGE);
        let app = move || {
            App::new()
                .app_data(pool.clone())
                .route("/piece", web::get().to(async || HttpResponse::Ok().body(vec![b'x'; PIECE])))
                .route("/large", web::get().to(async || HttpResponse::Ok().body(vec![b'x'; LARGE])))
                .route("/empty", web::get().to(async || HttpResponse::NoContent().finish()))
                .route(
                    "/late",
                    web::get().to(async || {
                        tokio::time::sleep(PATIENCE.idle * 2).await;
                        HttpResponse::Ok().body("late")
                    }),
                )
                .wrap(from_fn(held::hold))
                .wrap(from_fn(turn::keep))
        };
        let server = HttpServer::new(app)
            .workers(1)
            .on_connect(on_connect(Crowd::new(100), patience))
            .bind("127.0.0.1:0")
            .unwrap();
        let address = server.addrs()[0];
        let server = server.disable_signals().run();
        let handle = server.handle();
        actix::spawn(server);
        Self { address, handle }
    }

    /// A client whose kernel takes in little ahead of it.
    async fn connect(&self, asks: &str) -> TcpStream {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4096).unwrap();
        let mut stream = socket.connect(self.address).await.unwrap();
        stream.write_all(get(asks).as_bytes()).await.unwrap();
        stream
    }
}

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n")
}

/// Reads what is there until the server ends the connection, so many bytes at a time and no faster; how many came.
async fn read_on(stream: &mut TcpStream, bytes: usize, pause: Duration) -> usize {
    let read = async {
        let (mut piece, mut sum) = (vec![0; bytes], 0);
        while let Ok(count @ 1..) = stream.read(&mut piece).await {
            sum += count;
            // The pace is what is under test.
            tokio::time::sleep(pause).await;
        }
        sum
    };
    tokio::time::timeout(DEADLINE, read).await.expect("the connection is kept")
}

/// Waits until the server has ended the connection, without reading.
async fn ended(stream: &TcpStream) {
    let wait = async {
        while stream.take_error().unwrap().is_none() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(DEADLINE, wait).await.expect("the connection is kept");
}

#[actix::test]
async fn t12_an_answer_that_nobody_reads_ends_its_connection() {
    let server = Slow::start();
    let stream = server.connect("/large").await;
    ended(&stream).await;
    server.handle.stop(false).await;
}

#[actix::test]
async fn t12_an_answer_that_is_read_at_a_trickle_ends_its_connection() {
    let server = Slow::start();
    let mut stream = server.connect("/large").await;
    let read = read_on(&mut stream, 16, Duration::from_millis(20)).await;
    assert!(read < LARGE / 2, "{read}");
    server.handle.stop(false).await;
}

#[actix::test]
async fn an_answer_that_is_read_slowly_and_steadily_comes_whole() {
    // Longer than a reader rests on a busy machine.
    let patience = Patience { answer: PATIENCE.answer * 5, ..PATIENCE };
    let server = Slow::start_with(patience);
    let mut stream = server.connect("/large").await;
    let start = Instant::now();
    let (mut piece, mut sum) = (vec![0; 64 << 10], 0);
    while sum < LARGE {
        sum += tokio::time::timeout(DEADLINE, stream.read(&mut piece)).await.unwrap().unwrap();
        if start.elapsed() < patience.answer * 2 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
    server.handle.stop(false).await;
}

#[actix::test]
async fn t12_who_asks_on_and_reads_nothing_is_cut_off() {
    let server = Slow::start();
    for path in ["/empty", "/large"] {
        let stream = server.connect(path).await;
        let requests = get(path).repeat(1000);
        let flood = async {
            while let Ok(()) = stream.writable().await
                && !matches!(stream.try_write(requests.as_bytes()), Err(error) if error.kind() != std::io::ErrorKind::WouldBlock)
            {
            }
        };
        tokio::time::timeout(DEADLINE, flood).await.expect("the connection is kept");
    }
    server.handle.stop(false).await;
}

/// What of it has come while the process stood still is read behind the next look.
#[actix::test]
async fn t12_a_first_head_of_which_there_is_always_a_byte_unread_is_spared_once() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    client.write_all(b"G").await.unwrap();
    let (server, _) = listener.accept().await.unwrap();
    let patience = Patience { idle: DEADLINE * 10, ..PATIENCE };
    let (start, mut connection) = (Instant::now(), Extensions::new());
    on_connect(Crowd::new(100), patience)(&server, &mut connection);
    let mut answer = String::new();
    let read = tokio::time::timeout(DEADLINE, client.read_to_string(&mut answer)).await;
    read.expect("the connection is kept").unwrap();
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(start.elapsed() >= patience.head * 3 / 2, "it was not spared");
}

#[actix::test]
async fn t12_a_second_head_that_does_not_end_ends_its_connection() {
    let server = Slow::start();
    let mut stream = server.connect("/empty").await;
    stream.write_all(b"GET /empty HTTP/1.1\r\nX").await.unwrap();
    let drip = async {
        while stream.write_all(b"x").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(DEADLINE, drip).await.expect("the connection is kept");
    server.handle.stop(false).await;
}

#[actix::test]
async fn t12_a_second_head_has_its_own_time_and_not_that_of_an_idle_connection() {
    let server = Slow::start_with(Patience { idle: DEADLINE * 10, ..PATIENCE });
    let mut stream = server.connect("/empty").await;
    let mut answer = [0; 1024];
    assert!(stream.read(&mut answer).await.unwrap() > 0);
    // Nothing has begun yet.
    tokio::time::sleep(PATIENCE.head * 3).await;
    stream.write_all(get("/empty").as_bytes()).await.unwrap();
    assert!(stream.read(&mut answer).await.unwrap() > 0);
    stream.write_all(b"GET /empty HTTP/1.1\r\nX").await.unwrap();
    ended(&stream).await;
    server.handle.stop(false).await;
}

#[actix::test]
async fn who_waits_for_an_answer_and_who_asks_now_and_then_is_left_alone() {
    // Less than the answer takes, and more than who asks now and then rests on a busy machine.
    let server = Slow::start_with(Patience { idle: PATIENCE.idle * 5 / 3, ..PATIENCE });
    let mut stream = server.connect("/late").await;
    let mut answer = [0; 1024];
    for _ in 0..4 {
        let count = tokio::time::timeout(DEADLINE, stream.read(&mut answer)).await.unwrap().unwrap();
        assert!(
            answer[..count].starts_with(b"HTTP/1.1 20"),
            "{:?}",
            String::from_utf8_lossy(&answer[..count])
        );
        tokio::time::sleep(PATIENCE.answer * 2).await;
        stream.write_all(get("/empty").as_bytes()).await.unwrap();
    }
    server.handle.stop(false).await;
}

#[actix::test]
async fn t12_an_answer_has_a_time_as_a_whole() {
    let server = Slow::start_with(Patience { rate: (LARGE * 16) as u64, ..PATIENCE });
    let mut stream = server.connect("/large").await;
    let read = read_on(&mut stream, PIECE, Duration::from_millis(20)).await;
    assert!(read < LARGE, "{read}");
    server.handle.stop(false).await;
}

#[actix::test]
async fn t12_large_answers_that_wait_are_bounded_together_and_make_room() {
    let server = Slow::start_with(Patience { answer: DEADLINE / 2, ..PATIENCE });
    let begins = async |path: &str| {
        let mut stream = server.connect(path).await;
        let mut head = [0; 512];
        let count = tokio::time::timeout(DEADLINE, stream.read(&mut head)).await.unwrap().unwrap();
        (String::from_utf8_lossy(&head[..count]).into_owned(), stream)
    };
    let waiting = [begins("/large").await, begins("/large").await];
    assert!(waiting.iter().all(|(head, _)| head.starts_with("HTTP/1.1 200")), "{waiting:?}");
    let (third, _) = begins("/large").await;
    assert!(third.starts_with("HTTP/1.1 503") && third.contains("retry-after"), "{third}");
    assert!(begins("/empty").await.0.starts_with("HTTP/1.1 204"));
    for (_, stream) in &waiting {
        ended(stream).await;
    }
    let again = async {
        while !begins("/large").await.0.starts_with("HTTP/1.1 200") {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(DEADLINE, again).await.expect("no room is made");
    server.handle.stop(false).await;
}

/// The library does not sleep behind more requests than it reads ahead.
#[actix::test]
async fn t12_who_asks_far_ahead_and_takes_a_little_now_and_then_is_cut_off() {
    let server = Slow::start_with(Patience { answer: DEADLINE * 4, ..PATIENCE });
    let stream = server.connect("/piece").await;
    let requests = get("/piece").repeat(5000);
    let (mut stream, mut sink) = stream.into_split();
    let asks = async { while sink.write_all(requests.as_bytes()).await.is_ok() {} };
    let takes = async {
        let mut piece = vec![0; PIECE];
        while let Ok(1..) = stream.read(&mut piece).await {
            tokio::time::sleep(Duration::from_millis(150)).await;
        }
    };
    let both = async { tokio::join!(asks, takes) };
    tokio::time::timeout(DEADLINE, both).await.expect("the connection is kept");
    server.handle.stop(false).await;
}

#[actix::test]
async fn who_asks_a_few_ahead_and_takes_the_answers_slowly_gets_them_all() {
    const COUNT: usize = 16;
    let server = Slow::start_with(Patience { answer: DEADLINE, ..PATIENCE });
    let mut stream = server.connect("/piece").await;
    stream.write_all(get("/piece").repeat(COUNT - 1).as_bytes()).await.unwrap();
    let (mut piece, mut sum) = (vec![0; PIECE], 0);
    while sum < COUNT * PIECE {
        let count = tokio::time::timeout(DEADLINE, stream.read(&mut piece)).await.unwrap().unwrap();
        assert!(count > 0, "cut off after {sum}");
        sum += count;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    server.handle.stop(false).await;
}
