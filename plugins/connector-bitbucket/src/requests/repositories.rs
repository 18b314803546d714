//! Which repositories to read: those given, or all of a workspace or project.

use std::rc::Rc;

use weir_sdk::address;
use weir_sdk::http::Call;
use weir_sdk::prelude::*;

use super::listing::SERVER_PAGE;
use super::{Leaf, Next, Read, answer};
use crate::origin::Origin;
use crate::settings::{Deployment, Settings};

/// The repositories, sorted; listed once per reader.
pub(super) fn repositories(run: &Run<Settings>, deployment: Deployment) -> Result<Rc<Vec<String>>, Failure> {
    run.remember(|| {
        let given = run.settings.given_repositories()?;
        if given.is_empty() { list(run, deployment) } else { Ok(given) }
    })
}

fn list(run: &Run<Settings>, deployment: Deployment) -> Result<Vec<String>, Failure> {
    let mut repositories = Vec::new();
    let mut next = None;
    loop {
        let answer = call(run, deployment, next.as_ref())?.send()?;
        for json in answer::values(&answer.text()?)? {
            let name = spelled(json, deployment);
            let nameless = || Failure::transient("bitbucket.repository.unfit", "a listed repository has no name");
            repositories.push(name.ok_or_else(nameless)?);
        }
        next = answer::next(deployment, &answer)?;
        if next.is_none() {
            repositories.sort_unstable();
            repositories.dedup();
            return Ok(repositories);
        }
    }
}

/// The full name of a repository as the tool spells it.
pub(super) fn spelled(json: &str, deployment: Deployment) -> Option<String> {
    let json: serde_json::Value = serde_json::from_str(json).ok()?;
    let text = |pointer| json.pointer(pointer).and_then(serde_json::Value::as_str);
    match deployment {
        Deployment::Cloud => text("/full_name").map(str::to_owned),
        Deployment::Server => Some(format!("{}/{}", text("/project/key")?, text("/slug")?)),
    }
}

/// Path of the listing of the owner.
pub(super) fn path(settings: &Settings, deployment: Deployment) -> Result<String, Failure> {
    let owner = settings.owner()?;
    Ok(match deployment {
        Deployment::Cloud => address::path(["repositories", owner]),
        Deployment::Server => address::path(["rest", "api", "1.0", "projects", owner, "repos"]),
    })
}

fn call<'r>(run: &'r Run<Settings>, deployment: Deployment, next: Option<&Next>) -> Result<Call<'r>, Failure> {
    if let Some(Next::Link(link)) = next {
        return Ok(run.follow(link));
    }
    let call = run.get(path(&run.settings, deployment)?);
    Ok(match (deployment, next) {
        // New ones come last, so that none moves from one page to another.
        (Deployment::Cloud, _) => call.query("sort", "created_on").query("pagelen", "100"),
        (Deployment::Server, Some(Next::Start(start))) => {
            call.query("limit", SERVER_PAGE).query("start", start.to_string())
        }
        (Deployment::Server, _) => call.query("limit", SERVER_PAGE),
    })
}

/// A page of the repositories themselves.
pub(super) fn page(run: &Run<Settings>, deployment: Deployment, leaf: Leaf) -> Result<Read, Failure> {
    let answer = call(run, deployment, leaf.next.as_ref())?.send()?;
    let next = answer::next(deployment, &answer)?;
    let page = Page::extract(answer, "/values").context(&Origin::of(deployment, ""));
    let page = match deployment {
        Deployment::Cloud => page.key("/uuid").version("/updated_on"),
        Deployment::Server => page,
    };
    Ok((page, leaf.turn_or_leave(next, None)))
}
