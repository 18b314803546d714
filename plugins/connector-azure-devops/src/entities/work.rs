//! Work items and their updates.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;
use weir_sdk::model::entity::{
    Edit, EditedField, Transition, WorkCategory, WorkKind, WorkLink, WorkLinkKind, WorkStatus,
};
use weir_sdk::prelude::*;

use super::{Identity, Links, Somebody, page};
use crate::origin::Origin;

/// A work item.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct WorkItemJson<'a> {
    id: Field<u64>,
    #[serde(borrow)]
    fields: Nested<Fields<'a>>,
    #[serde(borrow)]
    relations: List<Object<Relation<'a>>>,
    #[serde(borrow, rename = "_links")]
    links: Nested<Links<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Fields<'a> {
    #[serde(borrow, rename = "System.TeamProject")]
    project: Text<'a>,
    #[serde(borrow, rename = "System.Title")]
    title: Text<'a>,
    #[serde(borrow, rename = "System.Description")]
    description: Text<'a>,
    #[serde(borrow, rename = "System.WorkItemType")]
    kind: Text<'a>,
    #[serde(borrow, rename = "System.State")]
    state: Text<'a>,
    #[serde(borrow, rename = "System.Reason")]
    reason: Text<'a>,
    #[serde(borrow, rename = "Microsoft.VSTS.Common.Priority")]
    priority: Text<'a>,
    #[serde(borrow, rename = "Microsoft.VSTS.Common.Severity")]
    severity: Text<'a>,
    #[serde(borrow, rename = "System.CreatedBy")]
    creator: Nested<Identity<'a>>,
    #[serde(borrow, rename = "System.AssignedTo")]
    assignee: Nested<Identity<'a>>,
    #[serde(borrow, rename = "System.Tags")]
    tags: Text<'a>,
    #[serde(borrow, rename = "System.AreaPath")]
    area: Text<'a>,
    #[serde(borrow, rename = "System.Parent")]
    parent: Text<'a>,
    #[serde(rename = "Microsoft.VSTS.Scheduling.StoryPoints")]
    story_points: Field<f64>,
    #[serde(rename = "Microsoft.VSTS.Scheduling.Effort")]
    effort: Field<f64>,
    #[serde(rename = "System.CreatedDate")]
    created_at: Instant,
    #[serde(rename = "System.ChangedDate")]
    updated_at: Instant,
    #[serde(rename = "Microsoft.VSTS.Common.ClosedDate")]
    closed_at: Instant,
    #[serde(rename = "Microsoft.VSTS.Scheduling.DueDate")]
    due_at: Instant,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Relation<'a> {
    #[serde(borrow)]
    rel: Text<'a>,
    #[serde(borrow)]
    url: Text<'a>,
}

pub(crate) fn work_item(json: WorkItemJson<'_>, raw: &Raw<'_>) -> Outcome {
    let Some(id) = raw.take("/id", json.id) else { return raw.missing("/id") };
    let fields = raw.take("/fields", json.fields).unwrap_or_default().0;
    let project = raw.filled("/fields/System.TeamProject", fields.project);
    let project = project.or_else(|| Origin::read(raw).map(|origin| origin.project.into_owned()));
    let status = raw.filled("/fields/System.State", fields.state).map(status);
    let is_done = status.as_ref().is_some_and(|status| status.category == Some(WorkCategory::Done));
    let kind = raw.filled("/fields/System.WorkItemType", fields.kind);
    let parent = raw.filled("/fields/System.Parent", fields.parent);
    let tags = raw.text("/fields/System.Tags", fields.tags).unwrap_or_default();
    let points = raw.take("/fields/StoryPoints", fields.story_points).or(raw.take("/fields/Effort", fields.effort));
    let relations = Relations::read(raw, json.relations);
    let item = WorkItem::default()
        .handle(format!("#{id}"))
        .url(page(raw, json.links))
        .project(project)
        .title(raw.text("/fields/System.Title", fields.title))
        .description(raw.filled("/fields/System.Description", fields.description))
        .kind(kind.as_deref().map(work_kind))
        .kind_word(kind)
        .resolution(raw.filled("/fields/System.Reason", fields.reason).filter(|_| is_done))
        .status(status)
        .priority(raw.filled("/fields/Priority", fields.priority))
        .severity(raw.filled("/fields/Severity", fields.severity))
        .parent(parent.map(Reference::Key).or(relations.parent))
        .creator(Somebody::read(raw, "/fields/System.CreatedBy", fields.creator).reference())
        .assignees(Somebody::read(raw, "/fields/System.AssignedTo", fields.assignee).reference())
        .labels(tags.split(';').map(str::trim).filter(|tag| !tag.is_empty()).map(str::to_owned))
        .components(raw.filled("/fields/System.AreaPath", fields.area))
        .story_points(points)
        .created_at(raw.take("/fields/System.CreatedDate", fields.created_at))
        .updated_at(raw.take("/fields/System.ChangedDate", fields.updated_at))
        .resolved_at(raw.take("/fields/ClosedDate", fields.closed_at).filter(|_| is_done))
        .due_at(raw.take("/fields/DueDate", fields.due_at))
        .links(relations.links)
        .commits(relations.commits);
    Outcome::entity(id.to_string(), &item)
}

/// What a work item is linked to.
#[derive(Default)]
struct Relations {
    parent: Option<Reference>,
    links: Vec<WorkLink>,
    commits: Vec<ObjectId>,
}

impl Relations {
    fn read(raw: &Raw<'_>, json: List<Object<Relation<'_>>>) -> Self {
        let mut relations = Self::default();
        for Object(relation) in raw.list("/relations", json) {
            let rel = raw.take("/relations/rel", relation.rel).unwrap_or_default();
            let Some(url) = raw.take("/relations/url", relation.url) else { continue };
            let item = url.rsplit_once("/workItems/").map(|(_, id)| Reference::Key(id.to_owned()));
            match (rel.as_ref(), item) {
                ("System.LinkTypes.Hierarchy-Reverse", Some(parent)) => relations.parent = Some(parent),
                ("ArtifactLink", _) => relations.commits.extend(linked_commit(&url)),
                (rel, Some(target)) => {
                    relations.links.extend(link_kind(rel).map(|kind| WorkLink { kind, target }));
                }
                (_, None) => {}
            }
        }
        relations
    }
}

/// The object id in "<vstfs:///Git/Commit/{project}%2F{repository}%2F{object> id}".
fn linked_commit(url: &str) -> Option<ObjectId> {
    let path = url.strip_prefix("vstfs:///Git/Commit/")?;
    let (_, commit) = path.rsplit_once("%2F").or_else(|| path.rsplit_once("%2f")).or_else(|| path.rsplit_once('/'))?;
    ObjectId::new(commit)
}

fn link_kind(rel: &str) -> Option<WorkLinkKind> {
    Some(match rel {
        "System.LinkTypes.Dependency-Forward" => WorkLinkKind::Blocks,
        "System.LinkTypes.Dependency-Reverse" => WorkLinkKind::BlockedBy,
        "System.LinkTypes.Duplicate-Forward" => WorkLinkKind::DuplicatedBy,
        "System.LinkTypes.Duplicate-Reverse" => WorkLinkKind::Duplicates,
        "System.LinkTypes.Related" => WorkLinkKind::Relates,
        _ => return None,
    })
}

/// States of the processes that come with Azure DevOps; of others the host's rules decide.
fn status(name: String) -> WorkStatus {
    let category = match name.as_str() {
        "New" | "To Do" | "Proposed" | "Approved" | "Design" | "Requested" => Some(WorkCategory::Todo),
        "Active" | "Committed" | "Doing" | "In Progress" | "Open" | "Resolved" | "Ready" | "Accepted" => {
            Some(WorkCategory::Doing)
        }
        "Closed" | "Done" | "Completed" | "Removed" | "Inactive" => Some(WorkCategory::Done),
        _ => None,
    };
    WorkStatus { name, category }
}

fn work_kind(word: &str) -> WorkKind {
    match word {
        "Epic" => WorkKind::Epic,
        "Feature" | "User Story" | "Product Backlog Item" | "Requirement" => WorkKind::Story,
        "Task" | "Issue" => WorkKind::Task,
        "Bug" => WorkKind::Bug,
        "Change Request" => WorkKind::ChangeRequest,
        other => WorkKind::Unknown(other.to_owned()),
    }
}

/// One update of a work item: what it changed, from and to.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct UpdateJson<'a> {
    #[serde(borrow)]
    id: Text<'a>,
    #[serde(borrow, rename = "workItemId")]
    item: Text<'a>,
    #[serde(borrow, rename = "revisedBy")]
    author: Nested<Identity<'a>>,
    #[serde(borrow)]
    fields: Nested<BTreeMap<Cow<'a, str>, Field<Object<Changed>>>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Changed {
    #[serde(rename = "oldValue")]
    before: Value,
    #[serde(rename = "newValue")]
    after: Value,
}

/// A value of a field: mostly a text, of people an object.
#[derive(Default)]
struct Value(Option<String>);

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = serde_json::Value::deserialize(deserializer)?;
        let person = value.get("uniqueName").or_else(|| value.get("displayName"));
        Ok(Self(match person.unwrap_or(&value) {
            serde_json::Value::String(text) if !text.is_empty() => Some(text.clone()),
            serde_json::Value::Number(number) => Some(number.to_string()),
            _ => None,
        }))
    }
}

/// Fields whose changes are kept, in the words of the entity.
const EDITED: &[(&str, EditedField)] = &[
    ("System.AssignedTo", EditedField::Assignee),
    ("System.IterationPath", EditedField::Sprint),
    ("Microsoft.VSTS.Scheduling.StoryPoints", EditedField::Estimate),
    ("Microsoft.VSTS.Scheduling.Effort", EditedField::Estimate),
    ("Microsoft.VSTS.Common.Priority", EditedField::Priority),
    ("System.WorkItemType", EditedField::Kind),
    ("System.Parent", EditedField::Parent),
];

pub(crate) fn update(json: UpdateJson<'_>, raw: &Raw<'_>) -> Outcome {
    let Some(item) = raw.filled("/workItemId", json.item) else { return raw.missing("/workItemId") };
    let id = raw.filled("/id", json.id);
    let mut fields = raw.take("/fields", json.fields).unwrap_or_default().0;
    let mut change = |name: &str| {
        let field = fields.remove(name)?;
        raw.take(&format!("/fields/{name}"), field).map(|changed| (changed.0.before.0, changed.0.after.0))
    };
    // The time an update counts until lies in the year 9999 for the newest; the field that changed with it is right.
    let at = change("System.ChangedDate").and_then(|(_, at)| at).and_then(|at| at.parse::<Timestamp>().ok());
    let Some(at) = at else { return Outcome::ignored("azure-devops.update.of-links") };
    let author = Somebody::read(raw, "/revisedBy", json.author).reference();
    let transition = change("System.State").and_then(|(before, after)| {
        let before = before.map(status);
        Some(Transition { id: id.clone(), at, author: author.clone(), before, after: status(after?) })
    });
    let edits: Vec<_> = EDITED
        .iter()
        .filter_map(|(name, field)| {
            let (before, after) = change(name)?;
            Some(Edit { id: id.clone(), at, author: author.clone(), field: field.clone(), before, after })
        })
        .collect();
    if transition.is_none() && edits.is_empty() {
        return Outcome::ignored("azure-devops.update.of-other-fields");
    }
    Outcome::entity(item, &WorkItem::default().transitions(transition).edits(edits))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn linked_commits_are_found() {
        let sha = "1111111111111111111111111111111111111111";
        let linked = |url: String| linked_commit(&url).map(|commit| commit.as_str().to_owned());
        assert_eq!(linked(format!("vstfs:///Git/Commit/a1%2Fb2%2F{sha}")).as_deref(), Some(sha));
        assert_eq!(linked(format!("vstfs:///Git/Commit/a1%2fb2%2f{sha}")).as_deref(), Some(sha));
        assert_eq!(linked("vstfs:///Git/PullRequestId/a1%2Fb2%2F7".to_owned()), None);
        assert_eq!(linked("vstfs:///Git/Commit/short".to_owned()), None);
    }
}
