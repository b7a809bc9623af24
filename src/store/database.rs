//! Which database the truth is in, a file of SQLite or a server of PostgreSQL, and connections to it.
//!
//! The queries are written once and know neither: a [`Connection`] takes what Diesel can say to any
//! database. What it can say to each one only (`RETURNING`, `ON CONFLICT`), and what is said often, goes to
//! the connection inside, by [`on_inner`].

use diesel::{
    QueryResult, QueryableByName,
    connection::{AnsiTransactionManager, SimpleConnection, TransactionManager},
    sql_types::Text,
};

use super::{
    file::DatabaseFile,
    file_lock::FileLock,
    messages::{StoreError, StoreOptions},
};
#[cfg(feature = "postgres")]
use super::{server, server::DatabaseServer};
use crate::{clock, config::StoreUrl, domain::Timestamp};

mod any {
    #[cfg(feature = "postgres")]
    use diesel::PgConnection;
    use diesel::SqliteConnection;

    /// What is derived here has names of its own.
    #[derive(diesel::MultiConnection)]
    pub enum AnyConnection {
        Sqlite(SqliteConnection),
        #[cfg(feature = "postgres")]
        Postgres(PgConnection),
    }
}

pub use any::{AnyConnection as Connection, MultiBackend as Backend};

/// Asks the connection inside a [`Connection`]: the question is compiled for each kind of it.
macro_rules! on_inner {
    ($conn:expr, |$inner:ident| $question:expr) => {
        match $conn {
            $crate::store::database::Connection::Sqlite($inner) => $question,
            #[cfg(feature = "postgres")]
            $crate::store::database::Connection::Postgres($inner) => $question,
        }
    };
}

pub(super) use on_inner;

impl Connection {
    /// Begins a transaction that will write, and says when.
    pub(super) fn begin(&mut self) -> QueryResult<Timestamp> {
        match self {
            // IMMEDIATE: a transaction that first reads and then writes could find that another wrote between.
            Self::Sqlite(conn) => AnsiTransactionManager::begin_transaction_sql(conn, "BEGIN IMMEDIATE")?,
            // One that finds the row it wants to change locked waits, and sees then what was changed.
            #[cfg(feature = "postgres")]
            Self::Postgres(conn) => AnsiTransactionManager::begin_transaction(conn)?,
        }
        self.now().inspect_err(|_| drop(self.roll_back()))
    }

    /// Now, by the clock that all share who use the database; within a transaction, when it began.
    pub(super) fn now(&mut self) -> QueryResult<Timestamp> {
        match self {
            Self::Sqlite(_) => Ok(clock::now()),
            #[cfg(feature = "postgres")]
            Self::Postgres(conn) => server::now(conn),
        }
    }

    /// Whether others can write at the same time.
    pub(super) fn is_shared(&self) -> bool {
        !matches!(self, Self::Sqlite(_))
    }

    pub(super) fn commit(&mut self) -> QueryResult<()> {
        on_inner!(self, |conn| AnsiTransactionManager::commit_transaction(conn))
    }

    pub(super) fn roll_back(&mut self) -> QueryResult<()> {
        on_inner!(self, |conn| AnsiTransactionManager::rollback_transaction(conn))
    }

    /// Changes nothing, in a way that shows whether something could be changed: writes to a file what is there already,
    /// and takes a number for a transaction from a server, which only one that is written gives away. That alone
    /// would pass on one that is told to let nobody write.
    pub(super) fn touch(&mut self) -> QueryResult<()> {
        match self {
            Self::Sqlite(conn) => conn.batch_execute("PRAGMA user_version = 0"),
            #[cfg(feature = "postgres")]
            Self::Postgres(conn) => conn
                .batch_execute("UPDATE inboxes SET mutes = mutes WHERE FALSE; SELECT pg_current_xact_id()"),
        }
    }

    /// From when on changes may not be seen yet by a transaction that begins after this: all earlier ones are. And
    /// whether other processes make some.
    pub(super) fn settled(&mut self) -> QueryResult<(Timestamp, bool)> {
        match self {
            Self::Sqlite(_) => Ok((clock::now(), false)),
            #[cfg(feature = "postgres")]
            Self::Postgres(conn) => server::settled(conn),
        }
    }

    /// Does something in a transaction that writes.
    pub(super) fn writing<T>(
        &mut self,
        work: impl FnOnce(&mut Self, Timestamp) -> QueryResult<T>,
    ) -> QueryResult<T> {
        let now = self.begin()?;
        match work(self, now) {
            Ok(done) => self.commit().map(|()| done),
            Err(error) => {
                // If this fails, too, it is undone by the end of the connection.
                drop(self.roll_back());
                Err(error)
            }
        }
    }
}

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    Write,
    Read,
}

#[derive(Debug, Clone)]
pub(super) enum Database {
    File(DatabaseFile),
    #[cfg(feature = "postgres")]
    Server(DatabaseServer),
}

impl Database {
    /// Checks the database and brings it to this version.
    ///
    /// # Errors
    /// One line that names it and says what is wrong.
    pub(super) fn open(options: &StoreOptions) -> Result<Self, StoreError> {
        match &options.url {
            StoreUrl::Sqlite(path) => DatabaseFile::open(path, options).map(Self::File),
            #[cfg(feature = "postgres")]
            StoreUrl::Postgres(url) => DatabaseServer::open(url, options).map(Self::Server),
            #[cfg(not(feature = "postgres"))]
            StoreUrl::Postgres(_) => Err(StoreError::Unavailable("built without PostgreSQL".to_owned())),
        }
    }

    /// Opens one more connection.
    ///
    /// # Errors
    /// If the database is not there any more, or cannot be opened.
    pub(super) fn connect(&self, access: Access) -> Result<Connection, StoreError> {
        match self {
            Self::File(file) => file.connect(access).map(Connection::Sqlite),
            #[cfg(feature = "postgres")]
            Self::Server(server) => server.connect(access).map(Connection::Postgres),
        }
    }

    /// A connection to look by, which makes nothing and changes nothing.
    ///
    /// # Errors
    /// One line that says why there is none.
    pub(super) fn look(url: &StoreUrl) -> Result<Connection, StoreError> {
        match url {
            StoreUrl::Sqlite(path) => DatabaseFile::look(path).map(Connection::Sqlite),
            #[cfg(feature = "postgres")]
            StoreUrl::Postgres(url) => {
                server::log_in(url).map(Connection::Postgres).map_err(StoreError::Unavailable)
            }
            #[cfg(not(feature = "postgres"))]
            StoreUrl::Postgres(_) => Err(StoreError::Unavailable("built without PostgreSQL".to_owned())),
        }
    }

    /// Takes the database for this process, until the lock is dropped or the process is gone; before it is opened. A
    /// server is shared.
    ///
    /// # Errors
    /// If another process has it, or what that has left is not as it should be.
    pub(super) fn lock(url: &StoreUrl) -> Result<Option<FileLock>, StoreError> {
        match url {
            StoreUrl::Sqlite(path) => DatabaseFile::lock(path).map(Some),
            StoreUrl::Postgres(_) => Ok(None),
        }
    }

    /// Whether another process has it for itself. Changes nothing.
    ///
    /// # Errors
    /// If that cannot be seen, or what the process before has left is not as it should be.
    pub(super) fn is_taken(url: &StoreUrl) -> Result<bool, StoreError> {
        match url {
            StoreUrl::Sqlite(path) => DatabaseFile::is_taken(path),
            StoreUrl::Postgres(_) => Ok(false),
        }
    }

    /// Looks whether what the open connections are of is still in its place.
    ///
    /// # Errors
    /// If it is not.
    pub(super) fn check_present(&self) -> Result<(), StoreError> {
        match self {
            Self::File(file) => file.check_present(),
            #[cfg(feature = "postgres")]
            Self::Server(_) => Ok(()),
        }
    }

    /// Looks whether it may still be written.
    ///
    /// # Errors
    /// If it may not.
    pub(super) fn check_writable(&self) -> Result<(), StoreError> {
        match self {
            Self::File(file) => file.check_writable(),
            #[cfg(feature = "postgres")]
            Self::Server(_) => Ok(()),
        }
    }

    /// How many transactions are worked on at the same time.
    pub(super) fn writers(&self) -> usize {
        match self {
            // It lets one write at a time.
            Self::File(_) => 1,
            #[cfg(feature = "postgres")]
            Self::Server(_) => server::WRITERS,
        }
    }

    /// Whether a connection can be lost while nobody uses it, and other processes may write.
    pub(super) fn is_remote(&self) -> bool {
        !matches!(self, Self::File(_))
    }
}

/// Moves what is in the log of a file into the file itself, so that it can be copied alone.
pub(super) fn empty_log(conn: &mut Connection) -> QueryResult<()> {
    checkpoint(conn, "TRUNCATE")
}

/// The same, but for the room that the log has on the disk, which is used anew: where nobody gives more, it is what is
/// left to delete something.
pub(super) fn reuse_log(conn: &mut Connection) -> QueryResult<()> {
    checkpoint(conn, "RESTART")
}

fn checkpoint(conn: &mut Connection, mode: &str) -> QueryResult<()> {
    match conn {
        Connection::Sqlite(conn) => conn.batch_execute(&format!("PRAGMA wal_checkpoint({mode})")),
        #[cfg(feature = "postgres")]
        Connection::Postgres(_) => Ok(()),
    }
}

/// What a migration says of programs that do not know it: with it older instances go on beside newer ones, and can be
/// gone back to. It is about one migration alone, so that none that comes later is allowed with it.
#[derive(QueryableByName)]
pub(super) struct Allowance {
    /// The one that allows it.
    #[diesel(sql_type = Text)]
    pub(super) migration: String,
    /// The newest one that a program must know for that.
    #[diesel(sql_type = Text)]
    pub(super) needed: String,
}

pub(super) const ALLOWANCES: &str =
    "SELECT substr(name, length('compatible_with.') + 1) AS migration, value AS needed
     FROM meta WHERE name LIKE 'compatible_with.%'";
