//! Requests that leave the process for an address that somebody has written: where they may go (T9), how they get
//! there, and who carries them.
//!
//! [`courier`] claims what is owed from the store, has it carried, and records what became of it; [`client`] makes
//! one request. What is carried, and what an answer means for it, is the business of who uses this: `push` and
//! `webhooks`.

pub mod client;
pub mod courier;
mod endpoint;
mod patience;
mod public;
mod resolver;

use std::time::Duration;

use actix::Message;
pub use endpoint::{Endpoint, EndpointRule};
pub use patience::Patience;
pub use resolver::check_host;
use tokio::sync::oneshot;

/// Carry nothing new any more; answered when all that was on its way is recorded.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Stop;

/// A way to tell a courier to stop, which is taken once; and how the courier hears of it.
pub fn stop() -> (oneshot::Sender<oneshot::Sender<()>>, oneshot::Receiver<oneshot::Sender<()>>) {
    oneshot::channel()
}

/// Has a courier stop, if it still runs: one that is gone has nothing on its way.
pub async fn stopped(stop: Option<oneshot::Sender<oneshot::Sender<()>>>) {
    let Some(stop) = stop else { return };
    let (done, is_done) = oneshot::channel();
    let _ = stop.send(done);
    let _ = is_done.await;
}

/// How long one attempt may take, from the resolving of the name to the end of the answer.
pub const ATTEMPT_MAX: Duration = Duration::from_secs(10);
