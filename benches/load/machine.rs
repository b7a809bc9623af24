//! What the kernel says about processes and the machine (proc(5)).

use std::fs;

use crate::server::Outcome;

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

/// Seconds of processor time that a process has used.
///
/// # Errors
/// If it is gone.
pub fn cpu_seconds(process: u32) -> Outcome<f64> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
    // The second field is a name and may hold spaces; fields 14 and 15 are user and system time.
    let (_, fields) = stat.rsplit_once(") ").ok_or("an unknown form of stat")?;
    let ticks: f64 = fields.split(' ').skip(11).take(2).filter_map(|field| field.parse::<f64>().ok()).sum();
    Ok(ticks / TICKS_PER_SECOND)
}

/// Bytes of a process in memory.
///
/// # Errors
/// If it is gone.
pub fn memory_bytes(process: u32) -> Outcome<f64> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let kib = status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.split_whitespace().next());
    Ok(kib.ok_or("no VmRSS")?.parse::<f64>()? * 1024.0)
}

/// Seconds that the hypervisor gave to other machines, over all cores.
pub fn steal_seconds() -> f64 {
    let stat = fs::read_to_string("/proc/stat").unwrap_or_default();
    let ticks = stat.lines().next().and_then(|line| line.split_whitespace().nth(8)?.parse::<f64>().ok());
    ticks.unwrap_or_default() / TICKS_PER_SECOND
}
