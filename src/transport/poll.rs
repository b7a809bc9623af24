//! Long poll, `GET /v1/poll` (PROTOCOL.md section 5): one answer with what is there, or with what comes.
//!
//! The session of a request ends with it, and the cursor is all that is left: any instance can answer the
//! next one.

use std::{rc::Rc, sync::atomic::Ordering, time::Duration};

use actix_web::{HttpRequest, HttpResponse, http::header};
use serde::{Deserialize, Serialize, Serializer, ser::SerializeMap};
use serde_json::value::RawValue;
use tokio::time::Instant;
use utoipa::ToSchema;

use super::query::Query;
use crate::{
    auth::gate::Surface,
    clock,
    domain::{Counters, Cursor, Identity, StreamName},
    http::{answers, problem::Problem, wait::Wait},
    protocol::{
        Class, ErrorCode, Frame,
        event::{GapView, Message, NotificationFields, Skip, Unread},
    },
    session::{Following, Waiter, Worker},
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
        ("version" = Option<u64>, Query, description = "The `version` of the counters that the client knows: where they are others, it is answered at once with `unread`."),
        ("marks_version" = Option<u64>, Query, description = "The `marks_version` that the client knows; as `version`."),
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
    let known = Known { version: query.number("version")?, marks_version: query.number("marks_version")? };
    let wait = Wait::read(&request)?;
    if worker.is_full() {
        return Err(Problem::new(ErrorCode::Unavailable, "the server has as many sessions as it takes"));
    }
    let answer = gather(&worker, identity, query.following, known, wait.time(&worker)).await?;
    let mut response = HttpResponse::Ok();
    response.insert_header((header::CACHE_CONTROL, "no-store"));
    wait.confirm(&mut response);
    Ok(response.json(answer.body()?))
}

/// The counters that the client knows, as far as it says.
pub(super) struct Known {
    pub(super) version: Option<u64>,
    pub(super) marks_version: Option<u64>,
}

impl Known {
    fn is_asked(&self) -> bool {
        self.version.is_some() || self.marks_version.is_some()
    }

    /// Whether these are others.
    fn is_news(&self, counters: &Counters) -> bool {
        self.version.is_some_and(|known| known != counters.version)
            || self.marks_version.is_some_and(|known| known != counters.marks_version)
    }
}

/// What a poll has come to know.
pub(super) struct Answer {
    events: Vec<Frame>,
    cursor: Cursor,
    resumes: Vec<(StreamName, Resume)>,
}

pub(super) async fn gather(
    worker: &Rc<Worker>,
    identity: Identity,
    following: Following,
    mut known: Known,
    time: Duration,
) -> Result<Answer, Problem> {
    let (mut cursor, rooms, user) = (following.cursor(), following.rooms.len(), identity.user.clone());
    // Who asks for nothing that was gets the cursor of now.
    let is_fresh = following.since.is_empty();
    let mut deadline = Instant::now() + if is_fresh { Duration::ZERO } else { time };
    let waiter = Waiter::open(worker.clone(), identity, following);
    waiter.begun().await.map_err(Problem::ended)?;
    let resumes = waiter.resumes();
    if resumes.len() <= rooms {
        return Err(Problem::new(ErrorCode::Unavailable, "a room takes nobody in now; try again later"));
    }
    let mut events = Vec::new();
    if worker.is_draining.load(Ordering::Relaxed) && !is_fresh {
        return Ok(Answer { events, cursor, resumes });
    }
    let first = waiter.first_counters();
    let mut owes_counters = !is_fresh && known.is_news(&first);
    if owes_counters {
        deadline = Instant::now();
    }
    if !known.is_asked() {
        // What was told of them before this poll began is news to nobody who has heard it.
        known = Known { version: Some(first.version), marks_version: Some(first.marks_version) };
    }
    while events.len() < EVENTS_MAX
        && let Some(frame) = waiter.next(deadline).await
    {
        if let Some((stream, position)) = frame.reached() {
            cursor.advance(stream, position);
            owes_counters |= frame.is_numbered() && *stream == StreamName::Inbox;
        }
        let counters = counters(&frame);
        if frame.is_numbered() || counters.is_some_and(|counters| known.is_news(&counters)) {
            owes_counters &= counters.is_none();
            events.push(frame);
            // What is there by now comes along, and nothing more is waited for.
            deadline = Instant::now();
        }
    }
    drop(waiter);
    // They are told a moment after what they count; by then nobody may be here to hear them.
    if owes_counters
        && events.len() < EVENTS_MAX
        && let Ok(inbox) = worker.store.counters(&user).await
    {
        events.push(Frame::new(Class::Hint, &Unread { counters: inbox.counters }));
    }
    Ok(Answer { events, cursor, resumes })
}

/// The counters, of an `unread`.
fn counters(frame: &Frame) -> Option<Counters> {
    #[derive(Deserialize)]
    struct Hint {
        r#type: String,
        counters: Counters,
    }
    let hint = (frame.class() == Class::Hint).then(|| serde_json::from_slice::<Hint>(frame.json()).ok());
    hint.flatten().filter(|hint| hint.r#type == "unread").map(|hint| hint.counters)
}

impl Answer {
    pub(super) fn body(&self) -> Result<impl Serialize + use<'_>, Problem> {
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
