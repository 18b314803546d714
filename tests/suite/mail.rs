//! Mail through a relay: once, to whom it may go, from rules and from plugins.

use serde_json::json;
use weir_tests::{Mailbox, Running, Weir, until};

fn connection(mailbox: &Mailbox) -> String {
    format!(
        r#"connections = {{ mail = {{ url = "{}", from = "Weir <weir@example.com>", to = ["team@example.com", "*@acme.example"] }} }}"#,
        mailbox.url()
    )
}

fn push(host: &Running, number: u32) {
    let build = json!({
        "instance_name": "ci", "job_full_name": "shop", "build_number": number, "result": "failure", "branch": "main",
        "start_time": jiff::Timestamp::now().to_string(),
    });
    assert_eq!(host.client().post("/v1/builds", json!([build]).to_string().as_bytes()).status, 202);
}

#[test]
fn a_rule_writes_to_the_team_and_to_those_it_names() {
    let mailbox = Mailbox::new(2);
    let rule = format!(
        r##"
        [[rule]]
        name = "tell"
        on = ["build.finished"]
        {}
        [[rule.do]]
        notify = "mail"
        title = "{{{{ entity.job }}}} #{{{{ entity.number }}}} ist kaputt, schön"
        text = ".\nSo it is."
        url = "https://ci.example/7"
        [[rule.do]]
        notify = "mail"
        text = "For you."
        to = ["ana@acme.example", "ana"]
        [[rule.do]]
        notify = "mail"
        text = "Not for you."
        to = "eve@elsewhere.example"
        "##,
        connection(&mailbox)
    );
    let weir = Weir::new(&rule);
    let host = weir.run();
    push(&host, 7);
    until("two letters", || mailbox.letters().len() == 2);
    assert!(mailbox.is_ready(), "it was busy before");
    let mut letters = mailbox.letters();
    letters.sort_by(|a, b| a.to.cmp(&b.to));
    assert_eq!(letters[0].to, ["ana@acme.example"]);
    let team = &letters[1];
    assert_eq!(team.to, ["team@example.com"]);
    assert_eq!(team.header("From"), Some("Weir <weir@example.com>"));
    assert_eq!(team.header("Auto-Submitted"), Some("auto-generated"));
    assert!(team.header("Message-ID").is_some_and(|id| id.starts_with("<weir.") && id.ends_with("@example.com>")));
    assert!(team.text.ends_with("\n.\nSo it is.\nhttps://ci.example/7\n"), "{}", team.text);
    until("the refusal", || {
        let runs = host.get("/v1/propels/runs?propel=tell");
        let actions = runs["runs"][0]["actions"].as_array().unwrap().clone();
        actions.iter().any(|it| it["result"]["detail"].as_str().is_some_and(|it| it.contains("not among those")))
    });
    host.stop();
}

#[test]
fn a_plugin_tells_by_mail() {
    let mailbox = Mailbox::new(0);
    let propel = format!(
        r#"
        [[propel]]
        name = "report"
        plugin = "propel-hygiene"
        every = "1s"
        settings = {{ channel = "mail", checks = {{ "red builds" = "kind:build AND result:failure" }} }}
        {}
        "#,
        connection(&mailbox)
    );
    let weir = Weir::new(&propel);
    let host = weir.run();
    push(&host, 8);
    until("a report", || !mailbox.letters().is_empty());
    let letter = mailbox.letters().remove(0);
    assert_eq!(
        (letter.header("Subject"), letter.to.as_slice()),
        (Some("What needs care"), &["team@example.com".to_owned()][..])
    );
    assert!(letter.text.contains("1 red builds"), "{}", letter.text);
    host.stop();
}

#[test]
fn what_cannot_be_mail_is_told_before_it_runs() {
    let cases = [
        (r#"{ url = "smtp://127.0.0.1" }"#, "has no sender"),
        (r#"{ url = "https://chat.example.com", to = ["a@b.example"] }"#, "is no mail"),
        (
            r#"{ url = "smtp://x.example", from = "a@b.example", auth = { kind = "bearer", token = { env = "HOOK_SECRET" } } }"#,
            "no relay takes",
        ),
    ];
    for (connection, expected) in cases {
        let config = format!(
            "[[rule]]\nname = \"r\"\non = [\"a.b\"]\nconnections = {{ mail = {connection} }}\ndo = [{{ notify = \"mail\", text = \"x\" }}]\n"
        );
        let answer = Weir::new(&config).command(&["check"]);
        assert!(answer.code == 2 && answer.stderr.contains(expected), "{connection}: {}", answer.stderr);
    }
    let called = "[[rule]]\nname = \"r\"\non = [\"a.b\"]\nconnections = { mail = { url = \"smtp://x.example\", from = \"a@b.example\" } }\ndo = [{ call = \"mail\" }]\n";
    let answer = Weir::new(called).command(&["check"]);
    assert!(answer.stderr.contains("takes no requests"), "{}", answer.stderr);
}
