//! Fetches OAuth 2 access tokens and keeps the current one. One fetch at a time; a token is renewed a minute
//! before it expires, or when the tool refuses it.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderValue};
use http_body_util::Full;
use serde::Deserialize;
use tokio::sync::Mutex;
use tokio::time::Instant;
use url::Url;
use url::form_urlencoded::Serializer;
use weir_model::{DurationMs, Timestamp};
use weir_sandbox::HttpError;

use super::auth::OAuth2;
use super::clock::Clock;
use super::secret::{Mask, Secret};
use super::wire::Wire;

/// A token is renewed this long before its end, in milliseconds.
const RENEW_EARLY_MS: u64 = 60_000;
/// Life of a token whose answer names none, in seconds.
const LIFE_DEFAULT_SECS: u64 = 3_600;
const FETCH_WAIT_MAX: Duration = Duration::from_secs(30);
const ANSWER_BYTES_MAX: u64 = 256 * 1024;

pub(crate) struct TokenSource {
    url: Url,
    settings: OAuth2,
    current: Mutex<Current>,
    rotated: std::sync::Mutex<Option<Secret>>,
}

#[derive(Default)]
struct Current {
    token: Option<(Secret, Timestamp)>,
    refresh: Option<Secret>,
}

#[derive(Deserialize)]
struct Answer {
    access_token: String,
    expires_in: Option<u64>,
    refresh_token: Option<String>,
}

impl TokenSource {
    pub(crate) fn new(settings: OAuth2, mask: &Mask) -> Result<Self, &'static str> {
        let url = Url::parse(&settings.token_url).map_err(|_| "the token URL is malformed")?;
        if !matches!(url.scheme(), "http" | "https") || super::target::has_user(&url) {
            return Err("the token URL is not of the form https://host/path");
        }
        mask.add(settings.client_secret.expose());
        let refresh = settings.refresh_token.clone();
        if let Some(token) = &refresh {
            mask.add(token.expose());
        }
        let current = Mutex::new(Current { token: None, refresh });
        Ok(Self { url, settings, current, rotated: std::sync::Mutex::default() })
    }

    pub(crate) fn url(&self) -> &Url {
        &self.url
    }

    /// What stays the same while tokens come and go.
    pub(crate) fn identity(&self) -> String {
        format!("{} {} {}", self.url, self.settings.client_id, self.settings.scope.as_deref().unwrap_or_default())
    }

    /// The refresh token the tool put in place of the configured one, once.
    pub(crate) fn take_rotated(&self) -> Option<Secret> {
        self.rotated.lock().expect("nothing panics while it is held").take()
    }

    /// The current token, fetched when there is none; `refused` is one the tool no longer takes.
    pub(crate) async fn token(
        &self,
        wire: &Wire,
        clock: &Arc<dyn Clock>,
        mask: &Mask,
        refused: Option<&Secret>,
    ) -> Result<Secret, HttpError> {
        let mut current = self.current.lock().await;
        if let Some((token, renew_at)) = &current.token {
            let is_refused = refused.is_some_and(|refused| refused.expose() == token.expose());
            if clock.now() < *renew_at && !is_refused {
                return Ok(token.clone());
            }
        }
        let answer = self.fetch(wire, current.refresh.as_ref()).await?;
        let token = Secret::new(answer.access_token);
        mask.add(token.expose());
        let life = answer.expires_in.unwrap_or(LIFE_DEFAULT_SECS).saturating_mul(1_000);
        let renew_at = clock.now().plus(DurationMs(life.saturating_sub(RENEW_EARLY_MS)));
        if let Some(rotated) = answer.refresh_token.map(Secret::new) {
            mask.add(rotated.expose());
            *self.rotated.lock().expect("nothing panics while it is held") = Some(rotated.clone());
            current.refresh = Some(rotated);
        }
        current.token = Some((token.clone(), renew_at));
        Ok(token)
    }

    async fn fetch(&self, wire: &Wire, refresh: Option<&Secret>) -> Result<Answer, HttpError> {
        let request = http::Request::post(self.url.as_str())
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(ACCEPT, HeaderValue::from_static("application/json"))
            .body(Full::new(Bytes::from(self.form(refresh))))
            .map_err(|_| HttpError::Denied("token URL is malformed".to_owned()))?;
        let deadline = Instant::now() + FETCH_WAIT_MAX;
        let received = wire.send(request, deadline, ANSWER_BYTES_MAX).await.map_err(|failed| failed.error)?;
        if !received.status.is_success() {
            let status = received.status.as_u16();
            return Err(HttpError::Denied(format!(
                "token endpoint answered {status}; check client id, secret and scope"
            )));
        }
        let answer: Option<Answer> = serde_json::from_slice(&received.body).ok();
        // The token goes into a header as it is, so it has to fit there.
        answer
            .filter(|answer| HeaderValue::from_str(&answer.access_token).is_ok())
            .ok_or_else(|| HttpError::Protocol("token endpoint answered without an access token".to_owned()))
    }

    fn form(&self, refresh: Option<&Secret>) -> String {
        let mut form = Serializer::new(String::new());
        match refresh {
            Some(token) => form.append_pair("grant_type", "refresh_token").append_pair("refresh_token", token.expose()),
            None => form.append_pair("grant_type", "client_credentials"),
        };
        form.append_pair("client_id", &self.settings.client_id);
        form.append_pair("client_secret", self.settings.client_secret.expose());
        if let Some(scope) = &self.settings.scope {
            form.append_pair("scope", scope);
        }
        form.finish()
    }
}
