//! Tries a connection: whether Buildbot is there, who we are, and which builders it does not have.

use weir_sdk::prelude::*;

use super::lookup::{Frontend, builders};
use crate::settings::Settings;

pub(crate) fn check(connection: &Connection<'_>, settings: &Settings) -> Result<Checkup, Failure> {
    let found = builders(connection).map_err(explained)?;
    let frontend = Frontend::of(connection)?;
    let version = frontend.as_ref().and_then(|told| told.versions.iter().find(|(name, _)| name == "Buildbot"));
    let tool = version.map_or("Buildbot".to_owned(), |(name, version)| format!("{name} {version}"));
    let absent = settings.builders.iter().filter(|name| !found.iter().any(|builder| builder.name == **name));
    let mut missing: Vec<_> = absent.map(|name| format!("builds of `{name}`: there is no such builder")).collect();
    if found.is_empty() {
        missing.push("builds: no builder is seen".to_owned());
    }
    Ok(Checkup { tool, identity: frontend.and_then(|told| told.user.username.or(told.user.email)), missing })
}

fn explained(failure: Failure) -> Failure {
    let hint = match failure.kind {
        FailureKind::Forbidden => "Buildbot's `authz` must let this user view it",
        FailureKind::Gone | FailureKind::Transient
            if failure.code.starts_with("buildbot") || failure.kind == FailureKind::Gone =>
        {
            let message =
                "no Buildbot answers there: `url` is the address of its first page, with the path it runs under";
            return Failure::config("buildbot.url", message);
        }
        _ => return failure,
    };
    Failure { message: format!("{}; {hint}", failure.message), ..failure }
}
