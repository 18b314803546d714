//! The integration suite: one binary, so that it links once.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that panics has failed")]

mod layers;
mod schemas;
mod tidy;
