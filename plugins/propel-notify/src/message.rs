//! The text of a message. Values are put in as they are: the chat shows plain text.

use weir_sdk::facts::{Suspect, Suspects};
use weir_sdk::model::entity::Build;

/// What is sent when the settings say nothing else.
pub(crate) const TEMPLATE: &str = "{job} {number} broke on {branch}: {result}\n{suspects}\n{url}";
/// Most commits that are named.
const SUSPECTS_MAX: usize = 10;
/// Digits of an object id that people read.
const SHA_DIGITS: usize = 8;

/// The message about a build.
pub(crate) fn text(template: &str, build: &Build, suspects: &Suspects) -> String {
    let values = [
        ("job", build.job.clone().unwrap_or_else(|| "a build".to_owned())),
        ("number", build.number.map(|number| format!("#{number}")).unwrap_or_default()),
        ("branch", branch(build).unwrap_or("an unknown branch").to_owned()),
        ("result", build.result.as_ref().map_or("unknown", |result| result.as_str()).to_owned()),
        ("url", build.url.clone().unwrap_or_default()),
        ("suspects", lines(&suspects.commits)),
    ];
    fill(template, &values).trim_end().to_owned()
}

/// The branch that was built.
pub(crate) fn branch(build: &Build) -> Option<&str> {
    build.checkouts.iter().find_map(|checkout| checkout.branch.as_deref())
}

/// Replaces `{name}` in one go, so that a value holding `{url}` is not filled in turn.
fn fill(template: &str, values: &[(&str, String)]) -> String {
    let mut filled = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        let value = after
            .split_once('}')
            .and_then(|(name, after)| Some((values.iter().find(|(known, _)| *known == name)?, after)));
        rest = if let Some(((_, value), after)) = value {
            filled.push_str(value);
            after
        } else {
            filled.push('{');
            after
        };
    }
    filled + rest
}

fn lines(suspects: &[Suspect]) -> String {
    let suspected: Vec<_> = suspects.iter().filter(|suspect| suspect.confidence > 0.0).collect();
    if suspected.is_empty() {
        return "No commit is known that may have broken it.".to_owned();
    }
    let named = suspected.iter().take(SUSPECTS_MAX).map(|suspect| line(suspect));
    let more = suspected.len().saturating_sub(SUSPECTS_MAX);
    let rest = (more > 0).then(|| format!("and {more} more"));
    named.chain(rest).collect::<Vec<_>>().join("\n")
}

fn line(suspect: &Suspect) -> String {
    let sha = suspect.sha.get(..SHA_DIGITS).unwrap_or(&suspect.sha);
    let author = suspect.author.as_deref().unwrap_or("somebody");
    let title = suspect.title.as_deref().map(|title| format!(": {title}")).unwrap_or_default();
    format!("{sha} by {author}{title} ({})", certainty(suspect.confidence))
}

fn certainty(confidence: f64) -> String {
    if confidence >= 1.0 { "the only candidate".to_owned() } else { format!("{:.0} %", confidence * 100.0) }
}
