//! One room: its history, who is in it, who types, and on which workers its sessions are.
//!
//! Pure; now is an argument.

use std::{collections::BTreeMap, time::Instant};

use super::{RoomPolicy, announced::AnnouncedTyping, bus::Stage};
use crate::{
    domain::{
        Epoch, RoomName, UserId,
        presence::{Arrival, Presence},
        rate::Rate,
        typing::Typing,
    },
    hub::messages::RoomView,
    protocol::{
        Frame,
        event::{TypingChanged, UserJoined, UserLeft},
    },
    stream::RoomLog,
};

/// What a room costs beside its history, in bytes: names, tables, clocks (a rounded-up estimate).
const OVERHEAD_BYTES: usize = 768;

/// How many who come and go are told to a room. Of more nothing is said: the next one that is tells the
/// count.
const PRESENCE_PER_SECOND: u32 = 100;
const PRESENCE_BURST: u32 = 1000;

pub struct Room {
    pub log: RoomLog<Frame>,
    pub presence: Presence,
    pub typing: Typing,
    pub announced: AnnouncedTyping,
    pub stage: Stage,
    /// `None`: as many messages as anybody likes.
    pub rate: Option<Rate>,
    /// Of who comes and goes: each is told to all others, so a crowd that comes at once would tell its
    /// own square.
    presence_rate: Option<Rate>,
    /// Sessions by worker; none stands at zero.
    shards: BTreeMap<u16, usize>,
    /// When it was last left or used, while nobody is in it here.
    idle_since: Instant,
    /// The earliest time at which somebody looks at it.
    pub scheduled: Option<Instant>,
}

impl Room {
    pub fn new(policy: &RoomPolicy, epoch: Epoch, stage: Stage, now: Instant) -> Self {
        Self {
            log: RoomLog::new(epoch),
            presence: Presence::new(policy.leave_grace),
            typing: Typing::new(policy.typing_ttl),
            announced: AnnouncedTyping::new(policy.typing_ttl),
            stage,
            rate: Rate::new(policy.messages_per_second, policy.messages_burst),
            presence_rate: Rate::new(PRESENCE_PER_SECOND, PRESENCE_BURST),
            shards: BTreeMap::new(),
            idle_since: now,
            scheduled: None,
        }
    }

    /// What administrators are told of it.
    pub fn view(&self, name: &RoomName) -> RoomView {
        RoomView {
            room: name.clone(),
            sessions: self.shards.values().sum(),
            user_count: self.presence.count(),
            position: self.log.head().position(),
        }
    }

    /// Whether sessions are in it.
    pub fn is_occupied(&self) -> bool {
        !self.shards.is_empty()
    }

    /// The workers that have sessions in it.
    pub fn shards(&self) -> impl Iterator<Item = u16> {
        self.shards.keys().copied()
    }

    pub fn bytes(&self) -> usize {
        OVERHEAD_BYTES + self.log.bytes()
    }

    /// Somebody used it without being in it.
    pub fn touch(&mut self, now: Instant) {
        self.idle_since = now;
    }

    /// Adds a session, and the user whom it makes present.
    pub fn enter(&mut self, shard: u16, guest: Option<&UserId>) -> Arrival {
        *self.shards.entry(shard).or_default() += 1;
        guest.map(|user| self.presence.join(user)).unwrap_or_default()
    }

    /// Takes a session out; the user whom it made present has left when the grace is over.
    pub fn leave(&mut self, shard: u16, guest: Option<&UserId>, now: Instant) {
        if let Some(sessions) = self.shards.get_mut(&shard) {
            *sessions -= 1;
            if *sessions == 0 {
                self.shards.remove(&shard);
            }
        }
        if let Some(user) = guest
            && self.presence.leave(user, now)
        {
            self.typing.remove(user);
            self.announced.end(user, now);
        }
        self.idle_since = now;
    }

    fn may_tell_presence(&mut self, now: Instant) -> bool {
        self.presence_rate.as_mut().is_none_or(|rate| rate.take(now).is_ok())
    }

    /// That a user has come, if that is to be told.
    pub fn joined(&mut self, name: &RoomName, user: &UserId, now: Instant) -> Option<Frame> {
        let (room, user_count) = (name.as_str(), self.presence.count());
        let event = UserJoined { room, user: user.as_str(), user_count };
        self.may_tell_presence(now).then(|| Frame::ephemeral(name, Some(user), &event))
    }

    /// That these users have left, as far as it is to be told; they are members no more.
    pub fn left(&mut self, name: &RoomName, gone: &[UserId], now: Instant) -> Vec<Frame> {
        let remaining = self.presence.count();
        let mut frames = Vec::new();
        for (user, user_count) in gone.iter().zip((remaining..remaining + gone.len()).rev()) {
            self.typing.remove(user);
            if self.may_tell_presence(now) {
                let event = UserLeft { room: name.as_str(), user: user.as_str(), user_count };
                frames.push(Frame::ephemeral(name, Some(user), &event));
            }
        }
        frames
    }

    /// Who types now, if that is to be told.
    pub fn typing_change(&mut self, name: &RoomName, now: Instant) -> Option<Frame> {
        let users = self.typing.take_change(now)?;
        Some(Frame::ephemeral(name, None, &TypingChanged { room: name.as_str(), users: &users }))
    }

    /// Whether somebody is in it here, maybe in the grace.
    pub fn is_inhabited(&self) -> bool {
        self.is_occupied() || !self.presence.is_empty_here()
    }

    /// Whether nobody is in it here, and the bus, where there is one, knows that.
    fn is_deserted(&self) -> bool {
        !self.is_inhabited() && matches!(self.stage, Stage::Open)
    }

    /// Whether nothing of it needs to be kept any longer.
    pub fn is_over(&self, policy: &RoomPolicy, now: Instant) -> bool {
        self.is_deserted() && now.saturating_duration_since(self.idle_since) >= policy.position_ttl
    }

    /// When something is due next, if ever.
    pub fn next_due(&self, policy: &RoomPolicy) -> Option<Instant> {
        // Not before the last grace is over: what is due and cannot be done would be due for ever.
        let end = self.is_deserted().then(|| self.idle_since + policy.position_ttl);
        let (presence, typing) = (self.presence.next_due(), self.typing.next_due());
        [self.log.expires_at(policy.log), presence, typing, self.announced.next_due(), end]
            .into_iter()
            .flatten()
            .min()
    }
}

#[cfg(test)]
impl Room {
    pub fn sessions_by_shard(&self) -> &BTreeMap<u16, usize> {
        &self.shards
    }
}
