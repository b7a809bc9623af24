//! What the process takes of its machine, under the names that every process has.

use std::{
    fmt::Error,
    fs,
    sync::OnceLock,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::{counter::ConstCounter, gauge::ConstGauge},
};
use rustix::{
    process::{Resource, getrlimit},
    time::{ClockId, clock_gettime},
};

static STARTED_AT: OnceLock<Duration> = OnceLock::new();

/// Notes when the process has started; the first time counts.
pub fn process_started() {
    STARTED_AT.get_or_init(|| SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default());
}

/// Looks when it is asked.
#[derive(Debug)]
pub(super) struct Process;

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), Error> {
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let limit = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
        let mut tell = |name: &str, help: &str, value: f64| {
            let gauge = ConstGauge::new(value);
            gauge.encode(encoder.encode_descriptor(name, help, None, gauge.metric_type())?)
        };
        let started_at = STARTED_AT.get().copied().unwrap_or_default();
        tell(
            "process_start_time_seconds",
            "When the process started, since 1970.",
            started_at.as_secs_f64(),
        )?;
        tell(
            "process_resident_memory_bytes",
            "Memory that is in use, as the system sees it.",
            bytes(&status, "VmRSS:"),
        )?;
        tell("process_virtual_memory_bytes", "Memory that is addressed.", bytes(&status, "VmSize:"))?;
        tell("process_threads", "Threads of the process.", field(&status, "Threads:"))?;
        tell("process_open_fds", "Files and sockets that are open.", open_files() as f64)?;
        tell("process_max_fds", "How many may be open.", limit as f64)?;
        let cpu = ConstCounter::new(processor_time().as_secs_f64());
        let help = "Time that its threads have run.";
        cpu.encode(encoder.encode_descriptor("process_cpu_seconds", help, None, cpu.metric_type())?)
    }
}

/// The number behind a name in the file of the kernel (proc_pid_status(5)).
fn field(status: &str, name: &str) -> f64 {
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or_default()
}

/// The same, where it is in kibibytes.
fn bytes(status: &str, name: &str) -> f64 {
    field(status, name) * 1024.0
}

fn processor_time() -> Duration {
    clock_gettime(ClockId::ProcessCPUTime).try_into().unwrap_or_default()
}

/// Newer kernels say it without showing them one by one, which takes long where there are very many.
fn open_files() -> u64 {
    const FILES: &str = "/proc/self/fd";
    match fs::metadata(FILES).map_or(0, |folder| folder.len()) {
        0 => fs::read_dir(FILES).map_or(0, |files| files.count() as u64),
        count => count,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_says_how_much_there_is_of_us() {
        let status = "Name:\ttidings\nVmSize:\t    2048 kB\nVmRSS:\t      10 kB\nThreads:\t7\n";
        assert_eq!(
            (bytes(status, "VmRSS:"), field(status, "Threads:"), field(status, "Nothing:")),
            (10240.0, 7.0, 0.0)
        );
        assert!(open_files() >= 3 && processor_time() > Duration::ZERO);
    }
}
