//! The recipes of `docs/AUTOMATIONS.md`, each as it stands there but for its addresses and its time.

use serde_json::{Value, json};
use weir_tests::{Mailbox, Receiver, Running, Weir, until};

/// The TOML of a section of the page.
fn recipe(section: &str) -> String {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/AUTOMATIONS.md")).unwrap();
    let section = page.split("\n## ").find(|part| part.starts_with(&format!("{section}\n"))).unwrap();
    section.split("```toml\n").nth(1).unwrap().split("```").next().unwrap().to_owned()
}

/// A host with a recipe, its addresses replaced.
fn host(section: &str, addresses: &[(&str, &str)]) -> (Weir, Running) {
    let replaced = addresses.iter().fold(recipe(section), |recipe, (from, to)| {
        assert!(recipe.contains(from), "{section} has no {from}");
        recipe.replace(from, to)
    });
    let weir = Weir::new(&replaced);
    let host = weir.run();
    (weir, host)
}

fn push(host: &Running, job: &str, number: u32, result: &str) {
    let now = jiff::Timestamp::now().to_string();
    let build = json!({
        "instance_name": "ci", "job_full_name": job, "build_number": number, "result": result, "branch": "main",
        "start_time": now, "end_time": now,
    });
    assert_eq!(host.client().post("/v1/builds", json!([build]).to_string().as_bytes()).status, 202);
    host.processed();
}

/// Runs a propel that waits for its time, and waits for all it does.
fn run(weir: &Weir, host: &Running, name: &str) {
    let asked = weir.json(&["propel", "run", name]);
    let id = asked["runs"][0]["id"].as_str().unwrap().to_owned();
    until("the run and its actions", || {
        let run = host.get(&format!("/v1/propels/runs/{id}"));
        assert_ne!(run["state"], "failed", "{run}");
        run["state"] == "done" && run["actions"].as_array().unwrap().iter().all(|it| it["result"]["done"] == true)
    });
}

#[test]
fn a_nudge_is_given_once_for_each_thing() {
    let receiver = Receiver::new();
    let (weir, host) = host("Nudge", &[("https://tracker.example.com", receiver.url())]);
    push(&host, "shop", 1, "failure");
    push(&host, "shop", 2, "failure");
    push(&host, "cart", 1, "success");
    run(&weir, &host, "nudge");
    // Two comments on one place may have crossed; another run looks for both.
    let told = || receiver.bodies("/jobs/shop/comments").len();
    assert_eq!(told(), 2);
    run(&weir, &host, "nudge");
    assert_eq!(told(), 2);
    assert!(receiver.bodies("/jobs/cart/comments").is_empty());
    host.stop();
}

#[test]
fn a_report_comes_by_mail() {
    let mailbox = Mailbox::new(0);
    let (weir, host) = host("Report", &[("smtps://mail.example.com", &mailbox.url())]);
    push(&host, "shop", 1, "failure");
    push(&host, "shop", 2, "success");
    run(&weir, &host, "report");
    let letters = mailbox.letters();
    let [letter] = letters.as_slice() else { panic!("{letters:#?}") };
    assert_eq!(letter.header("Subject"), Some("1 builds failed"));
    assert!(letter.text.contains("- shop #1\nSuccess rate: "), "{}", letter.text);
    host.stop();
}

#[test]
fn a_table_follows_what_happens() {
    let (_weir, host) = host("Table", &[]);
    let rows = || host.get("/v1/tables/red-jobs")["rows"].clone();
    push(&host, "shop", 1, "failure");
    until("a row", || rows()[0]["number"] == 1);
    push(&host, "shop", 2, "success");
    until("no row", || rows() == json!([]));
    host.stop();
}

#[test]
fn a_tool_without_a_connector_is_read() {
    let receiver = Receiver::new();
    receiver.answer(
        "/api/runs",
        r#"{"runs": [{"id": 7, "pipeline": "legacy", "outcome": "failure", "began": "2026-03-02T10:00:00Z"}]}"#,
    );
    let weir = Weir::new("");
    // Its own address is known when it listens.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let own = format!("http://127.0.0.1:{port}");
    let recipe = recipe("Connector").replace("https://ci.example.com", receiver.url());
    weir.configure(&recipe.replace("https://weir.example.com", &own));
    let config = std::fs::read_to_string(weir.path("weir.toml")).unwrap();
    weir.write("weir.toml", config.replace("127.0.0.1:0", &format!("127.0.0.1:{port}")));
    let host = weir.run();
    run(&weir, &host, "connector");
    run(&weir, &host, "connector");
    host.processed();
    let found: Value = host.get("/v1/search?q=kind%3Abuild%20job%3Alegacy");
    assert_eq!((&found["total"], &found["hits"][0]["number"]), (&json!(1), &json!(7)), "{found}");
    host.stop();
}

#[test]
fn a_gate_looks_at_what_is_known() {
    let (weir, host) = host("Gate", &[]);
    let asked = || weir.command(&["gate", "deploy", "--environment", "production"]).code;
    assert_eq!(asked(), 0);
    push(&host, "shop", 1, "failure");
    assert_eq!(asked(), 1);
    host.stop();
}

#[test]
fn what_is_new_is_provided_for_once() {
    let receiver = Receiver::new();
    let (_weir, host) = host("Provisioning", &[("https://admin.example.com", receiver.url())]);
    push(&host, "shop", 1, "success");
    until("a channel", || receiver.bodies("/channels") == [r#"{"name":"ci-shop"}"#]);
    push(&host, "shop", 2, "success");
    push(&host, "cart", 1, "success");
    until("the other", || receiver.bodies("/channels").len() >= 2);
    assert_eq!(receiver.bodies("/channels"), [r#"{"name":"ci-shop"}"#, r#"{"name":"ci-cart"}"#]);
    host.stop();
}
