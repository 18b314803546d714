//! What a deployment brought, by the commit graph, and which deployments first brought a commit.

use std::collections::BTreeSet;

use weir_model::entity::{Change, Deployment, DeploymentKind};
use weir_model::metric::Link;
use weir_model::{Entity, EntityId, EntityKind, ObjectId, Timestamp};
use weir_stages::correlate::{Known, Name, RULES, Rollout, commit_name};
use weir_stages::facets;
use weir_stages::normalise::repository_name;

use super::{Around, Finder};
use crate::error::Fault;

/// Most commits of one deployment that are listed.
const COMMITS_MAX: usize = 500;
/// Most deployments of a repository that are looked at for one commit.
const DEPLOYMENTS_MAX: usize = 1_000;
/// Clocks of authors may be this much ahead of those of deployments.
const CLOCKS_MS: i64 = 86_400_000;

/// Adds what a deployment brought, or the deployments that brought a commit or change.
pub(super) fn add(finder: &Finder<'_>, known: &Known, around: &mut Around) -> Result<(), Fault> {
    match &known.1 {
        Entity::Deployment(deployment) => of_deployment(finder, &known.0, deployment, around),
        Entity::Commit(commit) => {
            let Some(sha) = ObjectId::new(&known.0.key) else { return Ok(()) };
            let repositories = commit.repositories.iter().map(|it| repository_name(it.text())).collect();
            let since = [commit.authored_at, commit.committed_at].into_iter().flatten().min();
            of_commit(finder, &known.0, &sha, repositories, since, around)
        }
        Entity::Change(change) => {
            let Some(sha) = delivering(change) else { return Ok(()) };
            let repositories = change.repository.iter().map(|it| repository_name(it.text())).collect();
            of_commit(finder, &known.0, sha, repositories, change.merged_at, around)
        }
        _ => Ok(()),
    }
}

/// The commit whose deployment is that of the change.
pub(super) fn delivering(change: &Change) -> Option<&ObjectId> {
    change.merged_at.and(change.merge_commit.as_ref().or(change.head_commit.as_ref()))
}

fn of_deployment(
    finder: &Finder<'_>,
    id: &EntityId,
    deployment: &Deployment,
    around: &mut Around,
) -> Result<(), Fault> {
    let Some(before) = previous(finder, id, deployment)? else { return Ok(()) };
    let is_rollback = deployment.kind == Some(DeploymentKind::Rollback);
    let (kind, heads, exclude) = if is_rollback {
        ("undeploys", &before.commits, &deployment.commits)
    } else {
        ("delivers", &deployment.commits, &before.commits)
    };
    let exclude: Vec<&ObjectId> = exclude.iter().collect();
    let mut commits = BTreeSet::new();
    for head in heads {
        commits.extend(finder.graph.range(head, &exclude).commits);
    }
    around.truncated |= commits.len() > COMMITS_MAX;
    for sha in commits.iter().take(COMMITS_MAX) {
        let Name::Entity(commit) = commit_name(sha) else { continue };
        around.links.push(Link::new(id, &commit, kind, "range", 1.0, RULES));
        for (change, entity) in finder.lookup("change>commit", &commit.to_string())? {
            if matches!(&entity, Entity::Change(it) if delivering(it) == Some(sha)) {
                around.links.push(Link::new(id, &change, kind, "merge-commit", 1.0, RULES));
            }
        }
    }
    Ok(())
}

/// The last successful deployment to the same target before this one.
fn previous(finder: &Finder<'_>, id: &EntityId, deployment: &Deployment) -> Result<Option<Rollout>, Fault> {
    let (Some(target), Some(this)) = (facets::target(deployment), Rollout::new(id.clone(), deployment)) else {
        return Ok(None);
    };
    let orders = i64::MIN..=this.finished_at.ms();
    let rows = finder.reader.lookup("deployments", &target, orders, true, DEPLOYMENTS_MAX);
    let rollouts = rows.map_err(Fault::from_derived)?.into_iter().filter_map(|row| match row.entity? {
        Entity::Deployment(it) => Rollout::new(row.id, &it),
        _ => None,
    });
    let before = rollouts.filter(|other| other.order() < this.order() && !other.commits.is_empty());
    Ok(before.max_by(|a, b| a.order().cmp(&b.order())))
}

/// For each target of the repositories the first deployment that has the commit.
fn of_commit(
    finder: &Finder<'_>,
    id: &EntityId,
    sha: &ObjectId,
    repositories: Vec<String>,
    since: Option<Timestamp>,
    around: &mut Around,
) -> Result<(), Fault> {
    let since = since.map_or(i64::MIN, |since| since.ms().saturating_sub(CLOCKS_MS));
    for repository in repositories {
        let rows =
            finder.reader.lookup("deployed", &repository.to_lowercase(), since..=i64::MAX, false, DEPLOYMENTS_MAX);
        let rows = rows.map_err(Fault::from_derived)?;
        around.truncated |= rows.len() == DEPLOYMENTS_MAX;
        let mut reached: BTreeSet<String> = BTreeSet::new();
        for row in rows {
            let Some(Entity::Deployment(deployment)) = &row.entity else { continue };
            let Some(target) = facets::target(deployment).filter(|target| !reached.contains(target)) else { continue };
            let Some(rollout) = Rollout::new(row.id.clone(), deployment) else { continue };
            if rollout.has(sha, finder.graph) {
                let rule = if id.kind == EntityKind::Change { "merge-commit" } else { "range" };
                let has_base = previous(finder, &row.id, deployment)?.is_some();
                let (reason, confidence) = if has_base { (rule, 1.0) } else { ("no-base", 0.5) };
                around.links.push(Link::new(&row.id, id, "delivers", reason, confidence, RULES));
                reached.insert(target);
            }
        }
    }
    Ok(())
}

/// Whether a change reached an environment whose deployments count.
pub(super) fn is_delivered(finder: &Finder<'_>, known: &Known) -> Result<bool, Fault> {
    let mut around = Around::default();
    add(finder, known, &mut around)?;
    for link in around.links {
        if link.from.kind == EntityKind::Deployment
            && let Some((id, Entity::Deployment(deployment))) = finder.known(&link.from)?
            && weir_stages::aggregate::is_counted(&id, &deployment, finder.context)
        {
            return Ok(true);
        }
    }
    Ok(false)
}
