//! A real Buildbot, from PyPI: what it pushes and what it is polled for are the same two builds. Skipped, aloud, where
//! there is no Python or PyPI.

use std::fs::File;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};

use serde_json::{Value, json};
use tempfile::TempDir;
use weir_tests::{Client, Running, Weir, encoded, ends_well, eventually, python_programs};

use crate::hooks::SECRET;

/// Builder of the master.
const BUILDER: &str = "unit tests/linux";

#[test]
fn what_it_pushes_and_what_it_is_polled_for_are_the_same_builds() {
    let Some(programs) = python_programs("buildbot", "buildbot[bundle]") else { return };
    let lab = Lab::new();
    let weir = Weir::new(&integration(lab.port));
    let host = weir.run();
    let master = Master::start(&programs, &lab, &host);
    let good = master.builds(&lab, "exit 0", 1);
    let bad = master.builds(&lab, "exit 1", 2);
    let pushed = eventually("both pushes", || finished(&host));
    assert_eq!(pushed.len(), 2, "{pushed:#?}");
    // One when a build begins and one when it is over.
    let status = host.get("/v1/status");
    assert_eq!(status["webhooks"][0]["taken"], 4, "{status}");
    let polled = host.collect("buildbot");
    assert_eq!(polled["failures"], json!([]), "{polled}");
    host.processed();
    assert_eq!(host.get("/v1/search?q=kind:build")["total"], 2);
    check(&host, &master, 1, &good, "success");
    check(&host, &master, 2, &bad, "failure");
    let again = host.collect("buildbot");
    assert_eq!(again["failures"], json!([]), "{again}");
    host.processed();
    assert_eq!(host.get("/v1/search?q=kind:build")["total"], 2);
}

/// The builds that are over, once there are two of them.
fn finished(host: &Running) -> Option<Vec<Value>> {
    let found = host.get("/v1/search?q=kind:build");
    let hits = found["hits"].as_array()?;
    let over: Vec<Value> = hits.iter().filter(|hit| !hit["result"].is_null()).cloned().collect();
    (over.len() >= 2).then_some(over)
}

/// What Weir knows of a build, against what Buildbot says itself.
fn check(host: &Running, master: &Master, id: u64, revision: &str, result: &str) {
    let entity = host.get(&format!("/v1/entities/{}", encoded(&format!("build:buildbot:{id}"))));
    let build = &entity["document"];
    assert_eq!((&build["job"], &build["number"]), (&json!(BUILDER), &json!(id)), "{entity:#}");
    assert_eq!((&build["state"], &build["result"]), (&json!("finished"), &json!(result)), "{entity:#}");
    assert_eq!(build["checkouts"][0]["commit"], revision, "{entity:#}");
    assert!(build["commits"].as_array().is_some_and(|commits| commits.contains(&json!(revision))), "{entity:#}");
    assert_eq!(build["worker"], "local", "{entity:#}");
    let said = &master.get(&format!("/api/v2/builds/{id}"))["builds"][0];
    let requests = master.get("/api/v2/buildrequests");
    let request = requests["buildrequests"].as_array().unwrap().iter();
    let request = request.clone().find(|request| request["buildrequestid"] == said["buildrequestid"]).unwrap();
    assert_eq!(seconds(&build["queued_at"]), request["submitted_at"], "{entity:#}");
    assert_eq!(seconds(&build["started_at"]), said["started_at"], "{entity:#}");
    assert_eq!(seconds(&build["finished_at"]), said["complete_at"], "{entity:#}");
    let steps = master.get(&format!("/api/v2/builds/{id}/steps"));
    let names = |list: &Value| list.as_array().unwrap().iter().map(|one| one["name"].clone()).collect::<Vec<_>>();
    assert_eq!(names(&build["stages"]), names(&steps["steps"]), "{entity:#}");
    let test = build["stages"].as_array().unwrap().iter().find(|stage| stage["name"] == "test").unwrap();
    assert_eq!(test["result"], result, "{entity:#}");
}

/// Epoch seconds of an instant.
fn seconds(instant: &Value) -> Value {
    let instant: weir_model::Timestamp = instant.as_str().unwrap().parse().unwrap();
    json!(instant.ms() / 1_000)
}

fn integration(port: u16) -> String {
    format!(
        r#"
        [[integration]]
        name = "buildbot"
        plugin = "connector-buildbot"
        every = "1h"
        [integration.connection]
        url = "http://127.0.0.1:{port}"
        [integration.webhook]
        scheme = "azure-devops"
        secret = {{ env = "HOOK_SECRET" }}
        "#
    )
}

/// A folder with a repository, and a port nobody uses.
struct Lab {
    folder: TempDir,
    port: u16,
}

impl Lab {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let lab = Self { folder, port };
        std::fs::create_dir(lab.repository()).unwrap();
        lab.git(&["init", "--quiet", "--initial-branch", "main"]);
        lab
    }

    fn repository(&self) -> PathBuf {
        self.folder.path().join("repository")
    }

    fn git(&self, arguments: &[&str]) -> String {
        let mut git = Command::new("git");
        git.current_dir(self.repository()).args(["-c", "user.name=Ana", "-c", "user.email=ana@acme.example"]);
        let output = git.args(arguments).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// Commits a test and gives the commit's id.
    fn commit(&self, test: &str) -> String {
        std::fs::write(self.repository().join("test.sh"), test).unwrap();
        self.git(&["add", "test.sh"]);
        self.git(&["commit", "--quiet", "--message", test]);
        self.git(&["rev-parse", "HEAD"])
    }
}

/// A running master with a worker inside. Dropping it kills it.
struct Master {
    child: Child,
    client: Client,
}

impl Master {
    fn start(programs: &Path, lab: &Lab, host: &Running) -> Self {
        let folder = lab.folder.path().join("master");
        let buildbot = || Command::new(programs.join("buildbot"));
        assert!(ends_well(buildbot().args(["create-master", "--quiet"]).arg(&folder)), "no master");
        std::fs::write(folder.join("master.cfg"), configuration(lab, host)).unwrap();
        let log = File::create(folder.join("out")).unwrap();
        let mut start = buildbot();
        start.args(["start", "--nodaemon"]).arg(&folder).stdout(log.try_clone().unwrap()).stderr(log);
        let child = start.spawn().unwrap();
        let master = Self { child, client: Client::new(&format!("http://127.0.0.1:{}", lab.port)) };
        eventually("the master", || master.asked("/api/v2/builders").filter(|found| found["meta"]["total"] == 1));
        master
    }

    fn asked(&self, path: &str) -> Option<Value> {
        let answer = self.client.try_send("GET", path, b"").ok()?;
        serde_json::from_slice(&answer.body).ok()
    }

    fn get(&self, path: &str) -> Value {
        self.asked(path).unwrap_or_else(|| panic!("no answer to {path}"))
    }

    /// Commits a test, tells the master of it and waits until the build with that id is over. Gives the commit's id.
    fn builds(&self, lab: &Lab, test: &str, id: u64) -> String {
        let revision = lab.commit(test);
        let repository = lab.repository();
        let form = [
            ("revision", revision.as_str()),
            ("repository", repository.to_str().unwrap()),
            ("branch", "main"),
            ("author", "Ana <ana@acme.example>"),
            ("comments", test),
            ("files", r#"["test.sh"]"#),
        ];
        let form = form.map(|(name, value)| format!("{name}={}", encoded(value))).join("&");
        let client = self.client.with("content-type", "application/x-www-form-urlencoded");
        assert_eq!(client.post("/change_hook/base", form.as_bytes()).status, 200);
        eventually("the build", || {
            let found = self.asked(&format!("/api/v2/builds/{id}"))?;
            (found["builds"][0]["complete"] == true).then_some(())
        });
        revision
    }
}

impl Drop for Master {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn configuration(lab: &Lab, host: &Running) -> String {
    let (repository, port, weir) = (lab.repository(), lab.port, host.url());
    let repository = repository.display();
    format!(
        r#"
from buildbot.plugins import *

c = BuildmasterConfig = {{}}
c["workers"] = [worker.LocalWorker("local")]
c["protocols"] = {{"null": {{}}}}
factory = util.BuildFactory([
    steps.Git(repourl="{repository}", mode="full"),
    steps.ShellCommand(name="test", command=["sh", "test.sh"]),
])
c["builders"] = [util.BuilderConfig(name="{BUILDER}", workernames=["local"], factory=factory, tags=["ci"])]
c["schedulers"] = [schedulers.AnyBranchScheduler(name="all", builderNames=["{BUILDER}"], treeStableTimer=None)]
c["services"] = [reporters.HttpStatusPush(serverUrl="{weir}/v1/webhooks/buildbot", auth=("weir", "{SECRET}"))]
c["title"], c["titleURL"], c["buildbotURL"] = "lab", "http://127.0.0.1:{port}/", "http://127.0.0.1:{port}/"
c["www"] = {{"port": "tcp:{port}:interface=127.0.0.1", "plugins": {{}}, "change_hook_dialects": {{"base": True}}}}
c["db"] = {{"db_url": "sqlite:///state.sqlite"}}
c["buildbotNetUsageData"] = None
"#
    )
}
