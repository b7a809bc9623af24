//! A listener that asks again and again, and has the server hold each question (PROTOCOL.md section 5).

use std::time::{Duration, Instant};

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    connection::{Past, get, tell},
    follower::Follower,
    reconnect::End,
};
use crate::{
    cli::{
        Failure,
        output::{Form, say},
        server::ANSWER_TIMEOUT,
    },
    domain::Cursor,
};

/// How long the server holds a question.
const WAIT: Duration = Duration::from_secs(25);

/// Largest answer taken, in bytes: what an outbox holds, several times.
const ANSWER_MAX: usize = 16 << 20;

#[derive(Deserialize)]
struct Me {
    user: String,
}

#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow)]
    events: Vec<&'a RawValue>,
    cursor: String,
}

/// Asks until a question fails; prints what comes, in the form asked for.
///
/// # Errors
/// Where nobody reads the output, and where the token is another user's.
pub async fn follow(base: &str, token: &str, follower: &mut Follower, form: Form) -> Result<Past, Failure> {
    let client = awc::Client::builder().timeout(WAIT + ANSWER_TIMEOUT).disable_redirects().finish();
    let over = |end| Ok(Past { end, held: Duration::ZERO });
    let me = match ask(&client, format!("{base}/v1/me"), token).await {
        Ok(me) => me,
        Err(end) => return over(end),
    };
    let Ok(Me { user }) = serde_json::from_slice(&me) else { return over(unreadable()) };
    if let Some(why) = follower.why_not(&user) {
        return Err(Failure::Failed(why));
    }
    let start = Instant::now();
    let mut is_connected = false;
    loop {
        let (query, asked_at, may_wait) = (follower.query(), Instant::now(), follower.since().is_some());
        let mark = if query.is_empty() { '?' } else { '&' };
        let url = format!("{base}/v1/poll{query}{mark}wait={}", WAIT.as_secs());
        let told = match ask(&client, url, token).await {
            Ok(answer) => {
                if !std::mem::replace(&mut is_connected, true) && !form.quiet {
                    say("connected");
                }
                tell_all(&answer, follower, form)?
            }
            Err(end) => Err(end),
        };
        let end = match told {
            Ok(0) if may_wait && asked_at.elapsed() < WAIT / 2 => {
                End::Lost("the server holds no question: it is about to stop".to_owned())
            }
            Ok(_) => continue,
            Err(end) => end,
        };
        return Ok(Past { end, held: start.elapsed() });
    }
}

/// Tells what an answer holds, and how many events that is; the follower stands behind it then.
fn tell_all(answer: &[u8], follower: &mut Follower, form: Form) -> Result<Result<usize, End>, Failure> {
    let Ok(Answer { events, cursor }) = serde_json::from_slice(answer) else { return Ok(Err(unreadable())) };
    let Ok(cursor) = cursor.parse::<Cursor>() else { return Ok(Err(unreadable())) };
    for event in &events {
        tell(follower, event.get(), form)?;
    }
    follower.stand_at(&cursor);
    Ok(Ok(events.len()))
}

async fn ask(client: &awc::Client, url: String, token: &str) -> Result<Bytes, End> {
    let lost = |error: String| End::Lost(error);
    let mut response = get(client, url, token).send().await.map_err(|error| lost(error.to_string()))?;
    if !response.status().is_success() {
        return Err(End::Refused { status: response.status().as_u16() });
    }
    response.body().limit(ANSWER_MAX).await.map_err(|error| lost(error.to_string()))
}

fn unreadable() -> End {
    End::Lost("the answer cannot be read".to_owned())
}
