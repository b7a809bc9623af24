//! A client of `GET /v1/sse` of our own: HTTP/1.1 and its chunks by hand, a strict parser, and words for tests.
//!
//! Each event is held to what PROTOCOL.md section 4 says of all: its name, and that it has an id if, and only
//! if, it has a position.

use std::{collections::BTreeMap, net::SocketAddr};

use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use super::{
    event_stream::{Event, Parser},
    raw::field,
    ws::is_numbered,
};
use crate::app::{App, DEADLINE};

pub struct Sse {
    pub stream: TcpStream,
    pub status: u16,
    head: String,
    /// The length of the body, where it was told; else it comes in chunks.
    length: Option<usize>,
    /// What has come and is no whole chunk yet.
    undecoded: Vec<u8>,
    /// The decoded body, all of it.
    pub body: Vec<u8>,
    pub parser: Parser,
    /// The last chunk has come: the server has ended the stream, and nobody has cut it.
    is_ended: bool,
    /// `?event=message` was asked for.
    is_unnamed: bool,
    /// Where a browser would come back to after the last event that was taken here.
    last_id: String,
    /// Empty before it has come.
    pub welcome: Value,
}

impl Sse {
    /// Connects with a token in the header and waits for the `welcome`.
    pub async fn connect(address: SocketAddr, query: &str, token: &str) -> Self {
        let authorization = format!("Bearer {token}");
        let mut sse = Self::open(address, query, &[("Authorization", &authorization)]).await;
        assert_eq!(sse.status, 200, "{}", sse.head);
        sse.welcome = sse.expect("welcome").await;
        sse
    }

    /// Connects with these headers; a refusal is a stream of another status.
    pub async fn open(address: SocketAddr, query: &str, headers: &[(&str, &str)]) -> Self {
        Self::try_open(address, query, headers).await.unwrap()
    }

    /// The same while the server may be away.
    pub async fn try_open(
        address: SocketAddr,
        query: &str,
        headers: &[(&str, &str)],
    ) -> std::io::Result<Self> {
        let stream = timeout(DEADLINE, TcpStream::connect(address)).await.expect("no connection in time")?;
        Self::over(stream, query, headers).await
    }

    /// Asks for the stream over a connection that is there already.
    pub async fn over(mut stream: TcpStream, query: &str, headers: &[(&str, &str)]) -> std::io::Result<Self> {
        let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let host = stream.peer_addr()?;
        let request = format!("GET /v1/sse{query} HTTP/1.1\r\nHost: {host}\r\n{headers}\r\n");
        timeout(DEADLINE, stream.write_all(request.as_bytes())).await.expect("nobody reads")?;
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(timeout(DEADLINE, stream.read_u8()).await.expect("no answer in time")?);
        }
        let head = String::from_utf8(head).unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let length = field(&head, "Content-Length").map(|length| length.parse().unwrap());
        assert_ne!(length.is_some(), field(&head, "Transfer-Encoding") == Some("chunked"), "{head}");
        Ok(Self {
            stream,
            status,
            head,
            length,
            undecoded: Vec::new(),
            body: Vec::new(),
            parser: Parser::default(),
            is_ended: false,
            is_unnamed: query.contains("event=message"),
            last_id: String::new(),
            welcome: Value::Null,
        })
    }

    /// A header of the answer.
    pub fn header(&self, name: &str) -> Option<&str> {
        field(&self.head, name)
    }

    /// The cursor behind the last event that was taken.
    pub fn last_id(&self) -> &str {
        &self.last_id
    }

    /// The next event, as it was dispatched.
    pub async fn next_event(&mut self) -> Event {
        match self.try_next_event().await {
            Some(event) => event,
            None => panic!("the stream has ended"),
        }
    }

    /// The next event, or none where the stream ends. Nothing is lost by giving up while it waits.
    pub async fn try_next_event(&mut self) -> Option<Event> {
        // Comments are no sign that an event will come.
        let event = timeout(DEADLINE, async {
            loop {
                match self.parser.next() {
                    Some(event) => return Some(event),
                    None if !self.read().await => return None,
                    None => {}
                }
            }
        });
        let event = event.await.expect("nothing comes")?;
        self.judge(&event);
        self.last_id = event.id.clone().unwrap_or_else(|| self.last_id.clone());
        Some(event)
    }

    pub async fn next(&mut self) -> Value {
        self.next_event().await.json()
    }

    pub async fn try_next(&mut self) -> Option<Value> {
        self.try_next_event().await.map(|event| event.json())
    }

    /// The next event with an id; what is told beside the streams, at any time, is passed over.
    pub async fn next_with_id(&mut self) -> Event {
        loop {
            let event = self.next_event().await;
            if event.id.is_some() {
                return event;
            }
        }
    }

    /// The next events, whatever they are.
    pub async fn next_many(&mut self, count: usize) -> Vec<Value> {
        let mut events = Vec::with_capacity(count);
        while events.len() < count {
            events.push(self.next().await);
        }
        events
    }

    /// The next event of this type; others before it are passed over, but for errors.
    pub async fn expect(&mut self, event_type: &str) -> Value {
        loop {
            let event = self.next().await;
            if event["type"] == event_type {
                return event;
            }
            assert_ne!(event["type"], "error", "{event}");
        }
    }

    /// The next part of the inbox: a notification, a `skip` or a `gap`.
    pub async fn next_numbered(&mut self) -> Value {
        loop {
            let event = self.next().await;
            if is_numbered(&event) {
                return event;
            }
        }
    }

    /// The numbers `n` of the next notifications.
    pub async fn next_ns(&mut self, count: usize) -> Vec<u64> {
        let mut ns = Vec::with_capacity(count);
        while ns.len() < count {
            let event = self.next_numbered().await;
            ns.push(event["payload"]["n"].as_u64().unwrap_or_else(|| panic!("{event}")));
        }
        ns
    }

    /// Waits for one more comment; no event may come before it.
    pub async fn heartbeat(&mut self) {
        let before = self.parser.comments;
        while self.parser.comments == before {
            assert!(timeout(DEADLINE, self.read()).await.expect("nothing comes"), "the stream has ended");
            assert_eq!(self.parser.next(), None);
        }
    }

    /// Reads to the end, which must be the server's own: the `goodbye`, if there was one. Behind it comes
    /// nothing but a `retry:`.
    pub async fn farewell(&mut self) -> Option<Value> {
        let mut goodbye: Option<Value> = None;
        while let Some(event) = self.try_next().await {
            assert_eq!(goodbye, None, "{event} after the goodbye");
            goodbye = (event["type"] == "goodbye").then_some(event);
        }
        assert!(self.is_ended && self.parser.is_between_events(), "cut instead of ended");
        goodbye
    }

    /// Reads what there is and decodes it; whether there may be more.
    async fn read(&mut self) -> bool {
        if self.is_ended {
            return false;
        }
        // A reset ends it as a close does.
        let count = self.stream.read_buf(&mut self.undecoded).await.unwrap_or(0);
        let from = self.body.len();
        match self.length {
            Some(length) => {
                self.body.append(&mut self.undecoded);
                self.is_ended = self.body.len() == length;
            }
            None => while !self.is_ended && self.decode_chunk() {},
        }
        self.parser.feed(&self.body[from..]);
        count > 0
    }

    /// Decodes one chunk (RFC 9112 section 7.1), if all of it is here.
    fn decode_chunk(&mut self) -> bool {
        let Some(line) = self.undecoded.windows(2).position(|bytes| bytes == b"\r\n") else { return false };
        let size = std::str::from_utf8(&self.undecoded[..line]).unwrap();
        let (start, size) =
            (line + 2, usize::from_str_radix(size, 16).unwrap_or_else(|_| panic!("{size:?}")));
        let Some(end) = self.undecoded.get(start + size..start + size + 2) else { return false };
        assert_eq!(end, b"\r\n");
        self.body.extend_from_slice(&self.undecoded[start..start + size]);
        self.undecoded.drain(..start + size + 2);
        self.is_ended = size == 0;
        true
    }

    fn judge(&self, event: &Event) {
        let json = event.json();
        let event_type = json["type"].as_str().unwrap_or_else(|| panic!("{event:?}"));
        assert_ne!(event_type, "ping", "heartbeats are comments");
        let name = match event_type {
            "message" => json["event"].as_str().unwrap_or("message"),
            "error" => "problem",
            other => other,
        };
        let expected = if self.is_unnamed { None } else { Some(name) };
        assert_eq!(event.name.as_deref(), expected, "{event:?}");

        match (stands_at(&json), &event.id) {
            (None, None) => {}
            (Some((stream, Some(position))), Some(id)) => {
                assert_eq!(cursor(id).get(stream).map(String::as_str), Some(position), "{event:?}");
            }
            // Where it stands is told by what was asked.
            (Some((_, None)), Some(_)) => {}
            _ => panic!("an id where there should be none, or none where there should be one: {event:?}"),
        }
    }
}

/// The stream that an event moves, and the position it moves to where the event alone says it.
fn stands_at(event: &Value) -> Option<(&str, Option<&str>)> {
    let text = |field: &str| event[field].as_str();
    match event["type"].as_str()? {
        "welcome" => Some(("inbox", None)),
        "ok" => Some((text("room")?, None)),
        "skip" | "gap" => Some((text("stream")?, text("to"))),
        "message" => Some((text("room")?, text("position"))),
        dotted if dotted.contains('.') => Some(("inbox", text("position"))),
        _ => None,
    }
}

/// The positions of a cursor, by their streams.
pub fn cursor(text: &str) -> BTreeMap<String, String> {
    let positions = text.split(',').map(|part| {
        let (stream, position) = part.rsplit_once('@').unwrap_or_else(|| panic!("no cursor: {text:?}"));
        (stream.to_owned(), position.to_owned())
    });
    positions.collect()
}

/// A stream of a user with these scopes.
pub async fn stream(app: &App, user: &str, scope: &str, query: &str) -> Sse {
    Sse::connect(app.address, query, &app.token(user, scope)).await
}
