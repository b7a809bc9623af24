//! Rooms that several nodes share: numbering, history, nonces, rates.

use super::{
    house::{Node, draft, room, user, with_nonce},
    server::Server,
};
use crate::{
    bridge::messages::{BusEvent, Order, RoomMessage},
    domain::Position,
};

impl Node {
    async fn said(&mut self) -> RoomMessage {
        self.until(|event| match event {
            BusEvent::Said(message) => Some(message),
            _ => None,
        })
        .await
    }
}

#[actix::test]
async fn a_message_has_its_number_and_is_heard_by_all_who_follow_its_author_too() {
    let server = Server::start().await;
    let (mut a, mut b) = (Node::start(&server.url()).await, Node::start(&server.url()).await);
    let state = a.open("r", Position::START, &["alice"]).await;
    assert!(state.last == 0 && state.messages.is_empty() && state.members.is_empty());
    let position = b.published("r", "bob", with_nonce(r#"{"a":1.10}"#, "n 1")).await.unwrap();
    assert_eq!(position, Position::new(state.epoch, 1));
    let said = a.said().await;
    assert_eq!(
        (said.position, said.from.as_str(), said.draft.data.as_str()),
        (position, "bob", r#"{"a":1.10}"#)
    );
    assert_eq!(said.draft.nonce.unwrap().as_str(), "n 1");

    let state = b.open("r", Position::START, &["bob"]).await;
    assert_eq!((state.epoch, state.last), (position.epoch, 1));
    assert_eq!(state.messages.len(), 1);
    assert_eq!((state.messages[0].at, state.messages[0].from.as_str()), (said.at, "bob"));
    assert_eq!(state.members, [(a.id, user("alice"))]);
    let joined = a
        .until(|event| match event {
            BusEvent::Members { node, users, .. } => Some((node, users)),
            _ => None,
        })
        .await;
    assert_eq!(joined, (b.id, vec![user("bob")]));
    b.order(vec![Order::Exit { room: room("r"), user: user("bob") }]);
    a.until(|event| match event {
        BusEvent::Exited { node, user, .. } => Some(assert_eq!((node, user.as_str()), (b.id, "bob"))),
        _ => None,
    })
    .await;
}
