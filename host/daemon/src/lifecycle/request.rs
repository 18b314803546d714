//! A decommissioning as it goes: requested, confirmed, scheduled, then step by step to its end. Pure.
//!
//! It can be held and taken back until erasing begins; from there it only goes on.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;
use weir_model::{AccountId, DurationMs, Timestamp};

use super::contact::Confirmation;
use super::counts::Inventory;
use super::erasure::Copies;
use super::scan::Scan;
use crate::error::Fault;

/// Time until it is carried out, unless asked otherwise.
const WINDOW: DurationMs = DurationMs(30 * 86_400_000);

/// How far a decommissioning is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(rename = "DecommissionState")]
pub enum State {
    /// Asked for; waits for somebody else to confirm it.
    Requested,
    /// Confirmed by somebody who may.
    Validated,
    /// Waits for its time.
    Scheduled,
    /// Waits for a hold to be lifted.
    Held,
    /// Nothing is taken in, answered or sent any more.
    Disabled,
    /// Keys and files go.
    Erasing,
    /// What is left is searched.
    Verifying,
    /// Proven by a receipt.
    Completed,
    /// Taken back.
    Cancelled,
}

impl State {
    /// Whether it has begun: the account is not served any more.
    pub fn has_begun(self) -> bool {
        matches!(self, Self::Disabled | Self::Erasing | Self::Verifying | Self::Completed)
    }

    /// Whether there is work left that needs nobody.
    pub fn is_under_way(self) -> bool {
        self.has_begun() && self != Self::Completed
    }
}

/// What is asked for.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    /// The sentence of [`statement`], typed.
    pub statement: String,
    /// The projects of the account as the one who asks knows them; none: not stated.
    #[serde(default)]
    pub projects: Vec<String>,
    /// When it is to be carried out, an instant or a day; in 30 days when left out.
    pub at: Option<String>,
    /// Who is told and can be asked.
    pub contact: String,
    /// Why.
    pub reason: Option<String>,
    /// Texts that must not be found afterwards.
    #[serde(default)]
    pub markers: Vec<String>,
}

/// Something was done by somebody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Act {
    /// When.
    pub at: Timestamp,
    /// By whom.
    pub by: String,
}

/// A step that was done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "DecommissionStep")]
pub struct Step {
    /// What it led to.
    pub state: State,
    /// When.
    pub at: Timestamp,
}

/// Who confirms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Confirmer {
    /// Somebody with credentials of his own.
    Person(String),
    /// Whoever has the owner key.
    Owner,
}

impl Confirmer {
    /// Who it is, if they may confirm what was asked for.
    pub(super) fn of(self, requested: &Act) -> Result<String, Refused> {
        match self {
            Self::Owner => Ok("owner key".to_owned()),
            Self::Person(person) if person == requested.by => refused(
                format!("{person} has asked for it and cannot confirm it"),
                "somebody else confirms it, or the owner key (`weir decommission owner-key` makes one)",
            ),
            Self::Person(person) => Ok(person),
        }
    }
}

impl From<Refused> for Fault {
    fn from(refused: Refused) -> Self {
        Self::config(refused.what).hint(refused.hint)
    }
}

/// What may not be done, and what to do instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct Refused {
    /// What.
    pub what: String,
    /// What to do.
    pub hint: String,
}

/// One decommissioning, as it is kept in its file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Decommission {
    /// Its id.
    pub id: Uuid,
    /// What is to go.
    pub account: AccountId,
    /// How far it is.
    pub state: State,
    /// Who asked.
    pub requested: Act,
    /// Who confirmed.
    pub confirmed: Option<Act>,
    /// When it is carried out.
    pub due: Timestamp,
    /// What was typed, verbatim.
    pub statement: String,
    /// Who is told.
    pub contact: String,
    /// Why.
    pub reason: Option<String>,
    /// Projects as they were stated.
    pub projects: Vec<String>,
    /// What has led here.
    pub steps: Vec<Step>,
    /// What was there when it was asked for; when it was carried out since then.
    pub inventory: Inventory,
    /// What it waits for, beside time.
    pub waiting_for: Option<String>,
    /// Why it does not go on.
    pub error: Option<String>,
    /// When the key was destroyed.
    #[serde(default)]
    pub keys_destroyed_at: Option<Timestamp>,
    /// Whether the contact was told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirmation: Option<Confirmation>,
    /// What centrals have of the account.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub copies: Vec<Copies>,
    /// What the last search found.
    #[serde(default)]
    pub scan: Option<Scan>,
    /// Texts that must not be found. Dropped at the end: the receipt has their digests.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub markers: Vec<String>,
}

/// The sentence to type.
pub fn statement(account: &AccountId) -> String {
    format!("I confirm that all data of the account {account} is to be erased, and that this cannot be undone.")
}

impl Decommission {
    /// Asks for it.
    pub fn request(
        id: Uuid,
        account: AccountId,
        asked: Asked,
        requested: Act,
        inventory: Inventory,
    ) -> Result<Self, Refused> {
        let expected = statement(&account);
        if asked.statement.trim() != expected {
            return refused("the statement is not the sentence to type", format!("type: {expected}"));
        }
        if asked.contact.trim().is_empty() {
            return refused("no contact is named", "say who is to be told");
        }
        let unstated = inventory.projects.iter().filter(|known| !asked.projects.contains(known));
        let unstated: Vec<&str> = unstated.map(String::as_str).collect();
        if !asked.projects.is_empty() && !unstated.is_empty() {
            return refused(
                format!("the account has projects that are not stated: {}", unstated.join(", ")),
                "a decommissioning takes all of an account; state every project, or none",
            );
        }
        let due = match &asked.at {
            None => requested.at.plus(WINDOW),
            Some(at) => instant(at).ok_or_else(|| Refused {
                what: format!("`{at}` is no day or instant"),
                hint: "write 2026-12-21 or 2026-12-21T18:00:00Z".to_owned(),
            })?,
        };
        let steps = vec![Step { state: State::Requested, at: requested.at }];
        Ok(Self {
            id,
            account,
            state: State::Requested,
            requested,
            confirmed: None,
            due,
            statement: asked.statement.trim().to_owned(),
            contact: asked.contact.trim().to_owned(),
            reason: asked.reason,
            projects: asked.projects,
            steps,
            inventory,
            waiting_for: Some("somebody else to confirm it".to_owned()),
            error: None,
            keys_destroyed_at: None,
            confirmation: None,
            copies: Vec::new(),
            scan: None,
            markers: asked.markers.into_iter().filter(|marker| !marker.is_empty()).collect(),
        })
    }

    /// Confirms it: somebody else than who asked, or whoever has the owner key.
    pub fn confirm(&mut self, by: Confirmer, at: Timestamp) -> Result<(), Refused> {
        self.must_be(&[State::Requested], "confirmed")?;
        let by = by.of(&self.requested)?;
        self.confirmed = Some(Act { at, by });
        self.waiting_for = None;
        self.step(State::Validated, at);
        self.step(State::Scheduled, at);
        Ok(())
    }

    /// Takes it back.
    pub fn cancel(&mut self, at: Timestamp) -> Result<(), Refused> {
        self.must_be(&[State::Requested, State::Scheduled, State::Held], "taken back")?;
        self.waiting_for = None;
        self.step(State::Cancelled, at);
        Ok(())
    }

    /// Holds it, for a reason that wins over it.
    pub fn hold(&mut self, reason: &str, at: Timestamp) -> Result<(), Refused> {
        self.must_be(&[State::Scheduled], "held")?;
        self.waiting_for = Some(format!("a hold to be lifted: {reason}"));
        self.step(State::Held, at);
        Ok(())
    }

    /// Lifts the hold.
    pub fn release(&mut self, at: Timestamp) -> Result<(), Refused> {
        self.must_be(&[State::Held], "released")?;
        self.waiting_for = None;
        self.step(State::Scheduled, at);
        Ok(())
    }

    /// Whether it is to begin.
    pub fn is_due(&self, now: Timestamp) -> bool {
        self.state == State::Scheduled && self.due <= now
    }

    /// Notes that a step was done.
    pub fn step(&mut self, state: State, at: Timestamp) {
        self.state = state;
        self.error = None;
        self.steps.push(Step { state, at });
    }

    fn must_be(&self, states: &[State], what: &str) -> Result<(), Refused> {
        if states.contains(&self.state) {
            return Ok(());
        }
        let state = serde_json::to_value(self.state).unwrap_or_default();
        let state = state.as_str().unwrap_or_default();
        refused(format!("it is {state} and cannot be {what}"), "`weir decommission status` tells how far it is")
    }
}

fn refused<T>(what: impl Into<String>, hint: impl Into<String>) -> Result<T, Refused> {
    Err(Refused { what: what.into(), hint: hint.into() })
}

/// An instant, or the begin of a day in UTC.
fn instant(text: &str) -> Option<Timestamp> {
    text.parse().ok().or_else(|| format!("{text}T00:00:00Z").parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked() -> Decommission {
        let account = AccountId::new("acme").unwrap();
        let asked = Asked {
            statement: format!(" {} ", statement(&account)),
            contact: "ana@example.com".to_owned(),
            ..Asked::default()
        };
        let act = Act { at: Timestamp::from_ms(1_000), by: "ana".to_owned() };
        Decommission::request(Uuid::nil(), account, asked, act, Inventory::default()).unwrap()
    }

    #[test]
    fn a_request_says_what_it_means_and_for_whom() {
        let account = AccountId::new("acme").unwrap();
        let act = || Act { at: Timestamp::from_ms(1_000), by: "ana".to_owned() };
        let inventory = || Inventory { projects: vec!["acme/api".to_owned()], ..Inventory::default() };
        let request = |statement: &str, contact: &str, projects: &[&str], at: Option<&str>| {
            let asked = Asked {
                statement: statement.to_owned(),
                contact: contact.to_owned(),
                projects: projects.iter().map(|project| (*project).to_owned()).collect(),
                at: at.map(str::to_owned),
                ..Asked::default()
            };
            Decommission::request(Uuid::nil(), account.clone(), asked, act(), inventory())
        };
        let typed = statement(&account);
        let cases = [
            (request("yes", "ana", &[], None).map(|d| d.due), Err("the statement is not the sentence to type")),
            (request(&typed, " ", &[], None).map(|d| d.due), Err("no contact is named")),
            (
                request(&typed, "ana", &["acme/web"], None).map(|d| d.due),
                Err("the account has projects that are not stated: acme/api"),
            ),
            (request(&typed, "ana", &[], Some("soon")).map(|d| d.due), Err("`soon` is no day or instant")),
            (request(&typed, "ana", &["acme/api"], None).map(|d| d.due), Ok(1_000 + 30 * 86_400_000)),
            (request(&typed, "ana", &[], Some("1970-01-02")).map(|d| d.due), Ok(86_400_000)),
        ];
        for (got, expected) in cases {
            let got = got.map(Timestamp::ms).map_err(|refused| refused.what);
            assert_eq!(got, expected.map_err(str::to_owned));
        }
    }

    #[test]
    fn one_alone_cannot_and_nobody_can_when_it_has_begun() {
        let now = Timestamp::from_ms(2_000);
        let mut one = asked();
        assert!(one.confirm(Confirmer::Person("ana".to_owned()), now).is_err());
        assert!(!one.is_due(one.due), "not without a second");
        one.confirm(Confirmer::Person("ben".to_owned()), now).unwrap();
        assert!(one.confirm(Confirmer::Owner, now).is_err(), "once");
        assert!(!one.is_due(now) && one.is_due(one.due));
        one.hold("a court asks for it", now).unwrap();
        assert!(!one.is_due(one.due));
        one.release(now).unwrap();
        assert!(one.is_due(one.due));
        let mut back = one.clone();
        back.cancel(now).unwrap();
        assert!(!back.is_due(back.due) && !back.state.has_begun());
        for state in [State::Disabled, State::Erasing, State::Verifying, State::Completed] {
            one.step(state, now);
            assert!(one.cancel(now).is_err() && one.hold("late", now).is_err() && !one.is_due(one.due));
            assert!(one.state.has_begun());
        }
    }
}
