//! E-mail through a relay the operator named. The address is vetted and the certificate checked as for every other
//! connection; whom to write to is granted, for a propel may be a stranger.

use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use globset::{Glob, GlobMatcher};
use lettre::Message;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, SinglePart};
use rustls::pki_types::ServerName;
use serde::{Deserialize, Serialize};
use tokio_rustls::TlsConnector;
use url::Url;
use weir_model::Timestamp;
use weir_model::raw::fingerprint;

use super::EgressError;
use super::address::is_private_name;
use super::connector::{ConnectError, PrivateHosts, VettedConnector};
use super::resolve::Resolve;
use super::secret::{Mask, Secret};
use super::smtp::{Envelope, Line, Session};

/// Wait for a connection to one address.
const CONNECT_WAIT: Duration = Duration::from_secs(10);
/// Longest time for handing over one message.
const TOTAL_WAIT: Duration = Duration::from_secs(90);
/// Most recipients of one message.
const RECIPIENTS_MAX: usize = 50;

/// A relay as the operator configured it.
pub struct MailSpec {
    /// Name the operator gave it.
    pub name: String,
    /// `smtps://host:465` for TLS from the start, `smtp://host:587` for STARTTLS, which must be offered;
    /// `smtp://host:25?tls=none` for a relay of the own network without TLS.
    pub url: String,
    /// User and password.
    pub login: Option<(String, Secret)>,
    /// Who it is from: `Weir <weir@example.com>`.
    pub from: String,
    /// Who may be written to: addresses, which get what names nobody, and patterns such as `*@example.com`.
    pub to: Vec<String>,
    /// Whether a name that looks public may lead to a private address.
    pub private: bool,
}

/// A message that is to be sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Mail {
    /// First line.
    pub subject: String,
    /// Plain text.
    pub text: String,
    /// Addresses it is for. What is no address is left out; when none is left, it goes to the relay's own recipients.
    pub people: Vec<String>,
}

/// Why a message was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MailError {
    /// Worth trying again.
    #[error("{0}")]
    Later(String),
    /// It will never be taken.
    #[error("{0}")]
    Never(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Security {
    Tls,
    StartTls,
    None,
}

/// A way to a relay.
pub struct MailRelay {
    host: String,
    port: u16,
    security: Security,
    login: Option<(String, Secret)>,
    from: Mailbox,
    to: Vec<Mailbox>,
    patterns: Vec<GlobMatcher>,
    connector: VettedConnector,
    tls: TlsConnector,
    mask: Mask,
}

impl MailRelay {
    pub(crate) fn new(
        spec: MailSpec,
        resolver: Arc<dyn Resolve>,
        tls: rustls::ClientConfig,
    ) -> Result<Self, EgressError> {
        let MailSpec { name, url, login, from, to, private } = spec;
        let wrong = |reason: String| EgressError::Mail { connection: name.clone(), reason };
        let (host, port, security) = address(&url).map_err(wrong)?;
        let is_home = host.parse::<std::net::IpAddr>().is_ok() || is_private_name(&host) || private;
        if security == Security::None && login.is_some() && !is_home {
            return Err(EgressError::Plaintext { connection: name });
        }
        let (patterns, addresses): (Vec<String>, Vec<String>) = to.into_iter().partition(|to| to.contains('*'));
        let mailbox = |text: &String| text.parse::<Mailbox>().map_err(|_| wrong(format!("knows no address `{text}`")));
        let glob = |text: &String| {
            let glob = Glob::new(&text.to_ascii_lowercase()).map_err(|_| wrong(format!("has no pattern `{text}`")))?;
            Ok(glob.compile_matcher())
        };
        let hosts = if is_home { vec![(host.clone(), port)] } else { Vec::new() };
        let mask = Mask::default();
        if let Some((_, password)) = &login {
            mask.add(password.expose());
        }
        Ok(Self {
            connector: VettedConnector { resolver, private: Arc::new(PrivateHosts(hosts)), wait_max: CONNECT_WAIT },
            tls: TlsConnector::from(Arc::new(tls)),
            from: mailbox(&from)?,
            to: addresses.iter().map(mailbox).collect::<Result<_, _>>()?,
            patterns: patterns.iter().map(glob).collect::<Result<_, _>>()?,
            host,
            port,
            security,
            login,
            mask,
        })
    }

    /// Sends a message, and says to whom. `key` is the same whenever the same message is sent again, and so is the
    /// Message-ID made of it, by which mailboxes know a second copy.
    pub async fn send(&self, mail: &Mail, key: &str, at: Timestamp) -> Result<String, MailError> {
        let to = self.recipients(&mail.people)?;
        let message = self.message(mail, &to, key, at)?;
        let to: Vec<String> = to.iter().map(|to| to.email.to_string()).collect();
        let envelope = Envelope { from: self.from.email.as_ref(), to: &to, message: &message };
        let sent = tokio::time::timeout(TOTAL_WAIT, self.hand_over(&envelope)).await;
        let sent = sent.unwrap_or_else(|_| Err(MailError::Later("the relay is too slow".to_owned())));
        sent.map_err(|error| match error {
            MailError::Later(text) => MailError::Later(self.mask.text(text)),
            MailError::Never(text) => MailError::Never(self.mask.text(text)),
        })?;
        Ok(format!("mail to {}", to.join(", ")))
    }

    fn recipients(&self, people: &[String]) -> Result<Vec<Mailbox>, MailError> {
        let mut named: Vec<Mailbox> = people.iter().filter_map(|name| name.trim().parse().ok()).collect();
        named.sort_by(|a, b| a.email.cmp(&b.email));
        named.dedup_by(|a, b| a.email == b.email);
        if let Some(other) = named.iter().find(|to| !self.may_write(to)) {
            return Err(MailError::Never(format!("{} is not among those that `to` grants", other.email)));
        }
        let to = if named.is_empty() { self.to.clone() } else { named };
        match to.len() {
            0 => Err(MailError::Never("it is for nobody, and `to` of the connection names no address".to_owned())),
            1..=RECIPIENTS_MAX => Ok(to),
            n => Err(MailError::Never(format!("{n} recipients, the limit is {RECIPIENTS_MAX}"))),
        }
    }

    fn may_write(&self, to: &Mailbox) -> bool {
        let address = to.email.to_string().to_ascii_lowercase();
        let named = self.to.iter().any(|known| known.email.to_string().eq_ignore_ascii_case(&address));
        named || self.patterns.iter().any(|pattern| pattern.is_match(&address))
    }

    fn message(&self, mail: &Mail, to: &[Mailbox], key: &str, at: Timestamp) -> Result<Vec<u8>, MailError> {
        let id = format!("<weir.{}@{}>", fingerprint(key.as_bytes()), self.from.email.domain());
        let ms = u64::try_from(at.ms()).unwrap_or(0);
        let subject: String = mail.subject.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let mut builder = Message::builder()
            .from(self.from.clone())
            .subject(subject.trim())
            .date(UNIX_EPOCH + Duration::from_millis(ms))
            .message_id(Some(id));
        for to in to {
            builder = builder.to(to.clone());
        }
        let part = SinglePart::builder().header(ContentType::TEXT_PLAIN).body(mail.text.clone());
        let unfit = |error: lettre::error::Error| MailError::Never(format!("no message can be made of it: {error}"));
        let mut message = builder.singlepart(part).map_err(unfit)?;
        let automatic = HeaderName::new_from_ascii_str("Auto-Submitted");
        message.headers_mut().insert_raw(HeaderValue::new(automatic, "auto-generated".to_owned()));
        Ok(message.formatted())
    }

    async fn hand_over(&self, envelope: &Envelope<'_>) -> Result<(), MailError> {
        let stream = self.connector.connect(&self.host, self.port).await.map_err(unreached)?;
        let own_name = match stream.local_addr().map(|address| address.ip()) {
            Ok(std::net::IpAddr::V4(address)) => format!("[{address}]"),
            Ok(std::net::IpAddr::V6(address)) => format!("[IPv6:{address}]"),
            Err(_) => "[127.0.0.1]".to_owned(),
        };
        let line: Box<dyn Line> = Box::new(stream);
        let mut session = match self.security {
            Security::None => Session::begin(line, &own_name).await?,
            Security::Tls => Session::begin(self.secure(line).await?, &own_name).await?,
            Security::StartTls => {
                let line = Session::begin(line, &own_name).await?.start_tls().await?;
                Session::secured(self.secure(line).await?, &own_name).await?
            }
        };
        if let Some((user, password)) = &self.login {
            session.login(user, password).await?;
        }
        session.send(envelope).await
    }

    async fn secure(&self, line: Box<dyn Line>) -> Result<Box<dyn Line>, MailError> {
        let name = ServerName::try_from(self.host.clone())
            .map_err(|_| MailError::Never(format!("`{}` is no name of a server", self.host)))?;
        let secured = self.tls.connect(name, line).await;
        Ok(Box::new(secured.map_err(|error| MailError::Later(format!("no TLS with the relay: {error}")))?))
    }
}

fn unreached(error: ConnectError) -> MailError {
    match error {
        ConnectError::Refused(_) => MailError::Never(error.to_string()),
        ConnectError::Dns(..) | ConnectError::Tcp(..) => MailError::Later(error.to_string()),
    }
}

fn address(url: &str) -> Result<(String, u16, Security), String> {
    let url = Url::parse(url).map_err(|error| format!("has no URL: {error}"))?;
    let security = match (url.scheme(), url.query()) {
        ("smtps", None) => Security::Tls,
        ("smtp", None) => Security::StartTls,
        ("smtp", Some("tls=none")) => Security::None,
        _ => return Err("has a URL that is none of smtps://host, smtp://host and smtp://host?tls=none".to_owned()),
    };
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
    if host.is_empty() || !url.username().is_empty() || !matches!(url.path(), "" | "/") {
        return Err("has a URL with more or less than a host and a port".to_owned());
    }
    let usual = match security {
        Security::Tls => 465,
        Security::StartTls => 587,
        Security::None => 25,
    };
    Ok((host, url.port().unwrap_or(usual), security))
}
