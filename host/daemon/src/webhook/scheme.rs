//! The ways senders sign, by the names they have in the configuration.

use std::fmt;
use std::str::FromStr;

/// How deliveries are signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scheme {
    /// HMAC-SHA256 of the body in `X-Hub-Signature-256`.
    Github,
    /// Standard Webhooks with a `whsec_` secret; the plain `X-Gitlab-Token` with any other.
    Gitlab,
    /// HMAC-SHA256 of the body in `X-Hub-Signature`.
    Jira,
    /// HMAC-SHA256 of the body in `X-Hub-Signature`.
    Bitbucket,
    /// HMAC-SHA256 of version, timestamp and body in `X-Slack-Signature`.
    Slack,
    /// Standard Webhooks: HMAC-SHA256 (`v1`) or Ed25519 (`v1a`, with a `whpk_` key) of id, timestamp and body.
    StandardWebhooks,
    /// Gogs, Gitea and Forgejo: HMAC-SHA256 of the body, bare.
    Gogs,
    /// HMAC-SHA256 of the body, hex or base64, in a header of the sender's choice.
    HmacSha256 {
        /// Name of the header, in lower case.
        header: String,
    },
    /// Basic authentication: the secret is the password, or `user:password`.
    AzureDevops,
    /// HMAC-SHA256 of the body in `X-PagerDuty-Signature`.
    Pagerduty,
    /// Nothing is checked: only for senders that cannot sign, behind a network that can be trusted.
    None,
}

/// No scheme has this name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no webhook scheme; known are {NAMES}")]
pub struct UnknownScheme(pub String);

const NAMES: &str = "github, gitlab, jira, bitbucket, slack, standard-webhooks, gogs, gitea, forgejo, azure-devops, \
                     pagerduty, hmac-sha256, hmac-sha256:<header>, none";
const HEADER_DEFAULT: &str = "x-hub-signature-256";

impl FromStr for Scheme {
    type Err = UnknownScheme;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text {
            "github" => Self::Github,
            "gitlab" => Self::Gitlab,
            "jira" => Self::Jira,
            "bitbucket" => Self::Bitbucket,
            "slack" => Self::Slack,
            "standard-webhooks" => Self::StandardWebhooks,
            "gogs" | "gitea" | "forgejo" => Self::Gogs,
            "azure-devops" => Self::AzureDevops,
            "pagerduty" => Self::Pagerduty,
            "none" => Self::None,
            "hmac-sha256" => Self::HmacSha256 { header: HEADER_DEFAULT.to_owned() },
            _ => Self::HmacSha256 { header: header(text).ok_or_else(|| UnknownScheme(text.to_owned()))? },
        })
    }
}

/// The header in "hmac-sha256:x-signature".
fn header(text: &str) -> Option<String> {
    let name = http::HeaderName::from_bytes(text.strip_prefix("hmac-sha256:")?.as_bytes()).ok()?;
    Some(name.as_str().to_owned())
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Github => "github",
            Self::Gitlab => "gitlab",
            Self::Jira => "jira",
            Self::Bitbucket => "bitbucket",
            Self::Slack => "slack",
            Self::StandardWebhooks => "standard-webhooks",
            Self::Gogs => "gogs",
            Self::AzureDevops => "azure-devops",
            Self::Pagerduty => "pagerduty",
            Self::None => "none",
            Self::HmacSha256 { header } => return write!(f, "hmac-sha256:{header}"),
        })
    }
}
