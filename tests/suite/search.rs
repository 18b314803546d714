//! Search and custom data as a client sees them.

use serde_json::{Value, json};
use weir_tests::{Running, Weir, encoded};

const CONFIG: &str = r#"
[[search]]
name        = "red"
q           = "kind:build result:failure branch:$branch"
description = "broken builds of a line"

[variables]
branch = "main"

[[data]]
kind   = "orders"
schema = "orders.schema.json"
key    = ["id"]
"#;

const SCHEMA: &str = r#"{
    "required": ["id", "total"], "time": "sold_at", "title": "customer.name",
    "properties": {
        "id": { "type": "string" },
        "total": { "type": "number", "minimum": 0 },
        "sold_at": { "type": "timestamp" },
        "customer": { "type": "object", "properties": { "name": {}, "region": { "enum": ["eu", "us"] } } },
        "items": { "type": "array", "items": { "properties": { "price": { "type": "number" } } } }
    }
}"#;

const ORDERS: &str = r#"{"id":"O-1","total":10,"sold_at":"2025-03-03T10:00:00Z","customer":{"name":"Ana","region":"eu"},"items":[{"price":2},{"price":12}]}
{"id":"O-2","total":30,"sold_at":"2025-03-05T10:00:00Z","customer":{"name":"Ben","region":"us"},"items":[{"price":5}]}
{"id":"O-3","total":-1,"customer":{"region":"mars"}}
{"id":"O-4","total":50,"sold_at":"2025-03-12T10:00:00Z","customer":{"name":"Eve","region":"eu"}}
"#;

fn host() -> (Weir, Running) {
    let weir = Weir::new(CONFIG);
    weir.write("orders.schema.json", SCHEMA);
    let host = weir.run();
    let build = |number: u64, branch: &str, result: &str| {
        json!({ "pipeline": "ci", "build_number": number, "branch_name": branch, "result": result,
            "start_time": 1_700_000_000_000_u64 + number * 86_400_000, "duration": number * 1_000 })
    };
    let builds: Vec<_> = (1..=9)
        .map(|n| build(n, if n % 3 == 0 { "dev" } else { "main" }, if n % 2 == 0 { "FAILURE" } else { "SUCCESS" }))
        .collect();
    assert_eq!(host.client().post("/v1/builds", json!(builds).to_string().as_bytes()).status, 202);
    host.processed();
    (weir, host)
}

fn search(host: &Running, pairs: &[(&str, &str)]) -> Value {
    let pairs: Vec<_> = pairs.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
    host.get(&format!("/v1/search?{}", pairs.join("&")))
}

#[test]
fn saved_searches_variables_and_relative_times() {
    let (weir, host) = host();
    assert_eq!(search(&host, &[("q", "saved:red")])["total"], 3);
    assert_eq!(search(&host, &[("q", "saved:red"), ("var.branch", "dev")])["total"], 1);
    assert_eq!(search(&host, &[("q", "kind:build created:[now-1d TO now]")])["total"], 0);
    assert_eq!(search(&host, &[("q", "kind:build created:<now")])["total"], 9);
    let kept = host.get("/v1/searches");
    assert_eq!((&kept["searches"][0]["name"], &kept["variables"]["branch"]), (&json!("red"), &json!("main")));
    let wrong = host.client().get("/v1/search?q=kind%3Abuild%20reslt%3Ax");
    assert_eq!(wrong.status, 400);
    assert!(wrong.json()["detail"].as_str().unwrap().contains("\n           ^"), "{}", wrong.text());
    host.stop();
    let found = weir.json(&["search", "saved:red", "--var", "branch=dev"]);
    assert_eq!(found["total"], 1);
    weir.configure("[[search]]\nname = \"a\"\nq = \"saved:a\"\n");
    let answer = weir.command(&["status"]);
    assert!(answer.code == 2 && answer.stderr.contains("holds itself"), "{}", answer.stderr);
}

#[test]
fn pages_statistics_and_suggestions() {
    let (_weir, host) = host();
    let (mut seen, mut cursor) = (Vec::new(), None::<String>);
    loop {
        let mut asked = vec![("q", "kind:build"), ("limit", "4"), ("sort", "duration:asc"), ("fields", "number")];
        asked.extend(cursor.as_deref().map(|cursor| ("cursor", cursor)));
        let page = search(&host, &asked);
        let hits = page["hits"].as_array().unwrap();
        assert!(hits.iter().all(|hit| hit.as_object().unwrap().len() == 2), "{page}");
        seen.extend(hits.iter().map(|hit| hit["number"].as_u64().unwrap()));
        let Some(next) = page["next"].as_str() else { break };
        cursor = Some(next.to_owned());
    }
    assert_eq!(seen, (1..=9).collect::<Vec<_>>());
    assert_eq!(host.client().get("/v1/search?cursor=7").status, 400);
    let grouped =
        search(&host, &[("q", "kind:build"), ("limit", "0"), ("group", "result"), ("stats", "count,p50:duration")]);
    assert_eq!(
        grouped["groups"]["rows"],
        json!([
            { "key": { "result": "success" }, "count": 5, "duration": { "n": 5, "unknown": 0, "p50": 5_000.0 } },
            { "key": { "result": "failure" }, "count": 4, "duration": { "n": 4, "unknown": 0, "p50": 5_000.0 } },
        ])
    );
    let weeks = search(&host, &[("q", "kind:build"), ("by", "week"), ("over", "started")]);
    assert_eq!(weeks["groups"]["rows"][0]["at"], "2023-11-13");
    let missed = search(&host, &[("q", "kind:build result:failre")]);
    assert_eq!(missed["did_you_mean"], json!([{ "written": "result:failre", "meant": "result:failure" }]));
    host.stop();
}

#[test]
fn rows_are_checked_kept_and_searched_by_path() {
    let (_weir, host) = host();
    let client = host.client();
    assert_eq!(client.post("/v1/data/nothing", b"{}").status, 404);
    let taken = client.with("idempotency-key", "1").post("/v1/data/orders", ORDERS.as_bytes());
    assert_eq!(taken.status, 202, "{}", taken.text());
    let taken = taken.json();
    assert_eq!((&taken["accepted"], &taken["valid"]), (&json!(4), &json!(3)));
    let told = |problem: &Value| format!("{} {} {}", problem["row"], problem["path"], problem["code"]);
    let problems: Vec<_> = taken["problems"].as_array().unwrap().iter().map(told).collect();
    assert_eq!(problems, ["3 \"customer.region\" \"NOT_ALLOWED\"", "3 \"total\" \"BELOW_MIN\""]);
    let again = client.with("idempotency-key", "1").post("/v1/data/orders", ORDERS.as_bytes()).json();
    assert_eq!(again["duplicate"], true);
    host.processed();
    let total = |q: &str| search(&host, &[("q", q)])["total"].as_u64().unwrap();
    assert_eq!(total("kind:custom-orders"), 3);
    assert_eq!(total("data.customer.region:eu"), 2);
    assert_eq!(total("data.items.price:>10"), 1);
    assert_eq!(total("data.items:* OR data.items.price:*"), 2);
    assert_eq!(total("data.items.price:>3 data.items.price:<11"), 2, "by different elements");
    assert_eq!(total("data.items:{price:>3 price:<11}"), 1, "by one");
    assert_eq!(total("kind:custom-orders created:>=2025-03-10"), 1);
    assert_eq!(total("Eve"), 1);
    let sums =
        search(&host, &[("q", "kind:custom-orders"), ("group", "data.customer.region"), ("stats", "sum:data.total")]);
    assert_eq!(sums["groups"]["rows"][0]["data.total"], json!({ "n": 2, "unknown": 0, "sum": 60.0 }));
    let declared = client.try_send(
        "PUT",
        "/v1/data/surveys/schema",
        br#"{"columns":[{"name":"id","type":"long","unique":true}]}"#,
    );
    assert_eq!(declared.unwrap().json()["entity_kind"], "custom-surveys");
    let table = client.post("/v2/external-data/surveys/ingestions", br#"{"data":[{"id":1},{"id":"x"},{}]}"#);
    let table = table.json();
    assert_eq!(
        (&table["valid"], &table["total"], &table["state"]),
        (&json!(1), &json!(3), &json!("COMPLETED_WITH_ERRORS"))
    );
    assert_eq!(table["errors"][0]["code"], "WRONG_TYPE");
    let refused = client.try_send("PUT", "/v1/data/surveys/schema", br#"{"oneOf":[]}"#).unwrap();
    assert_eq!(refused.status, 400);
    host.stop();
}
