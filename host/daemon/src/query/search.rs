//! Search with facets.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use weir_model::{Filter, SearchDocument};
use weir_store::{FacetCount, SearchQuery, Sort};

use crate::account::Account;
use crate::error::Fault;

/// Hits given when none are asked for.
const LIMIT_DEFAULT: usize = 20;
/// Most hits of one answer.
const LIMIT_MAX: usize = 1_000;
/// Furthest a cursor reaches.
const OFFSET_MAX: usize = 100_000;

/// What is searched.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SearchParams {
    /// Search syntax; empty finds everything.
    pub q: String,
    /// Kinds of entity, with commas between.
    pub kind: Option<String>,
    /// Fields to count by, with commas between.
    pub facets: Option<String>,
    /// Most hits, 0 to 1,000.
    pub limit: Option<usize>,
    /// `next` of the answer before.
    pub cursor: Option<String>,
    /// `updated` (newest first), `created` or `relevance`.
    pub sort: Option<String>,
}

/// One hit: its id and the fields of its flat view.
#[derive(Debug, Clone, Serialize)]
pub struct HitAnswer {
    /// The entity.
    pub id: String,
    /// Kind, title, times and the other fields.
    #[serde(flatten)]
    pub document: SearchDocument,
}

/// What was found.
#[derive(Debug, Clone, Serialize)]
pub struct SearchAnswer {
    /// Entities that match.
    pub total: u64,
    /// Time taken, in milliseconds.
    pub took_ms: f64,
    /// Some of them.
    pub hits: Vec<HitAnswer>,
    /// Counts over all of them.
    pub facets: BTreeMap<String, Vec<FacetCount>>,
    /// Cursor of the next hits; none at the end.
    pub next: Option<String>,
}

/// Searches.
pub fn search(account: &Account, params: &SearchParams) -> Result<SearchAnswer, Fault> {
    let started = std::time::Instant::now();
    let query = query(params)?;
    let found = account.derived().index.search(&query).map_err(Fault::from_derived)?;
    let reached = query.offset + found.hits.len();
    let more = !found.hits.is_empty() && found.total > u64::try_from(reached).unwrap_or(u64::MAX);
    let mut hits = Vec::with_capacity(found.hits.len());
    for mut hit in found.hits {
        hit.document.keywords.remove("id");
        hits.push(HitAnswer { id: hit.id.to_string(), document: hit.document });
    }
    Ok(SearchAnswer {
        total: found.total,
        took_ms: (started.elapsed().as_secs_f64() * 1e5).round() / 100.0,
        hits,
        facets: found.facets,
        next: more.then(|| reached.to_string()),
    })
}

fn query(params: &SearchParams) -> Result<SearchQuery, Fault> {
    let wrong = |what: String, hint: &str| Fault::config(what).hint(hint);
    let mut filter: Filter = params.q.parse().map_err(|error| {
        wrong(format!("cannot read the search `{}`: {error}", params.q), "for example `kind:build AND result:failure`")
    })?;
    if let Some(kinds) = &params.kind {
        let kinds =
            kinds.split(',').map(|kind| format!("kind:\"{}\"", kind.trim().replace('"', ""))).collect::<Vec<_>>();
        let kinds = kinds.join(" OR ").parse().map_err(|error| wrong(format!("cannot read the kinds: {error}"), ""))?;
        filter = Filter::And(vec![filter, kinds]);
    }
    let facets = params.facets.as_deref().map(names).unwrap_or_default();
    if let Some(unknown) = facets.iter().find(|facet| weir_model::search::field(facet).is_none()) {
        return Err(wrong(format!("no field `{unknown}` to count by"), "fields are listed in docs/SEARCH.md"));
    }
    let offset = match params.cursor.as_deref() {
        None => 0,
        Some(cursor) => cursor.parse().ok().filter(|offset| *offset <= OFFSET_MAX).ok_or_else(|| {
            wrong(format!("`{cursor}` is no cursor"), "pass `next` of the answer before, or narrow the search")
        })?,
    };
    let sort = match params.sort.as_deref() {
        None | Some("updated") => Sort::Updated,
        Some("created") => Sort::Created,
        Some("relevance") => Sort::Relevance,
        Some(other) => return Err(wrong(format!("cannot sort by `{other}`"), "updated, created or relevance")),
    };
    Ok(SearchQuery { filter, facets, limit: params.limit.unwrap_or(LIMIT_DEFAULT).min(LIMIT_MAX), offset, sort })
}

fn names(list: &str) -> Vec<String> {
    list.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect()
}
