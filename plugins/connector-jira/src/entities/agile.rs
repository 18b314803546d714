//! Boards and sprints.

use serde::Deserialize;
use weir_sdk::model::entity::SprintState;
use weir_sdk::prelude::*;

use super::page;
use crate::requests::BoardOf;

/// A board.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct BoardJson<'a> {
    #[serde(borrow)]
    id: Text<'a>,
}

/// A board is no entity; it is read for the sprints under it.
pub(crate) fn board(json: BoardJson<'_>, raw: &Raw<'_>) -> Outcome {
    match raw.take("/id", json.id) {
        Some(_) => Outcome::ignored("jira.board"),
        None => raw.missing("/id"),
    }
}

/// A sprint.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct SprintJson<'a> {
    #[serde(borrow)]
    id: Text<'a>,
    #[serde(rename = "self", borrow)]
    address: Text<'a>,
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow)]
    state: Text<'a>,
    #[serde(borrow)]
    goal: Text<'a>,
    #[serde(rename = "startDate")]
    start: Instant,
    #[serde(rename = "activatedDate")]
    activated: Instant,
    #[serde(rename = "endDate")]
    end: Instant,
    #[serde(rename = "completeDate")]
    complete: Instant,
    #[serde(rename = "originBoardId", borrow)]
    board: Text<'a>,
}

pub(crate) fn sprint(json: SprintJson<'_>, raw: &Raw<'_>) -> Outcome {
    let Some(id) = raw.filled("/id", json.id) else { return raw.missing("/id") };
    let address = raw.take("/self", json.address);
    let board = raw.filled("/originBoardId", json.board);
    let url = board.and_then(|board| page(address.as_deref(), &format!("/secure/RapidBoard.jspa?rapidView={board}")));
    let state_word = raw.filled("/state", json.state);
    let state = state_word.as_deref().map(|word| state(word, raw));
    let (start, activated) = (raw.take("/startDate", json.start), raw.take("/activatedDate", json.activated));
    let sprint = Sprint::default()
        .name(raw.filled("/name", json.name))
        .boards(raw.context::<BoardOf>().and_then(|of| of.board))
        // A sprint that was planned has a day to begin on, which is not yet its beginning.
        .started_at(activated.or(start).filter(|_| state != Some(SprintState::Planned)))
        .state(state)
        .state_word(state_word)
        .goal(raw.filled("/goal", json.goal))
        .url(url)
        .ends_at(raw.take("/endDate", json.end))
        .completed_at(raw.take("/completeDate", json.complete));
    Outcome::entity(id, &sprint)
}

fn state(word: &str, raw: &Raw<'_>) -> SprintState {
    match word.to_ascii_lowercase().as_str() {
        "future" => SprintState::Planned,
        "active" => SprintState::Active,
        "closed" => SprintState::Closed,
        _ => {
            raw.report(DiagnosticKind::UnknownWord, "/state", word);
            SprintState::Unknown(word.to_owned())
        }
    }
}
