//! Measures Weir and prints the figures of `docs/PERFORMANCE.md`, one line each: `cargo xtask bench [PART OF A NAME]`.
//!
//! What is measured has a process of its own wherever CPU time counts: the tool that is read from and the senders that
//! make load are this program again, started with another role.

#![allow(clippy::print_stdout, reason = "the figures are this program's answer")]
#![allow(clippy::unwrap_used, reason = "a measurement may stop at any surprise")]
#![allow(clippy::cast_precision_loss, reason = "no figure has more than three digits that count")]

mod answers;
mod builds;
mod collect;
mod figures;
mod github;
mod history;
mod host;
mod intake;
mod lifecycle;
mod load;
mod machine;
mod memory;
mod normalise;
mod plugin;
mod propels;
mod scale;
mod served;
mod store;

use std::path::PathBuf;

/// What is measured, by name, in the order it is printed.
const BENCHES: &[(&str, fn())] = &[
    ("plugin", plugin::run),
    ("normalise", normalise::run),
    ("collect", collect::run),
    ("store", store::run),
    ("intake", intake::run),
    ("visible", intake::run_visible),
    ("answers", answers::run),
    ("memory", memory::run),
    ("propels", propels::run),
    ("history", history::run),
    ("scale", scale::run),
    ("lifecycle", lifecycle::run),
];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.first().map(String::as_str) {
        Some("serve") => served::serve_until_told(&arguments[1..]),
        Some("load") => load::send(&arguments[1]),
        Some("receive") => propels::receive(),
        Some("fill") => scale::fill(&arguments[1..]),
        wanted => measure(wanted.unwrap_or_default()),
    }
}

fn measure(wanted: &str) {
    println!("{}", machine::describe());
    for (_, run) in BENCHES.iter().filter(|(name, _)| name.contains(wanted)) {
        run();
    }
}

/// The folder this program, `weir` and the plugins were built into.
fn built() -> PathBuf {
    let own = std::env::current_exe().unwrap();
    let folder = own.parent().unwrap().to_owned();
    assert!(folder.join("weir").exists(), "no weir in {}; run `cargo xtask bench`", folder.display());
    folder
}
