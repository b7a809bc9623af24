//! A room is opened: what Redis has of it, made what the hub is told.

use std::collections::HashSet;

use redis::Value;

use super::{
    connection::{Connection, Loss},
    driver::Shared,
    messages::{BusEvent, Purpose, RoomMessage, RoomState},
    scripts::{self, Entry, Member, Nonsense, Opened},
};
use crate::{
    domain::{Epoch, NodeId, Offset, Position, RoomName},
    hub::messages::RoomRefusal,
};

/// Most answers that one room's history may take.
const PAGES_MAX: usize = 1000;

impl Shared {
    /// Reads what the first answer had no place for, and tells the hub.
    ///
    /// # Errors
    /// Where the bus is lost.
    pub async fn opened(
        &self,
        room: RoomName,
        known: Position,
        purpose: &Purpose,
        answer: Option<Value>,
        connection: &Connection,
    ) -> Result<(), Loss> {
        let result = match answer.map(scripts::opened) {
            Some(Ok(opened)) => self.read_on(&room, known, purpose, opened, connection).await?,
            Some(Err(error)) => Err(error),
            None => Err(Nonsense),
        };
        let result = result.map_err(|error| {
            self.complain(format_args!("a room cannot be read: {error}"));
            RoomRefusal::Unavailable
        });
        self.under_way.borrow_mut().end_open(&room);
        let held = self.opening.borrow_mut().end(&room);
        self.teller.tell(BusEvent::RoomOpened { room, result });
        for event in held {
            self.teller.tell(event);
        }
        Ok(())
    }

    async fn read_on(
        &self,
        room: &RoomName,
        known: Position,
        purpose: &Purpose,
        mut opened: Opened,
        connection: &Connection,
    ) -> Result<Result<RoomState, Nonsense>, Loss> {
        let mut history = History::new(opened.epoch, known);
        for _ in 0..PAGES_MAX {
            history.add(self, room, opened.epoch, &opened.entries);
            if !opened.has_more {
                break;
            }
            let call = self.calls.open(room, history.reached(), purpose);
            opened = match scripts::opened(connection.call_one(call).await?) {
                Ok(opened) => opened,
                Err(error) => return Ok(Err(error)),
            };
        }
        let is_of_members = !matches!(purpose, Purpose::Messages);
        let members = self.living(room, opened.members, connection).await?;
        let (epoch, last) = (opened.epoch, opened.last);
        // Whoever was lost meanwhile was told to be; from here on nothing comes between.
        let members = members.into_iter().filter(|member| self.nodes.borrow().is_believed(member));
        let members = members.map(|member| (member.node, member.user)).collect();
        Ok(Ok(RoomState {
            epoch,
            last,
            messages: history.up_to(last),
            members: is_of_members.then_some(members),
        }))
    }

    /// The members on other nodes for whom these stand. All others are taken out of the room: nodes that are still
    /// there put theirs in again.
    async fn living(
        &self,
        room: &RoomName,
        members: Vec<Member>,
        connection: &Connection,
    ) -> Result<Vec<Member>, Loss> {
        let mut others = members;
        others.retain(|member| member.node != self.node);
        let is_doubtful = |member: &Member| !self.nodes.borrow().is_believed(member);
        // Who has come since the leases were looked at has put its own before this.
        if others.iter().any(is_doubtful) && self.look_at_leases(connection).await? {
            self.teller.retell();
        }
        let (lost, living): (Vec<Member>, Vec<Member>) = others.into_iter().partition(is_doubtful);
        if !lost.is_empty() {
            let nodes: HashSet<NodeId> = lost.iter().map(|member| member.node).collect();
            log::info!(users = lost.len(), nodes = nodes.len(); "users whom their nodes do not stand for are taken out of a room");
            connection.call(&[self.calls.purge(room, &lost)]).await?;
        }
        Ok(living)
    }
}

/// Messages as they are read, page by page: they have no hole.
struct History {
    epoch: Epoch,
    /// Up to where it was read.
    read: Offset,
    messages: Vec<RoomMessage>,
}

impl History {
    fn new(epoch: Epoch, known: Position) -> Self {
        Self { epoch, read: if known.epoch == epoch { known.offset } else { 0 }, messages: Vec::new() }
    }

    fn reached(&self) -> Position {
        Position::new(self.epoch, self.read)
    }

    fn add(&mut self, shared: &Shared, room: &RoomName, epoch: Epoch, entries: &[Entry]) {
        if epoch != self.epoch {
            *self = Self { epoch, read: 0, messages: Vec::new() };
        }
        for Entry { offset, at, age, sealed } in entries {
            let position = Position::new(epoch, *offset);
            // What is missing in between, or is not believed, makes all before it lost as well.
            if *offset != self.read + 1 {
                self.messages.clear();
            }
            match shared.calls.sealer.message(room, position, *at, *age, sealed) {
                Ok(message) => self.messages.push(message),
                Err(rejected) => {
                    self.messages.clear();
                    shared.reject(rejected);
                }
            }
            self.read = *offset;
        }
    }

    /// Nothing, if the newest of it is lost.
    fn up_to(self, last: Offset) -> Vec<RoomMessage> {
        if self.read == last { self.messages } else { Vec::new() }
    }
}
