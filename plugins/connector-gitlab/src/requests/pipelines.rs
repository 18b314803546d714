//! Pipelines: a listing says little of each, so each is asked for beside it.

use serde::Deserialize;
use weir_sdk::address;
use weir_sdk::prelude::*;

use super::{Head, Position, REQUESTS_MAX};
use crate::origin::Origin;
use crate::settings::Settings;

/// The pipelines of a page, each whole.
pub(super) fn page(run: &Run<Settings>, answer: &Response, project: &str) -> Result<Page<Position>, Failure> {
    #[derive(Deserialize)]
    struct Listed {
        id: u64,
    }
    let listed: Vec<Listed> = answer.json()?;
    let request = |listed: &Listed| {
        let path = address::path(["projects", project, "pipelines", &listed.id.to_string()]);
        run.get(path).into_request()
    };
    let requests: Vec<_> = listed.iter().map(request).collect();
    let mut records = Vec::new();
    for answer in requests.chunks(REQUESTS_MAX).flat_map(|requests| run.connection().send_all(requests)) {
        match answer {
            Ok(answer) => {
                let text = answer.text()?;
                records.push(Head::read(&text)?.record(&text).context(&Origin::of(project)));
            }
            // Deleted since it was listed.
            Err(failure) if failure.kind == FailureKind::Gone => {}
            Err(failure) => return Err(failure),
        }
    }
    Ok(Page::records(records))
}
