//! Search with facets, suggestions, marked texts and statistics.

mod groups;
mod params;
mod saved;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;
use weir_model::filter::{Vocabulary, marked};
use weir_model::search::{OPEN, field};
use weir_model::{EntityId, Filter, SearchDocument, Timestamp};
use weir_stages::facets::search_document;
use weir_store::{DerivedError, FacetCount, SearchResult, Suggestion};

use crate::clock;
use crate::error::Fault;
use crate::host::Host;
use crate::query::View;

pub use groups::GroupsAnswer;
pub use params::{SearchParams, search_schema};
pub(crate) use saved::unknown_variable;
pub use saved::{SavedSearches, saved_searches};

/// One hit: its id and the fields of its flat view.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct HitAnswer {
    /// The entity.
    pub id: String,
    /// Kind, title, times and the other fields.
    #[serde(flatten)]
    pub document: SearchDocument,
    /// Title and text around what was found in them: plain, found, plain, found and so on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub highlight: Option<BTreeMap<&'static str, Vec<String>>>,
}

/// What was found.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct SearchAnswer {
    /// Entities that match.
    pub total: u64,
    /// Time taken, in milliseconds.
    pub took_ms: f64,
    /// Some of them.
    pub hits: Vec<HitAnswer>,
    /// Counts over all of them.
    pub facets: BTreeMap<String, Vec<FacetCount>>,
    /// Statistics over all of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub groups: Option<GroupsAnswer>,
    /// When nothing was found: what is nowhere, and what may be meant.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub did_you_mean: Vec<Suggestion>,
    /// When the newest record that was processed was taken.
    pub fresh_at: Option<Timestamp>,
    /// Cursor of the next hits; none at the end.
    pub next: Option<String>,
}

/// Searches.
pub fn search(host: &Host, account: &View<'_>, params: &SearchParams) -> Result<SearchAnswer, Fault> {
    search_as(account, &params.vocabulary(vocabulary(host, account), clock::now()), params)
}

/// What filters may name. Saved searches and variables may name anything, so that those who are limited have none.
fn vocabulary(host: &Host, account: &View<'_>) -> Vocabulary {
    let whole = host.config.vocabulary();
    if account.sight().is_limited() { Vocabulary { calendar: whole.calendar, ..Vocabulary::default() } } else { whole }
}

/// The same with what filters may name.
pub fn search_as(account: &View<'_>, vocabulary: &Vocabulary, params: &SearchParams) -> Result<SearchAnswer, Fault> {
    let started = std::time::Instant::now();
    let mut query = params.query(vocabulary)?;
    query.filter = account.meant(query.filter)?;
    let query = account.within(query);
    let derived = account.derived().clone();
    let found = derived.index.search(&query).map_err(refused)?;
    let did_you_mean = match found.total {
        // What is nowhere tells of what is somewhere.
        0 if !account.sight().is_limited() => derived.index.suggestions(&query.filter).map_err(Fault::from_derived)?,
        _ => Vec::new(),
    };
    let next = found.next.map(|place| params.cursor_at(place));
    let groups = found.groups.as_ref().zip(params.statistics()?).map(|(groups, asked)| asked.answer(groups));
    let SearchResult { total, hits, mut facets, .. } = found;
    if let Some(teams) = facets.get_mut("team") {
        teams.retain(|team| account.sight().has_team(&team.value));
    }
    let mut answers = Vec::with_capacity(hits.len());
    for hit in hits {
        let highlight = if params.highlight { Some(highlight(account, &hit.id, &query.filter)?) } else { None };
        let mut document = hit.document;
        document.keywords.remove("id");
        account.keep_own_teams(&mut document);
        params.fields.iter().for_each(|fields| select(&mut document, fields));
        answers.push(HitAnswer { id: hit.id.to_string(), document, highlight });
    }
    Ok(SearchAnswer {
        total,
        took_ms: (started.elapsed().as_secs_f64() * 1e5).round() / 100.0,
        hits: answers,
        facets,
        groups,
        did_you_mean,
        fresh_at: account.taken_at(derived.index.watermark())?,
        next,
    })
}

/// What the index says to a question that cannot be asked is for who asked.
fn refused(error: DerivedError) -> Fault {
    match error {
        DerivedError::NoFacet(_) | DerivedError::NoNumber(_) => {
            Fault::config(error.to_string()).hint("fields and their types are listed in docs/SEARCH.md")
        }
        DerivedError::TooManyGroups => {
            Fault::config(error.to_string()).hint("narrow the search, or group by a field with fewer values")
        }
        error => Fault::from_derived(error),
    }
}

/// The texts of an entity are with the entity: the index keeps their words alone.
fn highlight(account: &View<'_>, id: &EntityId, filter: &Filter) -> Result<BTreeMap<&'static str, Vec<String>>, Fault> {
    let derived = account.derived();
    let reader = account.reader(&derived)?;
    let entity = reader.entity(id).map_err(Fault::from_derived)?.and_then(|row| row.entity);
    let Some(entity) = entity else { return Ok(BTreeMap::new()) };
    let document = search_document(id, &entity, &account.context());
    let shown = |text: Option<String>| text.map(|text| account.shown(text));
    let texts = [("title", shown(document.title)), ("text", shown(document.text))];
    Ok(texts.into_iter().filter_map(|(name, text)| Some((name, marked(filter, name, &text?)?))).collect())
}

/// Leaves of a document what was asked for. The begin of open names means all of them.
fn select(document: &mut SearchDocument, fields: &[String]) {
    let is_asked = |name: &str| {
        let begin = field(name).filter(weir_model::search::Field::is_open).map(|field| field.name);
        fields.iter().any(|field| field == name || begin == Some(field.as_str()))
    };
    document.keywords.retain(|name, _| is_asked(name));
    document.dates.retain(|name, _| is_asked(name));
    document.numbers.retain(|name, _| is_asked(name));
    document.title = document.title.take().filter(|_| is_asked("title"));
}

/// Whether hits have such a field.
fn is_selectable(name: &str) -> bool {
    OPEN.contains(&name) || field(name).is_some()
}
