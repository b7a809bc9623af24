//! One stream as a listener follows it: where it stands, and what it catches up on.
//!
//! Pure, and the same for the inbox and for a room.

use crate::domain::{Position, StreamName};

/// A replay that has not reached what was the top when the stream began.
struct Replay {
    top: Position,
    count: usize,
}

pub struct Followed {
    pub name: StreamName,
    pub position: Option<Position>,
    replay: Option<Replay>,
}

impl Followed {
    /// Starts behind a position, or live.
    pub fn new(name: StreamName, since: Option<Position>) -> Self {
        Self { name, position: since, replay: None }
    }

    /// The server has said where the top is, and how it met the position that was asked for.
    pub fn begin(&mut self, top: Option<Position>, resume: Option<&str>) {
        // After a resume the top is no position of ours until the replay has reached it.
        match (self.position, top) {
            (Some(_), Some(top)) if resume != Some("fresh") => self.replay = Some(Replay { top, count: 0 }),
            _ => self.position = top.or(self.position),
        }
    }

    /// An event was shown.
    pub fn show(&mut self, position: Option<&str>) {
        if let Some(replay) = &mut self.replay {
            replay.count += 1;
        }
        self.pass(position);
    }

    /// Up to here there is nothing more to show.
    pub fn pass(&mut self, position: Option<&str>) {
        if let Some(position) = position.and_then(|text| text.parse().ok()) {
            self.position = Some(position);
        }
    }

    /// How many events were caught up on, once all that was there at the beginning has been shown.
    pub fn take_recovered(&mut self) -> Option<usize> {
        let (position, replay) = (self.position?, self.replay.as_ref()?);
        let is_over = position.epoch == replay.top.epoch && position.offset >= replay.top.offset;
        let replay = self.replay.take_if(|_| is_over)?;
        (replay.count > 0).then_some(replay.count)
    }

    /// The connection has ended; what is missing is asked for anew.
    pub fn cut(&mut self) {
        self.replay = None;
    }
}
