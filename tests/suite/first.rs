//! The way of a new user: what the README says, from nothing to a first number of one's own.

use std::time::Instant;

use serde_json::json;
use weir_replay::write_jenkins_home;
use weir_tests::{Weir, company, eventually};

use crate::git;

/// The configuration that `weir init` wrote, with the `#` taken away from the integrations of these names.
fn uncommented(text: &str, names: &[&str]) -> String {
    let mut taken = String::new();
    for part in text.split("\n\n") {
        let is_wanted = names.iter().any(|name| part.contains(&format!("# name      = \"{name}\"")));
        for line in part.lines() {
            let is_setting = line.starts_with("# [[") || line.contains(" = ");
            let line = line.strip_prefix("# ").filter(|_| is_wanted && is_setting).unwrap_or(line);
            taken += &format!("{line}\n");
        }
        taken.push('\n');
    }
    taken
}

#[test]
fn a_jenkins_home_and_a_clone_lead_to_a_number() {
    if !git::is_here() {
        return;
    }
    let weir = Weir::new("");
    write_jenkins_home(&company(), &weir.path("jenkins")).unwrap();
    let clone = weir.path("clones/shop");
    std::fs::create_dir_all(&clone).unwrap();
    git::git(&clone, &["init", "--quiet"]);
    let sha = git::commit(&clone, "1", "Begin");
    let began = Instant::now();
    assert_eq!(weir.command(&["init", "mine.toml"]).code, 0);
    let text = std::fs::read_to_string(weir.path("mine.toml")).unwrap();
    let text = uncommented(&text, &["ci", "git"]);
    let paths = [("/var/lib/jenkins", "jenkins"), ("/srv/git/*", "clones/*"), ("127.0.0.1:7878", "127.0.0.1:0")];
    let text = paths.iter().fold(text, |text, (shown, own)| {
        assert!(text.contains(shown), "{shown}: {text}");
        text.replace(shown, own)
    });
    weir.write("weir.toml", text);
    let check = weir.command(&["check"]);
    assert_eq!(check.code, 0, "{}{}", check.stdout, check.stderr);
    let host = weir.run();
    let number = eventually("a first number", || host.get("/v1/metrics/build-success")["total"]["mean"].as_f64());
    println!("{:.1} s from `weir init` to a first number", began.elapsed().as_secs_f64());
    assert!((0.0..=1.0).contains(&number));
    let found = || host.client().get(&format!("/v1/entities/commit%3A%3A{sha}")).status == 200;
    eventually("the commit of the clone", || found().then_some(()));
    host.stop();
    // The commands that it names work beside it.
    assert_ne!(weir.json(&["search", "kind:build", "--facets", "job,branch"])["total"], json!(0));
    assert_eq!(weir.command(&["metrics", "build-success", "build-duration", "--by", "week"]).code, 0);
}
