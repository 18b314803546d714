//! Building the host and the plugins.

use std::fs;
use std::path::PathBuf;

use crate::process::{Done, Failed, answers, cargo, root, run};

const WASM: &str = "wasm32-wasip2";
/// Folder cargo builds into.
pub(crate) fn target_dir() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// Adds the target of plugins when it is missing: rustup may be set to install nothing by itself.
pub(crate) fn wasm_target() -> Done {
    let sysroot = std::process::Command::new("rustc").args(["--print", "sysroot"]).output();
    let sysroot = sysroot.map_err(|error| Failed(format!("cannot run rustc: {error}")))?;
    let library = PathBuf::from(String::from_utf8_lossy(&sysroot.stdout).trim()).join("lib/rustlib").join(WASM);
    if library.exists() {
        return Ok(());
    }
    if answers("rustup", &["--version"]) {
        return run("rustup", &["target", "add", WASM]);
    }
    Err(Failed(format!("the target {WASM} is missing and there is no rustup to add it")))
}

/// First-party plugins, by package: one folder each.
fn packages() -> Result<Vec<String>, Failed> {
    let folder = root().join("plugins");
    let entries =
        fs::read_dir(&folder).map_err(|error| Failed(format!("cannot read {}: {error}", folder.display())))?;
    let packages = entries.flatten().filter(|entry| entry.path().join("Cargo.toml").exists());
    let mut packages: Vec<_> = packages.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    packages.sort();
    Ok(packages)
}

/// Builds the plugins and puts them beside the host's binary of this profile's folder.
pub(crate) fn plugins(profile_folder: &str) -> Done {
    some_plugins(profile_folder, "")
}

/// The same for those whose name holds `part`.
pub(crate) fn some_plugins(profile_folder: &str, part: &str) -> Done {
    wasm_target()?;
    let profile = if profile_folder == "debug" { "plugin-dev" } else { "plugin" };
    let mut arguments = vec!["build", "--target", WASM, "--profile", profile];
    let packages: Vec<_> = packages()?.into_iter().filter(|package| package.contains(part)).collect();
    for package in &packages {
        arguments.extend(["--package", package]);
    }
    run(&cargo(), &arguments)?;
    let built = target_dir().join(WASM).join(profile);
    let folder = target_dir().join(profile_folder).join("plugins");
    fs::create_dir_all(&folder).map_err(|error| Failed(format!("cannot create {}: {error}", folder.display())))?;
    for package in &packages {
        let from = built.join(format!("{}.wasm", package.replace('-', "_")));
        let to = folder.join(format!("{package}.wasm"));
        fs::copy(&from, &to).map_err(|error| Failed(format!("cannot copy {}: {error}", from.display())))?;
    }
    Ok(())
}

/// Builds the host for development and gives the path of its binary.
pub(crate) fn host() -> Result<PathBuf, Failed> {
    run(&cargo(), &["build", "--package", "weir"])?;
    plugins("debug")?;
    Ok(target_dir().join("debug").join("weir"))
}

/// Builds the host and what measures it fast, and gives the path of the latter. In one go: apart, they would have their
/// dependencies built twice, with other features.
pub(crate) fn bench() -> Result<PathBuf, Failed> {
    run(&cargo(), &["build", "--profile", "fast", "--package", "weir", "--package", "weir-tests", "--bins"])?;
    plugins("fast")?;
    Ok(target_dir().join("fast").join("bench"))
}
