//! The raw answers DevLake tests with, read by this connector, beside the tables DevLake makes of them. Its answers are
//! a peer's: every difference is counted here, theirs before ours, and explained in `docs/devlake/jira.md`.

#![allow(clippy::unwrap_used, reason = "a test fails by it")]

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use connector_jira::Jira;
use expect_test::expect;
use serde_json::{Value, json};
use weir_recordings::devlake::{self, Comparison, Entities, Fact, Row, id, seconds, text};
use weir_sdk::mock::{self, Answer, Cassette, Order};
use weir_sdk::model::Timestamp;
use weir_sdk::record::RawRecord;

/// What the custom fields are in the Jira these answers come from.
const FIELDS: &str = r#"[
    {"id": "customfield_10014", "name": "Epic Link", "schema": {"custom": "com.pyxis.greenhopper.jira:gh-epic-link"}},
    {"id": "customfield_10020", "name": "Sprint", "schema": {"custom": "com.pyxis.greenhopper.jira:gh-sprint"}},
    {"id": "customfield_10024", "name": "Story Points", "schema": {"type": "number"}}
]"#;

/// The tables of recorded answers begin with this.
fn raw(table: &str) -> Vec<Row> {
    devlake::raw("jira", &format!("_raw_jira_{table}"))
}

fn is_there() -> bool {
    weir_recordings::shared("devlake-raw/jira").is_some()
}

/// Reads issues through whole passes of the connector, as if a search had found them.
fn collect(issues: &[Row]) -> Entities {
    let list = |rows: &[Row]| rows.iter().map(|row| row["data"].as_str()).collect::<Vec<_>>().join(",");
    let found = format!(r#"{{"issues": [{}], "isLast": true}}"#, list(issues));
    let statuses = format!("[{}]", list(&raw("api_status")));
    let mut entities = Entities::default();
    // Of what two records of one version state the host takes the one of the first dataset by name.
    for dataset in ["changelogs", "custom-fields", "issues"] {
        let (found, statuses) = (found.clone(), statuses.clone());
        let cassette = Cassette::default().serving(move |request| {
            Some(Answer::of(match request {
                "GET /rest/api/3/field" => FIELDS,
                "GET /rest/api/3/status" => &statuses,
                _ => &found,
            }))
        });
        let order = Order::full(dataset, r#"{"deployment": "cloud"}"#);
        let collected = mock::collect::<Jira>(&Rc::new(cassette), &order);
        assert_eq!(collected.failure, None);
        entities.add::<Jira>(dataset, &collected.records);
    }
    entities
}

/// Issues of the one Jira that nearly all tables are made of; the others serve tests of single features.
fn main_issues() -> Vec<Row> {
    raw("api_issues").into_iter().filter(|row| row["params"].contains(r#""ConnectionId":2"#)).collect()
}

/// Records of a table of single things, with what the connector would say of where they lie.
fn records(table: &str, context: impl Fn(&Row) -> String) -> Vec<RawRecord> {
    let record = |(at, row): (usize, Row)| {
        let record = RawRecord::upsert(at.to_string(), row["data"].clone());
        RawRecord { context: Some(context(&row)), ..record }
    };
    raw(table).into_iter().enumerate().map(record).collect()
}

/// Texts of a list, of references their keys.
fn texts(entity: &Value, place: &str) -> Vec<String> {
    let items = entity.pointer(place).and_then(Value::as_array).into_iter().flatten();
    items
        .map(|item| [text(item, ""), text(item, "/key")].into_iter().find(|it| !it.starts_with('{')).unwrap())
        .collect()
}

fn minutes(entity: &Value, place: &str) -> String {
    seconds(entity, place).parse::<u64>().map(|seconds| (seconds / 60).to_string()).unwrap_or_default()
}

fn instant(entity: &Value, place: &str) -> Option<Timestamp> {
    text(entity, place).parse().ok()
}

fn lead_time(item: &Value) -> String {
    let times = instant(item, "/resolved_at").zip(instant(item, "/created_at"));
    times.and_then(|(end, start)| Some((end.since(start)?.0 / 60_000).to_string())).unwrap_or_default()
}

/// DevLake's word for a class of status.
fn class(item: &Value) -> String {
    match text(item, "/status/category").as_str() {
        "todo" => "TODO".to_owned(),
        "doing" => "IN_PROGRESS".to_owned(),
        "done" => "DONE".to_owned(),
        other => other.to_owned(),
    }
}

const FACTS: &[Fact<'_>] = &[
    ("issue_key", &|it| text(it, "/handle")),
    ("url", &|it| text(it, "/url")),
    ("title", &|it| text(it, "/title")),
    ("description", &|it| text(it, "/description")),
    ("original_type", &|it| text(it, "/kind_word")),
    ("original_status", &|it| text(it, "/status/name")),
    ("status", &class),
    ("epic_key", &|it| text(it, "/epic/name")),
    ("story_point", &|it| text(it, "/story_points").trim_end_matches(".0").to_owned()),
    ("created_date", &|it| text(it, "/created_at")),
    ("updated_date", &|it| text(it, "/updated_at")),
    ("resolution_date", &|it| text(it, "/resolved_at")),
    ("due_date", &|it| text(it, "/due_at")),
    ("lead_time_minutes", &lead_time),
    ("priority", &|it| text(it, "/priority")),
    ("original_estimate_minutes", &|it| minutes(it, "/estimate")),
    ("time_spent_minutes", &|it| minutes(it, "/time_spent")),
    ("time_remaining_minutes", &|it| minutes(it, "/time_remaining")),
    ("component", &|it| texts(it, "/components").join(",")),
    ("fix_versions", &|it| texts(it, "/fix_versions").join(",")),
    ("original_project", &|it| text(it, "/project")),
];

/// Facts in columns that hold DevLake's own ids.
const REFERENCES: &[Fact<'_>] = &[
    ("parent_issue_id", &|it| text(it, "/parent/key")),
    ("creator_id", &|it| text(it, "/creator/key")),
    ("assignee_id", &|it| texts(it, "/assignees").pop().unwrap_or_default()),
];

/// Compares what only one side may have.
fn sets(compared: &mut Comparison, name: &str, theirs: &BTreeSet<String>, ours: &BTreeSet<String>) {
    let side = |set: &BTreeSet<String>, thing| if set.contains(thing) { "there" } else { "" };
    theirs.union(ours).for_each(|thing| compared.fact(name, side(theirs, thing), side(ours, thing)));
}

/// Pairs of ids in two columns of a table.
fn pairs(table: &str, from: &str, to: &str) -> BTreeSet<String> {
    devlake::made("jira", table).iter().map(|row| format!("{} {}", id(&row[from]), id(&row[to]))).collect()
}

#[test]
fn issues_labels_and_sprints_of_issues() {
    if !is_there() {
        return;
    }
    let entities = collect(&main_issues());
    let rows = devlake::made("jira", "issues");
    let mut compared = Comparison::default();
    let find = |row: &Row| ("work-item", id(&row["id"]).to_owned());
    compared.table(("issues", &rows), &entities, find, FACTS);
    let bare = |row: &Row| row.iter().map(|(column, value)| (column.clone(), id(value).to_owned())).collect();
    compared.table(("issues", &rows.iter().map(bare).collect::<Vec<Row>>()), &entities, find, REFERENCES);
    let ours = |place: &str| {
        let pairs = |(id, item)| texts(item, place).into_iter().map(move |text| format!("{id} {text}"));
        entities.of_kind("work-item").flat_map(pairs).collect()
    };
    sets(&mut compared, "issue_labels", &pairs("issue_labels", "issue_id", "label_name"), &ours("/labels"));
    let assignees = pairs("issue_assignees", "issue_id", "assignee_id");
    sets(&mut compared, "issue_assignees", &assignees, &ours("/assignees"));
    sets(&mut compared, "sprint_issues", &pairs("sprint_issues", "issue_id", "sprint_id"), &ours("/sprints"));
    expect![[r"
        same: 511
        issue_labels: none | there: 4
        issues.due_date: 2025-03-08T16:00:00.000+00:00 | 2025-03-09T00:00:00.000Z: 1
        issues.original_project: Enterprise Edition | EE: 30
        issues.status: 110 100 100 116 102 46 99 111 109 | TODO: 1
        issues.status: hello world | DONE: 7
        issues.status: 你好世界 | DONE: 10
        issues.status: 恩底滴梯欸夫典亢姆 | TODO: 2
        issues.story_point: 0 | none: 28
        issues.time_remaining_minutes: 0 | none: 14
    "]]
    .assert_eq(&compared.lines());
}

#[test]
fn epics_outside_of_the_board() {
    if !is_there() {
        return;
    }
    let rows = devlake::made("jira", "_tool_jira_issues_for_external_epics");
    let facts: &[Fact<'_>] = &[
        ("issue_key", &|it| text(it, "/handle")),
        ("epic_key", &|it| text(it, "/epic/name")),
        ("parent_id", &|it| text(it, "/parent/key")),
        ("sprint_id", &|it| texts(it, "/sprints").pop().unwrap_or_default()),
        ("story_point", &|it| text(it, "/story_points")),
        ("created", &|it| text(it, "/created_at")),
    ];
    let mut compared = Comparison::default();
    let entities = collect(&raw("external_epics"));
    compared.table(("issues", &rows), &entities, |row| ("work-item", row["issue_id"].clone()), facts);
    expect![[r"
        same: 12
        issues.parent_id: 0 | none: 1
        issues.sprint_id: 0 | none: 1
        issues.story_point: 0 | none: 3
    "]]
    .assert_eq(&compared.lines());
}

/// What our transitions and edits are called in DevLake's table of changes.
const CHANGES: &[(&str, &[&str])] = &[
    ("status", &["status"]),
    ("assignee", &["assignee"]),
    ("sprint", &["Sprint"]),
    ("original-estimate", &["timeoriginalestimate"]),
    ("kind", &["issuetype"]),
    ("fix-version", &["Fix Version"]),
    ("parent", &["Parent", "Epic Link"]),
];

/// A change by entry of the history and field, and what it says.
type Changes = BTreeMap<String, Vec<[String; 4]>>;

fn our_changes(entities: &Entities) -> Changes {
    let mut changes = Changes::new();
    for (_, item) in entities.of_kind("work-item") {
        let lists = ["/transitions", "/edits"].into_iter().filter_map(|place| item.pointer(place)?.as_array());
        for change in lists.flatten() {
            let field = Some(text(change, "/field")).filter(|field| !field.is_empty());
            let entry = text(change, "/id").split('/').next().unwrap().to_owned();
            let side = |side: &str| [format!("/{side}/name"), format!("/{side}")].map(|place| text(change, &place));
            let name = |side_name: &str| side(side_name).into_iter().find(|text| !text.is_empty()).unwrap_or_default();
            let says = [name("before"), name("after"), text(change, "/author/key"), text(change, "/at")];
            let key = format!("{} {entry}", field.as_deref().unwrap_or("status"));
            changes.entry(key).or_default().push(says);
        }
    }
    changes
}

fn their_changes(rows: &[Row]) -> Changes {
    let mut changes = Changes::new();
    for row in rows {
        let Some((field, _)) = CHANGES.iter().find(|(_, names)| names.contains(&row["field_name"].as_str())) else {
            continue;
        };
        // Sprints and people carry DevLake's own ids.
        let bare = |text: &str| text.split(", ").map(id).collect::<Vec<_>>().join(", ");
        let side = |name: &str| if row[name].contains("jira:") { bare(&row[name]) } else { row[name].clone() };
        let author = id(&row["author_id"]).to_owned();
        let says = [side("original_from_value"), side("original_to_value"), author, row["created_date"].clone()];
        let key = format!("{field} {}", row["id"].split(':').nth(3).unwrap());
        changes.entry(key).or_default().push(says);
    }
    changes
}

#[test]
fn histories() {
    if !is_there() {
        return;
    }
    let rows = devlake::made("jira", "issue_changelogs");
    let (theirs, ours) = (their_changes(&rows), our_changes(&collect(&main_issues())));
    let mut compared = Comparison::default();
    for key in theirs.keys().chain(ours.keys()).collect::<BTreeSet<_>>() {
        let field = key.split(' ').next().unwrap();
        let (theirs, ours) = (theirs.get(key).into_iter().flatten(), ours.get(key).into_iter().flatten());
        let (theirs, ours): (Vec<_>, Vec<_>) = (theirs.collect(), ours.collect());
        compared.fact(&format!("{field}.changes"), &theirs.len().to_string(), &ours.len().to_string());
        for (theirs, ours) in theirs.into_iter().zip(ours) {
            for (place, name) in ["before", "after", "author", "at"].into_iter().enumerate() {
                compared.fact(&format!("{field}.{name}"), &theirs[place], &ours[place]);
            }
        }
    }
    expect![[r"
        same: 1341
        fix-version.after: SaaS | none: 17
        fix-version.after: v2.5.4 | none: 1
        fix-version.after: v2.6.0 | none: 1
        fix-version.after: v2.8.0 | none: 1
        fix-version.before: none | v2.5.5: 1
        fix-version.before: none | v2.7.0: 19
        fix-version.changes: 1 | 2: 20
        status.after: In Progress | In Development: 7
        status.after: 待办 | To Do: 20
        status.after: 待开发 | Ready for Dev: 6
        status.before: In Progress | In Development: 6
        status.before: 待办 | To Do: 41
        status.before: 待开发 | Ready for Dev: 6
    "]]
    .assert_eq(&compared.lines());

    let mut alone: BTreeMap<&str, usize> = BTreeMap::new();
    let told = |row: &&Row| CHANGES.iter().any(|(_, names)| names.contains(&row["field_name"].as_str()));
    rows.iter().filter(|row| !told(row)).for_each(|row| *alone.entry(&row["field_name"]).or_default() += 1);
    expect![[r#"{"End date": 22, "Rank": 6, "RemoteIssueLink": 35, "Start date": 22, "Workflow": 221, "WorklogId": 6, "resolution": 30, "timeestimate": 20, "timespent": 6}"#]].assert_eq(&format!("{alone:?}"));
}

/// Entries of long histories, as the address of a history alone gives them.
#[test]
fn histories_fetched_on_their_own() {
    if !is_there() {
        return;
    }
    let issue = |row: &Row| {
        let input: Value = serde_json::from_str(&row["input"]).unwrap_or_default();
        json!({"issue": text(&input, "/issue_id")}).to_string()
    };
    let ours = records("api_issue_changelogs", issue);
    let mut entities = Entities::default();
    entities.add::<Jira>("changelogs", &ours);
    let count = |place: &str| {
        let lists = entities.of_kind("work-item").filter_map(|(_, item)| item.pointer(place)?.as_array());
        lists.map(Vec::len).sum::<usize>()
    };
    let theirs = devlake::made("jira", "_tool_jira_issue_changelogs_extractor");
    let counts = [ours.len(), theirs.len(), count("/transitions"), count("/edits")];
    // Three of the entries are of other connections than the one their table is made of.
    assert_eq!(counts, [279, 276, 10, 14]);
}

#[test]
fn sprints() {
    if !is_there() {
        return;
    }
    let mut entities = Entities::default();
    entities.add::<Jira>("sprints", &records("api_sprints", |_| r#"{"board": "EE board"}"#.to_owned()));
    let rows = devlake::made("jira", "sprints");
    let facts: &[Fact<'_>] = &[
        ("name", &|it| text(it, "/name")),
        ("status", &|it| text(it, "/state").to_uppercase()),
        ("started_date", &|it| text(it, "/started_at")),
        ("ended_date", &|it| text(it, "/ends_at")),
        ("completed_date", &|it| text(it, "/completed_at")),
    ];
    let mut compared = Comparison::default();
    compared.table(("sprints", &rows), &entities, |row| ("sprint", id(&row["id"]).to_owned()), facts);
    let theirs = rows.iter().map(|row| id(&row["id"]).to_owned()).collect();
    sets(&mut compared, "sprints", &theirs, &entities.of_kind("sprint").map(|(id, _)| id.to_owned()).collect());
    expect![[r"
        same: 174
        sprints: none | there: 1
    "]]
    .assert_eq(&compared.lines());
}

#[test]
fn links_between_issues() {
    if !is_there() {
        return;
    }
    let entities = collect(&raw("api_issue_relationships"));
    let mut ours = BTreeSet::new();
    for (id, item) in entities.of_kind("work-item") {
        for link in item["links"].as_array().into_iter().flatten() {
            ours.insert(format!("{id} {} {}", text(link, "/target/key"), phrase(&text(link, "/kind"))));
        }
    }
    let rows = devlake::made("jira", "issue_relationships");
    let row =
        |row: &Row| format!("{} {} {}", id(&row["source_issue_id"]), id(&row["target_issue_id"]), row["original_type"]);
    let mut compared = Comparison::default();
    sets(&mut compared, "issue_relationships", &rows.iter().map(row).collect(), &ours);
    expect![[r"
        same: 16
    "]]
    .assert_eq(&compared.lines());
}

/// Jira's phrase for our word.
fn phrase(word: &str) -> &str {
    match word {
        "blocked-by" => "is blocked by",
        "duplicated-by" => "is duplicated by",
        "caused-by" => "is caused by",
        "relates" => "relates to",
        other => other,
    }
}

#[test]
fn commits_linked_by_people_and_apps() {
    if !is_there() {
        return;
    }
    let issue = |row: &Row| {
        let input: Value = serde_json::from_str(&row["input"]).unwrap();
        json!({"issue": text(&input, "/issue_id")}).to_string()
    };
    let mut entities = Entities::default();
    entities.add::<Jira>("remote-links", &records("api_remotelinks", issue));
    let commits = |(id, item)| texts(item, "/commits").into_iter().map(move |sha| format!("{id} {sha}"));
    let ours = entities.of_kind("work-item").flat_map(commits).collect();
    let mut compared = Comparison::default();
    sets(&mut compared, "issue_repo_commits", &pairs("issue_repo_commits", "issue_id", "commit_sha"), &ours);
    expect![[r"
        same: 79
        issue_repo_commits: none | there: 18
    "]]
    .assert_eq(&compared.lines());
}
