//! The truth of inboxes: the [`Store`] actor, and [`StoreLink`] by which it is asked.
//!
//! The actor owns the order of things: the writer's queue, the reader's pool, and the keys that are under way. It never
//! blocks its thread, and asks nobody: facts are offered to the hub after their commit and before their answer.

pub mod messages;
pub mod offline;

mod append;
mod attention;
mod batch;
#[cfg(feature = "postgres")]
mod bulk;
mod catch_up;
mod claiming;
mod collapse;
mod counter_cache;
mod database;
mod doorbell;
mod due;
mod each;
mod erasing;
mod error;
mod figures;
mod file;
mod file_lock;
mod idempotency;
mod inboxes;
mod job;
mod judging;
mod keys;
mod ledger;
mod ledger_rows;
mod ledger_taking;
mod link;
#[cfg(feature = "postgres")]
mod locks;
mod maintenance;
mod marks;
mod meta;
mod mutes;
mod muting;
mod newcomers;
mod notifications;
mod pages;
mod preferences;
mod prepared;
mod probe;
mod push_history;
mod push_jobs;
mod push_shown;
mod queue;
mod reader;
mod recording;
mod retention;
mod revocations;
mod rows;
mod schema;
#[cfg(feature = "postgres")]
mod server;
mod subscriptions;
mod sweep;
mod tickets;
#[cfg_attr(not(feature = "postgres"), allow(dead_code, unused_variables))]
mod transaction;
mod wal;
mod webhook_claiming;
mod webhook_history;
mod webhook_jobs;
mod writer;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use actix::WrapFuture;
use actix::{Actor, ActorContext, ActorFutureExt, AsyncContext, Context, Handler, Recipient, ResponseFuture};
use tokio::{runtime::Handle, sync::Mutex};

use self::{
    append::Kept,
    catch_up::CatchUp,
    counter_cache::CounterCache,
    database::{Backend, Connection, Database, on_inner},
    doorbell::Doorbell,
    figures::measured,
    job::{Write, late},
    keys::KeysUnderWay,
    messages::*,
    newcomers::Newcomers,
    probe::LastProbe,
    reader::Reader,
    retention::Retention,
    writer::{Writer, WriterLink},
};
pub use self::{link::StoreLink, maintenance::*};
use crate::{
    clock::ClockWatch,
    domain::{
        Counters, Epoch, Identity, Mute, Preferences, Revocation, Timestamp, UserId, WebhookEvents,
        push::PushSubscription,
    },
    hub::{LocalUsers, messages::Committed},
    observe::metrics::StoreOperation,
};

pub struct Store {
    writer: WriterLink,
    reader: Reader,
    keys: KeysUnderWay,
    last_probe: LastProbe,
    counters: Arc<CounterCache>,
    /// How long a question is worked on; a little less than its asker waits.
    patience: Duration,
    kept: Kept,
    mutes_max: usize,
    tickets_max: usize,
    push: PushPolicy,
    /// What webhooks tell of.
    webhooks: WebhookEvents,
    /// Held by whoever counts.
    counting: Arc<Mutex<()>>,
    retention: Retention,
    /// Until they run.
    helpers: Option<(CatchUp, Newcomers)>,
}

impl Store {
    /// Opens the database, checks it and brings it to this version. The hub hears of commits, and says who is here.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] with one line that says what is wrong with it.
    pub fn open(
        options: StoreOptions,
        hub: Recipient<Committed>,
        local: LocalUsers,
    ) -> Result<Self, StoreError> {
        let patience = options.busy_timeout.mul_f64(0.9);
        let lock = Database::lock(&options.url)?;
        let database = Database::open(&options)?;
        let doorbell = Doorbell::new(hub);
        let reader = Reader::open(database.clone(), &options, patience)?;
        let clock = ClockWatch::start(|| reader.now())?;
        let is_shared = database.is_remote();
        let counters = CounterCache::shared(is_shared.then(|| local.clone()));
        let catch_up = CatchUp::new(&reader, &doorbell, &counters, &options, is_shared)?;
        let newcomers = Newcomers {
            local,
            reader: reader.clone(),
            doorbell: doorbell.clone(),
            counters: counters.clone(),
            patience,
        };
        Ok(Self {
            reader,
            writer: Writer::start(&database, lock, &options, &clock, &doorbell, &counters)?,
            helpers: Some((catch_up, newcomers)),
            keys: KeysUnderWay::default(),
            last_probe: LastProbe::default(),
            counters,
            patience,
            mutes_max: options.mutes_max,
            tickets_max: options.tickets_max,
            push: options.push.clone(),
            webhooks: options.webhooks,
            counting: Arc::default(),
            retention: Retention::new(&options, clock.clone()),
            kept: Kept { retention: options.idempotency_retention, clock },
        })
    }

    fn write<W: Write>(&self, write: W) -> ResponseFuture<Result<W::Done, StoreError>> {
        let deadline = Instant::now() + self.patience;
        let answer = self.writer.queue(write, deadline);
        Box::pin(measured(StoreOperation::Write, async move {
            // A server that stands still lets nobody see that an answer is late.
            let answer = tokio::time::timeout_at(deadline.into(), answer?).await.map_err(|_| late())?;
            answer.unwrap_or_else(|_| Err(StoreError::Unavailable("the writer has ended".to_owned())))
        }))
    }

    fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&mut Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> ResponseFuture<Result<T, StoreError>> {
        let read = self.reader.clone().read(Instant::now() + self.patience, query);
        Box::pin(measured(StoreOperation::Read, read))
    }

    /// Counts what may be much. A count that nobody waits for any more keeps its reader until it has come to its end, so
    /// there is one at a time: several could keep all of them from inboxes. Who waits for that has a place, too.
    fn count<T: Send + 'static>(
        &self,
        query: impl FnOnce(&mut Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> ResponseFuture<Result<T, StoreError>> {
        let deadline = Instant::now() + self.patience;
        let (reader, counting, place) = (self.reader.clone(), self.counting.clone(), self.reader.place());
        Box::pin(measured(StoreOperation::Read, async move {
            let place = place?;
            let turn = tokio::time::timeout_at(deadline.into(), counting.lock_owned());
            let turn = turn.await.map_err(|_| late())?;
            let counted = reader.read_at(place, deadline, move |conn| {
                let _turn = turn;
                query(conn)
            });
            counted.await
        }))
    }

    /// What a user is told of the counters, polls are not behind of: another process may have changed them.
    fn learning<T: 'static>(
        &self,
        user: UserId,
        answer: ResponseFuture<Result<T, StoreError>>,
        told: fn(&T) -> (Option<Epoch>, Counters),
    ) -> ResponseFuture<Result<T, StoreError>> {
        let known = self.counters.clone();
        Box::pin(async move {
            let answer = answer.await?;
            let (epoch, counters) = told(&answer);
            known.learn(&user, epoch, counters);
            Ok(answer)
        })
    }
}

impl Actor for Store {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        // Without its writer the actor is of no use; its end is what a watchdog sees.
        ctx.spawn(self.writer.ended().into_actor(self).map(|(), _, ctx| ctx.stop()));
        // Where a start has failed, the actor begins only to be dropped, and there is no reactor.
        if Handle::try_current().is_err() {
            return;
        }
        if let Some((catch_up, newcomers)) = self.helpers.take() {
            ctx.spawn(catch_up.run().into_actor(self));
            ctx.spawn(newcomers.run().into_actor(self));
        }
        Self::await_retention(ctx);
    }
}

macro_rules! writes {
    ($($message:ty => $answer:ty),+ $(,)?) => {$(
        impl Handler<$message> for Store {
            type Result = ResponseFuture<Result<$answer, StoreError>>;

            fn handle(&mut self, message: $message, _: &mut Self::Context) -> Self::Result {
                self.write(message)
            }
        }
    )+};
}

writes! {
    Delete => (), Acknowledge => (), RemoveMute => (), SetPreferences => (),
    RemoveSubscription => (), RecordPush => (), RetryPushes => usize, KeepVapidKey => String,
    RedeemTicket => Option<Identity>, Revoke => (Timestamp, Vec<Revocation>), EraseUser => Erased,
    TellLive => Told, LeaveLive => bool, DropStale => Option<LedgerKey>,
    RecordWebhooks => Option<&'static str>, EnableWebhooks => (), RetryWebhooks => usize, TestWebhook => (),
}

macro_rules! reads {
    (by $read:ident: $($message:ty => $answer:ty, $query:expr);+ $(;)?) => {$(
        impl Handler<$message> for Store {
            type Result = ResponseFuture<Result<$answer, StoreError>>;

            fn handle(&mut self, message: $message, _: &mut Self::Context) -> Self::Result {
                self.$read(move |conn| $query(conn, &message))
            }
        }
    )+};
}

reads! {
    by read:
    ReadState => InboxState, pages::read_state;
    ReadPreferences => Preferences, preferences::read;
    ListMutes => Vec<Mute>, muting::list;
    ListSubscriptions => Vec<PushSubscription>, subscriptions::list;
    ReadRevocations => RevocationPage, revocations::read;
    ReadInboxes => Vec<InboxStand>, pages::stands_of;
    Trace => Traced, pages::trace;
    TraceWebhook => WebhookTrace, webhook_history::trace;
}

reads! {
    by count:
    CountWebhooks => WebhookCounts, webhook_history::count;
    ReadWebhooks => WebhookStand, webhook_history::stand;
}

#[cfg(test)]
pub(crate) mod tests;
