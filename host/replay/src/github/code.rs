//! Commits, branches, releases and tags.

use serde_json::{Value, json};

use super::people::web_flow;
use super::{Answer, Query, Shapes, node};
use crate::company::{CommitRef, PersonRef, Release};
use crate::time::iso;

impl Shapes<'_> {
    pub(super) fn answer_code(&self, rest: &[&str], query: &Query) -> Answer {
        match rest {
            ["commits"] => self.list_commits(query),
            ["commits", sha] => {
                let commit = self.repository.resolve(sha);
                commit.map_or_else(|| no_commit(sha), |at| Answer::One(self.commit_with_files(at)))
            }
            ["branches"] => {
                let main = ("main", self.repository.head());
                let others = self.repository.branches.iter().map(|(name, at)| (name.as_str(), *at));
                let branches: Vec<_> = [main].into_iter().chain(others).collect();
                query.list(&branches, |(name, at)| self.branch(name, *at))
            }
            ["branches", name @ ..] => {
                let name = name.join("/");
                let head = if name == "main" { Some(self.repository.head()) } else { None };
                let head = head.or_else(|| self.repository.branches.get(&name).copied());
                Answer::found(head.map(|at| self.branch(&name, at)))
            }
            ["releases"] => {
                let newest_first: Vec<_> = self.repository.releases.iter().rev().collect();
                query.list(&newest_first, |release| self.release(release))
            }
            ["tags"] => {
                let newest_first: Vec<_> = self.repository.releases.iter().rev().collect();
                query.list(&newest_first, |release| self.tag(release))
            }
            _ => Answer::not_found(),
        }
    }

    fn list_commits(&self, query: &Query) -> Answer {
        let start = query.get("sha").unwrap_or("main");
        let Some(head) = self.repository.resolve(start) else { return no_commit(start) };
        let (since, until) = (query.instant("since"), query.instant("until"));
        let mut commits = self.repository.reachable(head);
        commits.retain(|&at| {
            let at = self.repository.commit(at).committed_at;
            since.is_none_or(|since| at >= since) && until.is_none_or(|until| at <= until)
        });
        query.list(&commits, |&at| self.commit(at))
    }

    pub(super) fn commit(&self, at: CommitRef) -> Value {
        let commit = self.repository.commit(at);
        let sha = &commit.sha;
        let committer = commit.committer.map_or_else(|| web_flow(self.roots), |person| self.user(person));
        let parents: Vec<_> = commit.parents.iter().map(|&parent| self.parent(parent)).collect();
        json!({
            "sha": sha, "node_id": format!("C_kwDO{}", &sha[..20]),
            "commit": {
                "author": self.signature(Some(commit.author), commit.authored_at),
                "committer": self.signature(commit.committer, commit.committed_at),
                "message": commit.message,
                "tree": {"sha": commit.tree, "url": format!("{}/git/trees/{}", self.api, commit.tree)},
                "url": format!("{}/git/commits/{sha}", self.api), "comment_count": 0,
                "verification": {"verified": false, "reason": "unsigned", "signature": null, "payload": null, "verified_at": null},
            },
            "url": format!("{}/commits/{sha}", self.api), "html_url": format!("{}/commit/{sha}", self.html),
            "comments_url": format!("{}/commits/{sha}/comments", self.api),
            "author": self.user(commit.author), "committer": committer, "parents": parents,
        })
    }

    fn commit_with_files(&self, at: CommitRef) -> Value {
        let files = &self.repository.commit(at).files;
        let (added, deleted) = self.lines(&[at]);
        let mut commit = self.commit(at);
        commit["stats"] = json!({"total": added + deleted, "additions": added, "deletions": deleted});
        commit["files"] = files
            .iter()
            .map(|file| {
                json!({
                    "sha": self.repository.commit(at).tree, "filename": file.path, "status": "modified",
                    "additions": file.additions, "deletions": file.deletions,
                    "changes": file.additions + file.deletions,
                    "contents_url": format!("{}/contents/{}", self.api, file.path),
                })
            })
            .collect();
        commit
    }

    /// Lines added and deleted by `commits` together.
    pub(super) fn lines(&self, commits: &[CommitRef]) -> (i64, i64) {
        let files = commits.iter().flat_map(|&at| &self.repository.commit(at).files);
        files.fold((0, 0), |(added, deleted), file| (added + file.additions, deleted + file.deletions))
    }

    /// Name, address and date as git keeps them. None: the web page.
    pub(super) fn signature(&self, person: Option<PersonRef>, at: i64) -> Value {
        let person = person.map(|person| self.company.person(person));
        let (name, email) = person.map_or(("GitHub", "noreply@github.com"), |person| (&person.name, &person.email));
        json!({"name": name, "email": email, "date": iso(at)})
    }

    fn parent(&self, at: CommitRef) -> Value {
        let sha = &self.repository.commit(at).sha;
        json!({
            "sha": sha, "url": format!("{}/commits/{sha}", self.api), "html_url": format!("{}/commit/{sha}", self.html),
        })
    }

    fn branch(&self, name: &str, at: CommitRef) -> Value {
        let sha = &self.repository.commit(at).sha;
        json!({
            "name": name, "commit": {"sha": sha, "url": format!("{}/commits/{sha}", self.api)}, "protected": name == "main",
        })
    }

    pub(super) fn release(&self, release: &Release) -> Value {
        let Release { id, tag, author, at, body, .. } = release;
        json!({
            "url": format!("{}/releases/{id}", self.api), "assets_url": format!("{}/releases/{id}/assets", self.api),
            "upload_url": format!("{}/releases/{id}/assets{{?name,label}}", self.api),
            "html_url": format!("{}/releases/tag/{tag}", self.html), "id": id, "node_id": node("RE", *id),
            "author": self.user(*author), "tag_name": tag, "target_commitish": "main", "name": tag, "draft": false,
            "immutable": false, "prerelease": false, "created_at": iso(*at), "published_at": iso(*at), "assets": [],
            "tarball_url": format!("{}/tarball/{tag}", self.api), "zipball_url": format!("{}/zipball/{tag}", self.api),
            "body": body,
        })
    }

    fn tag(&self, release: &Release) -> Value {
        let (tag, sha) = (&release.tag, &self.repository.commit(release.commit).sha);
        json!({
            "name": tag, "commit": {"sha": sha, "url": format!("{}/commits/{sha}", self.api)},
            "zipball_url": format!("{}/zipball/refs/tags/{tag}", self.api),
            "tarball_url": format!("{}/tarball/refs/tags/{tag}", self.api), "node_id": node("REF", release.id),
        })
    }
}

fn no_commit(name: &str) -> Answer {
    Answer::Refused(422, format!("No commit found for SHA: {name}"))
}
