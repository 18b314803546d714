//! A broken main branch is told to the chat: once, with whom to ask, whatever goes wrong on the way.

use serde_json::{Value, json};
use weir_replay::{Fault, Options, Pushed};
use weir_tests::{Replayed, Running, Weir, until};

fn setup() -> (Replayed, Weir, Running) {
    let replayed = Replayed::new(Options::default());
    let propel = format!(
        r#"
        [[propel]]
        name = "tell-the-team"
        plugin = "propel-notify"
        on = ["build.broken"]
        when = "branch:main"
        settings = {{ branches = ["main"] }}
        connections = {{ chat = {{ url = "{}/chat" }} }}
        "#,
        replayed.url()
    );
    // A propel begins with what happens after it was configured: here with a main branch that is green.
    let weir = Weir::new(&replayed.integration());
    replayed.fix_main();
    assert_eq!(weir.json(&["collect"])["complete"], true);
    weir.configure(&format!("{}{propel}", replayed.integration()));
    weir.run().stop();
    let host = weir.run();
    assert_eq!(host.collected("github")["failures"], json!([]));
    host.processed();
    assert_eq!(messages(&replayed), Vec::<String>::new());
    (replayed, weir, host)
}

fn messages(replayed: &Replayed) -> Vec<String> {
    let text = |message: &String| serde_json::from_str::<Value>(message).unwrap()["text"].as_str().unwrap().to_owned();
    replayed.server().chat_messages().iter().map(text).collect()
}

/// Name of who wrote a commit, as Weir knows it.
fn author(host: &Running, sha: &str) -> String {
    let commit = host.get(&format!("/v1/entities/commit%3A%3A{sha}"));
    commit["document"]["author"]["name"].as_str().unwrap().to_owned()
}

/// Exactly one message, and it names commit and author.
fn check(replayed: &Replayed, host: &Running, pushed: &Pushed) {
    until("a message in the chat", || !messages(replayed).is_empty());
    // Another round of everything: a message sent twice would come now.
    host.collect("github");
    host.processed();
    let told = messages(replayed);
    let [told] = told.as_slice() else { panic!("more than one message: {told:#?}") };
    let sha = pushed.commits.last().unwrap();
    assert!(told.contains(&sha[..8]), "{told} does not name {sha}");
    let author = author(host, sha);
    assert!(told.contains(&author), "{told} does not name {author}");
}

#[test]
fn a_broken_main_is_told_once() {
    let (replayed, _weir, host) = setup();
    let pushed = replayed.break_main(1);
    host.collect("github");
    check(&replayed, &host, &pushed);
    host.stop();
}

#[test]
fn a_chat_that_is_away_is_told_later_and_once() {
    let (replayed, _weir, host) = setup();
    replayed.fail("/chat", Fault::Status(503), 2);
    let pushed = replayed.break_main(1);
    host.collect("github");
    check(&replayed, &host, &pushed);
    host.stop();
}

#[test]
fn a_kill_in_between_changes_nothing() {
    let (replayed, weir, host) = setup();
    replayed.fail("/chat", Fault::Status(503), 4);
    let pushed = replayed.break_main(1);
    host.collect("github");
    until("a first try", || replayed.server().recorder().count("/chat") > 0);
    host.kill();
    assert_eq!(messages(&replayed), Vec::<String>::new());
    let host = weir.run();
    check(&replayed, &host, &pushed);
    host.stop();
}
