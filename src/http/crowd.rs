//! How many connections a listener has, and whether there is room for more (T12).
//!
//! What an address may have is counted by sessions, and behind a proxy nobody knows whose a connection is before it
//! asks. So where connections are scarce, none is kept for somebody who asks nothing: whoever holds them all has to
//! come again each second, and waits in the same queue as everybody else.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

/// The connections of one listener.
#[derive(Debug, Clone)]
pub struct Crowd {
    present: Arc<AtomicUsize>,
    /// More than these are scarce.
    ample: usize,
}

impl Crowd {
    /// Of so many connections the last eighth is scarce.
    pub fn new(connections_max: usize) -> Self {
        Self { present: Arc::default(), ample: connections_max - connections_max.div_ceil(8) }
    }

    /// Counts a connection for as long as this is kept.
    pub fn enter(&self) -> Presence {
        self.present.fetch_add(1, Ordering::Relaxed);
        Presence(self.clone())
    }
}

/// One connection among the others.
pub struct Presence(Crowd);

impl Presence {
    /// Whether there is little room left for others.
    pub fn is_scarce(&self) -> bool {
        self.0.present.load(Ordering::Relaxed) > self.0.ample
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        self.0.present.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_eighth_is_scarce_until_somebody_leaves() {
        let crowd = Crowd::new(16);
        let mut all: Vec<Presence> = (0..14).map(|_| crowd.enter()).collect();
        assert!(!all[0].is_scarce());
        all.push(crowd.enter());
        assert!(all[0].is_scarce());
        all.pop();
        assert!(!all[0].is_scarce());
    }
}
