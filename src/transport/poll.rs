//! Long poll, `GET /v1/poll` (PROTOCOL.md section 5): one answer with what is there, or with what comes.
//!
//! The session of a request ends with it, and the cursor is all that is left: any instance can answer the
//! next one.

use std::{rc::Rc, time::Duration};

use actix_web::{HttpRequest, HttpResponse, http::header};
use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::value::RawValue;
use tokio::time::Instant;

use super::query::Query;
use crate::{
    auth::gate::Surface,
    clock,
    domain::{Cursor, Identity, StreamName},
    http::{problem::Problem, wait::Wait},
    protocol::{Class, ErrorCode, Frame, event::Unread},
    session::{Following, Waiter, Worker},
    store::messages::ReadState,
    stream::Resume,
};

/// Most events of one answer.
const EVENTS_MAX: usize = 500;

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
        #[derive(Serialize)]
        struct Body<'a> {
            events: Vec<&'a RawValue>,
            cursor: String,
            resume: Resumes<'a>,
        }
        let events = self.events.iter().map(Frame::as_sent).collect::<Result<_, _>>();
        let events = events.map_err(|_| Problem::internal())?;
        Ok(Body { events, cursor: self.cursor.to_string(), resume: Resumes(&self.resumes) })
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
