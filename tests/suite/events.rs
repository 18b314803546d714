//! Events on their way out: as CloudEvents to those who ask, and signed to those who subscribed.

use serde_json::{Value, json};
use weir_tests::{Receiver, Running, Weir, eventually, until};

/// A secret of Standard Webhooks.
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// A build that has just ended; the history of long ago is nobody's news.
pub(crate) fn build(number: u64, result: &str) -> Value {
    let now = jiff::Timestamp::now();
    json!({
        "instance_name": "ci", "job_full_name": "shop", "build_number": number, "result": result, "branch": "main",
        "start_time": now.to_string(), "end_time": (now + jiff::SignedDuration::from_secs(1)).to_string(),
    })
}

pub(crate) fn push(host: &Running, builds: &[Value]) {
    let answer = host.client().post("/v1/builds", Value::from(builds).to_string().as_bytes());
    assert_eq!(answer.status, 202, "{}", answer.text());
    host.processed();
}

#[test]
fn cloud_events_are_asked_for_page_by_page_and_read_by_another_weir() {
    let weir = Weir::named("lab", "");
    let host = weir.run();
    push(&host, &[build(1, "success"), build(2, "failure")]);
    let all = host.get("/v1/events")["events"].as_array().unwrap().clone();
    let (mut events, mut path) = (Vec::new(), "/v1/events?format=cloudevents&limit=3".to_owned());
    loop {
        let page = host.client().get(&path);
        assert_eq!(page.header("content-type"), "application/cloudevents-batch+json");
        let read: Vec<Value> = serde_json::from_slice(&page.body).unwrap();
        if read.is_empty() {
            break;
        }
        events.extend(read);
        let next = page.header("link").strip_prefix('<').and_then(|link| link.split_once('>')).unwrap().0;
        path = format!("{next}&limit=3");
    }
    let kinds = |events: &[Value], name: &str| {
        events.iter().map(|event| event[name].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(events.len(), all.len(), "{:?}", kinds(&events, "type"));
    let finished = events.iter().filter(|event| event["type"] == "dev.cdevents.pipelinerun.finished.0.3.0");
    let outcomes: Vec<_> = finished.map(|event| event["data"]["subject"]["content"]["outcome"].clone()).collect();
    assert_eq!(outcomes, ["success", "failure"], "{:?}", kinds(&events, "type"));
    assert_eq!(events[0]["source"], "weir://lab");
    // The media type asks for the same as the parameter, and a stream resumes in the same words.
    let asked = host.client().with("accept", "application/cloudevents-batch+json").get("/v1/events");
    assert_eq!(asked.json(), json!(events));
    let mut stream = host.client().with("last-event-id", "1").events("/v1/events?format=cloudevents");
    let (id, _, data) = stream.next_event();
    assert_eq!((id.as_str(), serde_json::from_str::<Value>(&data).unwrap()), ("2", events[1].clone()));

    let other = Weir::named("central", "");
    let there = other.run();
    let batch = there.client().with("content-type", "application/cloudevents-batch+json");
    let answer = batch.post("/v1/cdevents", json!(events).to_string().as_bytes());
    assert_eq!(answer.status, 202, "{}", answer.text());
    there.processed();
    let found = eventually("the builds", || {
        let found = there.get("/v1/search?q=kind%3Abuild&sort=number");
        (found["total"] == 2).then_some(found)
    });
    let results: Vec<_> = found["hits"].as_array().unwrap().iter().map(|hit| hit["result"].clone()).collect();
    assert!(results.contains(&json!("success")) && results.contains(&json!("failure")), "{found}");
    host.stop();
    there.stop();
}

fn subscribed(receiver: &Receiver) -> Weir {
    let subscription = format!(
        r#"
        [[subscription]]
        name = "bus"
        on = ["build.finished"]
        when = "result:failure"
        to = {{ url = "{}/bus", auth = {{ kind = "standard-webhooks", secret = {{ env = "BUS_SECRET" }} }} }}
        "#,
        receiver.url()
    );
    Weir::new(&subscription).with_secret("BUS_SECRET", SECRET)
}

#[test]
fn a_subscriber_gets_signed_events_that_another_weir_takes() {
    let receiver = Receiver::new();
    let weir = subscribed(&receiver);
    let host = weir.run();
    push(&host, &[build(1, "success"), build(2, "failure")]);
    until("the event", || !receiver.received().is_empty());
    let received = receiver.received().remove(0);
    assert_eq!(received.header("content-type"), "application/cloudevents+json");
    assert_eq!(received.header("webhook-id"), received.idempotency_key);
    let event: Value = serde_json::from_str(&received.body).unwrap();
    assert_eq!(event["type"], "dev.cdevents.pipelinerun.finished.0.3.0");
    assert_eq!(host.get("/v1/propels")["propels"][0]["engine"], "subscription");

    let hook = r#"
        [[integration]]
        name = "upstream"
        [integration.webhook]
        scheme = "standard-webhooks"
        secret = { env = "BUS_SECRET" }
        format = "cdevents"
    "#;
    let other = Weir::named("central", hook).with_secret("BUS_SECRET", SECRET);
    let there = other.run();
    let names = ["webhook-id", "webhook-timestamp", "webhook-signature", "content-type"];
    let sender = names.iter().fold(there.client(), |client, name| client.with(name, received.header(name)));
    assert_eq!(sender.post("/v1/webhooks/upstream", b"{}").status, 401, "another body is not what was signed");
    assert_eq!(sender.post("/v1/webhooks/upstream", received.body.as_bytes()).status, 202);
    there.processed();
    assert_eq!(there.get("/v1/search?q=result%3Afailure")["total"], 1);
    host.stop();
    there.stop();
}

#[test]
fn what_a_subscriber_refuses_is_kept_until_somebody_sends_it_again() {
    let receiver = Receiver::new();
    let weir = subscribed(&receiver);
    let host = weir.run();
    // A server in trouble is asked again, under the same key.
    receiver.answer_with(500);
    push(&host, &[build(1, "failure")]);
    until("the first try", || !receiver.received().is_empty());
    receiver.answer_with(204);
    until("the second try", || receiver.received().len() == 2);
    let received = receiver.received();
    assert_eq!(received[0].idempotency_key, received[1].idempotency_key);
    assert_eq!(received[0].body, received[1].body);
    // One that refuses is not, until somebody says so.
    receiver.answer_with(410);
    push(&host, &[build(2, "failure")]);
    let letter =
        eventually("the dead letter", || weir.json(&["propel", "dead-letters"])["dead_letters"].get(0).cloned());
    assert_eq!(
        (&letter["propel"], &letter["what"], &letter["reason"]),
        (&json!("bus"), &json!("POST receiver"), &json!("status 410"))
    );
    assert_eq!(receiver.received().len(), 3);
    receiver.answer_with(200);
    assert_eq!(weir.json(&["propel", "send-again", "bus"])["sent_again"], 1);
    until("what was refused", || receiver.received().len() == 4);
    let received = receiver.received();
    assert_eq!((&received[2].idempotency_key, &received[2].body), (&received[3].idempotency_key, &received[3].body));
    assert_eq!(host.get("/v1/propels/dead-letters")["dead_letters"], json!([]));
    let run = format!("/v1/propels/runs/{}", letter["run"].as_str().unwrap());
    until("the result", || host.get(&run)["actions"][0]["result"]["done"] == true);
    host.stop();
    // A stopped host lists and sends as well.
    assert_eq!(weir.json(&["propel", "dead-letters"])["dead_letters"], json!([]));
}

#[test]
fn a_number_that_crosses_a_line_is_news_once() {
    let receiver = Receiver::new();
    let weir = Weir::new(
        &r#"
        [[threshold]]
        name = "slow builds"
        metric = "build-duration"
        over = "5s"
        window = "1d"
        every = "1s"

        [[rule]]
        name = "tell"
        on = ["metric.*"]
        connections = { chat = { url = "{url}" } }
        [[rule.do]]
        call = "chat"
        path = "/news"
        json = ["{{ event.kind }}", "{{ event.changes.payload.threshold }}", "{{ event.changes.payload.n }}"]
        "#
        .replace("{url}", receiver.url()),
    );
    let host = weir.run();
    let lasting = |number: u64, seconds: i64| {
        let end = jiff::Timestamp::now() - jiff::SignedDuration::from_secs(60);
        let mut build = build(number, "success");
        build["start_time"] = json!((end - jiff::SignedDuration::from_secs(seconds)).to_string());
        build["end_time"] = json!(end.to_string());
        build
    };
    push(&host, &[lasting(1, 60)]);
    until("the crossing", || receiver.bodies("/news").len() == 1);
    push(&host, &[lasting(2, 2), lasting(3, 2), lasting(4, 2)]);
    until("the return", || receiver.bodies("/news").len() == 2);
    assert_eq!(
        receiver.bodies("/news"),
        [r#"["metric.crossed","slow builds",1]"#, r#"["metric.returned","slow builds",4]"#]
    );
    host.stop();
    // What is on the same side after a start is no news.
    let host = weir.run();
    std::thread::sleep(std::time::Duration::from_secs(3));
    assert_eq!(receiver.bodies("/news").len(), 2);
    host.stop();
    for (threshold, problem) in
        [("metric = \"speed\"\nover = 1", "which there is not"), ("metric = \"build-duration\"", "needs one line")]
    {
        weir.configure(&format!("[[threshold]]\nname = \"x\"\n{threshold}\n"));
        let refused = weir.command(&["check"]);
        assert!(refused.code == 2 && refused.stderr.contains(problem), "{}", refused.stderr);
    }
}

#[test]
fn a_collection_that_ends_and_health_that_changes_are_told_to_those_who_listen() {
    let replayed = weir_tests::Replayed::new(weir_replay::Options::default());
    let listening = r#"
        [[rule]]
        name = "watch"
        on = ["collection.finished", "integration.health-changed"]
        do = [{ skip = "seen" }]
    "#;
    let weir = Weir::new(&format!("{}{listening}", replayed.integration()));
    let host = weir.run();
    assert_eq!(host.collected("github")["failures"], json!([]));
    let runs = eventually("the news", || {
        let runs = host.get("/v1/propels/runs?propel=watch")["runs"].as_array().unwrap().clone();
        (runs.len() == 2).then_some(runs)
    });
    let payload = |kind: &str| -> Value {
        let run = runs.iter().find(|run| run["kind"] == kind).unwrap();
        let said = run["cause"]["event"]["changes"].as_str().unwrap();
        serde_json::from_str::<Value>(said).unwrap()["payload"].clone()
    };
    assert_eq!(payload("collection.finished")["complete"], true);
    let health = payload("integration.health-changed");
    assert_eq!((&health["before"], &health["after"]), (&json!("UNKNOWN"), &json!("HEALTHY")));
    host.stop();
}

#[test]
fn propels_that_misbehave_are_named_and_hold_up_no_other() {
    let receiver = Receiver::new();
    // It takes connections and never answers.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let bad = |name: &str, step: &str| {
        format!("[[rule]]\nname = \"{name}\"\non = [\"build.finished\"]\nattempts = 1\ndo = [{step}]\n\n")
    };
    let mut config = [
        bad("loops", "{ skip = \"{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}\" }"),
        bad("fails", "{ skip = \"{{ nobody.knows.this }}\" }"),
        bad("floods", "{ each = \"range(500)\", emit = \"flood.rises\" }"),
        bad("writes", "{ skip = \"{{ 'x' * 9999999 }}\" }"),
    ]
    .concat();
    config += &format!(
        "[[rule]]\nname = \"hangs\"\non = [\"build.finished\"]\ndo = [{{ call = \"tool\", text = \"x\" }}]\nconnections = {{ tool = {{ url = \"http://{}\" }} }}\n\n",
        silent.local_addr().unwrap()
    );
    for number in 1..=5 {
        config += &format!(
            "[[subscription]]\nname = \"good{number}\"\non = [\"build.finished\"]\nto = {{ url = \"{}/good{number}\" }}\n",
            receiver.url()
        );
    }
    let weir = Weir::new(&config);
    let host = weir.run();
    let began = std::time::Instant::now();
    for round in 0..20 {
        push(&host, &[build(round * 2 + 1, "success"), build(round * 2 + 2, "failure")]);
    }
    let told = || (1..=5).map(|number| receiver.bodies(&format!("/good{number}")).len()).collect::<Vec<_>>();
    until("the good ones", || told() == [40; 5]);
    println!("5 propels told of 40 events each within {:?}, beside 5 that misbehave", began.elapsed());
    until("all that is bad to be named", || {
        let propels = host.get("/v1/propels")["propels"].clone();
        let state =
            |name: &str| propels.as_array().unwrap().iter().find(|propel| propel["name"] == name).unwrap().clone();
        let failing = ["loops", "fails", "floods", "writes"].map(&state);
        failing.iter().all(|propel| propel["state"] == "failing" && !propel["last_error"].is_null())
            && (1..=5).all(|number| state(&format!("good{number}"))["state"] == "healthy")
    });
    assert_eq!(told(), [40; 5]);
    host.stop();
}
