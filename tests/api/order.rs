//! The numbers of an inbox: gapless, and in order on every connection (G2, G5).

use futures_util::future::{join, join_all};

use crate::{
    app::App,
    database::Database,
    traffic::{Dice, Follower, Receipt, draft, publish, publish_all},
};

#[actix_web::test]
async fn thirty_two_publishers_to_one_user_give_1_to_n_on_the_wire_of_every_session() {
    const PUBLISHERS: usize = 32;
    const EACH: u64 = 25;
    let app = App::start();
    let session = || async {
        let mut follower = Follower::from_start("alice");
        let mut ws = follower.connect(&app).await;
        follower.read_to(&mut ws, EACH * PUBLISHERS as u64).await;
        follower.seen
    };
    let publisher = || async {
        let http = app.http(&app.publisher());
        let mut offsets = Vec::new();
        for n in 0..EACH {
            offsets.extend(publish(&http, &draft(&["alice"], n, 0)).await);
        }
        offsets
    };
    let sessions = join_all((0..3).map(|_| session()));
    let publishers = join_all((0..PUBLISHERS).map(|_| publisher()));
    let (seen, accepted) = join(sessions, publishers).await;

    for accepted in &accepted {
        assert!(accepted.is_sorted_by_key(|receipt| receipt.offset), "{accepted:?}");
    }
    let accepted = in_order(accepted.into_iter().flatten());
    assert_eq!(accepted.len(), PUBLISHERS * EACH as usize);
    for seen in seen {
        assert_eq!(seen, accepted);
    }
    assert_eq!(Database::open(&app.database()).inbox("alice"), accepted);
}

#[actix_web::test]
async fn users_interleaved_in_one_publish_have_each_their_own_numbers_without_a_hole() {
    const USERS: [&str; 5] = ["alice", "bob", "carol", "dave", "erin"];
    let app = App::start();
    let mut dice = Dice::new();
    let publishers = (0..8).map(|_| publish_to_some(&app, &USERS, dice.fork()));
    let accepted: Vec<Receipt> = join_all(publishers).await.into_iter().flatten().collect();
    for user in USERS {
        let accepted = in_order(accepted.iter().filter(|receipt| receipt.user == user).cloned());
        let mut follower = Follower::from_start(user);
        let mut ws = follower.connect(&app).await;
        follower.read_to(&mut ws, accepted.len() as u64).await;
        assert_eq!(follower.seen, accepted);
    }
}

/// Publishes to some of the users at a time, in any order.
async fn publish_to_some(app: &App, users: &[&str], mut dice: Dice) -> Vec<Receipt> {
    let http = app.http(&app.publisher());
    let mut accepted = Vec::new();
    for n in 0..40 {
        let mut to: Vec<&str> = users.iter().copied().filter(|_| dice.below(2) == 0).collect();
        if to.is_empty() {
            continue;
        }
        let turn = dice.below(to.len() as u64) as usize;
        to.rotate_left(turn);
        let receipts = publish(&http, &draft(&to, n, 0)).await;
        assert_eq!(receipts.iter().map(|receipt| receipt.user.as_str()).collect::<Vec<_>>(), to);
        accepted.extend(receipts);
    }
    accepted
}

#[actix_web::test]
async fn two_devices_one_replaying_thousands_while_the_other_is_live_see_everything_once_and_in_order() {
    const MISSED: u64 = 3000;
    const LIVE: u64 = 1000;
    let app = App::start();
    let missed = publish_all(&app, &["alice"], MISSED, 0, 32).await;
    let mut live =
        Follower::new("alice", app.ws("alice").await.welcome["inbox"]["position"].as_str().unwrap());
    let mut replaying = Follower::from_start("alice");
    let mut live_ws = live.connect(&app).await;
    let follow = async {
        let mut replaying_ws = replaying.connect(&app).await;
        assert_eq!(replaying_ws.welcome["resume"], "complete");
        join(replaying.read_to(&mut replaying_ws, MISSED + LIVE), live.read_to(&mut live_ws, MISSED + LIVE))
            .await
    };
    let (_, published) = join(follow, publish_all(&app, &["alice"], LIVE, 0, 8)).await;

    let all = in_order(missed.into_iter().chain(published));
    assert_eq!(replaying.seen, all);
    assert_eq!(live.seen, all[MISSED as usize..]);
}

/// Offset and id of receipts, by offset.
fn in_order(receipts: impl IntoIterator<Item = Receipt>) -> Vec<(u64, String)> {
    let mut order: Vec<_> = receipts.into_iter().map(|receipt| (receipt.offset, receipt.id)).collect();
    order.sort();
    order
}
