//! The PostgreSQL server: how it is reached, brought to this version, and taken for one process.

use std::time::{Duration, Instant};

use diesel::{
    Connection as _, PgConnection, connection::SimpleConnection, deserialize::QueryableByName, prelude::*,
    sql_query, sql_types::Bool,
};
use diesel_migrations::{EmbeddedMigrations, embed_migrations};

use super::{
    database::{Access, migrate},
    messages::{StoreError, StoreOptions},
};
use crate::config::ServerUrl;

pub(super) const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations/postgres");

/// How a server that does not answer is noticed: a connection is waited for, what was sent is to be
/// acknowledged, and a peer that says nothing is asked whether it is there.
const LIVENESS: &str = "connect_timeout=3&tcp_user_timeout=5000&keepalives_idle=5&keepalives_interval=2\
                        &keepalives_count=3&application_name=tidings";

/// The same for the server, so that the lock of a process that is gone is free soon.
const SERVER_LIVENESS: &str =
    "SET tcp_keepalives_idle = 5; SET tcp_keepalives_interval = 2; SET tcp_keepalives_count = 3;";

/// How long the lock is waited for: the session of a process that was killed may end after it.
const LOCK_PATIENCE: Duration = Duration::from_secs(2);
const LOCK_PAUSE: Duration = Duration::from_millis(25);

/// How often a lock on a row is waited for, all in all, within the time that a write has.
const LOCK_ATTEMPTS: u32 = 1 + super::writer::RETRIES;

/// Whoever has this lock may write: live events travel inside one process only. It is of the tables, so each
/// schema has its own; the first number says whose lock it is.
const LOCK: &str =
    "SELECT pg_try_advisory_lock_shared(1953064052, hashtext(coalesce(current_schema(), ''))) AS is_taken";

/// Transactions that one process works on at the same time: while one waits for its sync, others do not.
pub(super) const WRITERS: usize = 4;

#[derive(Debug, Clone)]
pub(super) struct DatabaseServer {
    url: ServerUrl,
    /// How long one statement may take.
    patience: Duration,
    is_fully_synchronous: bool,
}

#[derive(QueryableByName)]
struct Lock {
    #[diesel(sql_type = Bool)]
    is_taken: bool,
}

impl DatabaseServer {
    /// Logs in, takes the database and runs the migrations that it lacks.
    ///
    /// # Errors
    /// One line that names the server and says what is wrong, without the password.
    pub(super) fn open(url: &ServerUrl, options: &StoreOptions) -> Result<Self, StoreError> {
        let server = Self {
            url: url.clone(),
            patience: options.busy_timeout.mul_f64(0.9),
            is_fully_synchronous: options.is_fully_synchronous,
        };
        let mut conn = server.connect(Access::Write)?;
        // What moves many rows takes its time.
        conn.batch_execute("SET statement_timeout = 0")?;
        migrate(&mut conn, MIGRATIONS).map_err(|reason| server.failed(&reason))?;
        Ok(server)
    }

    /// Opens one more connection; one that writes has taken the database.
    ///
    /// # Errors
    /// If the server does not let it in, or another process has the database.
    pub(super) fn connect(&self, access: Access) -> Result<PgConnection, StoreError> {
        let mut conn = PgConnection::establish(&self.url.with_defaults(LIVENESS))
            .map_err(|error| self.failed(&error.to_string()))?;
        conn.batch_execute(&self.settings(access))?;
        if access == Access::Write {
            self.take(&mut conn)?;
        }
        Ok(conn)
    }

    fn settings(&self, access: Access) -> String {
        let patience = self.patience.as_millis();
        let synchronous_commit = if self.is_fully_synchronous { "on" } else { "off" };
        // What one read tells is of one instant.
        let isolation = match access {
            Access::Write => "SET default_transaction_isolation = 'read committed';",
            Access::Read => {
                "SET default_transaction_isolation = 'repeatable read'; SET default_transaction_read_only = on;"
            }
        };
        format!(
            "SET statement_timeout = {patience};
             SET lock_timeout = {};
             SET idle_in_transaction_session_timeout = {patience};
             SET synchronous_commit = {synchronous_commit};
             {isolation}
             {SERVER_LIVENESS}",
            patience / u128::from(LOCK_ATTEMPTS),
        )
    }

    /// Takes the database for as long as the connection lives.
    fn take(&self, conn: &mut PgConnection) -> Result<(), StoreError> {
        let deadline = Instant::now() + LOCK_PATIENCE;
        while !sql_query(LOCK).get_result::<Lock>(conn)?.is_taken {
            if Instant::now() >= deadline {
                return Err(self.failed("another process uses it"));
            }
            std::thread::sleep(LOCK_PAUSE);
        }
        Ok(())
    }

    fn failed(&self, reason: &str) -> StoreError {
        let reason = reason.trim_end().replace('\n', " ");
        StoreError::Unavailable(format!("cannot open the database {}: {reason}", self.url))
    }
}
