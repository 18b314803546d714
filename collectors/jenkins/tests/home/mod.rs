//! Builds small homes in a temporary folder, file by file.

#![allow(dead_code, reason = "each test uses a part of it")]

use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use weir_jenkins::{Home, Report, Seen, Settings};
use weir_protocol::Build;

/// A home that goes away with the test.
pub(crate) struct Fixture {
    dir: TempDir,
}

impl Fixture {
    pub(crate) fn new() -> Self {
        let fixture = Self { dir: tempfile::tempdir().unwrap() };
        fs::create_dir(fixture.path("jobs")).unwrap();
        fixture
    }

    pub(crate) fn root(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn file(&self, name: &str, content: impl AsRef<[u8]>) -> &Self {
        fs::create_dir_all(self.path(name).parent().unwrap()).unwrap();
        fs::write(self.path(name), content).unwrap();
        self
    }

    pub(crate) fn link(&self, name: &str, target: &str) -> &Self {
        std::os::unix::fs::symlink(target, self.path(name)).unwrap();
        self
    }

    pub(crate) fn settings(&self) -> Settings {
        Settings { instance: Some("i".into()), time_zone: Some("Europe/Berlin".into()), ..Settings::new(self.root()) }
    }

    /// What a scan of the home gives.
    pub(crate) fn reports(&self, seen: &mut Seen) -> Vec<Report> {
        let mut reports = Vec::new();
        let home = Home::open(&self.settings()).unwrap();
        home.scan(seen, &mut |report| {
            reports.push(report);
            ControlFlow::Continue(())
        });
        reports
    }

    pub(crate) fn builds(&self) -> Vec<Build> {
        let reports = self.reports(&mut Seen::default());
        reports.iter().map(|report| serde_json::from_slice(&report.json).unwrap()).collect()
    }
}

/// A finished freestyle build with these elements in it.
pub(crate) fn freestyle(inner: &str) -> String {
    format!(
        "<?xml version='1.1' encoding='UTF-8'?>\n<build>{inner}<timestamp>1700000000000</timestamp><result>SUCCESS</result><duration>1000</duration></build>"
    )
}
