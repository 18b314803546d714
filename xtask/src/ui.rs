//! The page: built from `ui/src` with Node, committed as built, checked to match.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::process::{Done, Failed, answers, root, run, run_with};

/// Builds the page into `ui/dist`.
pub(crate) fn build() -> Done {
    run("npm", &["--prefix", "ui", "ci", "--no-audit", "--no-fund"])?;
    run("npm", &["--prefix", "ui", "run", "build"])
}

/// Checks that the committed page is what its source gives, and tests it: its pure parts, and in a browser, with made-up
/// answers and with those of a host. Without Node, and what needs a browser without one, is skipped aloud.
pub(crate) fn check(weir: &Path) -> Done {
    if !answers("npm", &["--version"]) {
        println!("SKIPPED page: no Node here to build it again and compare");
        return Ok(());
    }
    let committed = contents()?;
    build()?;
    if contents()? != committed {
        return Err(Failed("ui/dist is not what ui/src gives; run `cargo xtask ui` and commit the result".to_owned()));
    }
    run("npm", &["--prefix", "ui", "test"])?;
    install_browser();
    run("npm", &["--prefix", "ui", "run", "browser"])?;
    against(weir, &[])
}

/// Installs Chromium where there is none and nobody has to be asked: as root, on Debian and its like.
fn install_browser() {
    let is_there = std::env::var_os("CHROMIUM").is_some()
        || ["chromium", "chromium-browser", "google-chrome"].iter().any(|name| answers(name, &["--version"]));
    if is_there || !is_root() || !answers("apt-get", &["--version"]) {
        return;
    }
    let quiet = [("DEBIAN_FRONTEND", "noninteractive")];
    let install = || run_with("apt-get", &["install", "--yes", "--quiet", "chromium"], &quiet);
    if let Err(error) = run_with("apt-get", &["update", "--quiet"], &quiet).and_then(|()| install()) {
        println!("no browser could be installed: {error}");
    }
}

fn is_root() -> bool {
    let asked = Command::new("id").arg("--user").output();
    asked.is_ok_and(|answer| answer.stdout.trim_ascii() == b"0")
}

/// Makes the pictures of the documentation.
pub(crate) fn pictures(weir: &Path) -> Done {
    let folder = root().join("docs").join("images").display().to_string();
    against(weir, &["--", "--screenshots", &folder])
}

/// Tests the page in a browser, on the demo of this binary.
fn against(weir: &Path, more: &[&str]) -> Done {
    let weir = weir.display().to_string();
    run_with("npm", &[&["--prefix", "ui", "run", "host"], more].concat(), &[("WEIR_BIN", &weir)])
}

fn contents() -> Result<Vec<(String, Vec<u8>)>, Failed> {
    let mut files = Vec::new();
    let mut folders = vec![root().join("ui/dist")];
    while let Some(folder) = folders.pop() {
        let failed = |error| Failed(format!("cannot read {}: {error}", folder.display()));
        for entry in fs::read_dir(&folder).map_err(failed)?.flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files.push((path.display().to_string(), fs::read(&path).map_err(failed)?));
            }
        }
    }
    files.sort();
    Ok(files)
}
