use super::*;
use crate::{domain::Epoch, stream::GapReason};

#[test]
fn a_frame_has_the_shortest_header_for_its_length() {
    for (len, header_len) in [(0, 2), (123, 2), (124, 4), (65_533, 4), (65_534, 10), (100_000, 10)] {
        let text = "x".repeat(len);
        let frame = Frame::new(Class::Reply, &text);
        let websocket = frame.websocket();
        assert_eq!(websocket.len(), header_len + len + 2);
        assert_eq!(websocket[header_len..], *format!("\"{text}\"").as_bytes());
        assert_eq!(frame.json(), &websocket[header_len..]);
        assert_eq!(websocket[0], 0x81);
        let declared = match websocket[1] {
            126 => usize::from(u16::from_be_bytes([websocket[2], websocket[3]])),
            127 => u64::from_be_bytes(websocket[2..10].try_into().unwrap()) as usize,
            short => usize::from(short),
        };
        assert_eq!(declared, len + 2);
    }
}

#[test]
fn a_frame_of_a_room_says_what_it_covers() {
    let room: RoomName = "chat:general".parse().unwrap();
    let at = |offset| Position::new(Epoch::from_random(1), offset);

    let message = Frame::message(&room, at(5), &"hello");
    assert_eq!((message.class(), message.room()), (Class::Room, Some(&room)));
    assert_eq!((message.follows(), message.position()), (Some(at(4)), Some(at(5))));

    let gap = Frame::gap(&room, Gap { from: at(2), to: at(7), reason: GapReason::Pruned });
    assert_eq!((gap.class(), gap.room()), (Class::Room, Some(&room)));
    assert_eq!((gap.follows(), gap.position()), (Some(at(2)), Some(at(7))));
    let json: serde_json::Value = serde_json::from_slice(gap.json()).unwrap();
    assert_eq!(json["stream"], "chat:general");
    assert_eq!(json["reason"], "pruned");

    let typing = Frame::ephemeral(&room, None, &"typing");
    assert_eq!((typing.class(), typing.room()), (Class::Ephemeral, Some(&room)));
    assert_eq!((typing.follows(), typing.position()), (None, None));
    assert_eq!(Frame::notification(at(3), &"news").room(), None);
}
