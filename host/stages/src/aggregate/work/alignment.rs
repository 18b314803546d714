//! What work went into: ranked categories, of which the first that fits takes an item.
//!
//! Invariant: each item counts exactly once, in a category or in the remainder.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weir_model::filter::FilterError;
use weir_model::{EntityId, Filter, SearchDocument};

/// `[[alignment]]` as it is written; the first ranks highest.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AlignmentCategory {
    /// Its name.
    pub name: String,
    /// Its items, in search syntax.
    pub q: String,
}

/// A category whose items cannot be told.
#[derive(Debug, thiserror::Error)]
#[error("cannot read `{text}` of the alignment category `{name}`")]
pub struct AlignmentError {
    /// Which.
    pub name: String,
    /// What was written.
    pub text: String,
    /// Why not.
    #[source]
    pub source: FilterError,
}

/// A category, compiled.
#[derive(Debug)]
pub struct Category {
    name: String,
    filter: Filter,
}

impl Category {
    /// Compiles a category.
    pub fn new(settings: &AlignmentCategory) -> Result<Self, AlignmentError> {
        let AlignmentCategory { name, q } = settings;
        let wrong = |source| AlignmentError { name: name.clone(), text: q.clone(), source };
        Ok(Self { name: name.clone(), filter: q.parse().map_err(wrong)? })
    }
}

/// What an item weighs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Effort {
    /// One each.
    #[default]
    Count,
    /// Its estimate in points.
    Points,
    /// The time it was worked on, in milliseconds.
    Time,
}

/// What went into one category.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
pub struct Aligned {
    /// Name of the category; none for the remainder.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Items in it.
    pub n: u64,
    /// Of these, items whose effort is unknown.
    pub unknown: u64,
    /// Sum of the known efforts.
    pub effort: f64,
    /// Its part of the efforts of all; none when they sum to 0.
    pub share: Option<f64>,
    /// The items.
    pub items: Vec<EntityId>,
}

/// Gives each item to the first category that fits; what fits none comes last, as the remainder.
pub fn align<'a>(
    categories: &[Category],
    items: impl IntoIterator<Item = (&'a EntityId, &'a SearchDocument, Option<f64>)>,
) -> Vec<Aligned> {
    let named = categories.iter().map(|category| Aligned { name: Some(category.name.clone()), ..Aligned::default() });
    let mut aligned: Vec<Aligned> = named.chain([Aligned::default()]).collect();
    for (id, document, effort) in items {
        let first = categories.iter().position(|category| category.filter.matches(document));
        let into = &mut aligned[first.unwrap_or(categories.len())];
        into.n += 1;
        into.unknown += u64::from(effort.is_none());
        into.effort += effort.unwrap_or_default();
        into.items.push(id.clone());
    }
    let all: f64 = aligned.iter().map(|category| category.effort).sum();
    for category in &mut aligned {
        category.share = (all > 0.0).then(|| category.effort / all);
    }
    aligned
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    #[test]
    fn the_first_that_fits_takes_an_item() {
        let category =
            |name: &str, q: &str| Category::new(&AlignmentCategory { name: name.to_owned(), q: q.to_owned() }).unwrap();
        let categories = [category("mend", "type:Bug"), category("grow", "labels:new OR type:Story")];
        let items: Vec<(EntityId, SearchDocument, Option<f64>)> =
            [("Bug", "new", Some(3.0)), ("Story", "old", Some(5.0)), ("Task", "new", None), ("Task", "old", Some(2.0))]
                .into_iter()
                .zip(1..)
                .map(|((kind, label, points), number)| {
                    let mut document = SearchDocument::default();
                    document.add("type", kind);
                    document.add("labels", label);
                    (format!("work-item:jira:{number}").parse().unwrap(), document, points)
                })
                .collect();
        let show = |aligned: &Aligned| {
            let Aligned { name, n, unknown, effort, share, .. } = aligned;
            format!("{} n {n} unknown {unknown} effort {effort} share {:?}\n", name.as_deref().unwrap_or("rest"), share)
        };
        let found = align(&categories, items.iter().map(|(id, document, effort)| (id, document, *effort)));
        expect![[r"
            mend n 1 unknown 0 effort 3 share Some(0.3)
            grow n 2 unknown 1 effort 5 share Some(0.5)
            rest n 1 unknown 0 effort 2 share Some(0.2)
        "]]
        .assert_eq(&found.iter().map(show).collect::<String>());
        assert!(align(&categories, []).iter().all(|category| category.share.is_none()));
    }
}
