//! A token bucket for each key, in bounded memory.
//!
//! A bucket that is full again is as good as none, so it is forgotten: what is kept is about those who came a moment
//! ago. Beyond the bound the one that was asked for longest ago goes, full or not, and its owner may begin anew. To
//! make use of that one would have to bring as many other keys as are kept, between two requests that are further
//! apart than the rate; and each of those would have a burst of its own anyway.

use std::{
    hash::{Hash, RandomState},
    time::{Duration, Instant},
};

use hashlink::LruCache;

use super::shards::Shards;
use crate::{domain::rate::Quota, observe::metrics};

/// Buckets of a part that are kept, at most about 300 bytes each; there are 16 parts.
const PART_KEYS_MAX: usize = 4096;

/// Buckets that are full again, and are forgotten with each that is asked for: more than one can come with it.
const FORGOTTEN_AT_ONCE: usize = 2;

/// How a bucket is after one was taken from it, or would have been.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// Of what it is a bucket.
    pub policy: &'static str,
    /// How many it holds.
    pub burst: u64,
    /// How long it takes to fill.
    pub window: Duration,
    /// How many are left.
    pub left: u64,
    /// When it is full again, if nothing more comes.
    pub full_in: Duration,
    /// Nothing was taken, since none was left.
    pub is_refused: bool,
}

pub(super) struct Buckets<K> {
    policy: &'static str,
    quota: Quota,
    /// When the bucket of each will be full again; the one asked for last is last.
    full_at: Shards<LruCache<K, Instant, RandomState>>,
}

impl<K: Hash + Eq + Clone> Buckets<K> {
    pub(super) fn new(policy: &'static str, quota: Quota) -> Self {
        Self::bounded(policy, quota, PART_KEYS_MAX)
    }

    fn bounded(policy: &'static str, quota: Quota, part_keys_max: usize) -> Self {
        let part = || LruCache::with_hasher(part_keys_max, RandomState::new());
        Self { policy, quota, full_at: Shards::new(part) }
    }

    /// Takes one, if one is left. A key that is kept is not copied.
    pub(super) fn take(&self, key: &K, now: Instant) -> Standing {
        let mut buckets = self.full_at.of(key);
        for _ in 0..FORGOTTEN_AT_ONCE {
            if buckets.iter().next().is_some_and(|(_, full_at)| *full_at <= now) {
                buckets.remove_lru();
            }
        }
        let (full_at, is_refused) = match buckets.get_mut(key) {
            Some(full_at) => match self.quota.take(*full_at, now) {
                Ok(next) => {
                    *full_at = next;
                    (next, false)
                }
                Err(_) => (*full_at, true),
            },
            None => {
                // One is left in a full bucket.
                let next = self.quota.take(now, now).unwrap_or(now);
                buckets.insert(key.clone(), next);
                (next, false)
            }
        };
        drop(buckets);
        if is_refused {
            metrics::limit_exceeded(self.policy);
        }
        Standing {
            policy: self.policy,
            burst: self.quota.burst(),
            window: self.quota.window(),
            left: self.quota.left(full_at, now),
            // Another worker may have taken one a moment later than this `now`.
            full_in: full_at.saturating_duration_since(now).min(self.quota.window()),
            is_refused,
        }
    }
}

#[cfg(test)]
mod tests;
