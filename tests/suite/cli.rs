//! The command line: what is typed, answered and returned.

use serde_json::{Value, json};
use weir_tests::Weir;

const BUILDS: &str = r#"{"pipeline":"ci","branch_name":"main","build_number":1,"result":"SUCCESS","start_time":1700000000000,"duration":60000,"scm_commit_ids":["1111111111111111111111111111111111111111"]}
{"pipeline":"ci","branch_name":"main","build_number":2,"result":"FAILURE","start_time":1700000100000,"duration":90000,"scm_commit_ids":["2222222222222222222222222222222222222222"]}
"#;
const COMMITS: &str = r#"{"sha":"1111111111111111111111111111111111111111","parents":[],"author":{"name":"Ana","email":"ana@example.com","date":"2023-11-14T20:00:00Z"},"message":"Start"}
{"sha":"2222222222222222222222222222222222222222","parents":["1111111111111111111111111111111111111111"],"author":{"name":"Ben","email":"ben@example.com","date":"2023-11-14T21:00:00Z"},"message":"Wait less\n\nMuch less."}
"#;

fn filled() -> Weir {
    let weir = Weir::new("");
    let (builds, commits) = (weir.write("builds.jsonl", BUILDS), weir.write("commits.jsonl", COMMITS));
    assert_eq!(weir.ingest("builds", &[&builds])["records"], 2);
    assert_eq!(weir.ingest("commits", &[&commits])["records"], 2);
    weir
}

#[test]
fn init_writes_what_check_accepts() {
    let weir = Weir::new("");
    assert_eq!(weir.command(&["init", "new/../fresh.toml"]).code, 2, "the folder is not there");
    let written = weir.command(&["init", "fresh.toml"]);
    assert_eq!(written.code, 0, "{}", written.stderr);
    let again = weir.command(&["init", "fresh.toml"]);
    assert_eq!(again.code, 2);
    assert!(again.stderr.contains("hint:"), "{}", again.stderr);
    let check = weir.command(&["check", "--config", "fresh.toml"]);
    assert_eq!(check.code, 0, "{}{}", check.stdout, check.stderr);
    assert!(check.stdout.contains("hint:"), "nothing is connected: {}", check.stdout);
    // Every commented setting of it is good as well.
    let text = std::fs::read_to_string(weir.path("fresh.toml")).unwrap();
    let lines = text.lines().map(|line| line.strip_prefix("# ").unwrap_or(line));
    let settings: Vec<_> = lines.filter(|line| line.starts_with('[') || line.contains('=')).collect();
    let settings = settings.join("\n");
    weir.write("full.toml", &settings);
    weir.write("github.secret", "secret");
    let status = weir.command(&["status", "--config", "full.toml"]);
    assert_eq!(status.code, 0, "{}\n{settings}", status.stderr);
}

#[test]
fn a_key_nobody_knows_is_answered_with_the_nearest() {
    let weir = Weir::new("liste = \"127.0.0.1:0\"\n");
    for command in ["check", "status", "run"] {
        let answer = weir.command(&[command]);
        assert_eq!(answer.code, 2, "{command}: {}", answer.stderr);
        assert!(answer.stderr.contains("liste") && answer.stderr.contains("`listen`"), "{}", answer.stderr);
        assert!(answer.stderr.contains("weir.toml"), "where? {}", answer.stderr);
    }
    weir.configure("[[integration]]\nname = \"ci\"\ncolector = \"jenkins-home\"\n");
    let answer = weir.command(&["check"]);
    assert!(answer.code == 2 && answer.stderr.contains("`collector`"), "{}", answer.stderr);
}

#[test]
fn a_configuration_that_is_not_there_is_said() {
    let weir = Weir::new("");
    let answer = weir.command(&["status", "--config", "nowhere.toml"]);
    assert_eq!(answer.code, 2);
    assert!(answer.stderr.contains("nowhere.toml"), "{}", answer.stderr);
}

#[test]
fn paths_are_taken_from_the_folder_of_the_configuration() {
    let weir = Weir::new("");
    let secret = "[[integration]]\nname = \"hook\"\nplugin = \"connector-github\"\nsettings = { repositories = [\"acme/api\"] }\n[integration.webhook]\nscheme = \"github\"\nsecret = { file = \"hook.secret\" }\n";
    weir.write("etc/hook.secret", "secret");
    weir.write("etc/weir.toml", format!("[host]\ndata_dir = \"data\"\n{secret}"));
    let answer = weir.command(&["status", "--config", "etc/weir.toml"]);
    assert_eq!(answer.code, 0, "{}", answer.stderr);
    assert!(weir.path("etc/data/accounts").exists());
}

#[test]
fn exit_codes_tell_what_happened() {
    let weir = filled();
    let code = |arguments: &[&str]| weir.command(arguments).code;
    assert_eq!(code(&["search", "kind:build"]), 0);
    assert_eq!(code(&["show", "build:ingest:nothing/1/1"]), 1);
    assert_eq!(code(&["suspects", "build:ingest:nothing/1/1"]), 1);
    assert_eq!(code(&["no-such-command"]), 2);
    assert_eq!(code(&["search", "kind:("]), 2);
    assert_eq!(code(&["metrics", "nothing"]), 2);
    assert_eq!(code(&["show", "nothing"]), 2);
    assert_eq!(code(&["ingest", "builds.jsonl", "--as", "nothing"]), 2);
    assert_eq!(code(&["ingest", "nothing.jsonl", "--as", "builds"]), 2);
    assert_eq!(code(&["collect"]), 2);
    assert_eq!(code(&["collect", "nothing"]), 2);
}

#[test]
fn a_tool_that_cannot_be_reached_is_exit_three() {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let weir = Weir::new(&format!(
        "[[integration]]\nname = \"github\"\nplugin = \"connector-github\"\nsettings = {{ repositories = [\"acme/api\"] }}\n[integration.connection]\nurl = \"{url}\"\n"
    ));
    let answer = weir.command(&["collect"]);
    assert_eq!(answer.code, 3, "{}", answer.stderr);
    assert!(answer.stderr.contains("hint:"), "{}", answer.stderr);
}

fn fields(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

fn has(value: &Value, wanted: &[&str]) {
    let known = fields(value);
    let missing: Vec<_> = wanted.iter().filter(|name| !known.contains(name)).collect();
    assert!(missing.is_empty(), "{missing:?} are missing in {value}");
}

#[test]
fn answers_have_the_shapes_that_were_promised() {
    let weir = filled();
    let found = weir.json(&["search", "kind:build AND result:failure", "--facets", "result,branch"]);
    has(&found, &["total", "took_ms", "hits", "facets"]);
    has(&found["hits"][0], &["id", "kind", "title"]);
    assert_eq!(found["facets"]["result"], json!([{ "value": "failure", "count": 1 }]));
    let metric = weir.json(&["metrics", "build-duration", "--by", "day", "--from", "2023-11-01", "--to", "2023-12-01"]);
    has(&metric, &["metric", "definition", "unit", "from", "to", "points", "total", "unknown", "fresh_at"]);
    has(&metric["points"][0], &["at", "n", "mean", "p50", "p75", "p90"]);
    assert_eq!(
        (&metric["unit"], &metric["points"][0]["at"], &metric["total"]["n"]),
        (&json!("ms"), &json!("2023-11-14"), &json!(2))
    );
    let build = found["hits"][0]["id"].as_str().unwrap();
    let suspects = weir.json(&["suspects", build]);
    has(&suspects, &["build", "state", "since", "commits"]);
    has(&suspects["commits"][0], &["id", "sha", "reason", "confidence"]);
    assert_eq!((&suspects["state"], &suspects["commits"][0]["title"]), (&json!("broken"), &json!("Wait less")));
    let status = weir.json(&["status"]);
    has(&status["integrations"][0], &["name", "state", "cursor_age_ms", "records", "errors", "last_error"]);
    let shown = weir.json(&["show", build, "--raw", "--why"]);
    has(&shown, &["id", "kind", "document", "sources", "raw"]);
    assert_eq!(shown["raw"][0]["payload"], BUILDS.lines().nth(1).unwrap());
}

/// Metrics that are promised.
const METRICS: &str = "change-lead-time deployment-frequency change-fail-rate recovery-time rework-rate cycle-time build-duration build-success queue-time time-to-green flaky-rate review-time pickup-time work-item-lead-time throughput wip";

#[test]
fn every_metric_that_was_promised_is_answered() {
    let weir = filled();
    let answers = weir.json(&["metrics"]);
    let known: Vec<&str> =
        answers.as_array().unwrap().iter().map(|answer| answer["metric"].as_str().unwrap()).collect();
    let missing: Vec<&str> = METRICS.split(' ').filter(|name| !known.contains(name)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn a_running_host_gives_the_same_answers() {
    let weir = filled();
    let questions: &[&[&str]] = &[
        &["search", "kind:build", "--facets", "result"],
        &["metrics", "build-success", "--by", "day"],
        &["show", "build:ingest:ci/2/1", "--raw"],
        &["suspects", "build:ingest:ci/2/1"],
        &["propel", "list"],
        &["items", "--at", "2026-01-01", "--begun"],
        &["statuses", "--from", "2025-01-01"],
        &["sprints"],
        &["alignment", "--effort", "points"],
        &["people", "--merged"],
        &["teams", "list"],
        &["propel", "runs"],
    ];
    let without_time = |mut answer: Value| {
        answer.as_object_mut().unwrap().remove("took_ms");
        answer
    };
    let stopped: Vec<_> = questions.iter().map(|question| without_time(weir.json(question))).collect();
    let host = weir.run();
    let running: Vec<_> = questions.iter().map(|question| without_time(weir.json(question))).collect();
    assert_eq!(stopped, running);
    assert_eq!(weir.command(&["show", "build:ingest:nothing/1/1"]).code, 1, "as on a stopped host");
    assert_eq!(weir.command(&["suspects", "build:ingest:nothing/1/1"]).code, 1, "as on a stopped host");
    assert_eq!(weir.command(&["search", "kind:("]).code, 2);
    assert_eq!(weir.ingest("builds", &[&weir.path("builds.jsonl")])["records"], 2);
    host.stop();
}

#[test]
fn a_second_host_on_the_same_data_is_refused() {
    let weir = Weir::new("");
    let host = weir.run();
    let second = weir.command(&["run"]);
    assert!([2, 4].contains(&second.code), "{}", second.code);
    assert!(second.stderr.contains("hint:"), "{}", second.stderr);
    host.stop();
}

#[test]
fn malformed_lines_are_named_and_kept() {
    let weir = Weir::new("");
    let good = BUILDS.lines().next().unwrap();
    let path =
        weir.write("odd.jsonl", format!("{good}\n{{\"half\": \n[1, 2]\nplain text\n\n{{\"pipeline\": \"ci\"}}\n"));
    let ingested = weir.ingest("builds", &[&path]);
    println!("{ingested}");
    let problems: Vec<&str> =
        ingested["problems"].as_array().unwrap().iter().map(|problem| problem.as_str().unwrap()).collect();
    for line in [2, 3, 4] {
        assert!(
            problems.iter().any(|problem| problem.contains(&format!("line {line}:"))),
            "nothing is said of line {line}: {problems:#?}"
        );
    }
    // All that is no empty line is kept; the object without a number of a build is kept and rejected.
    assert_eq!(ingested["records"], 5);
    assert_eq!(ingested["rejected"], 4);
    let status = weir.json(&["status"]);
    assert_eq!((&status["accepted"], &status["processed"]), (&json!(5), &json!(5)));
    let told = weir.command(&["ingest", path.to_str().unwrap(), "--as", "builds"]);
    assert!(told.stdout.contains("line 2") && told.stdout.contains("odd.jsonl"), "{}", told.stdout);
}

#[test]
fn completions_are_written_for_every_shell() {
    let weir = Weir::new("");
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let answer = weir.command(&["completions", shell]);
        assert_eq!(answer.code, 0);
        assert!(answer.stdout.contains("ingest"), "{shell}");
    }
}

#[test]
fn plugins_can_be_listed_and_looked_into() {
    let weir = Weir::new("");
    let listed = weir.json(&["plugin", "list"]);
    let text = listed.to_string();
    assert!(text.contains("connector-github") && text.contains("propel-notify"), "{text}");
    let junk = weir.write("junk.wasm", "no component");
    let answer = weir.command(&["plugin", "inspect", junk.to_str().unwrap()]);
    assert!(answer.code == 2 || answer.code == 3, "{} {}", answer.code, answer.stderr);
    assert!(!answer.stderr.contains("panicked"), "{}", answer.stderr);
}

#[test]
fn keys_are_made_listed_and_ended() {
    let weir = Weir::new("");
    let made = weir.json(&["key", "create", "ci", "--scope", "ingest", "--days", "30"]);
    has(&made, &["id", "name", "scopes", "expires_at", "key"]);
    let id = made["id"].as_str().unwrap();
    let listed = weir.json(&["key", "list"]);
    assert_eq!((&listed["keys"][0]["id"], &listed["keys"][0]["key"]), (&made["id"], &Value::Null));
    assert_eq!(weir.command(&["key", "revoke", id]).code, 0);
    assert_eq!(weir.command(&["key", "revoke", id]).code, 1);
    assert_eq!(weir.json(&["key", "list"])["keys"], json!([]));
}
