//! The sandbox against real components, most of them hostile. What a guest does is chosen by its settings; the
//! guests are in `tests/guests`.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

#[path = "../../../../tests/guests/make.rs"]
mod guests;
mod honest;
mod hostile;
mod install;
mod normalize;
mod numbers;
mod propel;
mod support;
mod webhook;
