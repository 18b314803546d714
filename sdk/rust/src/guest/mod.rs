//! The WebAssembly side: generated bindings, and the conversions between them and the types authors use.
//!
//! Nothing outside this module names a generated type.

#![allow(missing_docs, reason = "for the export macros only")]

pub mod connector;
mod convert;
pub mod propel;
pub mod webhook;
pub(crate) mod wire;
