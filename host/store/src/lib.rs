//! Weir's stores: the only crate that names sled, SQLite and tantivy.

pub mod derived;
pub mod index;
pub mod projection;

pub use derived::{Derived, DerivedError};
pub use index::Index;
pub use projection::Projection;
