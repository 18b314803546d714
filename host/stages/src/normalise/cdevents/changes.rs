//! Repositories, their branches, and changes to them.

use weir_model::entity::{Change, ChangeKind, ChangeState, Repository, Review};
use weir_model::{DiagnosticKind, EntityKind, Reference};

use super::super::Produced;
use super::super::names::without_credentials;
use super::event::{Event, put};
use super::facts::Facts;

pub(super) fn repository(event: &mut Event<'_>) -> Vec<Produced> {
    let owner = event.content.text(&["owner"]);
    let name = event.content.text(&["name"]);
    let full_name = match (&owner, name) {
        (Some(owner), Some(name)) if !name.contains('/') => Some(format!("{owner}/{name}")),
        (_, name) => name,
    };
    let uri = event.content.text(&["uri", "url"]).map(|uri| without_credentials(&uri));
    let mut repository = Repository::default()
        .name(full_name)
        .owner(owner)
        .url(event.content.text(&["viewUrl"]))
        .remotes(uri)
        .updated_at(event.at)
        .created_at(event.at.filter(|_| event.kind.name == "repository.created"));
    repository.attributes = event.attributes();
    event.produced(EntityKind::Repository, repository)
}

pub(super) fn branch_created(event: &mut Event<'_>) -> Vec<Produced> {
    branch(event, "cdevents.branch_created")
}

pub(super) fn branch_deleted(event: &mut Event<'_>) -> Vec<Produced> {
    branch(event, "cdevents.branch_deleted")
}

/// The newest branch that came or went is an attribute of its repository.
fn branch(event: &mut Event<'_>, attribute: &str) -> Vec<Produced> {
    let Some(key) = event.key_of("repository", "repository") else {
        event.content.note(DiagnosticKind::Missing, "repository", "");
        return Vec::new();
    };
    let mut repository = Repository::default();
    put(&mut repository.attributes, attribute, Some(event.subject.clone()));
    vec![Produced::new(EntityKind::Repository, key, repository)]
}

pub(super) fn created(event: &mut Event<'_>) -> Vec<Produced> {
    let at = event.at;
    change(event, |change| change.state(ChangeState::Open).state_word("created".to_owned()).created_at(at))
}

pub(super) fn updated(event: &mut Event<'_>) -> Vec<Produced> {
    change(event, |change| change)
}

/// Who reviewed, and what they think, is not said.
pub(super) fn reviewed(event: &mut Event<'_>) -> Vec<Produced> {
    let mut review = Review::default().change(Reference::Key(event.key())).submitted_at(event.at);
    review.attributes = event.attributes();
    let key = format!("{}/{}", event.key(), event.id);
    let mut produced = change(event, |change| change);
    produced.push(Produced::new(EntityKind::Review, key, review));
    produced
}

pub(super) fn merged(event: &mut Event<'_>) -> Vec<Produced> {
    let at = event.at;
    change(event, |change| {
        change.state(ChangeState::Merged).state_word("merged".to_owned()).merged_at(at).closed_at(at)
    })
}

pub(super) fn abandoned(event: &mut Event<'_>) -> Vec<Produced> {
    let at = event.at;
    change(event, |change| change.state(ChangeState::Closed).state_word("abandoned".to_owned()).closed_at(at))
}

fn change(event: &mut Event<'_>, state: impl FnOnce(Change) -> Change) -> Vec<Produced> {
    let checkout = Facts::of(event).checkout;
    let mut change = Change::default()
        .kind(ChangeKind::Proposal)
        .handle(event.subject.clone())
        .repository(repository_of(event).or(checkout.repository))
        .description(event.content.text(&["description"]))
        .head_branch(checkout.branch)
        .head_commit(checkout.commit)
        .updated_at(event.at);
    change.attributes = event.attributes();
    let change = state(change);
    event.produced(EntityKind::Change, change)
}

/// The repository by a name other tools know it by: its id, behind the host of its source where that is a URL.
fn repository_of(event: &mut Event<'_>) -> Option<Reference> {
    let (id, source) = event.named("repository")?;
    if id.contains("://") {
        return Some(Reference::Name(without_credentials(&id)));
    }
    let source = source.filter(|source| source.contains("://"));
    let name = source.map_or_else(|| id.clone(), |source| format!("{}/{id}", source.trim_end_matches('/')));
    Some(Reference::Name(without_credentials(&name)))
}
