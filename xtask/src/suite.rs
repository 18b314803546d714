//! The tasks that run what was built.

use crate::build;
use crate::process::{Done, answers, cargo, run, run_with};
use crate::ui;

/// Runs the demo with everything built for it.
pub(crate) fn demo(arguments: &[String]) -> Done {
    let weir = build::host()?;
    let mut all = vec!["demo"];
    all.extend(arguments.iter().map(String::as_str));
    run(&weir.display().to_string(), &all)
}

/// Everything CI needs.
pub(crate) fn test() -> Done {
    let cargo = cargo();
    let weir = build::host()?;
    lints(&cargo)?;
    ui::check(&weir)?;
    if answers(&cargo, &["nextest", "--version"]) {
        run(&cargo, &["nextest", "run", "--workspace", "--no-fail-fast"])?;
    } else {
        run(&cargo, &["test", "--workspace", "--lib", "--bins", "--tests", "--no-fail-fast"])?;
    }
    run(&cargo, &["test", "--workspace", "--doc"])
}

/// Format and lints, where the toolchain has them: a minimal one has neither.
fn lints(cargo: &str) -> Done {
    if answers(cargo, &["fmt", "--version"]) {
        run(cargo, &["fmt", "--all", "--check"])?;
    } else {
        println!("SKIPPED format: this toolchain has no rustfmt");
    }
    if answers(cargo, &["clippy", "--version"]) {
        run(cargo, &["clippy", "--workspace", "--all-targets", "--", "--deny", "warnings"])
    } else {
        println!("SKIPPED lints: this toolchain has no clippy");
        Ok(())
    }
}

/// Kills a host many times.
pub(crate) fn faults(kills: u32) -> Done {
    build::host()?;
    let kills = kills.to_string();
    run_with(
        &cargo(),
        &["test", "--package", "weir-tests", "--test", "suite", "--", "kills", "--nocapture"],
        &[("WEIR_KILLS", &kills)],
    )
}

/// Measures with fast builds.
pub(crate) fn bench(name: Option<&str>, records: Option<u64>) -> Done {
    let bench = build::bench()?;
    let records = records.map(|records| records.to_string());
    let environment: Vec<_> = records.iter().map(|records| ("WEIR_BENCH_RECORDS", records.as_str())).collect();
    run_with(&bench.to_string_lossy(), name.as_slice(), &environment)
}

/// Writes the schemas of the entities.
pub(crate) fn schemas() -> Done {
    run_with(
        &cargo(),
        &["test", "--package", "weir-tests", "--test", "suite", "schemas"],
        &[("WEIR_WRITE_SCHEMAS", "1")],
    )
}
