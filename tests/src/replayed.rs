//! The replayed company, served on a runtime of its own, so that tests are plain code.

use tokio::runtime::{Builder, Runtime};
use weir_replay::{Company, Counts, Fault, Options, Pushed, Server, Size, serve};

/// End of the company's history.
pub const END_MS: i64 = 1_772_809_200_000;

/// The company of most tests: three repositories over four weeks.
pub fn company() -> Company {
    Company::generate(5, END_MS, Size::Small)
}

/// A served company.
#[derive(Debug)]
pub struct Replayed {
    runtime: Runtime,
    server: Server,
    repositories: Vec<String>,
    built_here: Vec<String>,
}

impl Replayed {
    /// Serves the company.
    pub fn new(options: Options) -> Self {
        let company = company();
        let repositories = company.repository_names();
        let elsewhere = company.jenkins_repository();
        let built_here = repositories.iter().filter(|name| elsewhere.as_ref() != Some(name)).cloned().collect();
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let server = runtime.block_on(serve(company, options)).unwrap();
        Self { runtime, server, repositories, built_here }
    }

    /// The server.
    pub fn server(&self) -> &Server {
        &self.server
    }

    /// Root of the API.
    pub fn url(&self) -> &str {
        self.server.url()
    }

    /// How much the company has.
    pub fn counts(&self) -> Counts {
        self.server.counts()
    }

    /// A repository that is built on GitHub.
    pub fn repository(&self) -> &str {
        &self.built_here[0]
    }

    /// Makes a fault.
    pub fn fail(&self, part: &str, fault: Fault, times: u32) {
        self.server.fail(part, fault, times);
    }

    /// Pushes commits to main whose build is red.
    pub fn break_main(&self, n_commits: usize) -> Pushed {
        self.runtime.block_on(self.server.break_main(self.repository(), n_commits)).unwrap()
    }

    /// Pushes a commit to main whose build is green.
    pub fn fix_main(&self) -> Pushed {
        self.runtime.block_on(self.server.fix_main(self.repository())).unwrap()
    }

    /// Takes the newest issue of the repository out of the world; its number.
    pub fn delete_issue(&self) -> u64 {
        self.server().delete_issue(self.repository()).expect("the repository has issues")
    }

    /// Lets something happen.
    pub fn step(&self) {
        self.runtime.block_on(self.server.step());
    }

    /// The integration that collects it, as text of the configuration.
    pub fn integration(&self) -> String {
        let (url, repositories) = (self.url(), &self.repositories);
        format!(
            r#"
            [[integration]]
            name = "github"
            plugin = "connector-github"
            every = "1h"
            settings = {{ repositories = {repositories:?} }}
            [integration.connection]
            url = "{url}"
            auth = {{ kind = "bearer", token = {{ env = "REPLAY_TOKEN" }} }}
            "#
        )
    }
}
