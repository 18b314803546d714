//! Work items: a query gives ids in order, a batch the items. A pass goes by id, so that nothing moves from page to page.

use serde::{Deserialize, Serialize};
use weir_sdk::prelude::*;
use weir_sdk::walk::Then;

use super::answer;
use super::listing::{API, Of, base};
use super::{Next, Place, Read, unreadable};
use crate::origin::Origin;
use crate::settings::Settings;

/// Most items of one batch.
const BATCH: usize = 200;
const BATCH_TEXT: &str = "200";

/// How far before the last mark to ask again, in milliseconds; the mark is the tool's own time of asking.
const OVERLAP: i64 = 60_000;

#[derive(Serialize)]
struct Query {
    query: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Found {
    #[serde(default)]
    as_of: Instant,
    work_items: Vec<FoundItem>,
}

#[derive(Deserialize)]
struct FoundItem {
    id: u64,
}

/// One batch of a project.
pub(super) fn page(run: &Run<Settings>, place: Place) -> Result<Read, Failure> {
    let (project, _) = super::listing::split(&place.scope);
    let path = base(Of::Project, &place.scope);
    let call = run.connection().post(format!("{path}/_apis/wit/wiql")).query("timePrecision", "true");
    let call = call.query("$top", BATCH_TEXT).query("api-version", API);
    let answer = call.json(&Query { query: query(run, &place, project) }).send_any()?;
    if answer.status() == 404 {
        return Ok(unreadable(&place));
    }
    let found: Found = answer::accepted(answer)?.json()?;
    let mut leaf = place.page.clone();
    if leaf.next.is_none() {
        // What changes from here on is found by the next pass.
        leaf.newest.see(found.as_of.ms());
    }
    let ids: Vec<u64> = found.work_items.into_iter().map(|item| item.id).collect();
    let is_last = ids.len() < BATCH;
    let next = ids.iter().max().filter(|_| !is_last).map(|id| Next::Above(*id));
    let records = if ids.is_empty() { Vec::new() } else { batch(run, project, &path, &ids)? };
    let mark = leaf.newest.mark();
    Ok((Page::records(records), Then::next_or_leave(leaf.turned(next), mark)))
}

fn query(run: &Run<Settings>, place: &Place, project: &str) -> String {
    let above = if let Some(Next::Above(id)) = place.page.next { id } else { 0 };
    let mark = place.last_mark.map(|mark| mark - OVERLAP);
    let since = run.floor(run.settings.since).max(mark).map(Timestamp::from_ms);
    let since = since.map(|since| format!(" AND [System.ChangedDate] >= '{since}'")).unwrap_or_default();
    // A quote in a name is written twice.
    let project = project.replace('\'', "''");
    format!(
        "SELECT [System.Id] FROM WorkItems WHERE [System.TeamProject] = '{project}' AND [System.Id] > {above}{since} \
         ORDER BY [System.Id]"
    )
}

/// The items of these ids; one that was deleted meanwhile is left out.
fn batch(run: &Run<Settings>, project: &str, path: &str, ids: &[u64]) -> Result<Vec<RawRecord>, Failure> {
    let mut ids = ids.to_vec();
    ids.sort_unstable();
    ids.dedup();
    let listed: Vec<String> = ids.iter().map(u64::to_string).collect();
    let call = run.get(format!("{path}/_apis/wit/workitems")).query("ids", listed.join(","));
    let call = call.query("$expand", "relations").query("errorPolicy", "omit").query("api-version", API);
    let answer = answer::accepted(call.send_any()?)?;
    let text = answer.text()?;
    let record = |(json, head): (&str, answer::Head<'_>)| match head.id.quietly() {
        Some(id) => {
            let record = RawRecord::upsert(id.to_string(), json).version(head.rev.quietly().copied());
            record.context(&Origin::of(project))
        }
        None => RawRecord::unreadable(json),
    };
    Ok(answer::heads(&text)?.into_iter().map(record).collect())
}
