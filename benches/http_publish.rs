//! Durable publishing over HTTP: the real program, a database of its own with `synchronous=full`, real sockets.
//! It is a file, or a schema of the PostgreSQL server that `TIDINGS_TEST_POSTGRES` names:
//! `FSYNC=on tests/with-postgres cargo bench --bench http_publish`.
//!
//! Prints how many publishes are accepted in a second (each one committed and synced before its 201),
//! and how long one takes, beside how long the disk takes to sync; and how many polls are answered 304 by a server on one core, with the requests of each
//! user counted, and without. The load comes from one thread.

// A benchmark that is wrong may end.
#![allow(clippy::indexing_slicing)]

mod server;

use std::{
    error::Error,
    io::Write,
    net::SocketAddr,
    time::{Duration, Instant},
};

use server::{Outcome, Server, cores, tidings, token};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

const WARM_UP: Duration = Duration::from_millis(500);
const MEASURED: Duration = Duration::from_secs(4);

/// Clients that poll, each of a user of its own.
const POLLERS: usize = 64;

fn main() -> Outcome<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let run =
        |server: &Server, name: &str, connections, per_call, request: &dyn Fn(usize, usize) -> String| {
            runtime.block_on(measure(server.address, connections, request)).map(|figures| {
                figures.print(name, per_call);
            })
        };
    let publisher = token("backend", "notify")?;
    let database = std::env::var("TIDINGS_TEST_POSTGRES").map(|url| format!("store.url={url}"));
    let settings: Vec<&str> = database.iter().map(String::as_str).collect();
    let server = Server::start(tidings(None, &settings))?;
    fsync()?.print("one fsync of this disk", 1);
    run(&server, "publish, 1 publisher, 1 recipient", 1, 1, &|connection, n| {
        publish(&publisher, &[format!("\"u{connection}-{}\"", n % 100)])
    })?;
    run(&server, "publish, 64 publishers, 1 recipient", 64, 1, &|connection, n| {
        publish(&publisher, &[format!("\"u{connection}-{}\"", n % 100)])
    })?;
    run(&server, "publish, 64 publishers, 100 recipients a call", 64, 100, &|connection, n| {
        let users: Vec<String> = (0..100).map(|i| format!("\"u{connection}-{}-{i}\"", n % 10)).collect();
        publish(&publisher, &users)
    })?;
    drop(server);

    let is_split = cores::split_cores();
    // Counted, and never too often; or not counted.
    for (rate, counted) in [("1000000", ""), ("0", ", not counted")] {
        let limits = [format!("limits.requests_per_second={rate}"), format!("limits.requests_burst={rate}")];
        let settings: Vec<&str> = settings.iter().copied().chain(limits.iter().map(String::as_str)).collect();
        let server = Server::start(tidings(is_split.then_some(cores::SERVER_CORE), &settings))?;
        let polls: Vec<String> = (0..POLLERS)
            .map(|user| {
                let poll = poll(&token(&format!("u{user}"), "")?);
                let tag = runtime.block_on(entity_tag(server.address, &poll))?;
                Ok(poll.replace("\r\n\r\n", &format!("\r\nIf-None-Match: {tag}\r\n\r\n")))
            })
            .collect::<Outcome<_>>()?;
        let by = if is_split { " by one core" } else { "" };
        let name = format!("unread polls answered 304{by}{counted}");
        run(&server, &name, POLLERS, 1, &|connection, _| polls[connection].clone())?;
    }
    Ok(())
}

fn poll(token: &str) -> String {
    format!("GET /v1/notifications/unread HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {token}\r\n\r\n")
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
    fn new(mut millis: Vec<f64>) -> Self {
        millis.sort_unstable_by(f64::total_cmp);
        Self { per_second: millis.len() as f64 / MEASURED.as_secs_f64(), millis }
    }

    fn print(&self, name: &str, per_call: u32) {
        let rate = self.per_second * f64::from(per_call);
        let [median, late] = [0.50, 0.99].map(|part| self.percentile(part));
        println!("{name:<50} {rate:>9.0}/s   p50 {median:>7.2} ms   p99 {late:>7.2} ms");
    }

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
    Ok(Figures::new(futures_util::future::try_join_all(clients).await?.concat()))
}

/// What no publish can be faster than: a page behind the end of a file, and the disk that has it.
fn fsync() -> Outcome<Figures> {
    let mut file = tempfile::tempfile()?;
    let (mut millis, begin) = (Vec::new(), Instant::now());
    while begin.elapsed() < MEASURED {
        let start = Instant::now();
        file.write_all(&[0; 4096])?;
        file.sync_data()?;
        millis.push(start.elapsed().as_secs_f64() * 1000.0);
    }
    Ok(Figures::new(millis))
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

async fn entity_tag(address: SocketAddr, poll: &str) -> Outcome<String> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(poll.as_bytes()).await?;
    let head = answer(&mut stream, &mut Vec::new()).await?;
    let tag = head.lines().find_map(|line| line.strip_prefix("etag: "));
    tag.map(str::to_owned).ok_or_else(|| head.clone().into())
}
