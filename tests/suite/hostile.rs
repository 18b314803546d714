//! Propels that misbehave as plugins can: contained, named, put to rest, and in nobody's way.

use std::time::Instant;

use serde_json::{Value, json};
use weir_tests::{Receiver, Running, Weir, until};

use crate::events::{build, push};
use crate::guests::Guest;

/// What each of them does.
const BAD: [(&str, &str); 5] = [
    ("loops", r#"do = "spin""#),
    ("leaks", r#"do = "allocate""#),
    ("fails", r#"do = "panic""#),
    ("digs", r#"do = "recurse""#),
    ("chats", r#"do = "log", n = 1000, size = 10000"#),
];
/// Propels that only tell.
const GOOD: usize = 5;
const BUILDS: u32 = 40;

fn config(receiver: &Receiver) -> String {
    let bad = BAD.map(|(name, settings)| {
        format!(
            "[[propel]]\nname = \"{name}\"\nplugin = \"hostile-propel\"\non = [\"build.finished\"]\nattempts = 1\nsettings = {{ {settings} }}\n\n"
        )
    });
    let good = (0..GOOD).map(|number| {
        let url = receiver.url();
        format!("[[subscription]]\nname = \"good{number}\"\non = [\"build.finished\"]\nto = {{ url = \"{url}/good{number}\" }}\n\n")
    });
    ["plugins = \"plugins\"\n".to_owned()].into_iter().chain(bad).chain(good).collect()
}

fn states(host: &Running) -> Vec<(String, Value)> {
    let propels = host.get("/v1/propels");
    let state = |propel: &Value| (propel["name"].as_str().unwrap().to_owned(), propel.clone());
    propels["propels"].as_array().unwrap().iter().map(state).collect()
}

#[test]
fn plugins_that_misbehave_are_named_and_hold_up_no_other() {
    let receiver = Receiver::new();
    let weir = Weir::new(&config(&receiver));
    weir.write("plugins/hostile-propel.wasm", Guest::Propel.wasm());
    let host = weir.run();
    let began = Instant::now();
    for round in 0..BUILDS / 2 {
        push(&host, &[build(u64::from(round) * 2 + 1, "success"), build(u64::from(round) * 2 + 2, "failure")]);
    }
    let told = || (0..GOOD).map(|number| receiver.bodies(&format!("/good{number}")).len()).collect::<Vec<_>>();
    until("the good ones", || told() == [BUILDS as usize; GOOD]);
    println!(
        "{GOOD} propels told of {BUILDS} events each within {:?}, beside {} that misbehave",
        began.elapsed(),
        BAD.len()
    );
    let asked = Instant::now();
    assert_eq!(host.get("/v1/search?q=kind%3Abuild")["total"], json!(BUILDS));
    println!("a search meanwhile took {:?}", asked.elapsed());
    until("all that is bad to be named and at rest", || {
        states(&host).iter().all(|(name, propel)| match name.as_str() {
            name if name.starts_with("good") => propel["state"] == "healthy",
            // Whoever only talks does no harm: what is too much is dropped.
            "chats" => propel["state"] != "failing" && propel["runs"].as_u64() >= Some(u64::from(BUILDS)),
            _ => propel["state"] == "failing" && !propel["resting_until"].is_null(),
        })
    });
    let why = |name: &str| {
        let (_, propel) = states(&host).into_iter().find(|(known, _)| known == name).unwrap();
        propel["last_error"].as_str().unwrap().to_owned()
    };
    assert!(why("loops").contains("CPU"), "{}", why("loops"));
    assert!(why("leaks").contains("memory"), "{}", why("leaks"));
    assert!(why("fails").contains("crashed"), "{}", why("fails"));
    let talked = host.get("/v1/propels/runs?propel=chats&limit=1");
    let log = talked["runs"][0]["log"].as_array().unwrap();
    assert!(log.iter().all(|line| line.as_str().unwrap().len() <= 4 << 10), "{talked}");
    // Nothing was told twice on the way.
    assert_eq!(told(), [BUILDS as usize; GOOD]);
    assert!(weir.log().len() < 4 << 20, "the log is flooded: {} bytes", weir.log().len());
    host.stop();
}
