//! Users whom a provider vouches for. What they are here is what the provider says, at each log-in.
//!
//! Invariant: a user is bound to one person at one provider for good, and no log-in takes over a user that was made here.

use serde::{Deserialize, Serialize};

use super::{Limits, Role, User};
use crate::error::Fault;

/// A person at a provider. Names change and are given to others; this does not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The provider.
    pub issuer: String,
    /// Whom it means by this.
    pub subject: String,
}

/// What a provider says of somebody who logged in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Provided {
    pub(crate) identity: Identity,
    /// What they are called there.
    pub(crate) name: String,
    /// Name to show.
    pub(crate) title: Option<String>,
    /// What they are here; none: nothing.
    pub(crate) standing: Option<(Role, Limits)>,
}

/// Somebody is known and does not come in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotAdmitted {
    /// Their name cannot be one here.
    #[error("`{0}` is no name of a user")]
    Name(String),
    /// Somebody else has it.
    #[error("there is another user `{0}`; an administrator can remove it")]
    Taken(String),
    /// They may not log in for now.
    #[error("`{0}` is disabled")]
    Disabled(String),
    /// Nothing of what they are there counts here.
    #[error("`{0}` is in no group that this host knows")]
    NoStanding(String),
}

/// What becomes of users by a log-in.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Admission {
    /// A new user.
    Made(User),
    /// A user that is other than before.
    Changed(User),
    /// A user as they were.
    Known(User),
    /// Nobody comes in; sessions of this user end.
    Ended(User, NotAdmitted),
}

impl NotAdmitted {
    /// One word for the page.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::Name(_) => "name",
            Self::Taken(_) => "taken",
            Self::Disabled(_) => "disabled",
            Self::NoStanding(_) => "group",
        }
    }
}

/// Lets somebody in, given the users there are. The caller keeps what comes out.
pub(crate) fn admit(users: &[User], provided: Provided) -> Result<Admission, NotAdmitted> {
    let Provided { identity, name, title, standing } = provided;
    let known = users.iter().find(|user| user.identity.as_ref() == Some(&identity)).cloned();
    if let Some(user) = known.as_ref().filter(|user| user.disabled) {
        return Err(NotAdmitted::Disabled(user.name.clone()));
    }
    match (known, standing) {
        (None, None) => Err(NotAdmitted::NoStanding(name)),
        (None, Some((role, limits))) => {
            let mut user = User::new(&name, role).map_err(|_: Fault| NotAdmitted::Name(name))?;
            if users.iter().any(|other| other.name == user.name) {
                return Err(NotAdmitted::Taken(user.name));
            }
            (user.title, user.limits, user.identity) = (title, limits, Some(identity));
            Ok(Admission::Made(user))
        }
        (Some(mut user), None) => {
            user.epoch += 1;
            let denied = NotAdmitted::NoStanding(user.name.clone());
            Ok(Admission::Ended(user, denied))
        }
        (Some(mut user), Some((role, limits))) => {
            user.title = title.or(user.title.take());
            if (user.role, &user.limits) == (role, &limits) {
                return Ok(Admission::Known(user));
            }
            // Sessions are of what it was before.
            user.epoch += 1;
            (user.role, user.limits) = (role, limits);
            Ok(Admission::Changed(user))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use expect_test::{Expect, expect};
    use weir_model::DurationMs;

    use super::*;

    fn ana(subject: &str, name: &str, standing: Option<(Role, &[&str])>) -> Provided {
        let identity = Identity { issuer: "https://login.example.com".to_owned(), subject: subject.to_owned() };
        let standing = standing.map(|(role, teams)| {
            let teams: BTreeSet<String> = teams.iter().map(|team| (*team).to_owned()).collect();
            (role, Limits { teams, projects: BTreeSet::new() })
        });
        Provided { identity, name: name.to_owned(), title: None, standing }
    }

    fn made(provided: Provided) -> User {
        let Ok(Admission::Made(user)) = admit(&[], provided) else { panic!("nobody was made") };
        user
    }

    fn check(users: &[User], provided: Provided, expect: Expect) {
        let told = |what: &str, user: &User| {
            let User { name, role, limits, epoch, .. } = user;
            format!("{what} {name} {role:?} {:?} {epoch}", limits.teams)
        };
        expect.assert_eq(&match admit(users, provided) {
            Ok(Admission::Made(user)) => told("made", &user),
            Ok(Admission::Changed(user)) => told("changed", &user),
            Ok(Admission::Known(user)) => told("known", &user),
            Ok(Admission::Ended(user, denied)) => format!("{}: {denied}", told("ended", &user)),
            Err(denied) => denied.to_string(),
        });
    }

    #[test]
    fn a_log_in_makes_a_user_or_changes_theirs() {
        let viewer: Option<(Role, &[&str])> = Some((Role::Viewer, &[]));
        let lead: Option<(Role, &[&str])> = Some((Role::TeamLead, &["payments"]));
        let user = made(ana("1", "Ana", viewer));
        assert!(!user.has_password());
        let users = [user];
        check(&[], ana("1", "Ana", lead), expect![[r#"made ana TeamLead {"payments"} 0"#]]);
        check(&users, ana("1", "ana", viewer), expect!["known ana Viewer {} 0"]);
        check(&users, ana("1", "ana", lead), expect![[r#"changed ana TeamLead {"payments"} 1"#]]);
        // Who is called otherwise now is still the same.
        check(&users, ana("1", "ana.b", viewer), expect!["known ana Viewer {} 0"]);
        check(
            &users,
            ana("1", "ana", None),
            expect!["ended ana Viewer {} 1: `ana` is in no group that this host knows"],
        );
        check(&[], ana("1", "ana", None), expect!["`ana` is in no group that this host knows"]);
        check(&[], ana("1", "ana a", viewer), expect!["`ana a` is no name of a user"]);
    }

    #[test]
    fn nobody_is_taken_over() {
        let viewer: Option<(Role, &[&str])> = Some((Role::Viewer, &[]));
        let plain = User::new("ana", Role::Administrator).unwrap();
        let mut with_password = plain.clone();
        with_password.set_password("x".to_owned());
        let mut invited = plain.clone();
        invited.reset(DurationMs(1_000)).unwrap();
        let of_another = made(ana("2", "ana", viewer));
        for user in [plain, with_password, invited, of_another] {
            check(
                &[user],
                ana("1", "Ana", viewer),
                expect!["there is another user `ana`; an administrator can remove it"],
            );
        }
        let other_issuer = {
            let mut provided = ana("1", "ana", viewer);
            provided.identity.issuer = "https://elsewhere.example.com".to_owned();
            made(provided)
        };
        check(
            &[other_issuer],
            ana("1", "ana", viewer),
            expect!["there is another user `ana`; an administrator can remove it"],
        );
        let mut disabled = made(ana("1", "ana", viewer));
        disabled.disabled = true;
        check(&[disabled], ana("1", "ana", viewer), expect!["`ana` is disabled"]);
        // A password that an administrator set beside it changes nothing.
        let mut both = made(ana("1", "ana", viewer));
        both.set_password("x".to_owned());
        check(&[both], ana("1", "ana", viewer), expect!["known ana Viewer {} 1"]);
    }
}
