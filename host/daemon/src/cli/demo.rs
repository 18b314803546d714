//! `weir demo`: a host on a made-up company, served by a replay of its tools' APIs. Real connectors, real stores.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use weir_model::IntegrationName;
use weir_replay::{Company, Live, Options, Size, TOKEN, Webhooks, serve, write_jenkins_home};

use super::args::{Demo, Scope};
use super::{Answer, access, serve as serving};
use crate::collect::last_runs;
use crate::config::Config;
use crate::error::Fault;
use crate::host::{Host, run};
use crate::query::{self, MetricParams, View};
use crate::{clock, intake};

pub(super) async fn demo(scope: &Scope, asked: &Demo) -> Answer {
    let began = Instant::now();
    let folder =
        tempfile::tempdir().map_err(|error| Fault::host("cannot make a folder for the demo").caused_by(error))?;
    let data_dir = scope.data_dir.clone().unwrap_or_else(|| folder.path().join("data"));
    eprintln!("making up a company (seed {}) ...", asked.seed);
    let company = Company::generate(asked.seed, clock::now().ms(), Size::Demo);
    let counts = company.counts();
    eprintln!(
        "  {} repositories, {} people, {} commits, {} pull requests, {} builds, {} deployments",
        counts.repositories, counts.people, counts.commits, counts.pulls, counts.runs, counts.deployments
    );
    let home = folder.path().join("jenkins");
    write_jenkins_home(&company, &home)
        .map_err(|error| Fault::host("cannot write the demo's Jenkins home").caused_by(error))?;
    let text = configuration(&company, &home, &asked.listen, &data_dir);
    let server = serve(company, options(asked))
        .await
        .map_err(|error| Fault::host("cannot serve the replay").caused_by(error))?;
    let config = Config::parse(
        &text
            .replace("{github}", server.url())
            .replace("{token}", &secret_file(folder.path(), "token", TOKEN)?)
            .replace("{secret}", &secret_file(folder.path(), "secret", WEBHOOK_SECRET)?),
        "demo",
    )?;
    let host = access::stores(config.clone()).await?;
    let running = run(host.clone()).await?;
    println!("dashboard {}", running.url);
    let shown = match collected(&host).await {
        Ok(()) => summary(&host),
        Err(fault) => Err(fault),
    };
    if shown.is_err() || asked.once {
        running.stop().await;
        return shown.map(|()| true);
    }
    println!("ready after {:.1} s; Ctrl-C ends it", began.elapsed().as_secs_f64());
    // Whoever erases ends this host for a while, which nothing may hold then.
    drop(host);
    serving::serve(config, "dashboard", Some(running)).await
}

/// Signs the replayed GitHub's webhooks.
const WEBHOOK_SECRET: &str = "demo-webhook-secret";
/// Time between two things that happen in the company while the demo runs on.
const LIVE_EVERY: Duration = Duration::from_secs(5);

/// While somebody watches, the company works on and GitHub tells by webhook; that needs an address known beforehand.
fn options(asked: &Demo) -> Options {
    let known = !asked.once && !asked.listen.ends_with(":0");
    let url = format!("http://{}/v1/webhooks/github", asked.listen);
    Options {
        live: known.then_some(Live { every: LIVE_EVERY }),
        webhooks: known.then(|| Webhooks { url, secret: WEBHOOK_SECRET.to_owned() }),
        ..Options::default()
    }
}

/// Waits until the host has collected everything once and shows it.
async fn collected(host: &Host) -> Result<(), Fault> {
    let name = IntegrationName::new("github").map_err(|error| Fault::host("a constant name").caused_by(error))?;
    let bar = access::bar("collecting", None);
    let run = loop {
        if let Some(progress) = host.progress(&name) {
            bar.set_message(format!("collecting from the replayed GitHub: {}", progress.dataset));
            bar.set_position(progress.records);
        }
        if let Some(run) = last_runs(&host.account, &name, 1)?.pop().filter(|run| run.finished_at.is_some()) {
            break run;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    bar.finish_and_clear();
    if let Some(failure) = run.failures.first() {
        return Err(Fault::host(format!("the demo could not collect {}: {}", failure.dataset, failure.error)));
    }
    intake::processed(&host.account, host.account.log.last()).await
}

fn summary(host: &Host) -> Result<(), Fault> {
    let status = host.status()?;
    for integration in &status.health.integrations {
        println!("  {:<10} {} records, {}", integration.name, integration.records, integration.state);
    }
    for name in ["deployment-frequency", "change-lead-time", "change-fail-rate", "build-success"] {
        let answer = query::metric(&View::whole(&host.account), name, &MetricParams::default())?;
        println!("  {name:<22} n {:<6} {}", answer.total.n, answer.definition);
    }
    Ok(())
}

fn secret_file(folder: &Path, name: &str, secret: &str) -> Result<String, Fault> {
    let path = folder.join(name);
    std::fs::write(&path, secret).map_err(|error| Fault::host("cannot write the demo's secrets").caused_by(error))?;
    Ok(path.display().to_string())
}

fn configuration(company: &Company, home: &Path, listen: &str, data_dir: &Path) -> String {
    let [home, data_dir] = [home, data_dir].map(|path| path.display().to_string());
    let quoted = |texts: &[String]| texts.iter().map(|text| format!("{text:?}")).collect::<Vec<_>>().join(", ");
    let teams: BTreeMap<&'static str, (Vec<String>, Vec<String>)> = company.teams();
    let team = |(name, (projects, people)): (&&'static str, &(Vec<String>, Vec<String>))| {
        format!("[[team]]\nname = {name:?}\nprojects = [{}]\npeople = [{}]\n", quoted(projects), quoted(people))
    };
    let teams: String = teams.iter().map(team).collect();
    format!(
        r#"
        [host]
        name = "demo"
        listen = {listen:?}
        data_dir = {data_dir:?}
        account = "demo"
        [[integration]]
        name = "github"
        plugin = "connector-github"
        every = "1m"
        settings = {{ repositories = [{}] }}
        [integration.connection]
        url = "{{github}}"
        auth = {{ kind = "bearer", token = {{ file = "{{token}}" }} }}
        [integration.webhook]
        scheme = "github"
        secret = {{ file = "{{secret}}" }}
        [[integration]]
        name = "jenkins"
        collector = "jenkins-home"
        settings = {{ home = {home:?}, deployments = ["deploy-*", "**/deploy-*"] }}
        [[propel]]
        name = "tell-the-team"
        plugin = "propel-notify"
        on = ["build.broken"]
        when = "branch:main"
        settings = {{ branches = ["main"] }}
        connections = {{ chat = {{ url = "{{github}}/chat" }} }}
        {teams}
        "#,
        quoted(&company.repository_names())
    )
}
