use super::*;
use expect_test::{Expect, expect};
use proptest::prelude::*;

#[expect(clippy::needless_pass_by_value, reason = "an `Expect` is written in place")]
pub(super) fn check(format: Format, payloads: &[&str], expected: Expect) {
    let mut text = String::new();
    for json in payloads {
        let read = native(format, &RawRecord::upsert("k", None, *json), Arrival::default());
        match read.outcome {
            Outcome::Produced(all) if all.is_empty() => text += "nothing\n",
            Outcome::Produced(all) => {
                for part in all {
                    text += &format!("{} {}\n", part.id(&"me".parse().unwrap()), part.entity.to_json());
                }
            }
            other => text += &format!("{other:?}\n"),
        }
        for diagnostic in read.diagnostics {
            text += &format!("! {:?} {} {}\n", diagnostic.kind, diagnostic.code, diagnostic.found.unwrap_or_default());
        }
    }
    expected.assert_eq(&text);
}

#[test]
fn commits_of_git_and_of_code_hosts() {
    check(
        Format::Commits,
        &[
            r#"{"sha":"001AAADA7DAB82C3C09CDE5F8E14245DC9D8B454","parents":["c77b3cb39312b83b053d23a2158b99ac7de44dd3"],
                "author":{"name":"Carter","email_hash":"060d@apache.org","date":"2021-11-29T14:20:33Z"},
                "committer":{"name":"Ralph","email":"R@apache.org","date":"2021-12-04T22:47:24-07:00"},
                "message":"LOG4J2-3198: Log4j2\n\nmore","files":[[22,9,"a/b.java"],["-","-","c.png"]],"repository":"apache/log4j"}"#,
            r#"{"sha":"001aaada7dab82c3c09cde5f8e14245dc9d8b454","commit":{"message":"m","author":{"name":"A","email":"a@b","date":"2021-11-29T14:20:33Z"},
                "committer":{"name":"GitHub","email":"noreply@github.com","date":"2021-11-29T14:21:33Z"}},"author":{"login":"ana"},
                "parents":[{"sha":"c77b3cb39312b83b053d23a2158b99ac7de44dd3","url":"u"}],"stats":{"additions":1,"deletions":2,"total":3},
                "files":[{"filename":"x","status":"removed","additions":0,"deletions":2}]}"#,
            r#"{"sha":"001aaada7dab82c3c09cde5f8e14245dc9d8b454","parents":[],"author_name":"A","author_email":"a@b","authored_at":1638195633000,"files":["p"]}"#,
            r#"{"sha":"nope"}"#,
        ],
        expect![[r#"
            commit::001aaada7dab82c3c09cde5f8e14245dc9d8b454 {"repositories":[{"name":"apache/log4j"}],"parents":["c77b3cb39312b83b053d23a2158b99ac7de44dd3"],"author":{"name":"060d@apache.org"},"authored_at":"2021-11-29T14:20:33.000Z","committer":{"name":"r@apache.org"},"committed_at":"2021-12-04T22:47:24.000-07:00","message":"LOG4J2-3198: Log4j2\n\nmore","files":[{"path":"a/b.java","additions":22,"deletions":9},{"path":"c.png"}],"attributes":{"git.author_name":"Carter","git.committer_name":"Ralph"}}
            commit::001aaada7dab82c3c09cde5f8e14245dc9d8b454 {"parents":["c77b3cb39312b83b053d23a2158b99ac7de44dd3"],"author":{"name":"a@b"},"authored_at":"2021-11-29T14:20:33.000Z","committer":{"name":"noreply@github.com"},"committed_at":"2021-11-29T14:21:33.000Z","message":"m","additions":1,"deletions":2,"files":[{"path":"x","kind":"deleted","additions":0,"deletions":2}],"attributes":{"git.author_name":"A","git.committer_name":"GitHub"}}
            commit::001aaada7dab82c3c09cde5f8e14245dc9d8b454 {"author":{"name":"a@b"},"authored_at":"2021-11-29T14:20:33.000Z","files":[{"path":"p"}],"attributes":{"git.author_name":"A","git.root":true}}
            Rejected
            ! WrongType commits.sha nope
            ! Missing commits.sha 
        "#]],
    );
}

#[test]
fn deployments_and_test_reports() {
    check(
        Format::Deployments,
        &[
            r#"{"id":"d1","environment":"production","component":"api","version":"1.2","result":"SUCCESS","start_time":1680006843000,
                "finished_at":1680006903000,"repository":"https://u@github.com/acme/api.git","commit":"c77b3cb39312b83b053d23a2158b99ac7de44dd3","user_id":"ana"}"#,
            r#"{"id":"d2","environment":"eu-1","environment_type":"production","status":"in_progress"}"#,
            r#"{"environment":"production"}"#,
        ],
        expect![[r#"
            deployment:me:d1 {"service":"api","environment":{"name":"production","class":"production"},"state":"finished","result":"success","result_word":"SUCCESS","version":"1.2","author":{"name":"ana"},"repositories":[{"name":"https://github.com/acme/api.git"}],"commits":["c77b3cb39312b83b053d23a2158b99ac7de44dd3"],"started_at":"2023-03-28T12:34:03.000Z","finished_at":"2023-03-28T12:35:03.000Z"}
            deployment:me:d2 {"environment":{"name":"eu-1","class":"production"},"state":"running"}
            Rejected
            ! Missing deployments.id 
        "#]],
    );
    check(
        Format::TestReports,
        &[
            r#"{"id":"t1","name":"unit","job_full_name":"a","build_number":3,"start_time":1680006843000,"duration_ms":1500,"passed":2,"failed":1,
                "skipped":0,"cases":[{"name":"x","result":"failed","message":"m"},{"name":"y","result":"passed"}]}"#,
        ],
        expect![[r#"
            test-report:me:t1 {"name":"unit","build":{"key":"a/3/1"},"passed":2,"failed":1,"skipped":0,"duration":1500,"started_at":"2023-03-28T12:34:03.000Z","finished_at":"2023-03-28T12:34:04.500Z","cases":[{"name":"x","result":"failed","message":"m"},{"name":"y","result":"passed"}]}
        "#]],
    );
}

#[test]
fn forwarded_entities_keep_their_names() {
    check(
        Format::Forwarded,
        &[
            r#"{"id":"build:ci:a/1/1","host":"lab","document":{"job":"a","number":"x"}}"#,
            r#"{"id":"build:ci:a/1/1","host":"lab","document":null}"#,
            r#"{"id":"nonsense"}"#,
        ],
        expect![[r#"
            build:ci:a/1/1 {"job":"a","attributes":{"weir.host":"lab"}}
            ! WrongType model.build.number "x"
            nothing
            Rejected
            ! Missing forwarded.id "nonsense"
        "#]],
    );
}

#[test]
fn envelopes_that_report_no_run() {
    check(
        Format::Envelopes,
        &[
            r#"{"request_type":"JenkinsPluginJobConfigChange","payload":"{\"job_name\":\"p\",\"branch_name\":null,\"job_full_name\":\"F/jobs/p\",\"jenkins_instance_guid\":\"g\",\"jenkins_instance_name\":\"US1\",\"repo_url\":\"https://u:p@h/o/r.git\",\"change_type\":\"renamed\",\"change_time\":1680006843000,\"user_id\":\"ana\",\"users_name\":\"Ana\"}"}"#,
            r#"{"request_type":"JenkinsPluginJobConfigChange","payload":"{}"}"#,
            r#"{"request_type":"JenkinsHeartbeat","payload":"{\"instance_id\":\"g\",\"timestamp\":1763600000}"}"#,
            r#"{"request_type":"pluginErrorReport","payload":"java.lang.Error"}"#,
            r#"{"request_type":"Whatever","payload":null}"#,
            "{}",
        ],
        expect![[r#"
            configuration-change:me:g/F/jobs/p/1680006843000/renamed {"title":"F/p: renamed","at":"2023-03-28T12:34:03.000Z","attributes":{"ci.change_type":"renamed","ci.instance":"US1","ci.job":"F/p","ci.repository":"https://h/o/r.git","ci.user":"ana","ci.user_name":"Ana"}}
            Rejected
            ! Missing envelopes.job_full_name or change_time 
            Ignored("envelope.heartbeat")
            Ignored("envelope.error-of-the-sender")
            Ignored("envelope.unknown-request")
            Rejected
            ! Missing envelopes.request_type 
        "#]],
    );
    let key = |json: &str| record_key(Format::Envelopes, serde_json::from_str(json).as_ref().unwrap()).unwrap().key;
    let beat = |at: u64| {
        format!(r#"{{"request_type":"JenkinsHeartbeat","payload":"{{\"instance_id\":\"g\",\"timestamp\":{at}}}"}}"#)
    };
    assert_eq!([key(&beat(1)), key(&beat(2))], ["JenkinsHeartbeat/g"; 2]);
    let error = |text: &str| format!(r#"{{"request_type":"pluginErrorReport","payload":"{text}"}}"#);
    assert_ne!(key(&error("one")), key(&error("other")));
}

#[test]
fn additions_scans_and_rows() {
    check(
        Format::RunAdditions,
        &[
            r#"{"integration_id":"155","repository":"Acme/api","job_run_number":"42","job_name":"CI",
                "artifacts":[{"name":"app","location":"ghcr.io/o","tag":"v1.2.3","digest":"sha256:AB","type":"container","artifacts_created_at":"2023-01-01T12:00:00.000+00:00"}]}"#,
            r#"{"integration_id":155,"repository":"https://github.com/acme/api.git","job_run_number":42,"job_name":"CI","run_attempt":2,
                "params":[{"name":"env","type":"string","value":"prod"},{"name":"count","type":"integer","value":3},{"name":"token","value":"x"}]}"#,
            r#"{"repository":"acme/api"}"#,
        ],
        expect![[r#"
            artifact:me:sha256:ab {"kind":"image","name":"app","location":"ghcr.io/o","version":"v1.2.3","digest":"sha256:ab","build":{"key":"acme/api/ci#42"},"created_at":"2023-01-01T12:00:00.000Z"}
            build:me:acme/api/ci#42 {"artifacts":[{"artifact":{"key":"sha256:ab"},"role":"produced"}]}
            run-addition:me:k {"title":"acme/api/ci#42","attributes":{"run.name":"acme/api/ci#42"}}
            ! Missing run-additions.run_attempt the newest attempt is taken
            build:me:acme/api/ci#42 {"parameters":[{"name":"env","kind":"string","value":"prod","withheld":false},{"name":"count","kind":"integer","value":"3","withheld":false},{"name":"token","withheld":true}]}
            run-addition:me:k {"title":"acme/api/ci#42","attributes":{"run.attempt":2,"run.name":"acme/api/ci#42"}}
            Rejected
            ! Missing run-additions.repository, job_run_number or job_name 
        "#]],
    );
    check(
        Format::ScanResults,
        &[
            r#"{"tool":"brakeman","version":"1","timestamp":1680006843,"labels":{"env":["prod","eu"]},"tags":["x"],"product_ids":["7"],"successful":true,
                "results":{"high":2,"nested":{"a":{"b":[{"c":1}]}}},"metadata":{}}"#,
            r#"{"plugin_name":"junit","class":"c","results":{"passed":3,"failed":1}}"#,
            r#"{"version":"1"}"#,
        ],
        expect![[r#"
            scan-result:me:k {"title":"brakeman 1","at":"2023-03-28T12:34:03.000Z","attributes":{"scan.labels.env":["prod","eu"],"scan.product_ids":["7"],"scan.results.high":2,"scan.results.nested.a.b":"[{\"c\":1}]","scan.successful":true,"scan.tags":["x"],"scan.tool":"brakeman","scan.version":"1"}}
            test-report:me:k {"name":"junit","passed":3,"failed":1}
            scan-result:me:k {"title":"junit","attributes":{"scan.class":"c","scan.plugin_name":"junit","scan.results.failed":1,"scan.results.passed":3}}
            Rejected
            ! Missing scan-results.tool 
        "#]],
    );
    check(
        Format::TableRows,
        &[
            r#"{"id":"r1","Name":"Row","created_at":"2023-01-01T12:00:00Z","Cost EUR":1.5,"ok":true,"none":null,"more":{"a":[1,2]}}"#,
            r#"{"x":1}"#,
        ],
        expect![[r#"
            custom-table:me:k {"title":"Row","at":"2023-01-01T12:00:00.000Z","attributes":{"row.cost_eur":1.5,"row.created_at":"2023-01-01T12:00:00Z","row.id":"r1","row.more.a":["1","2"],"row.name":"Row","row.ok":true}}
            custom-table:me:k {"attributes":{"row.x":1}}
        "#]],
    );
    let row = RawRecord {
        context: Some(r#"{"table":"my_Table"}"#.to_owned()),
        ..RawRecord::upsert("my_Table/r1", None, "{}")
    };
    let Outcome::Produced(produced) = native(Format::TableRows, &row, Arrival::default()).outcome else { panic!() };
    assert_eq!((produced[0].kind.as_str(), produced[0].key.as_str()), ("custom-my-table", "my_Table/r1"));
}

#[test]
fn what_a_sender_must_state_is_named_at_once() {
    let missing = |format, json: &str| missing_fields(format, serde_json::from_str(json).as_ref().unwrap());
    let whole = r#"{"pipeline":"p","jobFullName":"p","job_normalized_full_name":"p","jenkins_instance_name":"n","start_time":1,"duration":0,"result":"x","execution_id":"e"}"#;
    assert_eq!(missing(Format::Builds, whole), [""; 0]);
    assert_eq!(
        missing(Format::Builds, r#"{"job_name":"p","result":null,"duration":""}"#),
        ["job_full_name", "qualified_name", "instance_name", "start_time", "duration", "result", "build_number"]
    );
    assert_eq!(missing(Format::RunAdditions, "{}"), ["repository", "job_run_number", "job_name"]);
    assert_eq!(missing(Format::TestReports, "{}"), [""; 0]);
}

#[test]
fn a_deleted_record_gives_nothing() {
    let read = native(Format::Builds, &RawRecord::delete("k", None), Arrival::default());
    assert_eq!(read, Normalised { outcome: Outcome::Produced(Vec::new()), diagnostics: Vec::new() });
}

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[a-z0-9:./@#-]{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map("[a-z_]{1,6}", inner, 0..4)
                .prop_map(|map| map.into_iter().collect::<Map<_, _>>().into()),
        ]
    })
}

const NAMES: &[&str] = &[
    "sha",
    "id",
    "job_full_name",
    "build_number",
    "result",
    "start_time",
    "duration",
    "checkouts",
    "trigger_chain",
    "job_run",
    "tests",
    "artifacts",
    "job_run_params",
    "change_list",
    "parents",
    "files",
    "author",
    "commit",
    "change",
    "cd",
    "environment",
    "document",
    "diagnostics",
    "request_type",
    "payload",
    "repository",
    "job_run_number",
    "tool",
    "results",
];

proptest! {
    /// Whatever the fields hold, there is an outcome, and it is the same the second time.
    #[test]
    fn every_payload_has_an_outcome(values in proptest::collection::vec((0..NAMES.len(), json()), 0..12)) {
        let mut object: Map<String, Value> = values.into_iter().map(|(name, value)| (NAMES[name].to_owned(), value)).collect();
        object.entry("job_full_name").or_insert_with(|| "a".into());
        object.entry("build_number").or_insert_with(|| 1.into());
        let record = RawRecord::upsert("k", None, Value::Object(object.clone()).to_string());
        for format in Format::ALL {
            let read = native(format, &record, Arrival::default());
            prop_assert_eq!(&read, &native(format, &record, Arrival::default()));
            prop_assert!(read.outcome != Outcome::Rejected || !read.diagnostics.is_empty());
            let _ = record_key(format, &object);
        }
    }
}
