//! A new life for every inbox, for a database that was restored from an older copy.
//!
//! What was accepted after the copy was made is lost, and its numbers will be given again, to other notifications.
//! Under another epoch nobody takes the one for the other: whoever comes with a position from before hears of a `gap`,
//! and lists again. Done while no server uses the database.

#[cfg(feature = "postgres")]
use diesel::PgConnection;
use diesel::{
    Connection as _, QueryableByName, RunQueryDsl, SqliteConnection, connection::SimpleConnection, sql_query,
    sql_types::Integer,
};

use super::line;
#[cfg(feature = "postgres")]
use crate::store::server;
use crate::{
    config::StoreUrl,
    store::file::{DatabaseFile, cannot, uri},
};

/// Eight letters by chance, as [`crate::domain::Epoch`] makes them, for each row of its own. Clients pass over counters
/// whose version is not newer than what they know, and what they know is lost: so versions go up by more than was
/// ever counted between a copy and its restoration, and stay far below what a number of JSON can hold.
const RENEW_FILE: &str = "
    UPDATE inboxes SET
        version = version + 4294967296,
        marks_version = marks_version + 4294967296,
        epoch = (
            WITH RECURSIVE letters (text, length) AS (
                SELECT '', 0 WHERE inboxes.user_id IS NOT NULL
                UNION ALL
                SELECT text || substr('abcdefghijklmnopqrstuvwxyz0123456789', 1 + abs(random() % 36), 1), length + 1
                FROM letters WHERE length < 8
            )
            SELECT text FROM letters WHERE length = 8
        )";

#[cfg(feature = "postgres")]
const RENEW_SERVER: &str = "
    UPDATE inboxes SET
        version = version + 4294967296,
        marks_version = marks_version + 4294967296,
        epoch = (
            SELECT string_agg(
                substr('abcdefghijklmnopqrstuvwxyz0123456789', 1 + floor(random() * 36)::int, 1), ''
            )
            FROM generate_series(1, 8) WHERE inboxes.user_id IS NOT NULL
        )";

/// Receivers of webhooks pass over what has a lower sequence than what they have acted upon. A copy that is older than
/// webhooks has none.
const SEQUENCES_FILE: &str = "SELECT count(*) AS tables FROM sqlite_master WHERE name = 'webhook_jobs'";
const RAISE_SEQUENCE_FILE: &str = "
    INSERT INTO sqlite_sequence (name, seq)
        SELECT 'webhook_jobs', 0 WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'webhook_jobs');
    UPDATE sqlite_sequence SET seq = seq + 4294967296 WHERE name = 'webhook_jobs'";

#[cfg(feature = "postgres")]
const RAISE_SEQUENCE_SERVER: &str = "
    SELECT setval(named.sequence, nextval(named.sequence) + 4294967296)
    FROM (
        SELECT pg_get_serial_sequence('webhook_jobs', 'sequence')::regclass AS sequence
        WHERE to_regclass('webhook_jobs') IS NOT NULL
    ) AS named";

#[derive(QueryableByName)]
struct Sequences {
    #[diesel(sql_type = Integer)]
    tables: i32,
}

/// Renews the epoch of every inbox; answers how many there are.
///
/// # Errors
/// One line: a process uses the database, it is not there, or cannot be written.
pub fn renew_epochs(url: &StoreUrl) -> Result<usize, String> {
    match url {
        StoreUrl::Sqlite(path) => {
            let failed = |reason: String| line(cannot("renew the epochs of", path, &reason));
            if !path.exists() {
                return Err(failed("it is not there".to_owned()));
            }
            let _lock = DatabaseFile::lock(path).map_err(line)?;
            let mut conn =
                SqliteConnection::establish(&uri(path, "rw")).map_err(|e| failed(e.to_string()))?;
            renew_file(&mut conn).map_err(|error| failed(error.to_string()))
        }
        #[cfg(feature = "postgres")]
        StoreUrl::Postgres(url) => {
            let failed = |reason: String| format!("cannot renew the epochs of the database {url}: {reason}");
            let mut conn = server::log_in(url).map_err(failed)?;
            if !server::is_free(&mut conn).map_err(|error| failed(error.to_string()))? {
                return Err(failed("an instance uses it; stop all of them first".to_owned()));
            }
            renew_server(&mut conn).map_err(|error| failed(error.to_string()))
        }
        #[cfg(not(feature = "postgres"))]
        StoreUrl::Postgres(_) => Err("built without PostgreSQL".to_owned()),
    }
}

/// The log is emptied, so that the file alone can be moved to where it is used.
fn renew_file(conn: &mut SqliteConnection) -> diesel::QueryResult<usize> {
    conn.batch_execute("PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL")?;
    let renewed = conn.immediate_transaction(|conn| {
        let found: Sequences = sql_query(SEQUENCES_FILE).get_result(conn)?;
        if found.tables > 0 {
            conn.batch_execute(RAISE_SEQUENCE_FILE)?;
        }
        sql_query(RENEW_FILE).execute(conn)
    })?;
    conn.batch_execute("PRAGMA wal_checkpoint(TRUNCATE)")?;
    Ok(renewed)
}

#[cfg(feature = "postgres")]
fn renew_server(conn: &mut PgConnection) -> diesel::QueryResult<usize> {
    conn.transaction(|conn| {
        sql_query(RAISE_SEQUENCE_SERVER).execute(conn)?;
        sql_query(RENEW_SERVER).execute(conn)
    })
}
