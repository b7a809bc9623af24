//! A listener that asks again and again, and has the server hold each question (PROTOCOL.md section 5).

use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    connection::{Past, get, tell},
    follower::Follower,
    reconnect::End,
};
use crate::{
    cli::{Failure, output::say, server::ANSWER_TIMEOUT},
    domain::Cursor,
};

/// How long the server holds a question.
const WAIT: Duration = Duration::from_secs(25);

/// Largest answer taken, in bytes: what an outbox holds, several times.
const ANSWER_MAX: usize = 16 << 20;

#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow)]
    events: Vec<&'a RawValue>,
    cursor: String,
}

/// Asks until a question fails; prints what comes, raw where asked.
///
/// # Errors
/// Where nobody reads the output.
pub async fn follow(base: &str, token: &str, follower: &mut Follower, is_raw: bool) -> Result<Past, Failure> {
    let client = awc::Client::builder().timeout(WAIT + ANSWER_TIMEOUT).disable_redirects().finish();
    let start = Instant::now();
    let mut is_connected = false;
    let end = loop {
        let query = follower.query();
        let mark = if query.is_empty() { '?' } else { '&' };
        let url = format!("{base}/v1/poll{query}{mark}wait={}", WAIT.as_secs());
        let mut response = match get(&client, url, token).send().await {
            Ok(response) if response.status().is_success() => response,
            Ok(response) => break End::Refused { status: response.status().as_u16() },
            Err(error) => break End::Lost(error.to_string()),
        };
        let body = match response.body().limit(ANSWER_MAX).await {
            Ok(body) => body,
            Err(error) => break End::Lost(error.to_string()),
        };
        let answer = serde_json::from_slice::<Answer<'_>>(&body).ok();
        let Some((answer, cursor)) = answer.and_then(|answer| {
            let cursor: Cursor = answer.cursor.parse().ok()?;
            Some((answer, cursor))
        }) else {
            break End::Lost("the answer cannot be read".to_owned());
        };
        if !std::mem::replace(&mut is_connected, true) {
            say("connected");
        }
        for event in answer.events {
            tell(follower, event.get(), is_raw)?;
        }
        follower.stand_at(&cursor);
    };
    let held = if is_connected { start.elapsed() } else { Duration::ZERO };
    Ok(Past { end, held })
}
