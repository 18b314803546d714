//! What Jira's answers say besides their status: that it took us for nobody, and why it refuses a search.

use weir_sdk::prelude::*;

/// The answer, or the failure it stands for.
pub(super) fn accepted(answer: Response) -> Result<Response, Failure> {
    known(&answer)?;
    answer.accepted()
}

/// Some Jiras answer bad credentials as if nobody had asked, with status 200 and what nobody may see: nothing. A full
/// pass would take that for a Jira that was emptied.
fn known(answer: &Response) -> Result<(), Failure> {
    let refused = |reason: &String| {
        let reason = reason.to_ascii_uppercase();
        ["AUTHENTICATED_FAILED", "AUTHENTICATION_DENIED", "OUT"]
            .iter()
            .any(|word| reason.split(", ").any(|w| w == *word))
    };
    match answer.header("x-seraph-loginreason").filter(refused) {
        Some(reason) if answer.status() < 400 => Err(Failure::auth(
            "jira.login",
            format!("Jira refused the credentials and answered as to nobody: {reason}"),
        )),
        _ => Ok(()),
    }
}

/// The first of Jira's error texts.
pub(super) fn says(answer: &Response) -> Option<String> {
    if answer.status() < 400 {
        return None;
    }
    answer.pointer("/errorMessages/0").ok().flatten()
}
