//! Who somebody is here, by what the provider says of them.

use std::collections::BTreeSet;

use serde_json::Value;

use super::Denied;
use super::token::{Claims, texts};
use crate::access::{Identity, Limits, Provided, Role};
use crate::config::{OidcConfig, OidcMap};

/// Longest name to show, in characters.
const TITLE_CHARS_MAX: usize = 200;

/// Whether something is not said that is needed to tell who it is.
pub(super) fn lacking(config: &OidcConfig, claims: &Claims) -> bool {
    name(config, claims).is_none() || (!config.map.is_empty() && at(claims, &config.groups_claim).is_none())
}

/// Adds what else the provider tells of the same person. What the ID token says stays.
pub(super) fn join(claims: &mut Claims, more: Claims) -> Result<(), Denied> {
    if more.get("sub") != claims.get("sub") {
        return Err(Denied::Provider("it tells of somebody else".to_owned()));
    }
    for (name, value) in more {
        claims.entry(name).or_insert(value);
    }
    Ok(())
}

/// Who it is.
pub(super) fn provided(config: &OidcConfig, claims: &Claims) -> Result<Provided, Denied> {
    let text = |claim: &str| claims.get(claim).and_then(Value::as_str);
    let subject = text("sub").unwrap_or_default().to_owned();
    let name = name(config, claims).ok_or(Denied::Name)?.to_owned();
    let title = text("name").map(|title| title.trim().chars().take(TITLE_CHARS_MAX).collect::<String>());
    let standing = standing(config, &texts(at(claims, &config.groups_claim)));
    let identity = Identity { issuer: config.issuer.clone(), subject };
    Ok(Provided { identity, name, title: title.filter(|title| !title.is_empty()), standing })
}

/// What somebody of these groups is. The first entry that fits decides the role; others of the same role add their
/// teams and projects, and one without any lifts all limits.
fn standing(config: &OidcConfig, groups: &[&str]) -> Option<(Role, Limits)> {
    let of = |entry: &&OidcMap| groups.contains(&entry.group.as_str());
    let Some(first) = config.map.iter().find(of) else {
        return config.default_role.map(|role| (role, Limits::default()));
    };
    let same: Vec<&OidcMap> = config.map.iter().filter(of).filter(|entry| entry.role == first.role).collect();
    if same.iter().any(|entry| entry.teams.is_empty() && entry.projects.is_empty()) {
        return Some((first.role, Limits::default()));
    }
    let all = |of: fn(&OidcMap) -> &Vec<String>| -> BTreeSet<String> {
        same.iter().flat_map(|entry| of(entry)).cloned().collect()
    };
    Some((first.role, Limits { teams: all(|entry| &entry.teams), projects: all(|entry| &entry.projects) }))
}

/// An e-mail address names somebody only when the provider has verified it.
fn name<'c>(config: &OidcConfig, claims: &'c Claims) -> Option<&'c str> {
    let verified = || matches!(claims.get("email_verified"), Some(Value::Bool(true)));
    let text = |claim: &str| {
        let found = at(claims, claim).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty());
        found.filter(|_| claim != "email" || verified())
    };
    match &config.name_claim {
        Some(claim) => text(claim),
        None => text("preferred_username").or_else(|| text("email")),
    }
}

/// A claim by its name, or by the names on the way to it.
fn at<'c>(claims: &'c Claims, path: &str) -> Option<&'c Value> {
    if let Some(value) = claims.get(path) {
        return Some(value);
    }
    let (first, rest) = path.split_once('.')?;
    rest.split('.').try_fold(claims.get(first)?, |value, name| value.get(name))
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};
    use serde_json::json;

    use super::*;
    use crate::config::Config;

    fn config(more: &str) -> OidcConfig {
        let head = "[access]\npublic_url = \"https://weir.example.com\"\n[access.oidc]\nissuer = \"https://login.example.com\"\nclient_id = \"weir\"\n";
        Config::parse(&format!("{head}{more}"), "weir.toml").unwrap().access.oidc.unwrap()
    }

    fn check(config: &OidcConfig, claims: &[Value], expect: Expect) {
        let line = |claims: &Value| {
            let mut claims = claims.as_object().unwrap().clone();
            claims.insert("sub".to_owned(), json!("1"));
            match provided(config, &claims) {
                Err(denied) => format!("{denied}\n"),
                Ok(Provided { name, title, standing, .. }) => {
                    let standing = standing.map_or_else(
                        || "nobody".to_owned(),
                        |(role, limits)| format!("{role:?} {:?} {:?}", limits.teams, limits.projects),
                    );
                    format!("{name} ({}): {standing}\n", title.unwrap_or_default())
                }
            }
        };
        expect.assert_eq(&claims.iter().map(line).collect::<String>());
    }

    #[test]
    fn people_are_named_by_what_cannot_be_made_up() {
        let claims = [
            json!({ "preferred_username": "ana", "name": " Ana A. ", "email": "ana@example.com" }),
            json!({ "email": "ana@example.com", "email_verified": true }),
            json!({ "email": "ana@example.com", "email_verified": false }),
            json!({ "email": "ana@example.com", "email_verified": "true" }),
            json!({ "email": "ana@example.com" }),
            json!({ "preferred_username": " ", "nickname": "ana" }),
        ];
        check(
            &config("default_role = \"viewer\"\n"),
            &claims,
            expect![[r"
                ana (Ana A.): Viewer {} {}
                ana@example.com (): Viewer {} {}
                the provider tells no name that can be one here
                the provider tells no name that can be one here
                the provider tells no name that can be one here
                the provider tells no name that can be one here
            "]],
        );
        check(
            &config("default_role = \"viewer\"\nname_claim = \"nickname\"\n"),
            &[json!({ "preferred_username": "ana", "nickname": "annie" }), json!({ "preferred_username": "ana" })],
            expect![[r"
                annie (): Viewer {} {}
                the provider tells no name that can be one here
            "]],
        );
    }

    #[test]
    fn groups_decide_what_somebody_is() {
        let map = r#"
groups_claim = "realm_access.roles"
[[access.oidc.map]]
group = "weir-admins"
role = "administrator"
[[access.oidc.map]]
group = "payments"
role = "team-lead"
teams = ["payments"]
[[access.oidc.map]]
group = "shop"
role = "team-lead"
projects = ["acme/shop"]
[[access.oidc.map]]
group = "all"
role = "team-lead"
[[access.oidc.map]]
group = "guests"
role = "viewer"
teams = ["open"]
"#;
        let of = |groups: Value| json!({ "preferred_username": "ana", "realm_access": { "roles": groups } });
        let flat =
            json!({ "preferred_username": "ana", "realm_access.roles": ["payments"], "groups": ["weir-admins"] });
        let claims = [
            of(json!(["guests", "weir-admins"])),
            of(json!(["payments"])),
            of(json!("payments")),
            of(json!(["guests", "shop", "payments"])),
            of(json!(["payments", "all"])),
            of(json!(["Payments", "payments-2", 7, null])),
            of(json!({ "payments": true })),
            flat,
        ];
        check(
            &config(map),
            &claims,
            expect![[r#"
                ana (): Administrator {} {}
                ana (): TeamLead {"payments"} {}
                ana (): TeamLead {"payments"} {}
                ana (): TeamLead {"payments"} {"acme/shop"}
                ana (): TeamLead {} {}
                ana (): nobody
                ana (): nobody
                ana (): TeamLead {"payments"} {}
            "#]],
        );
    }

    #[test]
    fn more_is_told_of_the_same_person_alone() {
        let object = |value: Value| value.as_object().unwrap().clone();
        let mut claims = object(json!({ "sub": "1", "name": "Ana" }));
        join(&mut claims, object(json!({ "sub": "1", "name": "Eve", "groups": ["a"] }))).unwrap();
        assert_eq!(Value::from(claims.clone()), json!({ "sub": "1", "name": "Ana", "groups": ["a"] }));
        for other in [json!({ "sub": "2", "groups": ["b"] }), json!({ "groups": ["b"] })] {
            assert!(join(&mut claims, object(other)).is_err());
        }
    }
}
