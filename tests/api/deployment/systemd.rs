//! The unit, as systemd itself judges it.

use std::{collections::BTreeMap, fs, process::Command};

use super::configured;
use crate::{app::SECRET, clients::program::run, engines::front::committed};

/// How exposed it may be, of 100 (systemd.exec(5), `systemd-analyze security`).
const EXPOSURE_MAX: &str = "20";

#[test]
fn systemd_takes_the_unit_and_finds_it_little_exposed() {
    let folder = tempfile::tempdir().unwrap();
    let unit = folder.path().join("tidings.service");
    let text = committed("systemd/tidings.service");
    fs::write(&unit, text.replace("/usr/local/bin/tidings", env!("CARGO_BIN_EXE_tidings"))).unwrap();
    let judged = run(Command::new("systemd-analyze").arg("verify").arg(&unit));
    assert!(judged.code == Some(0) && judged.stderr.is_empty(), "{judged:?}");
    let judged = run(Command::new("systemd-analyze")
        .args(["security", "--no-pager", "--offline=true", &format!("--threshold={EXPOSURE_MAX}")])
        .arg(&unit));
    assert_eq!(judged.code, Some(0), "{}", judged.stdout);
}

#[test]
fn the_unit_sets_what_the_program_takes_and_gives_it_what_it_needs() {
    let text = committed("systemd/tidings.service");
    let of = |name: &str| -> Vec<&str> {
        text.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix('=')).collect()
    };
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("auth-secret"), SECRET).unwrap();
    let variables: BTreeMap<String, String> = of("Environment")
        .into_iter()
        .map(|pair| pair.split_once('=').unwrap())
        .map(|(name, value)| (name.to_owned(), value.replace("%d", folder.path().to_str().unwrap())))
        .collect();
    let config = configured(variables);
    assert_eq!(of("LoadCredential"), ["auth-secret:/etc/tidings/auth-secret"]);
    let state = of("StateDirectory")[0];
    assert!(config.store.url.to_string().starts_with(&format!("sqlite:///var/lib/{state}/")));
    assert_eq!(
        [of("Type"), of("Restart"), of("RestartPreventExitStatus")],
        [["notify"], ["on-failure"], ["2"]]
    );
    // Of the kernel it reads how much memory there is and who waits at its door.
    assert!(of("ProcSubset").is_empty());
    assert!(of("ExecStartPre")[0].ends_with(" config check") && of("ExecStart")[0].ends_with(" serve"));
}
