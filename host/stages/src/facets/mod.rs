//! The flat view of entities: what search, filters and facets see, and the names an entity is found by.

mod derived;
mod document;

pub use derived::{derived, line, target};
pub use document::{people, project, search_document, service};

#[cfg(test)]
mod tests;
