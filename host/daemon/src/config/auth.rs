//! `auth`: how a connection proves who it is.

use serde::Deserialize;

use super::SecretSource;

/// `auth = { kind = ... }`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum AuthConfig {
    /// No credential.
    #[default]
    None,
    /// User and password.
    Basic {
        /// User.
        user: String,
        /// Password.
        password: SecretSource,
    },
    /// `Authorization: Bearer`.
    Bearer {
        /// The token.
        token: SecretSource,
    },
    /// A header of the tool's own.
    Header {
        /// Its name.
        name: String,
        /// Its value.
        value: SecretSource,
    },
    /// A query parameter.
    Query {
        /// Its name.
        name: String,
        /// Its value.
        value: SecretSource,
    },
    /// OAuth 2 client credentials.
    Oauth2 {
        /// Token endpoint.
        token_url: String,
        /// Client.
        client_id: String,
        /// Its secret.
        client_secret: SecretSource,
        /// Scopes asked for.
        #[serde(default)]
        scope: Option<String>,
    },
    /// Every request is signed, as Standard Webhooks are.
    StandardWebhooks {
        /// Secret shared with the receiver: `whsec_...`.
        secret: SecretSource,
    },
}

impl AuthConfig {
    pub(super) fn secrets(&mut self) -> Option<&mut SecretSource> {
        match self {
            Self::None => None,
            Self::Basic { password: secret, .. }
            | Self::Bearer { token: secret }
            | Self::Header { value: secret, .. }
            | Self::Query { value: secret, .. }
            | Self::StandardWebhooks { secret }
            | Self::Oauth2 { client_secret: secret, .. } => Some(secret),
        }
    }
}
