//! Weir as its operator has it: a folder with a configuration and data, commands, and a running host.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

use jiff::Timestamp;
use serde_json::Value;
use tempfile::TempDir;

use crate::disk::Disk;
use crate::http::Client;
use crate::{binary, eventually};

/// An installation of its own.
#[derive(Debug)]
pub struct Weir {
    // Before the folder: what is mounted there goes first.
    disk: Option<Disk>,
    folder: TempDir,
    name: String,
    secrets: BTreeMap<String, String>,
}

/// How a command ended.
#[derive(Debug)]
pub struct Answer {
    /// Exit code.
    pub code: i32,
    /// Results.
    pub stdout: String,
    /// Progress and problems.
    pub stderr: String,
}

/// A host that runs. Dropping it kills it.
#[derive(Debug)]
pub struct Running {
    child: Child,
    url: String,
    started_at: Timestamp,
}

impl Weir {
    /// An installation with this configuration, in the account `test`. Secrets are in the environment as
    /// `REPLAY_TOKEN` and `HOOK_SECRET`.
    pub fn new(config: &str) -> Self {
        Self::named("lab", config)
    }

    /// The same with a host of another name.
    pub fn named(name: &str, config: &str) -> Self {
        let (folder, name) = (TempDir::new().unwrap(), name.to_owned());
        let weir = Self { disk: None, folder, name, secrets: BTreeMap::new() };
        weir.configure(config);
        weir.with_secret("REPLAY_TOKEN", weir_replay::TOKEN).with_secret("HOOK_SECRET", "It's a Secret to Everybody")
    }

    /// The same with its data on a disk in memory of so many MiB; none, with the reason told, where that is not allowed.
    pub fn on_small_disk(mut self, mib: u32) -> Option<Self> {
        self.disk = Some(Disk::in_memory(self.folder.path(), mib)?);
        Some(self)
    }

    /// The same with its data on a disk that can fail; none, with the reason told, where there are no rights for it.
    pub fn on_failing_disk(mut self, mib: u32) -> Option<Self> {
        self.disk = Some(Disk::that_can_fail(self.folder.path(), mib)?);
        Some(self)
    }

    /// The disk of its own; panics when it has none.
    pub fn disk(&self) -> &Disk {
        self.disk.as_ref().unwrap()
    }

    /// The same with another secret.
    #[must_use]
    pub fn with_secret(mut self, name: &str, secret: &str) -> Self {
        self.secrets.insert(name.to_owned(), secret.to_owned());
        self
    }

    /// Writes another configuration, with a host's usual head.
    pub fn configure(&self, config: &str) {
        let name = &self.name;
        let head =
            format!("[host]\nname = \"{name}\"\ndata_dir = \"data\"\nlisten = \"127.0.0.1:0\"\naccount = \"test\"\n");
        std::fs::write(self.path("weir.toml"), format!("{head}{config}")).unwrap();
    }

    /// A path in its folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file in its folder.
    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path
    }

    /// A command, not started yet.
    pub fn program(&self, arguments: &[&str]) -> Command {
        let weir = binary::weir();
        let mut command = self.disk.as_ref().map_or_else(|| Command::new(&weir), |disk| disk.program(&weir));
        command.args(arguments).current_dir(self.folder.path()).envs(&self.secrets);
        for name in ["WEIR_CONFIG", "WEIR_DATA_DIR", "WEIR_LOG", "WEIR_LOG_FORMAT"] {
            command.env_remove(name);
        }
        command
    }

    /// Runs a command to its end.
    pub fn command(&self, arguments: &[&str]) -> Answer {
        let output = self.program(arguments).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        // A command that was killed by a signal has no code.
        let code = output.status.code().unwrap_or(-1);
        Answer { code, stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    /// Runs a command that must be done, and reads its answer as JSON.
    pub fn json(&self, arguments: &[&str]) -> Value {
        let answer = self.command(&[arguments, &["--json"]].concat());
        assert_eq!(answer.code, 0, "{arguments:?}: {}{}", answer.stdout, answer.stderr);
        answer.json()
    }

    /// Feeds files and gives the answer.
    pub fn ingest(&self, kind: &str, files: &[&Path]) -> Value {
        let files: Vec<_> = files.iter().map(|file| file.to_str().unwrap()).collect();
        self.json(&[&["ingest", "--as", kind], files.as_slice()].concat())
    }

    /// Starts the host and waits until it answers.
    pub fn run(&self) -> Running {
        self.start("run")
    }

    /// Starts `run` or `central` and waits until it answers.
    pub fn start(&self, role: &str) -> Running {
        self.spawn(role).ready()
    }

    /// Starts `run` or `central` and waits for nothing.
    pub fn spawn(&self, role: &str) -> Running {
        let log = std::fs::File::options().create(true).append(true).open(self.path("log")).unwrap();
        let started_at = Timestamp::now();
        let child = self.program(&[role]).stdout(Stdio::piped()).stderr(log).spawn().unwrap();
        Running { child, url: String::new(), started_at }
    }

    /// What the runs of the host wrote to stderr.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.path("log")).unwrap_or_default()
    }
}

impl Drop for Weir {
    /// Of a test that failed, the end of the log may say why.
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = self.log();
            let lines: Vec<_> = log.lines().collect();
            println!("the end of the log of `{}`:", self.name);
            lines[lines.len().saturating_sub(40)..].iter().for_each(|line| println!("{line}"));
        }
    }
}

impl Answer {
    /// Its results as JSON; panics when they are none.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {}{}", self.stdout, self.stderr))
    }
}

impl Running {
    /// Waits until it says where it is.
    #[must_use]
    pub fn ready(mut self) -> Self {
        let mut lines = BufReader::new(self.child.stdout.take().unwrap()).lines();
        let first = lines.next().map_or_else(String::new, Result::unwrap);
        let url = first.split(' ').find(|word| word.contains("://"));
        self.url = url.unwrap_or_else(|| panic!("the host did not start: {first}")).to_owned();
        self
    }

    /// Where it answers.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Asks it.
    pub fn client(&self) -> Client {
        Client::new(&self.url)
    }

    /// Asks for something that is there.
    pub fn get(&self, path: &str) -> Value {
        let response = self.client().get(path);
        assert_eq!(response.status, 200, "{path}: {}", response.text());
        response.json()
    }

    /// Waits until everything it holds is processed, and gives its status. However much that is: it only has to go on.
    pub fn processed(&self) -> Value {
        let mut status = self.get("/v1/status");
        while status["processed"] != status["accepted"] {
            let before = status["processed"].clone();
            status = eventually("processing to go on", || {
                let status = self.get("/v1/status");
                (status["processed"] != before).then_some(status)
            });
        }
        status
    }

    /// Collects now, through the API.
    pub fn collect(&self, integration: &str) -> Value {
        let response = self.client().post(&format!("/v1/integrations/{integration}/collect"), b"");
        assert_eq!(response.status, 200, "{}", response.text());
        response.json()
    }

    /// Waits until the first collection of an integration has ended.
    pub fn collected(&self, integration: &str) -> Value {
        // Another one of the same folder may have collected before this host started.
        let is_own =
            |run: &Value| run["started_at"].as_str()?.parse().ok().filter(|at: &Timestamp| *at >= self.started_at);
        eventually("the first collection", || {
            let status = self.get("/v1/status");
            let all = status["integrations"].as_array()?;
            let one = all.iter().find(|one| one["name"] == integration)?;
            let run = &one["last_run"];
            is_own(run).filter(|_| !run["finished_at"].is_null()).map(|_| run.clone())
        })
    }

    /// Tells it to end and waits until it has.
    pub fn stop(mut self) -> ExitStatus {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        eventually("the host to end", || self.child.try_wait().unwrap())
    }

    /// Ends it at once, as a loss of power would.
    pub fn kill(mut self) {
        self.end();
    }

    /// Whether it still runs.
    pub fn is_alive(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    fn end(&mut self) {
        // It may have ended by itself.
        drop(self.child.kill());
        drop(self.child.wait());
        if let Some(mut stdout) = self.child.stdout.take() {
            drop(stdout.read_to_end(&mut Vec::new()));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.end();
    }
}
