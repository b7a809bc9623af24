//! Messages to many: clients of one way or several in one room or many, who are told what some of them publish
//! there, and what is published to their inboxes over HTTP.

use std::time::{Duration, Instant};

use super::{
    Fault, Lasting, Outcome, Pace, Phase, Progress, Report, Target, Way,
    generator::{Asked, GATHERING, Generator, Member},
    latency::Span,
    report::{self, Snapshot},
    target::STALL,
};

/// The server has nothing left to do for those who have joined.
const SETTLING: Duration = Duration::from_millis(300);

/// Messages in flight while an outbox is filled.
const BURST_WINDOW: u64 = 16;

#[derive(Clone)]
pub struct Broadcast {
    /// How clients are connected, in turn. Those who speak are over WebSocket in any case.
    pub ways: Vec<Way>,
    /// Clients that read, in all rooms together.
    pub readers: usize,
    pub rooms: usize,
    /// How many of them publish, in turn.
    pub speakers: usize,
    /// Clients that never read.
    pub silent: usize,
    /// Messages that are published before the readers come: more than an outbox holds, where some do not read.
    pub burst: u64,
    pub bytes: usize,
    /// What speakers publish to their rooms.
    pub to_rooms: Option<Pace>,
    /// What is published over HTTP to inboxes, and to how many with one call.
    pub to_inboxes: Option<Pace>,
    pub recipients: usize,
    /// Connections over which that is done.
    pub publishers: usize,
}

pub fn run(target: &Target, plan: &Broadcast, lasting: Lasting, progress: &Progress) -> Outcome<Report> {
    let mut run = Run::new(Generator::new(target, progress)?, plan);
    let memory_before = report::memory(&run.generator);
    run.gather_all()?;
    run.generator.rest(SETTLING)?;
    let snapshots = run.work(lasting)?;
    let memory_after = report::memory(&run.generator);
    run.generator.finish()?;
    ask_the_silent(&mut run.generator)?;
    Ok(report::between(&mut run.generator, snapshots, [memory_before, memory_after]))
}

/// Who has not read learns that something is lost; else its outbox was not full, and nothing was shown.
fn ask_the_silent(generator: &mut Generator<'_>) -> Outcome<()> {
    let deadline = Instant::now() + STALL;
    let Generator { members, scratch, .. } = generator;
    for (_, member) in members.iter_mut() {
        let Member::Listener(client) = member else { continue };
        while client.is_silent && !client.is_told_of_loss(scratch)? {
            if Instant::now() > deadline {
                return Err(Fault::new("a member that did not read has lost nothing"));
            }
            std::thread::sleep(GATHERING);
        }
    }
    Ok(())
}

struct Run<'a> {
    generator: Generator<'a>,
    plan: &'a Broadcast,
    rooms: Vec<String>,
    /// Who publishes in rooms.
    speakers: Vec<usize>,
    next_speaker: usize,
    next_user: usize,
    /// Connections for publishing that nothing is asked of.
    free: Vec<usize>,
    /// When the next is due, where they come at a rate.
    room_due: u64,
    inbox_due: u64,
    command: Vec<u8>,
}

impl<'a> Run<'a> {
    fn new(generator: Generator<'a>, plan: &'a Broadcast) -> Self {
        Self {
            rooms: (0..plan.rooms).map(|room| generator.target.room(room)).collect(),
            generator,
            plan,
            speakers: Vec::new(),
            next_speaker: 0,
            next_user: 0,
            free: Vec::new(),
            room_due: 0,
            inbox_due: 0,
            command: Vec::new(),
        }
    }

    /// Opens all clients: those who speak first, then those who do not read, whose outboxes are filled before the
    /// others come.
    fn gather_all(&mut self) -> Outcome<()> {
        let plan = self.plan;
        let asked = |place: usize| Asked {
            way: match plan.ways.get(place % plan.ways.len().max(1)) {
                Some(way) if place >= plan.speakers => *way,
                _ => Way::WebSocket,
            },
            user: place,
            room: (plan.rooms > 0).then(|| place % plan.rooms),
            is_from_start: false,
            is_silent: false,
        };
        let first = plan.speakers.min(plan.readers);
        self.speakers = self.generator.join(first, asked)?;
        self.generator.join(plan.silent, |place| Asked { is_silent: true, ..asked(first + place) })?;
        self.fill_outboxes()?;
        self.generator.join(plan.readers - first, |place| asked(first + place))?;
        if plan.to_inboxes.is_some() {
            self.free =
                (0..plan.publishers).map(|_| self.generator.open_publisher()).collect::<Outcome<_>>()?;
        }
        Ok(())
    }

    fn fill_outboxes(&mut self) -> Outcome<()> {
        while self.generator.tally.complete < self.plan.burst && !self.generator.is_stopped() {
            let tally = &self.generator.tally;
            for _ in tally.under_way()..BURST_WINDOW.min(self.plan.burst - tally.complete) {
                self.speak(self.generator.now());
            }
            self.generator.gather()?;
            if self.generator.has_stalled(self.generator.tally.ended()) {
                return Err(Fault::new("outboxes cannot be filled"));
            }
        }
        self.generator.tally.done.clear();
        Ok(())
    }

    /// Warms up and measures; what there was at both ends of that.
    fn work(&mut self, lasting: Lasting) -> Outcome<[Snapshot; 2]> {
        (self.room_due, self.inbox_due) = (self.generator.now(), self.generator.now());
        self.begin();
        self.work_until(Instant::now() + lasting.warm_up, lasting.warm_up, Phase::WarmingUp)?;
        let before = Snapshot::take(&self.generator);
        self.generator.tally.measured_from = Some(self.generator.now());
        self.work_until(before.end(lasting.measured), lasting.measured, Phase::Measuring)?;
        Ok([before, Snapshot::take(&self.generator)])
    }

    /// What is in flight in closed loops.
    fn begin(&mut self) {
        let count = match self.plan.to_rooms {
            Some(Pace::InFlight(count)) => count,
            Some(Pace::OneEach) => self.speakers.len(),
            _ => 0,
        };
        (0..count).for_each(|_| self.speak(self.generator.now()));
        if self.plan.to_inboxes.is_some_and(|pace| pace.gap().is_none()) {
            while let Some(number) = self.free.pop() {
                self.publish(number, self.generator.now());
            }
        }
    }

    fn work_until(&mut self, end: Instant, all: Duration, phase: Phase) -> Outcome<()> {
        let is_timed =
            [self.plan.to_rooms, self.plan.to_inboxes].iter().flatten().any(|pace| pace.gap().is_some());
        loop {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() || self.generator.is_stopped() || self.generator.members.is_empty() {
                return Ok(());
            }
            self.generator.tell(phase, (all - left.min(all)).as_millis() as u64, all.as_millis() as u64);
            if is_timed {
                let next = self.catch_up();
                let wait = Duration::from_nanos(next.saturating_sub(self.generator.now())).min(left);
                // Rounded down, since the kernel rounds up: the last millisecond is waited for awake.
                self.generator.turn(Duration::from_millis(wait.as_millis() as u64))?;
            } else {
                self.generator.gather()?;
            }
            self.follow_up();
            if self.generator.has_stalled(self.generator.tally.ended())
                && self.generator.tally.under_way() > 0
            {
                self.generator.tally.give_up();
                self.begin();
            }
        }
    }

    /// Publishes what is due, each timed from when it was; when the next one is.
    fn catch_up(&mut self) -> u64 {
        let mut next = u64::MAX;
        if let Some(gap) = self.plan.to_rooms.and_then(Pace::gap) {
            while self.room_due <= self.generator.now() && !self.speakers.is_empty() {
                self.speak(self.room_due);
                self.room_due += gap;
            }
            next = next.min(self.room_due);
        }
        if let Some(gap) = self.plan.to_inboxes.and_then(Pace::gap) {
            // Where every connection waits for an answer it is late, and counts as that.
            while self.inbox_due <= self.generator.now()
                && let Some(number) = self.free.pop()
            {
                self.publish(number, self.inbox_due);
                self.inbox_due += gap;
            }
            next = next.min(self.inbox_due);
        }
        next
    }

    /// In closed loops the next one begins when one has come to its end.
    fn follow_up(&mut self) {
        for number in std::mem::take(&mut self.generator.tally.done) {
            let now = self.generator.now();
            match (self.generator.publisher(number), self.plan.to_inboxes, self.plan.to_rooms) {
                (Some(publisher), ..) if publisher.is_busy() => {}
                (Some(_), Some(pace), _) if pace.gap().is_none() => self.publish(number, now),
                (Some(_), ..) => self.free.push(number),
                (None, _, Some(Pace::InFlight(_))) => self.speak(now),
                (None, _, Some(Pace::OneEach)) => self.speak_as(number, now),
                (None, ..) => {}
            }
        }
    }

    /// The next speaker says something in their room.
    fn speak(&mut self, due: u64) {
        let turn = self.next_speaker;
        self.next_speaker += 1;
        // Whoever is gone is passed over.
        for offset in 0..self.speakers.len() {
            let number = self.speakers.get((turn + offset) % self.speakers.len()).copied();
            if let Some(number) = number.filter(|number| self.generator.listener(*number).is_some()) {
                return self.speak_as(number, due);
            }
        }
        self.speakers.clear();
    }

    fn speak_as(&mut self, number: usize, due: u64) {
        let Some(room) = self.generator.listener(number).and_then(|client| client.room) else { return };
        let wanted = self.generator.crowd.in_room(room);
        let message = (due, self.generator.tally.publish(number, Span::Room, wanted));
        let name = self.rooms.get(room).map_or("", String::as_str);
        if let Some(client) = self.generator.listener(number) {
            // Where it is gone, its next turn says so.
            let _ = client.publish(name, message, self.plan.bytes, &mut self.command);
        }
    }

    /// Publishes to the inboxes of the next users.
    fn publish(&mut self, number: usize, due: u64) {
        let users = self.generator.target.passport.users.len().max(1);
        let first = self.next_user;
        self.next_user = (first + self.plan.recipients) % users;
        let places = (0..self.plan.recipients).map(|place| (first + place) % users);
        let wanted = places.clone().map(|user| self.generator.crowd.of_user(user)).sum();
        let message = (due, self.generator.tally.publish(number, Span::Inbox, wanted));
        let target = self.generator.target;
        if let Some(publisher) = self.generator.publisher(number) {
            let names = places.map(|user| target.user(user).0);
            // Where it is gone, its next turn says so.
            let _ = publisher.publish(names, message, self.plan.bytes);
        }
    }
}
