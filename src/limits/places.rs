//! How many sessions each address has here.

use std::{
    collections::{HashMap, hash_map::Entry},
    net::IpAddr,
    sync::Arc,
};

use super::shards::Shards;

/// Counted to the end: there are no more addresses than sessions.
pub(super) struct Places {
    most: usize,
    /// None stands at zero.
    taken: Shards<HashMap<IpAddr, usize>>,
}

impl Places {
    /// `most` is 1 or more.
    pub(super) fn new(most: usize) -> Self {
        Self { most, taken: Shards::new(HashMap::new) }
    }

    /// `None` if all are taken.
    pub(super) fn take(self: &Arc<Self>, address: IpAddr) -> Option<Place> {
        let mut taken = self.taken.of(&address);
        let count = taken.entry(address).or_default();
        if *count == self.most {
            return None;
        }
        *count += 1;
        drop(taken);
        Some(Place { _taken: Some(Taken { places: self.clone(), address }) })
    }

    fn free(&self, address: IpAddr) {
        let mut taken = self.taken.of(&address);
        if let Entry::Occupied(mut count) = taken.entry(address) {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
        }
    }
}

/// The place of one session among those of its address: free again when this is dropped, however that comes.
#[must_use]
#[derive(Default)]
pub struct Place {
    _taken: Option<Taken>,
}

struct Taken {
    places: Arc<Places>,
    address: IpAddr,
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.places.free(self.address);
    }
}

#[cfg(test)]
mod tests;
