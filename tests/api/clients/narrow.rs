//! Clients whose kernel takes in few bytes ahead of them, so that the server feels it when they do not read.

use std::net::SocketAddr;

use serde_json::Value;
use tokio::{
    net::{TcpSocket, TcpStream},
    time::timeout,
};
use tokio_tungstenite::{
    MaybeTlsStream, client_async_with_config,
    tungstenite::{client::IntoClientRequest, protocol::WebSocketConfig},
};

use super::{sse::Sse, ws::Ws};
use crate::app::{App, DEADLINE};

const BUFFER_BYTES: usize = 4096;

async fn open(app: &App) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(BUFFER_BYTES as u32).unwrap();
    timeout(DEADLINE, socket.connect(app.address)).await.unwrap().unwrap()
}

/// A WebSocket that has its `welcome`; what follows comes slowly, and only when it is read.
pub async fn connect(app: &App, user: &str, query: &str) -> Ws {
    let stream = open(app).await;
    let mut request = format!("ws://{}/v1/ws{query}", app.address).into_client_request().unwrap();
    let authorization = format!("Bearer {}", app.token(user, "")).parse().unwrap();
    request.headers_mut().insert("authorization", authorization);
    let config = WebSocketConfig::default().read_buffer_size(BUFFER_BYTES);
    let handshake = client_async_with_config(request, MaybeTlsStream::Plain(stream), Some(config));
    let (socket, _) = timeout(DEADLINE, handshake).await.unwrap().unwrap();
    let mut ws = Ws { socket, welcome: Value::Null };
    ws.welcome = ws.expect("welcome").await;
    ws
}

/// The same over SSE.
pub async fn stream(app: &App, user: &str, query: &str) -> Sse {
    let authorization = format!("Bearer {}", app.token(user, ""));
    let headers = [("Authorization", authorization.as_str())];
    let mut sse = Sse::over(open(app).await, query, &headers).await.unwrap();
    sse.welcome = sse.expect("welcome").await;
    sse
}

/// The client's own address.
pub fn address_of(ws: &Ws) -> SocketAddr {
    match ws.socket.get_ref() {
        MaybeTlsStream::Plain(stream) => stream.local_addr().unwrap(),
        _ => panic!("this is not a plain connection"),
    }
}
