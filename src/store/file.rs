//! The SQLite file: how it is opened, checked, brought to this version, and known again.

use std::{
    fs::Metadata,
    os::unix::{ffi::OsStrExt, fs::MetadataExt},
    path::{Path, PathBuf},
    time::Duration,
};

use diesel::{
    Connection as _, SqliteConnection,
    connection::SimpleConnection,
    deserialize::QueryableByName,
    prelude::*,
    sql_query,
    sql_types::{Integer, Text},
    sqlite::Sqlite,
};
use diesel_migrations::{EmbeddedMigrations, embed_migrations};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};

use super::{
    database::{ALLOWANCES, Access, Allowance},
    file_lock::{FileLock, open_or_make},
    maintenance::migrations::{Migrations, behind, migrate},
    messages::{StoreError, StoreOptions},
    wal,
};

pub(super) const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations/sqlite");

/// How long the writer waits for the lock of the database in one go; between two goes those who have given
/// up are let out.
const LOCK_SLICE: Duration = Duration::from_millis(50);

/// The cache of the writer, and most of the memory that it may be; one that reads has a part of that.
const CACHE_BYTES: usize = 32 << 20;
const CACHE_PART: usize = 16;
const READER_PART: usize = 8;

/// A file whose check is announced: it is read as a whole, which takes its time.
const LARGE_BYTES: u64 = 256 << 20;

/// What a path keeps as it is inside an SQLite URI filename.
const IN_PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'.').remove(b'-').remove(b'_');

/// One file, known by its inode: a file of the same name that is put in its place is another one.
#[derive(Debug, Clone)]
pub(super) struct DatabaseFile {
    path: PathBuf,
    inode: (u64, u64),
    /// How long a read waits for a lock.
    patience: Duration,
    is_fully_synchronous: bool,
    memory: usize,
}

impl DatabaseFile {
    /// Opens the file, checks its structure and runs the migrations that it lacks.
    ///
    /// # Errors
    /// One line that names the file and says what is wrong.
    pub(super) fn open(path: &Path, options: &StoreOptions) -> Result<Self, StoreError> {
        let failed = |reason: String| cannot("open", path, &reason);
        // What may not be changed is not made either.
        if !options.migrates && !path.exists() {
            return Err(failed(behind(&Self::migrations(path)?)));
        }
        // SQLite gives the files beside it the same mode, and the same owner.
        open_or_make(path, path).map_err(|error| failed(error.to_string()))?;
        let mut conn = SqliteConnection::establish(&uri(path, "rw")).map_err(|e| failed(e.to_string()))?;
        conn.batch_execute(&pragmas(
            Access::Write,
            options.busy_timeout,
            options.is_fully_synchronous,
            options.memory,
        ))
        .map_err(|error| failed(error.to_string()))?;
        renew_log(&mut conn, path)
            .map_err(|reason| failed(format!("its log cannot be written: {reason}")))?;
        let bytes = std::fs::metadata(path).map_or(0, |metadata| metadata.len());
        if bytes > LARGE_BYTES {
            log::info!(bytes; "checking the database");
        }
        check(&mut conn).map_err(failed)?;
        migrate(&mut conn, MIGRATIONS, options.migrates, allowances).map_err(failed)?;
        let inode = std::fs::metadata(path).map(|metadata| inode(&metadata));
        let inode = inode.map_err(|error| failed(error.to_string()))?;
        let file = Self {
            path: path.to_owned(),
            inode,
            patience: options.busy_timeout.mul_f64(0.9),
            is_fully_synchronous: options.is_fully_synchronous,
            memory: options.memory,
        };
        // What is refused later is not begun with.
        file.check_writable().map_err(|error| failed(error.to_string()))?;
        Ok(file)
    }

    /// How far the file is, which need not be there, and stays as it is.
    ///
    /// # Errors
    /// One line that names the file and says what is wrong.
    pub(super) fn migrations(path: &Path) -> Result<Migrations, StoreError> {
        let failed = |reason: String| cannot("open", path, &reason);
        let nothing = || Migrations::of_nothing::<Sqlite>(&MIGRATIONS).map_err(failed);
        if !path.exists() {
            return nothing();
        }
        let mut conn = Self::look(path)?;
        let tables = sql_query(MIGRATED).get_result::<Migrated>(&mut conn);
        match tables.map_err(|error| failed(error.to_string()))?.tables {
            0 => nothing(),
            _ => Migrations::read(&mut conn, &MIGRATIONS).map_err(failed),
        }
    }

    /// A connection to look by, to a file that is there.
    ///
    /// # Errors
    /// One line that names the file and says what is wrong.
    pub(super) fn look(path: &Path) -> Result<SqliteConnection, StoreError> {
        let conn = SqliteConnection::establish(&uri(path, "ro"));
        conn.map_err(|error| cannot("open", path, &error.to_string()))
    }

    /// Opens one more connection.
    ///
    /// # Errors
    /// If the file is not there any more, or cannot be opened.
    pub(super) fn connect(&self, access: Access) -> Result<SqliteConnection, StoreError> {
        self.check_present()?;
        // It is never made anew.
        let mut conn = SqliteConnection::establish(&uri(&self.path, "rw"))
            .map_err(|e| StoreError::Unavailable(e.to_string()))?;
        let busy_timeout = match access {
            Access::Write => LOCK_SLICE,
            Access::Read => self.patience,
        };
        conn.batch_execute(&pragmas(access, busy_timeout, self.is_fully_synchronous, self.memory))?;
        Ok(conn)
    }

    /// Takes the file, which need not be there yet, for this process, until the lock is dropped or the process is gone;
    /// and looks at the log that the process before has left.
    ///
    /// # Errors
    /// If another process has it, or the log is not what it should be.
    pub(super) fn lock(database: &Path) -> Result<FileLock, StoreError> {
        let failed = |reason: &str| cannot("lock", database, reason);
        let lock = FileLock::take(database).map_err(|error| failed(&error.to_string()))?;
        let lock = lock.ok_or_else(|| failed("another process uses it"))?;
        wal::check(database).map_err(|reason| cannot("open", database, &reason))?;
        Ok(lock)
    }

    /// Whether another process has the file; if none has, it is looked at the log as `lock` does. Changes nothing.
    ///
    /// # Errors
    /// If that cannot be seen, or the log is not what it should be.
    pub(super) fn is_taken(database: &Path) -> Result<bool, StoreError> {
        let looked = FileLock::while_free(database, || wal::check(database));
        match looked.map_err(|error| cannot("look at the lock of", database, &error.to_string()))? {
            None => Ok(true),
            Some(Ok(())) => Ok(false),
            Some(Err(reason)) => Err(cannot("open", database, &reason)),
        }
    }

    /// Looks whether the file is still under its name.
    ///
    /// An open file can be written to after it was moved or deleted, and what was accepted then
    /// would be gone with the next start.
    ///
    /// # Errors
    /// If it is not.
    pub(super) fn check_present(&self) -> Result<(), StoreError> {
        self.present().map(drop)
    }

    /// The same, and whether anybody may write it: who opened it before still could, whatever was meant by it.
    ///
    /// # Errors
    /// If it is not, or nobody may.
    pub(super) fn check_writable(&self) -> Result<(), StoreError> {
        if self.present()?.permissions().readonly() {
            return Err(StoreError::Unavailable("the database file is read-only".to_owned()));
        }
        Ok(())
    }

    fn present(&self) -> Result<Metadata, StoreError> {
        match std::fs::metadata(&self.path) {
            Ok(metadata) if inode(&metadata) == self.inode => Ok(metadata),
            Ok(_) => Err(StoreError::Unavailable("another file is in the place of the database".to_owned())),
            Err(error) => Err(StoreError::Unavailable(format!("the database file is gone: {error}"))),
        }
    }
}

/// One line that names the file.
pub(super) fn cannot(what: &str, database: &Path, reason: &str) -> StoreError {
    StoreError::Unavailable(format!("cannot {what} the database {}: {reason}", database.display()))
}

fn inode(metadata: &Metadata) -> (u64, u64) {
    (metadata.dev(), metadata.ino())
}

pub(super) fn uri(path: &Path, mode: &str) -> String {
    format!("file:{}?mode={mode}", percent_encode(path.as_os_str().as_bytes(), IN_PATH))
}

/// No `mmap_size`: an I/O error under a mapping is a signal that ends the process, not an error code.
fn pragmas(access: Access, busy_timeout: Duration, is_fully_synchronous: bool, memory: usize) -> String {
    let synchronous = if is_fully_synchronous { "FULL" } else { "NORMAL" };
    let (cache_kib, query_only) = match access {
        Access::Write => (CACHE_BYTES.min(memory / CACHE_PART) / 1024, "OFF"),
        Access::Read => (CACHE_BYTES.min(memory / CACHE_PART) / READER_PART / 1024, "ON"),
    };
    format!(
        "PRAGMA busy_timeout = {};
         PRAGMA journal_mode = WAL;
         PRAGMA synchronous = {synchronous};
         PRAGMA foreign_keys = ON;
         PRAGMA temp_store = MEMORY;
         PRAGMA cache_size = -{cache_kib};
         PRAGMA wal_autocheckpoint = 4000;
         PRAGMA journal_size_limit = 67108864;
         PRAGMA query_only = {query_only};",
        busy_timeout.as_millis(),
    )
}

/// Makes sure of the log before anything in it is believed: while nobody else writes into it, be it a program that
/// knows nothing of our lock.
fn renew_log(conn: &mut SqliteConnection, database: &Path) -> Result<(), String> {
    conn.batch_execute("BEGIN IMMEDIATE").map_err(|error| error.to_string())?;
    let renewed = wal::renew(database).map_err(|error| error.to_string());
    conn.batch_execute("ROLLBACK").map_err(|error| error.to_string())?;
    renewed
}

/// What newer versions of tidings say of older ones.
fn allowances(conn: &mut SqliteConnection) -> QueryResult<Vec<Allowance>> {
    sql_query(ALLOWANCES).load(conn)
}

/// Whether migrations were ever run.
const MIGRATED: &str =
    "SELECT count(*) AS tables FROM sqlite_master WHERE name = '__diesel_schema_migrations'";

#[derive(QueryableByName)]
struct Migrated {
    #[diesel(sql_type = Integer)]
    tables: i32,
}

#[derive(QueryableByName)]
struct Finding {
    #[diesel(sql_type = Text)]
    quick_check: String,
}

pub(super) fn check(conn: &mut SqliteConnection) -> Result<(), String> {
    let findings: Vec<Finding> =
        sql_query("PRAGMA quick_check(1)").load(conn).map_err(|error| error.to_string())?;
    match findings.into_iter().next() {
        Some(finding) if finding.quick_check == "ok" => Ok(()),
        Some(finding) => Err(format!("it is corrupt: {}", finding.quick_check.replace('\n', " "))),
        None => Err("it cannot be checked".to_owned()),
    }
}
