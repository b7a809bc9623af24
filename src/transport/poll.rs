//! Long poll, `GET /v1/poll` (PROTOCOL.md section 5): one answer with what is there, or with what comes.
//!
//! The session of a request ends with it, and the cursor is all that is left: any instance can answer the
//! next one.

use std::{rc::Rc, sync::atomic::Ordering, time::Duration};

use actix_web::{HttpRequest, HttpResponse, http::header};
use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::value::RawValue;
use tokio::time::Instant;
use utoipa::ToSchema;

use super::query::Query;
use crate::{
    auth::gate::Surface,
    clock,
    domain::{Counters, Cursor, Identity, StreamName, Transport},
    http::{answers, problem::Problem, rate_limit, socket, wait::Wait},
    limits::Place,
    protocol::{
        CloseCode, ErrorCode, Frame, Seconds, Version,
        event::{GapView, Message, NotificationFields, Skip, Telling, Unread},
    },
    session::{Following, Line, Waiter, Worker},
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
        ("wait" = inline(Option<Seconds>), Query, description = "Seconds to wait; above 60 counts as 60."),
        ("version" = inline(Option<Version>), Query, description = "The `version` of the counters that the client knows: where they are others, it is answered at once with `unread`."),
        ("marks_version" = inline(Option<Version>), Query, description = "The `marks_version` that the client knows; as `version`."),
        ("Prefer" = Option<String>, Header, description = "`wait=n`, as `wait` in the query.", example = "wait=25"),
    ),
    responses(
        answers::Identified,
        answers::Follows,
        answers::HasNoPlace,
        answers::Waits,
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
    if worker.turns_away() {
        return Err(Problem::new(ErrorCode::Unavailable, "the server has as many sessions as it takes"));
    }
    let identity = worker.gate.admit(&request, Surface::Stream, clock::now()).await?;
    let identity = identity.ok_or_else(Problem::unauthorized)?;
    rate_limit::pass(&request, worker.limits.request(&identity, std::time::Instant::now()))?;
    let query = Query::read(&request)?;
    query.limit_rooms(worker.policy.sse_rooms)?;
    query.allow_rooms(&identity)?;
    let known = Known { version: query.number("version")?, marks_version: query.number("marks_version")? };
    let wait = Wait::read(&request)?;
    // Who asks for nothing that was gets the cursor of now.
    let is_fresh = query.following.since.is_empty();
    let time = if is_fresh { Duration::ZERO } else { wait.time(&worker) };
    let place =
        if time.is_zero() { Place::default() } else { worker.limits.place(worker.gate.client(&request))? };
    let stands_at = query.following.cursor();
    let gathered = if worker.is_draining.load(Ordering::Relaxed) && !is_fresh {
        Err(Unanswered::Ended(CloseCode::Restart))
    } else {
        let line = socket::line(&request)?;
        gather(&worker, identity, query.following, known, time, line, place).await
    };
    let mut response = HttpResponse::Ok();
    let answer = match gathered {
        Err(Unanswered::Ended(CloseCode::Restart)) if !is_fresh => {
            // The next one is to find another instance.
            response.force_close();
            Answer::nothing(stands_at)
        }
        gathered => gathered?,
    };
    for frame in &answer.events {
        worker.tally.sent(Transport::LongPoll, frame, clock::now);
    }
    response.insert_header((header::CACHE_CONTROL, "no-store"));
    if !is_fresh {
        wait.confirm(&mut response);
    }
    Ok(response.json(answer.body()?))
}

/// The counters that the client knows, as far as it says.
pub(super) struct Known {
    pub(super) version: Option<u64>,
    pub(super) marks_version: Option<u64>,
}

impl Known {
    /// Whether these are others.
    fn is_news(&self, counters: &Counters) -> bool {
        self.version.is_some_and(|known| known != counters.version)
            || self.marks_version.is_some_and(|known| known != counters.marks_version)
    }

    /// What the client says; or else these, for what was told of them before is news to nobody who heard it.
    fn or(self, first: Counters) -> Self {
        let is_said = self.version.is_some() || self.marks_version.is_some();
        let first = Self { version: Some(first.version), marks_version: Some(first.marks_version) };
        if is_said { self } else { first }
    }
}

/// Why a poll has no answer.
#[derive(Debug)]
pub(super) enum Unanswered {
    /// Its session ended before there was anything to answer.
    Ended(CloseCode),
    RoomIsFull,
}

impl From<Unanswered> for Problem {
    fn from(unanswered: Unanswered) -> Self {
        match unanswered {
            Unanswered::Ended(code) => Self::ended(code),
            Unanswered::RoomIsFull => {
                Self::new(ErrorCode::Unavailable, "a room takes nobody in now; try again later")
            }
        }
    }
}

/// What a poll has come to know.
pub(super) struct Answer {
    events: Vec<Frame>,
    cursor: Cursor,
    resumes: Vec<(StreamName, Resume)>,
    /// When the poll began; what is told of older ones came late.
    first: Counters,
    known: Known,
    /// The newest counters are to follow what was told.
    owes_counters: bool,
}

pub(super) async fn gather(
    worker: &Rc<Worker>,
    identity: Identity,
    following: Following,
    known: Known,
    time: Duration,
    line: Box<dyn Line>,
    place: Place,
) -> Result<Answer, Unanswered> {
    let (user, cursor, rooms) = (identity.user.clone(), following.cursor(), following.rooms.len());
    let end = Instant::now() + time;
    let waiter = Waiter::open(worker.clone(), identity, following, line, place);
    waiter.begun().await.map_err(Unanswered::Ended)?;
    let (resumes, first) = (waiter.resumes(), waiter.first_counters());
    if resumes.len() <= rooms {
        return Err(Unanswered::RoomIsFull);
    }
    let owes_counters = known.is_news(&first);
    let mut answer =
        Answer { events: Vec::new(), cursor, resumes, first, known: known.or(first), owes_counters };
    // Once there is something to answer with, what is there by now comes along and nothing is waited for.
    while answer.events.len() < EVENTS_MAX
        && let Some(frame) = waiter.next(if answer.is_due() { Instant::now() } else { end }).await
    {
        answer.take(frame);
    }
    if answer.events.is_empty()
        && let Some(code @ (CloseCode::RateLimited | CloseCode::Restart | CloseCode::Revoked)) = waiter.end()
    {
        return Err(Unanswered::Ended(code));
    }
    drop(waiter);
    // Counters are told a moment after what they count; by then nobody may be here to hear them.
    if answer.owes_counters
        && answer.events.len() < EVENTS_MAX
        && let Ok(inbox) = worker.store.counters(&user).await
    {
        answer.events.push(Frame::unread(inbox.counters));
    }
    Ok(answer)
}

impl Answer {
    fn nothing(cursor: Cursor) -> Self {
        let known = Known { version: None, marks_version: None };
        let (events, resumes, first) = (Vec::new(), Vec::new(), Counters::default());
        Self { events, cursor, resumes, first, known, owes_counters: false }
    }

    /// Whether these are newer than what is known, and not older than the poll itself.
    fn is_news(&self, counters: &Counters) -> bool {
        let is_late =
            counters.version < self.first.version || counters.marks_version < self.first.marks_version;
        !is_late && self.known.is_news(counters)
    }

    fn is_due(&self) -> bool {
        !self.events.is_empty() || self.owes_counters
    }

    fn take(&mut self, frame: Frame) {
        if let Some((stream, position)) = frame.reached() {
            self.cursor.advance(stream, position);
        }
        if frame.is_numbered() {
            self.owes_counters |= frame.room().is_none();
        } else if matches!(frame.telling(), Some(Telling::Unread(counters)) if self.is_news(&counters)) {
            self.owes_counters = false;
        } else {
            return;
        }
        self.events.push(frame);
    }

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
