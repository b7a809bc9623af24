//! Fresh secrets, and files that their owner alone can read.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use base64::{Engine, prelude::BASE64_STANDARD};
use secrecy::SecretString;

use super::Failure;
use crate::random;

/// A secret of 256 bits in hexadecimal.
///
/// # Errors
/// Where the system has no chance to give.
pub fn secret() -> Result<SecretString, Failure> {
    let bytes = random::secret().ok_or_else(no_chance)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>().into())
}

/// A secret that webhooks are signed with: 256 bits.
///
/// # Errors
/// Where the system has no chance to give.
pub fn webhook_secret() -> Result<SecretString, Failure> {
    let bytes = random::secret().ok_or_else(no_chance)?;
    Ok(format!("whsec_{}", BASE64_STANDARD.encode(bytes)).into())
}

/// Why nothing can be made.
pub fn no_chance() -> Failure {
    Failure::Failed("the system gives no randomness".to_owned())
}

/// Writes a new file for its owner alone. One that was only begun is taken away again.
///
/// # Errors
/// If there is one, and those of the file system.
pub fn write_new(path: &Path, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_all());
    written.inspect_err(|_| {
        let _ = fs::remove_file(path);
    })
}
