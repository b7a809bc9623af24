//! What the machine gives to the process: memory, and open files.

use std::{
    fs,
    path::{Path, PathBuf},
};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Files that the process opens while it runs, besides its connections: of the database, of a connection to the bus
/// that is made anew, what it reads of the system.
const SPARE_FILES: usize = 32;
/// Those of a worker that starts.
const FILES_PER_WORKER: usize = 8;

/// The HTTP server has a handle on a connection, and so has who may have to end it from outside. A session has one: it
/// is taken over from the server.
const FILES_PER_CONNECTION: usize = 2;

/// Bytes of memory that the process may use: what its control groups and its limit on resident memory allow, and what
/// there is.
pub fn memory() -> usize {
    let groups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let machine = fs::read_to_string("/proc/meminfo").ok().and_then(|text| total(&text));
    let limits = group_files(&groups)
        .into_iter()
        .filter_map(|file| fs::read_to_string(file).ok()?.trim().parse().ok());
    let smallest = limits.chain(machine).chain(getrlimit(Resource::Rss).current).min();
    smallest.and_then(|bytes| usize::try_from(bytes).ok()).unwrap_or(usize::MAX)
}

/// How many connections the process takes. Beyond, clients wait to be accepted, and nothing runs out of files.
#[derive(Debug, Clone, Copy)]
pub struct Capacity {
    /// Those of the HTTP server: requests, those who are refused with an answer, and sessions that it keeps.
    pub connections: usize,
    /// Three of four files are for these.
    pub sessions: usize,
}

impl Capacity {
    /// What the limit on open files allows, which is raised as far as it may be; and no more sessions than wanted.
    /// For when all parts have started: what they have open is counted, and `later` is what else they will open.
    pub fn new(workers: usize, later: usize, wanted: Option<usize>) -> Self {
        let limit = getrlimit(Resource::Nofile);
        let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
        let files = if setrlimit(Resource::Nofile, raised).is_ok() { limit.maximum } else { limit.current };
        let files = files.and_then(|files| usize::try_from(files).ok()).unwrap_or(usize::MAX);
        let open = fs::read_dir("/proc/self/fd").map_or(0, Iterator::count);
        let own = [later, SPARE_FILES, FILES_PER_WORKER.saturating_mul(workers)];
        Self::of(files, own.into_iter().fold(open, usize::saturating_add), wanted)
    }

    /// For operators; one developer has no use for so many.
    pub fn warn_if_less_than(&self, wanted: Option<usize>) {
        if wanted.is_some_and(|wanted| wanted > self.sessions) {
            log::warn!(
                sessions = self.sessions;
                "limits.sessions is more than the limit on open files allows: raise that (LimitNOFILE of systemd, --ulimit nofile of Docker, ulimit -Hn)"
            );
        }
    }

    /// `own` are the files that are no connections.
    fn of(files: usize, own: usize, wanted: Option<usize>) -> Self {
        let files = files.saturating_sub(own);
        let sessions = (files - files.div_ceil(4)).max(1).min(wanted.unwrap_or(usize::MAX));
        Self { connections: (files.saturating_sub(sessions) / FILES_PER_CONNECTION).max(2), sessions }
    }
}

/// Where the limits of the groups stand that a process is in (cgroups(7)), and of those around them.
fn group_files(groups: &str) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for line in groups.lines() {
        let mut parts = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(path)) = (parts.next(), parts.next()) else { continue };
        let (root, file) = match controllers {
            "" => ("/sys/fs/cgroup", "memory.max"),
            _ if controllers.split(',').any(|controller| controller == "memory") => {
                ("/sys/fs/cgroup/memory", "memory.limit_in_bytes")
            }
            _ => continue,
        };
        let around = Path::new(path.trim_start_matches('/')).ancestors();
        files.extend(around.map(|group| Path::new(root).join(group).join(file)));
    }
    files
}

/// The memory of the machine, by /proc/meminfo.
fn total(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    line.trim().strip_suffix(" kB")?.parse::<u64>().ok()?.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limits_of_a_group_and_those_around_it_are_found_in_both_versions() {
        let files = |groups| -> Vec<String> {
            group_files(groups).into_iter().map(|path| path.display().to_string()).collect()
        };
        assert_eq!(
            files("0::/a.slice/b.scope\n"),
            ["a.slice/b.scope/", "a.slice/", ""].map(|group| format!("/sys/fs/cgroup/{group}memory.max"))
        );
        assert_eq!(
            files("7:pids:/x\n4:cpu,memory:/box\n"),
            ["box/", ""].map(|group| format!("/sys/fs/cgroup/memory/{group}memory.limit_in_bytes"))
        );
        assert!(files("").is_empty() && files("nonsense").is_empty());
    }

    #[test]
    fn a_part_of_the_files_is_left_for_requests() {
        let of = |files, wanted| {
            let Capacity { connections, sessions } = Capacity::of(files, 80, wanted);
            (connections, sessions)
        };
        assert_eq!([of(0, None), of(200, None), of(1024, None)], [(2, 1), (15, 90), (118, 708)]);
        assert_eq!([of(1024, Some(4)), of(1024, Some(1000))], [(470, 4), (118, 708)]);
        assert!(of(usize::MAX, None).1 > 1 << 40);
    }

    #[test]
    fn the_machine_says_what_it_has() {
        assert_eq!(total("MemTotal:       24684468 kB\nMemFree: 1 kB\n"), Some(24_684_468 * 1024));
        assert_eq!(total("MemFree: 1 kB\n"), None);
        assert!(memory() > 1 << 20 && memory() < 1 << 50);
    }
}
