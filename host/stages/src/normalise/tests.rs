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
