//! The write-ahead log that a process before has left beside a SQLite file.
//!
//! SQLite takes what it can read of a log, and says nothing of the rest. So what it would pass over as a whole is
//! refused here, and what it reads is made sure of.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, ErrorKind},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

/// The header of a log, by SQLite's file format.
const HEADER_BYTES: usize = 32;

/// What it begins with; the last bit says how its checksums read a word.
const MAGIC: u32 = 0x377F_0682;

const CHUNK_BYTES: usize = 1 << 20;

/// Where the log of a database is. SQLite follows links to the file before it names the log.
pub(super) fn path(database: &Path) -> PathBuf {
    let mut path = fs::canonicalize(database).unwrap_or_else(|_| database.to_owned()).into_os_string();
    path.push("-wal");
    path.into()
}

/// Refuses a log that SQLite would throw away: one without its database, and one with a damaged header. Notifications
/// that were accepted may be in it alone. One that was never synced has no header yet, and nothing in it.
///
/// # Errors
/// What is wrong with it.
pub(super) fn check(database: &Path) -> Result<(), String> {
    let failed = |error: io::Error| format!("its log cannot be read: {error}");
    let path = path(database);
    let Some(log) = open(&path).map_err(failed)? else { return Ok(()) };
    let mut header = [0; HEADER_BYTES];
    match log.read_exact_at(&mut header, 0) {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(()),
        Err(error) => return Err(failed(error)),
    }
    let bytes = match fs::metadata(database) {
        Err(error) if error.kind() == ErrorKind::NotFound => 0,
        metadata => metadata.map_err(failed)?.len(),
    };
    if bytes == 0 {
        return Err(format!(
            "it is gone or empty, but its log {} is not; is it the right file?",
            path.display()
        ));
    }
    if header != [0; HEADER_BYTES] && !is_sound(&header) {
        return Err(format!("its log {} is corrupt", path.display()));
    }
    Ok(())
}

/// Writes the log once more as it is, and syncs it. Nobody may write into it meanwhile: whoever calls this holds
/// SQLite's lock for that.
///
/// After a sync that has failed the kernel shows what the disk does not have, and calls it clean: what the process
/// before was told is not stored would be taken for stored, and what comes behind it be lost with the power.
///
/// # Errors
/// If the disk does not take it now, either.
pub(super) fn renew(database: &Path) -> io::Result<()> {
    let Some(log) = open(&path(database))? else { return Ok(()) };
    let mut chunk = vec![0; CHUNK_BYTES];
    let mut at = 0;
    loop {
        let read = log.read_at(&mut chunk, at)?;
        let Some(bytes) = chunk.get(..read).filter(|bytes| !bytes.is_empty()) else { break };
        log.write_all_at(bytes, at)?;
        at += u64::try_from(read).unwrap_or_default();
    }
    if at > 0 { log.sync_data() } else { Ok(()) }
}

fn open(path: &Path) -> io::Result<Option<File>> {
    match OpenOptions::new().read(true).write(true).open(path) {
        Ok(log) => Ok(Some(log)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether a header is one of SQLite, whole.
fn is_sound(header: &[u8; HEADER_BYTES]) -> bool {
    let (words, _) = header.as_chunks::<4>();
    let big: Vec<u32> = words.iter().map(|word| u32::from_be_bytes(*word)).collect();
    let &[magic, _, _, _, _, _, first, second] = big.as_slice() else { return false };
    let read = if magic & 1 == 1 { u32::from_be_bytes } else { u32::from_le_bytes };
    let mut sums = (0_u32, 0_u32);
    for pair in words.chunks_exact(2).take(3) {
        let &[a, b] = pair else { return false };
        sums.0 = sums.0.wrapping_add(read(a)).wrapping_add(sums.1);
        sums.1 = sums.1.wrapping_add(read(b)).wrapping_add(sums.0);
    }
    magic & !1 == MAGIC && sums == (first, second)
}
