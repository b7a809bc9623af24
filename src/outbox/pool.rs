//! What all outboxes of the process hold together, and large answers over HTTP, and how much that may be: what many
//! readers cost who do not read (G10). A frame that waits in many of them is held once.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use crate::{observe::metrics::Waiting, protocol::Frame};

/// A clone is the same pool.
#[derive(Debug, Clone)]
pub struct OutboxPool(Arc<Pool>);

#[derive(Debug)]
struct Pool {
    bytes: AtomicUsize,
    most: usize,
}

impl OutboxPool {
    /// One that is exhausted beyond so many bytes.
    pub fn new(most: usize) -> Self {
        Self(Arc::new(Pool { bytes: AtomicUsize::new(0), most }))
    }

    /// Whether nobody should be given more who leaves what there is unread.
    pub fn is_exhausted(&self) -> bool {
        self.0.bytes.load(Ordering::Relaxed) > self.0.most
    }

    /// What waits, and beyond how much the pool is exhausted.
    pub fn standing(&self) -> Waiting {
        Waiting { bytes: self.0.bytes.load(Ordering::Relaxed), bytes_max: self.0.most }
    }

    /// So many bytes wait somewhere else for a reader, for as long as this is kept.
    pub fn share(self, bytes: usize) -> Share {
        self.0.bytes.fetch_add(bytes, Ordering::Relaxed);
        Share { pool: self, bytes }
    }

    /// The frame waits in one more outbox.
    pub(super) fn hold(&self, frame: &Frame) {
        if frame.hold() {
            self.0.bytes.fetch_add(frame.cost(), Ordering::Relaxed);
        }
    }

    /// The frame waits in one fewer.
    pub(super) fn release(&self, frame: &Frame) {
        if frame.release() {
            self.0.bytes.fetch_sub(frame.cost(), Ordering::Relaxed);
        }
    }
}

/// One without an end.
impl Default for OutboxPool {
    fn default() -> Self {
        Self::new(usize::MAX)
    }
}

/// What waits for a reader outside of outboxes.
#[derive(Debug)]
pub struct Share {
    pool: OutboxPool,
    bytes: usize,
}

impl Drop for Share {
    fn drop(&mut self) {
        self.pool.0.bytes.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}
