//! From a position to requests: a table in the order of the ids of its rows, which no change of a row disturbs.
//!
//! A pass first asks for the newest change and then walks all rows changed since the one of the pass before. What is
//! changed while it walks is newer than that, and so in the next pass; the only clock is the tool's.

use std::borrow::Cow;

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use weir_sdk::address;
use weir_sdk::http::Call;
use weir_sdk::prelude::*;
use weir_sdk::walk::{Then, Walk};

use crate::cell::Cell;
use crate::settings::Settings;

/// Rows of one page: with forty columns, both as stored and as shown, about 2 MiB.
const PAGE: usize = 500;
/// How far before the newest change the next pass begins, in milliseconds: a transaction becomes visible a while after
/// the time it writes.
const OVERLAP: i64 = 60_000;

/// A table and what is asked of it.
struct Table {
    dataset: Dataset,
    name: &'static str,
    /// Names with commas between.
    columns: &'static str,
    kind: TableKind,
}

#[derive(PartialEq)]
enum TableKind {
    /// Work: `since` and further columns count.
    Tasks,
    /// People: all of them are needed, however old.
    People,
}

const TABLES: &[Table] = &[
    Table {
        dataset: Dataset::new("incidents", &["incident"]),
        name: "incident",
        columns: "number,short_description,description,state,severity,priority,urgency,impact,category,\
            subcategory,escalation,reopen_count,close_code,business_service,cmdb_ci,assignment_group,\
            assigned_to,caller_id,opened_by,resolved_by,problem_id,parent_incident,caused_by,rfc,opened_at,\
            resolved_at,closed_at",
        kind: TableKind::Tasks,
    },
    Table {
        dataset: Dataset::new("change-requests", &["work-item", "deployment"]),
        name: "change_request",
        columns: "number,short_description,description,state,type,priority,urgency,impact,risk,category,scope,\
            close_code,business_service,cmdb_ci,assignment_group,assigned_to,requested_by,opened_by,\
            closed_by,parent,opened_at,start_date,end_date,work_start,work_end,closed_at",
        kind: TableKind::Tasks,
    },
    Table {
        dataset: Dataset::new("users", &["person"]),
        name: "sys_user",
        columns: "name,user_name,email,active,company,manager,web_service_access_only,sys_created_on",
        kind: TableKind::People,
    },
    Table {
        dataset: Dataset::new("group-members", &["person"]),
        name: "sys_user_grmember",
        columns: "user,group",
        kind: TableKind::People,
    },
];

/// What can be read.
pub(crate) fn datasets(settings: &Settings) -> Result<Vec<Dataset>, Failure> {
    let all: Vec<_> = TABLES.iter().map(|table| table.dataset.clone()).collect();
    Dataset::chosen(&all, &settings.datasets)
}

/// Where a dataset stands; its mark is the change from which the next pass reads, in milliseconds.
pub(crate) type Position = Walk<Option<Leaf>>;

/// A page of a table.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Leaf {
    /// Newest change when the pass began, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    newest: Option<i64>,
    /// Id of the last row that was read.
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<String>,
    /// Rows behind it that the tool counted and did not show.
    hidden: usize,
}

impl Leaf {
    /// Where to go on after a page; none at the end. Rows that may not be seen are cut from a page after it was counted,
    /// so that a short or empty page says nothing about the end.
    fn next(&self, rows: &Rows, answer: &Response) -> Option<Self> {
        let is_counted = answer.header("link").is_some();
        let has_more = if is_counted { answer.next_link().is_some() } else { rows.records.len() >= PAGE };
        let newest = self.newest;
        has_more.then(|| match &rows.last_id {
            Some(last) => Self { newest, after: Some(last.clone()), hidden: 0 },
            None => Self { hidden: self.hidden + PAGE, ..self.clone() },
        })
    }
}

/// One page of a table.
pub(crate) fn step(run: &Run<Settings>, position: Position) -> Result<Page<Position>, Failure> {
    let table = TABLES.iter().find(|table| table.dataset.name == run.dataset).ok_or_else(|| run.unknown_dataset())?;
    position.step_whole(run, |place| {
        let leaf = match place.page {
            Some(leaf) => leaf,
            None => Leaf { newest: newest(run, table)?, ..Leaf::default() },
        };
        let answer = page(run, table, place.last_mark, &leaf)?.send()?;
        let rows = Rows::read(&answer)?;
        let next = leaf.next(&rows, &answer).map(Some);
        Ok((Page::records(rows.records), Then::next_or_leave(next, leaf.newest.map(|newest| newest - OVERLAP))))
    })
}

/// The time of the newest change that our conditions let through.
fn newest(run: &Run<Settings>, table: &Table) -> Result<Option<i64>, Failure> {
    let conditions = run.settings.filter(table.dataset.name)?.map(Cow::Borrowed);
    let query =
        conditions.into_iter().chain([Cow::Borrowed("ORDERBYDESCsys_updated_on")]).collect::<Vec<_>>().join("^");
    let call = run.get(path(table)).query("sysparm_query", query).query("sysparm_fields", "sys_id,sys_updated_on");
    let rows = Rows::read(&call.query("sysparm_display_value", "all").query("sysparm_limit", "1").send()?)?;
    Ok(rows.records.first().and_then(|record| record.version))
}

fn page<'r>(run: &'r Run<Settings>, table: &Table, mark: Option<i64>, leaf: &Leaf) -> Result<Call<'r>, Failure> {
    let settings = &run.settings;
    let asked = run.floor(settings.since);
    let asked = asked.filter(|_| table.kind == TableKind::Tasks);
    let floor = asked.max(mark);
    let conditions = [
        settings.filter(table.dataset.name)?.map(str::to_owned),
        floor.map(|floor| format!("sys_updated_on>={}", spelled(floor))),
        leaf.after.as_ref().map(|after| format!("sys_id>{after}")),
        Some("ORDERBYsys_id".to_owned()),
    ];
    let more = settings.columns.iter().filter(|_| table.kind == TableKind::Tasks).map(String::as_str);
    let columns: Vec<_> = ["sys_id", "sys_updated_on", table.columns].into_iter().chain(more).collect();
    let call =
        run.get(path(table)).query("sysparm_query", conditions.into_iter().flatten().collect::<Vec<_>>().join("^"));
    let call = call.query("sysparm_fields", columns.join(",")).query("sysparm_display_value", "all");
    let call = call.query("sysparm_limit", PAGE.to_string());
    Ok(if leaf.hidden == 0 { call } else { call.query("sysparm_offset", leaf.hidden.to_string()) })
}

fn path(table: &Table) -> String {
    address::path(["api", "now", "table", table.name])
}

/// As an encoded query has it: a text without a zone is in UTC.
fn spelled(ms: i64) -> String {
    Timestamp::from_ms(ms).to_string().chars().take(19).map(|c| if c == 'T' { ' ' } else { c }).collect()
}

/// The rows of an answer as records. They are cut here and not by the host, for their times have no zone.
struct Rows {
    records: Vec<RawRecord>,
    /// Largest id among them.
    last_id: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Body<'a> {
    #[serde(borrow)]
    result: Option<Vec<&'a RawValue>>,
    /// Beside a part of the rows, when the answer took too long to make.
    error: Option<IgnoredAny>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Head<'a> {
    #[serde(borrow)]
    sys_id: Field<Cell<'a>>,
    #[serde(borrow)]
    sys_updated_on: Field<Cell<'a>>,
}

impl Rows {
    fn read(answer: &Response) -> Result<Self, Failure> {
        let text = answer.text()?;
        let body: Body<'_> = serde_json::from_str(&text).map_err(|error| unreadable(&error.to_string()))?;
        if body.error.is_some() {
            return Err(unreadable("it ends in the middle, with an error"));
        }
        let rows = body.result.ok_or_else(|| unreadable("it has no list `result`"))?;
        let records: Vec<_> = rows.into_iter().map(|row| record(row.get())).collect::<Result<_, _>>()?;
        let last_id = records.iter().map(|record| record.key.clone()).max();
        Ok(Self { records, last_id })
    }
}

fn record(row: &str) -> Result<RawRecord, Failure> {
    let head: Head<'_> = serde_json::from_str(row).map_err(|error| unreadable(&error.to_string()))?;
    let id = head.sys_id.quietly().ok_or_else(|| unreadable("a row has no `sys_id`"))?;
    let changed_at = head.sys_updated_on.quietly().and_then(|cell| cell.instant().ok());
    Ok(RawRecord::upsert(id.stored(), row).version(changed_at.map(Timestamp::ms)))
}

fn unreadable(what: &str) -> Failure {
    Failure::transient("servicenow.answer", format!("the answer is not readable: {what}"))
}

/// Whether each table can be read. To those without a role it looks empty, or is forbidden.
pub(crate) fn check(connection: &Connection<'_>, settings: &Settings) -> Result<Checkup, Failure> {
    let mut missing = Vec::new();
    let datasets = datasets(settings)?;
    for table in TABLES.iter().filter(|table| datasets.contains(&table.dataset)) {
        settings.filter(table.dataset.name)?;
        let call = connection.get(path(table)).query("sysparm_fields", "sys_id").query("sysparm_limit", "1");
        match call.send().and_then(|answer| Rows::read(&answer)) {
            Ok(rows) if rows.records.is_empty() => {
                missing.push(format!("{}: no row to be seen; the table is empty or the user lacks a role", table.name));
            }
            Ok(_) => {}
            Err(failure) if failure.kind == FailureKind::Forbidden => {
                missing.push(format!("{}: the user may not read it", table.name));
            }
            Err(failure) => return Err(failure),
        }
    }
    let own = connection.get("/api/now/table/sys_user").query("sysparm_query", "sys_id=javascript:gs.getUserID()");
    let own = own.query("sysparm_fields", "user_name").query("sysparm_limit", "1").send();
    let identity = own.and_then(|answer| answer.pointer("/result/0/user_name")).ok().flatten();
    Ok(Checkup { tool: "ServiceNow".to_owned(), identity, missing })
}
