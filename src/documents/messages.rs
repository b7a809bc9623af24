//! What is said over a WebSocket, one entry a message: each command, each event, and each answer.
//!
//! The fields are those of the types that are parsed and written; tests hold the list against the samples, the sources
//! and PROTOCOL.md, so that none is missing.

use serde_json::{Map, Value, json};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{RefOr, schema::Schema},
};

use super::samples;
use crate::protocol::{
    ErrorCode,
    command::{Ref, shapes},
    event::{
        Degraded, GapView, Goodbye, Left, MarkedFields, Message, NotificationFields, Outcome, Ping, Pong,
        Refused, Restored, Skip, TypingChanged, Unread, UserJoined, UserLeft, Welcome,
    },
};

/// What a message is about.
#[derive(Clone, Copy)]
pub enum Topic {
    Connection,
    Inbox,
    Rooms,
}

impl Topic {
    pub const ALL: [(Self, &str); 3] = [
        (Self::Connection, "Who is there, whether both still are, and the end."),
        (Self::Inbox, "The notifications of the user, their counters, and what was missed."),
        (Self::Rooms, "Messages to rooms, who is there, and who types."),
    ];

    pub fn word(self) -> &'static str {
        match self {
            Self::Connection => "Connection",
            Self::Inbox => "Inbox",
            Self::Rooms => "Rooms",
        }
    }
}

/// One message.
pub struct Shape {
    /// Its name in the document.
    pub id: String,
    /// Its `type`; `None` for a notification, whose type is the application's own.
    pub word: Option<&'static str>,
    pub topic: Topic,
    /// What it says, for people.
    pub summary: String,
    pub payload: Value,
    /// What the payload refers to.
    pub schemas: Vec<(String, RefOr<Schema>)>,
    /// By name.
    pub samples: Vec<(&'static str, Value)>,
}

/// A command, and what answers it besides `error`.
pub struct Command {
    pub says: Shape,
    pub answer: Option<Shape>,
}

/// All that a client may say.
pub fn commands() -> Vec<Command> {
    use Topic::{Connection, Inbox, Rooms};
    let with_ok = |says: Shape| Command { answer: Some(ok(&says)), says };
    let with = |says: Shape, answer: Option<Shape>| Command { says, answer };
    vec![
        with_ok(command::<shapes::Auth>("auth", Connection)),
        with_ok(command::<shapes::Resume>("resume", Inbox)),
        with_ok(one_of(command::<shapes::Mark>("mark", Inbox), &["ids", "up_to", "all"])),
        with_ok(command::<shapes::Ack>("ack", Inbox)),
        with_ok(command::<shapes::Join>("join", Rooms)),
        with_ok(command::<shapes::Leave>("leave", Rooms)),
        with_ok(command::<shapes::Message>("message", Rooms)),
        with_ok(command::<shapes::Typing>("typing", Rooms)),
        with(command::<shapes::Ping>("ping", Connection), Some(pong())),
        with(command::<shapes::Pong>("pong", Connection), None),
        with_ok(command::<shapes::Echo>("echo", Connection)),
    ]
}

/// All that the server says by itself.
pub fn events() -> Vec<Shape> {
    use Topic::{Connection, Inbox, Rooms};
    vec![
        event::<Welcome<'static>>("welcome", Connection),
        notification(),
        event::<Unread>("unread", Inbox),
        one_of(event::<MarkedFields>("marked", Inbox), &["ids", "up_to", "all"]),
        event::<Skip<'static>>("skip", Inbox),
        event::<GapView<'static>>("gap", Inbox),
        event::<Message<'static>>("message", Rooms),
        event::<UserJoined<'static>>("user_joined", Rooms),
        event::<UserLeft<'static>>("user_left", Rooms),
        event::<TypingChanged<'static>>("typing", Rooms),
        event::<Left<'static>>("left", Rooms),
        event::<Degraded>("degraded", Rooms),
        event::<Restored>("restored", Rooms),
        event::<Ping>("ping", Connection),
        event::<Goodbye>("goodbye", Connection),
    ]
}

/// The answer to what was not done.
pub fn error() -> Shape {
    let mut shape = event::<Refused<'static>>("error", Topic::Connection);
    let codes = ErrorCode::ALL.iter().filter(|code| code.is_of_commands());
    let words: Vec<&str> = codes.clone().map(|code| code.word()).collect();
    let meanings: Vec<String> =
        codes.map(|code| format!("* `{}`: {}", code.word(), code.meaning())).collect();
    let code = json!({ "type": "string", "enum": words, "description": meanings.join("\n") });
    set(&mut shape.payload, "code", code);
    shape
}

/// The answer to a `ping`, which is none of the `ok`.
fn pong() -> Shape {
    event::<Pong<'static>>("pong", Topic::Connection)
}

fn command<T: ToSchema>(word: &'static str, topic: Topic) -> Shape {
    let mut shape = shape::<T>(format!("{}Command", pascal(word)), Some(word), topic);
    set(&mut shape.payload, "ref", reference("The client's own name for the command, echoed in its answer."));
    Ref::schemas(&mut shape.schemas);
    shape.schemas.push((Ref::name().into(), Ref::schema()));
    shape.samples = samples::of(&format!("command_{word}"));
    shape
}

fn event<T: ToSchema>(word: &'static str, topic: Topic) -> Shape {
    let mut shape = shape::<T>(pascal(word), Some(word), topic);
    shape.samples = samples::of(word);
    shape
}

/// A notification has no `type` of ours: it is the dotted one of the application.
fn notification() -> Shape {
    let mut shape = shape::<NotificationFields<'static>>("Notification".to_owned(), None, Topic::Inbox);
    shape.summary = "A notification, at once where it is new, or later where it was missed.".to_owned();
    shape.samples = samples::of("notification");
    shape
}

/// What `ok` carries for this command.
fn ok(command: &Shape) -> Shape {
    let word = command.word.unwrap_or_default();
    let mut schemas = command.schemas.clone();
    Outcome::schemas(&mut schemas);
    let outcomes = json(&Outcome::schema());
    let outcomes = outcomes.get("oneOf").and_then(Value::as_array);
    let is_of_it = |outcome: &&Value| outcome.get("title").is_some_and(|title| title == word);
    let outcome = outcomes.into_iter().flatten().find(is_of_it);
    let mut payload = outcome.cloned().unwrap_or_else(|| json!({ "type": "object" }));
    if let Some(payload) = payload.as_object_mut() {
        payload.remove("title");
    }
    require(&mut payload, "type", json!({ "type": "string", "const": "ok" }));
    require(&mut payload, "command", json!({ "type": "string", "const": word }));
    set(&mut payload, "ref", reference("That of the command, if it had one."));
    Shape {
        id: format!("{}Ok", pascal(word)),
        word: Some("ok"),
        topic: command.topic,
        summary: format!("`{word}` was done. Where the command had no `ref`, nothing is answered."),
        payload,
        schemas,
        samples: samples::of(&format!("ok_{word}")),
    }
}

fn shape<T: ToSchema>(id: String, word: Option<&'static str>, topic: Topic) -> Shape {
    let mut schemas = Vec::new();
    T::schemas(&mut schemas);
    let mut payload = json(&T::schema());
    let about = payload.as_object_mut().and_then(|payload| payload.remove("description"));
    let summary = about.as_ref().and_then(Value::as_str).unwrap_or_default().to_owned();
    if let Some(word) = word {
        require(&mut payload, "type", json!({ "type": "string", "const": word }));
    }
    Shape { id, word, topic, summary, payload, schemas, samples: Vec::new() }
}

/// A message that has exactly one of these fields.
fn one_of(mut shape: Shape, fields: &[&str]) -> Shape {
    insert(&mut shape.payload, "oneOf", fields.iter().map(|field| json!({ "required": [field] })).collect());
    shape
}

fn reference(about: &str) -> Value {
    json!({ "description": about, "allOf": [{ "$ref": "#/components/schemas/Ref" }] })
}

fn require(payload: &mut Value, field: &str, schema: Value) {
    set(payload, field, schema);
    let Some(payload) = payload.as_object_mut() else { return };
    let required = payload.entry("required").or_insert_with(|| json!([]));
    if let Some(required) = required.as_array_mut() {
        required.insert(0, field.into());
    }
}

fn set(payload: &mut Value, field: &str, schema: Value) {
    let Some(payload) = payload.as_object_mut() else { return };
    insert(payload.entry("properties").or_insert_with(|| Value::Object(Map::new())), field, schema);
}

/// Sets a field of an object; what is none stays as it is.
pub fn insert(object: &mut Value, field: &str, value: Value) {
    if let Some(object) = object.as_object_mut() {
        object.insert(field.to_owned(), value);
    }
}

/// A schema of our own types has nothing that JSON does not have.
pub fn json(schema: &RefOr<Schema>) -> Value {
    serde_json::to_value(schema).unwrap_or_default()
}

/// `user_joined` as `UserJoined`.
pub fn pascal(word: &str) -> String {
    let part = |part: &str| {
        let (first, rest) = part.split_at(part.len().min(1));
        first.to_ascii_uppercase() + rest
    };
    word.split('_').map(part).collect()
}
