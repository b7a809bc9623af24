//! A ceiling on the memory of one program: a control group of its own (either version), or, where none can be had, the
//! limit on resident memory, which the kernel no more than tells.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{app::App, engines::bound};

pub struct Ceiling {
    /// The group; none where there is none.
    group: Option<PathBuf>,
    bytes: u64,
}

impl Ceiling {
    pub fn new(bytes: u64) -> Self {
        let own = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
        let name = format!("tidings-test-{}", std::process::id());
        let groups = own.lines().filter_map(|line| {
            let mut parts = line.splitn(3, ':').skip(1);
            let (controllers, path) = (parts.next()?, parts.next()?.trim_start_matches('/'));
            let (root, limit) = match controllers {
                "memory" => ("/sys/fs/cgroup/memory", "memory.limit_in_bytes"),
                "" => ("/sys/fs/cgroup", "memory.max"),
                _ => return None,
            };
            Some((Path::new(root).join(path).join(&name), limit))
        });
        for (group, limit) in groups {
            if fs::create_dir(&group).is_ok() {
                if fs::write(group.join(limit), bytes.to_string()).is_ok() {
                    return Self { group: Some(group), bytes };
                }
                let _ = fs::remove_dir(&group);
            }
        }
        Self { group: None, bytes }
    }

    /// The program below it.
    pub fn program(&self) -> Command {
        let mut command = match &self.group {
            Some(group) => {
                let mut command = bound("KILL", "sh");
                command.args(["-euc", r#"echo $$ >"$1/cgroup.procs"; shift; exec "$@""#, "sh"]).arg(group);
                command
            }
            None => {
                let mut command = bound("KILL", "prlimit");
                command.arg(format!("--rss={}", self.bytes));
                command
            }
        };
        command.env_clear().arg(env!("CARGO_BIN_EXE_tidings"));
        command
    }

    /// The most of it that the process has had resident, in bytes. A group counts the files of the database, too, which
    /// the kernel throws out as it likes.
    pub fn peak(&self, app: &App) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", app.pid())).unwrap();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        peak.trim().strip_suffix(" kB").unwrap().parse::<u64>().unwrap() * 1024
    }

    /// How often the kernel has killed for want of memory.
    pub fn kills(&self) -> u64 {
        let Some(group) = &self.group else { return 0 };
        let files = ["memory.oom_control", "memory.events"];
        let text = files.iter().find_map(|file| fs::read_to_string(group.join(file)).ok()).unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix("oom_kill ")).unwrap();
        line.parse().unwrap()
    }

    pub fn kind(&self) -> &'static str {
        if self.group.is_some() { "control group" } else { "resident memory" }
    }
}

impl Drop for Ceiling {
    fn drop(&mut self) {
        if let Some(group) = &self.group {
            let _ = fs::remove_dir(group);
        }
    }
}
