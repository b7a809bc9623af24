use proptest::prelude::*;

use super::*;

fn refusal(text: &str) -> ErrorCode {
    Command::parse(text).unwrap_err().code
}

#[test]
fn each_command_is_read_and_unknown_fields_are_ignored() {
    let command = Command::parse(r#"{"type":"resume","since":"k3x9q2ab.7","ref":5,"more":[1]}"#).unwrap();
    assert_eq!(command.reference, Some(Ref::Number(5)));
    assert!(matches!(command.action, Action::Resume { since } if since.offset == 7));
    for (text, word) in [
        (r#"{"type":"auth","token":"x"}"#, "auth"),
        (r#"{"type":"mark","as":"read","all":true}"#, "mark"),
        (r#"{"type":"ack","up_to":"k3x9q2ab.7","visible":true}"#, "ack"),
        (r#"{"type":"join","room":"a","since":"00000000.0"}"#, "join"),
        (r#"{"type":"leave","room":"a"}"#, "leave"),
        (r#"{"type":"message","room":"a","data":null}"#, "message"),
        (r#"{"type":"typing"}"#, "typing"),
        (r#"{"type":"ping"}"#, "ping"),
        (r#"{"type":"pong","ref":"a"}"#, "pong"),
        (r#"{"type":"echo","data":{"a":[]}}"#, "echo"),
    ] {
        assert_eq!(Command::parse(text).unwrap().action.word(), word);
    }
}

#[test]
fn what_is_no_command_is_refused_with_its_code() {
    let long = format!(r#"{{"type":"ping","ref":"{}"}}"#, "x".repeat(65));
    for (text, code) in [
        ("", ErrorCode::BadMessage),
        ("[]", ErrorCode::BadMessage),
        ("5", ErrorCode::BadMessage),
        ("{}", ErrorCode::BadMessage),
        (r#"{"type":5}"#, ErrorCode::BadMessage),
        (r#"{"type":"ping","ref":1.5}"#, ErrorCode::BadMessage),
        (&long, ErrorCode::BadMessage),
        (r#"{"type":"nonsense"}"#, ErrorCode::UnknownType),
        (r#"{"type":"echo"}"#, ErrorCode::BadMessage),
        (r#"{"type":"resume"}"#, ErrorCode::BadCursor),
        (r#"{"type":"resume","since":"abc"}"#, ErrorCode::BadCursor),
        (r#"{"type":"ack","up_to":7}"#, ErrorCode::BadCursor),
        (r#"{"type":"mark","as":"read"}"#, ErrorCode::BadMessage),
        (r#"{"type":"mark","as":"read","up_to":"abc"}"#, ErrorCode::BadCursor),
        (r#"{"type":"join","room":"a","since":"abc"}"#, ErrorCode::BadCursor),
        (r#"{"type":"join","room":"a","since":null}"#, ErrorCode::BadCursor),
        (r#"{"type":"join","room":"a","since":"a@k3x9q2ab.7"}"#, ErrorCode::BadCursor),
        (r#"{"type":"message","room":"a"}"#, ErrorCode::BadMessage),
        (r#"{"type":"message","room":"a","data":1,"event":"typing"}"#, ErrorCode::BadMessage),
        (r#"{"type":"message","room":"a","data":1,"nonce":7}"#, ErrorCode::BadMessage),
        (r#"{"type":"typing","active":"yes"}"#, ErrorCode::BadMessage),
    ] {
        assert_eq!(refusal(text), code, "{text}");
    }
}

#[test]
fn b26_a_room_is_named_as_rooms_are() {
    let long = format!(r#""{}""#, "x".repeat(129));
    for room in ["\"\"", "\"inbox\"", "\"_x\"", "\"a b\"", "\"../x\"", "5", "null", "[\"a\"]", &long] {
        for word in ["join", "leave", "message", "typing"] {
            let text = format!(r#"{{"type":"{word}","room":{room},"data":1}}"#);
            assert_eq!(refusal(&text), ErrorCode::BadRoom, "{text}");
        }
    }
    for word in ["join", "leave", "message"] {
        assert_eq!(refusal(&format!(r#"{{"type":"{word}","data":1}}"#)), ErrorCode::BadRoom, "{word}");
    }
}

#[test]
fn b31_who_sends_a_message_is_no_field_of_it() {
    let text = r#"{"type":"message","room":"chat:general","data":{"b":1,"a":1.0},"event":"update","nonce":"n","from":"bob","user_id":"bob"}"#;
    let Action::Message { room, draft } = Command::parse(text).unwrap().action else { panic!() };
    assert_eq!((room.as_str(), draft.data.as_str()), ("chat:general", r#"{"b":1,"a":1.0}"#));
    assert_eq!(draft.event.unwrap().as_str(), "update");
    assert_eq!(draft.nonce.unwrap().as_str(), "n");
}

#[test]
fn a_join_without_since_starts_live() {
    let since = |text| match Command::parse(text).unwrap().action {
        Action::Join { since, .. } => since,
        other => panic!("{other:?}"),
    };
    assert_eq!(since(r#"{"type":"join","room":"a"}"#), None);
    assert_eq!(since(r#"{"type":"join","room":"a","since":"00000000.0"}"#), Some(Position::START));
}

#[test]
fn typing_is_on_unless_it_is_said_to_be_off_and_counts_towards_no_rate() {
    let typing = |text| match Command::parse(text).unwrap().action {
        Action::Typing { room, is_active } => (room.map(String::from), is_active),
        other => panic!("{other:?}"),
    };
    assert_eq!(typing(r#"{"type":"typing"}"#), (None, true));
    assert_eq!(typing(r#"{"type":"typing","room":"a","active":false}"#), (Some("a".to_owned()), false));
    let is_limited = |text| Command::parse(text).unwrap().action.is_limited();
    assert!(!is_limited(r#"{"type":"typing"}"#) && !is_limited(r#"{"type":"pong"}"#));
    for other in [r#"{"type":"ping"}"#, r#"{"type":"join","room":"a"}"#, r#"{"type":"leave","room":"a"}"#] {
        assert!(is_limited(other), "{other}");
    }
}

#[test]
fn a_refusal_carries_the_ref_where_it_can_be_read() {
    let refusal = Command::parse(r#"{"ref":"r1","type":"nonsense"}"#).unwrap_err();
    assert_eq!(refusal.reference, Some(Ref::Text("r1".to_owned())));
}

proptest! {
    #[test]
    fn any_text_is_a_command_or_an_error(text in ".{0,200}") {
        let _ = Command::parse(&text);
    }
}
