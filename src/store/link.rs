//! The way to the store: every ask has an answer within one deadline.

use std::time::Duration;

use actix::{Addr, Handler, Message};

use super::{
    Store,
    messages::{Flush, StoreError},
};
use crate::mailbox;

/// The way to the store for http and sessions.
#[derive(Clone)]
pub struct StoreLink {
    addr: Addr<Store>,
    deadline: Duration,
}

impl StoreLink {
    /// `deadline` is the longest that an ask takes: `store.busy_timeout`.
    pub fn new(addr: Addr<Store>, deadline: Duration) -> Self {
        Self { addr, deadline }
    }

    /// Asks and awaits the answer.
    ///
    /// # Errors
    /// Those of the store; one that is late or gone is [`StoreError::Unavailable`].
    pub async fn ask<M, T>(&self, message: M) -> Result<T, StoreError>
    where
        M: Message<Result = Result<T, StoreError>> + Send + 'static,
        T: Send + 'static,
        Store: Handler<M>,
    {
        mailbox::ask(&self.addr.clone().recipient(), message, self.deadline)
            .await
            .unwrap_or_else(|error| Err(StoreError::Unavailable(error.to_string())))
    }

    /// Whether the actor and its writer are there.
    pub fn is_alive(&self) -> bool {
        self.addr.connected()
    }

    /// Has the store finish what is queued and close the database.
    pub async fn flush(&self) {
        // What is queued is done or given up within one deadline; the other is for the last commit.
        if let Err(error) = mailbox::ask(&self.addr.clone().recipient(), Flush, self.deadline * 2).await {
            log::warn!("the store was not flushed: {error}");
        }
    }
}
