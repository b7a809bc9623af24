//! The way to the store: every ask has an answer within one deadline, and polls for counters mostly need
//! none.

use std::{sync::Arc, time::Duration};

use actix::{Actor, Addr, Handler, Message, ResponseFuture};

use super::{
    Store,
    counter_cache::{CounterCache, Found},
    messages::{Flush, InboxCounters, ReadState, StoreError},
    reader::Reader,
    writer::WriterLink,
};
use crate::{domain::UserId, mailbox, observe::metrics::StoreStanding};

/// The way to the store for http and sessions.
#[derive(Clone)]
pub struct StoreLink {
    addr: Addr<Store>,
    counters: Arc<CounterCache>,
    writer: WriterLink,
    reader: Reader,
    deadline: Duration,
}

impl StoreLink {
    /// Starts the actor. `deadline` is the longest that an ask takes: `store.busy_timeout`.
    pub fn start(store: Store, deadline: Duration) -> Self {
        let (counters, writer, reader) = (store.counters.clone(), store.writer.clone(), store.reader.clone());
        Self { addr: store.start(), counters, writer, reader, deadline }
    }

    /// How much waits for it, and how many read.
    pub fn standing(&self) -> StoreStanding {
        let (reads_waiting, readers_busy, readers) = self.reader.standing();
        StoreStanding { writes: self.writer.standing(), reads_waiting, readers, readers_busy }
    }

    /// The counters of a user, from memory where they are known: not behind anything that was answered.
    ///
    /// # Errors
    /// As [`Self::ask`].
    pub async fn counters(&self, user: &UserId) -> Result<InboxCounters, StoreError> {
        match self.counters.find(user) {
            Found::Counters(counters) => Ok(counters),
            Found::Nothing(marker) => {
                let read = self.ask(ReadState { user: user.clone() }).await?.into();
                self.counters.keep(user, marker, read);
                Ok(read)
            }
        }
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

impl Handler<Flush> for Store {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, _: Flush, _: &mut <Self as Actor>::Context) -> Self::Result {
        self.writer.end();
        let (reader, ended) = (self.reader.clone(), self.writer.ended());
        Box::pin(async move {
            reader.close().await;
            ended.await;
        })
    }
}
