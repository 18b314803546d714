//! What Apache DevLake makes of the same answers of Bitbucket Cloud, fact by fact. Each group of differences is explained
//! in `docs/devlake/bitbucket.md`.

#![allow(clippy::unwrap_used, reason = "a test fails by it")]

use std::collections::BTreeMap;

use connector_bitbucket::Bitbucket;
use expect_test::expect;
use serde_json::{Value, json};
use weir_sdk::mock;
use weir_sdk::model::Timestamp;
use weir_sdk::outcome::Outcome;
use weir_sdk::record::RawRecord;

const REPOSITORY: &str = "likyh/likyhphp";

type Row = BTreeMap<String, String>;

/// Entities by kind and key, merged from all records that state a part of them.
type Entities = BTreeMap<(String, String), Value>;

fn rows(folder: &str, table: &str) -> Option<Vec<Row>> {
    weir_recordings::shared(&format!("{folder}/bitbucket/{table}.csv")).map(|file| weir_recordings::csv(&file))
}

/// The raw rows of a table, normalised as the connector would have read them.
fn normalise(entities: &mut Entities, table: &str, dataset: &str, wrap: Option<&str>) {
    let rows = rows("devlake-raw", &format!("_raw_bitbucket_api_{table}")).unwrap();
    let record = |row: &Row| {
        let input: Value = serde_json::from_str(&row["input"]).unwrap();
        let mut context = json!({"repository": REPOSITORY});
        if let Some(pull) = input["BitbucketId"].as_u64() {
            context["pull"] = pull.into();
        }
        let payload = match wrap {
            Some(part) => format!(r#"{{"{part}": {}}}"#, row["data"]),
            None => row["data"].clone(),
        };
        RawRecord::upsert("k", payload).context(&context)
    };
    let records: Vec<_> = rows.iter().map(record).collect();
    for outcome in mock::normalize::<Bitbucket>(dataset, "{}", &records).unwrap() {
        let Outcome::Produced(produced) = outcome else { continue };
        for entity in produced.entities {
            let document: Value = serde_json::from_str(&entity.document).unwrap();
            merge(entities.entry((entity.kind, entity.key)).or_insert(json!({})), document);
        }
    }
}

/// Lists are united, of single values the first stays.
fn merge(into: &mut Value, more: Value) {
    let (Value::Object(into), Value::Object(more)) = (into, more) else { return };
    for (field, value) in more {
        match (into.get_mut(&field), value) {
            (Some(Value::Array(known)), Value::Array(more)) => known.extend(more),
            (Some(_), _) => {}
            (None, value) => {
                into.insert(field, value);
            }
        }
    }
}

/// All that both made something of; none where the recordings are absent.
fn entities() -> Option<Entities> {
    weir_recordings::shared("devlake-raw/bitbucket")?;
    let mut entities = Entities::new();
    normalise(&mut entities, "repositories", "repositories", None);
    normalise(&mut entities, "issues", "issues", None);
    normalise(&mut entities, "pull_requests", "pulls", None);
    normalise(&mut entities, "pull_request_commits", "pull-commits", None);
    normalise(&mut entities, "pullrequest_comments", "pull-activity", Some("comment"));
    normalise(&mut entities, "pipelines", "pipelines", None);
    normalise(&mut entities, "pipeline_steps", "pipeline-steps", None);
    normalise(&mut entities, "deployments", "deployments", None);
    Some(entities)
}

/// Facts compared, and differences by what they are.
#[derive(Default)]
struct Comparison {
    n_same: usize,
    differences: BTreeMap<String, usize>,
}

impl Comparison {
    /// Compares a fact; an empty text is one that is not stated.
    fn fact(&mut self, place: &str, theirs: &str, ours: &str) {
        if theirs.is_empty() && ours.is_empty() {
            return;
        }
        if same(theirs, ours) {
            self.n_same += 1;
        } else {
            *self.differences.entry(format!("{place}: {} | {}", shown(theirs), shown(ours))).or_default() += 1;
        }
    }

    fn lines(&self) -> String {
        let differences = self.differences.iter().map(|(difference, n)| format!("{difference}: {n}\n"));
        format!("same: {}\n", self.n_same) + &differences.collect::<String>()
    }
}

fn same(theirs: &str, ours: &str) -> bool {
    let instants = theirs.parse::<Timestamp>().ok().zip(ours.parse::<Timestamp>().ok());
    theirs == ours || instants.is_some_and(|(theirs, ours)| theirs.ms() == ours.ms())
}

fn shown(text: &str) -> String {
    if text.is_empty() { "none".to_owned() } else { text.chars().take(40).collect() }
}

/// A text or number of ours, or nothing.
fn ours(document: &Value, pointer: &str) -> String {
    match document.pointer(pointer) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Null) | None => String::new(),
        Some(other) => {
            other.as_object().and_then(|word| word["unknown"].as_str()).map_or(other.to_string(), str::to_owned)
        }
    }
}

/// The last part of one of their ids.
fn id(text: &str) -> &str {
    text.rsplit(':').next().unwrap_or_default()
}

/// Address in the API of an issue's page, which ends in its title.
fn in_api(page: &str) -> String {
    let parts: Vec<_> = page.split('/').take(7).collect();
    parts.join("/").replace("//bitbucket.org", "//api.bitbucket.org/2.0/repositories")
}

/// Their words for ours, where the two only spell it differently.
fn word(word: &str) -> String {
    let word = match word {
        "success" => "SUCCESS",
        "failure" => "FAILURE",
        "finished" => "DONE",
        "running" => "IN_PROGRESS",
        "open" => "OPEN",
        "merged" => "MERGED",
        "todo" => "TODO",
        "production" => "PRODUCTION",
        "staging" => "STAGING",
        "testing" => "TESTING",
        other => other,
    };
    word.to_owned()
}

/// A column of theirs, and what we state in its place.
type Fact<'a> = (&'a str, &'a dyn Fn(&Value) -> String);

/// Compares every row of one of their tables with an entity of ours.
fn table(
    comparison: &mut Comparison,
    entities: &Entities,
    name: &str,
    find: impl Fn(&Row) -> (&'static str, String),
    facts: &[Fact<'_>],
) {
    for row in rows("devlake-expected", name).unwrap() {
        let (kind, key) = find(&row);
        let Some(entity) = entities.get(&(kind.to_owned(), key)) else {
            comparison.fact(name, "there", "");
            continue;
        };
        for (column, fact) in facts {
            comparison.fact(&format!("{name}.{column}"), &row[*column], &fact(entity));
        }
    }
}

#[test]
fn changes_and_issues() {
    let Some(entities) = entities() else { return };
    let mut comparison = Comparison::default();
    let numbered = |row: &Row| format!("{REPOSITORY}#{}", id(&row["id"]));
    table(
        &mut comparison,
        &entities,
        "boards",
        |row| ("repository", row["name"].clone()),
        &[("url", &|it| ours(it, "/url") + "/issues"), ("created_date", &|it| ours(it, "/created_at"))],
    );
    table(
        &mut comparison,
        &entities,
        "issues",
        |row| ("work-item", numbered(row)),
        &[
            ("issue_key", &|it| ours(it, "/handle").replace('#', "")),
            ("url", &|it| in_api(&ours(it, "/url"))),
            ("title", &|it| ours(it, "/title")),
            ("description", &|it| ours(it, "/description")),
            ("type", &|it| ours(it, "/kind_word")),
            ("status", &|it| word(&ours(it, "/status/category"))),
            ("original_status", &|it| ours(it, "/status/name")),
            ("priority", &|it| ours(it, "/priority")),
            ("creator_name", &|it| ours(it, "/creator/name")),
            ("assignee_name", &|it| ours(it, "/assignees/0/name")),
            ("component", &|it| ours(it, "/components/0")),
            ("resolution_date", &|it| ours(it, "/resolved_at")),
        ],
    );
    table(
        &mut comparison,
        &entities,
        "pull_requests",
        |row| ("change", numbered(row)),
        &[
            ("status", &|it| word(&ours(it, "/state"))),
            ("original_status", &|it| ours(it, "/state_word")),
            ("title", &|it| ours(it, "/title")),
            ("description", &|it| ours(it, "/description")),
            ("url", &|it| ours(it, "/url")),
            ("author_name", &|it| ours(it, "/author/name")),
            ("merged_date", &|it| ours(it, "/merged_at")),
            ("closed_date", &|it| ours(it, "/closed_at")),
            ("merge_commit_sha", &|it| ours(it, "/merge_commit")),
            ("head_ref", &|it| ours(it, "/head_branch")),
            ("base_ref", &|it| ours(it, "/base_branch")),
            ("base_commit_sha", &|it| ours(it, "/base_commit")),
            ("head_commit_sha", &|it| ours(it, "/head_commit")),
        ],
    );
    parts_of_changes(&mut comparison, &entities);
    expect![[r"
        same: 891
        issues.type: issue | bug: 9
        issues.type: issue | enhancement: 7
        issues.type: issue | proposal: 6
        issues.type: issue | task: 8
        pull_request_commits.commit_author_email: swy@likyh.com | 557058:de34a04f-99e2-4e9d-a952-c9be660a2: 1
    "]]
    .assert_eq(&comparison.lines());
}

/// Comments and commits of pull requests.
fn parts_of_changes(comparison: &mut Comparison, entities: &Entities) {
    table(
        comparison,
        entities,
        "pull_request_comments",
        |row| {
            let pull = id(&row["pull_request_id"]);
            ("review", format!("{REPOSITORY}#{pull}/comment/{}", id(&row["id"])))
        },
        &[("body", &|it| ours(it, "/body"))],
    );
    table(
        comparison,
        entities,
        "pull_request_commits",
        |row| ("commit", row["commit_sha"].clone()),
        &[
            ("commit_authored_date", &|it| ours(it, "/authored_at")),
            ("commit_author_email", &|it| ours(it, "/author/name")),
        ],
    );
    for row in rows("devlake-expected", "pull_request_commits").unwrap() {
        let change = &entities[&("change".to_owned(), format!("{REPOSITORY}#{}", id(&row["pull_request_id"])))];
        let has = change["commits"].as_array().unwrap().contains(&json!(row["commit_sha"]));
        comparison.fact("pull_request_commits.commit_sha", "there", if has { "there" } else { "" });
    }
}

#[test]
fn pipelines_and_deployments() {
    let Some(entities) = entities() else { return };
    let mut comparison = Comparison::default();
    let pipeline = |row: &Row, column: &str| format!("{REPOSITORY}/{}", id(&row[column]));
    let seconds = |it: &Value, pointer: &str| match it.pointer(pointer).and_then(Value::as_u64) {
        Some(ms) => (ms / 1_000).to_string(),
        None => String::new(),
    };
    let result = |it: &Value| format!("{} {}", word(&ours(it, "/state")), word(&ours(it, "/result")));
    table(
        &mut comparison,
        &entities,
        "cicd_pipelines",
        |row| ("build", pipeline(row, "id")),
        &[("duration_sec", &|it| seconds(it, "/duration")), ("original_result", &|it| ours(it, "/result_word"))],
    );
    for row in rows("devlake-expected", "cicd_pipelines").unwrap() {
        let entity = &entities[&("build".to_owned(), pipeline(&row, "id"))];
        let theirs = format!("{} {}", row["status"], row["result"]);
        comparison.fact(&format!("cicd_pipelines of {}", row["original_result"]), &theirs, &result(entity));
    }
    table(
        &mut comparison,
        &entities,
        "cicd_pipeline_commits",
        |row| ("build", pipeline(row, "pipeline_id")),
        &[("commit_sha", &|it| ours(it, "/commits/0")), ("branch", &|it| ours(it, "/checkouts/0/branch"))],
    );
    let tasks = rows("devlake-expected", "cicd_tasks").unwrap();
    let stages = entities.values().filter_map(|entity| entity["stages"].as_array()).flatten();
    for stage in stages.filter(|stage| !tasks.iter().any(|row| stage["key"] == id(&row["id"]))) {
        comparison.fact("cicd_tasks without", "", &ours(stage, "/state"));
    }
    for row in tasks {
        let build = &entities[&("build".to_owned(), pipeline(&row, "pipeline_id"))];
        let stages = build["stages"].as_array().unwrap();
        let stage = stages.iter().find(|stage| stage["key"] == id(&row["id"])).unwrap();
        let theirs = format!("{} {}", row["status"], row["result"]);
        comparison.fact(&format!("cicd_tasks of {}", row["original_result"]), &theirs, &result(stage));
        comparison.fact("cicd_tasks.name", &row["name"], &ours(stage, "/name"));
        comparison.fact("cicd_tasks.duration_sec", &row["duration_sec"], &seconds(stage, "/duration"));
        comparison.fact("cicd_tasks.started_date", &row["started_date"], &ours(stage, "/started_at"));
        comparison.fact("cicd_tasks.finished_date", &row["finished_date"], &ours(stage, "/finished_at"));
    }
    for row in rows("devlake-expected", "cicd_deployments_for_deployment").unwrap() {
        let entity = &entities[&("deployment".to_owned(), id(&row["id"]).to_owned())];
        let theirs = format!("{} {}", row["status"], row["result"]);
        comparison.fact(&format!("cicd_deployments of {}", row["original_status"]), &theirs, &result(entity));
    }
    table(
        &mut comparison,
        &entities,
        "cicd_deployment_commits_for_deployment",
        |row| ("deployment", id(&row["id"]).to_owned()),
        &[
            ("commit_sha", &|it| ours(it, "/commits/0")),
            ("name", &|it| ours(it, "/title")),
            ("environment", &|it| word(&ours(it, "/environment/class"))),
            ("url", &|it| ours(it, "/url").split("/steps/").next().unwrap().to_owned()),
        ],
    );
    expect![[r"
        same: 322
        cicd_deployments of CANCELLED: DONE FAILURE | DONE cancelled: 1
        cicd_deployments of COMPLETED: DONE SUCCESS | DONE COMPLETED: 15
        cicd_deployments of PENDING: OTHER  | queued : 1
        cicd_deployments of ROLLED_BACK: OTHER  | ROLLED_BACK : 1
        cicd_deployments of STOPPED: DONE FAILURE | DONE cancelled: 1
        cicd_deployments of UNDEPLOYED: OTHER  | waiting : 4
        cicd_deployments of UNKNOWN: OTHER  | UNKNOWN : 1
        cicd_pipelines of COMPLETED: DONE SUCCESS | DONE COMPLETED: 1
        cicd_pipelines of ERROR: DONE FAILURE | DONE error: 1
        cicd_pipelines of EXPIRED: OTHER  | DONE timeout: 1
        cicd_pipelines of HALTED: DONE  | waiting : 1
        cicd_pipelines of HALTED: IN_PROGRESS  | waiting : 3
        cicd_pipelines of PAUSED: IN_PROGRESS  | waiting : 1
        cicd_pipelines of PENDING: IN_PROGRESS  | queued : 1
        cicd_pipelines of STOPPED: DONE FAILURE | DONE cancelled: 2
        cicd_pipelines.original_result: HALTED | none: 4
        cicd_pipelines.original_result: IN_PROGRESS | none: 1
        cicd_pipelines.original_result: PAUSED | none: 1
        cicd_pipelines.original_result: PENDING | none: 1
        cicd_pipelines.original_result: RUNNING | none: 1
        cicd_tasks of COMPLETED: DONE SUCCESS | DONE COMPLETED: 1
        cicd_tasks of ERROR: DONE FAILURE | DONE error: 1
        cicd_tasks of EXPIRED: OTHER  | DONE timeout: 1
        cicd_tasks of NOT_RUN: DONE  | DONE skipped: 2
        cicd_tasks of NOT_RUN: OTHER  | DONE skipped: 1
        cicd_tasks of PENDING: IN_PROGRESS  | queued : 1
        cicd_tasks of READY: IN_PROGRESS  | queued : 1
        cicd_tasks of STOPPED: DONE FAILURE | DONE cancelled: 2
        cicd_tasks without: none | queued: 9
    "]]
    .assert_eq(&comparison.lines());
}
