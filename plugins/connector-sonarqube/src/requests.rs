//! From a position to requests. Listings come in numbered pages; one whose total changed while it was read begins anew,
//! since its pages have moved. Issues, of which no search gives more than 10,000, are walked by time.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use weir_sdk::address;
use weir_sdk::http::Call;
use weir_sdk::prelude::*;
use weir_sdk::walk::{Place, Then, Walk};

use crate::Settings;

/// Elements of one page; the most there are.
const PAGE: u64 = 500;
/// Elements of one search that can be reached.
const REACH: u64 = 10_000;
/// How far before the newest known change issues are read again, in milliseconds: the search learns of changes late.
const OVERLAP: i64 = 10 * 60_000;

/// Measures of a project that are kept.
const MEASURES: &str = "ncloc,complexity,cognitive_complexity,coverage,line_coverage,branch_coverage,\
    duplicated_lines_density,bugs,vulnerabilities,code_smells,security_hotspots,sqale_index,sqale_debt_ratio,\
    sqale_rating,reliability_rating,security_rating,security_review_rating,alert_status,tests,test_failures,\
    test_errors,skipped_tests,test_execution_time";

/// Where a dataset stands; its mark is the newest change when the last pass began, in milliseconds.
pub(crate) type Position = Walk<Option<Leaf>>;
/// A page that was read, and where to go on.
type Read = (Page<Position>, Then<Option<Leaf>>);

/// A page of a listing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Leaf {
    /// Number of the page, from 1.
    page: u64,
    /// Elements in all at the page before.
    #[serde(skip_serializing_if = "Option::is_none")]
    total: Option<u64>,
    /// Creation that the search begins at, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    created_from: Option<i64>,
    /// Newest change when the pass began, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    newest: Option<i64>,
}

impl Default for Leaf {
    fn default() -> Self {
        Self { page: 1, total: None, created_from: None, newest: None }
    }
}

/// What a record does not say: the address of the server, and what it lies under.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Origin {
    /// Address of the server, for links.
    pub(crate) site: String,
    /// Key of the project.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) project: Option<String>,
    /// When the project was analysed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) analysed_at: Option<Timestamp>,
}

impl Origin {
    fn of(run: &Run<Settings>) -> Self {
        Self { site: run.connection().site(), project: None, analysed_at: None }
    }
}

/// Key of an analysis: what polls and webhooks both know of it. A branch other than the main one is part of it.
pub(crate) fn analysis_key(project: &str, branch: Option<&str>, analysed_at: Timestamp) -> String {
    let branch = branch.map(|branch| format!(":{branch}")).unwrap_or_default();
    format!("{project}{branch}@{}", Timestamp::from_ms(analysed_at.ms()))
}

/// One page of a dataset.
pub(crate) fn step(run: &Run<Settings>, position: Position) -> Result<Page<Position>, Failure> {
    position.step_whole(run, |Place { page, last_mark, .. }| match (run.dataset.as_str(), last_mark) {
        ("projects", _) => projects(run, page),
        ("measures", _) => measures(run, &run.parent()?.key),
        ("analyses", _) => analyses(run, page, &run.parent()?.key),
        ("quality-gates", _) => quality_gate(run, run.parent()?),
        ("hotspots", _) => hotspots(run, page, &run.parent()?.key),
        ("issues", Some(mark)) => changed_issues(run, page.unwrap_or_default(), mark),
        ("issues", None) => all_issues(run, page),
        ("users", _) => users(run, page),
        _ => Err(run.unknown_dataset()),
    })
}

/// Asks for a page of a listing, and says where to go on after it.
fn listed(page: Option<Leaf>, call: Call<'_>) -> Result<(Response, Then<Option<Leaf>>), Failure> {
    let leaf = page.unwrap_or_default();
    let answer = call.query("ps", PAGE.to_string()).query("p", leaf.page.to_string()).send()?;
    let total = total(&answer)?;
    let from = |page| Leaf { page, total: Some(total), ..Leaf::default() };
    if leaf.page > 1 && leaf.total != Some(total) {
        return Ok((answer, Then::Turn(Some(from(1)))));
    }
    let next = (leaf.page * PAGE < total).then(|| Some(from(leaf.page + 1)));
    Ok((answer, Then::next_or_leave(next, None)))
}

fn total(answer: &Response) -> Result<u64, Failure> {
    answer.pointer("/paging/total")?.ok_or_else(|| unreadable("it does not say how many there are"))
}

fn of_organization<'r>(call: Call<'r>, settings: &Settings) -> Call<'r> {
    settings.organization.iter().fold(call, |call, organization| call.query("organization", organization))
}

/// The few fields by which records are named and dated.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Head {
    key: Field<String>,
    #[serde(rename = "analysisDate")]
    analysed_at: Instant,
    date: Instant,
}

impl Head {
    fn read(json: &str) -> Result<Self, Failure> {
        serde_json::from_str(json).map_err(|error| unreadable(&error.to_string()))
    }

    fn key(&self) -> Result<&str, Failure> {
        self.key.quietly().map(String::as_str).ok_or_else(|| unreadable("something has no key"))
    }
}

/// A page of the projects, of which only the chosen are kept. Their version is their last analysis: by it what lies under
/// them is read again.
fn projects(run: &Run<Settings>, page: Option<Leaf>) -> Result<Read, Failure> {
    let call = of_organization(run.get("/api/components/search_projects"), &run.settings).query("f", "analysisDate");
    let (answer, then) = listed(page, call)?;
    let components: Option<Vec<Box<RawValue>>> = answer.pointer("/components")?;
    let mut records = Vec::new();
    for json in components.ok_or_else(|| unreadable("it has no list `components`"))? {
        let head = Head::read(json.get())?;
        if run.settings.chooses(head.key()?) {
            let version = head.analysed_at.ms();
            records.push(RawRecord::upsert(head.key()?, json.get()).version(version).context(&Origin::of(run)));
        }
    }
    Ok((Page::records(records), then))
}

/// All measures of a project are one record.
fn measures(run: &Run<Settings>, project: &str) -> Result<Read, Failure> {
    let call = run.get("/api/measures/component").query("component", project).query("metricKeys", MEASURES);
    let answer = call.send()?;
    Ok((Page::extract(answer, "/component").key("/key").context(&Origin::of(run)), Then::Leave(None)))
}

/// The analyses of a project. They are cut here and not by the host, for their key is of two parts.
fn analyses(run: &Run<Settings>, page: Option<Leaf>, project: &str) -> Result<Read, Failure> {
    let call = run.get("/api/project_analyses/search").query("project", project);
    let call = run.floor(run.settings.since).into_iter().fold(call, |call, since| call.query("from", spelled(since)));
    let (answer, then) = listed(page, call)?;
    let analyses: Option<Vec<Box<RawValue>>> = answer.pointer("/analyses")?;
    let origin = Origin { project: Some(project.to_owned()), ..Origin::of(run) };
    let mut records = Vec::new();
    for json in analyses.ok_or_else(|| unreadable("it has no list `analyses`"))? {
        let head = Head::read(json.get())?;
        let at = *head.date.quietly().ok_or_else(|| unreadable("an analysis has no date"))?;
        let key = analysis_key(project, None, at);
        records.push(RawRecord::upsert(key, json.get()).version(at.ms()).context(&origin));
    }
    Ok((Page::records(records), then))
}

/// What the quality gate said to one analysis.
fn quality_gate(run: &Run<Settings>, analysis: &RawRecord) -> Result<Read, Failure> {
    let unknown = || Failure::internal("sonarqube.parent", "an analysis does not say what it is of");
    let text = std::str::from_utf8(&analysis.payload).map_err(|_| unknown())?;
    let head = Head::read(text)?;
    let origin: Origin = run.parent_context()?;
    let answer = run.get("/api/qualitygates/project_status").query("analysisId", head.key()?).send()?;
    answer.pointer::<String>("/projectStatus/status")?.ok_or_else(|| unreadable("it has no status"))?;
    let origin = Origin { analysed_at: head.date.quietly().copied(), ..origin };
    let record = RawRecord::upsert(&analysis.key, answer.text()?).version(analysis.version).context(&origin);
    Ok((Page::records(vec![record]), Then::Leave(None)))
}

fn hotspots(run: &Run<Settings>, page: Option<Leaf>, project: &str) -> Result<Read, Failure> {
    let (answer, then) = listed(page, run.get("/api/hotspots/search").query("projectKey", project))?;
    let page = Page::extract(answer, "/hotspots").key("/key").version("/updateDate").context(&Origin::of(run));
    Ok((page, then))
}

fn users(run: &Run<Settings>, page: Option<Leaf>) -> Result<Read, Failure> {
    let (answer, then) = listed(page, run.get("/api/users/search"))?;
    Ok((Page::extract(answer, "/users").key("/login"), then))
}

/// Begins a search for issues of the chosen projects.
fn issues<'r>(run: &'r Run<Settings>, sort: &str, ascending: &str) -> Call<'r> {
    let call = of_organization(run.get("/api/issues/search"), &run.settings);
    let projects = run.settings.projects.join(",");
    let call = if projects.is_empty() { call } else { call.query("componentKeys", projects) };
    call.query("s", sort).query("asc", ascending)
}

/// The times of the issues on a page.
fn times(answer: &Response, field: &str) -> Result<Vec<i64>, Failure> {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Dated {
        #[serde(rename = "creationDate")]
        created_at: Instant,
        #[serde(rename = "updateDate")]
        updated_at: Instant,
    }
    let issues: Option<Vec<Dated>> = answer.pointer("/issues")?;
    let issues = issues.ok_or_else(|| unreadable("it has no list `issues`"))?;
    let time =
        |issue: &Dated| if field == "creationDate" { issue.created_at.clone() } else { issue.updated_at.clone() };
    Ok(issues.iter().filter_map(|issue| time(issue).ms()).collect())
}

/// A page of all issues, oldest first. Each page begins a search of its own at the creation that the page before ended
/// with; only where a whole page was created at once is it turned.
fn all_issues(run: &Run<Settings>, leaf: Option<Leaf>) -> Result<Read, Failure> {
    let leaf = match leaf {
        Some(leaf) => leaf,
        None => Leaf { newest: newest_change(run)?, ..Leaf::default() },
    };
    let call = issues(run, "CREATION_DATE", "true");
    let call = leaf.created_from.into_iter().fold(call, |call, from| call.query("createdAfter", spelled(from)));
    let answer = call.query("ps", PAGE.to_string()).query("p", leaf.page.to_string()).send()?;
    let (total, last) = (total(&answer)?, times(&answer, "creationDate")?.into_iter().max());
    let page = extract_issues(run, answer);
    if leaf.page * PAGE >= total {
        return Ok((page, Then::Leave(leaf.newest)));
    }
    let next = match last.filter(|last| Some(*last) > leaf.created_from) {
        Some(last) => Leaf { page: 1, created_from: Some(last), ..leaf },
        None => Leaf { page: leaf.page + 1, ..leaf },
    };
    if next.page * PAGE > REACH {
        let message = "more than 10,000 issues were created in one second; no search gives them all";
        return Err(Failure::poison("sonarqube.issues.too-many", message));
    }
    Ok((page, Then::Turn(Some(next))))
}

fn newest_change(run: &Run<Settings>) -> Result<Option<i64>, Failure> {
    let answer = issues(run, "UPDATE_DATE", "false").query("ps", "1").query("p", "1").send()?;
    Ok(times(&answer, "updateDate")?.into_iter().max())
}

/// A page of the issues that changed, newest change first, down to the last pass. One that changes meanwhile comes to the
/// front, and so moves nothing out of sight.
fn changed_issues(run: &Run<Settings>, leaf: Leaf, mark: i64) -> Result<Read, Failure> {
    if leaf.page * PAGE > REACH {
        let message = "more issues changed since the last pass than a search gives; all are read again";
        return Err(Failure::cursor_expired("sonarqube.issues.out-of-reach", message));
    }
    let call = issues(run, "UPDATE_DATE", "false").query("ps", PAGE.to_string());
    let answer = call.query("p", leaf.page.to_string()).send()?;
    let (total, times) = (total(&answer)?, times(&answer, "updateDate")?);
    let is_below_mark = times.iter().min().is_some_and(|oldest| *oldest < mark - OVERLAP);
    let leaf = Leaf { newest: leaf.newest.or(times.into_iter().max()), ..leaf };
    let page = extract_issues(run, answer);
    let is_last = is_below_mark || leaf.page * PAGE >= total;
    let mark = leaf.newest;
    let next = (!is_last).then(|| Some(Leaf { page: leaf.page + 1, ..leaf }));
    Ok((page, Then::next_or_leave(next, mark)))
}

fn extract_issues(run: &Run<Settings>, answer: Response) -> Page<Position> {
    Page::extract(answer, "/issues").key("/key").version("/updateDate").context(&Origin::of(run))
}

/// Whole seconds with an offset, as `SonarQube` spells them.
fn spelled(ms: i64) -> String {
    Timestamp::from_ms(ms).to_string().chars().take("2025-03-01T10:00:00".len()).chain("+0000".chars()).collect()
}

fn unreadable(what: &str) -> Failure {
    Failure::transient("sonarqube.answer", format!("the answer is not readable: {what}"))
}

/// Which server it is, whose token, and which projects it may not browse.
pub(crate) fn check(connection: &Connection<'_>, settings: &Settings) -> Result<Checkup, Failure> {
    let valid = connection.get("/api/authentication/validate").send()?;
    if valid.pointer("/valid")? != Some(true) {
        return Err(Failure::auth("sonarqube.token", "the token is not valid"));
    }
    let version = connection.get("/api/system/status").send().and_then(|answer| answer.pointer::<String>("/version"));
    let tool = version.ok().flatten().map_or_else(|| "SonarQube".to_owned(), |version| format!("SonarQube {version}"));
    let user = connection.get("/api/users/current").send();
    let identity = user.and_then(|answer| answer.pointer("/login")).ok().flatten();
    let mut missing = Vec::new();
    for project in &settings.projects {
        let path = address::path(["api", "components", "show"]);
        match connection.get(path).query("component", project).send() {
            Ok(_) => {}
            Err(failure) if matches!(failure.kind, FailureKind::Gone | FailureKind::Forbidden) => {
                missing.push(format!("{project}: it is not there, or the token may not browse it"));
            }
            Err(failure) => return Err(failure),
        }
    }
    Ok(Checkup { tool, identity, missing })
}
