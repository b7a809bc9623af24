//! Rooms: publish a message, read the history, see who is there.
//!
//! None of it needs a session in the room: the scope alone decides.

use actix_web::{
    HttpRequest, HttpResponse,
    web::{Data, Path, Payload},
};
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::{
    Api, answers, body,
    extract::{Arguments, Caller},
    problem::{Fault, Problem},
};
use crate::{
    domain::{EventName, Invalid, MessageDraft, Nonce, Position, RoomName, UserId},
    hub::messages::{PublishMessage, ReadMessages, ReadPresence, RoomMessages, RoomPresence},
    protocol::{ErrorCode, Frame, PageSize, event::Message, message},
    stream::{PageLimit, Resume},
};

const LIMIT_DEFAULT: usize = 50;
const LIMIT_MAX: usize = 500;

/// Bytes of a page, so that an answer stays small where messages are large.
const PAGE_BYTES_MAX: usize = 1024 * 1024;

/// What to say.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewMessage)]
#[expect(dead_code, reason = "the body as the document shows it")]
struct MessageBody {
    /// Any JSON, of at most 32 KiB.
    #[schema(value_type = serde_json::Value)]
    data: Box<RawValue>,
    #[schema(nullable = false)]
    event: Option<EventName>,
    #[schema(nullable = false)]
    nonce: Option<Nonce>,
}

#[derive(Serialize, ToSchema)]
struct PublishedMessage {
    position: Position,
}

#[derive(Serialize, ToSchema)]
struct RoomHistory<'a> {
    /// Oldest first.
    #[schema(value_type = Vec<Message<'a>>, max_items = 500)]
    messages: Vec<&'a RawValue>,
    /// Behind the last of them: where to go on.
    position: Position,
    /// `gap` where some before the first are lost.
    resume: Resume,
}

#[derive(Serialize, ToSchema)]
struct Presence {
    #[schema(max_items = 200)]
    users: Vec<UserId>,
    /// All of them, where more are there than are named.
    user_count: usize,
    #[schema(max_items = 20)]
    typing: Vec<UserId>,
}

/// Say something in a room
///
/// Needs the scope `publish` for the room, and no session in it. Whoever is in the room hears it at once.
#[utoipa::path(
    post, path = "/v1/rooms/{room}/messages", tag = "Rooms", operation_id = "publish_message",
    params(("room" = RoomName, Path, description = "The room.")),
    request_body(content = MessageBody, example = json!({ "data": "Good morning", "nonce": "1" })),
    responses(
        answers::Identified,
        answers::NeedsScope,
        answers::TakesBody,
        answers::SpeaksToRoom,
        (status = 201, description = "It is said; the first position where the nonce was used before.",
            body = PublishedMessage, example = json!({ "position": "ro1xpdxi.1" })),
    )
)]
pub async fn publish(
    request: HttpRequest,
    caller: Caller,
    room: Path<String>,
    payload: Payload,
    api: Data<Api>,
) -> Result<HttpResponse, Problem> {
    let Caller(identity) = caller;
    Arguments::read(&request, &[])?;
    let room = room_name(room)?;
    if !identity.scopes.may_publish(&room) {
        return Err(insufficient_scope("the token does not allow to publish to this room"));
    }
    let body = body::json(&request, payload, &api).await?;
    let draft = message_draft(&body, api.data_bytes)?;
    let load = api.hub.load(draft.data.as_str().len());
    let load = load.ok_or_else(|| Problem::new(ErrorCode::Unavailable, "too many messages wait"))?;
    let message = PublishMessage { room, from: identity.user, draft, load };
    let position = api.hub.ask(message).await??;
    Ok(HttpResponse::Created().json(PublishedMessage { position }))
}

/// The history of a room
///
/// Needs the scope `join` for the room. Behind `since` come the next messages that are held, without it the
/// newest. Ask again with `position` until a page is empty; a page ends at `limit` or 1 MiB.
#[utoipa::path(
    get, path = "/v1/rooms/{room}/messages", tag = "Rooms", operation_id = "list_messages",
    params(
        ("room" = RoomName, Path, description = "The room."),
        ("since" = Option<Position>, Query, description = "Where the client stands in the room."),
        ("limit" = inline(Option<PageSize>), Query, description = "Messages of a page, 50 where it is left out; above 500 counts as 500."),
    ),
    responses(
        answers::Identified,
        answers::ReadsPosition,
        answers::NeedsScope,
        answers::NamesRoom,
        answers::ReadsRoom,
        (status = 200, description = "A page.", body = RoomHistory, example = json!({
            "messages": [{
                "type": "message", "room": "general", "position": "ro1xpdxi.1", "from": "bob",
                "data": "Good morning", "at": "2026-11-24T03:30:57.083Z"
            }],
            "position": "ro1xpdxi.1", "resume": "fresh"
        })),
    )
)]
pub async fn messages(
    request: HttpRequest,
    caller: Caller,
    room: Path<String>,
    api: Data<Api>,
) -> Result<HttpResponse, Problem> {
    let room = joinable(&caller, room)?;
    let arguments = Arguments::read(&request, &["since", "limit"])?;
    let rows = arguments.limit(LIMIT_DEFAULT, LIMIT_MAX)?;
    let since: Option<Position> =
        arguments.parse("since").map_err(|error| Problem::new(ErrorCode::BadCursor, error.0))?;
    let limit = PageLimit { rows, bytes: PAGE_BYTES_MAX };
    let RoomMessages { messages, position, resume } =
        api.hub.ask(ReadMessages { room, since, limit }).await??;
    let messages = messages.iter().map(Frame::as_sent).collect::<Result<_, _>>();
    let messages = messages.map_err(|_| Problem::internal())?;
    Ok(HttpResponse::Ok().json(RoomHistory { messages, position, resume }))
}

/// Who is in a room, and who types there
///
/// Needs the scope `join` for the room.
#[utoipa::path(
    get, path = "/v1/rooms/{room}/presence", tag = "Rooms", operation_id = "fetch_presence",
    params(("room" = RoomName, Path, description = "The room.")),
    responses(
        answers::Identified,
        answers::NeedsScope,
        answers::NamesRoom,
        answers::ReadsRoom,
        (status = 200, description = "At most 200 users and 20 who type.", body = Presence,
            example = json!({ "users": ["alice", "bob"], "user_count": 2, "typing": ["bob"] })),
    )
)]
pub async fn presence(
    request: HttpRequest,
    caller: Caller,
    room: Path<String>,
    api: Data<Api>,
) -> Result<HttpResponse, Problem> {
    Arguments::read(&request, &[])?;
    let room = joinable(&caller, room)?;
    let RoomPresence { users, user_count, typing } = api.hub.ask(ReadPresence { room }).await??;
    Ok(HttpResponse::Ok().json(Presence { users, user_count, typing }))
}

fn room_name(room: Path<String>) -> Result<RoomName, Problem> {
    room.into_inner().parse().map_err(|error: Invalid| Problem::new(ErrorCode::BadRoom, error.0))
}

/// The room, if the caller may join it: who may is let into its history and presence, too.
fn joinable(caller: &Caller, room: Path<String>) -> Result<RoomName, Problem> {
    let room = room_name(room)?;
    if caller.0.scopes.may_join(&room) {
        return Ok(room);
    }
    Err(insufficient_scope("the token does not allow to join this room"))
}

fn insufficient_scope(detail: &str) -> Problem {
    Problem::new(ErrorCode::InsufficientScope, detail)
}

/// Reads a message; every fault is found and named at once.
///
/// # Errors
/// 400 if the text is not a JSON object, 422 with all its faults, 413 if `data` has more than `data_bytes`.
fn message_draft(body: &[u8], data_bytes: usize) -> Result<MessageDraft, Problem> {
    let mut fields = body::fields(body)?;
    let (draft, wrong) = match message::parse(&mut fields) {
        Ok(draft) => (Some(draft), Vec::new()),
        Err(wrong) => (None, wrong),
    };
    let wrong = wrong.into_iter().map(|bad| Fault::new(format!("/{}", bad.field), bad.message));
    let unknown = fields.into_rest().map(|field| Fault::unknown("", &field));
    let faults: Vec<Fault> = wrong.chain(unknown).collect();
    let draft = draft.filter(|_| faults.is_empty()).ok_or_else(|| Problem::validation(faults))?;
    if draft.data.as_str().len() > data_bytes {
        return Err(Problem::new(ErrorCode::TooLarge, format!("data is larger than {data_bytes} bytes")));
    }
    Ok(draft)
}

#[cfg(test)]
mod tests {
    use actix_web::ResponseError;
    use proptest::prelude::*;

    use super::*;

    const DATA_BYTES: usize = 100;

    fn pointers(body: &str) -> Vec<String> {
        let problem = message_draft(body.as_bytes(), DATA_BYTES).unwrap_err();
        assert_eq!(problem.status_code(), 422, "{body}");
        problem.faults().iter().map(|fault| fault.pointer.clone()).collect()
    }

    #[test]
    fn every_fault_of_a_message_is_named_with_its_pointer() {
        assert_eq!(pointers("{}"), ["/data"]);
        let body = r#"{"event":"A","nonce":"","from":"bob","a/b":1}"#;
        assert_eq!(pointers(body), ["/data", "/event", "/nonce", "/a~1b", "/from"]);
        assert_eq!(pointers(r#"{"data":1,"room":"a"}"#), ["/room"]);
    }

    #[test]
    fn data_is_measured_as_it_was_written() {
        let status = |bytes: usize| {
            let body = format!(r#"{{"data":"{}"}}"#, "x".repeat(bytes - 2));
            message_draft(body.as_bytes(), DATA_BYTES).map_err(|problem| problem.status_code().as_u16())
        };
        assert!(status(DATA_BYTES).is_ok());
        assert_eq!(status(DATA_BYTES + 1), Err(413));
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_message_or_a_refusal(body: Vec<u8>) {
            if let Err(problem) = message_draft(&body, DATA_BYTES) {
                prop_assert!(problem.status_code().is_client_error());
            }
        }
    }
}
