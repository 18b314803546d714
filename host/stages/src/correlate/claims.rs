//! What an entity says about others, which it knows by their names only.
//!
//! A claim is a function of one entity alone. It becomes a link when an entity answers to the name, whichever of the
//! two came first.

use weir_model::entity::{
    Artifact, ArtifactRole, AttributeValue, Attributes, Build, Change, Commit, Deployment, Incident, IncidentLinkKind,
    Review, TestReport, WorkItem, WorkLinkKind,
};
use weir_model::{Entity, EntityId, EntityKind, ObjectId, Reference};

use super::keys::{FoundKey, KeyRules, STRONG, TextSource, WEAK, keys_in};
use super::names::{self, Name, artifact_calls};
use crate::normalise::repository_name;

/// Confidence in what a tool states, or what an id says.
pub(super) const EXACT: f64 = 1.0;

/// Attribute of an incident that names the artifact it was found in.
pub(super) const ARTIFACT_ATTRIBUTE: &str = "cdevents.artifact";
/// Most repositories that a bare number in the text of one entity may count in.
const SCOPES_MAX: usize = 8;

/// One statement about an entity of a name.
#[derive(Debug, Clone, PartialEq)]
pub struct Claim {
    /// What the other is called.
    pub name: Name,
    /// What it is to this one: `closes`, `builds`, `deploys`.
    pub kind: &'static str,
    /// Rule that found it: `stated`, `title`, `head-revision`.
    pub reason: &'static str,
    /// 1.0 exact, 0.8 strong, 0.5 weak.
    pub confidence: f64,
    /// Kind the other must be of, where the name does not tell.
    pub only: Option<EntityKind>,
    /// What the text said, for a handle found in one: whether it is a handle depends on the projects there are.
    pub found: Option<FoundKey>,
}

/// Everything an entity says about others, each statement once.
pub fn claims(id: &EntityId, entity: &Entity, rules: &KeyRules) -> Vec<Claim> {
    let mut writer = Writer { id, rules, claims: Vec::new() };
    match entity {
        Entity::Change(change) => writer.change(change),
        Entity::Commit(commit) => writer.commit(commit),
        Entity::Build(build) => writer.build(build),
        Entity::Deployment(deployment) => writer.deployment(deployment),
        Entity::Artifact(artifact) => writer.artifact(artifact),
        Entity::TestReport(report) => writer.test_report(report),
        Entity::Review(review) => writer.review(review),
        Entity::WorkItem(item) => writer.work_item(item),
        Entity::Incident(incident) => writer.incident(incident),
        Entity::Repository(_) | Entity::Sprint(_) | Entity::Person(_) | Entity::Custom(_) => {}
    }
    let mut claims: Vec<Claim> = Vec::with_capacity(writer.claims.len());
    let mut seen = std::collections::BTreeSet::new();
    for claim in writer.claims {
        if claim.name != Name::Entity(id.clone()) && seen.insert((claim.name.clone(), claim.kind, claim.reason)) {
            claims.push(claim);
        }
    }
    claims
}

struct Writer<'a> {
    id: &'a EntityId,
    rules: &'a KeyRules,
    claims: Vec<Claim>,
}

impl Writer<'_> {
    fn change(&mut self, it: &Change) {
        let texts = [
            (TextSource::Title, &it.title),
            (TextSource::Branch, &it.head_branch),
            (TextSource::Body, &it.description),
        ];
        let scopes: Vec<String> = it.repository.iter().map(|it| repository_name(it.text())).collect();
        for (source, text) in texts {
            self.text(text.as_deref(), source, &scopes);
        }
        let ends = [("merge-commit", &it.merge_commit), ("head-revision", &it.head_commit)];
        for (reason, commit) in ends {
            self.commits(commit, "contains", reason, EXACT);
        }
        self.commits(&it.commits, "contains", "listed", EXACT);
        self.stated(EntityKind::WorkItem, &it.work_items, "relates");
        let reverts = it.title.as_ref().is_some_and(|title| title.to_lowercase().starts_with("revert"));
        self.stated(EntityKind::Change, &it.derived_from, if reverts { "reverts" } else { "derived-from" });
        self.trailers(it.description.as_deref(), "body");
    }

    fn commit(&mut self, it: &Commit) {
        let scopes: Vec<String> = it.repositories.iter().map(|it| repository_name(it.text())).collect();
        self.text(it.message.as_deref(), TextSource::Commit, &scopes);
        self.trailers(it.message.as_deref(), "message");
        // What a CI makes to try a merge stands for the head that it merges.
        let tried = it.message.as_deref().and_then(tried_merge).filter(|head| it.parents.contains(head));
        self.commits(&tried, "stands-for", "merge-revision", EXACT);
    }

    fn build(&mut self, it: &Build) {
        let heads = it.checkouts.iter().filter_map(|checkout| checkout.commit.as_ref());
        for (index, head) in heads.enumerate() {
            self.commits([head], "builds", if index == 0 { "head-revision" } else { "checkout" }, EXACT);
        }
        self.commits(&it.commits, "builds", "change-list", STRONG);
        self.stated(EntityKind::Change, &it.change, "builds");
        self.stated(EntityKind::Build, &it.parent, "part-of");
        self.stated(EntityKind::Build, it.triggers.iter().filter_map(|trigger| trigger.build.as_ref()), "started-by");
        self.branch(it);
        for used in &it.artifacts {
            let kind = if used.role == ArtifactRole::Produced { "produces" } else { "uses" };
            self.artifact_reference(&used.artifact, kind);
        }
    }

    /// `PR-17` and `MR-17` are how builds of changes are called; else the change is one that comes from the branch.
    fn branch(&mut self, it: &Build) {
        let Some(checkout) = it.checkouts.first() else { return };
        let (Some(repository), Some(branch)) = (&checkout.repository, &checkout.branch) else { return };
        let repository = repository_name(repository.text());
        let name = branch.rsplit('/').next().unwrap_or(branch);
        let number = ["PR-", "MR-"].iter().find_map(|prefix| name.strip_prefix(prefix));
        match number.filter(|number| number.bytes().all(|b| b.is_ascii_digit())) {
            Some(number) => {
                for sign in ['#', '!'] {
                    let handle = names::scoped(&repository, &format!("{sign}{number}"));
                    self.add_only(EntityKind::Change, handle, "builds", "branch-name", STRONG);
                }
            }
            None => self.add(names::branch(&repository, branch), "builds", "source-branch", WEAK),
        }
    }

    fn deployment(&mut self, it: &Deployment) {
        self.commits(&it.commits, "deploys", "head-revision", EXACT);
        self.stated(EntityKind::Build, &it.build, "deployed-by");
        self.stated(EntityKind::WorkItem, &it.work_items, "relates");
        it.artifacts.iter().for_each(|artifact| self.artifact_reference(artifact, "deploys"));
    }

    fn artifact(&mut self, it: &Artifact) {
        self.stated(EntityKind::Build, &it.build, "built-by");
        self.commits(&it.commits, "built-from", "revision", EXACT);
    }

    fn test_report(&mut self, it: &TestReport) {
        self.stated(EntityKind::Build, &it.build, "tests");
        self.commits(&it.commit, "tests", "stated", EXACT);
    }

    fn review(&mut self, it: &Review) {
        self.stated(EntityKind::Change, &it.change, "reviews");
        self.commits(&it.commit, "reviews", "stated", EXACT);
    }

    fn work_item(&mut self, it: &WorkItem) {
        self.commits(&it.commits, "relates", "stated", EXACT);
        self.stated(EntityKind::Change, &it.changes, "relates");
        self.stated(EntityKind::WorkItem, it.parent.iter().chain(&it.epic), "part-of");
        for link in &it.links {
            let kind = match link.kind {
                WorkLinkKind::Blocks => "blocks",
                WorkLinkKind::BlockedBy => "blocked-by",
                WorkLinkKind::Duplicates => "duplicates",
                WorkLinkKind::DuplicatedBy => "duplicated-by",
                WorkLinkKind::Causes => "causes",
                WorkLinkKind::CausedBy => "caused-by",
                WorkLinkKind::Relates | WorkLinkKind::Unknown(_) => "relates",
            };
            self.stated(EntityKind::WorkItem, [&link.target], kind);
        }
    }

    fn incident(&mut self, it: &Incident) {
        for link in &it.deployments {
            let kind = match link.kind {
                IncidentLinkKind::Caused => "caused-by",
                IncidentLinkKind::Fixed => "fixed-by",
                IncidentLinkKind::Related | IncidentLinkKind::Unknown(_) => "relates",
            };
            self.stated(EntityKind::Deployment, [&link.deployment], kind);
        }
        self.stated(EntityKind::WorkItem, &it.work_item, "same-as");
        if let Some(artifact) = text_attribute(&it.attributes, ARTIFACT_ATTRIBUTE) {
            self.artifact_reference(&Reference::Name(artifact.to_owned()), "caused-by");
        }
        for text in [&it.title, &it.description].into_iter().flatten() {
            self.text(Some(text), TextSource::Body, &[]);
            self.commits(&root_causes(text), "caused-by", "root-cause", EXACT);
            ids_in(text).for_each(|id| self.add(Name::Entity(id), "caused-by", "id", EXACT));
        }
    }

    /// Handles in a text; bare numbers count in `scopes`.
    fn text(&mut self, text: Option<&str>, source: TextSource, scopes: &[String]) {
        for found in text.map(|text| keys_in(text, source, self.rules)).unwrap_or_default() {
            let names: Vec<Name> = match found.key.split_once(['#', '!']) {
                Some(("", _)) => scopes.iter().take(SCOPES_MAX).map(|it| names::scoped(it, &found.key)).collect(),
                Some((scope, _)) if scope != "AB" => vec![names::scoped("", &found.key.to_lowercase())],
                _ => vec![Name::Handle(found.key.clone())],
            };
            for name in names {
                let (kind, reason, confidence) = (found.relation.as_str(), found.reason, found.confidence);
                self.claims.push(Claim { name, kind, reason, confidence, only: None, found: Some(found.clone()) });
            }
        }
    }

    /// `This reverts commit ...` and `(cherry picked from commit ...)`, as git writes them.
    fn trailers(&mut self, text: Option<&str>, reason: &'static str) {
        let Some(text) = text else { return };
        let marks = [("this reverts commit ", "reverts"), ("cherry picked from commit ", "derived-from")];
        for (mark, kind) in marks {
            self.commits(&ids_behind(text, mark), kind, reason, EXACT);
        }
    }

    fn artifact_reference(&mut self, reference: &Reference, kind: &'static str) {
        if let Some(Name::Entity(id)) = self.name_of(EntityKind::Artifact, reference) {
            self.add(Name::Entity(id), kind, "stated", EXACT);
        }
        for called in artifact_calls(reference.text()) {
            let confidence = match called.reason {
                "digest" => EXACT,
                "located" => STRONG,
                _ => WEAK,
            };
            self.add(called.name, kind, called.reason, confidence);
        }
    }

    fn stated<'r>(&mut self, kind: EntityKind, others: impl IntoIterator<Item = &'r Reference>, link: &'static str) {
        for other in others {
            if let Some(name) = self.name_of(kind.clone(), other) {
                self.add_only(kind.clone(), name, link, "stated", EXACT);
            }
        }
    }

    /// A key belongs to the integration that gives it; a name means the same everywhere.
    fn name_of(&self, kind: EntityKind, reference: &Reference) -> Option<Name> {
        match (reference, &self.id.integration) {
            (Reference::Key(key), Some(integration)) => {
                Some(Name::Entity(EntityId::new(kind, integration, key.clone())))
            }
            (Reference::Key(_), None) => None,
            (Reference::Name(name), _) => match name.parse::<EntityId>() {
                Ok(id) if id.kind == kind => Some(Name::Entity(id)),
                _ if matches!(kind, EntityKind::Artifact | EntityKind::Build | EntityKind::Deployment) => None,
                _ if name.contains(['#', '!']) && !name.contains("://") => {
                    Some(names::scoped("", &name.to_lowercase()))
                }
                _ => Some(Name::Handle(name.clone())),
            },
        }
    }

    fn commits<'c>(
        &mut self,
        commits: impl IntoIterator<Item = &'c ObjectId>,
        kind: &'static str,
        reason: &'static str,
        confidence: f64,
    ) {
        commits.into_iter().for_each(|commit| self.add(commit_name(commit), kind, reason, confidence));
    }

    fn add(&mut self, name: Name, kind: &'static str, reason: &'static str, confidence: f64) {
        self.claims.push(Claim { name, kind, reason, confidence, only: None, found: None });
    }

    fn add_only(&mut self, only: EntityKind, name: Name, kind: &'static str, reason: &'static str, confidence: f64) {
        self.claims.push(Claim { name, kind, reason, confidence, only: Some(only), found: None });
    }
}

/// A commit by its object id, which may be abbreviated.
pub fn commit_name(commit: &ObjectId) -> Name {
    Name::Entity(EntityId { kind: EntityKind::Commit, integration: None, key: commit.as_str().to_owned() })
}

/// Ids of what may have caused an incident, as they stand in a text.
pub(super) fn ids_in(text: &str) -> impl Iterator<Item = EntityId> + '_ {
    let words = text.split_whitespace().map(|word| word.trim_end_matches(['.', ',', ';', ')']));
    let is_cause =
        |id: &EntityId| matches!(id.kind, EntityKind::Deployment | EntityKind::Artifact | EntityKind::Change);
    words.filter_map(|word| word.parse().ok()).filter(is_cause)
}

/// The commits that the text of an incident names as its root cause: `root cause: a0d740a...`.
pub(super) fn root_causes(text: &str) -> Vec<ObjectId> {
    ids_behind(text, "root cause: ")
}

pub(super) fn text_attribute<'a>(attributes: &'a Attributes, key: &str) -> Option<&'a str> {
    match attributes.get(key) {
        Some(AttributeValue::Text(text)) => Some(text),
        _ => None,
    }
}

/// Object ids right behind each `mark`, which is in lower case.
fn ids_behind(text: &str, mark: &str) -> Vec<ObjectId> {
    let folded = text.to_ascii_lowercase();
    let ends = folded.match_indices(mark).map(|(at, mark)| at + mark.len());
    ends.filter_map(|end| object_id(folded[end..].trim_start())).collect()
}

/// The head of `Merge <head> into <base>`.
fn tried_merge(message: &str) -> Option<ObjectId> {
    let (head, base) = message.lines().next()?.strip_prefix("Merge ")?.split_once(" into ")?;
    ObjectId::new(base.trim())?;
    ObjectId::new(head.trim())
}

/// The object id a text begins with.
fn object_id(text: &str) -> Option<ObjectId> {
    let end = text.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(text.len());
    ObjectId::new(&text[..end])
}
