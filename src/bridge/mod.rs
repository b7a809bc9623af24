//! ACTOR `RedisBridge`: the way to the other nodes.
//!
//! It owns the connections to Redis, what is followed on the bus, this node's lease and its users' entries in
//! the members of rooms. It knows no session and no history, and keeps nothing for a bus that is away: what
//! is asked then is refused at once. Its handlers put orders into a queue and never wait; a task of its own
//! does, see [`driver`].

mod batch;
mod calls;
mod cluster;
mod connection;
mod driver;
mod envelope;
mod examining;
mod followed;
mod inbound;
mod leases;
mod link;
pub mod messages;
mod names;
mod opening;
mod outbound;
mod pushes;
mod rolls;
mod rooms;
mod scripts;
mod signature;
mod teller;
mod words;

#[cfg(test)]
mod tests;

use std::{rc::Rc, time::Duration};

use actix::{
    Actor, ActorContext, ActorFutureExt, AsyncContext, Context, Handler, ResponseFuture, WrapFuture,
};
use driver::{Driver, Shared, Work};
pub use examining::{Examined, examine};
pub use link::{BridgeLink, BusState};
use messages::{HubReady, Orders, Stop};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::{mpsc, oneshot};
#[cfg(fuzzing)]
pub use {
    envelope::{Rejected, Sealer},
    names::{Channel, Names},
    signature::Signer,
};

use crate::domain::{Invalid, NodeId};

/// Whether this is where a Redis could be.
///
/// # Errors
/// If it is not the URL of one; it is not repeated.
pub fn check_url(url: &SecretString) -> Result<(), Invalid> {
    connection::Address::parse(url.expose_secret()).map(drop)
}

/// How the bridge runs.
#[derive(Debug, Clone)]
pub struct BridgeOptions {
    /// Where Redis is; may hold a password.
    pub url: SecretString,
    /// Start of all names of channels and keys.
    pub prefix: String,
    /// Signs what nodes say.
    pub secret: Option<SecretString>,
    /// How long one request may take.
    pub timeout: Duration,
    pub node: NodeId,
    /// How long the users of a node that has died are still there.
    pub presence_ttl: Duration,
    /// How long they are still there when it has stopped.
    pub leave_grace: Duration,
    pub rooms: RoomBounds,
    /// Largest data of a message to a room.
    pub data_bytes: usize,
}

/// What holds for a room over all nodes.
#[derive(Debug, Clone, Copy)]
pub struct RoomBounds {
    pub history_size: usize,
    pub history_bytes: usize,
    pub history_ttl: Duration,
    pub position_ttl: Duration,
    /// 0 is no limit.
    pub messages_per_second: u32,
    pub messages_burst: u32,
}

pub struct RedisBridge {
    work: mpsc::UnboundedSender<Work>,
    shared: Rc<Shared>,
    /// Until the hub is there.
    driver: Option<Driver>,
}

impl Actor for RedisBridge {
    type Context = Context<Self>;
}

impl Handler<HubReady> for RedisBridge {
    type Result = ();

    fn handle(&mut self, HubReady { events }: HubReady, ctx: &mut Self::Context) {
        let Some(driver) = self.driver.take() else { return };
        // A bridge whose task has ended, by a panic too, is gone itself, so that it is missed.
        let task = actix::spawn(driver.run(events)).into_actor(self);
        ctx.spawn(task.map(|_, _, ctx| ctx.stop()));
    }
}

impl Handler<Orders> for RedisBridge {
    type Result = ();

    fn handle(&mut self, Orders(orders): Orders, _: &mut Self::Context) {
        for order in orders {
            self.shared.ordered(&order);
            // The task ends with the actor.
            let _ = self.work.send(Work::Order(order));
        }
    }
}

impl Handler<Stop> for RedisBridge {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, _: Stop, _: &mut Self::Context) -> Self::Result {
        let (done, is_done) = oneshot::channel();
        let _ = self.work.send(Work::Stop(done));
        Box::pin(async move {
            let _ = is_done.await;
        })
    }
}
