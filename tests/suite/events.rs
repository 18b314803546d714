//! Events on their way out: as CloudEvents to those who ask.

use serde_json::{Value, json};
use weir_tests::{Running, Weir, eventually};

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
