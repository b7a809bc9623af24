//! What the rooms of a node know of the bus, where there is one: it is the truth of every room then, and what
//! is here a replica.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use super::question::{Asker, Question};
use crate::{
    bridge::messages::{OpenRoom, Order},
    domain::{RoomName, Timestamp},
};

/// How long a replica that nobody is in is kept up to date.
pub const LINGER: Duration = Duration::from_secs(5);

/// How far a replica can be relied on.
#[derive(Debug)]
pub enum Stage {
    /// It is the truth itself, or up to date.
    Open,
    /// It is being read; who asks waits.
    Opening {
        waiting: Vec<Question>,
        /// Who has come since: what they know may be newer than what is being read.
        late: Vec<Question>,
    },
    /// It was up to date before the bus went away, or is not to be had.
    Adrift,
}

pub struct Bus {
    /// Since when it is away, if it is.
    away_since: Option<Timestamp>,
    /// The sessions in rooms were told that it is.
    pub is_degradation_told: bool,
    /// What is to be sent at the end of this turn.
    orders: Vec<Order>,
    /// Publishes that are under way.
    publishes: HashMap<u64, (RoomName, Asker)>,
    last_id: u64,
    /// Rooms that are being opened, with the number of answers that are still to come: only the last one
    /// counts.
    opening: HashMap<RoomName, usize>,
    /// Rooms with members here that could not be opened.
    pub adrift: HashSet<RoomName>,
}

impl Bus {
    /// Until it is heard of, it is away.
    pub fn new(now: Timestamp) -> Self {
        Self {
            away_since: Some(now),
            is_degradation_told: false,
            orders: Vec::new(),
            publishes: HashMap::new(),
            last_id: 0,
            opening: HashMap::new(),
            adrift: HashSet::new(),
        }
    }

    pub fn is_live(&self) -> bool {
        self.away_since.is_none()
    }

    pub fn live(&mut self) {
        self.away_since = None;
    }

    /// The bus is away; answers since when.
    pub fn away(&mut self, now: Timestamp) -> Timestamp {
        self.opening.clear();
        self.adrift.clear();
        *self.away_since.get_or_insert(now)
    }

    /// Nothing is ordered while the bus is away: when it is there again, everything is told anew.
    pub fn order(&mut self, order: Order) {
        if self.is_live() {
            self.orders.push(order);
        }
    }

    /// A room is to be opened.
    pub fn open(&mut self, room: OpenRoom) {
        self.adrift.remove(&room.room);
        *self.opening.entry(room.room.clone()).or_default() += 1;
        self.order(Order::OpenRoom(room));
    }

    /// An answer to that has come; whether it is the one that counts.
    pub fn opened(&mut self, room: &RoomName) -> bool {
        let Some(answers) = self.opening.get_mut(room) else { return false };
        *answers -= 1;
        let is_last = *answers == 0;
        if is_last {
            self.opening.remove(room);
        }
        is_last
    }

    /// Whether every room that somebody is in is open.
    pub fn is_whole(&self) -> bool {
        self.is_live() && self.opening.is_empty() && self.adrift.is_empty()
    }

    pub fn take_orders(&mut self) -> Vec<Order> {
        std::mem::take(&mut self.orders)
    }

    /// Remembers who is to be told what became of a publish, by the number that it gets.
    pub fn await_publish(&mut self, room: RoomName, asker: Asker) -> u64 {
        self.last_id += 1;
        self.publishes.insert(self.last_id, (room, asker));
        self.last_id
    }

    pub fn published(&mut self, id: u64) -> Option<(RoomName, Asker)> {
        self.publishes.remove(&id)
    }
}
