//! Presence and typing that found no place: the newest of each, for when the reader has caught up (G10).

use std::collections::VecDeque;

use crate::{
    domain::RoomName,
    observe::metrics::{self, Dropped},
    protocol::Frame,
};

/// Most of them; of more than these a slow reader is told nothing.
const LATEST_MAX: usize = 128;

/// Oldest first.
#[derive(Debug, Default)]
pub(super) struct Latest(VecDeque<Frame>);

impl Latest {
    /// Keeps the newest of its kind.
    pub fn note(&mut self, frame: Frame) {
        let before = self.0.len();
        self.0.retain(|older| !older.is_about_the_same(&frame));
        let is_kept = self.0.len() < LATEST_MAX;
        metrics::dropped(Dropped::Overtaken, before - self.0.len() + usize::from(!is_kept));
        if is_kept {
            self.0.push_back(frame);
        }
    }

    /// Keeps one that is older than all that were noted.
    pub fn note_older(&mut self, frame: &Frame) {
        if self.0.len() < LATEST_MAX && !self.0.iter().any(|newer| newer.is_about_the_same(frame)) {
            self.0.push_front(frame.clone());
        } else {
            metrics::dropped(Dropped::Overtaken, 1);
        }
    }

    pub fn forget(&mut self, room: &RoomName) {
        self.0.retain(|frame| frame.room() != Some(room));
    }

    pub fn take_oldest(&mut self) -> Option<Frame> {
        self.0.pop_front()
    }
}
