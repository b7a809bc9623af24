//! Reading the truth for a session that is behind: at its start, after a `resume`, a lost event or a
//! full outbox. It is all one loop; pages go into the outbox as it has room, and then the session is live.

use std::{rc::Rc, time::Duration};

use super::Session;
use crate::{
    domain::{Position, StreamName, Transport},
    hub::slots::Receiver,
    observe::metrics,
    outbox::{FAIR_BYTES, Full, Outbox},
    protocol::{
        CloseCode, Frame,
        command::Ref,
        event::{Done, Inbox, Limits, NotificationView, Outcome, Skip, Welcome},
    },
    random,
    store::messages::{InboxRead, ReadInbox},
    stream::{Item, Page, PageLimit, Resume, Subscription, Turn},
};

/// Largest page, in rows (limits, PROTOCOL.md section 6); with the outbox's bound in bytes.
const PAGE_ROWS_MAX: usize = 500;

/// The same while the pool of all outboxes is exhausted, when little of a page finds room.
const SCARCE_PAGE_ROWS: usize = 16;

/// How often the store may fail a session in a row before the client is asked to come again (4010).
const FAILURES_MAX: u32 = 5;
const RETRY_PAUSE: Duration = Duration::from_secs(1);

/// What is owed to the client before the first item of the next page.
#[derive(Debug)]
pub enum Opening {
    /// The session is new; `Some` answers a first-message `auth` that had a ref.
    Welcome(Option<Ref>),
    /// The client has asked to resume.
    Resume(Option<Ref>),
}

impl Session {
    /// How the position of the client in a stream was met, at the start.
    pub(super) fn note_resume(&self, stream: StreamName, resume: Resume) {
        metrics::resumed(self.transport, stream != StreamName::Inbox, resume);
        self.resumes.borrow_mut().push((stream, resume));
    }

    /// Starts to read after `since`, or only where the inbox stands; a read under way is forgotten.
    pub(super) fn read(&self, since: Option<Position>) {
        let read = self.reads.get().wrapping_add(1);
        self.reads.set(read);
        if let Some(me) = self.me.upgrade() {
            actix::spawn(run(me, read, since));
        }
    }

    pub(super) fn page_limit(&self) -> PageLimit {
        let (outbox, pool) = (self.worker.policy.outbox, &self.worker.policy.pool);
        if pool.is_exhausted() {
            return PageLimit { rows: SCARCE_PAGE_ROWS, bytes: FAIR_BYTES };
        }
        // A page is read when at most half of the outbox is taken; in bytes a quarter leaves room for
        // what the payloads are wrapped in.
        PageLimit { rows: (outbox.events / 2).clamp(1, PAGE_ROWS_MAX), bytes: outbox.bytes / 4 }
    }

    /// Says what is owed before the page; whether the session was welcomed by it.
    fn open_with(&self, read: &InboxRead) -> bool {
        let mut is_welcome = false;
        for opening in self.openings.take() {
            match opening {
                Opening::Welcome(reference) => {
                    self.welcome(read, reference.as_ref());
                    is_welcome = true;
                }
                Opening::Resume(None) => {}
                Opening::Resume(reference) => self.reply(&Done {
                    reference: reference.as_ref(),
                    command: "resume",
                    result: Outcome::Resume { resume: read.page.resume, position: read.page.head.position() },
                }),
            }
        }
        self.opened.notify_waiters();
        is_welcome
    }

    fn welcome(&self, read: &InboxRead, reference: Option<&Ref>) {
        let identity = self.identity.borrow();
        let Some(identity) = identity.as_ref() else { return };
        let policy = &self.worker.policy;
        let top = read.page.head.position();
        let event = Welcome {
            v: 1,
            session: self.id.as_str(),
            user: identity.user.as_str(),
            node: self.worker.node.as_str(),
            scopes: identity.scopes.words(),
            ping_interval_ms: u64::try_from(policy.heartbeat(self.transport).as_millis()).unwrap_or(u64::MAX),
            expires_at: identity.expires_at,
            limits: Limits {
                message_bytes: policy.message_bytes,
                rooms: policy.rooms(self.transport),
                messages_per_second: policy.messages_per_second,
            },
            inbox: Inbox { position: top, counters: read.counters },
            resume: read.page.resume,
        };
        let since = self.following.borrow().since.position(&StreamName::Inbox);
        let _ = self.outbox.push(Frame::standing(StreamName::Inbox, since.unwrap_or(top), &event));
        self.note_resume(StreamName::Inbox, read.page.resume);
        self.told.welcome(top.epoch, read.counters);
        if reference.is_some() {
            let result = Outcome::Auth { expires_at: identity.expires_at, scopes: identity.scopes.words() };
            self.reply(&Done { reference, command: "auth", result });
        }
    }

    /// Takes a page: says what it holds, then says whether to read on. The last one tells its counters, too,
    /// if they were not told: the fact that should have done so may be lost.
    fn take(&self, since: Option<Position>, read: &InboxRead) -> Option<Position> {
        self.told.go_on_in(read.page.head.epoch);
        if since.is_some() {
            metrics::replayed(false, read.page.items.len());
        }
        let (since, opened_at) = (since.unwrap_or(read.page.reached), self.id.made_at());
        let given = self.with_inbox(|inbox| {
            give(&self.outbox, inbox, since, &read.page, |item| match item {
                Item::Event(notification) => {
                    let (position, at) = (notification.position, notification.created_at);
                    let frame = Frame::notification(position, &NotificationView(notification));
                    // It may only be read because something on its way was lost, or late.
                    (if at >= opened_at { frame.accepted_at(at) } else { frame }, position)
                }
                Item::Skip { from, to } => {
                    let skip = Skip { stream: "inbox", from: *from, to: *to };
                    (Frame::hole(StreamName::Inbox, *from, *to, &skip), *to)
                }
                Item::Gap(gap) => {
                    metrics::gap_told(false, gap.reason);
                    (Frame::inbox_gap(*gap), gap.to)
                }
            })
        })?;
        match given {
            Given::Live => {}
            Given::Read(since) => return Some(since),
            Given::Waiting => return None,
        }
        for hint in self.held_hints.take() {
            self.hint(&hint);
        }
        if self.told.lacks(&read.counters) {
            self.hint(&Frame::unread(read.counters));
        }
        if !self.owes_counters.get() {
            return None;
        }
        // What was owed anew meanwhile is newer than this page.
        if self.outbox.has_room() {
            return self.with_inbox(|inbox| inbox.doubt()).flatten();
        }
        self.with_inbox(|inbox| inbox.wait());
        None
    }
}

/// What became of a page.
pub(super) enum Given {
    /// The client has all of it; the stream is live.
    Live,
    /// There is more behind this position, and room for it.
    Read(Position),
    /// There is more, and no room: it is read when the outbox has drained.
    Waiting,
}

/// Gives a page of any stream to the client, and with its end what was held meanwhile.
///
/// `render` says how an item goes out, and where the client stands after it.
pub(super) fn give<T>(
    outbox: &Outbox,
    subscription: &mut Subscription<Frame>,
    since: Position,
    page: &Page<T>,
    render: impl Fn(&Item<T>) -> (Frame, Position),
) -> Given {
    let mut given = since;
    for item in &page.items {
        let (frame, reached) = render(item);
        if outbox.push(frame) == Err(Full) {
            subscription.refused(given);
            return Given::Waiting;
        }
        given = reached;
    }
    match subscription.turn(page) {
        Turn::Read(since) if outbox.has_room() => Given::Read(since),
        Turn::Read(_) => {
            subscription.wait();
            Given::Waiting
        }
        Turn::Live(due) => {
            given = page.reached;
            for (position, frame) in due {
                if outbox.push(frame) == Err(Full) {
                    subscription.refused(given);
                    return Given::Waiting;
                }
                given = position;
            }
            Given::Live
        }
    }
}

async fn run(session: Rc<Session>, number: u64, mut since: Option<Position>) {
    let me = Rc::downgrade(&session);
    let store = session.worker.store.clone();
    let limit = session.page_limit();
    let Some(user) = session.identity.borrow().as_ref().map(|identity| identity.user.clone()) else { return };
    // A connection that ends meanwhile must not be kept by this.
    drop(session);
    let is_mine = |session: &Session| session.reads.get() == number && !session.is_closed.get();
    let mut failures = 0;
    loop {
        let Some(session) = me.upgrade().filter(|session| is_mine(session)) else { return };
        // This page, or one that is read because of it, tells those of now.
        session.owes_counters.set(false);
        drop(session);
        let answer = store.ask(ReadInbox { user: user.clone(), since, limit }).await;
        let Some(session) = me.upgrade() else { return };
        if !is_mine(&session) {
            return;
        }
        match answer {
            Ok(read) => {
                failures = 0;
                if session.open_with(&read) {
                    // Their answers come before anything that was missed, in whatever stream.
                    session.join_first_rooms().await;
                    if !is_mine(&session) {
                        session.give_first_pages();
                        return;
                    }
                }
                let next = session.take(since, &read);
                session.give_first_pages();
                match next {
                    Some(next) => since = Some(next),
                    None => return,
                }
            }
            Err(error) => {
                failures += 1;
                log::warn!(session = session.id.as_str(), failures; "the inbox could not be read: {error}");
                // A request that waits is better told at once.
                if failures >= FAILURES_MAX || session.transport == Transport::LongPoll {
                    session.end(CloseCode::Resync);
                    return;
                }
                drop(session);
                tokio::time::sleep(RETRY_PAUSE + random::up_to(RETRY_PAUSE)).await;
            }
        }
    }
}
