//! Any sequence of joins, leaves, messages, new tokens, slow reads and ends, seen from the clients.

use proptest::prelude::*;
use serde_json::json;

use super::{
    client::Client,
    house::{House, WORKERS},
    witness::{Asked, Record},
    *,
};

const ROOMS: [&str; 3] = ["a", "b", "c"];
const USERS: [&str; 3] = ["alice", "bob", "carol"];

#[derive(Debug, Clone)]
enum Step {
    Open {
        user: usize,
        worker: usize,
        rooms: Vec<(&'static str, Since)>,
        is_busy: bool,
    },
    Join {
        client: usize,
        room: &'static str,
        since: Since,
    },
    Leave {
        client: usize,
        room: &'static str,
    },
    Publish {
        client: usize,
        room: &'static str,
        count: usize,
    },
    Type {
        client: usize,
        room: &'static str,
    },
    Refresh {
        client: usize,
        may_join: Vec<&'static str>,
    },
    Close {
        client: usize,
    },
    Read {
        client: usize,
        frames: usize,
    },
    Yield {
        times: usize,
    },
    /// The store and the blocking threads get on, too.
    Rest,
}

#[derive(Debug, Clone)]
enum Since {
    Now,
    Start,
    /// A position that somebody has heard of.
    Known(usize),
    OtherLife,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let room = || proptest::sample::select(&ROOMS[..]);
    let some_rooms = || proptest::sample::subsequence(ROOMS.to_vec(), 0..=ROOMS.len());
    let since = || {
        prop_oneof![
            Just(Since::Now),
            Just(Since::Start),
            (0..40usize).prop_map(Since::Known),
            Just(Since::OtherLife)
        ]
    };
    let client = || 0..12usize;
    let open = (
        0..USERS.len(),
        0..usize::from(WORKERS),
        some_rooms(),
        proptest::collection::vec(since(), 3),
        any::<bool>(),
    );
    let open = open.prop_map(|(user, worker, rooms, since, is_busy)| Step::Open {
        user,
        worker,
        rooms: rooms.into_iter().zip(since).collect(),
        is_busy,
    });
    let step = prop_oneof![
        3 => open,
        6 => (client(), room(), since()).prop_map(|(client, room, since)| Step::Join { client, room, since }),
        3 => (client(), room()).prop_map(|(client, room)| Step::Leave { client, room }),
        6 => (client(), room(), 1..10usize).prop_map(|(client, room, count)| Step::Publish { client, room, count }),
        1 => (client(), room()).prop_map(|(client, room)| Step::Type { client, room }),
        2 => (client(), some_rooms()).prop_map(|(client, may_join)| Step::Refresh { client, may_join }),
        1 => client().prop_map(|client| Step::Close { client }),
        6 => (client(), 1..30usize).prop_map(|(client, frames)| Step::Read { client, frames }),
        6 => (1..8usize).prop_map(|times| Step::Yield { times }),
        2 => Just(Step::Rest),
    ];
    proptest::collection::vec(step, 1..120)
}

struct Play {
    house: House,
    clients: Vec<Client>,
    record: Record,
}

impl Play {
    async fn step(&mut self, step: Step) {
        match step {
            Step::Open { user, worker, rooms, is_busy } => {
                let rooms = rooms.iter().map(|(room, since)| (*room, self.since(room, since))).collect();
                let worker = &self.house.workers[worker];
                // The handshake is refused where a room is not allowed.
                self.clients.push(Client::open(worker, USERS[user], ROOMS.to_vec(), rooms, is_busy));
            }
            Step::Yield { times } => {
                for _ in 0..times {
                    turn().await;
                }
            }
            Step::Rest => tokio::time::sleep(Duration::from_millis(1)).await,
            Step::Join { client, room, since } => {
                let since = self.since(room, &since);
                let command = match since {
                    Some(since) => json!({ "type": "join", "room": room, "since": since }),
                    None => json!({ "type": "join", "room": room }),
                };
                self.send(client, Asked::Join { room, since }, command);
            }
            Step::Leave { client, room } => {
                self.send(client, Asked::Leave { room }, json!({ "type": "leave", "room": room }));
            }
            Step::Type { client, room } => {
                self.send(client, Asked::Type { room }, json!({ "type": "typing", "room": room }));
            }
            Step::Publish { client, room, count } => {
                let Some(user) = self.client(client).map(|client| client.user.clone()) else { return };
                for _ in 0..count {
                    let number = self.record.drafts.len() as u64;
                    self.record.drafts.push((room, user.clone()));
                    let command = json!({ "type": "message", "room": room, "data": number });
                    self.send(client, Asked::Publish { number }, command);
                }
            }
            Step::Refresh { client, may_join } => {
                let Some(token) = self.client(client).map(|client| token(&client.user, &may_join)) else {
                    return;
                };
                self.send(
                    client,
                    Asked::Refresh { rooms: may_join },
                    json!({ "type": "auth", "token": token }),
                );
            }
            Step::Close { client } => {
                if let Some(client) = self.client(client) {
                    client.close();
                }
            }
            Step::Read { client, frames } => {
                let place = client.checked_rem(self.clients.len());
                if let Some(client) = place.and_then(|place| self.clients.get_mut(place)) {
                    client.read(frames, &mut self.record);
                }
            }
        }
        self.clients.retain(|client| !client.conn.is_over);
    }

    fn client(&mut self, client: usize) -> Option<&mut Client> {
        let place = client.checked_rem(self.clients.len())?;
        self.clients.get_mut(place)
    }

    fn send(&mut self, client: usize, asked: Asked, command: serde_json::Value) {
        if let Some(client) = self.client(client) {
            client.send(asked, command);
        }
    }

    fn since(&self, room: &str, since: &Since) -> Option<Position> {
        match since {
            Since::Now => None,
            Since::Start => Some(Position::START),
            Since::OtherLife => Some("otherone.5".parse().unwrap()),
            Since::Known(choice) => {
                let known = self.record.positions(room);
                known.get(choice.checked_rem(known.len())?).copied()
            }
        }
    }
}

async fn play(steps: Vec<Step>) {
    let mut play = Play { house: House::open(), clients: Vec::new(), record: Record::default() };
    for step in steps {
        play.step(step).await;
    }
    play.house.settle(&mut play.clients, &mut play.record).await;
    for client in &mut play.clients {
        client.close();
    }
    play.clients.clear();
    play.house.settle(&mut play.clients, &mut play.record).await;
    play.house.store.flush().await;
}

proptest! {
    // What does not fit together is waited for, so a shorter case is not sought for long.
    #![proptest_config(ProptestConfig { cases: 64, max_shrink_time: 60_000, ..ProptestConfig::default() })]

    #[test]
    fn clients_hear_of_the_rooms_they_are_in_without_a_hole_and_all_agree_who_is_where(steps in steps()) {
        actix::System::new().block_on(async {
            // As a task among the others it has its turns between theirs.
            if let Err(end) = actix::spawn(play(steps)).await {
                std::panic::resume_unwind(end.into_panic());
            }
        });
    }
}
