//! One transaction of a writer, as what is done in it sees it.
//!
//! SQLite is locked as a whole, and a statement costs no way there and back: there everything is done row by
//! row. On PostgreSQL others write at the same time. So whatever a batch of jobs will change is locked before
//! the first of them is done, idempotency keys first and then inboxes, each in order, so that no two
//! transactions wait for each other; and what a batch stores is written together at its end.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::Arc,
};

use diesel::QueryResult;

use super::{
    Connection, idempotency, inboxes,
    job::Job,
    keys::Key,
    messages::{IdempotencyKey, InboxState, Receipt},
    notifications,
    push_jobs::{self, Push},
    rows::receipt_lines,
};
#[cfg(feature = "postgres")]
use super::{bulk, locks};
use crate::{
    clock::{Bounds, ClockWatch},
    domain::{Counters, Notification, Timestamp, UserId},
    hub::messages::InboxFact,
    stream::Head,
};

pub(super) struct Transaction<'c> {
    pub(super) conn: &'c mut Connection,
    pub(super) now: Timestamp,
    pub(super) bounds: Bounds,
    /// What becomes true by its commit, in order.
    pub(super) facts: Vec<InboxFact>,
    /// What its jobs do may be done already.
    pub(super) is_repeated: bool,
    /// Keys that are its own: nobody has used them, and whoever wants to waits.
    keys: HashSet<Key>,
    taken: HashMap<UserId, Taken>,
    unwritten: Vec<Unwritten>,
    /// What a push of each draft says.
    drafts: Vec<Option<String>>,
    /// What is to be pushed of what is stored.
    pushes: Vec<Push>,
    answers: Vec<Answer>,
}

/// A transaction whose connection was lost while it committed.
pub(super) struct Doubt {
    /// What is true if it has committed.
    pub(super) facts: Vec<InboxFact>,
    pub(super) changed_at: Timestamp,
}

/// What is to be stored with what else is.
pub(super) struct Unwritten {
    /// Its place in the facts.
    pub(super) place: usize,
    /// The number of its draft, from 1 on.
    pub(super) draft: usize,
    /// Its user can be told where no page is open.
    pub(super) is_pushed: bool,
}

/// Numbers that were taken from an inbox.
pub(super) struct Taken {
    /// The inbox with the last number that was given away.
    pub(super) state: InboxState,
    pub(super) left: u32,
    /// Its user can be told where no page is open.
    pub(super) is_pushed: bool,
}

/// What a publish with a key of its own was answered.
pub(super) struct Answer {
    pub(super) publisher: UserId,
    pub(super) key: String,
    pub(super) receipts: String,
}

impl<'c> Transaction<'c> {
    pub(super) fn new(conn: &'c mut Connection, now: Timestamp, clock: &ClockWatch) -> Self {
        Self {
            conn,
            now,
            bounds: clock.bounds(now),
            facts: Vec::new(),
            is_repeated: false,
            keys: HashSet::new(),
            taken: HashMap::new(),
            unwritten: Vec::new(),
            drafts: Vec::new(),
            pushes: Vec::new(),
            answers: Vec::new(),
        }
    }

    /// Locks what these jobs will change, where others write, too.
    ///
    /// # Errors
    /// Those of the database; the transaction is lost then.
    pub(super) fn lock(&mut self, jobs: &[Box<dyn Job>]) -> QueryResult<()> {
        match self.conn {
            Connection::Sqlite(_) => Ok(()),
            #[cfg(feature = "postgres")]
            Connection::Postgres(conn) => {
                self.keys = locks::keys(conn, jobs, self.now)?;
                self.taken = locks::inboxes(conn, jobs, &self.keys, self.now)?;
                Ok(())
            }
        }
    }

    /// Whether a transaction that held the same locks has committed, as its notifications show; `None` if it
    /// stored none.
    pub(super) fn is_done(&mut self, doubt: &Doubt) -> QueryResult<Option<bool>> {
        let stored: Vec<&str> = doubt.facts.iter().filter_map(stored).collect();
        if stored.is_empty() { Ok(None) } else { notifications::is_any_there(self.conn, &stored).map(Some) }
    }

    /// Says where the inboxes stand that another transaction may have changed.
    pub(super) fn tell_again(&mut self, doubt: &Doubt) -> QueryResult<()> {
        let users: BTreeSet<&UserId> = doubt.facts.iter().map(InboxFact::user).collect();
        for user in users {
            let InboxState { head, counters } = inboxes::stands(self.conn, user)?;
            self.facts.push(InboxFact::Changed { user: user.clone(), position: head.position(), counters });
        }
        Ok(())
    }

    /// Whether this key is the transaction's own.
    pub(super) fn has_key(&self, publisher: &UserId, key: &str) -> bool {
        // Most transactions have none, and need no copies to find that out.
        !self.keys.is_empty() && self.keys.contains(&(publisher.clone(), key.to_owned()))
    }

    /// An inbox with the next number that was taken from it, if one is left; and whether its user can be told where no
    /// page is open.
    pub(super) fn next_number(&mut self, user: &UserId) -> Option<(InboxState, bool)> {
        let Taken { state, left, is_pushed } = self.taken.get_mut(user)?;
        *left = left.checked_sub(1)?;
        let InboxState { head, counters } = *state;
        *state = InboxState {
            head: Head { last: head.last + 1, restart: head.last + 1, ..head },
            counters: Counters {
                unread: counters.unread + 1,
                unseen: counters.unseen + 1,
                version: counters.version + 1,
                ..counters
            },
        };
        Some((*state, *is_pushed))
    }

    /// What is stored from now on belongs to another draft, of which a push says this.
    pub(super) fn begin_draft(&mut self, words: Option<String>) {
        self.drafts.push(words);
    }

    /// Stores a notification with its fact: at once, or with what else has a number of [`Self::next_number`].
    pub(super) fn store(
        &mut self,
        user: &UserId,
        notification: Notification,
        counters: Counters,
        is_by_row: bool,
        is_pushed: bool,
    ) -> QueryResult<()> {
        if is_by_row {
            let words = self.drafts.last().and_then(Option::as_deref).filter(|_| is_pushed);
            notifications::insert(self.conn, user, &notification, words)?;
        } else {
            self.unwritten.push(Unwritten { place: self.facts.len(), draft: self.drafts.len(), is_pushed });
        }
        let notification = Arc::new(notification);
        self.facts.push(InboxFact::Appended { user: user.clone(), notification, counters });
        Ok(())
    }

    /// Has something pushed that is stored.
    pub(super) fn push(&mut self, push: Push) -> QueryResult<()> {
        if !self.conn.is_shared() {
            return push_jobs::write(self.conn, &push, self.now);
        }
        self.pushes.push(push);
        Ok(())
    }

    /// Keeps what a publish was answered, for the next one with its key.
    pub(super) fn keep(
        &mut self,
        publisher: &UserId,
        key: &IdempotencyKey,
        receipts: &[Receipt],
    ) -> QueryResult<()> {
        let lines = receipt_lines(receipts);
        if !self.has_key(publisher, &key.key) {
            return idempotency::keep(self.conn, publisher, key, &lines, self.now);
        }
        self.answers.push(Answer { publisher: publisher.clone(), key: key.key.clone(), receipts: lines });
        Ok(())
    }

    /// Writes what was to be written together.
    ///
    /// # Errors
    /// Those of the database; the transaction is lost then.
    pub(super) fn write(&mut self) -> QueryResult<()> {
        match self.conn {
            Connection::Sqlite(_) => Ok(()),
            #[cfg(feature = "postgres")]
            Connection::Postgres(conn) => {
                let unwritten = std::mem::take(&mut self.unwritten);
                if !unwritten.is_empty() {
                    bulk::store(conn, &self.facts, &unwritten, &self.drafts, self.now)?;
                }
                let pushes = std::mem::take(&mut self.pushes);
                if !pushes.is_empty() {
                    bulk::push(conn, &pushes, self.now)?;
                }
                let answers = std::mem::take(&mut self.answers);
                if answers.is_empty() { Ok(()) } else { bulk::keep(conn, &answers) }
            }
        }
    }
}

/// The id of what a fact says is stored.
fn stored(fact: &InboxFact) -> Option<&str> {
    match fact {
        InboxFact::Appended { notification, .. } => Some(notification.id.as_str()),
        InboxFact::Marked { .. } | InboxFact::Changed { .. } => None,
    }
}
