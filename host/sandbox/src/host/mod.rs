//! The functions a guest can call. A guest's mistake is a typed error in its hands; only a defect of the host traps.

pub(crate) mod http;
mod log;
mod propel;
pub(crate) mod rules;
mod state;

use crate::bindings::imports::weir::{connector, entities, propel as of_propel, types};
use crate::context::Ctx;

// Interfaces of types alone.
impl types::types::Host for Ctx {}
impl entities::entities::Host for Ctx {}
impl connector::raw::Host for Ctx {}
impl of_propel::events::Host for Ctx {}
impl of_propel::actions::Host for Ctx {}
