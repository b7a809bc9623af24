//! One event stream of a listener (WHATWG HTML, section 9.2 "Server-sent events"), from request to end.

use std::time::{Duration, Instant};

use awc::http::header::ACCEPT;
use bytes::BytesMut;
use futures_util::StreamExt as _;

use super::{
    connection::{Past, get, tell},
    follower::Follower,
    reconnect::End,
};
use crate::cli::{Failure, output::Form, server::ANSWER_TIMEOUT};

/// Largest line taken, in bytes: many times the largest notification.
const LINE_MAX: usize = 1 << 20;

/// Follows until the stream ends; prints what comes, in the form asked for.
///
/// # Errors
/// Where nobody reads the output, and where the token is another user's.
pub async fn follow(base: &str, token: &str, follower: &mut Follower, form: Form) -> Result<Past, Failure> {
    let client = awc::Client::builder().timeout(ANSWER_TIMEOUT).disable_redirects().finish();
    let request = get(&client, format!("{base}/v1/sse{}", follower.query()), token);
    let over = |end| Ok(Past { end, held: Duration::ZERO });
    let mut response = match request.insert_header((ACCEPT, "text/event-stream")).send().await {
        Ok(response) if response.status().is_success() => response,
        Ok(response) => return over(End::Refused { status: response.status().as_u16() }),
        Err(error) => return over(End::Lost(error.to_string())),
    };
    let start = Instant::now();
    let mut events = Events::default();
    let end = loop {
        let piece = match tokio::time::timeout(follower.patience(), response.next()).await {
            Err(_) => break End::Lost("no sign of life from the server".to_owned()),
            Ok(None) => break End::Lost("the connection was cut".to_owned()),
            Ok(Some(Err(error))) => break End::Lost(error.to_string()),
            Ok(Some(Ok(piece))) => piece,
        };
        events.buffer.extend_from_slice(&piece);
        while let Some(event) = events.next() {
            tell(follower, &event, form)?;
        }
        if events.buffer.len() > LINE_MAX {
            break End::Lost("a line of the stream is too long".to_owned());
        }
    };
    let end = follower.take_goodbye().map_or(end, |(code, reason)| End::Closed { code, reason });
    Ok(Past { end, held: start.elapsed() })
}

/// The data of events, out of the bytes of a stream. The server writes lines that end in LF alone; names, ids
/// and times to wait are in the events themselves.
#[derive(Default)]
struct Events {
    buffer: BytesMut,
    data: String,
}

impl Events {
    fn next(&mut self) -> Option<String> {
        while let Some(end) = self.buffer.iter().position(|byte| *byte == b'\n') {
            let line = self.buffer.split_to(end + 1);
            let line = String::from_utf8_lossy(&line);
            let line = line.trim_end_matches('\n');
            if let Some(data) = line.strip_prefix("data:") {
                self.data.push_str(data.strip_prefix(' ').unwrap_or(data));
                self.data.push('\n');
            } else if line.is_empty() && !self.data.is_empty() {
                let mut data = std::mem::take(&mut self.data);
                data.truncate(data.len() - 1);
                return Some(data);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_its_lines_of_data_however_the_bytes_come() {
        let stream = ":\n\nretry: 1\n\nevent: a.b\ndata: {\"x\":\ndata: 1}\nid: inbox@k3x9q2ab.1\n\ndata: {}\n\ndata: cut";
        for size in 1..=stream.len() {
            let mut events = Events::default();
            let mut told = Vec::new();
            for piece in stream.as_bytes().chunks(size) {
                events.buffer.extend_from_slice(piece);
                told.extend(std::iter::from_fn(|| events.next()));
            }
            assert_eq!(told, ["{\"x\":\n1}", "{}"], "{size}");
        }
    }
}
