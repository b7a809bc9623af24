//! Whether the database can be written, for those who ask whether the process should be sent work.

use std::{
    cell::Cell,
    rc::Rc,
    time::{Duration, Instant},
};

use actix::{Context, Handler, ResponseFuture};
use diesel::{dsl::exists, prelude::*};
use futures_util::{
    FutureExt,
    future::{LocalBoxFuture, Shared},
};

use super::{
    Store,
    error::Fault,
    job::Write,
    messages::{Probe, StoreError},
    schema::inboxes,
    transaction::Transaction,
};

/// How long it counts that the database could be written: each probe costs a sync of the disk, and anybody may ask.
/// That it could not is told to those who have asked by then, and looked at anew for the next one.
const INTERVAL: Duration = Duration::from_secs(1);

/// The probe that is under way, or was the last: whoever asks meanwhile shares its outcome, so that those who ask
/// take one place in the queue, however many they are.
#[derive(Default)]
pub(super) struct LastProbe(Option<(Outcome, Until)>);

type Outcome = Shared<LocalBoxFuture<'static, Result<(), StoreError>>>;

/// How long its outcome counts, once it is there.
type Until = Rc<Cell<Option<Instant>>>;

impl Handler<Probe> for Store {
    type Result = ResponseFuture<Result<(), StoreError>>;

    fn handle(&mut self, probe: Probe, _: &mut Context<Self>) -> Self::Result {
        let counts = |until: &Until| until.get().is_none_or(|until| Instant::now() < until);
        if let Some((shared, _)) = self.last_probe.0.as_ref().filter(|(_, until)| counts(until)) {
            return Box::pin(shared.clone());
        }
        let (answer, until) = (self.write(probe), Until::default());
        let noted = until.clone();
        let note = move |outcome: &Result<_, _>| {
            let counted = if outcome.is_ok() { INTERVAL } else { Duration::ZERO };
            noted.set(Some(Instant::now() + counted));
        };
        let shared = answer.inspect(note).boxed_local().shared();
        self.last_probe = LastProbe(Some((shared.clone(), until)));
        Box::pin(shared)
    }
}

impl Write for Probe {
    type Done = ();

    /// Reads something, so that it is known that the table can be read; and shows that it can be written, since
    /// a file on a full or a failing disk is read as before, and so is a server that only reads.
    fn apply(&self, tx: &mut Transaction<'_>) -> Result<(), Fault> {
        let any = diesel::select(exists(inboxes::table.select(inboxes::user_id)));
        any.get_result::<bool>(tx.conn)?;
        Ok(tx.conn.touch()?)
    }
}
