//! Searches that the configuration keeps under a name.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;
use weir_model::filter::{FilterError, Vocabulary};

use crate::access::Sight;
use crate::clock;
use crate::config::Config;

/// What filters may name.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct SavedSearches {
    /// Searches, used as `saved:name`.
    pub searches: Vec<SavedSearch>,
    /// Variables with a value, which a question may change.
    pub variables: BTreeMap<String, String>,
}

/// A search that is kept.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct SavedSearch {
    /// Its name.
    pub name: String,
    /// What it finds, in search syntax.
    pub q: String,
    /// What it is for.
    pub description: Option<String>,
    /// Variables that must be given, as `var.<name>`.
    pub needs: Vec<String>,
}

/// All of them; none for those who are limited, for they may name anything.
pub fn saved_searches(config: &Config, sight: &Sight) -> SavedSearches {
    if sight.is_limited() {
        return SavedSearches { searches: Vec::new(), variables: BTreeMap::new() };
    }
    let vocabulary = Vocabulary { now: Some(clock::now()), ..config.vocabulary() };
    let saved = |search: &crate::config::SearchConfig| SavedSearch {
        name: search.name.clone(),
        q: search.q.clone(),
        description: search.description.clone(),
        needs: missing(vocabulary.clone(), &search.q),
    };
    SavedSearches { searches: config.search.iter().map(saved).collect(), variables: config.variables.clone() }
}

/// Variables without a value in a filter.
fn missing(mut vocabulary: Vocabulary, text: &str) -> Vec<String> {
    let mut missing = Vec::new();
    while let Err(error) = vocabulary.filter(text) {
        let Some(name) = unknown_variable(&error) else { break };
        vocabulary.variables.insert(name.to_owned(), String::new());
        missing.push(name.to_owned());
    }
    missing
}

/// The variable without a value that a filter fails for.
pub(crate) fn unknown_variable(error: &FilterError) -> Option<&str> {
    match error {
        FilterError::UnknownVariable { name, .. } => Some(name),
        FilterError::Saved { inner, .. } => unknown_variable(inner),
        _ => None,
    }
}
