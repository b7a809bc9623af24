//! What can happen.

use std::time::Duration;

use proptest::{collection::vec, prelude::*, sample::select};

use super::{USERS, doorbell::Fate, reader::Kind};
use crate::{domain::MarkAs, session::tests::house::WORKERS};

pub const KINDS: [&str; 3] = ["order.shipped", "order.paid", "note.text"];
const PATTERNS: [&str; 3] = ["order.paid", "order.*", "*"];
pub const READERS: usize = 4;

#[derive(Debug, Clone)]
pub enum Step {
    Publish {
        to: Vec<&'static str>,
        kind: &'static str,
        key: Option<&'static str>,
        expires_in: Option<Duration>,
        count: usize,
    },
    Mark {
        reader: usize,
        mark_as: MarkAs,
        aim: Aim,
    },
    Delete {
        user: &'static str,
        choice: usize,
    },
    Mute {
        user: &'static str,
        pattern: &'static str,
    },
    Unmute {
        user: &'static str,
        pattern: &'static str,
    },
    /// What has expired is taken away.
    Expire,
    /// So many of the oldest are taken away, read or not: the horizon moves.
    Prune {
        limit: usize,
    },
    /// Of what the user has read only so many are kept.
    Crowd {
        user: &'static str,
        keep: i64,
    },
    /// A message to the room that some readers follow.
    Say {
        count: usize,
    },
    Connect {
        reader: usize,
        worker: usize,
        kind: Kind,
        since: Since,
        is_busy: bool,
        waits: bool,
    },
    Resume {
        reader: usize,
        since: Since,
    },
    Cut {
        reader: usize,
    },
    Read {
        reader: usize,
        events: usize,
    },
    /// The doorbell lets go of what it kept.
    LetGo {
        choices: Vec<usize>,
    },
    /// The news comes where an inbox stands, as after facts that the hub did not take.
    Ring {
        user: &'static str,
    },
    Yield {
        times: usize,
    },
    /// The store and the blocking threads get on, too.
    Rest,
}

/// Some of what is known of an inbox.
#[derive(Debug, Clone)]
pub enum Aim {
    Ids(Vec<usize>),
    UpTo(usize),
    All,
}

#[derive(Debug, Clone)]
pub enum Since {
    /// Where the reader stands.
    Own,
    Nothing,
    Start,
    Older(u64),
    Ahead(u64),
    OtherLife,
}

/// What happens last.
#[derive(Debug, Clone)]
pub struct Last {
    pub rounds: Vec<Round>,
    /// Who reads nothing until all is over.
    pub is_late: Vec<bool>,
}

/// Some publishes of which the last one is heard of: so no other one is needed for all to be told.
#[derive(Debug, Clone)]
pub struct Round {
    /// What comes after each but the last.
    pub publishes: Vec<Pause>,
    pub fates: Vec<Fate>,
    pub last: Fate,
}

#[derive(Debug, Clone)]
pub enum Pause {
    Turns(usize),
    /// The publish is answered.
    Answer,
}

#[derive(Debug, Clone)]
pub struct Script {
    /// What becomes of facts, round and round.
    pub fates: Vec<Fate>,
    pub steps: Vec<Step>,
    pub last: Last,
}

pub fn scripts() -> impl Strategy<Value = Script> {
    let fate = prop_oneof![
        4 => Just(Fate::Passes),
        1 => Just(Fate::IsLost),
        1 => Just(Fate::ComesTwice),
        1 => Just(Fate::IsKept),
        1 => Just(Fate::ComesAgain),
        1 => Just(Fate::IsNews),
    ];
    (vec(fate, 0..12), vec(step(), 1..100), last()).prop_map(|(fates, steps, last)| Script {
        fates,
        steps,
        last,
    })
}

fn last() -> impl Strategy<Value = Last> {
    let pause = prop_oneof![(0..6usize).prop_map(Pause::Turns), Just(Pause::Answer)];
    let fate = select(&[Fate::Passes, Fate::ComesTwice, Fate::IsNews][..]);
    let fates = vec(prop_oneof![5 => fate, 1 => Just(Fate::IsLost)], 1..6);
    let round = (vec(pause, 0..4), fates, select(&[Fate::Passes, Fate::IsNews][..]));
    let round = round.prop_map(|(publishes, fates, last)| Round { publishes, fates, last });
    (vec(round, 1..20), vec(any::<bool>(), READERS)).prop_map(|(rounds, is_late)| Last { rounds, is_late })
}

fn step() -> impl Strategy<Value = Step> {
    let user = || select(&USERS[..]);
    let reader = || 0..READERS;
    prop_oneof![
        10 => publish(),
        4 => (reader(), mark_as(), aim()).prop_map(|(reader, mark_as, aim)| Step::Mark { reader, mark_as, aim }),
        2 => (user(), 0..40usize).prop_map(|(user, choice)| Step::Delete { user, choice }),
        1 => (user(), select(&PATTERNS[..])).prop_map(|(user, pattern)| Step::Mute { user, pattern }),
        1 => (user(), select(&PATTERNS[..])).prop_map(|(user, pattern)| Step::Unmute { user, pattern }),
        1 => Just(Step::Expire),
        1 => (1..12usize).prop_map(|limit| Step::Prune { limit }),
        1 => (user(), 0..4i64).prop_map(|(user, keep)| Step::Crowd { user, keep }),
        2 => (1..20usize).prop_map(|count| Step::Say { count }),
        9 => connect(),
        2 => (reader(), since()).prop_map(|(reader, since)| Step::Resume { reader, since }),
        1 => reader().prop_map(|reader| Step::Cut { reader }),
        10 => (reader(), prop_oneof![1..4usize, 1..60usize])
            .prop_map(|(reader, events)| Step::Read { reader, events }),
        3 => vec(0..100usize, 1..6).prop_map(|choices| Step::LetGo { choices }),
        1 => user().prop_map(|user| Step::Ring { user }),
        7 => (1..8usize).prop_map(|times| Step::Yield { times }),
        4 => Just(Step::Rest),
    ]
}

fn publish() -> impl Strategy<Value = Step> {
    let to = prop_oneof![
        3 => Just(vec![USERS[0]]),
        2 => Just(vec![USERS[1]]),
        1 => Just(vec![USERS[1], USERS[0]]),
    ];
    let key = prop_oneof![4 => Just(None), 1 => select(&["k", "l"][..]).prop_map(Some)];
    let millis = |millis| Just(Some(Duration::from_millis(millis)));
    let expires_in = prop_oneof![8 => Just(None), 1 => millis(0), 1 => millis(4), 1 => millis(3_600_000)];
    let count = prop_oneof![3 => 1..4usize, 1 => 4..40usize];
    (to, select(&KINDS[..]), key, expires_in, count)
        .prop_map(|(to, kind, key, expires_in, count)| Step::Publish { to, kind, key, expires_in, count })
}

fn connect() -> impl Strategy<Value = Step> {
    let kind = select(&[Kind::WebSocket, Kind::EventStream, Kind::LongPoll][..]);
    let since = prop_oneof![4 => Just(Since::Own), 2 => since()];
    (0..READERS, 0..usize::from(WORKERS), kind, since, any::<bool>(), any::<bool>()).prop_map(
        |(reader, worker, kind, since, is_busy, waits)| Step::Connect {
            reader,
            worker,
            kind,
            since,
            is_busy,
            waits,
        },
    )
}

fn since() -> impl Strategy<Value = Since> {
    prop_oneof![
        Just(Since::Own),
        Just(Since::Nothing),
        Just(Since::Start),
        (0..60u64).prop_map(Since::Older),
        prop_oneof![1..6u64, 100..300u64].prop_map(Since::Ahead),
        Just(Since::OtherLife),
    ]
}

fn mark_as() -> impl Strategy<Value = MarkAs> {
    select(&[MarkAs::Read, MarkAs::Unread, MarkAs::Seen, MarkAs::Archived, MarkAs::Archived][..])
}

fn aim() -> impl Strategy<Value = Aim> {
    prop_oneof![
        4 => vec(0..40usize, 1..5).prop_map(Aim::Ids),
        2 => (0..40usize).prop_map(Aim::UpTo),
        1 => Just(Aim::All),
    ]
}
