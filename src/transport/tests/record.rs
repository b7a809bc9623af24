//! What was published and what was done to it, and so what may be hidden when.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::{
    clock,
    domain::{MarkAs, MarkTarget, NotificationId, Offset, Position, Timestamp, TypePattern},
    store::messages::Receipt,
};

/// A moment, on the clock of the test and on the one that things expire by.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    at: Instant,
    clock: Timestamp,
}

impl Moment {
    pub fn now() -> Self {
        Self { at: Instant::now(), clock: clock::now() }
    }

    pub fn is_after(self, other: Self) -> bool {
        self.at > other.at
    }
}

/// A publish; its number is in its payload.
#[derive(Debug)]
pub struct Published {
    pub kind: &'static str,
    pub key: Option<&'static str>,
    pub expires_in: Option<Duration>,
    pub sent: Moment,
}

#[derive(Debug)]
pub struct Stored {
    pub id: NotificationId,
    pub position: Position,
    pub number: usize,
    answered: Moment,
}

/// A mark or a deletion of one user.
#[derive(Debug)]
struct Change {
    user: &'static str,
    /// None is a deletion.
    mark_as: Option<MarkAs>,
    target: MarkTarget,
    sent: Moment,
    answered: Option<Moment>,
}

#[derive(Debug)]
struct Muted {
    user: &'static str,
    pattern: &'static str,
    sent: Moment,
    answered: Option<Moment>,
    /// When it began to be taken back, and when that was done.
    ended: (Option<Moment>, Option<Moment>),
}

#[derive(Debug, Default)]
pub struct Record {
    pub drafts: Vec<Published>,
    pub stored: BTreeMap<(String, Offset), Stored>,
    changes: Vec<Change>,
    mutes: Vec<Muted>,
    /// What was said in the lobby, by its position, as readers have heard.
    messages: BTreeMap<String, Value>,
}

impl Record {
    /// Takes note of what is sent; says its number.
    pub fn publish(
        &mut self,
        kind: &'static str,
        key: Option<&'static str>,
        expires_in: Option<Duration>,
    ) -> usize {
        self.drafts.push(Published { kind, key, expires_in, sent: Moment::now() });
        self.drafts.len() - 1
    }

    pub fn published(&mut self, number: usize, receipts: Vec<Receipt>) {
        for Receipt { id, to, position } in receipts {
            let stored = Stored { id, position, number, answered: Moment::now() };
            let epoch = self.known(to.as_str()).first().map(|(_, stored)| stored.position.epoch);
            assert!(epoch.is_none_or(|epoch| epoch == position.epoch), "{to} has a new life at {position}");
            let before = self.stored.insert((to.to_string(), position.offset), stored);
            assert!(before.is_none(), "two stand at {position} of {to}");
        }
    }

    /// What is known of a user's inbox, in order.
    pub fn known(&self, user: &str) -> Vec<(Offset, &Stored)> {
        let of_user = self.stored.iter().filter(|((of, _), _)| of == user);
        of_user.map(|((_, offset), stored)| (*offset, stored)).collect()
    }

    /// Takes note of a mark or a deletion that is sent; says its place.
    pub fn change(&mut self, user: &'static str, mark_as: Option<MarkAs>, target: MarkTarget) -> usize {
        self.changes.push(Change { user, mark_as, target, sent: Moment::now(), answered: None });
        self.changes.len() - 1
    }

    /// Takes note that what the user has read may be deleted.
    pub fn crowd(&mut self, user: &'static str) {
        // Which of them is not known, so it is never answered.
        self.change(user, None, MarkTarget::All);
    }

    pub fn change_answered(&mut self, place: usize) {
        self.changes[place].answered = Some(Moment::now());
    }

    /// Takes note of a mute that is sent; says its place.
    pub fn mute(&mut self, user: &'static str, pattern: &'static str) -> usize {
        let ended = (None, None);
        self.mutes.push(Muted { user, pattern, sent: Moment::now(), answered: None, ended });
        self.mutes.len() - 1
    }

    pub fn mute_answered(&mut self, place: usize) {
        self.mutes[place].answered = Some(Moment::now());
    }

    /// Takes note that what is muted by now is to be heard again; says which mutes those are.
    pub fn unmute(&mut self, user: &str, pattern: &str) -> Vec<usize> {
        let is_meant = |mute: &Muted| mute.user == user && mute.pattern == pattern && mute.ended.0.is_none();
        let meant: Vec<usize> = (0..self.mutes.len()).filter(|place| is_meant(&self.mutes[*place])).collect();
        for place in &meant {
            self.mutes[*place].ended.0 = Some(Moment::now());
        }
        meant
    }

    pub fn unmute_answered(&mut self, places: &[usize]) {
        for place in places {
            self.mutes[*place].ended.1 = Some(Moment::now());
        }
    }

    /// Nobody may have heard another message there.
    pub fn heard(&mut self, position: Position, data: &Value) {
        let known = self.messages.entry(position.to_string()).or_insert_with(|| data.clone());
        assert_eq!(known, data, "two messages stand at {position}");
    }

    /// Whether it may have had nothing to show at some time until then.
    pub fn may_be_hidden(&self, user: &str, offset: Offset, by: Moment) -> bool {
        let Some(stored) = self.stored.get(&(user.to_owned(), offset)) else { return false };
        let draft = &self.drafts[stored.number];
        let is_hiding = |change: &Change| {
            change.user == user && change.hides() && change.sent.at <= by.at && change.covers(offset, stored)
        };
        draft.expires_in.is_some_and(|after| draft.sent.clock.plus(after) <= by.clock)
            || self.changes.iter().any(is_hiding)
            || self.may_be_collapsed(user, offset, draft, by)
            || self.mutes.iter().any(|mute| mute.may_hide(user, draft, stored))
    }

    fn may_be_collapsed(&self, user: &str, offset: Offset, draft: &Published, by: Moment) -> bool {
        let is_newer = |(at, stored): (Offset, &Stored)| {
            let newer = &self.drafts[stored.number];
            at > offset && newer.key == draft.key && newer.sent.at <= by.at
        };
        draft.key.is_some() && self.known(user).into_iter().any(is_newer)
    }

    /// Whether it certainly had nothing to show any more then, and has not since.
    pub fn is_surely_hidden(&self, user: &str, offset: Offset, then: Moment) -> bool {
        let Some(stored) = self.stored.get(&(user.to_owned(), offset)) else { return false };
        let draft = &self.drafts[stored.number];
        let is_done = |change: &Change| change.answered.is_some_and(|answered| answered.at <= then.at);
        let is_all = |change: &Change| matches!(change.target, MarkTarget::All);
        let is_hiding = |change: &&Change| {
            change.user == user
                && change.hides()
                && is_done(change)
                && change.covers(offset, stored)
                && (!is_all(change) || stored.answered.at < change.sent.at)
        };
        let is_undone = |hiding: &Change| {
            hiding.mark_as.is_some()
                && self.changes.iter().any(|change| {
                    change.user == user
                        && change.mark_as == Some(MarkAs::Unread)
                        && change.answered.is_none_or(|answered| answered.at >= hiding.sent.at)
                })
        };
        draft.expires_in.is_some_and(|after| stored.answered.clock.plus(after) <= then.clock)
            || self.changes.iter().filter(is_hiding).any(|change| !is_undone(change))
            || self.mutes.iter().any(|mute| mute.surely_hides(user, draft, stored))
    }
}

impl Muted {
    fn matches(&self, user: &str, draft: &Published) -> bool {
        let pattern: TypePattern = self.pattern.parse().unwrap();
        self.user == user && pattern.matches(&draft.kind.parse().unwrap())
    }

    fn may_hide(&self, user: &str, draft: &Published, stored: &Stored) -> bool {
        let is_over = self.ended.1.is_some_and(|ended| ended.at < draft.sent.at);
        self.matches(user, draft) && self.sent.at < stored.answered.at && !is_over
    }

    fn surely_hides(&self, user: &str, draft: &Published, stored: &Stored) -> bool {
        let is_there = self.answered.is_some_and(|answered| answered.at < draft.sent.at);
        let lasts = self.ended.0.is_none_or(|ending| ending.at > stored.answered.at);
        self.matches(user, draft) && is_there && lasts
    }
}

impl Change {
    fn hides(&self) -> bool {
        matches!(self.mark_as, None | Some(MarkAs::Archived))
    }

    fn covers(&self, offset: Offset, stored: &Stored) -> bool {
        match &self.target {
            MarkTarget::Ids(ids) => ids.contains(&stored.id),
            MarkTarget::UpTo(position) => offset <= position.offset,
            MarkTarget::All => true,
        }
    }
}
