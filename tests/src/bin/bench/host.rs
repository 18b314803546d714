//! The real binary on a folder of its own.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;
use weir_tests::Client;

use crate::built;
use crate::served::SECRET;

/// A folder with a configuration and data.
pub(crate) struct Installed {
    folder: TempDir,
}

/// A host that runs. Dropping it kills it.
pub(crate) struct Running {
    child: Child,
    pub(crate) url: String,
}

impl Installed {
    /// With this configuration besides a host's usual head.
    pub(crate) fn new(config: &str) -> Self {
        let installed = Self { folder: TempDir::new().unwrap() };
        let head = "[host]\nname = \"bench\"\ndata_dir = \"data\"\nlisten = \"127.0.0.1:0\"\naccount = \"demo\"\n";
        std::fs::write(installed.folder.path().join("weir.toml"), format!("{head}{config}")).unwrap();
        installed
    }

    /// Folder of its configuration.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Folder of its data.
    pub(crate) fn data(&self) -> std::path::PathBuf {
        self.folder.path().join("data")
    }

    fn program(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(built().join("weir"));
        command.args(arguments).current_dir(self.folder.path()).env("REPLAY_TOKEN", SECRET);
        for name in ["WEIR_CONFIG", "WEIR_DATA_DIR", "WEIR_LOG"] {
            command.env_remove(name);
        }
        command
    }

    /// Runs a command that must be done.
    pub(crate) fn command(&self, arguments: &[&str]) {
        self.output(arguments);
    }

    /// Runs a command that must be done, and reads its answer as JSON.
    pub(crate) fn answer(&self, arguments: &[&str]) -> Value {
        serde_json::from_slice(&self.output(arguments)).unwrap()
    }

    fn output(&self, arguments: &[&str]) -> Vec<u8> {
        let output = self.program(arguments).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    }

    /// Whether a command is done.
    pub(crate) fn is_done(&self, arguments: &[&str]) -> bool {
        self.program(arguments).output().unwrap().status.success()
    }

    /// Starts the host and waits until it answers.
    pub(crate) fn run(&self) -> Running {
        let mut child = self.program(&["run"]).stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let first = lines.next().unwrap().unwrap();
        let url = first.split_once("http://").unwrap().1;
        Running { child, url: format!("http://{url}") }
    }
}

impl Running {
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn get(&self, path: &str) -> Value {
        Client::new(&self.url).get(path).json()
    }

    /// Waits until everything it holds is processed, and gives how long that took.
    pub(crate) fn catch_up(&self) -> Duration {
        let started = Instant::now();
        loop {
            let status = self.get("/v1/status");
            if status["processed"] == status["accepted"] {
                return started.elapsed();
            }
            assert!(started.elapsed() < Duration::from_mins(5), "it does not keep up: {status}");
            std::thread::sleep(Duration::from_millis(250));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Bytes of all files below a folder.
pub(crate) fn bytes_below(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let bytes = |entry: std::fs::DirEntry| match entry.metadata() {
        Ok(meta) if meta.is_dir() => bytes_below(&entry.path()),
        Ok(meta) => meta.len(),
        Err(_) => 0,
    };
    entries.map(bytes).sum()
}
