//! The end of a build's log: from a file of Jenkins, a CI step or a request to whoever may read it, and nowhere else.

use std::fs::{File, create_dir_all, write};
use std::io::Write;
use std::path::Path;
use std::process::Stdio;

use serde_json::{Value, json};
use weir_tests::{Running, Weir, encoded, ids, shared, totals, until};

const LOG_BYTES_MAX: usize = 16 << 10;

/// A failed build of a Jenkins home, and its log.
fn build(home: &Path, number: u64) -> File {
    let dir = home.join(format!("jobs/api/builds/{number}"));
    create_dir_all(&dir).unwrap();
    let xml = "<build><timestamp>1700000000000</timestamp><result>FAILURE</result><duration>1000</duration></build>";
    write(dir.join("build.xml"), xml).unwrap();
    File::create(dir.join("log")).unwrap()
}

fn hostile_home(home: &Path) {
    build(home, 1)
        .write_all(b"by \x1b[8mha:////4Abc=\x1b[0mana\n\x1b[31mred\x1b[0m TOKEN=abc\n<script>1</script>")
        .unwrap();
    build(home, 2).set_len(4 << 30).unwrap();
    build(home, 3).write_all("x".repeat(1 << 20).as_bytes()).unwrap();
    build(home, 4).write_all(b"not \xff\xfe\xc3 text\n").unwrap();
    let dir = home.join("jobs/api/builds/5");
    build(home, 5);
    std::fs::remove_file(dir.join("log")).unwrap();
    create_dir_all(dir.join("log")).unwrap();
}

fn watched(home: &Path, more: &str) -> String {
    let home = home.display();
    format!(
        "[[integration]]\nname = \"ci\"\ncollector = \"jenkins-home\"\n[integration.settings]\nhome = \"{home}\"\n{more}"
    )
}

/// The ends of logs of all builds, by number.
fn tails(host: &Running) -> Vec<Option<String>> {
    host.processed();
    let found = ids(host, "kind:build");
    let mut documents: Vec<Value> =
        found.iter().map(|id| host.get(&format!("/v1/entities/{}", encoded(id)))["document"].clone()).collect();
    documents.sort_by_key(|document| document["number"].as_u64());
    documents.iter().map(|document| document["log_tail"].as_str().map(str::to_owned)).collect()
}

#[test]
fn the_files_of_a_home_become_text_whatever_is_in_them() {
    let weir = Weir::new("");
    let home = weir.path("jenkins");
    hostile_home(&home);
    weir.configure(&watched(&home, ""));
    let host = weir.run();
    until("all builds to be there", || totals(&host).get("build") == Some(&5));
    let text = |text: &str| Some(text.to_owned());
    let expected = [
        text("by ana\nred TOKEN=****\n<script>1</script>"),
        None,
        text(&"x".repeat(LOG_BYTES_MAX)),
        text("not \u{fffd}\u{fffd}\u{fffd} text"),
        None,
    ];
    assert_eq!(tails(&host), expected);
    assert!(ids(&host, "script").is_empty() && ids(&host, "red").is_empty(), "it is not searched");
    let events = host.client().get("/v1/events?after=0&limit=500").text();
    let announced = host.client().get("/v1/events?after=0&limit=500&format=cloudevents").text();
    assert!(!events.contains("<script>") && !announced.contains("<script>"), "{events} {announced}");
    let failed = ids(&host, "number:1").into_iter().next().unwrap();
    let shown = weir.command(&["show", &failed]).stdout;
    assert!(shown.ends_with("\nend of the log:\nby ana\nred TOKEN=****\n<script>1</script>\n"), "{shown}");
    host.stop();
}

#[test]
fn a_switch_keeps_logs_where_they_are() {
    let weir = Weir::new("");
    let home = weir.path("jenkins");
    build(&home, 1).write_all(b"Build timed out (after 3 minutes)").unwrap();
    weir.configure(&watched(&home, "log_tail = false\n"));
    let host = weir.run();
    until("the build to be there", || totals(&host).get("build") == Some(&1));
    assert_eq!(tails(&host), [None]);
    let id = ids(&host, "kind:build").into_iter().next().unwrap();
    let raw = host.get(&format!("/v1/entities/{}/raw", encoded(&id))).to_string();
    assert!(!raw.contains("after 3 minutes"), "{raw}");
    host.stop();
}

#[test]
fn real_homes_have_logs_of_what_failed() {
    let Some(homes) = shared("jenkins/homes") else { return };
    let weir = Weir::new("");
    weir.ingest("jenkins-home", &[&homes]);
    let host = weir.run();
    let failed = ids(&host, "kind:build result:failure");
    assert_eq!(failed.len(), 6);
    for id in failed {
        let document = host.get(&format!("/v1/entities/{}", encoded(&id)))["document"].clone();
        let tail = document["log_tail"].as_str().unwrap();
        assert!(tail.ends_with("Finished: FAILURE") && !tail.contains('\u{1b}'), "{id}: {tail}");
    }
    host.stop();
}

#[test]
fn a_step_sends_it_from_a_file_or_as_it_comes_in() {
    let weir = Weir::new("");
    let host = weir.run();
    weir.write("build.log", "compiling\nerror: PASSWORD=hunter2 is wrong\n");
    let way = ["emit", "--url", host.url(), "--spool", "spool", "--instance", "lab", "--job", "api"];
    let finish =
        |number, log| [&way[..], &["--number", number, "build", "finish", "--result", "1", "--log", log]].concat();
    assert_eq!(weir.command(&finish("1", "build.log")).code, 0);
    let mut piped = weir.program(&finish("2", "-")).stdin(Stdio::piped()).spawn().unwrap();
    let line = "0123456789abcde\n";
    piped.stdin.take().unwrap().write_all(line.repeat(100_000).as_bytes()).unwrap();
    assert!(piped.wait().unwrap().success());
    let without = weir.command(&finish("3", "no-such.log"));
    assert!(without.code == 0 && without.stderr.contains("cannot read the log no-such.log"), "{}", without.stderr);
    let tails = tails(&host);
    assert_eq!(tails[0].as_deref(), Some("compiling\nerror: PASSWORD=**** is wrong"));
    assert_eq!(tails[1].as_deref(), Some(line.repeat(LOG_BYTES_MAX / line.len()).trim_end()));
    assert_eq!((tails.len(), &tails[2]), (3, &None), "the end of the build is told without it");
    host.stop();
}

#[test]
fn one_that_is_too_long_is_cut_and_told_of_and_none_leaves_for_a_central() {
    let central = Weir::named("central", "");
    let key = central.json(&["key", "create", "lab", "--scope", "forward"])["key"].as_str().unwrap().to_owned();
    let receiving = central.start("central");
    let url = receiving.url();
    let weir = Weir::new(&format!("[central]\nurl = \"{url}\"\nkey = {{ env = \"CENTRAL_KEY\" }}\n"))
        .with_secret("CENTRAL_KEY", &key);
    let host = weir.run();
    let log = "a line of a log\n".repeat(200_000);
    let build = json!({ "job_full_name": "api", "build_number": 1, "result": "FAILURE", "log_tail": log });
    assert_eq!(host.client().post("/v1/builds", build.to_string().as_bytes()).status, 202);
    let kept = tails(&host).remove(0).unwrap();
    assert!(kept.len() <= LOG_BYTES_MAX && kept.len() > LOG_BYTES_MAX - 100, "{}", kept.len());
    assert!(host.get("/v1/outcomes").to_string().contains("builds.log_tail"));
    until("the build at central", || totals(&receiving).get("build") == Some(&1));
    assert_eq!(tails(&receiving), [None]);
    receiving.stop();
    host.stop();
}
