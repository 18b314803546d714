//! Notes: written by rules and people beside an entity, read by all who see it, gone when it is.

use serde_json::{Value, json};
use weir_tests::{Receiver, Running, Weir, encoded, until};

use crate::events::{build, push};

/// Id of the build with number 2, once it is there.
fn red(host: &Running) -> String {
    let found = host.get("/v1/search?q=kind%3Abuild%20number%3A2");
    found["hits"][0]["id"].as_str().unwrap().to_owned()
}

fn notes(host: &Running) -> Vec<(String, String, String)> {
    let notes = host.get(&format!("/v1/entities/{}/notes", encoded(&red(host))));
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let by = |note: &Value| {
        if note["propel"].is_null() { text(&note["user"]) } else { format!("propel {}", text(&note["propel"])) }
    };
    notes["notes"].as_array().unwrap().iter().map(|note| (text(&note["name"]), by(note), text(&note["text"]))).collect()
}

fn note(name: &str, by: &str, text: &str) -> (String, String, String) {
    (name.to_owned(), by.to_owned(), text.to_owned())
}

#[test]
fn a_rule_notes_what_a_tool_answered() {
    let receiver = Receiver::new();
    receiver.answer("POST /incidents", r#"{"number": 42}"#);
    let rule = r#"
        [[rule]]
        name = "incident"
        on = ["build.finished"]
        when = "result:failure"
        connections = { pager = { url = "{url}" } }
        [[rule.do]]
        call = "pager"
        path = "/incidents"
        json = { title = "{{ entity.job }} is broken" }
        [[rule.then]]
        if = "report.done"
        note = "Incident {{ report.body.number }} was opened for {{ entity.job }}, status {{ report.status }}."
        [[rule.then]]
        note = "{{ notes(entity.id) | length }} known"
        name = "count"
        about = "{{ entity.id }}"
    "#;
    let weir = Weir::new(&rule.replace("{url}", receiver.url()));
    let host = weir.run();
    push(&host, &[build(1, "success"), build(2, "failure")]);
    host.processed();
    until("both notes", || notes(&host).len() == 2);
    let mut told = notes(&host);
    told.sort();
    assert_eq!(
        told,
        [
            note("count", "propel incident", "0 known"),
            note("incident", "propel incident", "Incident 42 was opened for shop, status 200."),
        ]
    );
    assert_eq!(receiver.bodies("/incidents").len(), 1, "what answers ask for is not reported again");
    let shown = weir.command(&["show", &red(&host)]).stdout;
    assert!(shown.contains("of propel incident") && shown.contains("Incident 42"), "{shown}");
    host.stop();
}

#[test]
fn people_write_replace_and_take_away() {
    let weir = Weir::new("");
    let host = weir.run();
    let failed = build(2, "failure");
    push(&host, std::slice::from_ref(&failed));
    host.processed();
    let id = red(&host);
    let path = format!("/v1/entities/{}/notes", encoded(&id));
    let write = |body: Value| host.client().post(&path, body.to_string().as_bytes());
    assert_eq!(write(json!({ "text": "a disk was full", "name": "why" })).status, 200);
    assert_eq!(weir.command(&["note", &id, "a disk was full of <logs>", "--name", "why"]).code, 0);
    assert_eq!(
        notes(&host).into_iter().map(|(name, _, text)| (name, text)).collect::<Vec<_>>(),
        [("why".to_owned(), "a disk was full of <logs>".to_owned())]
    );
    // Without a name each is a note of its own.
    assert_eq!(write(json!({ "text": "again" })).status, 200);
    assert_eq!(notes(&host).len(), 2);
    // What cannot be written is refused, and says why.
    for (body, wanted) in [
        (json!({ "text": "x".repeat(5_000) }), 400),
        (json!({ "words": "x" }), 400),
        (json!({ "text": "x", "name": "" }), 400),
    ] {
        let answer = write(body);
        assert_eq!(answer.status, wanted, "{}", answer.text());
    }
    let nobody = host.client().post("/v1/entities/build%3Apush%3Anone/notes", br#"{"text": "x"}"#);
    assert_eq!(nobody.status, 404);
    assert_eq!(host.client().try_send("DELETE", &format!("{path}/why"), b"").unwrap().status, 200);
    assert_eq!(notes(&host).len(), 1);
    let audited = host.get("/v1/audit?action=note.write");
    assert_eq!(audited["entries"].as_array().unwrap().len(), 4, "{audited}");
    host.stop();
    // What is written while no host runs is in the audit log as well.
    for text in ["while it was off", ""] {
        assert_eq!(weir.command(&["note", &id, text, "--name", "off"]).code, 0);
    }
    assert_eq!(weir.command(&["note", "build:push:none", "x"]).code, 2);
    let audited = weir.json(&["audit", "list", "--action", "note.write"]);
    assert_eq!(audited["entries"].as_array().unwrap().len(), 6, "{audited}");
    // They are where they were after a restart, go out with an export, and go when the entity does.
    let host = weir.run();
    assert_eq!(notes(&host).len(), 1);
    assert_eq!(weir.command(&["export", "--to", "out"]).code, 0);
    host.stop();
    let other = Weir::named("other", "");
    let copy = weir.path("out");
    assert_eq!(other.command(&["import", copy.to_str().unwrap()]).code, 0);
    let there = other.run();
    assert_eq!(notes(&there).len(), 1);
    there.stop();
    weir.json(&["erase", "--integration", "push"]);
    let host = weir.run();
    host.processed();
    assert_eq!(host.client().get(&path).status, 404);
    push(&host, &[failed]);
    assert_eq!((red(&host), notes(&host)), (id, Vec::new()));
    host.stop();
}
