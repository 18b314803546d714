//! The few words of a body that decide how it is answered. Read only after it was verified; a body that is no JSON
//! simply says nothing.

use serde::Deserialize;

use super::request::is_id;

#[derive(Deserialize)]
struct Slack {
    #[serde(rename = "type")]
    kind: Option<String>,
    challenge: Option<String>,
    event_id: Option<String>,
}

#[derive(Deserialize)]
struct Pagerduty {
    event: Identified,
}

#[derive(Deserialize)]
struct Identified {
    id: String,
}

/// Challenge and event id of a Slack body.
pub(super) fn slack(body: &[u8]) -> (Option<String>, Option<String>) {
    let Ok(slack) = serde_json::from_slice::<Slack>(body) else { return (None, None) };
    let is_handshake = slack.kind.as_deref() == Some("url_verification");
    (slack.challenge.filter(|_| is_handshake), slack.event_id.filter(|id| is_id(id)))
}

/// Id of a `PagerDuty` event.
pub(super) fn pagerduty(body: &[u8]) -> Option<String> {
    serde_json::from_slice::<Pagerduty>(body).ok().map(|body| body.event.id).filter(|id| is_id(id))
}

/// Id of an Azure DevOps notification.
pub(super) fn azure_devops(body: &[u8]) -> Option<String> {
    serde_json::from_slice::<Identified>(body).ok().map(|body| body.id).filter(|id| is_id(id))
}
