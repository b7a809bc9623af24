//! Durable publishing over HTTP: the real program, a database of its own with `synchronous=full`, real sockets.
//!
//! Prints how many publishes are accepted in a second (each one committed and synced before its 201),
//! and how long one takes; and how many polls are answered 304. The load comes from one thread.

mod server;

use std::{
    error::Error,
    net::SocketAddr,
    time::{Duration, Instant},
};

use server::{Outcome, Server, tidings, token};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

const WARM_UP: Duration = Duration::from_millis(500);
const MEASURED: Duration = Duration::from_secs(4);

fn main() -> Outcome<()> {
    let server = Server::start(tidings(None, &[]))?;
    let address = server.address;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let publisher = token("backend", "notify")?;
    let run = |name: &str, connections: usize, per_call: usize, request: &dyn Fn(usize, usize) -> String| {
        runtime.block_on(measure(address, connections, request)).map(|figures| {
            let rate = figures.per_second * per_call as f64;
            println!(
                "{name:<44} {rate:>9.0}/s   p50 {:>7.2} ms   p99 {:>7.2} ms",
                figures.percentile(0.50),
                figures.percentile(0.99)
            );
        })
    };
    run("publish, 1 publisher, 1 recipient", 1, 1, &|connection, n| {
        publish(&publisher, &[format!("\"u{connection}-{}\"", n % 100)])
    })?;
    run("publish, 64 publishers, 1 recipient", 64, 1, &|connection, n| {
        publish(&publisher, &[format!("\"u{connection}-{}\"", n % 100)])
    })?;
    run("publish, 64 publishers, 100 recipients a call", 64, 100, &|connection, n| {
        let users: Vec<String> = (0..100).map(|i| format!("\"u{connection}-{}-{i}\"", n % 10)).collect();
        publish(&publisher, &users)
    })?;
    let reader = token("u1-1", "")?;
    let tag = runtime.block_on(entity_tag(address, &reader))?;
    run("unread poll answered 304, 64 connections", 64, 1, &|_, _| {
        format!(
            "GET /v1/notifications/unread HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {reader}\r\n\
             If-None-Match: {tag}\r\n\r\n"
        )
    })?;
    Ok(())
}

fn publish(token: &str, users: &[String]) -> String {
    let body = format!(
        r#"{{"to":[{}],"type":"order.shipped","payload":{{"order_id":4711,"tracking":"1Z999AA10123456784","note":"left at the door"}}}}"#,
        users.join(",")
    );
    format!(
        "POST /v1/notifications HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

struct Figures {
    per_second: f64,
    millis: Vec<f64>,
}

impl Figures {
    fn percentile(&self, part: f64) -> f64 {
        let place = ((self.millis.len() as f64 - 1.0) * part).round() as usize;
        self.millis.get(place).copied().unwrap_or(f64::NAN)
    }
}

/// Every connection sends its next request when it has the answer to the last.
async fn measure(
    address: SocketAddr,
    connections: usize,
    request: &dyn Fn(usize, usize) -> String,
) -> Outcome<Figures> {
    let begin = Instant::now() + WARM_UP;
    let end = begin + MEASURED;
    let clients = (0..connections).map(|connection| async move {
        let mut stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (mut millis, mut buffer, mut n) = (Vec::new(), Vec::new(), 0);
        loop {
            let sent = Instant::now();
            if sent >= end {
                return Ok::<_, Box<dyn Error>>(millis);
            }
            stream.write_all(request(connection, n).as_bytes()).await?;
            let head = answer(&mut stream, &mut buffer).await?;
            if !head.starts_with("HTTP/1.1 201") && !head.starts_with("HTTP/1.1 304") {
                return Err(head.into());
            }
            if sent >= begin {
                millis.push(sent.elapsed().as_secs_f64() * 1000.0);
            }
            n += 1;
        }
    });
    let mut millis: Vec<f64> = futures_util::future::try_join_all(clients).await?.concat();
    millis.sort_unstable_by(f64::total_cmp);
    Ok(Figures { per_second: millis.len() as f64 / MEASURED.as_secs_f64(), millis })
}

/// Reads one answer with its body; the head of it.
async fn answer(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Outcome<String> {
    buffer.clear();
    loop {
        if stream.read_buf(buffer).await? == 0 {
            return Err("the server has closed".into());
        }
        let text = String::from_utf8_lossy(buffer);
        let Some((head, _)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| {
            line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse::<usize>().ok()
        });
        if buffer.len() >= head.len() + 4 + length.unwrap_or(0) {
            return Ok(head.to_owned());
        }
    }
}

async fn entity_tag(address: SocketAddr, token: &str) -> Outcome<String> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!(
        "GET /v1/notifications/unread HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {token}\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await?;
    let head = answer(&mut stream, &mut Vec::new()).await?;
    let tag = head.lines().find_map(|line| line.strip_prefix("etag: "));
    tag.map(str::to_owned).ok_or_else(|| head.clone().into())
}
