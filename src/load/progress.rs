//! How far a load has come, for whoever shows it, and the word to stop.
//!
//! Shared by two threads: one that measures and must not wait, and one that shows it.

use std::sync::atomic::{AtomicU8, AtomicU64, Ordering::Relaxed};

/// What is going on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    Connecting,
    WarmingUp,
    Measuring,
    /// The last ones are awaited.
    Ending,
}

#[derive(Default)]
pub struct Progress {
    phase: AtomicU8,
    done: AtomicU64,
    all: AtomicU64,
    /// How often it was told to stop.
    stops: AtomicU8,
}

impl Progress {
    /// Has it end with what was measured; the second time without waiting for what is under way.
    pub fn stop(&self) {
        self.stops.fetch_add(1, Relaxed);
    }

    pub fn is_stopped(&self) -> bool {
        self.stops.load(Relaxed) > 0
    }

    pub fn is_hurried(&self) -> bool {
        self.stops.load(Relaxed) > 1
    }

    pub fn tell(&self, phase: Phase, done: u64, all: u64) {
        self.phase.store(phase as u8, Relaxed);
        self.done.store(done, Relaxed);
        self.all.store(all, Relaxed);
    }

    /// What is going on, and how much of it is done, from 0 to 1.
    pub fn look(&self) -> (Phase, f64) {
        let phases = [Phase::Connecting, Phase::WarmingUp, Phase::Measuring, Phase::Ending];
        let phase = self.phase.load(Relaxed);
        let phase = phases.into_iter().find(|known| *known as u8 == phase).unwrap_or(Phase::Connecting);
        let all = self.all.load(Relaxed).max(1);
        (phase, (self.done.load(Relaxed) as f64 / all as f64).min(1.0))
    }
}
