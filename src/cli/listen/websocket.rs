//! One WebSocket connection of a listener, from handshake to end.

use std::time::{Duration, Instant};

use awc::{
    error::WsClientError,
    http::header::AUTHORIZATION,
    ws::{CloseCode, CloseReason, Frame, Message},
};
use futures_util::{SinkExt as _, StreamExt as _};

use super::{
    connection::{Past, tell},
    follower::Follower,
    reconnect::End,
};
use crate::cli::{Failure, output::Form, server::ANSWER_TIMEOUT};

/// Largest frame taken, in bytes: many times the largest notification.
const FRAME_MAX: usize = 1 << 20;

/// Follows until the connection ends; prints what comes, in the form asked for.
///
/// # Errors
/// Where nobody reads the output, and where the token is another user's.
pub async fn follow(base: &str, token: &str, follower: &mut Follower, form: Form) -> Result<Past, Failure> {
    let query = follower.query();
    let client = awc::Client::builder().timeout(ANSWER_TIMEOUT).disable_redirects().finish();
    let request = client
        .ws(format!("{base}/v1/ws{query}"))
        .protocols(["tidings.v1"])
        .max_frame_size(FRAME_MAX)
        .header(AUTHORIZATION, format!("Bearer {token}"));
    let mut connection = match request.connect().await {
        Ok((_, connection)) => connection,
        Err(error) => return Ok(Past { end: not_connected(&error), held: Duration::ZERO }),
    };
    let start = Instant::now();
    let end = loop {
        let frame = match tokio::time::timeout(follower.patience(), connection.next()).await {
            Err(_) => break End::Lost("no sign of life from the server".to_owned()),
            Ok(None) => break End::Lost("the connection was cut".to_owned()),
            Ok(Some(Err(error))) => break End::Lost(error.to_string()),
            Ok(Some(Ok(frame))) => frame,
        };
        match frame {
            Frame::Text(bytes) => tell(follower, &String::from_utf8_lossy(&bytes), form)?,
            Frame::Ping(bytes) => {
                if let Err(error) = connection.send(Message::Pong(bytes)).await {
                    break End::Lost(error.to_string());
                }
            }
            Frame::Close(reason) => {
                // The answer that RFC 6455 section 5.5.1 asks for; the peer may be gone already.
                let _ = connection.send(Message::Close(None)).await;
                break closed(reason);
            }
            Frame::Binary(_) | Frame::Continuation(_) | Frame::Pong(_) => {}
        }
    };
    Ok(Past { end, held: start.elapsed() })
}

fn not_connected(error: &WsClientError) -> End {
    match error {
        WsClientError::InvalidResponseStatus(status) => End::Refused { status: status.as_u16() },
        error => End::Lost(error.to_string()),
    }
}

fn closed(reason: Option<CloseReason>) -> End {
    // No code at all is 1005 (RFC 6455 section 7.1.5).
    let code = reason.as_ref().map_or(1005, |reason| match reason.code {
        CloseCode::Other(code) => code,
        code => code.into(),
    });
    End::Closed { code, reason: reason.and_then(|reason| reason.description).unwrap_or_default() }
}

#[cfg(test)]
mod tests {
    use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};

    use super::*;

    /// Says welcome where the handshake is as it should be, and closes with 4503.
    async fn revoke(request: HttpRequest) -> HttpResponse {
        let header = |name: &str| {
            request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
        };
        if header("Authorization") != "Bearer tok" || header("Sec-WebSocket-Protocol") != "tidings.v1" {
            return HttpResponse::Unauthorized().finish();
        }
        let text = format!(
            r#"{{"type":"a.b","position":"k3x9q2ab.7","payload":{{"query":"{}"}}}}"#,
            request.query_string()
        );
        let mut bytes = vec![0x81, text.len() as u8];
        bytes.extend(text.as_bytes());
        bytes.extend([0x88, 9, 0x11, 0x97]);
        bytes.extend(b"revoked");
        let mut response = actix_web_actors::ws::handshake(&request).unwrap();
        response.streaming(futures_util::stream::iter([Ok::<_, actix_web::Error>(web::Bytes::from(bytes))]))
    }

    #[actix_web::test]
    async fn a_connection_brings_token_and_position_and_ends_with_the_code_of_the_server() {
        let server = HttpServer::new(|| App::new().route("/v1/ws", web::get().to(revoke)));
        let server = server.workers(1).bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}", server.addrs()[0]);
        let server = server.run();
        let handle = server.handle();
        actix_web::rt::spawn(server);

        let mut follower =
            Follower::new("alice".parse().unwrap(), &[], "inbox@k3x9q2ab.6".parse().ok().as_ref());
        let past = follow(&base, "tok", &mut follower, Form::default()).await.unwrap();
        assert_eq!(past.end, End::Closed { code: 4503, reason: "revoked".to_owned() });
        assert_eq!(follower.since().unwrap().to_string(), "inbox@k3x9q2ab.7");

        let past = follow(&base, "other", &mut follower, Form::default()).await.unwrap();
        assert_eq!(past.end, End::Refused { status: 401 });
        handle.stop(false).await;
        let past = follow(&base, "tok", &mut follower, Form::default()).await.unwrap();
        assert!(matches!(past.end, End::Lost(_)));
    }
}
