//! The integration suite: one binary, so that it links once.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that panics has failed")]
#![allow(clippy::print_stdout, reason = "what was measured is told")]

mod access;
mod access_matrix;
mod answers;
mod arrival;
mod automations;
mod backup;
mod cli;
mod clocks;
mod collect;
mod compat;
mod contract;
mod deliveries;
mod disks;
mod emit;
mod erasures;
mod events;
mod exports;
mod first;
mod first_party;
mod forwarding;
mod gateway;
mod git;
#[path = "../guests/make.rs"]
mod guests;
mod hooks;
mod hostile;
mod http_api;
mod kills;
mod latency;
mod layers;
mod lifecycle;
mod links;
mod logs;
mod mail;
mod notes;
mod notify;
mod observe;
mod oidc;
mod plugins;
mod real_arrival;
mod real_buildbot;
mod real_cdevents;
mod real_jenkins;
mod real_lrts;
mod real_webhooks;
mod replay;
mod rules;
mod schemas;
mod search;
mod tidy;
mod tls;
mod traces;
mod triggers;
mod trust;
