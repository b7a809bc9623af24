//! What clients say over a WebSocket: any text is a command or a refusal. The oracle reads the text as plain JSON.

#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::{Map, Value};
use tidings::protocol::{
    ErrorCode,
    command::{Action, Command, Ref},
};

/// Longest refusal: it never quotes what was said.
const MESSAGE_MAX: usize = 200;

const WORDS: [&str; 11] =
    ["auth", "resume", "mark", "ack", "join", "leave", "message", "typing", "ping", "pong", "echo"];

fuzz_target!(|text: &str| {
    let json = serde_json::from_str::<Map<String, Value>>(text);
    match Command::parse(text) {
        Ok(command) => {
            let json = json.expect("a command is a JSON object");
            accepted(&command, &json);
            // Another order of the fields, other spaces, other escapes: the same command.
            let rewritten = serde_json::to_string_pretty(&json).unwrap();
            let again = Command::parse(&rewritten).expect("the same command");
            assert_eq!(again.reference, command.reference);
            if !matches!(command.action, Action::Echo { .. } | Action::Message { .. }) {
                assert_eq!(format!("{:?}", again.action), format!("{:?}", command.action));
            }
        }
        Err(refusal) => {
            assert!(refusal.message.len() <= MESSAGE_MAX, "{}", refusal.message);
            let word = json.as_ref().ok().and_then(|json| json.get("type")?.as_str());
            match refusal.code {
                ErrorCode::UnknownType => assert!(!WORDS.contains(&word.unwrap())),
                ErrorCode::BadRoom | ErrorCode::BadCursor => assert_eq!(refusal.command, word),
                code => assert_eq!(code, ErrorCode::BadMessage),
            }
            if let (Some(reference), Ok(json)) = (&refusal.reference, &json) {
                assert_eq!(Some(&serde_json::to_value(reference).unwrap()), json.get("ref"));
            }
        }
    }
});

/// Holds a command against the fields that were said.
fn accepted(command: &Command<'_>, json: &Map<String, Value>) {
    let field = |name: &str| json.get(name);
    assert_eq!(field("type").unwrap(), command.action.word());
    match (&command.reference, field("ref")) {
        (None, None) => {}
        (Some(Ref::Number(number)), Some(said)) => assert_eq!(said.as_i64(), Some(*number)),
        (Some(Ref::Text(text)), Some(said)) => {
            assert_eq!(said, text);
            assert!(text.chars().count() <= 64);
        }
        (known, said) => panic!("{known:?} of {said:?}"),
    }
    let room = command.action.room().map(|room| Value::from(room.as_str()));
    match &command.action {
        Action::Auth { token } => assert_eq!(field("token").unwrap(), token),
        Action::Resume { since } => assert_eq!(field("since").unwrap(), &since.to_string()),
        Action::Ack(ack) => assert_eq!(field("up_to").unwrap(), &ack.up_to.to_string()),
        Action::Join { since, .. } => {
            assert_eq!(room.as_ref(), field("room"));
            assert_eq!(field("since").cloned(), since.map(|since| since.to_string().into()));
        }
        Action::Leave { .. } => assert_eq!(room.as_ref(), field("room")),
        Action::Message { draft, .. } => {
            assert_eq!(room.as_ref(), field("room"));
            assert_eq!(&serde_json::from_str::<Value>(draft.data.as_str()).unwrap(), field("data").unwrap());
            let event = draft.event.as_ref().map(|event| Value::from(event.as_str()));
            let nonce = draft.nonce.as_ref().map(|nonce| Value::from(nonce.as_str()));
            assert_eq!((event.as_ref(), nonce.as_ref()), (field("event"), field("nonce")));
        }
        Action::Typing { is_active, .. } => {
            assert_eq!(room.as_ref(), field("room"));
            assert_eq!(field("active").and_then(Value::as_bool).unwrap_or(true), *is_active);
        }
        Action::Echo { data } => {
            assert_eq!(&serde_json::from_str::<Value>(data.get()).unwrap(), field("data").unwrap());
        }
        Action::Mark(_) => {
            assert!(["read", "unread", "seen", "archived"].contains(&field("as").unwrap().as_str().unwrap()));
            let targets = ["ids", "up_to", "all"].iter().filter(|name| json.contains_key(**name));
            assert_eq!(targets.count(), 1);
        }
        Action::Ping | Action::Pong => {}
    }
}
