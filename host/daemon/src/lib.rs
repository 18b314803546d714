//! The daemon: configuration, scheduling, HTTP in and out, propel runs, forwarding, and the command line.
//!
//! It decides nothing about numbers and knows nothing of key encodings; those are the business of the stages and of
//! the store.

pub mod access;
pub mod account;
mod alone;
pub mod audit;
pub mod backup;
pub mod cli;
pub mod clock;
pub mod collect;
pub mod config;
pub mod egress;
pub mod error;
pub mod export;
pub mod forward;
pub mod git;
mod hex;
pub mod host;
pub mod http;
pub mod ingest;
pub mod intake;
pub mod jenkins;
pub mod lifecycle;
mod memory;
mod news;
pub mod normaliser;
mod notes;
mod oidc;
pub mod plugins;
pub mod process;
pub mod propel;
pub mod query;
mod said;
pub mod schedule;
mod side_by_side;
pub mod signing;
mod state_keys;
mod sums;
pub mod tables;
mod tasks;
mod traces;
pub mod webhook;
