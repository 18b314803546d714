//! `[access]`: how people are known.

use std::net::IpAddr;

use serde::Deserialize;

use super::{ConfigError, Interval, OidcConfig};
use crate::access::session::Lasting;

/// `[access]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AccessConfig {
    /// Address people reach this host at: `https://weir.example.com`. With `https:` cookies are for TLS alone.
    pub public_url: Option<String>,
    /// Header in which a proxy names the user it has checked.
    pub proxy_header: Option<String>,
    /// Addresses of proxies that are believed.
    pub trusted_proxies: Vec<IpAddr>,
    /// How long a session lasts unused. Left out: 12 hours.
    pub session_idle: Option<Interval>,
    /// How long a session lasts at all. Left out: 7 days.
    pub session_max: Option<Interval>,
    /// A provider at which people log in; none: with passwords alone.
    pub oidc: Option<OidcConfig>,
}

const HOUR_MS: u64 = 3_600_000;

impl AccessConfig {
    /// Whether a proxy at this address is believed.
    pub fn trusts(&self, address: IpAddr) -> bool {
        self.trusted_proxies.iter().any(|trusted| trusted.to_canonical() == address.to_canonical())
    }

    pub(crate) fn lasting(&self) -> Lasting {
        let or = |given: Option<Interval>, hours: u64| {
            given.map_or(weir_model::DurationMs(hours * HOUR_MS), Interval::length)
        };
        Lasting { idle: or(self.session_idle, 12), most: or(self.session_max, 7 * 24) }
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let wrong = |what: &str, hint: &str| {
            Err(ConfigError::Wrong { place: "`[access]`".to_owned(), what: what.to_owned(), hint: hint.to_owned() })
        };
        if self.proxy_header.is_some() && self.trusted_proxies.is_empty() {
            return wrong("believes a header from everybody", "name the proxy under `trusted_proxies`");
        }
        let is_url = |url: &String| url.starts_with("https://") || url.starts_with("http://");
        if self.public_url.as_ref().is_some_and(|url| !is_url(url)) {
            return wrong("has a `public_url` that is none", "write `https://weir.example.com`");
        }
        self.oidc.iter().try_for_each(|oidc| oidc.check(self.public_url.as_deref()))
    }
}
