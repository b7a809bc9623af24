//! The PostgreSQL server: how it is reached, brought to this version, and shared with other processes.

use std::time::Duration;

use diesel::{
    Connection as _, PgConnection,
    connection::SimpleConnection,
    deserialize::QueryableByName,
    dsl::sql,
    pg::Pg,
    prelude::*,
    sql_query,
    sql_types::{BigInt, Bool},
};
use diesel_migrations::{EmbeddedMigrations, embed_migrations};

use super::{
    database::{ALLOWANCES, Access, Allowance},
    maintenance::migrations::{Migrations, migrate},
    messages::{StoreError, StoreOptions},
    prepared::Prepared,
};
use crate::{config::ServerUrl, domain::Timestamp, random};

pub(super) const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations/postgres");

/// How a server that does not answer is noticed: a connection is waited for, what was sent is to be
/// acknowledged, and a peer that says nothing is asked whether it is there.
const LIVENESS: &str = "connect_timeout=3&tcp_user_timeout=5000&keepalives_idle=5&keepalives_interval=2\
                        &keepalives_count=3&application_name=tidings";

/// The same for the server, so that the locks of a process that is gone are free soon.
const SERVER_LIVENESS: &str =
    "SET tcp_keepalives_idle = 5; SET tcp_keepalives_interval = 2; SET tcp_keepalives_count = 3;";

/// How often a lock on a row is waited for, all in all, within the time that a write has.
const LOCK_ATTEMPTS: u32 = 1 + super::writer::RETRIES;

/// Transactions that one process works on at the same time: while one waits for its sync, others do not.
pub(super) const WRITERS: usize = 4;

/// Whoever may write has this lock, together with all others who may. As each of these locks it is of the
/// tables, so each schema has its own; the first number says what it is for.
const SHARE: &str = "SELECT pg_advisory_lock_shared(1953064052, hashtext(coalesce(current_schema(), '')));";

/// Only one process at a time changes the tables.
const MIGRATE: &str = "SELECT pg_advisory_lock(1953064053, hashtext(coalesce(current_schema(), '')));";

/// Whether migrations were ever run.
const MIGRATED: &str = "to_regclass('__diesel_schema_migrations') IS NOT NULL";

/// All connections of one process that write have one of these, so that processes can be counted.
const PROCESS: &str = "SELECT pg_advisory_lock_shared(1953064054, ";

#[derive(Debug, Clone)]
pub(super) struct DatabaseServer {
    url: ServerUrl,
    /// How long one statement may take.
    patience: Duration,
    is_fully_synchronous: bool,
    /// Names this process among those that share the database.
    process: i32,
}

#[derive(QueryableByName)]
struct Settled {
    #[diesel(sql_type = BigInt)]
    micros: i64,
    #[diesel(sql_type = Bool)]
    has_company: bool,
}

/// When the oldest transaction began of those who have [`SHARE`] and have changed something, or else now: a
/// commit may take as long as the disk likes. And whether they are of more than one process.
const SETTLED: &str = "
    WITH writers AS (
        SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND classid = 1953064052 AND objsubid = 2
        AND objid = hashtext(coalesce(current_schema(), ''))::oid
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    )
    SELECT (extract(epoch FROM least(transaction_timestamp(), (
        SELECT min(xact_start) FROM pg_stat_activity
        WHERE backend_xid IS NOT NULL AND pid IN (SELECT pid FROM writers)
    ))) * 1000000)::bigint AS micros, (
        SELECT count(DISTINCT objid) > 1 FROM pg_locks
        WHERE locktype = 'advisory' AND classid = 1953064054 AND pid IN (SELECT pid FROM writers)
    ) AS has_company";

/// From when on transactions may not be visible yet to one that begins after this; and whether other processes
/// make some.
pub(super) fn settled(conn: &mut PgConnection) -> QueryResult<(Timestamp, bool)> {
    let Settled { micros, has_company } = sql_query(SETTLED).get_result(conn)?;
    Ok((Timestamp::from_micros(micros), has_company))
}

/// The name of the statement that is [`Prepared`].
struct Now;

/// When the transaction began, by the clock of the server.
pub(super) fn now(conn: &mut PgConnection) -> QueryResult<Timestamp> {
    let micros = sql::<BigInt>("(extract(epoch FROM transaction_timestamp()) * 1000000)::bigint");
    Prepared::new(Now, diesel::select(micros)).get_result(conn).map(Timestamp::from_micros)
}

/// # Errors
/// In the words of the server.
pub(super) fn log_in(url: &ServerUrl) -> Result<PgConnection, String> {
    let conn = PgConnection::establish(&url.with_defaults(LIVENESS));
    conn.map_err(|error| error.to_string().trim_end().replace('\n', " "))
}

/// Takes the tables for this connection alone, unless an instance has them.
pub(super) fn is_free(conn: &mut PgConnection) -> QueryResult<bool> {
    let is_free = "pg_try_advisory_lock(1953064052, hashtext(coalesce(current_schema(), '')))";
    diesel::select(sql::<Bool>(is_free)).get_result(conn)
}

/// What newer versions of tidings say of older ones.
fn allowances(conn: &mut PgConnection) -> QueryResult<Vec<Allowance>> {
    sql_query(ALLOWANCES).load(conn)
}

impl DatabaseServer {
    /// Logs in and runs the migrations that the database lacks, when no other process does.
    ///
    /// # Errors
    /// One line that names the server and says what is wrong, without the password.
    pub(super) fn open(url: &ServerUrl, options: &StoreOptions) -> Result<Self, StoreError> {
        let server = Self::new(url, options);
        let mut conn = server.log_in()?;
        // What moves many rows takes its time, and so does who waits for it.
        conn.batch_execute(MIGRATE)?;
        migrate(&mut conn, MIGRATIONS, options.migrates, allowances)
            .map_err(|reason| server.failed(&reason))?;
        Ok(server)
    }

    fn new(url: &ServerUrl, options: &StoreOptions) -> Self {
        Self {
            url: url.clone(),
            patience: options.busy_timeout.mul_f64(0.9),
            is_fully_synchronous: options.is_fully_synchronous,
            process: random::bits() as i32,
        }
    }

    /// How far the database is, which stays as it is; and what time it has there.
    ///
    /// # Errors
    /// One line that names the server and says what is wrong.
    pub(super) fn migrations(
        url: &ServerUrl,
        options: &StoreOptions,
    ) -> Result<(Migrations, Timestamp), StoreError> {
        let server = Self::new(url, options);
        let mut conn = server.log_in()?;
        let has_some: bool = diesel::select(sql::<Bool>(MIGRATED)).get_result(&mut conn)?;
        let found = if has_some {
            Migrations::read(&mut conn, &MIGRATIONS)
        } else {
            Migrations::of_nothing::<Pg>(&MIGRATIONS)
        };
        Ok((found.map_err(|reason| server.failed(&reason))?, now(&mut conn)?))
    }

    /// Opens one more connection; one that writes shares the database.
    ///
    /// # Errors
    /// If the server does not let it in, or a process has the database for itself: tidings 0.1 does.
    pub(super) fn connect(&self, access: Access) -> Result<PgConnection, StoreError> {
        let mut conn = self.log_in()?;
        conn.batch_execute(&self.settings(access))?;
        if access == Access::Write {
            conn.batch_execute(SHARE).map_err(|_| self.failed("another process has it for itself"))?;
            conn.batch_execute(&format!("{PROCESS}{})", self.process))?;
        }
        Ok(conn)
    }

    fn log_in(&self) -> Result<PgConnection, StoreError> {
        log_in(&self.url).map_err(|reason| self.failed(&reason))
    }

    fn settings(&self, access: Access) -> String {
        let patience = self.patience.as_millis();
        let synchronous_commit = if self.is_fully_synchronous { "on" } else { "off" };
        // What one read tells is of one instant. A transaction that writes is not committed when nobody waits for
        // it any more; a newer server ends what takes longer than it and its commit may.
        let isolation = match access {
            // A statement is planned when the tables may still be empty, and used when they are not.
            Access::Write => {
                "SET default_transaction_isolation = 'read committed'; SET enable_seqscan = off;"
            }
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
             SELECT set_config(name, '{}', false) FROM pg_settings WHERE name = 'transaction_timeout';
             {SERVER_LIVENESS}",
            patience / u128::from(LOCK_ATTEMPTS),
            patience * 2,
        )
    }

    fn failed(&self, reason: &str) -> StoreError {
        let reason = reason.trim_end().replace('\n', " ");
        StoreError::Unavailable(format!("cannot open the database {}: {reason}", self.url))
    }
}
