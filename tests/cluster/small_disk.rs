//! A small disk for one test: a file system in memory that only the test and its programs see, and that is gone
//! with them, however they end. It takes `unshare` and `mount`, which ask for root or for user namespaces.

use std::{
    fs::{self, File, OpenOptions},
    io::Write,
    path::PathBuf,
};

use crate::engines::bound;

/// Says to a test that it is the one on the small disk.
const MARK: &str = "TIDINGS_TEST_SMALL_DISK";

/// Whether this is the test on its disk. Else it is played there, where all folders for files that do not last are
/// made on it, and has passed when this returns.
pub fn is_here(test: &str, size: &str) -> bool {
    if std::env::var_os(MARK).is_some() {
        return true;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut command = bound("KILL", "unshare");
    command.args(["--user", "--map-root-user", "--mount", "--propagation", "private", "sh", "-euc"]);
    command.arg(r#"mount -t tmpfs -o size="$1" none "$TMPDIR"; shift; exec "$@""#).args(["sh", size]);
    command.arg(std::env::current_exe().unwrap()).args(["--exact", test, "--nocapture"]);
    let played = command.env(MARK, "1").env("TMPDIR", folder.path()).output().unwrap();
    let said = String::from_utf8_lossy(&played.stdout);
    println!("{said}");
    let has_passed = played.status.success() && said.contains("1 passed");
    assert!(has_passed, "{}\n{said}\n{}", played.status, String::from_utf8_lossy(&played.stderr));
    false
}

/// What takes the room on it, beside the program.
pub struct Ballast {
    path: PathBuf,
    file: File,
}

impl Ballast {
    pub fn new() -> Self {
        let path = std::env::temp_dir().join("ballast");
        let file = OpenOptions::new().append(true).create(true).open(&path).unwrap();
        Self { path, file }
    }

    /// Takes all that is left.
    pub fn fill(&mut self) {
        for size in [1 << 16, 1 << 12, 1] {
            while self.file.write_all(&vec![0; size]).is_ok() {}
        }
    }

    pub fn remove(self) {
        fs::remove_file(self.path).unwrap();
    }
}
