//! Behaviour of egress over the wire, against a scripted tool on this machine.

mod conditional;
mod credentials;
mod limits;
mod mail;
mod oauth;
mod origins;
mod retries;
pub(crate) mod support;
mod throttle;
mod tls;
