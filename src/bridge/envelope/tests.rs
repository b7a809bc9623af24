use proptest::{collection::vec, option, prelude::*};
use secrecy::SecretString;

use super::*;
use crate::{
    bridge::messages::TELL_BYTES_MAX,
    domain::{
        Epoch, MarkAs, MarkTarget, NotificationId, mark::MARK_IDS_MAX, notification::PAYLOAD_BYTES_MAX,
    },
};

const DATA_BYTES: usize = 4096;

fn sealer(secret: Option<&str>) -> Sealer {
    let secret = secret.map(|secret| SecretString::from(secret.to_owned()));
    Sealer::new(Names::new("tidings:".to_owned()), Signer::new(secret.as_ref()), DATA_BYTES)
}

fn inbox() -> Channel {
    Channel::Inbox("alice".parse().unwrap())
}

fn json() -> impl Strategy<Value = Json> {
    let object = |text: &str| Json::parse(&serde_json::json!({ "text": text }).to_string()).unwrap();
    ".{0,40}".prop_map(move |text| object(&text))
}

fn position() -> impl Strategy<Value = Position> {
    (any::<u64>(), 1..=i64::MAX as u64)
        .prop_map(|(bits, offset)| Position::new(Epoch::from_random(bits), offset))
}

fn time() -> impl Strategy<Value = Timestamp> {
    any::<i64>().prop_map(Timestamp::from_micros)
}

fn counters() -> impl Strategy<Value = Counters> {
    any::<(u64, u64, u64, u64)>().prop_map(|(unread, unseen, version, marks_version)| Counters {
        unread,
        unseen,
        version,
        marks_version,
    })
}

fn ids() -> impl Strategy<Value = Vec<NotificationId>> {
    (0..5usize).prop_map(|count| (0..count).map(|_| NotificationId::generate()).collect())
}

fn notification() -> impl Strategy<Value = Notification> {
    let times = (time(), option::of(time()), option::of(time()), option::of(time()), option::of(time()));
    (
        position(),
        "[a-z]{1,9}\\.[a-z0-9_]{1,9}",
        any::<u32>(),
        json(),
        option::of(".{0,20}"),
        times,
        any::<bool>(),
    )
        .prop_map(|(position, notification_type, v, payload, key, times, muted)| Notification {
            id: NotificationId::generate(),
            position,
            notification_type: notification_type.parse().unwrap(),
            v,
            payload,
            key,
            created_at: times.0,
            expires_at: times.1,
            seen_at: times.2,
            read_at: times.3,
            archived_at: times.4,
            muted,
        })
}

fn change() -> impl Strategy<Value = MarkedChange> {
    let target = prop_oneof![
        ids().prop_map(MarkTarget::Ids),
        position().prop_map(MarkTarget::UpTo),
        Just(MarkTarget::All),
    ];
    let mark_as =
        prop_oneof![Just(MarkAs::Read), Just(MarkAs::Seen), Just(MarkAs::Archived), Just(MarkAs::Unread)];
    prop_oneof![
        (mark_as, target).prop_map(|(mark_as, target)| MarkedChange::As(mark_as, target)),
        ids().prop_map(MarkedChange::Deleted),
    ]
}

fn fact() -> impl Strategy<Value = InboxFact> {
    let user: UserId = "alice".parse().unwrap();
    prop_oneof![
        (Just(user.clone()), notification(), counters()).prop_map(|(user, notification, counters)| {
            InboxFact::Appended { user, notification: notification.into(), counters }
        }),
        (Just(user.clone()), change(), counters()).prop_map(|(user, change, counters)| InboxFact::Marked {
            user,
            origin: None,
            change,
            counters
        }),
        (Just(user), position(), counters()).prop_map(|(user, position, counters)| InboxFact::Changed {
            user,
            position,
            counters
        }),
    ]
}

fn message() -> impl Strategy<Value = MessageDraft> {
    (json(), option::of("[a-z_]{20}"), option::of("[^\\pC]{1,20}")).prop_map(|(data, event, nonce)| {
        MessageDraft {
            data,
            event: event.map(|event| event.parse().unwrap()),
            nonce: nonce.map(|nonce| nonce.parse().unwrap()),
        }
    })
}

proptest! {
    #[test]
    fn a_fact_comes_out_as_it_went_in(fact in fact(), bits: u64, is_signed: bool) {
        let node = NodeId::from_random(bits);
        let sealer = sealer(is_signed.then_some("a key"));
        let sealed = sealer.seal(&inbox(), &Body::of_fact(node, fact.clone()));
        let opened = sealer.open(&inbox(), sealed.as_bytes()).unwrap().into_fact(fact.user().clone()).unwrap();
        prop_assert_eq!(format!("{opened:?}"), format!("{:?}", (node, fact)));
    }

    #[test]
    fn a_message_comes_out_as_it_went_in(draft in message(), position in position(), at in time()) {
        let (room, from): (RoomName, UserId) = ("r".parse().unwrap(), "bob".parse().unwrap());
        let sealer = sealer(Some("a key"));
        let body = Body::of_message(from.clone(), draft.clone());
        let sealed = sealer.seal(&Channel::Room(room.clone()), &body);
        let numbered = format!("{position} {} {sealed}", at.as_micros());
        let opened = sealer.open_numbered(&room, numbered.as_bytes()).unwrap();
        prop_assert_eq!((opened.from, opened.draft, opened.position, opened.at), (from, draft, position, at));
    }

    #[test]
    fn noise_is_rejected(noise in vec(any::<u8>(), 0..200)) {
        let (room, sealer) = ("r".parse().unwrap(), sealer(None));
        prop_assert!(sealer.open(&inbox(), &noise).is_err());
        prop_assert!(sealer.open_numbered(&room, &noise).is_err());
    }

    #[test]
    fn what_was_changed_on_the_way_is_never_taken_for_something_else(
        fact in fact(), place: prop::sample::Index, with: u8,
    ) {
        let signed = sealer(Some("a key"));
        let body = Body::of_fact(NodeId::from_random(1), fact);
        let mut sealed = signed.seal(&inbox(), &body).into_bytes();
        let place = place.index(sealed.len());
        prop_assume!(sealed[place] != with);
        sealed[place] = with;
        prop_assert!(signed.open(&inbox(), &sealed).is_err());
        // Without a key it is judged as it stands, and nothing breaks.
        let _ = sealer(None).open(&inbox(), &sealed);
    }
}

#[test]
fn the_largest_that_a_node_says_is_believed() {
    let sealer = sealer(Some("a key"));
    let node = NodeId::from_random(1);
    let users: Vec<UserId> = (0..MEMBERS_MAX).map(|n| format!("{n:0>128}").parse().unwrap()).collect();
    let ids: Vec<NotificationId> = (0..MARK_IDS_MAX).map(|_| NotificationId::generate()).collect();
    let counters = Counters::default();
    let text = |bytes: usize| Json::parse(&format!("\"{}\"", "x".repeat(bytes - 2))).unwrap();
    let notification = Notification {
        id: NotificationId::generate(),
        position: Position::START,
        notification_type: "a.b".parse().unwrap(),
        v: 1,
        payload: text(PAYLOAD_BYTES_MAX),
        key: Some("\u{1}".repeat(128)),
        created_at: Timestamp::from_secs(0),
        expires_at: None,
        seen_at: None,
        read_at: None,
        archived_at: None,
        muted: false,
    };
    let draft = MessageDraft {
        data: text(DATA_BYTES),
        event: Some("e".repeat(64).parse().unwrap()),
        nonce: Some("😀".repeat(64).parse().unwrap()),
    };
    let bodies = [
        Body::Members { node, before: usize::MAX, users, has_more: true },
        Body::Told { node, to: Some(node), kind: TellKind::Answer, body: "\"".repeat(TELL_BYTES_MAX) },
        Body::Marked { node, change: MarkedChange::Deleted(ids), counters },
        Body::Appended { node, notification, counters },
        Body::of_message("a".repeat(128).parse().unwrap(), draft),
    ];
    for body in bodies {
        let sealed = sealer.seal(&inbox(), &body);
        assert!(sealer.open(&inbox(), sealed.as_bytes()).is_ok(), "{} bytes", sealed.len());
    }
    let large = vec![b' '; sealer.bytes_max() + 1];
    assert_eq!(sealer.open(&inbox(), &large).unwrap_err(), Rejected::TooLarge);
}

#[test]
fn another_version_is_known_as_such() {
    let refused = sealer(None).open(&inbox(), b"2 - {}").unwrap_err();
    assert_eq!(refused, Rejected::Version);
}

#[test]
fn what_a_newer_node_says_besides_is_passed_over_and_a_word_that_nobody_knows_is_none() {
    let sealer = sealer(None);
    let open = |json: &str| sealer.open(&inbox(), format!("1 - {json}").as_bytes());
    let counters = r#"{"unread":1,"unseen":1,"version":7,"marks_version":0,"later":[1]}"#;
    let node = NodeId::from_random(1);
    let said = format!(
        r#"{{"changed":{{"node":"{}","position":"k3x9q2ab.7","counters":{counters},"later":{{"a":1}}}}}}"#,
        node.as_str()
    );
    assert!(matches!(open(&said), Ok(Body::Changed { counters: Counters { version: 7, .. }, .. })), "{said}");
    assert_eq!(open(r#"{"later":{"node":"x"}}"#).unwrap_err(), Rejected::Malformed);
    // What is missing is no field that comes later.
    assert_eq!(open(&said.replace("\"version\":7,", "")).unwrap_err(), Rejected::Malformed);
}
