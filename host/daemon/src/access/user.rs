//! People who log in.

use argon2::Argon2;
use argon2::password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weir_model::{DurationMs, Timestamp};
use weir_store::Put;

use super::{Identity, Limits, Role};
use crate::account::Account;
use crate::error::Fault;
use crate::hex::{random, random_hex, sha256};
use crate::{clock, state_keys};

/// Shortest password, in characters.
const PASSWORD_CHARS_MIN: usize = 12;
/// Longest password, in characters: more would only cost time.
const PASSWORD_CHARS_MAX: usize = 256;
/// Longest name, in characters.
const NAME_CHARS_MAX: usize = 64;

/// Somebody who may log in, as they are kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// Unique name, in lower case.
    pub name: String,
    /// Name to show.
    pub title: Option<String>,
    /// What they are here.
    pub role: Role,
    /// What they may see.
    #[serde(flatten)]
    pub limits: Limits,
    /// Whether they may not log in for now.
    pub disabled: bool,
    /// When they were made.
    pub created_at: Timestamp,
    /// When they last logged in.
    pub last_login_at: Option<Timestamp>,
    /// Sessions of an earlier one have ended.
    pub(super) epoch: u64,
    /// Who they are at a provider; none: they were made here.
    #[serde(default)]
    pub(super) identity: Option<Identity>,
    password: Option<String>,
    link: Option<Link>,
}

/// A link by which somebody sets a password, once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Link {
    hash: String,
    /// When it ends.
    pub(crate) expires_at: Timestamp,
}

/// A user as others are told of them.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct UserAnswer {
    name: String,
    title: Option<String>,
    role: Role,
    #[serde(flatten)]
    limits: Limits,
    disabled: bool,
    password: bool,
    /// Provider that says what they are here.
    issuer: Option<String>,
    created_at: Timestamp,
    last_login_at: Option<Timestamp>,
}

/// What is to be different about a user.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct UserChange {
    /// Name to show.
    pub title: Option<String>,
    /// What they are here.
    pub role: Option<Role>,
    /// Names of teams they are limited to.
    pub teams: Option<std::collections::BTreeSet<String>>,
    /// Projects they are limited to.
    pub projects: Option<std::collections::BTreeSet<String>>,
    /// Whether they may not log in.
    pub disabled: Option<bool>,
}

impl Link {
    /// A link that ends after some time, and its text.
    pub(crate) fn new(lasts: DurationMs) -> Result<(Self, String), Fault> {
        let text = random_hex::<32>()?;
        Ok((Self { hash: sha256(&text), expires_at: clock::now().plus(lasts) }, text))
    }

    /// Whether a text is that of the link, and in time.
    pub(crate) fn is(&self, text: &str) -> bool {
        // Both are hashes of random secrets: comparing them tells nothing about either, even when it stops early.
        self.hash == sha256(text) && clock::now() < self.expires_at
    }
}

impl User {
    /// A user who cannot log in yet.
    pub(crate) fn new(name: &str, role: Role) -> Result<Self, Fault> {
        let name = name.trim().to_lowercase();
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '@' | '+');
        if name.is_empty() || name.chars().count() > NAME_CHARS_MAX || !name.chars().all(fits) {
            return Err(Fault::config(format!("`{name}` is no name of a user"))
                .hint(format!("up to {NAME_CHARS_MAX} letters, digits and . _ - @ +")));
        }
        Ok(Self {
            name,
            title: None,
            role,
            limits: Limits::default(),
            disabled: false,
            created_at: clock::now(),
            last_login_at: None,
            epoch: 0,
            identity: None,
            password: None,
            link: None,
        })
    }

    /// Changes what is asked for. Sessions end, for they are of what it was before.
    pub(crate) fn change(&mut self, change: UserChange) {
        let UserChange { title, role, teams, projects, disabled } = change;
        self.title = title.or(self.title.take());
        self.role = role.unwrap_or(self.role);
        self.limits.teams = teams.unwrap_or(std::mem::take(&mut self.limits.teams));
        self.limits.projects = projects.unwrap_or(std::mem::take(&mut self.limits.projects));
        self.disabled = disabled.unwrap_or(self.disabled);
        self.epoch += 1;
    }

    /// Sets the password. Sessions and a link end.
    pub(crate) fn set_password(&mut self, hashed: String) {
        self.password = Some(hashed);
        self.link = None;
        self.epoch += 1;
    }

    /// Takes the password away and gives the text of a link by which another one is set.
    pub(crate) fn reset(&mut self, lasts: DurationMs) -> Result<String, Fault> {
        let (link, text) = Link::new(lasts)?;
        self.password = None;
        self.link = Some(link);
        self.epoch += 1;
        Ok(text)
    }

    /// The link by which they set a password, when the text is its.
    pub(crate) fn link(&self, text: &str) -> Option<&Link> {
        self.link.as_ref().filter(|link| link.is(text))
    }

    /// Whether they have a password.
    pub(crate) fn has_password(&self) -> bool {
        self.password.is_some()
    }

    /// What keeps them.
    pub(crate) fn put(&self) -> Put {
        let value = serde_json::to_vec(self).expect("a user is JSON");
        Put { key: state_keys::user(&self.name), value: Some(value) }
    }

    /// As others are told.
    pub fn shown(&self) -> UserAnswer {
        UserAnswer {
            name: self.name.clone(),
            title: self.title.clone(),
            role: self.role,
            limits: self.limits.clone(),
            disabled: self.disabled,
            password: self.has_password(),
            issuer: self.identity.as_ref().map(|identity| identity.issuer.clone()),
            created_at: self.created_at,
            last_login_at: self.last_login_at,
        }
    }
}

/// The users there are, by name.
pub fn list_users(account: &Account) -> Result<Vec<User>, Fault> {
    let users = account.log.state_under(&state_keys::users()).map_err(Fault::from_log)?;
    Ok(users.into_iter().filter_map(|(_, value)| serde_json::from_slice(&value).ok()).collect())
}

/// The user called `name`.
pub(crate) fn find_user(account: &Account, name: &str) -> Result<Option<User>, Fault> {
    let stored = account.log.state(&state_keys::user(&name.trim().to_lowercase())).map_err(Fault::from_log)?;
    Ok(stored.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
}

/// Whether somebody could still administer when `name` no longer does.
pub(crate) fn is_last_administrator(account: &Account, name: &str) -> Result<bool, Fault> {
    let administers = |user: &User| user.role == Role::Administrator && !user.disabled;
    let (own, others): (Vec<_>, Vec<_>) =
        list_users(account)?.into_iter().filter(administers).partition(|user| user.name == name);
    Ok(!own.is_empty() && others.is_empty())
}

/// Checks that a password is long enough.
pub(crate) fn check_password(password: &str) -> Result<(), Fault> {
    let n = password.chars().count();
    if (PASSWORD_CHARS_MIN..=PASSWORD_CHARS_MAX).contains(&n) {
        return Ok(());
    }
    Err(Fault::config(format!("a password has from {PASSWORD_CHARS_MIN} to {PASSWORD_CHARS_MAX} characters"))
        .hint("several words are easier to keep in mind than signs"))
}

/// The Argon2id hash of a password. Takes tens of milliseconds and 19 MiB.
pub(crate) fn hashed(password: &str) -> Result<String, Fault> {
    let failed = |error| Fault::host(format!("cannot hash a password: {error}"));
    let salt = SaltString::encode_b64(&random::<16>()?).map_err(failed)?;
    let hash = Argon2::default().hash_password(password.as_bytes(), &salt);
    hash.map(|hash| hash.to_string()).map_err(failed)
}

/// Hash of a password that nobody has: who is unknown takes as long to refuse as who is known.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRmb3Jub2JvZHk$GO7wKCoCvVFPJVzZ5Mlpf3iyfHpSFuOy4ZmIGIf6pCY";

/// Whether it is the password of a user. Takes the same time when there is no such user.
pub(crate) fn verified(user: Option<&User>, password: &str) -> bool {
    let known = user.and_then(|user| user.password.as_deref());
    let password = if password.chars().count() > PASSWORD_CHARS_MAX { "" } else { password };
    let matches = PasswordHash::new(known.unwrap_or(NOBODY))
        .is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok());
    matches && known.is_some() && user.is_some_and(|user| !user.disabled)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_of_its_user_alone() {
        let mut user = User::new("Ana", Role::Viewer).unwrap();
        assert_eq!(user.name, "ana");
        assert!(!verified(Some(&user), ""));
        user.set_password(hashed("correct horse battery").unwrap());
        assert!(verified(Some(&user), "correct horse battery"));
        assert!(!verified(Some(&user), "correct horse batterz"));
        assert!(!verified(None, "correct horse battery"));
        user.disabled = true;
        assert!(!verified(Some(&user), "correct horse battery"));
        assert!(PasswordHash::new(NOBODY).is_ok());
    }

    #[test]
    fn a_reset_ends_password_and_sessions() {
        let mut user = User::new("ana", Role::Viewer).unwrap();
        user.set_password("x".to_owned());
        let before = user.epoch;
        let text = user.reset(DurationMs(1_000)).unwrap();
        assert!(!user.has_password() && user.epoch > before);
        assert!(user.link(&text).is_some() && user.link("other").is_none());
        let old = user.reset(DurationMs(0)).unwrap();
        assert!(user.link(&old).is_none());
    }
}
