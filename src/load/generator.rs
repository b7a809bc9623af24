//! The thread that is all clients: opens them, hears whoever has something to say, and knows who is there.

use std::{
    io::ErrorKind,
    time::{Duration, Instant},
};

use mio::{Events, Poll, Token, event::Event};
use slab::Slab;

use super::{
    Fault, Outcome, Phase, Progress, Target, Way,
    client::Client,
    connection::{Connection, SCRATCH_BYTES},
    crowd::Crowd,
    latency::Span,
    publisher::Publisher,
    tally::Tally,
    target::STALL,
};

/// Handshakes under way at the same time, while clients gather.
const HANDSHAKES_MAX: usize = 64;

/// Between two looks at the sockets where nothing is timed to less than that: what comes meanwhile is read in one
/// go, or the generator would cost more than the server.
pub const GATHERING: Duration = Duration::from_micros(300);

/// The longest wait for an event, so that the word to stop is heard.
const TURN_MAX: Duration = Duration::from_millis(100);

/// What the kernel may take for who does not read, so that it waits in the server.
const SILENT_RECEIVE_BUFFER: usize = 4096;

/// What a client is to be.
#[derive(Clone, Copy)]
pub struct Asked {
    pub way: Way,
    pub user: usize,
    pub room: Option<usize>,
    /// Whether it is told all that the room has.
    pub is_from_start: bool,
    /// Reads nothing once it is ready.
    pub is_silent: bool,
}

pub enum Member {
    Listener(Client),
    Publisher(Publisher),
}

pub struct Generator<'a> {
    pub target: &'a Target,
    progress: &'a Progress,
    poll: Poll,
    events: Events,
    pub members: Slab<Member>,
    opened: usize,
    pub scratch: Vec<u8>,
    pub tally: Tally,
    pub crowd: Crowd,
    /// Whose connections have ended in this turn, and why.
    gone: Vec<(usize, Fault)>,
    start: Instant,
    /// How much had come to its end when it was last looked, and when that changed.
    last: (u64, Instant),
}

impl<'a> Generator<'a> {
    /// # Errors
    /// If the kernel gives no poll.
    pub fn new(target: &'a Target, progress: &'a Progress) -> Outcome<Self> {
        Ok(Self {
            target,
            progress,
            poll: Poll::new()?,
            events: Events::with_capacity(1024),
            members: Slab::new(),
            opened: 0,
            scratch: vec![0; SCRATCH_BYTES],
            tally: Tally::default(),
            crowd: Crowd::default(),
            gone: Vec::new(),
            start: Instant::now(),
            last: (0, Instant::now()),
        })
    }

    /// Opens a client; its number, which another one has when it is gone.
    ///
    /// # Errors
    /// If no socket can be had.
    pub fn open(&mut self, asked: &Asked, due: u64) -> Outcome<usize> {
        let entry = self.members.vacant_entry();
        let number = entry.key();
        let buffer = asked.is_silent.then_some(SILENT_RECEIVE_BUFFER);
        let stream = self.target.connect(self.opened, buffer)?;
        let connection = Connection::of(stream, self.poll.registry(), number)?;
        entry.insert(Member::Listener(Client::new(connection, self.target, asked, due)?));
        self.opened += 1;
        self.crowd.opening += 1;
        Ok(number)
    }

    /// Opens a connection over which notifications are published.
    ///
    /// # Errors
    /// If no socket can be had.
    pub fn open_publisher(&mut self) -> Outcome<usize> {
        let entry = self.members.vacant_entry();
        let number = entry.key();
        let stream = self.target.connect(self.opened, None)?;
        let connection = Connection::of(stream, self.poll.registry(), number)?;
        entry.insert(Member::Publisher(Publisher::new(connection, self.target)));
        self.opened += 1;
        Ok(number)
    }

    /// Opens so many clients and waits until they are ready; their numbers.
    ///
    /// # Errors
    /// If nobody is let in.
    pub fn join(&mut self, count: usize, asked: impl Fn(usize) -> Asked) -> Outcome<Vec<usize>> {
        let mut numbers = Vec::with_capacity(count);
        self.last = (self.crowd.ready as u64, Instant::now());
        for place in 0..count {
            let now = self.now();
            numbers.push(self.open(&asked(place), now)?);
            let opening_max = if place + 1 == count { 0 } else { HANDSHAKES_MAX - 1 };
            while self.crowd.opening > opening_max && !self.is_stopped() {
                self.turn(TURN_MAX)?;
                self.progress.tell(Phase::Connecting, place as u64, count as u64);
                if self.has_stalled(self.crowd.ready as u64) {
                    self.drop_those_not_let_in();
                }
            }
        }
        if self.crowd.ready == 0 && count > 0 && !self.is_stopped() {
            return Err(self.tally.faults.first().unwrap_or_else(|| Fault::new("nobody is let in")));
        }
        Ok(numbers)
    }

    /// Those whose handshake comes to nothing.
    pub fn drop_those_not_let_in(&mut self) {
        let waiting = self.members.iter().filter_map(|(number, member)| match member {
            Member::Listener(client) => (!client.is_ready()).then_some(number),
            Member::Publisher(_) => None,
        });
        for number in waiting.collect::<Vec<usize>>() {
            self.lose(number, &Fault::new("not let in in time"));
        }
    }

    /// Hears whoever has something to say, within this time.
    ///
    /// # Errors
    /// If the kernel fails.
    pub fn turn(&mut self, wait: Duration) -> Outcome<()> {
        match self.poll.poll(&mut self.events, Some(wait.min(TURN_MAX))) {
            Err(error) if error.kind() != ErrorKind::Interrupted => return Err(error.into()),
            _ => {}
        }
        let start = self.start;
        let now = || nanos_since(start);
        let Self { members, scratch, tally, crowd, gone, events, .. } = self;
        for Token(number) in events.iter().map(Event::token) {
            let Some(member) = members.get_mut(number) else { continue };
            let outcome = match member {
                Member::Listener(client) => {
                    let was_ready = client.is_ready();
                    let outcome = client.turn(number, scratch, tally, now);
                    if outcome.is_ok() && client.is_ready() && !was_ready {
                        tally.record(Span::Connected, client.begun, now());
                        crowd.enter(number, client);
                    }
                    outcome
                }
                Member::Publisher(publisher) => publisher.turn(number, scratch, tally, now),
            };
            if let Err(fault) = outcome {
                gone.push((number, fault));
            }
        }
        for (number, fault) in std::mem::take(&mut self.gone) {
            self.lose(number, &fault);
        }
        Ok(())
    }

    /// Reads all there is, then lets more gather. Errors: as [`Self::turn`].
    pub fn gather(&mut self) -> Outcome<()> {
        self.turn(Duration::ZERO)?;
        std::thread::sleep(GATHERING);
        Ok(())
    }

    /// Hears whatever comes for a while. Errors: as [`Self::turn`].
    pub fn rest(&mut self, time: Duration) -> Outcome<()> {
        let end = Instant::now() + time;
        while Instant::now() < end && !self.is_stopped() {
            self.gather()?;
        }
        Ok(())
    }

    /// Hears the rest of what is under way, until nothing more comes of it.
    ///
    /// # Errors
    /// If the kernel fails.
    pub fn finish(&mut self) -> Outcome<()> {
        self.last = (self.tally.ended(), Instant::now());
        let is_waited_for = |generator: &mut Self| {
            let is_any_under_way = generator.tally.under_way() > 0 && !generator.members.is_empty();
            is_any_under_way && !generator.has_stalled(generator.tally.ended())
        };
        while !self.progress.is_hurried() && is_waited_for(self) {
            self.progress.tell(Phase::Ending, 0, 1);
            self.gather()?;
        }
        self.tally.give_up();
        Ok(())
    }

    /// Whether this count has not grown for as long as anybody may be waited for.
    pub fn has_stalled(&mut self, count: u64) -> bool {
        if count != self.last.0 {
            self.last = (count, Instant::now());
        }
        let has_stalled = self.last.1.elapsed() > STALL;
        if has_stalled {
            self.last.1 = Instant::now();
        }
        has_stalled
    }

    /// A connection has ended. One of those that publish over HTTP may end between two requests, and is replaced.
    fn lose(&mut self, number: usize, fault: &Fault) {
        let Some(member) = self.members.try_remove(number) else { return };
        match member {
            Member::Listener(client) => {
                self.tally.faults.note(fault);
                self.crowd.leave(&client);
            }
            Member::Publisher(publisher) => {
                match publisher.is_busy() {
                    true => self.tally.drop_one(fault),
                    false if !publisher.is_proven => self.tally.faults.note(fault),
                    false => {}
                }
                if publisher.is_proven
                    && let Ok(number) = self.open_publisher()
                {
                    self.tally.done.push(number);
                }
            }
        }
    }

    /// Lets a client go that has seen enough.
    pub fn release(&mut self, number: usize) {
        if let Some(Member::Listener(client)) = self.members.try_remove(number) {
            self.crowd.leave(&client);
            client.abandon();
        }
    }

    pub fn listener(&mut self, number: usize) -> Option<&mut Client> {
        match self.members.get_mut(number) {
            Some(Member::Listener(client)) => Some(client),
            _ => None,
        }
    }

    pub fn publisher(&mut self, number: usize) -> Option<&mut Publisher> {
        match self.members.get_mut(number) {
            Some(Member::Publisher(publisher)) => Some(publisher),
            _ => None,
        }
    }

    pub fn is_stopped(&self) -> bool {
        self.progress.is_stopped()
    }

    pub fn tell(&self, phase: Phase, done: u64, all: u64) {
        self.progress.tell(phase, done, all);
    }

    /// Nanoseconds since it began.
    pub fn now(&self) -> u64 {
        nanos_since(self.start)
    }
}

fn nanos_since(start: Instant) -> u64 {
    u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX)
}
