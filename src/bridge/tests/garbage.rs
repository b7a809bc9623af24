//! Whoever can write to Redis and is no node: nothing of it is believed, and nothing breaks (X14, T6).

use redis::{Commands, Connection};

use super::{
    house::{Node, draft, options, user},
    server::Server,
};
use crate::{
    bridge::{
        BridgeOptions,
        messages::{BusEvent, Order},
    },
    domain::Position,
};

const CHANNELS: [&str; 3] = ["tidings:{alice}:inbox", "tidings:{r}:room", "tidings:nodes"];

fn stranger(server: &Server) -> Connection {
    redis::Client::open(server.url()).unwrap().get_connection().unwrap()
}

async fn listener(options: BridgeOptions) -> Node {
    let mut node = Node::start_with(options).await;
    node.order(vec![Order::FollowInbox(user("alice"))]);
    node.open("r", Position::START, &[]).await;
    node
}

#[actix::test]
async fn garbage_is_counted_and_not_delivered() {
    let server = Server::start().await;
    let mut node = listener(options(&server.url())).await;
    let counters = r#"{"unread":1,"unseen":1,"version":1,"marks_version":0}"#;
    let changed = format!(r#"{{"node":"abcdefgh","position":"abcdefgh.1","counters":{counters}}}"#);
    let malformed = [
        String::new(),
        " ".to_owned(),
        "1".to_owned(),
        "1 -".to_owned(),
        "1 - ".to_owned(),
        "1 - {}".to_owned(),
        "1 - null".to_owned(),
        r#"1 - {"unheard_of":{}}"#.to_owned(),
        r#"1 - {"exited":{"node":"short","user":"bob"}}"#.to_owned(),
        r#"1 - {"exited":{"node":"abcdefgh","user":"b b"}}"#.to_owned(),
        r#"1 - {"exited":{"node":"abcdefgh"}}"#.to_owned(),
        r#"1 - {"message":{"id":1,"from":"bob","event":null,"nonce":null,"data":1}}"#.to_owned(),
        format!(r#"2 - {{"changed":{changed}}}"#),
        format!(r#"1 - {{"changed":{changed}}} "#).replace(r#""unread":1"#, r#""unread":-1"#),
        format!(r#"1 - {{"changed":{changed}}}"#).replace("unread", "unraed"),
        format!(r#"1 - {{"changed":{changed},"changed":{changed}}}"#),
        "abcdefgh.1".to_owned(),
        "abcdefgh.1 1".to_owned(),
        "abcdefgh.1 1 1".to_owned(),
        "abcdefgh.01 1 1 - {}".to_owned(),
        r#"abcdefgh.1 1 1 - {"message":{"id":1,"from":"bob","event":"ping","nonce":null,"data":1}}"#
            .to_owned(),
        r#"abcdefgh.1 1 1 - {"message":{"id":1,"from":"bob","event":null,"nonce":null,"data":{"a":1,"a":2}}}"#
            .to_owned(),
        r#"abcdefgh.0 1 1 - {"message":{"id":1,"from":"bob","event":null,"nonce":null,"data":1}}"#.to_owned(),
        r#"abcdefgh.1 1 1 - {"exited":{"node":"abcdefgh","user":"bob"}}"#.to_owned(),
    ];
    let mut redis = stranger(&server);
    let mut said = 0;
    for channel in CHANNELS {
        for text in &malformed {
            said += redis.publish::<_, _, u64>(channel, text).unwrap();
        }
        for round in 0..20u8 {
            let noise: Vec<u8> = (0..200u8).map(|n| n.wrapping_mul(round).wrapping_add(128)).collect();
            said += redis.publish::<_, _, u64>(channel, noise).unwrap();
        }
        said += redis.publish::<_, _, u64>(channel, vec![b'x'; 5_000_000]).unwrap();
        let nested = format!("1 - {}", "[".repeat(100_000));
        said += redis.publish::<_, _, u64>(channel, nested).unwrap();
    }
    assert_eq!(said, 3 * (24 + 20 + 2));
    // A fact in a room's channel, and the other way round.
    said += redis.publish::<_, _, u64>(CHANNELS[1], format!(r#"1 - {{"changed":{changed}}}"#)).unwrap();
    let exited = r#"1 - {"exited":{"node":"abcdefgh","user":"bob"}}"#;
    said += redis.publish::<_, _, u64>(CHANNELS[0], exited).unwrap();
    redis.publish::<_, _, u64>(CHANNELS[1], exited).unwrap();

    // What looks like a message may be one that is missed.
    let heard = loop {
        match node.next().await {
            BusEvent::Missed(room) => assert_eq!(room.as_str(), "r"),
            other => break other,
        }
    };
    assert!(matches!(heard, BusEvent::Exited { user, .. } if user.as_str() == "bob"));
    assert_eq!(node.link.rejected(), said);
    node.published("r", "alice", draft("1")).await.unwrap();
}

#[actix::test]
async fn with_a_secret_only_what_a_node_has_signed_is_believed() {
    let server = Server::start().await;
    let with_secret =
        |secret: &str| BridgeOptions { secret: Some(secret.repeat(4).into()), ..options(&server.url()) };
    let mut node = listener(with_secret("12345678")).await;
    let mut friend = Node::start_with(with_secret("12345678")).await;
    friend.publish("r", "bob", draft("1"));
    let said = node.said().await;
    assert_eq!((said.from.as_str(), node.link.rejected()), ("bob", 0));

    let mut foe = Node::start_with(with_secret("abcdefgh")).await;
    foe.published("r", "carol", draft("2")).await.unwrap();
    foe.open("r", Position::START, &["carol"]).await;
    let mut redis = stranger(&server);
    // What was said in one room is not believed in another, whoever has signed it.
    let log: Vec<redis::Value> =
        redis::cmd("XRANGE").arg("tidings:{r}:log").arg("-").arg("+").query(&mut redis).unwrap();
    let entry: (String, Vec<String>) = redis::from_redis_value(log[0].clone()).unwrap();
    node.open("other", Position::START, &[]).await;
    let replayed = format!("{} 1 {}", Position::new(said.position.epoch, 1), entry.1[5]);
    redis.publish::<_, _, u64>("tidings:{other}:room", replayed).unwrap();
    friend.publish("r", "bob", draft("3"));
    let said = node.said().await;
    assert_eq!((said.position.offset, said.draft.data.as_str()), (3, "3"));
    assert_eq!(node.link.rejected(), 3);
    assert!(node.told().iter().all(|event| !matches!(event, BusEvent::Members { .. })));

    // In the history it is a hole: what is before it counts as lost.
    let state = node.open("r", Position::START, &[]).await;
    let kept: Vec<u64> = state.messages.iter().map(|message| message.position.offset).collect();
    assert_eq!((kept, state.last), (vec![3], 3));
}
