//! A node hears of what somebody on it follows, and of nothing else: the first one in subscribes, the last one out
//! unsubscribes.

use crate::{
    app::until,
    clients::room::member,
    cluster::{Cluster, Setup},
};

/// How many nodes are subscribed to channels with this word in their name.
fn subscribers(cluster: &mut Cluster, word: &str) -> usize {
    let redis = cluster.redis();
    let channels: Vec<String> = redis.run(&["PUBSUB", "CHANNELS", &format!("*{word}*")]);
    let count = |channel: &String| -> usize {
        let (_, count): (String, usize) = redis.run(&["PUBSUB", "NUMSUB", channel]);
        count
    };
    channels.iter().map(count).sum()
}

#[actix_web::test]
async fn a_node_is_subscribed_to_what_somebody_there_follows_as_long_as_somebody_does() {
    // Nobody reads, and so answers pings, while the channels are looked at.
    let settings = &[("session.ping_interval", "25s")];
    let mut cluster = Cluster::start_with(Setup { settings, ..Setup::default() }).await;
    let words = ["alice", "chat"];
    let mut sockets = Vec::new();
    // Who comes, and how many nodes follow the inbox and the room then.
    for (node, count) in [(0, 1), (0, 1), (1, 2)] {
        sockets.push(member(cluster.app(node), "alice", &["chat"]).await);
        for word in words {
            until("it is followed", || (subscribers(&mut cluster, word) == count).then_some(())).await;
        }
    }
    // And when they go, the one that is there twice first.
    for count in [2, 1, 0] {
        let mut gone = sockets.remove(0);
        gone.socket.close(None).await.unwrap();
        gone.end().await;
        for word in words {
            until("it is followed no longer", || (subscribers(&mut cluster, word) == count).then_some(()))
                .await;
        }
    }
}
