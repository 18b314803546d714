//! The replayed tool as a process of its own, so that its CPU is not counted.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};

use weir_replay::{Company, Options, Size, TOKEN, serve};

/// End of the company's history.
const END_MS: i64 = 1_772_809_200_000;

/// A served company.
pub(crate) struct Served {
    child: Child,
    pub(crate) url: String,
    pub(crate) repositories: Vec<String>,
}

impl Served {
    /// One repository with `n` issues.
    pub(crate) fn issues(n: usize) -> Self {
        Self::start(&n.to_string())
    }

    /// The company of the demo.
    pub(crate) fn demo() -> Self {
        Self::start("demo")
    }

    fn start(what: &str) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        let mut child = command.args(["serve", what]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let url = lines.next().unwrap();
        let repositories = lines.next().unwrap().split(' ').map(str::to_owned).collect();
        Self { child, url, repositories }
    }

    /// `[[integration]]` that reads these datasets of it.
    pub(crate) fn integration(&self, datasets: &[&str]) -> String {
        let Self { url, repositories, .. } = self;
        format!(
            "[[integration]]\nname = \"github\"\nplugin = \"connector-github\"\nevery = \"1h\"\n\
            settings = {{ repositories = {repositories:?}, datasets = {datasets:?} }}\n\
            [integration.connection]\nurl = \"{url}\"\n\
            auth = {{ kind = \"bearer\", token = {{ env = \"REPLAY_TOKEN\" }} }}\n"
        )
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// The role: serves until the one who started it is gone.
pub(crate) fn serve_until_told(arguments: &[String]) {
    let company = match arguments[0].parse() {
        Ok(n) => Company::issues(n),
        Err(_) => Company::generate(7, END_MS, Size::Demo),
    };
    let repositories = company.repository_names();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let options = Options { remember: true, quota: 10_000_000, ..Options::default() };
    let server = runtime.block_on(serve(company, options)).unwrap();
    println!("{}\n{}", server.url(), repositories.join(" "));
    drop(std::io::stdin().read_to_end(&mut Vec::new()));
}

/// The token every request to it needs.
pub(crate) const SECRET: &str = TOKEN;
