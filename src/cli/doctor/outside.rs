//! The server as its users reach it: through whatever stands in front.

use std::time::{Duration, Instant};

use awc::{
    Client,
    error::WsClientError,
    http::{
        StatusCode,
        header::{ACCEPT, AUTHORIZATION, ORIGIN},
    },
    ws::Frame,
};
use futures_util::StreamExt as _;
use serde_json::{Value, json};

use super::findings::{Findings, milliseconds};
use crate::{
    cli::{
        Failure,
        server::{ANSWER_TIMEOUT, Credential},
    },
    random,
};

/// Who looks, and the room in which something is said to see when it comes.
const USER: &str = "tidings-doctor";
const ROOM: &str = "tidings-doctor";
const TOKEN_TTL: Duration = Duration::from_secs(60);

/// How long something may be on its way through a proxy that holds nothing back.
const SOON: Duration = Duration::from_secs(2);

const PASS_UPGRADE: &str = "have the proxy pass the handshake on: HTTP/1.1 and the headers Upgrade and Connection (README, behind a proxy)";
const PASS_HOST: &str = "have the proxy pass Host on as it came, or name this origin in http.allowed_origins (README, behind a proxy)";
const STOP_BUFFERING: &str =
    "have the proxy hold nothing back: proxy_buffering off, and no compression of text/event-stream";

/// `base` is the public URL with its base path.
pub async fn examine(base: &str, credential: Result<Credential, Failure>, findings: &mut Findings) {
    let client = Client::builder().timeout(ANSWER_TIMEOUT).disable_redirects().finish();
    let start = Instant::now();
    match client.get(format!("{base}/health")).send().await {
        Ok(answer) if answer.status().is_success() => {
            findings.ok("public url", format!("{base} answers within {}", milliseconds(start.elapsed())));
        }
        Ok(answer) => {
            let detail = format!("{base}/health: {}", answer.status());
            return findings.fail(
                "public url",
                detail,
                "start the server, and lead the proxy to http.listen and http.base_path",
            );
        }
        Err(error) => {
            let fix = "start the proxy; its name, port and certificate have to be those of http.public_url";
            return findings.fail("public url", format!("{base}: {error}"), fix);
        }
    }
    let scope = format!("join:{ROOM} publish:{ROOM}");
    let token = credential.and_then(|credential| {
        let user = USER.parse().map_err(|_| Failure::Usage("there is no such user".to_owned()))?;
        credential.token(&user, &scope, TOKEN_TTL)
    });
    match token {
        Ok(token) => {
            websocket(&client, base, &token, findings).await;
            event_stream(&client, base, &token, findings).await;
        }
        Err(_) => findings.warn(
            "public url",
            "no token can be made here, so WebSocket and event stream are not looked at".to_owned(),
            "give one with --token; for the event stream it needs the scopes join:tidings-doctor publish:tidings-doctor",
        ),
    }
}

/// As a page of the public URL opens it: so it shows, too, whether the server knows its own origin.
async fn websocket(client: &Client, base: &str, token: &str, findings: &mut Findings) {
    let check = "websocket";
    let request = client
        .ws(format!("{base}/v1/ws"))
        .protocols(["tidings.v1"])
        .header(AUTHORIZATION, format!("Bearer {token}"))
        .header(ORIGIN, origin_of(base));
    let start = Instant::now();
    let mut connection = match request.connect().await {
        Ok((_, connection)) => connection,
        Err(WsClientError::InvalidResponseStatus(StatusCode::FORBIDDEN)) => {
            let detail = format!(
                "the origin {} is not allowed: the server does not see its own name",
                origin_of(base)
            );
            return findings.fail("origins", detail, PASS_HOST);
        }
        Err(WsClientError::InvalidResponseStatus(StatusCode::UNAUTHORIZED)) => {
            return findings.fail(
                check,
                "the token is not believed".to_owned(),
                "use the key of that server, or --token",
            );
        }
        Err(error) => return findings.fail(check, format!("no upgrade: {error}"), PASS_UPGRADE),
    };
    findings.ok("origins", format!("a page of {} is let in", origin_of(base)));
    match tokio::time::timeout(ANSWER_TIMEOUT, connection.next()).await {
        Ok(Some(Ok(Frame::Text(text)))) if is_welcome(&text) => {
            findings.ok(check, format!("open within {}", milliseconds(start.elapsed())));
        }
        _ => findings.fail(check, "it opens, and no welcome comes".to_owned(), PASS_UPGRADE),
    }
}

fn is_welcome(text: &[u8]) -> bool {
    serde_json::from_slice::<Value>(text)
        .is_ok_and(|event| event.get("type").is_some_and(|word| word == "welcome"))
}

/// Opens a stream, says something, and looks when it comes: what is held back comes when the buffer is full, or never.
async fn event_stream(client: &Client, base: &str, token: &str, findings: &mut Findings) {
    let check = "events";
    let bearer = (AUTHORIZATION, format!("Bearer {token}"));
    let request = client.get(format!("{base}/v1/sse?rooms={ROOM}")).insert_header(bearer.clone());
    let opened = request.insert_header((ACCEPT, "text/event-stream")).timeout(SOON).send().await;
    let mut stream = match opened {
        Ok(answer) if answer.status().is_success() => answer,
        Ok(answer) => {
            return findings.fail(check, format!("no event stream: {}", answer.status()), STOP_BUFFERING);
        }
        Err(error) => return findings.fail(check, format!("no event stream: {error}"), STOP_BUFFERING),
    };
    let mut heard = String::new();
    if !comes(&mut stream, &mut heard, "\"command\":\"join\"").await {
        let detail = format!("the start of an event stream does not come within {} s", SOON.as_secs());
        return findings.fail(check, detail, STOP_BUFFERING);
    }
    let (nonce, start) = (format!("{:016x}", random::bits()), Instant::now());
    let said = client.post(format!("{base}/v1/rooms/{ROOM}/messages")).insert_header(bearer);
    match said.send_json(&json!({ "data": "Do you hear me?", "nonce": nonce })).await {
        Ok(answer) if answer.status().is_success() => {}
        Ok(answer) => {
            let detail = format!("nothing can be said in a room: {}", answer.status());
            return findings.warn(
                check,
                detail,
                "without a bus that is there rooms are away; see the line `bus`",
            );
        }
        Err(error) => {
            return findings.fail(
                check,
                format!("nothing can be said in a room: {error}"),
                "see `public url`",
            );
        }
    }
    if comes(&mut stream, &mut heard, &nonce).await {
        findings.ok(
            check,
            format!("a message comes over an event stream within {}", milliseconds(start.elapsed())),
        );
    } else {
        let detail = format!("a message does not come over an event stream within {} s", SOON.as_secs());
        findings.fail(check, detail, STOP_BUFFERING);
    }
}

/// Whether this text comes soon.
async fn comes<S, E>(stream: &mut S, heard: &mut String, text: &str) -> bool
where
    S: futures_util::Stream<Item = Result<bytes::Bytes, E>> + Unpin,
{
    let reading = async {
        while !heard.contains(text) {
            match stream.next().await {
                Some(Ok(bytes)) => heard.push_str(&String::from_utf8_lossy(&bytes)),
                _ => return false,
            }
        }
        true
    };
    tokio::time::timeout(SOON, reading).await.unwrap_or(false)
}

/// Scheme, host and port of an address.
fn origin_of(base: &str) -> String {
    let (scheme, rest) = base.split_once("://").unwrap_or(("https", base));
    let host = rest.split('/').next().unwrap_or_default();
    format!("{scheme}://{host}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_has_no_path() {
        assert_eq!(origin_of("https://t.example.com:8443/tidings"), "https://t.example.com:8443");
        assert_eq!(origin_of("http://127.0.0.1:1"), "http://127.0.0.1:1");
    }
}
