//! Which repositories to read: those given, or all of an organisation.

use std::rc::Rc;

use serde::{Deserialize, Serialize};
use weir_sdk::prelude::*;
use weir_sdk::{address, state};

use super::{PAGE, Place, Read, follow};
use crate::settings::Settings;

/// Where the list of an organisation is kept, for all datasets of the connection.
const KEPT: &str = "repositories";
/// How long it counts, in milliseconds. Listing a thousand repositories takes ten requests, and every dataset asks.
const KEPT_FOR: i64 = 10 * 60_000;

/// The repositories, sorted; listed once per reader.
pub(super) fn repositories(run: &Run<Settings>) -> Result<Rc<Vec<String>>, Failure> {
    run.remember(|| {
        if run.settings.repositories.is_empty() { of_organisation(run) } else { run.settings.given_repositories() }
    })
}

#[derive(Serialize, Deserialize)]
struct Kept {
    organisation: String,
    at: i64,
    repositories: Vec<String>,
}

fn of_organisation(run: &Run<Settings>) -> Result<Vec<String>, Failure> {
    let organisation = organisation(&run.settings)?;
    let now = run.run_at.ms();
    let counts = |kept: &Kept| kept.organisation == organisation && (0..KEPT_FOR).contains(&(now - kept.at));
    let kept = state::get(KEPT)?.and_then(|json| serde_json::from_slice(&json).ok());
    if let Some(kept) = kept.filter(counts) {
        return Ok(kept.repositories);
    }
    let mut repositories = list(run)?;
    repositories.sort_unstable();
    let kept = Kept { organisation: organisation.to_owned(), at: now, repositories };
    if let Ok(json) = serde_json::to_vec(&kept) {
        state::set(KEPT, &json)?;
    }
    Ok(kept.repositories)
}

fn list(run: &Run<Settings>) -> Result<Vec<String>, Failure> {
    #[derive(Deserialize)]
    struct Listed {
        full_name: String,
    }
    let mut repositories = Vec::new();
    let mut answer = run.get(path(&run.settings)?).query("per_page", PAGE).send()?;
    loop {
        repositories.extend(answer.json::<Vec<Listed>>()?.into_iter().map(|listed| listed.full_name));
        match answer.next_link() {
            Some(link) => answer = run.follow(link).send()?,
            None => return Ok(repositories),
        }
    }
}

fn organisation(settings: &Settings) -> Result<&str, Failure> {
    let unset = || Failure::config("github.settings.repositories", "set `repositories` or `organisation`");
    settings.organisation.as_deref().ok_or_else(unset)
}

/// Path of the listing of the organisation.
pub(super) fn path(settings: &Settings) -> Result<String, Failure> {
    Ok(address::path(["orgs", organisation(settings)?, "repos"]))
}

/// A page of the repositories themselves; the last changed come first, so an unchanged first page says all.
pub(super) fn page(run: &Run<Settings>, place: &Place) -> Result<Read, Failure> {
    let call = if let Some(link) = &place.page.link {
        run.follow(link)
    } else {
        let call = run.get(path(&run.settings)?).query("sort", "updated").query("direction", "desc");
        call.query("per_page", PAGE).conditional(run.is_incremental())
    };
    let answer = call.send()?;
    let next = answer.next_link();
    let page = Page::extract(answer, "").key("/id").version("/updated_at");
    Ok((page, follow(next)))
}
