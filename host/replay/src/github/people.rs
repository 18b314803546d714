//! Users, the organisation and repositories.

use serde_json::{Value, json};

use super::{Answer, Query, Roots, Shapes, node};
use crate::company::{Company, Person, PersonRef};
use crate::time::iso;

/// Who writes merge commits on the web page.
pub(super) const WEB_FLOW: &str = "web-flow";

pub(super) fn me(company: &Company, roots: &Roots) -> Value {
    let mut me = user(roots, "weir-demo", 990_001, "User");
    me["name"] = json!("Demo reader");
    me["company"] = json!(company.organisation());
    me
}

pub(super) fn user_by_login(company: &Company, roots: &Roots, login: &str) -> Option<Value> {
    let person = company.people.iter().find(|person| person.login == login)?;
    let mut user = account(roots, person);
    user["name"] = json!(person.name);
    user["email"] = json!(person.email);
    user["company"] = json!(company.organisation());
    Some(user)
}

pub(super) fn repositories(company: &Company, roots: &Roots, query: &Query) -> Answer {
    query.list(&company.repositories, |repository| Shapes::new(company, repository, roots).repository())
}

pub(super) fn web_flow(roots: &Roots) -> Value {
    user(roots, WEB_FLOW, 19_864_447, "User")
}

fn account(roots: &Roots, person: &Person) -> Value {
    user(roots, &person.login, person.id, if person.bot { "Bot" } else { "User" })
}

fn user(roots: &Roots, login: &str, id: u64, kind: &str) -> Value {
    let path = login.replace('[', "%5B").replace(']', "%5D");
    let url = format!("{}/users/{path}", roots.api);
    json!({
        "login": login, "id": id, "node_id": node("U", id),
        "avatar_url": format!("{}/avatars/u/{id}?v=4", roots.html), "gravatar_id": "",
        "url": url, "html_url": format!("{}/{path}", roots.html),
        "followers_url": format!("{url}/followers"), "following_url": format!("{url}/following{{/other_user}}"),
        "gists_url": format!("{url}/gists{{/gist_id}}"), "starred_url": format!("{url}/starred{{/owner}}{{/repo}}"),
        "subscriptions_url": format!("{url}/subscriptions"), "organizations_url": format!("{url}/orgs"),
        "repos_url": format!("{url}/repos"), "events_url": format!("{url}/events{{/privacy}}"),
        "received_events_url": format!("{url}/received_events"),
        "type": kind, "user_view_type": "public", "site_admin": false,
    })
}

impl Shapes<'_> {
    pub(super) fn user(&self, person: PersonRef) -> Value {
        account(self.roots, self.company.person(person))
    }

    pub(super) fn owner(&self) -> Value {
        user(self.roots, self.company.organisation(), 7_340_112, "Organization")
    }

    pub(super) fn repository(&self) -> Value {
        let mut repository = self.minimal_repository();
        let (html, there) = (&self.html, self.repository);
        let head = there.commit(there.head()).committed_at;
        repository["default_branch"] = json!("main");
        repository["language"] = json!(there.profile.language);
        repository["created_at"] = json!(iso(there.created_at));
        repository["updated_at"] = json!(iso(head));
        repository["pushed_at"] = json!(iso(head));
        repository["clone_url"] = json!(format!("{html}.git"));
        repository["ssh_url"] = json!(format!("git@{}.git", html.trim_start_matches("https://").replacen('/', ":", 1)));
        repository["archived"] = json!(false);
        repository["disabled"] = json!(false);
        repository["visibility"] = json!("private");
        repository["topics"] = json!([there.profile.team]);
        repository["has_issues"] = json!(true);
        repository["allow_squash_merge"] = json!(true);
        repository["open_issues_count"] = json!(there.open_count());
        repository["size"] = json!(there.commits.len() * 11);
        repository["stargazers_count"] = json!(0);
        repository["forks_count"] = json!(0);
        repository
    }

    /// The short form that other objects embed.
    pub(super) fn minimal_repository(&self) -> Value {
        let (api, there) = (&self.api, self.repository);
        json!({
            "id": there.id, "node_id": node("R", there.id), "name": there.profile.name,
            "full_name": self.company.full_name(there), "private": true, "owner": self.owner(),
            "html_url": self.html, "description": there.profile.description, "fork": false, "url": api,
            "branches_url": format!("{api}/branches{{/branch}}"), "commits_url": format!("{api}/commits{{/sha}}"),
            "compare_url": format!("{api}/compare/{{base}}...{{head}}"), "contributors_url": format!("{api}/contributors"),
            "deployments_url": format!("{api}/deployments"), "events_url": format!("{api}/events"),
            "hooks_url": format!("{api}/hooks"), "issues_url": format!("{api}/issues{{/number}}"),
            "issue_comment_url": format!("{api}/issues/comments{{/number}}"),
            "pulls_url": format!("{api}/pulls{{/number}}"), "releases_url": format!("{api}/releases{{/id}}"),
            "statuses_url": format!("{api}/statuses/{{sha}}"), "tags_url": format!("{api}/tags"),
        })
    }
}
