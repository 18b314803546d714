//! What is asked of the provider: what it is, its keys, and who has logged in there.
//!
//! Invariant: everything goes out by egress. The secret of the client goes to the token endpoint alone, and an access
//! token to the endpoint that tells of people.

use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use url::Url;
use url::form_urlencoded::{Serializer, byte_serialize};
use weir_sandbox::{Connection as _, Method, Request, Response, Target};

use super::Denied;
use super::keys::KeySet;
use super::token::Claims;
use crate::config::OidcConfig;
use crate::config::oidc::is_this_machine;
use crate::egress::{Auth, ConnectionSpec, Egress, Grant, Secret};
use crate::error::Fault;

/// Longest wait for an answer.
const ANSWER_WAIT_MAX: Duration = Duration::from_secs(10);
/// Largest answer, in bytes.
const ANSWER_BYTES_MAX: u64 = 1 << 20;
/// Longest word of the provider's that is told on, in characters.
const WORD_CHARS_MAX: usize = 100;

/// What a provider says of itself.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Metadata {
    issuer: String,
    authorization_endpoint: Endpoint,
    token_endpoint: Endpoint,
    jwks_uri: Endpoint,
    userinfo_endpoint: Option<Endpoint>,
    #[serde(default)]
    token_endpoint_auth_methods_supported: Vec<String>,
}

/// Where a provider is asked.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "String")]
struct Endpoint(Url);

impl TryFrom<String> for Endpoint {
    type Error = url::ParseError;

    fn try_from(text: String) -> Result<Self, url::ParseError> {
        Url::parse(&text).map(Self)
    }
}

/// What the token endpoint answers.
#[derive(Deserialize)]
pub(crate) struct Tokens {
    pub(crate) id_token: String,
    access_token: Option<String>,
}

/// A way to one provider.
pub(crate) struct Provider {
    pub(crate) config: OidcConfig,
    /// Where people come back to.
    pub(crate) redirect: String,
    egress: Arc<Egress>,
}

impl Provider {
    pub(crate) fn new(config: OidcConfig, redirect: String, egress: Arc<Egress>) -> Self {
        Self { config, redirect, egress }
    }

    /// What the provider says of itself. It has to be whom the configuration names.
    pub(crate) async fn discover(&self) -> Result<Metadata, Fault> {
        let issuer = &self.config.issuer;
        let place = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
        let url = Url::parse(&place).map_err(|error| self.failed("has no address").caused_by(error))?;
        let answer = self.send(&url, Auth::None, None).await?;
        let metadata: Metadata = self.read(&answer, "does not say what it is as OpenID Connect has it")?;
        if metadata.issuer != *issuer {
            return Err(Fault::config(format!("the provider says it is `{}`, not `{issuer}`", metadata.issuer))
                .hint("write `issuer` of `[access.oidc]` as the provider does, to the letter"));
        }
        if let Some(url) = metadata.unsafe_endpoint() {
            return Err(self.failed(&format!("would have us use {url}, which is not https")));
        }
        Ok(metadata)
    }

    /// Keys the provider signs with.
    pub(crate) async fn keys(&self, metadata: &Metadata) -> Result<KeySet, Fault> {
        let answer = self.send(&metadata.jwks_uri.0, Auth::None, None).await?;
        if answer.status != 200 {
            return Err(self.failed(&format!("answers with status {} when asked for its keys", answer.status)));
        }
        KeySet::read(&answer.body).map_err(|error| self.failed("names no keys").caused_by(error))
    }

    /// Where somebody is sent to log in.
    pub(crate) fn entrance(&self, metadata: &Metadata, begun: &super::Begun) -> Url {
        let mut url = metadata.authorization_endpoint.0.clone();
        url.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", &self.config.client_id)
            .append_pair("redirect_uri", &self.redirect)
            .append_pair("scope", &self.config.scope())
            .append_pair("state", &begun.state)
            .append_pair("nonce", &begun.nonce)
            .append_pair("code_challenge", &begun.challenge)
            .append_pair("code_challenge_method", "S256");
        url
    }

    /// What the provider gives for the code of a log-in.
    pub(crate) async fn exchange(&self, metadata: &Metadata, code: &str, verifier: &str) -> Result<Tokens, Denied> {
        let secret = self.config.client_secret.as_ref().map(|source| source.resolve().map_err(Fault::from));
        let (auth, own) = match secret.transpose()? {
            Some(secret) if metadata.takes_basic() => (self.basic(&secret), None),
            secret => (Auth::None, Some((&self.config.client_id, secret))),
        };
        let form = form(code, &self.redirect, verifier, own);
        let answer = self.send(&metadata.token_endpoint.0, auth, Some(form)).await?;
        if answer.status != 200 {
            return Err(Denied::Provider(error_of(&answer)));
        }
        Ok(self.read(&answer, "gives no ID token")?)
    }

    /// What the provider tells of somebody besides the ID token.
    pub(crate) async fn person(&self, metadata: &Metadata, tokens: &Tokens) -> Result<Option<Claims>, Fault> {
        let (Some(Endpoint(url)), Some(token)) = (&metadata.userinfo_endpoint, &tokens.access_token) else {
            return Ok(None);
        };
        let answer = self.send(url, Auth::Bearer(Secret::new(token.as_str())), None).await?;
        self.read(&answer, "tells nothing of people").map(Some)
    }

    /// Client and secret as RFC 6749 wants them: encoded as in a form, then as a user and a password.
    fn basic(&self, secret: &Secret) -> Auth {
        let encoded = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
        Auth::Basic { user: encoded(&self.config.client_id), password: Secret::new(encoded(secret.expose())) }
    }

    /// Asks; with a form it is posted. A connection of its own each time: log-ins are rare, and credentials differ.
    async fn send(&self, url: &Url, auth: Auth, form: Option<String>) -> Result<Response, Fault> {
        let grant = Grant { private: self.config.private, ..Grant::methods(&[Method::Get, Method::Post]) };
        let origin = url.origin().ascii_serialization();
        let connection = self.egress.connection(ConnectionSpec::new("oidc", "oidc", &origin, auth, grant));
        let connection = connection.map_err(|error| self.failed("cannot be asked").caused_by(error))?;
        let mut headers = vec![("accept".to_owned(), b"application/json".to_vec())];
        if form.is_some() {
            headers.push(("content-type".to_owned(), b"application/x-www-form-urlencoded".to_vec()));
        }
        let request = Request {
            method: if form.is_some() { Method::Post } else { Method::Get },
            target: Target::Link(url.to_string()),
            headers,
            body: form.map(String::into_bytes),
            timeout: Some(ANSWER_WAIT_MAX),
            body_bytes_max: Some(ANSWER_BYTES_MAX),
            conditional: false,
        };
        let sent = connection.send(request).await;
        sent.map_err(|error| self.failed(&format!("cannot be reached at {}", url.path())).caused_by(error))
    }

    fn read<T: serde::de::DeserializeOwned>(&self, answer: &Response, otherwise: &str) -> Result<T, Fault> {
        if answer.status != 200 {
            return Err(self.failed(&format!("{otherwise}: it answers with status {}", answer.status)));
        }
        serde_json::from_slice(&answer.body).map_err(|error| self.failed(otherwise).caused_by(error))
    }

    fn failed(&self, what: &str) -> Fault {
        Fault::new(weir_sandbox::Blame::Upstream, format!("the provider {} {what}", self.config.issuer))
            .hint("see `[access.oidc]`; `weir doctor` asks the provider, too")
    }
}

impl Metadata {
    /// An endpoint that is asked in the open. On this machine that is no harm, if the issuer is there, too.
    fn unsafe_endpoint(&self) -> Option<&Url> {
        let at_home = Url::parse(&self.issuer).is_ok_and(|issuer| is_this_machine(&issuer));
        let required = [&self.authorization_endpoint, &self.token_endpoint, &self.jwks_uri];
        let mut endpoints = required.into_iter().chain(&self.userinfo_endpoint).map(|Endpoint(url)| url);
        endpoints.find(|url| url.scheme() != "https" && !(at_home && is_this_machine(url)))
    }

    /// Whether a client proves itself by a header, which is the rule where nothing is said.
    fn takes_basic(&self) -> bool {
        let supported = &self.token_endpoint_auth_methods_supported;
        supported.is_empty() || supported.iter().any(|method| method == "client_secret_basic")
    }
}

/// What is sent for a code; with the client and its secret where no header carries them.
fn form(code: &str, redirect: &str, verifier: &str, client: Option<(&String, Option<Secret>)>) -> String {
    let mut form = Serializer::new(String::new());
    form.append_pair("grant_type", "authorization_code").append_pair("code", code);
    form.append_pair("redirect_uri", redirect).append_pair("code_verifier", verifier);
    if let Some((id, secret)) = client {
        form.append_pair("client_id", id);
        form.extend_pairs(secret.iter().map(|secret| ("client_secret", secret.expose())));
    }
    form.finish()
}

/// The word the provider has for what is wrong (RFC 6749, 5.2).
fn error_of(answer: &Response) -> String {
    let told: Option<serde_json::Value> = serde_json::from_slice(&answer.body).ok();
    let word = told.as_ref().and_then(|told| told["error"].as_str()).map(word);
    word.unwrap_or_else(|| format!("status {}", answer.status))
}

/// A word of somebody else's as it may be told on: short, and nothing but printable ASCII.
pub(crate) fn word(text: &str) -> String {
    text.chars().filter(|c| c.is_ascii_graphic() || *c == ' ').take(WORD_CHARS_MAX).collect()
}
