//! The lock beside a SQLite file: one process has the file for itself, since live events travel inside one only. And
//! whom the files belong to that are made here.
//!
//! It is a file of its own: SQLite's own locks end when any handle on the database is closed. Whoever only looks makes
//! none, and has whoever starts wait for a second at most: one that looks for longer keeps it from starting.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{self, ErrorKind},
    os::unix::fs::{MetadataExt, OpenOptionsExt, fchown},
    path::{Path, PathBuf},
    thread::sleep,
    time::{Duration, Instant},
};

/// How long it is waited for those who look, and how often it is tried meanwhile.
const LOOK_PATIENCE: Duration = Duration::from_secs(1);
const LOOK_PAUSE: Duration = Duration::from_millis(5);

/// Keeps other processes from the same database, until it is dropped or the process is gone.
#[derive(Debug)]
pub(super) struct FileLock {
    _file: File,
}

impl FileLock {
    /// Takes the lock of a database, which need not be there yet; `None` where another process has it.
    ///
    /// # Errors
    /// If it can neither be opened nor made, or not be locked.
    pub(super) fn take(database: &Path) -> io::Result<Option<Self>> {
        let file = open_or_make(&path(database), database)?;
        let deadline = Instant::now() + LOOK_PATIENCE;
        loop {
            if is_locked(file.try_lock())? {
                return Ok(Some(Self { _file: file }));
            }
            // Those who look have it together; a process that works with the database has it alone.
            if !is_locked(file.try_lock_shared())? || Instant::now() >= deadline {
                return Ok(None);
            }
            file.unlock()?;
            sleep(LOOK_PAUSE);
        }
    }

    /// Looks while no process has it; `None` where one has it. None takes it until the look has ended, or it has no file
    /// yet: then one that starts meanwhile makes it.
    ///
    /// # Errors
    /// If that cannot be seen.
    pub(super) fn while_free<T>(database: &Path, look: impl FnOnce() -> T) -> io::Result<Option<T>> {
        let file = match File::open(path(database)) {
            Ok(file) if is_locked(file.try_lock_shared())? => Some(file),
            Ok(_) => return Ok(None),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        let looked = look();
        drop(file);
        Ok(Some(looked))
    }
}

fn path(database: &Path) -> PathBuf {
    let mut path = database.as_os_str().to_owned();
    path.push("-lock");
    path.into()
}

fn is_locked(tried: Result<(), TryLockError>) -> io::Result<bool> {
    match tried {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Opens a file to append to it. Where it is not there, it is made for one user alone, since the database holds what
/// people are told: for whoever makes it, or where that is root, for the owner of the database, or of the folder where
/// there is none yet. So a server that is not root starts after a command of root, as with the files that SQLite makes.
pub(super) fn open_or_make(path: &Path, database: &Path) -> io::Result<File> {
    // Only what was made here is given away: whoever owns the folder could have put a link there.
    let made = OpenOptions::new().append(true).create_new(true).mode(0o600).open(path);
    let file = match made {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            return OpenOptions::new().append(true).open(path);
        }
        Err(error) => return Err(error),
    };
    if rustix::process::geteuid().is_root()
        && let Ok((user, group)) = owner(path, database)
    {
        // What root may not give away where its powers are limited, it keeps, as SQLite does.
        let _ = fchown(&file, Some(user), Some(group));
    }
    Ok(file)
}

/// The user and the group of the database, or of the folder that it is made in.
fn owner(path: &Path, database: &Path) -> io::Result<(u32, u32)> {
    let folder = || path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let of = if path != database && database.exists() { database } else { folder() };
    let metadata = std::fs::metadata(of)?;
    Ok((metadata.uid(), metadata.gid()))
}
