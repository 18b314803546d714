//! Reports what a CI step does, from inside of it: the library behind `weir emit`.
//!
//! [`Context`] tells from the environment which build this is; [`Event`] is what happened, and gives a [`Report`];
//! [`Outbox`] keeps reports durably and delivers what it can within a time budget. Invariant: a report is on disk before
//! anything is sent, and no wait is longer than the budget.

mod context;
mod event;
mod outbox;
mod starts;
mod systems;
mod template;

pub use context::{Context, ContextError, Given};
pub use event::{Artifact, Deployment, Event, Report, Stage};
pub use outbox::{Delivery, Outbox, OutboxError, OutboxOptions};
pub use starts::Starts;
pub use systems::variables;
