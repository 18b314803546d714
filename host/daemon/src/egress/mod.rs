//! The only way out: every request Weir makes on behalf of a plugin goes through here.
//!
//! A plugin names a path; egress adds base URL, credential, rate limit, retries and conditional requests, and
//! decides where the request may go. Invariant: no byte is sent to an address that was not vetted, and no
//! credential to an origin the operator did not name.

mod address;
mod auth;
mod body;
mod budget;
mod clock;
mod connection;
mod connector;
mod exchange;
mod grant;
mod headers;
mod mail;
mod oauth;
mod plan;
mod rate;
mod resolve;
mod s3;
mod secret;
mod smtp;
mod stats;
mod target;
#[cfg(test)]
mod tests;
mod tls;
mod validators;
mod wire;

use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use url::Url;

use address::is_private_name;
use auth::Credential;
use budget::Budgets;
use clock::Jitter;
use connection::Core;
use connector::PrivateHosts;
use grant::CompiledGrant;
use secret::Mask;
use stats::Counters;
use target::Base;
use tls::Trust;
use wire::{Waits, Wire};

pub use auth::{Auth, OAuth2};
pub use budget::BudgetStatus;
pub use clock::{Clock, SystemClock};
pub use connection::HostConnection;
pub use grant::{Allow, Grant, GrantedOrigin};
pub use mail::{Mail, MailError, MailRelay, MailSpec};
pub use resolve::{Resolve, SystemResolver};
pub use s3::S3Key;
pub use secret::Secret;
pub use stats::ConnectionStats;
pub use tls::OwnTls;
pub use validators::{Validator, Validators};

/// What egress needs of the world.
pub struct EgressOptions {
    /// Resolves host names.
    pub resolver: Arc<dyn Resolve>,
    /// Tells the time and waits.
    pub clock: Arc<dyn Clock>,
    /// Start of the chance that spreads retries; different on every host.
    pub jitter_seed: u64,
    /// Certificates to trust besides those of the machine, in PEM.
    pub extra_roots_pem: Option<Vec<u8>>,
}

impl Default for EgressOptions {
    /// Resolver, clock and chance of the machine.
    fn default() -> Self {
        let jitter_seed = RandomState::new().hash_one(std::process::id());
        Self { resolver: Arc::new(SystemResolver), clock: Arc::new(SystemClock), jitter_seed, extra_roots_pem: None }
    }
}

/// A connection as the operator configured it.
pub struct ConnectionSpec {
    /// Name the operator gave it, unique in the account.
    pub name: String,
    /// Kind of tool: "github".
    pub kind: String,
    /// Base URL; a query in it is sent with every request and kept like a secret.
    pub base_url: String,
    /// Credential.
    pub auth: Auth,
    /// What may be requested.
    pub grant: Grant,
    /// Limits.
    pub limits: ConnectionLimits,
    /// Validators to send; none in a full pass.
    pub validators: Option<Arc<dyn Validators>>,
    /// Certificates of its own.
    pub tls: Option<OwnTls>,
}

impl ConnectionSpec {
    /// A connection with the usual limits that sends no validators.
    pub fn new(name: &str, kind: &str, base_url: &str, auth: Auth, grant: Grant) -> Self {
        let [name, kind, base_url] = [name, kind, base_url].map(str::to_owned);
        Self { name, kind, base_url, auth, grant, limits: ConnectionLimits::default(), validators: None, tls: None }
    }

    /// The same with validators to send, see [`HostConnection::with_validators`].
    #[must_use]
    pub fn with_validators(self, validators: Arc<dyn Validators>) -> Self {
        Self { validators: Some(validators), ..self }
    }
}

/// Limits of one connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionLimits {
    /// Body of one response, after decompression.
    pub body_bytes_max: u64,
    /// Wait for a TCP connection to one address.
    pub connect_wait: Duration,
    /// Wait for the head of a response.
    pub first_byte_wait: Duration,
    /// Wait between two pieces of a body.
    pub idle_wait: Duration,
    /// Whole exchange with redirects and retries; waiting for the tool's rate limit does not count.
    pub total_wait: Duration,
    /// Wait for the tool's rate limit, in one request; a longer one is handed to the caller.
    pub throttle_wait: Duration,
    /// Repetitions after a failure.
    pub retries_max: u32,
    /// Requests in flight.
    pub parallel_max: usize,
    /// Part of the tool's rate limit that may be used, in percent.
    pub share_percent: u8,
}

impl Default for ConnectionLimits {
    fn default() -> Self {
        Self {
            body_bytes_max: 64 * 1024 * 1024,
            connect_wait: Duration::from_secs(5),
            first_byte_wait: Duration::from_secs(30),
            idle_wait: Duration::from_secs(30),
            total_wait: Duration::from_mins(2),
            throttle_wait: Duration::from_mins(1),
            retries_max: 3,
            parallel_max: 8,
            share_percent: 100,
        }
    }
}

/// A connection or egress itself is configured wrongly.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EgressError {
    /// The base URL cannot be one.
    #[error("base URL of connection `{connection}` {reason}")]
    BaseUrl {
        /// Name of the connection.
        connection: String,
        /// What is wrong.
        reason: &'static str,
    },
    /// The credential cannot be used.
    #[error("credential of connection `{connection}` cannot be used: {reason}")]
    Auth {
        /// Name of the connection.
        connection: String,
        /// What is wrong.
        reason: String,
    },
    /// The credential would cross the open network unprotected.
    #[error("connection `{connection}` would send its credential over plain http")]
    Plaintext {
        /// Name of the connection.
        connection: String,
    },
    /// A part of the grant cannot be read.
    #[error("grant of connection `{connection}` has a malformed {what}")]
    Grant {
        /// Name of the connection.
        connection: String,
        /// The malformed part.
        what: String,
    },
    /// Mail cannot be sent so.
    #[error("mail connection `{connection}` {reason}")]
    Mail {
        /// Name of the connection.
        connection: String,
        /// What is wrong.
        reason: String,
    },
    /// No trust can be set up.
    #[error("cannot set up trusted certificates: {0}")]
    Trust(String),
}

/// Makes connections and holds what they share: trust, rate budgets, clock.
pub struct Egress {
    resolver: Arc<dyn Resolve>,
    clock: Arc<dyn Clock>,
    jitter: Arc<Jitter>,
    trust: Trust,
    budgets: Budgets,
}

impl Egress {
    /// Sets up egress; no request is made.
    pub fn new(options: EgressOptions) -> Result<Self, EgressError> {
        let trust = Trust::new(options.extra_roots_pem.as_deref()).map_err(EgressError::Trust)?;
        let jitter = Arc::new(Jitter::new(options.jitter_seed));
        Ok(Self { resolver: options.resolver, clock: options.clock, jitter, trust, budgets: Budgets::default() })
    }

    /// Makes a connection; no request is made. Belongs to a tokio runtime only once it is used.
    pub fn connection(&self, spec: ConnectionSpec) -> Result<Arc<HostConnection>, EgressError> {
        let connection = spec.name.clone();
        let base = Base::parse(&spec.base_url)
            .map_err(|reason| EgressError::BaseUrl { connection: connection.clone(), reason })?;
        let grant = CompiledGrant::new(&spec.grant, base.url())
            .map_err(|what| EgressError::Grant { connection: connection.clone(), what })?;
        let mask = Mask::default();
        let credential = Credential::new(spec.auth, &connection, &mask)?;
        base.secrets().for_each(|secret| mask.add(&secret));
        let named = named_urls(&base, &grant, &credential);
        let private = private_hosts(&named, spec.grant.private);
        if named.iter().any(|url| is_exposed(url, &private)) && !credential.is_none() {
            return Err(EgressError::Plaintext { connection });
        }
        let needs_tls = named.iter().any(|url| url.scheme() == "https" || !private.names(url));
        let tls = match &spec.tls {
            Some(own) => self.trust.config_with(own),
            None => self.trust.config(needs_tls),
        };
        let tls = tls.map_err(EgressError::Trust)?;
        let limits = spec.limits;
        let waits = Waits { connect: limits.connect_wait, first_byte: limits.first_byte_wait, idle: limits.idle_wait };
        let core = Core {
            name: spec.name,
            kind: spec.kind,
            budgets: self.budgets_of(&base, &grant, &credential),
            wire: Wire::new(self.resolver.clone(), private, tls, waits),
            slots: Semaphore::new(limits.parallel_max.max(1)),
            base,
            grant,
            credential,
            mask,
            limits,
            counters: Counters::default(),
            clock: self.clock.clone(),
            jitter: self.jitter.clone(),
        };
        Ok(Arc::new(HostConnection::new(Arc::new(core), spec.validators)))
    }

    /// Makes a way to an SMTP relay; nothing is sent.
    pub fn mail(&self, spec: MailSpec) -> Result<Arc<MailRelay>, EgressError> {
        let tls = self.trust.config(true).map_err(EgressError::Trust)?;
        MailRelay::new(spec, self.resolver.clone(), tls).map(Arc::new)
    }

    /// What tools said about their rate limits, as far as it still holds.
    pub fn budgets(&self) -> Vec<BudgetStatus> {
        self.budgets.status(self.clock.now())
    }

    fn budgets_of(&self, base: &Base, grant: &CompiledGrant, credential: &Credential) -> connection::OriginBudgets {
        let origins = grant.origins.iter().cloned().chain([base.url().origin()]);
        let budget = |origin: url::Origin| {
            let credential = if grant.trusts(&origin) { credential } else { &Credential::None };
            let budget = self.budgets.of(&origin.ascii_serialization(), credential.fingerprint(), self.clock.now());
            (origin, budget)
        };
        origins.map(budget).collect()
    }
}

/// Every URL the operator wrote down for a connection.
fn named_urls(base: &Base, grant: &CompiledGrant, credential: &Credential) -> Vec<Url> {
    let token_url = credential.token_source().map(|source| source.url().clone());
    [base.url().clone()].into_iter().chain(grant.urls.iter().cloned()).chain(token_url).collect()
}

/// A private address that was written down is a grant in itself; so is a name that only means something at home.
/// The base URL's host may be granted by word. The https port of the same host goes with it.
fn private_hosts(named: &[Url], base_granted: bool) -> PrivateHosts {
    let mut hosts = Vec::new();
    for (index, url) in named.iter().enumerate() {
        let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
        let is_literal = host.parse::<std::net::IpAddr>().is_ok();
        if is_literal || is_private_name(host) || (index == 0 && base_granted) {
            hosts.push((host.to_owned(), url.port_or_known_default().unwrap_or(0)));
            hosts.push((host.to_owned(), 443));
        }
    }
    PrivateHosts(hosts)
}

/// Plain http to a host that may be anywhere.
fn is_exposed(url: &Url, private: &PrivateHosts) -> bool {
    url.scheme() == "http" && !private.names(url)
}
