//! `.tidings/`: what `tidings dev` keeps between runs.
//!
//! Owns the generated secret: made once, readable by its owner only.

use std::{
    fs::{self, DirBuilder, Permissions},
    io::{self, ErrorKind},
    os::unix::fs::{DirBuilderExt, PermissionsExt},
    path::{Path, PathBuf},
};

use secrecy::{ExposeSecret, SecretString};

use super::{Failure, fresh};
use crate::auth::check_secret;

pub struct DevFolder(PathBuf);

impl DevFolder {
    /// The folder beside where the program was started.
    pub fn here() -> Self {
        Self(".tidings".into())
    }

    /// Where the database is.
    pub fn store_url(&self) -> String {
        format!("sqlite://{}", self.0.join("tidings.db").display())
    }

    /// Makes the folder and its secret where they are missing, and gives the secret.
    ///
    /// # Errors
    /// Where the folder cannot be made, or holds a secret that is none.
    pub fn prepare(&self) -> Result<SecretString, Failure> {
        let fresh = fresh::secret()?;
        self.make(&fresh).map_err(|error| self.failure(&error))?;
        let secret = self.secret()?;
        secret.ok_or_else(|| self.failure(&ErrorKind::NotFound.into()))
    }

    /// The secret, if `tidings dev` has run here.
    ///
    /// # Errors
    /// Where it is there but cannot be read, or is too short.
    pub fn secret(&self) -> Result<Option<SecretString>, Failure> {
        let path = self.secret_path();
        let secret = match fs::read_to_string(&path) {
            Ok(text) => SecretString::from(text.trim_end()),
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(self.failure(&error)),
        };
        if check_secret("auth.secret", &secret).is_err() {
            let path = path.display();
            return Err(Failure::Failed(format!(
                "{path} is damaged; delete it, and `tidings dev` makes a new one"
            )));
        }
        Ok(Some(secret))
    }

    fn secret_path(&self) -> PathBuf {
        self.0.join("secret")
    }

    fn failure(&self, error: &io::Error) -> Failure {
        Failure::Failed(format!("{} cannot be used: {error}", self.0.display()))
    }

    fn make(&self, fresh: &SecretString) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(0o700).create(&self.0)?;
        // One that was there already, or was made under another umask, is closed to others too.
        fs::set_permissions(&self.0, Permissions::from_mode(0o700))?;
        // Secrets and data do not belong into a repository.
        write_once(&self.0.join(".gitignore"), "*\n")?;
        write_once(&self.secret_path(), &format!("{}\n", fresh.expose_secret()))
    }
}

/// Writes a file for its owner only; one that is there stays as it is.
fn write_once(path: &Path, text: &str) -> io::Result<()> {
    match fresh::write_new(path, text) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        result => result,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_secret_is_made_once_and_for_its_owner_only() {
        let parent = tempfile::tempdir().unwrap();
        let folder = DevFolder(parent.path().join(".tidings"));
        assert!(folder.secret().unwrap().is_none());
        let secret = folder.prepare().unwrap();
        assert_eq!(secret.expose_secret().len(), 64);
        assert!(secret.expose_secret().bytes().all(|b| b.is_ascii_hexdigit()));
        assert_eq!(folder.prepare().unwrap().expose_secret(), secret.expose_secret());
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&folder.0), mode(&folder.secret_path())), (0o700, 0o600));
    }

    #[test]
    fn a_damaged_secret_is_refused_with_the_way_out() {
        let parent = tempfile::tempdir().unwrap();
        let folder = DevFolder(parent.path().to_owned());
        fs::write(folder.secret_path(), "short").unwrap();
        let line = folder.prepare().unwrap_err().to_string();
        assert!(line.contains("delete it") && !line.contains("short"), "{line}");
    }
}
