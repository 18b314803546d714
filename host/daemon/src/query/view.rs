//! An account as somebody sees it.

use std::ops::Deref;

use weir_model::filter::Match;
use weir_model::{Entity, EntityId, Filter, SearchDocument};
use weir_store::{Derived, Reader, SampleQuery, SearchQuery};

use crate::access::{Pseudonyms, Sight};
use crate::account::Account;
use crate::error::Fault;

/// Most names a pseudonym is looked for among.
const NAMES_MAX: usize = 100_000;

/// An account, of which no more is read than somebody may see.
pub struct View<'a> {
    account: &'a Account,
    sight: Sight,
}

impl Deref for View<'_> {
    type Target = Account;

    fn deref(&self) -> &Account {
        self.account
    }
}

impl<'a> View<'a> {
    /// The whole of it: for the host's own work, and for who may see everything.
    pub fn whole(account: &'a Account) -> Self {
        Self::of(account, Sight::whole())
    }

    /// As somebody sees it.
    pub fn of(account: &'a Account, sight: Sight) -> Self {
        Self { account, sight }
    }

    /// What they may see.
    pub fn sight(&self) -> &Sight {
        &self.sight
    }

    /// Reads entities, none of which they may not see but persons: see [`Sight::counts`].
    pub(crate) fn reader<'p>(&'p self, derived: &'p Derived) -> Result<Reader<'p>, Fault> {
        let reader = derived.projection.reader().map_err(Fault::from_derived)?;
        if !self.sight.is_limited() {
            return Ok(reader);
        }
        let context = (*self.context()).clone();
        Ok(reader.through(move |id, entity| self.sight.counts(id, entity, &context)))
    }

    /// Whether an entity may be told of.
    pub(crate) fn shows(&self, id: &EntityId, entity: &Entity) -> bool {
        self.sight.shows(id, entity, &self.context())
    }

    /// Whether what happened to an entity may be told.
    pub(super) fn tells(&self, reader: &Reader<'_>, id: &EntityId) -> Result<bool, Fault> {
        if *self.sight.filter() == Filter::All {
            return Ok(true);
        }
        let row = reader.entity(id).map_err(Fault::from_derived)?;
        Ok(row.and_then(|row| row.entity).is_some_and(|entity| self.shows(id, &entity)))
    }

    /// Leaves the teams of an entity that are theirs: the others it is of they do not know.
    pub(crate) fn keep_own_teams(&self, document: &mut SearchDocument) {
        if let Some(teams) = document.keywords.get_mut("team") {
            teams.retain(|team| self.sight.has_team(team));
        }
    }

    /// A text without the addresses of persons, unless they may know them.
    pub(super) fn shown(&self, text: String) -> String {
        match self.sight.pseudonyms() {
            Some(pseudonyms) => pseudonyms.hidden(&text),
            None => text,
        }
    }

    /// A question about samples, of what they may see.
    pub(super) fn narrowed(&self, query: SampleQuery) -> Result<SampleQuery, Fault> {
        let (team, project) = self.sight.narrow(query.team, query.project)?;
        Ok(SampleQuery { team, project, ..query })
    }

    /// A search, of what they may see.
    pub(crate) fn within(&self, query: SearchQuery) -> SearchQuery {
        SearchQuery { within: self.sight.filter().clone(), ..query }
    }

    /// A filter in which persons are who their pseudonyms mean, and no name is one.
    pub(super) fn meant(&self, filter: Filter) -> Result<Filter, Fault> {
        let Some(pseudonyms) = self.sight.pseudonyms() else { return super::people::in_search(self, filter) };
        Ok(match filter {
            Filter::And(filters) => Filter::And(self.all_meant(filters)?),
            Filter::Or(filters) => Filter::Or(self.all_meant(filters)?),
            Filter::Not(filter) => Filter::Not(Box::new(self.meant(*filter)?)),
            Filter::Term { field: Some(field), is } if field == "person" => match is {
                Match::Exists => Filter::Term { field: Some(field), is },
                Match::Word(word) | Match::Phrase(word) if Pseudonyms::is_one(&word) => {
                    let names = self.names()?.into_iter().filter(|name| pseudonyms.of(name) == word);
                    Filter::Or(
                        names
                            .map(|name| Filter::Term { field: Some(field.clone()), is: Match::Phrase(name) })
                            .collect(),
                    )
                }
                _ => Filter::Or(Vec::new()),
            },
            filter => filter,
        })
    }

    fn all_meant(&self, filters: Vec<Filter>) -> Result<Vec<Filter>, Fault> {
        filters.into_iter().map(|filter| self.meant(filter)).collect()
    }

    /// Names of persons in what they may see.
    fn names(&self) -> Result<Vec<String>, Fault> {
        let query = SearchQuery {
            facets: vec!["person".to_owned()],
            facet_values: NAMES_MAX,
            ..SearchQuery::new(Filter::All, 0)
        };
        let found = self.derived().index.search(&self.within(query)).map_err(Fault::from_derived)?;
        Ok(found.facets.into_values().flatten().map(|count| count.value).collect())
    }
}
