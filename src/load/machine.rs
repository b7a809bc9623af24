//! What the kernel says about processes and the machine (proc(5)).

use std::fs;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

mod listening;

pub use listening::listeners;

/// The kernel counts time for programs in hundredths of a second, whatever its own tick is.
const TICKS_PER_SECOND: f64 = 100.0;

/// Processor, kernel and number of cores, in one line.
pub fn description() -> String {
    let processors = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let field =
        |line: &str| line.strip_prefix("model name")?.split_once(": ").map(|(_, name)| name.to_owned());
    let model = processors.lines().find_map(field).unwrap_or_else(|| "unknown processor".to_owned());
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let cores = processors.lines().filter(|line| line.starts_with("processor")).count();
    format!("{cores} cores, {model}, Linux {}", kernel.trim())
}

/// Raises the limit on open files as far as it may be, since each client is one; how many that are.
pub fn raise_open_files() -> u64 {
    let limit = getrlimit(Resource::Nofile);
    let raised = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
    // Where it cannot be, the client says so that finds none.
    let files = if raised.is_ok() { limit.maximum } else { limit.current };
    files.unwrap_or(u64::MAX)
}

/// Seconds of processor time that a process has used; `None` where it is gone.
pub fn cpu_seconds(process: u32) -> Option<f64> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The second field is a name and may hold spaces; fields 14 and 15 are user and system time.
    let (_, fields) = stat.rsplit_once(") ")?;
    let ticks: f64 = fields.split(' ').skip(11).take(2).filter_map(|field| field.parse::<f64>().ok()).sum();
    Some(ticks / TICKS_PER_SECOND)
}

/// Bytes of a process in memory; `None` where it is gone.
pub fn memory_bytes(process: u32) -> Option<f64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let kib = status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.split_whitespace().next())?;
    Some(kib.parse::<f64>().ok()? * 1024.0)
}

/// Seconds that the hypervisor gave to other machines, over all cores.
pub fn steal_seconds() -> f64 {
    let stat = fs::read_to_string("/proc/stat").unwrap_or_default();
    let ticks = stat.lines().next().and_then(|line| line.split_whitespace().nth(8)?.parse::<f64>().ok());
    ticks.unwrap_or_default() / TICKS_PER_SECOND
}
