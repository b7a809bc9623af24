//! What other nodes did to an inbox between the read of its first session here and the moment from which the bus
//! tells of it: looked for at once, and not with the next sweep only.
//!
//! Many come at the same time, after a restart of a node: they are looked for together, in one read. What fails
//! here the sweep finds.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::{
    counter_cache::CounterCache,
    doorbell::Doorbell,
    inboxes,
    messages::{InboxState, StoreError},
    reader::Reader,
    rows::broken,
};
use crate::{
    domain::UserId,
    hub::{LocalUsers, messages::InboxFact},
};

/// Inboxes in one read.
const TOGETHER_MAX: usize = 500;

pub(super) struct Newcomers {
    pub(super) local: LocalUsers,
    pub(super) reader: Reader,
    pub(super) doorbell: Doorbell,
    pub(super) counters: Arc<CounterCache>,
    /// How long a read may take.
    pub(super) patience: Duration,
}

impl Newcomers {
    /// Looks whenever somebody has come, until the store closes.
    pub(super) async fn run(self) {
        loop {
            let users = self.local.followed(TOGETHER_MAX).await;
            if let Err(error) = self.look_for(users).await {
                if self.reader.is_closing() {
                    return;
                }
                log::warn!("it could not be looked for what others did meanwhile: {error}");
            }
        }
    }

    async fn look_for(&self, users: Vec<UserId>) -> Result<(), StoreError> {
        let deadline = Instant::now() + self.patience;
        let read = self.reader.clone().read(deadline, move |conn| Ok(inboxes::stands_of(conn, &users)?));
        let fact = |(user, state, _): (String, InboxState, _)| {
            let user = user.parse().map_err(broken)?;
            Ok(InboxFact::Changed { user, position: state.head.position(), counters: state.counters })
        };
        let facts: Vec<InboxFact> = read.await?.into_iter().map(fact).collect::<Result<_, StoreError>>()?;
        self.counters.note(&facts);
        self.doorbell.tell_found(facts);
        Ok(())
    }
}
