use proptest::prelude::*;

use super::*;

fn follower(since: &str) -> Follower {
    Follower::new("alice".parse().unwrap(), &[], parse_since(since).ok().as_ref())
}

fn in_rooms(rooms: &[&str], since: &str) -> Follower {
    let rooms: Vec<RoomName> = rooms.iter().map(|room| room.parse().unwrap()).collect();
    Follower::new("alice".parse().unwrap(), &rooms, parse_since(since).ok().as_ref())
}

fn joined(room: &str, resume: &str, top: &str) -> String {
    format!(
        r#"{{"type":"ok","command":"join","room":"{room}","position":"{top}","resume":"{resume}","users":["alice"],"user_count":1}}"#
    )
}

fn message(room: &str, position: &str) -> String {
    format!(
        r#"{{"type":"message","room":"{room}","position":"{position}","from":"bob","data":"hi","at":"2026-01-01T00:00:00.000Z"}}"#
    )
}

fn note(text: &str) -> Vec<Tell> {
    vec![Tell::Note(text.to_owned())]
}

fn welcome(resume: &str, top: &str) -> String {
    format!(
        r#"{{"type":"welcome","v":1,"user":"alice","ping_interval_ms":1000,"inbox":{{"position":"{top}","counters":{{}}}},"resume":"{resume}"}}"#
    )
}

fn event(position: &str) -> String {
    format!(
        r#"{{"id":"ntf_1","type":"note.text","position":"{position}","created_at":"2026-01-01T00:00:00.000Z","payload":{{"text":"hi"}}}}"#
    )
}

fn since(follower: &Follower) -> String {
    follower.since().map(|cursor| cursor.to_string()).unwrap_or_default()
}

#[test]
fn a_fresh_listener_starts_at_the_top_and_follows_the_events() {
    let mut follower = follower("");
    assert_eq!(follower.take(&welcome("fresh", "k3x9q2ab.4")), [Tell::Note("connected".to_owned())]);
    assert_eq!(since(&follower), "inbox@k3x9q2ab.4");
    assert_eq!(follower.patience(), Duration::from_secs(11));
    let told = follower.take(&event("k3x9q2ab.5"));
    assert_eq!(told, [Tell::Event("2026-01-01T00:00:00.000Z note.text hi".to_owned())]);
    assert_eq!(since(&follower), "inbox@k3x9q2ab.5");
}

#[test]
fn a_resume_keeps_its_own_position_until_the_replay_is_over() {
    let mut follower = follower("k3x9q2ab.2");
    follower.take(&welcome("complete", "k3x9q2ab.4"));
    assert_eq!(since(&follower), "inbox@k3x9q2ab.2");
    assert_eq!(follower.take(&event("k3x9q2ab.3")).len(), 1);
    let skip = r#"{"type":"skip","stream":"inbox","from":"k3x9q2ab.3","to":"k3x9q2ab.4"}"#;
    assert_eq!(follower.take(skip), [Tell::Note("recovered 1".to_owned())]);
    assert_eq!(since(&follower), "inbox@k3x9q2ab.4");
    assert_eq!(follower.take(&event("k3x9q2ab.5")).len(), 1);
}

#[test]
fn a_gap_is_told_and_continues_behind_it() {
    let mut follower = follower("k3x9q2ab.9");
    follower.take(&welcome("gap", "zzzzzzzz.3"));
    let gap = r#"{"type":"gap","stream":"inbox","from":"k3x9q2ab.9","to":"zzzzzzzz.3","reason":"epoch"}"#;
    assert!(matches!(follower.take(gap).as_slice(), [Tell::Note(note)] if note.contains("epoch")));
    assert_eq!(since(&follower), "inbox@zzzzzzzz.3");
}

#[test]
fn a_goodbye_says_when_to_come_back_once() {
    let mut follower = follower("");
    follower.take(r#"{"type":"goodbye","code":1012,"reason":"restart","retry_after_ms":700}"#);
    assert_eq!(follower.take_retry_after(), Some(Duration::from_millis(700)));
    assert_eq!(follower.take_retry_after(), None);
}

#[test]
fn rooms_that_are_not_followed_and_unknown_events_move_nothing() {
    let mut follower = follower("k3x9q2ab.1");
    for frame in [
        r#"{"type":"message","room":"a","position":"k3x9q2ab.9"}"#,
        r#"{"type":"skip","stream":"a","to":"k3x9q2ab.9"}"#,
        r#"{"type":"ping"}"#,
        "[]",
        "",
    ] {
        assert!(follower.take(frame).is_empty(), "{frame}");
    }
    assert_eq!(since(&follower), "inbox@k3x9q2ab.1");
}

#[test]
fn rooms_are_asked_for_with_what_was_seen_of_each() {
    assert_eq!(follower("").query(), "");
    let mut follower = in_rooms(&["a", "b"], "");
    assert_eq!((follower.query(), follower.scope()), ("?rooms=a,b".to_owned(), "join:a join:b".to_owned()));
    assert_eq!(follower.take(&joined("a", "fresh", "e1e1e1e1.4")), note("in a: 1 here"));
    let told = follower.take(&message("a", "e1e1e1e1.5"));
    assert_eq!(told, [Tell::Event("2026-01-01T00:00:00.000Z a bob: hi".to_owned())]);
    assert_eq!(follower.query(), "?rooms=a,b&since=a@e1e1e1e1.5");
    let follower = in_rooms(&["a"], "inbox@k3x9q2ab.1,a@e1e1e1e1.2,other@e1e1e1e1.3");
    assert_eq!(follower.query(), "?rooms=a&since=inbox@k3x9q2ab.1,a@e1e1e1e1.2");
}

#[test]
fn a_room_that_is_resumed_keeps_its_own_position_until_the_replay_is_over() {
    let mut follower = in_rooms(&["a"], "a@e1e1e1e1.2");
    follower.take(&joined("a", "complete", "e1e1e1e1.4"));
    assert_eq!(since(&follower), "a@e1e1e1e1.2");
    assert_eq!(follower.take(&message("a", "e1e1e1e1.3")).len(), 1);
    let told = follower.take(&message("a", "e1e1e1e1.4"));
    assert_eq!(told.last(), Some(&Tell::Note("recovered 2 of a".to_owned())));
    // Cut in the middle of the next one, it begins anew.
    follower.take(&joined("a", "complete", "e1e1e1e1.9"));
    follower.take_retry_after();
    assert_eq!(follower.take(&message("a", "e1e1e1e1.9")).len(), 1);
}

#[test]
fn a_gap_of_a_room_is_told_and_continues_behind_it() {
    let mut follower = in_rooms(&["a"], "a@e1e1e1e1.9");
    follower.take(&joined("a", "gap", "zzzzzzzz.3"));
    let gap = r#"{"type":"gap","stream":"a","from":"e1e1e1e1.9","to":"zzzzzzzz.1","reason":"epoch"}"#;
    assert_eq!(follower.take(gap), note("gap: some messages of a are lost to this listener (epoch)"));
    assert_eq!(since(&follower), "a@zzzzzzzz.1");
}

#[test]
fn who_comes_and_goes_is_told_and_who_types_is_not() {
    let mut follower = in_rooms(&["a"], "");
    let come = r#"{"type":"user_joined","room":"a","user":"bob","user_count":2}"#;
    assert_eq!(follower.take(come), note("a: bob has come, 2 here"));
    let left = r#"{"type":"user_left","room":"a","user":"bob","user_count":1}"#;
    assert_eq!(follower.take(left), note("a: bob has left, 1 here"));
    assert_eq!(follower.take(r#"{"type":"typing","room":"a","users":["bob"]}"#), []);
    assert_eq!(
        follower.take(r#"{"type":"left","room":"a","reason":"forbidden"}"#),
        note("no longer in a (forbidden)")
    );
}

#[test]
fn a_room_that_cannot_be_joined_ends_it() {
    let refused = r#"{"type":"error","command":"join","room":"a","code":"room_limit","message":"too many","retryable":false}"#;
    let stop = Tell::Stop("a cannot be joined: room_limit, too many".to_owned());
    assert_eq!(in_rooms(&["a"], "").take(refused), [stop]);
}

#[test]
fn what_a_message_says_is_its_text_where_it_has_one() {
    assert_eq!(text_of(r#""a\nb""#), "a\nb");
    assert_eq!(text_of(r#"{"text":"hi","n":1}"#), "hi");
    for json in [r#"{"n":1}"#, "3", r#"["a","b","c"]"#, "null"] {
        assert_eq!(text_of(json), json);
    }
}

#[test]
fn a_payload_cannot_drive_the_terminal() {
    let frame = r#"{"type":"a.b","position":"k3x9q2ab.1","payload":{"title":"t\u001b[2J","text":"x\ny"}}"#;
    let told = follower("").take(frame);
    assert_eq!(told, [Tell::Event(r"- a.b t\u{1b}[2J · x\ny".to_owned())]);
}

#[test]
fn the_inbox_of_another_user_is_not_followed() {
    let mut follower = follower("");
    let stop = follower.take(&welcome("fresh", "k3x9q2ab.4").replace("alice", "bob\\u001b[2J"));
    let why = r"the token is for bob\u{1b}[2J, so the notifications of alice cannot be shown";
    assert_eq!((stop, since(&follower)), (vec![Tell::Stop(why.to_owned())], String::new()));
}

#[test]
fn since_is_a_cursor_or_a_position_of_the_inbox() {
    assert_eq!(parse_since("k3x9q2ab.4"), parse_since("inbox@k3x9q2ab.4"));
    assert!(parse_since("yesterday").is_err() && parse_since("").is_err());
}

proptest! {
    #[test]
    fn any_frame_is_told_or_left(frame in ".*") {
        in_rooms(&["a"], "").take(&frame);
    }
}
