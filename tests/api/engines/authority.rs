//! A certificate authority for one test, made by openssl.

use std::{fs, path::Path, process::Command};

/// What a server shows: a certificate for its name, and the key of it; both in PEM.
pub struct Certificate {
    pub chain: String,
    pub key: String,
}

pub struct Authority {
    folder: tempfile::TempDir,
    /// In PEM.
    pub certificate: String,
}

impl Authority {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        openssl(
            folder.path(),
            &["-subj", "/CN=tidings test authority", "-keyout", "ca.key", "-out", "ca.pem"],
        );
        let certificate = fs::read_to_string(folder.path().join("ca.pem")).unwrap();
        Self { folder, certificate }
    }

    /// Vouches for a name.
    pub fn certify(&self, name: &str) -> Certificate {
        let folder = self.folder.path();
        let alternative = format!("subjectAltName=DNS:{name}");
        openssl(
            folder,
            &[
                "-subj",
                "/CN=tidings test",
                "-addext",
                &alternative,
                "-addext",
                "basicConstraints=critical,CA:FALSE",
                "-CA",
                "ca.pem",
                "-CAkey",
                "ca.key",
                "-keyout",
                "leaf.key",
                "-out",
                "leaf.pem",
            ],
        );
        let read = |name: &str| fs::read_to_string(folder.join(name)).unwrap();
        Certificate { chain: read("leaf.pem"), key: read("leaf.key") }
    }
}

fn openssl(folder: &Path, args: &[&str]) {
    let made = Command::new("openssl")
        .current_dir(folder)
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            "-days",
            "1",
        ])
        .args(args)
        .output()
        .expect("this test needs openssl, which is not installed");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}
