//! Reading, beside the writer and beside each other: a pool of connections and a bound on who waits.
//!
//! It owns the pool. A read is one transaction, so what it tells is of one instant.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use diesel::{Connection as _, r2d2::R2D2Connection};
use r2d2::{ManageConnection, Pool};
use tokio::{
    runtime::{Builder, Runtime},
    sync::{OwnedSemaphorePermit, Semaphore, TryAcquireError},
};

use super::{
    Connection,
    database::{Access, Database},
    job::late,
    messages::{StoreError, StoreOptions},
};
use crate::domain::Timestamp;

#[derive(Clone)]
pub(super) struct Reader {
    database: Database,
    pool: Pool<Database>,
    threads: Arc<Threads>,
    /// One permit for each connection, so that no thread waits for one.
    connections: Arc<Semaphore>,
    /// One permit for each who reads or waits.
    places: Arc<Semaphore>,
    places_max: usize,
    pool_size: u32,
}

/// Threads that may wait, one for each connection. Those of the runtime that all else runs on are as many as there
/// ever were reads at once and some more, since one that has just read is not idle yet when the next is begun.
struct Threads(Option<Runtime>);

impl Threads {
    fn new(count: u32) -> Result<Self, StoreError> {
        let threads = Builder::new_current_thread()
            .max_blocking_threads(count as usize)
            .thread_name("store-reader")
            .build()
            .map_err(|error| StoreError::Unavailable(format!("the readers cannot start: {error}")))?;
        Ok(Self(Some(threads)))
    }

    async fn run<T: Send + 'static>(
        &self,
        read: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let Some(threads) = &self.0 else { return Err(closed()) };
        let read = threads.spawn_blocking(read).await;
        read.unwrap_or_else(|_| Err(StoreError::Internal("a read panicked".to_owned())))
    }
}

impl Drop for Threads {
    /// Whoever drops it must not wait.
    fn drop(&mut self) {
        if let Some(threads) = self.0.take() {
            threads.shutdown_background();
        }
    }
}

impl Reader {
    /// Opens the pool: to a file all at once and for good, since files may run out later; to a server one, the others
    /// when they are needed.
    ///
    /// # Errors
    /// If not even one connection can be opened.
    pub(super) fn open(
        database: Database,
        options: &StoreOptions,
        busy_timeout: Duration,
    ) -> Result<Self, StoreError> {
        let pool_size = options.pool_size.max(1);
        let mut pool = Pool::builder();
        if !database.is_remote() {
            pool = pool.max_lifetime(None).idle_timeout(None);
        }
        let pool = pool
            .max_size(pool_size)
            .min_idle(database.is_remote().then_some(1))
            .test_on_check_out(database.is_remote())
            .connection_timeout(busy_timeout)
            .build(database.clone())
            .map_err(|error| StoreError::Unavailable(error.to_string()))?;
        let permits = |count| Arc::new(Semaphore::new(count));
        let places_max = options.queue.saturating_add(pool_size as usize).min(Semaphore::MAX_PERMITS);
        let threads = Arc::new(Threads::new(pool_size)?);
        let (connections, places) = (permits(pool_size as usize), permits(places_max));
        Ok(Self { database, pool, threads, connections, places, places_max, pool_size })
    }

    /// A place among those who read or wait.
    ///
    /// # Errors
    /// [`StoreError::Overloaded`] if too many wait.
    pub(super) fn place(&self) -> Result<OwnedSemaphorePermit, StoreError> {
        self.places.clone().try_acquire_owned().map_err(|error| match error {
            TryAcquireError::NoPermits => StoreError::Overloaded,
            TryAcquireError::Closed => closed(),
        })
    }

    /// Reads for somebody who waits until `deadline`, on a thread where waiting is allowed.
    ///
    /// # Errors
    /// As [`Self::place`] and [`Self::read_at`].
    pub(super) async fn read<T, Q>(self, deadline: Instant, query: Q) -> Result<T, StoreError>
    where
        T: Send + 'static,
        Q: FnOnce(&mut Connection) -> Result<T, StoreError> + Send + 'static,
    {
        let place = self.place()?;
        self.read_at(place, deadline, query).await
    }

    /// The same for somebody who has a place.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] if the turn does not come in time; else those of `query`.
    pub(super) async fn read_at<T, Q>(
        self,
        _place: OwnedSemaphorePermit,
        deadline: Instant,
        query: Q,
    ) -> Result<T, StoreError>
    where
        T: Send + 'static,
        Q: FnOnce(&mut Connection) -> Result<T, StoreError> + Send + 'static,
    {
        let turn = tokio::time::timeout_at(deadline.into(), self.connections.clone().acquire_owned());
        let permit = turn.await.map_err(|_| late())?.map_err(|_| closed())?;
        let Self { database, pool, threads, .. } = self;
        let reading = threads.run(move || {
            // Held by the thread, not by the asker, who may go away while it reads.
            let _permit = permit;
            database.check_present()?;
            let mut conn = pool.get().map_err(|error| StoreError::Unavailable(error.to_string()))?;
            conn.transaction(|conn| query(conn))
        });
        tokio::time::timeout_at(deadline.into(), reading).await.map_err(|_| late())?
    }

    /// How many wait, how many read, and how many can.
    pub(super) fn standing(&self) -> (usize, usize, usize) {
        let readers = self.pool_size as usize;
        let busy = readers.saturating_sub(self.connections.available_permits());
        let present = self.places_max.saturating_sub(self.places.available_permits());
        (present.saturating_sub(busy), busy, readers)
    }

    pub(super) fn is_closing(&self) -> bool {
        self.places.is_closed()
    }

    /// The time, by the clock of the database. For the start, where waiting is allowed.
    ///
    /// # Errors
    /// If the database does not say it.
    pub(super) fn now(&self) -> Result<Timestamp, StoreError> {
        let mut conn = self.pool.get().map_err(|error| StoreError::Unavailable(error.to_string()))?;
        Ok(conn.now()?)
    }

    /// Takes nothing new, and completes when all reads have ended.
    pub(super) async fn close(&self) {
        self.places.close();
        if let Ok(all) = self.connections.acquire_many(self.pool_size).await {
            self.connections.close();
            drop(all);
        }
    }
}

fn closed() -> StoreError {
    StoreError::Unavailable("the store is closing".to_owned())
}

impl ManageConnection for Database {
    type Connection = Connection;
    type Error = StoreError;

    fn connect(&self) -> Result<Connection, StoreError> {
        self.connect(Access::Read)
    }

    fn is_valid(&self, conn: &mut Connection) -> Result<(), StoreError> {
        Ok(conn.ping()?)
    }

    fn has_broken(&self, conn: &mut Connection) -> bool {
        std::thread::panicking() || conn.is_broken()
    }
}
