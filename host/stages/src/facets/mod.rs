//! The flat view of entities: what search, filters and facets see, and the names an entity is found by.

mod derived;
mod document;

pub use derived::{began, derived, incident, line, line_order, places, target};
pub(crate) use document::repository;
pub use document::{people, project, search_document, service};

#[cfg(test)]
mod tests;
