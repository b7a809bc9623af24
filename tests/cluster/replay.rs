//! Hears what nodes tell each other, and tells it again, late and in another order: the bus at its worst (X13).

use std::{
    cmp::Reverse,
    collections::{BTreeSet, BinaryHeap},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use redis::cmd;

use crate::{engines::redis::Redis, traffic::Dice};

/// A channel, and what was said there.
pub type Heard = (String, Vec<u8>);

pub struct Replay {
    heard: Arc<Mutex<Vec<Heard>>>,
    is_over: Arc<AtomicBool>,
    thread: JoinHandle<usize>,
}

impl Replay {
    /// Every other message comes once more within this time; none where it is zero.
    pub fn start(redis: &Redis, dice: &mut Dice, late: Duration) -> Self {
        let heard = Arc::new(Mutex::new(Vec::new()));
        let is_over = Arc::new(AtomicBool::new(false));
        let (kept, ends, mut dice) = (heard.clone(), is_over.clone(), dice.fork());
        let (mut hearing, mut telling) = (redis.connect(), redis.connect());
        let (ready, is_ready) = std::sync::mpsc::channel();
        let thread = thread::spawn(move || {
            let mut hearing = hearing.as_pubsub();
            hearing.psubscribe("*").unwrap();
            hearing.set_read_timeout(Some(Duration::from_millis(10))).unwrap();
            ready.send(()).unwrap();
            let mut waiting = BinaryHeap::new();
            let (mut known, mut replayed) = (BTreeSet::new(), 0);
            while !ends.load(Ordering::Relaxed) {
                if let Ok(message) = hearing.get_message() {
                    let heard = (message.get_channel_name().to_owned(), message.get_payload_bytes().to_vec());
                    // What is heard again is told no third time.
                    if known.insert(heard.clone()) {
                        kept.lock().unwrap().push(heard.clone());
                        if !late.is_zero() && dice.below(2) == 0 {
                            let due = Instant::now() + dice.millis(late.as_millis() as u64);
                            waiting.push(Reverse((due, heard)));
                        }
                    }
                }
                while waiting.peek().is_some_and(|Reverse((due, _))| *due <= Instant::now()) {
                    let Some(Reverse((_, (channel, payload)))) = waiting.pop() else { break };
                    cmd("PUBLISH").arg(channel).arg(payload).query::<()>(&mut telling).unwrap();
                    replayed += 1;
                }
            }
            replayed
        });
        is_ready.recv().unwrap();
        Self { heard, is_over, thread }
    }

    /// All that was heard until now.
    pub fn heard(&self) -> Vec<Heard> {
        self.heard.lock().unwrap().clone()
    }

    /// How many were told again.
    pub fn end(self) -> usize {
        self.is_over.store(true, Ordering::Relaxed);
        self.thread.join().unwrap()
    }
}
