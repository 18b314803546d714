//! Connections as the configuration grants them.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use weir_sandbox::Plugin;

use super::Host;
use crate::config::{AuthConfig, CentralTlsConfig, Config, ConnectionConfig, IntegrationConfig, PropelConfig};
use crate::egress::{
    Auth, ConnectionSpec, Egress, EgressOptions, Grant, HostConnection, MailRelay, MailSpec, OAuth2, OwnTls,
};
use crate::error::Fault;
use crate::propel::RECEIVER;

/// The way out.
pub(crate) fn egress() -> Result<Egress, Fault> {
    let unprepared = |error| Fault::host("cannot prepare outgoing connections").caused_by(error);
    Egress::new(EgressOptions::default()).map_err(unprepared)
}

/// The connection of an integration, made once: its pool, its counters and its tokens are shared by all its runs.
pub(super) fn of_integration(
    host: &Host,
    integration: &IntegrationConfig,
    plugin: &Plugin,
) -> Result<Arc<HostConnection>, Fault> {
    if let Some(open) = host.open_connections().get(&integration.name) {
        return Ok(open.clone());
    }
    let connection = integration.connection.as_ref().ok_or_else(|| {
        Fault::config(format!("integration `{}` has no connection", integration.name))
            .hint("add `[integration.connection]` with a `url`")
    })?;
    let kind = plugin.manifest().connection_kind.clone().unwrap_or_default();
    let grant = Grant::reading(plugin.manifest().methods.iter().map(String::as_str));
    let spec = spec(integration.name.as_str(), &kind, connection, grant)?;
    let open = host.egress.connection(spec).map_err(|error| {
        Fault::config(format!("cannot use the connection of integration `{}`", integration.name)).caused_by(error)
    })?;
    host.open_connections().insert(integration.name.clone(), open.clone());
    Ok(open)
}

pub(super) fn of_propel(host: &Host, propel: &PropelConfig) -> Result<BTreeMap<String, Arc<HostConnection>>, Fault> {
    let one = |(name, connection): (&String, &ConnectionConfig)| {
        let kind = connection.kind.as_ref().unwrap_or(name);
        let spec = spec(name, kind, connection, Grant::everything())?;
        let refused = |error| {
            Fault::config(format!("cannot use connection `{name}` of propel `{}`", propel.name)).caused_by(error)
        };
        Ok((name.clone(), host.egress.connection(spec).map_err(refused)?))
    };
    let receiver = RECEIVER.to_owned();
    let named = propel.connections.iter().filter(|(_, connection)| !connection.is_mail());
    named.chain(propel.to.iter().map(|to| (&receiver, to))).map(one).collect()
}

/// The mail relays of a propel.
pub(super) fn mail_of_propel(host: &Host, propel: &PropelConfig) -> Result<BTreeMap<String, Arc<MailRelay>>, Fault> {
    let one = |(name, connection): (&String, &ConnectionConfig)| {
        let what = format!("connection `{name}` of propel `{}`", propel.name);
        Ok((name.clone(), mail_relay(&host.egress, &what, name, connection)?))
    };
    propel.connections.iter().filter(|(_, connection)| connection.is_mail()).map(one).collect()
}

/// A mail relay; `what` it is to the operator.
pub(crate) fn mail_relay(
    egress: &Egress,
    what: &str,
    name: &str,
    connection: &ConnectionConfig,
) -> Result<Arc<MailRelay>, Fault> {
    let login = match &connection.auth {
        AuthConfig::Basic { user, password } => Some((user.clone(), password.resolve()?)),
        _ => None,
    };
    let spec = MailSpec {
        name: name.to_owned(),
        url: connection.url.clone(),
        login,
        from: connection.from.clone().unwrap_or_default(),
        to: connection.to.clone(),
        private: connection.private,
    };
    egress.mail(spec).map_err(|error| Fault::config(format!("cannot use {what}")).caused_by(error))
}

/// The connection to central.
pub(crate) fn to_central(egress: &Egress, config: &Config) -> Result<Option<Arc<HostConnection>>, Fault> {
    let Some(central) = &config.central else { return Ok(None) };
    let auth = Auth::Bearer(central.key.resolve()?);
    let mut spec = ConnectionSpec::new("central", "weir", &central.url, auth, Grant::everything());
    spec.tls = own_tls(&central.tls)?;
    let refused = |error| Fault::config("cannot use `[central]`").caused_by(error);
    egress.connection(spec).map(Some).map_err(refused)
}

/// Certificates that are named; none when none is.
fn own_tls(config: &CentralTlsConfig) -> Result<Option<OwnTls>, Fault> {
    let read = |path: &PathBuf| crate::ingest::read_file(path);
    let roots = config.ca.as_ref().map(read).transpose()?;
    let identity = match (&config.certificate, &config.key) {
        (Some(certificate), Some(key)) => Some((read(certificate)?, read(key)?)),
        _ => None,
    };
    Ok((roots.is_some() || identity.is_some()).then_some(OwnTls { roots, identity }))
}

fn spec(name: &str, kind: &str, connection: &ConnectionConfig, grant: Grant) -> Result<ConnectionSpec, Fault> {
    let grant = Grant { private: connection.private, ..grant };
    Ok(ConnectionSpec::new(name, kind, &connection.url, auth(&connection.auth)?, grant))
}

/// A credential with its secrets fetched.
pub(crate) fn auth(auth: &AuthConfig) -> Result<Auth, Fault> {
    Ok(match auth {
        AuthConfig::None => Auth::None,
        AuthConfig::Basic { user, password } => Auth::Basic { user: user.clone(), password: password.resolve()? },
        AuthConfig::Bearer { token } => Auth::Bearer(token.resolve()?),
        AuthConfig::Header { name, value } => Auth::Header { name: name.clone(), value: value.resolve()? },
        AuthConfig::Query { name, value } => Auth::Query { name: name.clone(), value: value.resolve()? },
        AuthConfig::Oauth2 { token_url, client_id, client_secret, scope } => Auth::OAuth2(OAuth2 {
            token_url: token_url.clone(),
            client_id: client_id.clone(),
            client_secret: client_secret.resolve()?,
            scope: scope.clone(),
            refresh_token: None,
        }),
        AuthConfig::StandardWebhooks { secret } => Auth::StandardWebhooks(secret.resolve()?),
    })
}
