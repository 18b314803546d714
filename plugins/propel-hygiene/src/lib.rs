//! A scheduled report of what is not kept well: searches, how much each finds, and the first of it.

use std::collections::BTreeMap;

use serde::Deserialize;
use weir_sdk::facts::{self, Found, Hit};
use weir_sdk::failure::Failure;
use weir_sdk::http::Connection;
use weir_sdk::propel::{Action, Event, Notice, Outcome, Propel};

/// The propel.
pub struct Hygiene;

/// Settings, as in `weir.toml`.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Connection of a chat or mail that gets the report.
    channel: String,
    /// First line of the report.
    title: String,
    /// Searches by the name of what they find.
    checks: BTreeMap<String, String>,
    /// Most things listed behind each check.
    listed: usize,
}

impl Default for Settings {
    fn default() -> Self {
        let checks = [
            ("items without an assignee", "kind:work-item AND NOT type:epic AND NOT resolution:* AND NOT person:*"),
            ("items idle for 30 days", "kind:work-item AND NOT resolution:* AND updated:<now-30d"),
            ("changes idle for 14 days", "kind:change AND state:open AND updated:<now-14d"),
        ];
        Self {
            channel: "chat".to_owned(),
            title: "What needs care".to_owned(),
            checks: checks.into_iter().map(|(name, q)| (name.to_owned(), q.to_owned())).collect(),
            listed: 5,
        }
    }
}

impl Propel for Hygiene {
    type Settings = Settings;

    fn handle(_: &Event, _: &[Connection<'_>], settings: &Settings) -> Result<Outcome, Failure> {
        let mut text = String::new();
        for (name, q) in &settings.checks {
            text += &section(name, &facts::search(q, settings.listed)?);
        }
        if text.is_empty() {
            return Ok(Outcome::skipped("hygiene.all-well"));
        }
        let notice = Notice::new(&settings.channel, &settings.title, text.trim_end());
        Ok(Outcome::done(vec![Action::notify("report", notice)]))
    }
}

/// What a check found; nothing of one that found nothing.
fn section(name: &str, found: &Found) -> String {
    if found.total == 0 {
        return String::new();
    }
    let line = |hit: &Hit| {
        let title = hit.text("title").unwrap_or(&hit.id);
        let url = hit.text("url").map(|url| format!(" {url}")).unwrap_or_default();
        format!("- {title}{url}\n")
    };
    let lines: String = found.hits.iter().map(line).collect();
    let more = found.total.saturating_sub(u64::try_from(found.hits.len()).unwrap_or(u64::MAX));
    let more = if more > 0 { format!("- and {more} more\n") } else { String::new() };
    format!("{} {name}\n{lines}{more}\n", found.total)
}

weir_sdk::export_propel!(Hygiene, manifest = "../manifest.json");
