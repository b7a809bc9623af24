//! One client, one cursor, every way in: it changes its transport again and again, at any instant, while the
//! server is restarted under it, and loses and doubles nothing (G3, G4, G5, G6).

mod load;
mod wanderer;

use std::{
    cell::Cell,
    collections::{BTreeMap, BTreeSet},
    time::Instant,
};

use futures_util::future::join5;
use load::{Load, MUTED, ROOMS};
use serde_json::Value;
use wanderer::Wanderer;

use crate::{
    app::{App, until},
    clients::{http::Http, room::EVERYWHERE, sse::cursor},
    database::Database,
    traffic::{Dice, offset_of},
};

const USER: &str = "alice";
const SWITCHES: usize = 300;
const RESTARTS: usize = 8;

/// Longest stay on one transport, and longest time away between two of them.
const STAY_MILLIS: u64 = 100;
const AWAY_MILLIS: u64 = 60;

#[actix_web::test]
async fn a_client_that_switches_its_transport_300_times_over_restarts_loses_and_doubles_nothing() {
    let mut dice = Dice::new();
    let start = Instant::now();
    let mut app = App::start_with(&[
        ("shutdown.drain", "150ms"),
        ("limits.room_messages_per_second", "0"),
        ("limits.sessions_per_user", "0"),
    ]);
    let load = Load::new(&app, USER).await;
    let mut wanderer = Wanderer::start(&app, USER, &ROOMS).await;
    let switches = Cell::new(0);
    let (mut ways, mut endings) = (dice.fork(), dice.fork());
    let wandering = async {
        while switches.get() < SWITCHES {
            let stay = ways.millis(STAY_MILLIS);
            // Where the server is away nothing is counted.
            switches.set(switches.get() + usize::from(wanderer.visit(&mut ways, stay).await));
            if ways.below(2) == 0 {
                tokio::time::sleep(ways.millis(AWAY_MILLIS)).await;
            }
        }
        load.end();
    };
    let restarting = async {
        for n in 1..=RESTARTS {
            let is_time = || (switches.get() >= n * SWITCHES / (RESTARTS + 1)).then_some(());
            until("it has switched some more", is_time).await;
            tokio::time::sleep(endings.millis(50)).await;
            if endings.below(2) == 0 {
                app.signal("-TERM");
                assert!(app.ended().await.success());
            } else {
                app.kill();
            }
            app.restart();
        }
    };
    let publishers = (load.notify(1, USER, dice.fork()), load.notify(2, USER, dice.fork()));
    join5(wandering, restarting, publishers.0, publishers.1, load.say()).await;

    wanderer.catch_up(&tops(&app).await).await;
    println!(
        "{:?}: {} events, {} holes, {:?}",
        start.elapsed(),
        wanderer.seen.len(),
        wanderer.holes.len(),
        wanderer.visits
    );
    assert!(wanderer.visits.values().all(|visits| *visits > SWITCHES / 6), "{:?}", wanderer.visits);
    check_inbox(&app, &load, &wanderer);
    for room in ROOMS {
        check_room(&load, &wanderer, room);
    }
}

/// Where every stream stands.
async fn tops(app: &App) -> BTreeMap<String, String> {
    let http: Http = app.http(&app.token(USER, EVERYWHERE));
    let listed = http.get("/v1/notifications").await.json();
    let mut tops = cursor(listed["cursor"].as_str().unwrap());
    for room in ROOMS {
        let page = http.get(&format!("/v1/rooms/{room}/messages")).await.json();
        tops.insert(room.to_owned(), page["position"].as_str().unwrap().to_owned());
    }
    tops
}

/// Each number from 1 to the top was shown or skipped, none twice (each step was held to follow the last).
/// What the table has to show was shown, as it is in the table; what was skipped the table does not show.
fn check_inbox(app: &App, load: &Load, wanderer: &Wanderer) {
    let shown = events_of(wanderer, "inbox");
    let offsets: Vec<u64> = shown.iter().map(|(position, _)| offset_of(position)).collect();
    assert!(offsets.is_sorted_by(|a, b| a < b));
    let mut numbers: BTreeSet<u64> = offsets.iter().copied().collect();
    let mut skipped = BTreeSet::new();
    for hole in wanderer.holes.iter().filter(|hole| hole.stream == "inbox") {
        assert_eq!(hole.reason, None, "nothing of an inbox is lost: {hole:?}");
        skipped.extend(offset_of(&hole.from) + 1..=offset_of(&hole.to));
    }
    assert!(numbers.is_disjoint(&skipped));
    assert!(shown.iter().all(|(_, event)| event["type"] != MUTED));
    numbers.extend(&skipped);
    assert_eq!(numbers, (1..=offset_of(&wanderer.positions["inbox"])).collect());

    let accepted = load.accepted.borrow();
    assert!(accepted.keys().all(|offset| numbers.contains(offset)));
    let seen: BTreeMap<u64, &str> =
        shown.iter().map(|(position, event)| (offset_of(position), event["id"].as_str().unwrap())).collect();
    assert!(seen.iter().all(|(offset, id)| accepted[offset] == *id));
    for (offset, id) in Database::open(&app.database()).shown(USER) {
        assert_eq!(seen.get(&offset), Some(&id.as_str()), "{offset} was not shown");
        assert!(!skipped.contains(&offset));
    }
    println!("{} notifications were shown, {} skipped", seen.len(), skipped.len());
    assert!(skipped.len() > 50 && seen.len() > skipped.len());
}

/// What was said was heard, once and in order, but for what was lost with a server that ended: a `gap` says so.
fn check_room(load: &Load, wanderer: &Wanderer, room: &str) {
    let heard = events_of(wanderer, room);
    let by_position: BTreeMap<&str, &Value> =
        heard.iter().map(|(position, event)| (*position, &event["data"])).collect();
    assert_eq!(by_position.len(), heard.len(), "doubled");
    let gaps: Vec<_> = wanderer.holes.iter().filter(|hole| hole.stream == room).collect();
    assert!(gaps.iter().all(|gap| gap.reason.as_deref() == Some("epoch")), "{gaps:?}");
    assert!(gaps.len() <= RESTARTS + 1, "{gaps:?}");
    let mut lost = 0;
    for ((_, position), n) in load.said.borrow().iter().filter(|((name, _), _)| name == room) {
        let is_lost = || {
            let is_behind = |from: &str| from[..8] == position[..8] && offset_of(from) < offset_of(position);
            gaps.iter().any(|gap| is_behind(&gap.from))
        };
        match by_position.get(position.as_str()) {
            Some(data) => assert_eq!(*data, n),
            None => {
                assert!(is_lost(), "{position} of {room} was not heard");
                lost += 1;
            }
        }
    }
    assert!(heard.len() > 2 * lost, "{lost} were lost with a server, {} were heard", heard.len());
}

fn events_of<'a>(wanderer: &'a Wanderer, stream: &str) -> Vec<(&'a str, &'a Value)> {
    let own = wanderer.seen.iter().filter(|(name, ..)| name == stream);
    own.map(|(_, position, event)| (position.as_str(), event)).collect()
}
