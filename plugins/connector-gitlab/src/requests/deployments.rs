//! Deployments: they name their environment, and only the environment says its tier.

use std::collections::BTreeMap;

use serde::Deserialize;
use weir_sdk::address;
use weir_sdk::prelude::*;

use super::head::elements;
use super::{Head, Position, REQUESTS_MAX};
use crate::origin::Origin;
use crate::settings::Settings;

#[derive(Default, Deserialize)]
#[serde(default)]
struct Placed {
    environment: Nested<EnvironmentHead>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct EnvironmentHead {
    id: Field<u64>,
}

/// The deployments of a page, each with the tier of its environment.
pub(super) fn page(run: &Run<Settings>, answer: &Response, project: &str) -> Result<Page<Position>, Failure> {
    let text = answer.text()?;
    let mut deployments = Vec::new();
    for json in elements(&text)? {
        let placed: Placed = serde_json::from_str(json.get()).unwrap_or_default();
        let environment = placed.environment.inner().and_then(|environment| environment.id.quietly().copied());
        deployments.push((json.get(), environment));
    }
    let tiers = tiers(run, project, deployments.iter().filter_map(|(_, environment)| *environment))?;
    let mut records = Vec::new();
    for (json, environment) in deployments {
        let tier = environment.and_then(|environment| tiers.get(&environment)).cloned().flatten();
        let origin = Origin { tier: tier.map(Into::into), ..Origin::of(project) };
        records.push(Head::read(json)?.record(json).context(&origin));
    }
    Ok(Page::records(records))
}

/// The tiers of environments; one that is gone or may not be seen has none.
fn tiers(
    run: &Run<Settings>,
    project: &str,
    environments: impl Iterator<Item = u64>,
) -> Result<BTreeMap<u64, Option<String>>, Failure> {
    let mut tiers: BTreeMap<u64, Option<String>> = environments.map(|environment| (environment, None)).collect();
    let request = |environment: &u64| {
        let path = address::path(["projects", project, "environments", &environment.to_string()]);
        run.get(path).into_request()
    };
    let requests: Vec<_> = tiers.keys().map(request).collect();
    let answers = requests.chunks(REQUESTS_MAX).flat_map(|requests| run.connection().send_all(requests));
    for (tier, answer) in tiers.values_mut().zip(answers) {
        *tier = match answer {
            Ok(answer) => answer.pointer("/tier")?,
            Err(failure) if matches!(failure.kind, FailureKind::Gone | FailureKind::Forbidden) => None,
            Err(failure) => return Err(failure),
        };
    }
    Ok(tiers)
}
