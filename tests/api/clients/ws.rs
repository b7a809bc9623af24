//! A WebSocket client that is not ours (tungstenite), with words for tests.

use std::net::SocketAddr;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{
        Error, Message,
        client::IntoClientRequest,
        handshake::client::Response,
        http::{HeaderName, HeaderValue, Request},
    },
};

use crate::app::DEADLINE;

pub struct Ws {
    pub socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    /// Empty before it has come.
    pub welcome: Value,
}

impl Ws {
    /// Connects with a token in the header and waits for the `welcome`.
    pub async fn connect(address: SocketAddr, query: &str, token: &str) -> Self {
        let authorization = format!("Bearer {token}");
        let mut ws = Self::open(address, query, &[("authorization", &authorization)]).await.unwrap();
        ws.welcome = ws.expect("welcome").await;
        ws
    }

    /// Connects with these headers; the error holds the answer of a refused handshake.
    pub async fn open(address: SocketAddr, query: &str, headers: &[(&str, &str)]) -> Result<Self, Error> {
        let (ws, _) = Self::handshake(address, &format!("/v1/ws{query}"), headers).await?;
        Ok(ws)
    }

    pub async fn handshake(
        address: SocketAddr,
        path: &str,
        headers: &[(&str, &str)],
    ) -> Result<(Self, Response), Error> {
        let mut request: Request<()> = format!("ws://{address}{path}").into_client_request().unwrap();
        for (name, value) in headers {
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            request.headers_mut().append(name, HeaderValue::from_str(value).unwrap());
        }
        let (socket, response) = timeout(DEADLINE, connect_async(request)).await.unwrap()?;
        Ok((Self { socket, welcome: Value::Null }, response))
    }

    /// How a handshake is refused: status, `WWW-Authenticate`, body.
    pub async fn refusal(
        address: SocketAddr,
        query: &str,
        headers: &[(&str, &str)],
    ) -> (u16, Option<String>, Value) {
        match Self::open(address, query, headers).await {
            Err(Error::Http(response)) => {
                let challenge = response.headers().get("www-authenticate");
                let challenge = challenge.map(|value| value.to_str().unwrap().to_owned());
                let body = serde_json::from_slice(response.body().as_deref().unwrap_or_default()).unwrap();
                (response.status().as_u16(), challenge, body)
            }
            Err(error) => panic!("{error}"),
            Ok(_) => panic!("the handshake was accepted"),
        }
    }

    pub async fn send(&mut self, command: Value) {
        self.send_text(&command.to_string()).await;
    }

    pub async fn send_text(&mut self, text: &str) {
        timeout(DEADLINE, self.socket.send(Message::text(text))).await.unwrap().unwrap();
    }

    /// The next event, whatever it is.
    pub async fn next(&mut self) -> Value {
        match self.try_next().await {
            Ok(event) => event,
            Err(end) => panic!("the connection has ended: {end:?}"),
        }
    }

    /// The next event as it was written.
    pub async fn next_text(&mut self) -> String {
        loop {
            match timeout(DEADLINE, self.socket.next()).await.expect("nothing comes") {
                Some(Ok(Message::Text(text))) => return text.to_string(),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                end => panic!("the connection has ended: {end:?}"),
            }
        }
    }

    /// The next event, or how the connection ended: the close code, or none for a cut.
    pub async fn try_next(&mut self) -> Result<Value, Option<u16>> {
        loop {
            let message = timeout(DEADLINE, self.socket.next()).await.expect("nothing comes");
            match message {
                Some(Ok(Message::Text(text))) => return Ok(serde_json::from_str(&text).unwrap()),
                Some(Ok(Message::Close(frame))) => return Err(frame.map(|frame| frame.code.into())),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Err(None),
            }
        }
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

    /// The next part of the stream: a notification, a `skip` or a `gap`.
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

    /// Sends a command with a ref and awaits its `ok` or `error`.
    pub async fn ask(&mut self, mut command: Value) -> Value {
        command["ref"] = json!("test");
        self.send(command).await;
        loop {
            let event = self.next().await;
            if event["ref"] == "test" {
                return event;
            }
        }
    }

    /// Reads to the end; the close code, or none for a cut.
    pub async fn end(&mut self) -> Option<u16> {
        loop {
            if let Err(end) = self.try_next().await {
                return end;
            }
        }
    }

    /// Reads to the close frame: the `goodbye` before it, if there was one, its code and its reason.
    pub async fn farewell(&mut self) -> (Option<Value>, u16, String) {
        let mut goodbye = None;
        loop {
            match timeout(DEADLINE, self.socket.next()).await.expect("nothing comes") {
                Some(Ok(Message::Text(text))) => {
                    let event: Value = serde_json::from_str(&text).unwrap();
                    goodbye = (event["type"] == "goodbye").then_some(event).or(goodbye);
                }
                Some(Ok(Message::Close(Some(frame)))) => {
                    return (goodbye, frame.code.into(), frame.reason.to_string());
                }
                Some(Ok(Message::Close(None))) => panic!("a close without a code"),
                Some(Ok(_)) => {}
                cut => panic!("cut instead of closed: {cut:?}"),
            }
        }
    }

    /// Fails unless the server now closes the connection.
    pub async fn expect_cut(&mut self) {
        while let Some(Ok(_)) = timeout(DEADLINE, self.socket.next()).await.expect("it stays open") {}
    }
}

/// Whether an event has a number in a stream.
pub fn is_numbered(event: &Value) -> bool {
    let event_type = event["type"].as_str().unwrap_or_default();
    event_type.contains('.') || event_type == "skip" || event_type == "gap"
}
