//! What tidings stands on: servers started for one test, which may stop, freeze and restart them; networks; the kernel.

pub mod authority;
pub mod front;
pub mod host;
pub mod kernel;
pub mod postgres;
pub mod proxy;
pub mod push_service;
pub mod redis;

use std::{ffi::OsStr, fs, process::Command};

/// A program that gets this signal when the test that has started it ends, however that ends.
pub fn bound(signal: &str, program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", signal, "--"]).arg(program);
    command
}

pub fn send(signal: &str, pid: u32) {
    assert!(Command::new("kill").args([signal, &pid.to_string()]).status().unwrap().success());
}

pub fn is_root() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    status.lines().any(|line| line.starts_with("Uid:\t0\t"))
}
