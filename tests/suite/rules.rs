//! Rules against the whole binary: what starts them, what they do, and that each effect happens once.

use serde_json::{Value, json};
use weir_tests::{Receiver, Running, Weir, until};

/// A host with rules; `{url}` in them is where the receiver listens.
fn setup(rules: &str) -> (Receiver, Weir, Running) {
    let receiver = Receiver::new();
    let weir = Weir::new(&rules.replace("{url}", receiver.url()));
    let host = weir.run();
    (receiver, weir, host)
}

fn build(number: u32, result: &str) -> Value {
    // Reactions begin with what happens after they were configured.
    let now = jiff::Timestamp::now();
    let at = |seconds: i64| (now + jiff::SignedDuration::from_secs(seconds)).to_string();
    json!({
        "instance_name": "ci", "job_full_name": "shop", "build_number": number, "result": result, "branch": "main",
        "start_time": at(0), "end_time": at(1),
    })
}

fn push(host: &Running, builds: &[Value]) {
    let answer = host.client().post("/v1/builds", Value::from(builds).to_string().as_bytes());
    assert_eq!(answer.status, 202, "{}", answer.text());
    host.processed();
}

const CHAT: &str = r#"connections = { chat = { url = "{url}", auth = { kind = "none" } } }"#;

#[test]
fn an_event_is_told_with_its_facts() {
    let rule = format!(
        r##"
        [[rule]]
        name = "red"
        on = ["build.finished"]
        when = "result:failure"
        unless = "job:noisy"
        {CHAT}
        [[rule.do]]
        if = "entity.number > 1"
        call = "chat"
        path = "/told"
        json = {{ text = "{{{{ entity.job }}}} #{{{{ entity.number }}}} is {{{{ fields.result }}}}", number = "{{{{ entity.number }}}}", found = "{{{{ search('kind:build').total }}}}" }}
        "##
    );
    let (receiver, weir, host) = setup(&rule);
    let third = build(3, "failure");
    push(&host, &[build(1, "failure"), build(2, "success"), third.clone()]);
    until("the message", || !receiver.bodies("/told").is_empty());
    assert_eq!(receiver.bodies("/told"), [r##"{"found":3,"number":3,"text":"shop #3 is failure"}"##]);
    let runs = host.get("/v1/propels/runs?propel=red&q=state%3Adone");
    let run = runs["runs"].as_array().unwrap().iter().find(|run| run["actions"] != json!([])).unwrap();
    until("the result of the action", || {
        host.get(&format!("/v1/propels/runs/{}", run["id"].as_str().unwrap()))["actions"][0]["result"]["done"] == true
    });
    // The same record again is the same event.
    push(&host, &[third]);
    let told = weir.json(&["propel", "runs", "--propel", "red"]);
    assert_eq!(receiver.bodies("/told").len(), 1, "{told}");
    // Somebody wants it again.
    let again = weir.json(&["propel", "repeat", run["id"].as_str().unwrap()]);
    assert_eq!(again["runs"][0]["repeats"], run["id"]);
    until("the message again", || receiver.bodies("/told").len() == 2);
    host.stop();
}

#[test]
fn a_gate_stops_and_allows() {
    let rules = r#"
        [[rule]]
        name = "no-fridays"
        gates = ["deploy"]
        [[rule.do]]
        if = "build.environment == 'production' and build.branch != 'main'"
        stop = "only main goes to production, this is {{ build.branch }}"

        [[rule]]
        name = "broken-rule"
        gates = ["closed", "open"]
        [[rule.do]]
        if = "nobody_knows.this"
        stop = "never"

        [[gate]]
        name = "closed"
        otherwise = "stop"
    "#;
    let (_receiver, weir, host) = setup(rules);
    let asked = |gate: &str, branch: &str| {
        let answer = weir.command(&["gate", gate, "--environment", "production", "--branch", branch, "--json"]);
        (answer.code, serde_json::from_str::<Value>(&answer.stdout).unwrap_or_default())
    };
    let (code, answer) = asked("deploy", "main");
    assert_eq!((code, &answer["decision"]), (0, &json!("allow")), "{answer}");
    let (code, answer) = asked("deploy", "feature");
    assert_eq!((code, &answer["reason"]), (1, &json!("only main goes to production, this is feature")));
    let (code, answer) = asked("closed", "main");
    assert_eq!((code, &answer["decision"]), (1, &json!("stop")), "{answer}");
    let (code, answer) = asked("open", "main");
    assert_eq!((code, answer["unanswered"].as_object().unwrap().len()), (0, 1), "{answer}");
    let runs = weir.json(&["propel", "runs", "--propel", "no-fridays"]);
    assert_eq!(runs["runs"].as_array().unwrap().len(), 2);
    host.stop();
    // Nobody answers any more: open unless asked to be closed.
    assert_eq!(weir.command(&["gate", "nothing", "--json"]).code, 0);
    assert_eq!(weir.command(&["gate", "nothing", "--closed"]).code, 2);
}

#[test]
fn tables_are_written_by_rules_and_people() {
    let rules = r#"
        [[table]]
        name = "quarantine"
        key = "job"
        columns = [
            { name = "job", required = true },
            { name = "number", type = "number" },
            { name = "state", type = "choice", choices = ["open", "mended"], default = "open" },
        ]

        [[rule]]
        name = "note"
        on = ["build.finished"]
        when = "result:failure"
        [[rule.do]]
        table = "quarantine"
        row = { job = "{{ entity.job }}", number = "{{ entity.number }}" }
    "#;
    let (_receiver, weir, host) = setup(rules);
    push(&host, &[build(1, "failure")]);
    let rows = || host.get("/v1/tables/quarantine")["rows"].clone();
    until("a row", || rows() != json!([]));
    assert_eq!(
        (&rows()[0]["number"], &rows()[0]["state"], &rows()[0]["by"]),
        (&json!(1), &json!("open"), &json!("note"))
    );
    let csv = weir.write("rows.csv", "job,state\nshop,mended\ncart,open\n");
    weir.json(&["table", "import", "quarantine", csv.to_str().unwrap()]);
    assert_eq!(
        (&rows()[1]["number"], &rows()[1]["state"], &rows()[1]["version"]),
        (&json!(1), &json!("mended"), &json!(2))
    );
    let bad = weir.write("bad.csv", "job,state\nshop,gone\n");
    let answer = weir.command(&["table", "import", "quarantine", bad.to_str().unwrap()]);
    assert!(
        answer.code == 2 && answer.stderr.contains("line 2") && answer.stderr.contains("open, mended"),
        "{}",
        answer.stderr
    );
    host.stop();
    assert_eq!(weir.json(&["table", "show", "quarantine"])["rows"].as_array().unwrap().len(), 2);
}

#[test]
fn time_starts_rules_and_events_are_gathered() {
    let rules = format!(
        r#"
        [[rule]]
        name = "report"
        every = "1s"
        for_each = "kind:build AND result:failure"
        {CHAT}
        [[rule.do]]
        if = "items | length > 0"
        call = "chat"
        path = "/report"
        json = {{ jobs = "{{{{ items | map(attribute='number') | list }}}}" }}

        [[rule]]
        name = "gathered"
        on = ["build.finished"]
        digest = "2s"
        {CHAT}
        [[rule.do]]
        each = "events"
        call = "chat"
        path = "/gathered"
        json = {{ entity = "{{{{ item.entity }}}}" }}

        [[rule]]
        name = "seldom"
        on = ["build.*"]
        throttle = "1h"
        {CHAT}
        [[rule.do]]
        call = "chat"
        path = "/seldom"
        text = "{{{{ event.kind }}}}"
        "#
    );
    let (receiver, _weir, host) = setup(&rules);
    push(&host, &[build(1, "failure"), build(2, "success")]);
    until("a report", || receiver.bodies("/report").contains(&r#"{"jobs":[1]}"#.to_owned()));
    until("what was gathered", || receiver.bodies("/gathered").len() == 2);
    let digests = host.get("/v1/propels/runs?propel=gathered")["runs"].as_array().unwrap().len();
    assert!(digests <= 2, "{digests} runs for two events");
    until("the first of each build", || receiver.bodies("/seldom").len() == 2);
    host.stop();
}

#[test]
fn what_a_rule_emits_starts_others_and_never_for_ever() {
    let rules = format!(
        r#"
        [[rule]]
        name = "first"
        on = ["build.finished"]
        [[rule.do]]
        emit = "release.noted"
        payload = {{ number = "{{{{ entity.number }}}}" }}

        [[rule]]
        name = "second"
        on = ["release.noted"]
        {CHAT}
        [[rule.do]]
        call = "chat"
        path = "/noted"
        json = {{ number = "{{{{ event.changes.payload.number }}}}" }}

        [[rule]]
        name = "echo"
        on = ["release.noted", "echo.heard"]
        [[rule.do]]
        emit = "echo.heard"
        "#
    );
    let (receiver, _weir, host) = setup(&rules);
    push(&host, &[build(7, "success")]);
    until("the chain", || receiver.bodies("/noted") == [r#"{"number":7}"#]);
    until("the end of the echo", || {
        let runs = host.get("/v1/propels/runs?propel=echo")["runs"].clone();
        runs.as_array().unwrap().iter().any(|run| run["actions"][0]["result"]["done"] == false)
    });
    let echoes = host.get("/v1/search?q=kind%3Aevent")["total"].as_u64().unwrap();
    assert!(echoes < 12, "{echoes} events");
    host.stop();
}

#[test]
fn a_dry_run_shows_and_does_nothing() {
    let rule = format!(
        r#"
        [[rule]]
        name = "tell"
        on = ["build.finished"]
        {CHAT}
        [[rule.do]]
        call = "chat"
        path = "/told"
        json = {{ job = "{{{{ entity.job }}}}" }}
        "#
    );
    let receiver = Receiver::new();
    let weir = Weir::new("");
    weir.write("builds.jsonl", format!("{}\n{}\n", build(1, "failure"), build(2, "success")));
    weir.ingest("builds", &[&weir.path("builds.jsonl")]);
    weir.configure(&rule.replace("{url}", receiver.url()));
    let imagined = weir.json(&["propel", "dry-run", "tell"]);
    let bodies: Vec<&Value> = imagined["runs"].as_array().unwrap().iter().map(|run| &run["bodies"][0]).collect();
    assert_eq!(bodies, [&json!(r#"{"job":"shop"}"#), &json!(r#"{"job":"shop"}"#)]);
    let one = weir.json(&["propel", "dry-run", "tell", "--entity", "build:push:ci/shop/1"]);
    assert_eq!(one["runs"].as_array().unwrap().len(), 1);
    assert_eq!(weir.json(&["propel", "runs"])["runs"], json!([]));
    assert!(receiver.received().is_empty());
}

#[test]
fn a_rule_that_cannot_be_is_told_before_it_runs() {
    let cases = [
        ("on = [\"build.finished\"]", "does nothing"),
        ("do = [{ skip = \"x\" }]", "is never started"),
        ("on = [\"a.b\"]\ndo = [{ call = \"chat\" }]", "names the connection `chat`"),
        ("on = [\"a.b\"]\ndo = [{ skip = \"{{ \" }]", "cannot read"),
        ("on = [\"a.b\"]\ndo = [{ skip = \"x\", stop = \"y\" }]", "one of call, notify"),
        ("on = [\"a.b\"]\nquiet = \"night\"\ndo = [{ skip = \"x\" }]", "quiet hours"),
        ("on = [\"a.b\"]\nfacts = [\"serach\"]\ndo = [{ skip = \"x\" }]", "which is no fact"),
        ("on = [\"a.b\"]\nwhen = \"resultt:x\"\ndo = [{ skip = \"x\" }]", "result"),
    ];
    for (rule, expected) in cases {
        let weir = Weir::new(&format!("[[rule]]\nname = \"r\"\n{rule}\n"));
        let answer = weir.command(&["check"]);
        assert_eq!(answer.code, 2, "{rule}: {}", answer.stderr);
        assert!(answer.stderr.contains(expected), "{rule}: {}", answer.stderr);
    }
}

#[test]
fn what_is_throttled_is_skipped_and_what_is_too_fast_waits() {
    let rule = r#"
        [[rule]]
        name = "slow"
        on = ["build.*"]
        throttle = "1h"
        per_minute = 2
        do = [{ skip = "seen" }]
    "#;
    let (_receiver, _weir, host) = setup(rule);
    for number in 1..=3 {
        push(&host, &[build(number, "success")]);
    }
    let told = || {
        let runs = host.get("/v1/propels/runs?propel=slow")["runs"].as_array().unwrap().clone();
        let of_build = |number: u32| {
            let is = |run: &&Value| run["entity"].as_str().unwrap().contains(&format!("shop/{number}"));
            let mut reasons: Vec<String> = runs.iter().filter(is).map(|run| run["reason"].to_string()).collect();
            reasons.sort();
            reasons.dedup();
            reasons.join(" ")
        };
        [1, 2, 3].map(of_build)
    };
    let expected = [r#""seen" "throttled""#, r#""seen" "throttled""#, r#""rate limit""#];
    until("each build to be dealt with", || told() == expected);
    // What waits for its minute is not held back by itself.
    assert_eq!(told(), expected);
    host.stop();
}
