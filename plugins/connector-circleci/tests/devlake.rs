//! Recorded pipelines beside what `DevLake` makes of them; `docs/devlake/circleci.md` has the reasons.

use std::rc::Rc;

use connector_circleci::CircleCi;
use expect_test::expect;
use serde_json::Value;
use weir_recordings::devlake::{Comparison, Entities, Row, made, raw, seconds, text};
use weir_sdk::mock::{self, Answer, Cassette, Order};

const SETTINGS: &str = r#"{"projects": ["gh/coldgust/coldgust.github.io"]}"#;

/// The recorded rows as the API that gave them.
fn server() -> Rc<Cassette> {
    let rows = |name: &str| raw("circleci", &format!("_raw_circleci_api_{name}"));
    let (pipelines, workflows, jobs) = (rows("pipelines"), rows("workflows"), rows("jobs"));
    let serve = move |request: &str| {
        let path = request.strip_prefix("GET ")?;
        let rows: Vec<&Row> = if path.starts_with("/project/") {
            pipelines.iter().collect()
        } else {
            workflows.iter().chain(&jobs).filter(|row| row["url"].ends_with(path)).collect()
        };
        let items: Vec<_> = rows.iter().map(|row| row["data"].as_str()).collect();
        Some(Answer::of(format!(r#"{{"items": [{}], "next_page_token": null}}"#, items.join(","))))
    };
    Rc::new(Cassette::default().serving(serve))
}

fn ours() -> Entities {
    let cassette = server();
    let mut entities = Entities::default();
    let runs = mock::collect::<CircleCi>(&cassette, &Order::full("runs", SETTINGS));
    assert_eq!(runs.failure, None);
    entities.add::<CircleCi>("runs", &runs.records);
    for run in runs.records {
        let jobs = mock::collect::<CircleCi>(&cassette, &Order::full("jobs", SETTINGS).under(run));
        assert_eq!(jobs.failure, None);
        entities.add::<CircleCi>("jobs", &jobs.records);
    }
    entities
}

/// The part at `index` of an id like `circleci:CircleciJob:1:6731159f-..:ab8c3282-..`.
fn part(id: &str, index: usize) -> String {
    id.split(':').nth(index).unwrap_or_default().to_owned()
}

fn result(run: &Value) -> String {
    match text(run, "/result").as_str() {
        "success" => "SUCCESS".to_owned(),
        "failure" => "FAILURE".to_owned(),
        other => other.to_owned(),
    }
}

fn workflows(compared: &mut Comparison, ours: &Entities) {
    compared.table(
        ("cicd_pipelines", &made("circleci", "cicd_pipelines")),
        ours,
        |row| ("build", part(&row["id"], 3)),
        &[
            ("name", &|build| text(build, "/job").rsplit('/').next().unwrap_or_default().to_owned()),
            ("result", &result),
            ("original_status", &|build| text(build, "/result_word")),
            ("started_date", &|build| text(build, "/started_at")),
            ("created_date", &|build| text(build, "/queued_at")),
            ("duration_sec", &|build| seconds(build, "/duration")),
            ("environment", &|build| text(build, "/environment/name")),
        ],
    );
}

fn jobs(compared: &mut Comparison, ours: &Entities) {
    for row in made("circleci", "cicd_tasks") {
        let build = ours.get("build", &part(&row["id"], 3)).unwrap_or(&Value::Null);
        let stages = build["stages"].as_array().map(Vec::as_slice).unwrap_or_default();
        let stage = stages.iter().find(|stage| stage["key"] == part(&row["id"], 4)).unwrap_or(&Value::Null);
        compared.fact("cicd_tasks.name", &row["name"], &text(stage, "/name"));
        compared.fact("cicd_tasks.result", &row["result"], &result(stage));
        compared.fact("cicd_tasks.original_status", &row["original_status"], &text(stage, "/result_word"));
        compared.fact("cicd_tasks.started_date", &row["started_date"], &text(stage, "/started_at"));
        compared.fact("cicd_tasks.finished_date", &row["finished_date"], &text(stage, "/finished_at"));
        compared.fact("cicd_tasks.duration_sec", &row["duration_sec"], &seconds(stage, "/duration"));
    }
}

/// What the pipeline of a build says about all of its workflows.
fn pipelines(compared: &mut Comparison, ours: &Entities) {
    for row in made("circleci", "_tool_circleci_pipelines") {
        let build = ours.of_kind("build").map(|(_, build)| build).find(|build| text(build, "/number") == row["number"]);
        let build = build.unwrap_or(&Value::Null);
        let json = |column: &str| serde_json::from_str::<Value>(&row[column]).unwrap_or_default();
        let (vcs, trigger) = (json("vcs"), json("trigger"));
        compared.fact("vcs.branch", &text(&vcs, "/branch"), &text(build, "/checkouts/0/branch"));
        compared.fact("vcs.revision", &text(&vcs, "/revision"), &text(build, "/checkouts/0/commit"));
        let repository = text(build, "/checkouts/0/repository/name");
        compared.fact("vcs.target_repository_url", &text(&vcs, "/target_repository_url"), &repository);
        compared.fact("vcs.commit.subject", &text(&vcs, "/commit/subject"), &text(build, "/title"));
        compared.fact("trigger.type", &text(&trigger, "/type"), &text(build, "/triggers/0/text"));
        compared.fact("trigger.actor", &text(&trigger, "/actor/login"), &text(build, "/triggers/0/person/name"));
    }
}

#[test]
fn workflows_and_jobs_beside_devlake() {
    let theirs = made("circleci", "cicd_pipelines").len();
    if theirs == 0 {
        return;
    }
    let (ours, mut compared) = (ours(), Comparison::default());
    workflows(&mut compared, &ours);
    jobs(&mut compared, &ours);
    pipelines(&mut compared, &ours);
    let found = format!("builds: {} of theirs, {} of ours\n", theirs, ours.of_kind("build").count());
    expect![[r"
        builds: 9 of theirs, 10 of ours
        same: 161
        cicd_pipelines.duration_sec: 0 | none: 1
        cicd_pipelines.environment: PRODUCTION | none: 9
        vcs.revision: none | 6ba0cdaf7e7791c5bc5aa89a13b9cd184f8ad296: 1
    "]]
    .assert_eq(&format!("{found}{}", compared.lines()));
}
