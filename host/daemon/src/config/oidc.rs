//! `[access.oidc]`: a provider that knows people, and what they are here.

use serde::Deserialize;
use url::Url;

use super::{ConfigError, SecretSource};
use crate::access::Role;

/// `[access.oidc]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OidcConfig {
    /// Whom the provider says it is, to the letter: `https://login.example.com/realms/main`.
    pub issuer: String,
    /// What this host is called there.
    pub client_id: String,
    /// Secret of a confidential client; left out: a public one.
    pub client_secret: Option<SecretSource>,
    /// What people call the provider. Left out: its host.
    pub title: Option<String>,
    /// Whether a name that looks public may lead to a private address, as in most company networks with own names.
    #[serde(default)]
    pub private: bool,
    /// What is asked for besides `openid`.
    #[serde(default = "scopes")]
    pub scopes: Vec<String>,
    /// Claim that names people. Left out: `preferred_username`, else `email`.
    pub name_claim: Option<String>,
    /// Claim with the groups of a person; dots lead into objects: `realm_access.roles`.
    #[serde(default = "groups_claim")]
    pub groups_claim: String,
    /// What those of a group are here. The first that fits decides the role.
    #[serde(default)]
    pub map: Vec<OidcMap>,
    /// What those are here who are in none of the groups; left out: nobody.
    pub default_role: Option<Role>,
}

/// `[[access.oidc.map]]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OidcMap {
    /// Group, as the provider names it.
    pub group: String,
    /// What its people are here.
    pub role: Role,
    /// Names of teams they are limited to.
    #[serde(default)]
    pub teams: Vec<String>,
    /// Projects they are limited to.
    #[serde(default)]
    pub projects: Vec<String>,
}

fn scopes() -> Vec<String> {
    ["profile", "email"].map(str::to_owned).into()
}

fn groups_claim() -> String {
    "groups".to_owned()
}

impl OidcConfig {
    /// What people call the provider.
    pub fn shown_title(&self) -> String {
        let host = || Url::parse(&self.issuer).ok().and_then(|url| url.host_str().map(str::to_owned));
        self.title.clone().or_else(host).unwrap_or_default()
    }

    /// All that is asked for.
    pub fn scope(&self) -> String {
        let others = self.scopes.iter().map(String::as_str).filter(|scope| *scope != "openid");
        std::iter::once("openid").chain(others).collect::<Vec<_>>().join(" ")
    }

    pub(super) fn check(&self, public_url: Option<&str>) -> Result<(), ConfigError> {
        let wrong = |what: &str, hint: &str| {
            Err(ConfigError::Wrong { place: "`[access.oidc]`".to_owned(), what: what.into(), hint: hint.into() })
        };
        if public_url.is_none() {
            return wrong("does not know where people come back to", "write `public_url` into `[access]`");
        }
        if !is_issuer(&self.issuer) {
            return wrong(
                "has an `issuer` that is none",
                "write the https URL below which the provider has `/.well-known/openid-configuration`",
            );
        }
        if self.client_id.is_empty() {
            return wrong("has no `client_id`", "the provider gives one to each application");
        }
        if self.map.is_empty() && self.default_role.is_none() {
            return wrong("lets nobody in", "add `[[access.oidc.map]]` with `group` and `role`, or a `default_role`");
        }
        Ok(())
    }
}

/// An https URL without query and fragment; on this machine plain http will do.
fn is_issuer(text: &str) -> bool {
    let Ok(url) = Url::parse(text) else { return false };
    let plain = url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
    plain && url.has_host() && (url.scheme() == "https" || is_this_machine(&url))
}

/// Plain http that does not leave this machine.
pub(crate) fn is_this_machine(url: &Url) -> bool {
    url.scheme() == "http" && matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"))
}
