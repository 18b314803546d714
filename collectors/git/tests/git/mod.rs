//! The git program, for making repositories and as the one to agree with.

use std::path::{Path, PathBuf};
use std::process::Command;

/// A repository that a test makes.
pub(crate) struct Made {
    folder: tempfile::TempDir,
}

/// Whether there is a git program; says so when there is none.
pub(crate) fn is_here() -> bool {
    let here = Command::new("git").arg("--version").output().is_ok_and(|output| output.status.success());
    if !here {
        println!("skipped: no git program");
    }
    here
}

/// Runs git in a folder and gives its output.
pub(crate) fn git(folder: &Path, arguments: &[&str]) -> Vec<u8> {
    git_at(folder, "2026-01-02T03:04:05+01:00", arguments)
}

/// The same at a given time.
pub(crate) fn git_at(folder: &Path, time: &str, arguments: &[&str]) -> Vec<u8> {
    let mut command = Command::new("git");
    command.args(["-c", "init.defaultBranch=main", "-c", "commit.gpgsign=false", "-c", "protocol.file.allow=always"]);
    command.args(arguments).current_dir(folder).env_clear();
    command.envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
    for (name, value) in [
        ("GIT_CONFIG_GLOBAL", "/dev/null"),
        ("GIT_CONFIG_NOSYSTEM", "1"),
        ("GIT_AUTHOR_NAME", "Ana"),
        ("GIT_AUTHOR_EMAIL", "Ana@acme.example"),
        ("GIT_COMMITTER_NAME", "Ben"),
        ("GIT_COMMITTER_EMAIL", "ben@acme.example"),
        ("GIT_AUTHOR_DATE", time),
        ("GIT_COMMITTER_DATE", time),
    ] {
        command.env(name, value);
    }
    let output = command.output().unwrap();
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

impl Made {
    /// An empty repository.
    pub(crate) fn new() -> Self {
        let made = Self { folder: tempfile::tempdir().unwrap() };
        made.git(&["init", "--quiet"]);
        made
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn git(&self, arguments: &[&str]) -> String {
        String::from_utf8_lossy(&git(self.path(), arguments)).trim().to_owned()
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        path
    }

    /// Writes a file, commits everything, gives the id.
    pub(crate) fn commit(&self, name: &str, content: impl AsRef<[u8]>, message: &str) -> String {
        self.write(name, content);
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--message", message]);
        self.git(&["rev-parse", "HEAD"])
    }
}
