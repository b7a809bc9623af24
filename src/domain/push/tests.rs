//! Words of a push: where they come from, and what a device knows them by.

use super::*;
use crate::domain::{Json, Notification, Position};

fn notification(notification_type: &str, payload: &str) -> Notification {
    Notification {
        id: NotificationId::generate(),
        position: Position::START,
        notification_type: notification_type.parse().unwrap(),
        v: 1,
        payload: Json::parse(payload).unwrap(),
        key: None,
        created_at: Timestamp::from_secs(0),
        expires_at: None,
        seen_at: None,
        read_at: None,
        archived_at: None,
        muted: false,
    }
}

fn text(title: &str, body: Option<&str>, url: Option<&str>) -> PushText {
    PushText { title: title.to_owned(), body: body.map(str::to_owned), url: url.map(str::to_owned) }
}

#[test]
fn what_the_publisher_does_not_say_is_taken_from_the_notification() {
    let told = |payload: &str| PushWords::default().told_of(&notification("order_2.was.shipped", payload));
    assert_eq!(told("{}"), text("Order 2 was shipped", None, None));
    assert_eq!(
        told(r#"{"title":"T","text":"x","body":"y","url":"/a","z":[]}"#),
        text("T", Some("x"), Some("/a"))
    );
    assert_eq!(told(r#"{"title":"","text":5,"body":"y","url":null}"#).body.as_deref(), Some("y"));
    let words = PushWords { body: Some("b".to_owned()), ..PushWords::default() };
    let told = words.told_of(&notification("a.b", r#"{"title":"T","text":"x"}"#));
    assert_eq!(told, text("T", Some("b"), None));
}

#[test]
fn a_summary_counts_and_one_is_itself() {
    assert_eq!(PushText::summary(Vec::new(), false), None);
    let one = text("a", Some("x"), Some("/a"));
    assert_eq!(PushText::summary(vec![one.clone()], false), Some(one.clone()));
    let four = || ["a", "b", "c", "d"].map(|title| text(title, None, None)).to_vec();
    let said = |title| Some(text(title, Some("a\nb\nc"), None));
    assert_eq!(PushText::summary(four(), false), said("4 new notifications"));
    assert_eq!(PushText::summary(four(), true), said("More than 4 new notifications"));
}

#[test]
fn a_tag_is_that_of_the_notification_or_of_its_key_and_can_be_a_topic() {
    let (one, other) = (NotificationId::generate(), NotificationId::generate());
    assert_eq!(PushTag::of(&one, None).as_str(), one.as_str());
    assert_eq!(PushTag::of(&one, Some("build ü")), PushTag::of(&other, Some("build ü")));
    assert_ne!(PushTag::of(&one, Some("a")), PushTag::of(&one, Some("b")));
    for tag in [PushTag::of(&one, None), PushTag::of(&one, Some("ü /")), PushTag::summary()] {
        let is_plain = |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
        assert!(tag.as_str().len() <= 32 && is_plain(tag.as_str()), "{tag:?}");
        assert!(tag.topic().len() <= 32 && is_plain(&tag.topic()) && tag.topic() != tag.as_str());
    }
}

#[test]
fn words_that_are_kept_read_back() {
    for urgency in [Urgency::VeryLow, Urgency::Low, Urgency::Normal, Urgency::High] {
        assert_eq!(urgency.as_str().parse(), Ok(urgency));
        assert_eq!(serde_json::to_value(urgency).unwrap(), urgency.as_str());
    }
    for state in [PushState::Waiting, PushState::Sent, PushState::Withheld, PushState::Gone, PushState::Dead]
    {
        assert_eq!(state.as_str().parse(), Ok(state));
        assert_eq!(serde_json::to_value(state).unwrap(), state.as_str());
    }
    let id = PushSubscriptionId::generate();
    assert_eq!(id.as_str().parse(), Ok(id.clone()));
    for bad in ["", "psh_1", &id.as_str().replacen("psh", "ntf", 1)] {
        assert!(bad.parse::<PushSubscriptionId>().is_err(), "{bad}");
    }
    assert!("Urgent".parse::<Urgency>().is_err() && "lost".parse::<PushState>().is_err());
}
