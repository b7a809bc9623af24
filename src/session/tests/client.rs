//! A client of rooms: its connection, and what it makes of all that it is told.

use std::collections::BTreeMap;

use super::{
    connection::Connection,
    witness::{Asked, Record, Witness},
    *,
};

pub struct Client {
    pub user: String,
    pub conn: Connection,
    pub witness: Witness,
}

impl Client {
    pub fn open(
        worker: &Rc<Worker>,
        user: &str,
        may_join: Vec<&'static str>,
        rooms: Vec<(&'static str, Option<Position>)>,
        is_busy: bool,
    ) -> Self {
        let positions = rooms.iter().filter_map(|(room, since)| Some(format!("{room}@{}", (*since)?)));
        let since = positions.collect::<Vec<_>>().join(",");
        let following = Following {
            rooms: rooms.iter().map(|(room, _)| room.parse().unwrap()).collect(),
            since: since.parse().unwrap_or_default(),
        };
        let conn = Connection::open(worker, identity(worker, user, &may_join), following, is_busy);
        let opening = rooms.into_iter().collect();
        let witness =
            Witness { may_join, asked: BTreeMap::new(), opening, is_welcomed: false, rooms: BTreeMap::new() };
        Self { user: user.to_owned(), conn, witness }
    }

    /// Sends a command; its answer is awaited.
    pub fn send(&mut self, asked: Asked, command: serde_json::Value) {
        let reference = self.conn.send(command);
        self.witness.asked.insert(reference, asked);
    }

    pub fn read(&mut self, events_max: usize, record: &mut Record) {
        self.conn.read(events_max, |event| self.witness.take(&event, record));
    }

    pub fn close(&mut self) {
        self.conn.close();
    }
}
