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
    /// Places in `facts` of what is to be stored, each with the number of its draft.
    unwritten: Vec<(usize, i64)>,
    drafts: i64,
    answers: Vec<Answer>,
}

/// A transaction whose connection was lost while it committed.
pub(super) struct Doubt {
    /// What is true if it has committed.
    pub(super) facts: Vec<InboxFact>,
    pub(super) changed_at: Timestamp,
}

/// Numbers that were taken from an inbox.
pub(super) struct Taken {
    /// The inbox with the last number that was given away.
    pub(super) state: InboxState,
    pub(super) left: u32,
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
            drafts: 0,
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

    /// An inbox with the next number that was taken from it, if one is left.
    pub(super) fn next_number(&mut self, user: &UserId) -> Option<InboxState> {
        let Taken { state, left } = self.taken.get_mut(user)?;
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
        Some(*state)
    }

    /// What is stored from now on belongs to another draft.
    pub(super) fn begin_draft(&mut self) {
        self.drafts += 1;
    }

    /// Stores a notification with its fact: at once, or with what else has a number of [`Self::next_number`].
    pub(super) fn store(
        &mut self,
        user: &UserId,
        notification: Notification,
        counters: Counters,
        is_by_row: bool,
    ) -> QueryResult<()> {
        if is_by_row {
            notifications::insert(self.conn, user, &notification)?;
        } else {
            self.unwritten.push((self.facts.len(), self.drafts));
        }
        let notification = Arc::new(notification);
        self.facts.push(InboxFact::Appended { user: user.clone(), notification, counters });
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
                    bulk::store(conn, &self.facts, &unwritten, self.now)?;
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
