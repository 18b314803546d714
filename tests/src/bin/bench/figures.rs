//! Figures: how they are made of many measurements, and how they are printed.

use std::time::Duration;

/// Prints one figure; `aim` is what it is held against, and `note` says what it is made of.
pub(crate) fn print(name: &str, value: f64, unit: &str, aim: &str, note: &str) {
    let digits = if value.abs() >= 100.0 { 0 } else { 2 };
    println!("{name:<44} {value:>12.digits$} {unit:<14} {aim:<12} {note}");
}

/// Prints the middle and the 99th of 100 of many durations.
pub(crate) fn print_spread(name: &str, durations: &mut [Duration], aim: &str, note: &str) {
    durations.sort_unstable();
    print(&format!("{name} p50"), ms(at(durations, 50)), "ms", "", note);
    print(&format!("{name} p99"), ms(at(durations, 99)), "ms", aim, &format!("{} measured", durations.len()));
}

/// The element below which `percent` of the sorted ones lie.
pub(crate) fn at(sorted: &[Duration], percent: usize) -> Duration {
    sorted.get(sorted.len() * percent / 100).or(sorted.last()).copied().unwrap_or_default()
}

pub(crate) fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

/// Best of several runs: the machine has other work too, which never makes anything faster.
pub(crate) fn best(times: usize, mut run: impl FnMut() -> Duration) -> Duration {
    (0..times).map(|_| run()).min().unwrap_or_default()
}
