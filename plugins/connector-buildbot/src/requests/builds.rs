//! Builds in the order of their ids. Ids only grow, so a page never moves; those that were not over are asked for by id.

use serde::Deserialize;
use serde_json::value::RawValue;
use weir_sdk::http::Call;
use weir_sdk::prelude::*;

use super::lookup::{self, Master};
use super::{Position, unreadable};
use crate::context::Context;
use crate::settings::Settings;

/// Builds of one page.
const PAGE: u64 = 50;
/// Builds at the end of the last pass that are read again: of masters that share a database, a lower id may be seen
/// after a higher one.
const OVERLAP: u64 = 20;
/// Properties that are read for themselves.
const PROPERTIES: [&str; 3] = ["got_revision", "owner", "workername"];

/// Head of a build: what names it, says how new it is, and where more is to be found.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Head {
    pub(crate) buildid: Field<u64>,
    pub(crate) number: Field<u64>,
    builderid: Field<u64>,
    buildrequestid: Field<u64>,
    started_at: Field<i64>,
    complete_at: Field<i64>,
    complete: Field<bool>,
}

impl Head {
    /// Whether it is over.
    pub(crate) fn is_over(&self) -> bool {
        self.complete.quietly() == Some(&true)
    }

    /// A build has no time of change. While it runs it is as new as its start, then as its end, and always newer.
    pub(crate) fn version(&self) -> Option<i64> {
        let at = if self.is_over() { self.complete_at.quietly() } else { None };
        let ms = at.or(self.started_at.quietly())?.saturating_mul(1_000);
        Some(if self.is_over() { ms.saturating_add(2) } else { ms })
    }
}

/// Builds of an answer. One without them is none.
#[derive(Deserialize)]
struct Builds<'a> {
    #[serde(borrow)]
    builds: Vec<&'a RawValue>,
}

/// One page of builds.
pub(super) fn step(run: &Run<Settings>, mut position: Position) -> Result<Page<Position>, Failure> {
    let Some(behind) = position.at else {
        let unfinished: Vec<u64> = position.unfinished.iter().copied().collect();
        let records = follow_up(run, &unfinished, &mut position)?;
        position.at = Some(position.last.saturating_sub(OVERLAP));
        return Ok(Page::records(records).next(position));
    };
    let since = run.floor(run.settings.since);
    let call =
        asked(run).query("buildid__gt", behind.to_string()).query("order", "buildid").query("limit", PAGE.to_string());
    let call = since.into_iter().fold(call, |call, ms| call.query("started_at__ge", (ms / 1_000).to_string()));
    let call = chosen(run)?.iter().fold(call, |call, id| call.query("builderid__eq", id.to_string()));
    let (records, highest, n_builds) = read(run, &call.send()?, &mut position)?;
    position.last = position.last.max(highest.unwrap_or(0));
    position.at = highest.filter(|_| n_builds >= PAGE);
    let page = Page::records(records);
    Ok(if position.at.is_some() { page.next(position) } else { page.done_at(position) })
}

/// Builds that were not over when they were read last. One that is gone is asked for no more.
fn follow_up(run: &Run<Settings>, unfinished: &[u64], position: &mut Position) -> Result<Vec<RawRecord>, Failure> {
    let mut records = Vec::new();
    for ids in unfinished.chunks(usize::try_from(PAGE).unwrap_or(usize::MAX)) {
        let call = ids.iter().fold(asked(run), |call, id| call.query("buildid__eq", id.to_string()));
        let answer = call.send()?;
        position.unfinished.retain(|id| !ids.contains(id));
        records.extend(read(run, &answer, position)?.0);
    }
    Ok(records)
}

/// The listing of builds, with the properties that matter and no others: some hold half a repository.
fn asked(run: &Run<Settings>) -> Call<'_> {
    let own = run.settings.parameters.iter().map(String::as_str);
    let properties = PROPERTIES.into_iter().chain(own);
    properties.fold(run.get("/api/v2/builds"), |call, property| call.query("property", property))
}

/// Ids of the builders to read; none where all are.
fn chosen(run: &Run<Settings>) -> Result<Vec<u64>, Failure> {
    if run.settings.builders.is_empty() {
        return Ok(Vec::new());
    }
    let master = Master::of(run)?;
    let chosen = master.builders.values().filter(|builder| run.settings.chooses(&builder.name));
    let chosen: Vec<u64> = chosen.map(|builder| builder.builderid).collect();
    if chosen.is_empty() {
        let message = "Buildbot has none of the `builders`; spell them as it does";
        return Err(Failure::config("buildbot.settings.builders", message));
    }
    Ok(chosen)
}

/// Records of an answer with the highest id in it and how many builds it held. What is not over is noted.
fn read(
    run: &Run<Settings>,
    answer: &Response,
    position: &mut Position,
) -> Result<(Vec<RawRecord>, Option<u64>, u64), Failure> {
    let text = answer.text()?;
    let found: Builds<'_> = serde_json::from_str(&text).map_err(|error| unreadable("a page of builds", &error))?;
    let head = |json: &&'_ RawValue| serde_json::from_str(json.get()).map_err(|error| unreadable("a build", &error));
    let heads: Vec<Head> = found.builds.iter().map(head).collect::<Result<_, _>>()?;
    for head in &heads {
        let id = head.buildid.quietly();
        position.unfinished.extend(id.filter(|_| !head.is_over()));
        position.unfinished.retain(|unfinished| !head.is_over() || id != Some(unfinished));
    }
    let contexts = contexts(run, &heads)?;
    let records =
        found.builds.iter().zip(&heads).zip(contexts).map(|((json, head), context)| match head.buildid.quietly() {
            Some(id) => RawRecord::upsert(id.to_string(), json.get()).version(head.version()).context(&context),
            None => RawRecord::unreadable(json.get()),
        });
    let highest = heads.iter().filter_map(|head| head.buildid.quietly().copied()).max();
    Ok((records.collect(), highest, u64::try_from(heads.len()).unwrap_or(u64::MAX)))
}

/// What builds do not say of themselves, looked up for all of them at once.
fn contexts(run: &Run<Settings>, heads: &[Head]) -> Result<Vec<Context>, Failure> {
    let master = Master::of(run)?;
    let ids = heads.iter().filter_map(|head| head.buildrequestid.quietly().copied()).collect();
    let requests = lookup::requests(run, &ids)?;
    let ids = requests.values().map(|request| request.buildsetid).collect();
    let buildsets = lookup::buildsets(run, &ids)?;
    let context = |head: &Head| {
        let builder = head.builderid.quietly().and_then(|id| master.builders.get(id)).cloned().unwrap_or_default();
        let request = head.buildrequestid.quietly().and_then(|id| requests.get(id));
        let buildset = request.and_then(|request| buildsets.get(&request.buildsetid));
        Context::new(Some(&master.site), &builder, head.number.quietly().copied()).asked_by(request, buildset)
    };
    Ok(heads.iter().map(context).collect())
}
