//! The rooms of the handshake.

use serde_json::json;

use super::{
    client::Client,
    house::House,
    witness::{Asked, Record},
    *,
};

#[actix::test]
async fn who_leaves_a_room_of_the_handshake_at_once_hears_nothing_of_it_after_the_answer() {
    let house = House::open();
    let mut record = Record::default();
    let mut speaker = Client::open(&house.workers[0], "alice", vec!["a"], vec![("a", None)], false);
    for number in 0..3 {
        record.drafts.push(("a", "alice".to_owned()));
        speaker.send(Asked::Publish { number }, json!({ "type": "message", "room": "a", "data": number }));
    }
    let mut clients = vec![speaker];
    house.settle(&mut clients, &mut record).await;

    let first_rooms = vec![("a", Some(Position::START))];
    let mut leaver = Client::open(&house.workers[1], "bob", vec!["a"], first_rooms, true);
    leaver.send(Asked::Leave { room: "a" }, json!({ "type": "leave", "room": "a" }));
    clients.push(leaver);
    house.settle(&mut clients, &mut record).await;
    assert!(clients[1].witness.rooms.is_empty());
}
