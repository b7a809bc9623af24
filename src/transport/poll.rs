//! Long poll, `GET /v1/poll` (PROTOCOL.md section 5): one answer with what is there, or with what comes.
//!
//! The session of a request ends with it, and the cursor is all that is left: any instance can answer the
//! next one.

use std::{rc::Rc, time::Duration};

use actix_web::{HttpRequest, HttpResponse, http::header};
use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::value::RawValue;
use tokio::time::Instant;
use utoipa::ToSchema;

use super::query::Query;
use crate::{
    auth::gate::Surface,
    clock,
    domain::{Cursor, Identity, StreamName},
    http::{answers, problem::Problem, wait::Wait},
    protocol::{
        Class, ErrorCode, Frame,
        event::{GapView, Message, NotificationFields, Skip, Unread},
    },
    session::{Following, Waiter, Worker},
    store::messages::ReadState,
    stream::Resume,
};

/// Most events of one answer.
const EVENTS_MAX: usize = 500;

#[derive(Serialize, ToSchema)]
#[schema(as = Events)]
struct PollBody<'a> {
    #[schema(value_type = Vec<PolledEvent<'a>>, max_items = 500)]
    events: Vec<&'a RawValue>,
    /// Where to go on.
    #[schema(value_type = Cursor)]
    cursor: String,
    /// How the position in each stream was met, by `inbox` or the name of the room.
    #[schema(value_type = std::collections::HashMap<String, Resume>)]
    resume: Resumes<'a>,
}

/// What a poll tells: what has a number, and the counters.
#[derive(ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "the events as the document shows them")]
enum PolledEvent<'a> {
    Notification(NotificationFields<'a>),
    Message(Message<'a>),
    Skip(Skip<'a>),
    Gap(GapView<'a>),
    Unread(Unread),
}

/// Follow by asking again and again
///
/// Answered at once if something is there, else when something comes, else after `wait` seconds with no events.
/// Without `since` it is answered at once with the cursor of now. Any instance answers, and a request that is
/// broken off consumes nothing.
#[utoipa::path(
    get, path = "/v1/poll", tag = "Follow", operation_id = "poll_events",
    params(
        ("rooms" = Option<String>, Query, description = "At most 10 rooms, with commas between; also `room`.", example = "general,chat:lobby"),
        ("since" = Option<Cursor>, Query, description = "What the client has seen."),
        ("wait" = Option<u64>, Query, description = "Seconds to wait; above 60 counts as 60."),
        ("Prefer" = Option<String>, Header, description = "`wait=n`, as `wait` in the query.", example = "wait=25"),
    ),
    responses(
        answers::Identified,
        answers::Follows,
        answers::HasNoPlace,
        (status = 200, description = "What has happened since.", body = PollBody,
            headers(("Preference-Applied" = String, description = "`wait=n`, where the header asked for it.")),
            example = json!({
                "events": [{
                    "id": "ntf_01M80RGBFJAPQ3ZKRMXZC4KYHW", "type": "note.text", "v": 1, "position": "szlhwm0g.1",
                    "payload": { "text": "Build finished" }, "created_at": "2026-11-22T04:33:51.602Z"
                }],
                "cursor": "inbox@szlhwm0g.1",
                "resume": { "inbox": "complete" }
            })),
    )
)]
pub async fn poll(request: HttpRequest) -> Result<HttpResponse, Problem> {
    let worker = request.app_data::<Rc<Worker>>().cloned().ok_or_else(Problem::internal)?;
    let identity = worker.gate.admit(&request, Surface::Stream, clock::now())?;
    let identity = identity.ok_or_else(Problem::unauthorized)?;
    let query = Query::read(&request)?;
    query.limit_rooms(worker.policy.sse_rooms)?;
    query.allow_rooms(&identity)?;
    let wait = Wait::read(&request)?;
    if worker.is_full() {
        return Err(Problem::new(ErrorCode::Unavailable, "the server has as many sessions as it takes"));
    }
    // Who asks for nothing that was gets the cursor of now.
    let time = if query.following.since.is_empty() { Duration::ZERO } else { wait.time(&worker) };
    let answer = gather(worker, identity, query.following, time).await?;
    let mut response = HttpResponse::Ok();
    response.insert_header((header::CACHE_CONTROL, "no-store"));
    wait.confirm(&mut response);
    Ok(response.json(answer.body()?))
}

/// What a poll has come to know.
struct Answer {
    events: Vec<Frame>,
    cursor: Cursor,
    resumes: Vec<(StreamName, Resume)>,
}

async fn gather(
    worker: Rc<Worker>,
    identity: Identity,
    following: Following,
    time: Duration,
) -> Result<Answer, Problem> {
    let mut deadline = Instant::now() + time;
    let (mut cursor, rooms) = (following.cursor(), following.rooms.len());
    let user = identity.user.clone();
    let waiter = Waiter::open(worker.clone(), identity, following);
    waiter.begun().await.map_err(Problem::ended)?;
    let resumes = waiter.resumes();
    if resumes.len() <= rooms {
        return Err(Problem::new(ErrorCode::Unavailable, "a room takes nobody in now; try again later"));
    }

    let (mut events, mut owes_counters) = (Vec::new(), false);
    while events.len() < EVENTS_MAX
        && let Some(frame) = waiter.next(deadline).await
    {
        if let Some((stream, position)) = frame.reached() {
            cursor.advance(stream, position);
            owes_counters |= frame.is_numbered() && *stream == StreamName::Inbox;
        }
        let is_counters = frame.class() == Class::Hint && frame.lines().is_called("unread");
        if is_counters || frame.is_numbered() {
            owes_counters &= !is_counters;
            events.push(frame);
            // What is there by now comes along, and nothing more is waited for.
            deadline = Instant::now();
        }
    }
    drop(waiter);
    // Counters are told a moment after what they count; by then nobody may be here to hear them.
    if owes_counters
        && events.len() < EVENTS_MAX
        && let Ok(state) = worker.store.ask(ReadState { user }).await
    {
        events.push(Frame::new(Class::Hint, &Unread { counters: state.counters }));
    }
    Ok(Answer { events, cursor, resumes })
}

impl Answer {
    fn body(&self) -> Result<impl Serialize + use<'_>, Problem> {
        let events = self.events.iter().map(Frame::as_sent).collect::<Result<_, _>>();
        let events = events.map_err(|_| Problem::internal())?;
        Ok(PollBody { events, cursor: self.cursor.to_string(), resume: Resumes(&self.resumes) })
    }
}

/// An object with a member for each stream.
struct Resumes<'a>(&'a [(StreamName, Resume)]);

impl Serialize for Resumes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (stream, resume) in self.0 {
            map.serialize_entry(&stream.to_string(), resume)?;
        }
        map.end()
    }
}
