//! What is published in a run, through every node, and what became of it as its publishers were told.

use std::time::{Duration, Instant};

use actix_web::rt::{self, task::JoinHandle};
use awc::ClientRequest;
use serde_json::{Value, json};

use crate::{
    clients::{
        http::{AWAY, Answer, Http},
        room::EVERYWHERE,
    },
    history::{Accepted, Position, Stream},
    scene::{Scene, attempt, text},
    traffic::Dice,
};

/// The type that all users have muted, where the load is varied.
pub const MUTED: &str = "muted.event";

/// How long a publisher rests before it asks again.
const AGAIN: Duration = Duration::from_millis(40);

/// How long a publish may be refused before something is wrong for good.
const GIVE_UP: Duration = Duration::from_secs(100);

#[derive(Clone)]
pub struct Plan {
    pub users: Vec<&'static str>,
    pub rooms: Vec<&'static str>,
    /// Each publishes to users, one after the other, each with a key of its own and again until it is accepted.
    pub publishers: usize,
    /// Each says numbers in rooms; what is refused is said again with its nonce every other time.
    pub speakers: usize,
    /// How long each of them rests between two.
    pub pause: Duration,
    /// Who stay, of each user on each node.
    pub staying: usize,
    /// The node that all is published through, if it is not any.
    pub node: Option<usize>,
    /// How much each is made larger.
    pub filler: usize,
    /// Longest stay of those who roam on one node and transport.
    pub stay_millis: u64,
    /// Some are muted, expire soon or take the place of others, and some of those accepted are deleted or archived.
    pub is_varied: bool,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            users: vec!["alice", "bob"],
            rooms: vec!["one", "two"],
            publishers: 4,
            speakers: 2,
            pause: Duration::from_millis(10),
            staying: 1,
            node: None,
            filler: 0,
            stay_millis: 400,
            is_varied: false,
        }
    }
}

/// One of those who publish.
struct Publisher {
    scene: Scene,
    plan: Plan,
    number: usize,
    dice: Dice,
    https: Vec<Http>,
    /// The node that it goes to now.
    node: usize,
    /// The users themselves, who delete and archive.
    readers: Vec<Vec<Http>>,
}

/// Starts the whole load; it ends with the scene.
pub fn start(scene: &Scene, plan: &Plan, dice: &mut Dice) -> Vec<JoinHandle<()>> {
    let publisher = |number: usize, dice: Dice, https: Vec<Http>| Publisher {
        scene: scene.clone(),
        plan: plan.clone(),
        number,
        dice,
        node: number % https.len(),
        https,
        readers: plan.users.iter().map(|user| scene.https(user, "")).collect(),
    };
    let mut tasks = Vec::new();
    for number in 0..plan.publishers {
        tasks.push(rt::spawn(publisher(number, dice.fork(), scene.https("backend", "notify")).notify()));
    }
    for number in 0..plan.speakers {
        tasks.push(rt::spawn(publisher(number, dice.fork(), scene.https("speaker", EVERYWHERE)).say()));
    }
    tasks
}

impl Publisher {
    async fn notify(mut self) {
        // Another run of the same test is another publisher.
        let name = self.dice.below(u64::MAX);
        for n in 0.. {
            self.scene.until_awake().await;
            if self.scene.is_over() {
                return;
            }
            let (first, second) = (self.any_user(), self.any_user());
            let mut to = vec![self.plan.users[first]];
            if self.dice.below(4) == 0 && first != second {
                to.push(self.plan.users[second]);
            }
            let payload = json!({ "n": n, "to": to, "text": "x".repeat(self.plan.filler) });
            let mut draft = json!({ "to": to, "type": "test.event", "payload": payload });
            let what = if self.plan.is_varied { self.dice.below(20) } else { 20 };
            match what {
                0 | 1 => draft["expires_in"] = json!(1),
                2 | 3 => draft["key"] = json!(format!("key {}", self.dice.below(3))),
                4..7 => draft["type"] = json!(MUTED),
                _ => {}
            }
            let key = format!("{name}-{n}");
            let (answer, took) = self.until_accepted(&key, &draft).await;
            for item in answer.json()["notifications"].as_array().unwrap() {
                let accepted = Accepted {
                    stream: Stream::Inbox(text(item, "to")),
                    position: Position::parse(&text(item, "position")),
                    key: text(item, "id"),
                    at: Instant::now(),
                    took,
                };
                let mut history = self.scene.record();
                if what < 2 {
                    history.hidden.insert(accepted.key.clone());
                }
                history.accepted.push(accepted);
            }
            if self.plan.is_varied && self.dice.below(4) == 0 {
                self.hide_one().await;
            }
            rt::time::sleep(self.plan.pause).await;
        }
    }

    async fn until_accepted(&mut self, key: &str, draft: &Value) -> (Answer, Duration) {
        let first = Instant::now();
        loop {
            let start = Instant::now();
            let http = self.any_node();
            let request = with_json(http.request("POST", "/v1/notifications"));
            let request = request.insert_header(("Idempotency-Key", key));
            match attempt(&http, request, draft.to_string()).await {
                Ok(answer) if answer.status == 201 => return (answer, start.elapsed()),
                // What was not answered is still under way, the store is away, or the node stood still meanwhile.
                Ok(answer) if answer.status == 409 || AWAY.contains(&answer.status) => {
                    self.scene.record().refuse(answer.status);
                }
                Ok(answer) => panic!("{}", answer.text()),
                Err(why) => {
                    self.scene.record().refuse(why);
                    self.turn_away();
                }
            }
            let refusals = || format!("{:?}", self.scene.history().refusals);
            assert!(first.elapsed() < GIVE_UP, "{key} is not accepted: {}", refusals());
            rt::time::sleep(AGAIN).await;
        }
    }

    /// Deletes or archives one of those that were accepted, seen or not.
    async fn hide_one(&mut self) {
        let user = self.any_user();
        let id = {
            let history = self.scene.history();
            let own = Stream::Inbox(self.plan.users[user].to_owned());
            let newest = history.accepted.iter().rev().filter(|accepted| accepted.stream == own);
            let newest: Vec<String> = newest.take(20).map(|accepted| accepted.key.clone()).collect();
            if newest.is_empty() {
                return;
            }
            newest[self.dice.below(newest.len() as u64) as usize].clone()
        };
        self.scene.record().hidden.insert(id.clone());
        let reader = self.readers[user][self.dice.below(self.https.len() as u64) as usize].clone();
        // Whether it was done is told by the table.
        let _ = if self.dice.below(2) == 0 {
            let request = reader.request("DELETE", &format!("/v1/notifications/{id}"));
            attempt(&reader, request, String::new()).await
        } else {
            let mark = json!({ "as": "archived", "ids": [id] }).to_string();
            attempt(&reader, with_json(reader.request("POST", "/v1/notifications/mark")), mark).await
        };
    }

    async fn say(mut self) {
        for n in 0.. {
            self.scene.until_awake().await;
            if self.scene.is_over() {
                return;
            }
            let room = self.plan.rooms[self.dice.below(self.plan.rooms.len() as u64) as usize];
            let key = format!("{room} {}-{n}", self.number);
            let mut tries = 1 + n % 2 * 3;
            while tries > 0 && !self.is_said(room, &key).await {
                tries -= 1;
                rt::time::sleep(AGAIN).await;
            }
            rt::time::sleep(self.plan.pause).await;
        }
    }

    async fn is_said(&mut self, room: &'static str, key: &str) -> bool {
        let start = Instant::now();
        let http = self.any_node();
        let data = json!({ "key": key, "room": room, "text": "x".repeat(self.plan.filler) });
        let body = json!({ "data": data, "nonce": key }).to_string();
        let request = with_json(http.request("POST", &format!("/v1/rooms/{room}/messages")));
        let answer = attempt(&http, request, body).await;
        let mut history = self.scene.record();
        match answer {
            Ok(answer) if answer.status == 201 => {
                history.accepted.push(Accepted {
                    stream: Stream::Room(room.to_owned()),
                    position: Position::parse(&text(&answer.json(), "position")),
                    key: key.to_owned(),
                    at: Instant::now(),
                    took: start.elapsed(),
                });
                return true;
            }
            Ok(answer) if AWAY.contains(&answer.status) => {
                history.refuse(format!("{} of a room", answer.status));
            }
            Ok(answer) => panic!("{}", answer.text()),
            Err(why) => history.refuse(why),
        }
        history.unsure.insert(key.to_owned());
        drop(history);
        self.turn_away();
        false
    }

    fn any_user(&mut self) -> usize {
        self.dice.below(self.plan.users.len() as u64) as usize
    }

    /// Now and then another one; what a balancer would do when one does not answer, [`Self::turn_away`] does.
    fn any_node(&mut self) -> Http {
        if self.dice.below(16) == 0 {
            self.turn_away();
        }
        self.https[self.plan.node.unwrap_or(self.node)].clone()
    }

    fn turn_away(&mut self) {
        self.node = (self.node + 1) % self.https.len();
    }
}

/// One connection a request, so that none is lost with a node that stops between two of them.
fn with_json(request: ClientRequest) -> ClientRequest {
    request.insert_header(("Content-Type", "application/json")).force_close()
}
