//! The forms in which chats take a message.

use serde::Deserialize;
use serde_json::{Value, json};

/// How the other side wants a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Form {
    /// `{"text": ...}`, as most incoming webhooks take it.
    Text,
    /// Blocks of Slack.
    Slack,
    /// An adaptive card of Teams.
    Teams,
    /// E-mail, or whatever the host makes of a notice.
    Mail,
}

impl Form {
    /// The form a kind of connection takes.
    pub(crate) fn of(kind: &str) -> Self {
        match kind {
            "slack" => Self::Slack,
            "teams" => Self::Teams,
            _ => Self::Text,
        }
    }

    /// The body that is posted.
    pub(crate) fn body(self, text: &str, url: Option<&str>) -> Value {
        let (title, rest) = text.split_once('\n').unwrap_or((text, ""));
        match self {
            Self::Text | Self::Mail => json!({ "text": text }),
            Self::Slack => slack(title, rest, url),
            Self::Teams => teams(title, rest, url),
        }
    }
}

fn slack(title: &str, rest: &str, url: Option<&str>) -> Value {
    let plain = |text: &str, most: usize| json!({ "type": "plain_text", "text": cut(text, most) });
    let mut blocks = vec![json!({ "type": "header", "text": plain(title, 150) })];
    if !rest.is_empty() {
        blocks.push(json!({ "type": "section", "text": plain(rest, 3_000) }));
    }
    blocks.extend(url.map(|url| {
        let button = json!({ "type": "button", "text": plain("Open the build", 75), "url": url });
        json!({ "type": "actions", "elements": [button] })
    }));
    json!({ "text": title, "blocks": blocks })
}

fn teams(title: &str, rest: &str, url: Option<&str>) -> Value {
    let mut body =
        vec![json!({ "type": "TextBlock", "size": "Medium", "weight": "Bolder", "text": title, "wrap": true })];
    body.extend(
        rest.lines().map(|line| json!({ "type": "TextBlock", "text": line, "wrap": true, "spacing": "Small" })),
    );
    let actions: Vec<Value> =
        url.iter().map(|url| json!({ "type": "Action.OpenUrl", "title": "Open the build", "url": url })).collect();
    let card = json!({
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json", "type": "AdaptiveCard", "version": "1.4",
        "body": body, "actions": actions,
    });
    let attachment = json!({ "contentType": "application/vnd.microsoft.card.adaptive", "content": card });
    json!({ "type": "message", "attachments": [attachment] })
}

/// At most so many characters.
fn cut(text: &str, most: usize) -> String {
    text.chars().take(most).collect()
}
