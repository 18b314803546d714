//! What builds only name by id: builders, requests, sets; and the address Buildbot gives its pages.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use weir_sdk::prelude::*;

use super::unreadable;
use crate::context::{BuildRequest, Builder, Buildset, Site};
use crate::settings::Settings;

/// What is the same for all builds of a pass.
pub(super) struct Master {
    pub(super) site: Site,
    pub(super) builders: BTreeMap<u64, Builder>,
}

impl Master {
    /// Looked up once per reader.
    pub(super) fn of(run: &Run<Settings>) -> Result<Rc<Self>, Failure> {
        run.remember(|| {
            let site = Frontend::of(run.connection())?.and_then(|frontend| frontend.url);
            let site = Site::new(&site.unwrap_or_else(|| run.connection().site()));
            let builders = builders(run.connection())?.into_iter().map(|builder| (builder.builderid, builder));
            Ok(Self { site, builders: builders.collect() })
        })
    }
}

/// What Buildbot tells its own page.
#[derive(Deserialize)]
pub(super) struct Frontend {
    #[serde(rename = "buildbotURL")]
    pub(super) url: Option<String>,
    #[serde(default)]
    pub(super) versions: Vec<(String, String)>,
    #[serde(default)]
    pub(super) user: User,
}

/// Who we are.
#[derive(Default, Deserialize)]
pub(super) struct User {
    pub(super) username: Option<String>,
    pub(super) email: Option<String>,
}

impl Frontend {
    /// None before Buildbot 4, which wrote it into its page.
    pub(super) fn of(connection: &Connection<'_>) -> Result<Option<Self>, Failure> {
        match connection.get("/config").send() {
            Ok(answer) => Ok(serde_json::from_str(&answer.text()?).ok()),
            Err(failure) if failure.kind == FailureKind::Gone => Ok(None),
            Err(failure) => Err(failure),
        }
    }
}

/// All builders.
pub(super) fn builders(connection: &Connection<'_>) -> Result<Vec<Builder>, Failure> {
    #[derive(Deserialize)]
    struct Builders {
        builders: Vec<Builder>,
    }
    let call = ["builderid", "name", "tags"]
        .iter()
        .fold(connection.get("/api/v2/builders"), |call, field| call.query("field", field));
    read::<Builders>(&call.send()?, "the list of builders").map(|found| found.builders)
}

/// Requests by id.
pub(super) fn requests(run: &Run<Settings>, ids: &BTreeSet<u64>) -> Result<BTreeMap<u64, BuildRequest>, Failure> {
    #[derive(Deserialize)]
    struct Requests {
        buildrequests: Vec<BuildRequest>,
    }
    let fields = ["buildrequestid", "buildsetid", "submitted_at", "waited_for"];
    let Some(answer) = of_ids(run, "/api/v2/buildrequests", "buildrequestid__eq", ids, &fields)? else {
        return Ok(BTreeMap::new());
    };
    let found = read::<Requests>(&answer, "the requests of builds")?.buildrequests.into_iter();
    Ok(found.map(|request| (request.buildrequestid, request)).collect())
}

/// Sets of builds by id.
pub(super) fn buildsets(run: &Run<Settings>, ids: &BTreeSet<u64>) -> Result<BTreeMap<u64, Buildset>, Failure> {
    #[derive(Deserialize)]
    struct Buildsets {
        buildsets: Vec<Buildset>,
    }
    let Some(answer) = of_ids(run, "/api/v2/buildsets", "bsid__eq", ids, &[])? else { return Ok(BTreeMap::new()) };
    let found = read::<Buildsets>(&answer, "the sets of builds")?.buildsets.into_iter();
    Ok(found.map(|buildset| (buildset.bsid, buildset)).collect())
}

/// Asks for the things with these ids; none without ids, for that would ask for all.
fn of_ids(
    run: &Run<Settings>,
    path: &str,
    filter: &str,
    ids: &BTreeSet<u64>,
    fields: &[&str],
) -> Result<Option<Response>, Failure> {
    if ids.is_empty() {
        return Ok(None);
    }
    let call = ids.iter().fold(run.get(path), |call, id| call.query(filter, id.to_string()));
    fields.iter().fold(call, |call, field| call.query("field", field)).send().map(Some)
}

/// The answer as what was asked for.
pub(super) fn read<T: DeserializeOwned>(answer: &Response, what: &str) -> Result<T, Failure> {
    let text = answer.text()?;
    serde_json::from_str(&text).map_err(|error| unreadable(what, &error))
}
