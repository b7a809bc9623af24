//! A copy of the database file as it was at one instant, made beside the server that goes on writing to it.
//!
//! The copy is whole and compact, and needs no log beside it. It has its name only when it is on the disk and was
//! read once as a whole: so what is there under that name can be restored.

use std::{
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use diesel::{
    Connection as _, RunQueryDsl, SqliteConnection, connection::SimpleConnection, sql_query, sql_types::Text,
};

use super::line;
use crate::store::file::{cannot, check, uri};

/// It reads what was committed when it began, and keeps nobody from writing.
const COPY: &str = "VACUUM INTO ?";

/// Copies the file `database` to `to`, which must not be there yet; answers how many bytes it has.
///
/// # Errors
/// One line that says what is wrong. Then there is nothing under that name.
pub fn back_up(database: &Path, to: &Path) -> Result<u64, String> {
    let failed = |reason: String| line(cannot("back up", database, &reason));
    let to = std::path::absolute(to).map_err(|error| failed(error.to_string()))?;
    if fs::symlink_metadata(&to).is_ok() {
        return Err(failed(format!("{} is there already", to.display())));
    }
    let part = part_of(&to);
    let made = copy(database, &part)
        .and_then(|bytes| {
            fs::rename(&part, &to).and_then(|()| sync_folder(&to)).map_err(|error| error.to_string())?;
            Ok(bytes)
        })
        .map_err(failed);
    if made.is_err() {
        // Where it cannot be removed either, its name says that it is none.
        let _ = fs::remove_file(&part);
    }
    made
}

/// Where the copy is made.
fn part_of(to: &Path) -> PathBuf {
    let mut part = to.as_os_str().to_owned();
    part.push(".part");
    part.into()
}

fn copy(database: &Path, part: &Path) -> Result<u64, String> {
    let name = part.to_str().ok_or("the name of the copy is not UTF-8")?;
    // Nothing is repaired, written or made by whoever only reads.
    let mut conn = SqliteConnection::establish(&uri(database, "ro")).map_err(|error| error.to_string())?;
    conn.batch_execute("PRAGMA busy_timeout = 5000").map_err(|error| error.to_string())?;
    // For this user alone, as the file itself; one that was left behind is begun anew.
    let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(part);
    let file = file.map_err(|error| format!("{}: {error}", part.display()))?;
    sql_query(COPY).bind::<Text, _>(name).execute(&mut conn).map_err(|error| error.to_string())?;
    file.sync_all().map_err(|error| error.to_string())?;
    let mut conn = SqliteConnection::establish(&uri(part, "ro")).map_err(|error| error.to_string())?;
    check(&mut conn).map_err(|reason| format!("the copy is not good: {reason}"))?;
    file.metadata().map(|metadata| metadata.len()).map_err(|error| error.to_string())
}

/// A name is on the disk when its folder is.
fn sync_folder(file: &Path) -> io::Result<()> {
    file.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}
