//! Whether the database can be written, for those who ask whether the process should be sent work.

use std::{
    cell::Cell,
    rc::Rc,
    time::{Duration, Instant},
};

use actix::{Context, Handler, ResponseFuture};
use diesel::{dsl::exists, prelude::*};

use super::{
    Store,
    error::Fault,
    job::Write,
    messages::{Probe, StoreError},
    schema::inboxes,
    transaction::Transaction,
};

/// How long it counts that the database could be written: each probe costs a sync of the disk, and anybody may ask.
const INTERVAL: Duration = Duration::from_secs(1);

/// When the database could be written.
#[derive(Clone, Default)]
pub(super) struct LastProbe(Rc<Cell<Option<Instant>>>);

impl Handler<Probe> for Store {
    type Result = ResponseFuture<Result<(), StoreError>>;

    fn handle(&mut self, probe: Probe, _: &mut Context<Self>) -> Self::Result {
        let LastProbe(last) = self.last_probe.clone();
        if last.get().is_some_and(|at| at.elapsed() < INTERVAL) {
            return Box::pin(async { Ok(()) });
        }
        let answer = self.write(probe);
        Box::pin(async move {
            answer.await?;
            last.set(Some(Instant::now()));
            Ok(())
        })
    }
}

impl Write for Probe {
    type Done = ();

    /// Reads something, so that it is known that the table can be read; and writes to a file what is there already,
    /// since one on a full or a failing disk is read as before.
    fn apply(&self, tx: &mut Transaction<'_>) -> Result<(), Fault> {
        let any = diesel::select(exists(inboxes::table.select(inboxes::user_id)));
        any.get_result::<bool>(tx.conn)?;
        Ok(tx.conn.touch()?)
    }
}
