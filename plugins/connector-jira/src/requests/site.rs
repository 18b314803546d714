//! What a pass must know of a Jira before it reads: which one it is, what its custom fields are, how it classes statuses.

use std::collections::BTreeMap;
use std::rc::Rc;

use serde::{Deserialize, Serialize};
use weir_sdk::prelude::*;

use super::answer::accepted;
use crate::settings::{Choice, Settings};

/// Which API is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Deployment {
    /// Version 3, pages by token.
    Cloud,
    /// Version 2, pages by position.
    Server,
}

impl Deployment {
    /// Where the API lies.
    pub(super) fn api(self) -> &'static str {
        match self {
            Self::Cloud => "/rest/api/3",
            Self::Server => "/rest/api/2",
        }
    }
}

/// A Jira, as far as a dataset needs to know it.
pub(super) struct Site {
    pub(super) deployment: Deployment,
    /// Read for custom fields only.
    pub(super) roles: Roles,
    /// Keys of status categories by status id; read for changelogs only.
    pub(super) categories: BTreeMap<String, String>,
}

/// Ids of custom fields by what they hold.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Roles {
    /// Sprints.
    pub(crate) sprint: Vec<String>,
    /// Epics, by handle.
    pub(crate) epic: Vec<String>,
    /// Estimates in points; the first that is stated counts.
    pub(crate) story_points: Vec<String>,
    /// Severity.
    pub(crate) severity: Vec<String>,
    /// Names of attributes by id.
    pub(crate) attributes: BTreeMap<String, String>,
}

impl Roles {
    /// All ids.
    pub(super) fn fields(&self) -> Vec<&str> {
        let lists = [&self.sprint, &self.epic, &self.story_points, &self.severity];
        let mut fields: Vec<_> =
            lists.into_iter().flatten().chain(self.attributes.keys()).map(String::as_str).collect();
        fields.sort_unstable();
        fields.dedup();
        fields
    }
}

/// Gets to know the Jira, once per reader.
pub(super) fn site(run: &Run<Settings>) -> Result<Rc<Site>, Failure> {
    run.remember(|| {
        let deployment = deployment(run.connection(), &run.settings)?;
        let (mut roles, mut categories) = (Roles::default(), BTreeMap::new());
        match run.dataset.as_str() {
            "custom-fields" => roles = read_roles(run, deployment)?,
            "changelogs" => categories = read_categories(run, deployment)?,
            _ => {}
        }
        Ok(Site { deployment, roles, categories })
    })
}

/// What a Jira says of itself; the one address Cloud and Server have in common.
pub(super) const SERVER_INFO: &str = "/rest/api/2/serverInfo";

/// Cloud or Server, as the settings or Jira itself say.
pub(super) fn deployment(connection: &Connection<'_>, settings: &Settings) -> Result<Deployment, Failure> {
    match settings.deployment {
        Choice::Cloud => Ok(Deployment::Cloud),
        Choice::Server => Ok(Deployment::Server),
        Choice::Auto => {
            let answer = accepted(connection.get(SERVER_INFO).send_any()?)?;
            of_server_info(&answer)
        }
    }
}

/// Cloud or Server, by what the Jira says of itself. Servers before 7.2 know no such word, but their version.
pub(super) fn of_server_info(answer: &Response) -> Result<Deployment, Failure> {
    let kind: Option<String> = answer.pointer("/deploymentType")?;
    let version: Option<String> = answer.pointer("/version")?;
    match (kind.as_deref(), version) {
        (Some("Cloud"), _) => Ok(Deployment::Cloud),
        (Some(_), _) | (None, Some(_)) => Ok(Deployment::Server),
        (None, None) => Err(Failure::transient("jira.server-info", "the answer does not say which Jira it is")),
    }
}

#[derive(Deserialize)]
struct FieldJson {
    id: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    schema: Schema,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Schema {
    custom: Option<String>,
}

/// The custom fields of Jira Software, by their type.
const SPRINT: &str = "com.pyxis.greenhopper.jira:gh-sprint";
const EPIC: &str = "com.pyxis.greenhopper.jira:gh-epic-link";
const STORY_POINTS: &str = "com.pyxis.greenhopper.jira:jsw-story-points";
/// Older projects hold points in a plain number of this name.
const STORY_POINTS_NAME: &str = "story points";

fn read_roles(run: &Run<Settings>, deployment: Deployment) -> Result<Roles, Failure> {
    let answer = accepted(run.get(format!("{}/field", deployment.api())).send_any()?)?;
    let mut all: Vec<FieldJson> = answer.json()?;
    all.sort_by(|a, b| a.id.cmp(&b.id));
    all.dedup_by(|a, b| a.id == b.id);
    Fields { all, settings: &run.settings }.roles()
}

/// The fields of a Jira, by id.
struct Fields<'a> {
    all: Vec<FieldJson>,
    settings: &'a Settings,
}

impl Fields<'_> {
    fn roles(&self) -> Result<Roles, Failure> {
        let settings = self.settings;
        let is_type = |custom: &'static str| move |field: &FieldJson| field.schema.custom.as_deref() == Some(custom);
        let is_points =
            |field: &FieldJson| is_type(STORY_POINTS)(field) || field.name.eq_ignore_ascii_case(STORY_POINTS_NAME);
        let story_points = match &settings.story_points {
            Some(name) => self.named(name)?,
            None => self.that(is_points),
        };
        let severity = settings.severity.as_ref().map(|name| self.named(name)).transpose()?.unwrap_or_default();
        let mut attributes = BTreeMap::new();
        for (name, attribute) in &settings.custom_fields {
            attributes.extend(self.named(name)?.into_iter().map(|id| (id, attribute.clone())));
        }
        Ok(Roles {
            sprint: self.that(is_type(SPRINT)),
            epic: self.that(is_type(EPIC)),
            story_points,
            severity,
            attributes,
        })
    }

    /// Ids of the fields that are so and may be stored.
    fn that(&self, is_so: impl Fn(&FieldJson) -> bool) -> Vec<String> {
        let shown = |field: &&FieldJson| is_so(field) && !self.settings.hides(&[&field.id, &field.name]);
        self.all.iter().filter(shown).map(|field| field.id.clone()).collect()
    }

    /// The id of the one field of that name or id; none when it must not be stored.
    fn named(&self, name: &str) -> Result<Vec<String>, Failure> {
        let refused = |text: String| Err(Failure::config("jira.settings.field", text));
        if self.all.iter().any(|field| field.id == name) {
            return Ok(self.that(|field| field.id == name));
        }
        let named: Vec<_> = self.all.iter().filter(|field| field.name.eq_ignore_ascii_case(name)).collect();
        match named.as_slice() {
            [one] => Ok(self.that(|field| field.id == one.id)),
            [] => refused(format!("this Jira has no field `{name}`")),
            several => {
                let ids: Vec<_> = several.iter().map(|field| field.id.as_str()).collect();
                refused(format!("this Jira has several fields `{name}`; name one by its id: {}", ids.join(", ")))
            }
        }
    }
}

#[derive(Deserialize)]
struct StatusJson {
    id: String,
    #[serde(rename = "statusCategory")]
    category: Option<CategoryJson>,
}

#[derive(Deserialize)]
struct CategoryJson {
    key: Option<String>,
}

fn read_categories(run: &Run<Settings>, deployment: Deployment) -> Result<BTreeMap<String, String>, Failure> {
    let answer = accepted(run.get(format!("{}/status", deployment.api())).send_any()?)?;
    let statuses: Vec<StatusJson> = answer.json()?;
    Ok(statuses.into_iter().filter_map(|status| Some((status.id, status.category?.key?))).collect())
}
