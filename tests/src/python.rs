//! Programs from PyPI, installed once below the target folder.

use std::fs::File;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Longest time for pip.
const INSTALL_MAX: Duration = Duration::from_secs(150);

/// Folder of the programs of a package, as pip names it. None, aloud, where there is no Python or PyPI.
pub fn python_programs(name: &str, package: &str) -> Option<PathBuf> {
    let own = std::env::current_exe().unwrap();
    // <target>/debug/deps/suite-...
    let folder = own.ancestors().nth(3)?.join(name);
    let programs = folder.join("bin");
    let whole = folder.join("whole");
    if whole.exists() {
        return Some(programs);
    }
    let mut venv = Command::new("python3");
    venv.args(["-m", "venv", "--clear"]).arg(&folder);
    let mut pip = Command::new(programs.join("pip"));
    pip.args(["install", "--quiet", "--disable-pip-version-check", "--retries", "1", package]);
    if ends_well(&mut venv) && ends_well(&mut pip) {
        File::create(whole).unwrap();
        return Some(programs);
    }
    println!("skipped: {package} cannot be installed: no python3 with venv, or PyPI does not answer");
    None
}

/// Runs a program that needs nobody, for as long as an installation may take.
pub fn ends_well(command: &mut Command) -> bool {
    let deadline = Instant::now() + INSTALL_MAX;
    let spawned = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    let Ok(mut child) = spawned else { return false };
    while Instant::now() < deadline {
        if let Some(status) = child.try_wait().unwrap() {
            return status.success();
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    drop(child.kill());
    drop(child.wait());
    false
}
