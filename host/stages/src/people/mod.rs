//! Who is meant: teams and their members over time, services as named sets, and which identities are one human.
//!
//! Everything here is a function of settings, of entities and of instants that are passed in; no order shows.

mod identity;
mod services;
mod teams;

pub use identity::{Human, People, Same, SameReason, Suggestion, asks_for_person, names_of, people};
pub use services::{ServiceFacts, ServiceSettings, Services};
pub use teams::{Member, PersonSettings, TeamSettings, Teams};
