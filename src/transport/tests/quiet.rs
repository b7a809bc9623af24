//! The end of a play: all that is under way comes to its end, each reader to the top, and all is judged.

use std::time::{Duration, Instant};

use super::{
    INBOX, LOBBY, USERS,
    doorbell::Fate,
    play::{Play, user},
    reader::{Kind, Reader},
    record::Moment,
    stand::Restart,
    steps::{KINDS, Last, Pause, Round},
    verdict::{Truth, judge},
};
use crate::{
    domain::Position,
    hub::rooms::tests::known::Look,
    session::tests::turn,
    store::{
        messages::{List, ListState, Listing, Probe},
        tests::chores::End,
    },
};

/// How long everything may take to be told.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// The largest page of a list.
const PAGE: usize = 200;

/// Counters are told a moment after what they count: by then a late reader has no room for them.
const COUNTERS_ARE_TOLD: Duration = Duration::from_millis(60);

impl Play {
    /// After the steps only publishes follow, in rounds, and the last fact of each is heard: all is told
    /// without the help of another one.
    pub async fn end(mut self, last: Last) {
        self.answer_all().await;
        self.doorbell.change(Vec::new());
        // What is about to expire does so, and the store has nothing more to do by itself.
        tokio::time::sleep(Duration::from_millis(5)).await;
        self.delete_ended(End::Expired, usize::MAX);
        self.answer_all().await;
        let quiet_since = Moment::now();
        self.welcome_newcomers();
        self.gather().await;
        // What was lost with its counters is made up for, once.
        for name in USERS {
            self.ring(name).await;
        }
        let is_prompt = |place: usize| !last.is_late.get(place).is_some_and(|is_late| *is_late);
        for Round { publishes, fates, last } in last.rounds {
            let is_lossy = fates.contains(&Fate::IsLost);
            self.doorbell.change(fates);
            for pause in publishes {
                self.publish(&USERS, KINDS[0], None, None);
                match pause {
                    Pause::Turns(times) => {
                        for _ in 0..times {
                            turn().await;
                        }
                    }
                    Pause::Answer => self.answer_all().await,
                }
            }
            if is_lossy {
                // What the last publish is to make up for comes before it.
                self.answer_all().await;
            }
            self.doorbell.change(vec![last]);
            self.publish(&USERS, KINDS[0], None, None);
            self.answer_all().await;
            self.settle(is_prompt, false).await;
        }
        let told = Instant::now() + COUNTERS_ARE_TOLD;
        while Instant::now() < told {
            self.follow(is_prompt);
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        self.settle(|_| true, true).await;
        for name in USERS {
            let truth = self.truth(name).await;
            for reader in self.readers.iter().filter(|reader| reader.user == name) {
                judge(name, &reader.witness.told, &self.record.borrow(), &truth, quiet_since);
            }
        }
        for reader in &mut self.readers {
            reader.cut();
        }
        self.house.store.flush().await;
    }

    /// One of each kind, which has seen nothing of what was.
    fn welcome_newcomers(&mut self) {
        for name in USERS {
            for kind in [Kind::WebSocket, Kind::EventStream, Kind::LongPoll] {
                let mut newcomer = Reader::new(name, kind, false);
                let restart = Restart { since: Some(Position::START), is_forged: false };
                newcomer.connect(&self.house.workers[0], restart, PATIENCE, false);
                self.readers.push(newcomer);
            }
        }
    }

    /// Waits until the store has done all that it was asked.
    async fn answer_all(&mut self) {
        for asked in std::mem::take(&mut self.asked) {
            asked.await.unwrap();
        }
        self.answer_commands().await;
    }

    /// The same for what readers have asked for.
    async fn answer_commands(&mut self) {
        let deadline = Instant::now() + PATIENCE;
        let is_waiting = |reader: &Reader| reader.is_connected() && !reader.witness.asked.is_empty();
        while self.readers.iter().any(is_waiting) {
            assert!(Instant::now() < deadline, "a command has no answer");
            self.follow(|_| true);
            turn().await;
        }
        // Some are cut off, and what they have asked for is done all the same.
        self.house.store.ask(Probe).await.unwrap();
    }

    /// Some read all that has come; and who is not connected comes again, as what it was last.
    fn follow(&mut self, is_meant: impl Fn(usize) -> bool) {
        for (_, reader) in self.readers.iter_mut().enumerate().filter(|(place, _)| is_meant(*place)) {
            let was_connected = reader.is_connected();
            reader.read(usize::MAX, &mut self.record.borrow_mut());
            if !was_connected {
                let restart = reader.witness.own();
                reader.connect(&self.house.workers[1], restart, PATIENCE, false);
            }
        }
    }

    /// Waits until the hub knows of every reader, and of no session that is gone.
    async fn gather(&mut self) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            self.follow(|_| true);
            let known = self.house.hub.ask(Look).await.unwrap().sessions.len();
            if known == self.readers.len() && self.readers.iter().all(Reader::is_connected) {
                return;
            }
            assert!(Instant::now() < deadline, "{known} sessions of {} are known", self.readers.len());
        }
    }

    /// Waits until these readers stand at the top of all that they follow, and have the last counters.
    async fn settle(&mut self, is_meant: impl Fn(usize) -> bool, is_counted: bool) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            self.follow(&is_meant);
            let Err(late) = self.settled(&is_meant, is_counted).await else { return };
            assert!(Instant::now() < deadline, "{late}");
        }
    }

    /// Whether they were told everything; else says what one of them is short of.
    async fn settled(&self, is_meant: impl Fn(usize) -> bool, is_counted: bool) -> Result<(), String> {
        let rooms = self.house.hub.ask(Look).await.unwrap().rooms;
        let lobby = rooms.get(LOBBY).map(|room| room.head);
        for name in USERS {
            let state = self.state(name).await;
            let readers = self.readers.iter().enumerate().filter(|(place, _)| is_meant(*place));
            for (_, reader) in readers.filter(|(_, reader)| reader.user == name) {
                let witness = &reader.witness;
                let (inbox, room) = (witness.position(INBOX), witness.position(LOBBY));
                let is_at_top = inbox == Some(state.head.position())
                    && (!reader.follows_lobby || room == lobby || lobby.is_none());
                if !is_at_top || is_counted && witness.counters != state.counters {
                    let told = (inbox, room, witness.counters);
                    return Err(format!("{:?} of {name} was told {told:?}, not {state:?}", reader.kind));
                }
            }
        }
        Ok(())
    }

    async fn truth(&self, name: &str) -> Truth {
        let mut truth = Truth { head: self.state(name).await.head, shown: Default::default() };
        let mut before = None;
        loop {
            let list = List {
                user: user(name),
                state: ListState::All,
                notification_type: None,
                limit: PAGE,
                before,
            };
            let Listing { notifications, next_before, .. } = self.house.store.ask(list).await.unwrap();
            let shown = notifications.into_iter().map(|shown| (shown.position.offset, shown));
            truth.shown.extend(shown);
            before = next_before;
            if before.is_none() {
                return truth;
            }
        }
    }
}
