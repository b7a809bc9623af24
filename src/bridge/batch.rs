//! Calls that wait to be sent, and how many of them go together.

use std::collections::VecDeque;

use super::{calls::Call, messages::Purpose};
use crate::{
    domain::{Position, RoomName},
    mailbox::Load,
};

/// Most calls in one pipeline, and their bytes: it has to be through within the time of one request.
const CALLS_MAX: usize = 256;
const BYTES_MAX: usize = 1024 * 1024;

/// Most rooms opened in one pipeline, since each may answer with a page of history.
const OPENED_MAX: usize = 8;

/// What is to be done with an answer.
#[derive(Debug)]
pub enum Then {
    Nothing,
    /// It changes who is in a room.
    Noted,
    Published(u64),
    Opened(RoomName, Position, Purpose),
}

#[derive(Default)]
pub struct Batch {
    waiting: VecDeque<(Call, Then)>,
    /// Given back when all is done.
    loads: Vec<Load>,
}

impl Batch {
    pub fn add(&mut self, call: Call, then: Then) {
        self.waiting.push_back((call, then));
    }

    pub fn keep(&mut self, load: Load) {
        self.loads.push(load);
    }

    /// The next pipeline; empty when there is none.
    pub fn take(&mut self) -> (Vec<Call>, Vec<Then>) {
        let (mut calls, mut bytes, mut opened) = (0, 0, 0);
        for (call, then) in &self.waiting {
            bytes += call.bytes();
            opened += usize::from(matches!(then, Then::Opened(..)));
            if calls > 0 && (calls == CALLS_MAX || bytes > BYTES_MAX || opened > OPENED_MAX) {
                break;
            }
            calls += 1;
        }
        self.waiting.drain(..calls).unzip()
    }
}

#[cfg(test)]
mod tests {
    use redis::cmd;

    use super::*;

    fn call(bytes: usize) -> Call {
        let mut cmd = cmd("PUBLISH");
        cmd.arg("x".repeat(bytes));
        Call { cmd, key: String::new() }
    }

    fn sizes(calls: Vec<(Call, Then)>) -> Vec<usize> {
        let mut batch = Batch { waiting: calls.into(), loads: Vec::new() };
        std::iter::from_fn(|| Some(batch.take().0.len()).filter(|size| *size > 0)).collect()
    }

    #[test]
    fn a_pipeline_is_bounded_in_calls_in_bytes_and_in_rooms() {
        let many = |count, bytes| (0..count).map(|_| (call(bytes), Then::Nothing)).collect();
        assert_eq!(sizes(many(600, 1)), [256, 256, 88]);
        assert_eq!(sizes(many(3, 600_000)), [1, 1, 1]);
        assert_eq!(sizes(many(2, 2_000_000)), [1, 1]);
        let opened = || Then::Opened("r".parse().unwrap(), Position::START, Purpose::Look);
        let rooms = (0..70).flat_map(|_| [(call(1), Then::Noted), (call(1), opened())]).collect();
        assert_eq!(sizes(rooms), [17, 16, 16, 16, 16, 16, 16, 16, 11]);
    }
}
