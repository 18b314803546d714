//! The machine, and what Linux says of a process: CPU time and memory.

use std::fs;
use std::time::Duration;

/// Length of a tick of `/proc/<pid>/stat`; Linux shows programs 100 a second whatever it counts itself.
const TICK: Duration = Duration::from_millis(10);

/// CPU model, cores, memory and kernel.
pub(crate) fn describe() -> String {
    let cpu = value_in("/proc/cpuinfo", "model name").unwrap_or_default();
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let memory_kb: u64 = value_in("/proc/meminfo", "MemTotal").map_or(0, |text| first_number(&text));
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or_default();
    format!("{cpu}, {cores} cores, {} MB, Linux {}, load {load}", memory_kb >> 10, kernel.trim())
}

fn value_in(path: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

fn first_number(text: &str) -> u64 {
    text.split(' ').next().and_then(|number| number.parse().ok()).unwrap_or(0)
}

/// CPU time a process has used, all its threads, in its own code and in the kernel.
pub(crate) fn cpu(pid: &str) -> Duration {
    let ticks = stat(pid);
    TICK * (ticks[0] + ticks[1])
}

/// CPU time of all ended children that this process has waited for.
pub(crate) fn cpu_of_children() -> Duration {
    let ticks = stat("self");
    TICK * (ticks[2] + ticks[3])
}

/// `utime`, `stime`, `cutime`, `cstime`.
fn stat(pid: &str) -> [u32; 4] {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields: Vec<&str> = text.rsplit_once(')').unwrap().1.split_whitespace().collect();
    [11, 12, 13, 14].map(|place: usize| fields[place].parse().unwrap())
}

/// CPU time of this thread, to the nanosecond.
pub(crate) fn cpu_of_thread() -> Duration {
    // The kernel brings the figure up to date when the thread leaves the CPU.
    std::thread::yield_now();
    let text = fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(first_number(&text))
}

/// Memory of a process in MB: resident, the part of it that no file backs, and the most there ever was.
pub(crate) fn memory_mb(pid: u32) -> [f64; 3] {
    let path = format!("/proc/{pid}/status");
    ["VmRSS", "RssAnon", "VmHWM"]
        .map(|name| value_in(&path, name).map_or(0, |text| first_number(&text)) as f64 / 1024.0)
}
