//! SMTP from the client's side, as far as handing one message to a relay needs it (RFC 5321, 3207, 4954).
//!
//! Nothing that came before TLS counts after it: what a server says is asked for again, and bytes sent ahead end the
//! exchange.

use std::io;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};

use super::mail::MailError;
use super::secret::Secret;

/// Longest answer, in bytes.
const REPLY_BYTES_MAX: u64 = 16 << 10;

/// Both directions of a connection.
pub(crate) trait Line: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Line for T {}

/// A session with a relay.
pub(crate) struct Session {
    line: BufReader<Box<dyn Line>>,
    /// What the relay offers, in capitals.
    offers: Vec<String>,
}

/// An answer of the relay.
struct Reply {
    code: u16,
    lines: Vec<String>,
}

/// Who sends what to whom.
pub(crate) struct Envelope<'a> {
    pub(crate) from: &'a str,
    pub(crate) to: &'a [String],
    /// Header and body with CRLF.
    pub(crate) message: &'a [u8],
}

impl Session {
    /// Waits for the greeting and says hello.
    pub(crate) async fn begin(line: Box<dyn Line>, own_name: &str) -> Result<Self, MailError> {
        let mut session = Self { line: BufReader::new(line), offers: Vec::new() };
        session.read().await?.expect(220, "the greeting")?;
        session.hello(own_name).await?;
        Ok(session)
    }

    async fn hello(&mut self, own_name: &str) -> Result<(), MailError> {
        let reply = self.say(&format!("EHLO {own_name}"), 250, "EHLO").await?;
        self.offers = reply.lines.iter().skip(1).map(|line| line.to_ascii_uppercase()).collect();
        Ok(())
    }

    /// Asks for TLS, and gives the line back to be secured.
    pub(crate) async fn start_tls(mut self) -> Result<Box<dyn Line>, MailError> {
        if !self.offers.iter().any(|offer| offer == "STARTTLS") {
            return Err(MailError::Never("the relay offers no STARTTLS".to_owned()));
        }
        self.say("STARTTLS", 220, "STARTTLS").await?;
        if !self.line.buffer().is_empty() {
            return Err(MailError::Never("the relay spoke before TLS began".to_owned()));
        }
        Ok(self.line.into_inner())
    }

    /// Begins again on a line that was secured.
    pub(crate) async fn secured(line: Box<dyn Line>, own_name: &str) -> Result<Self, MailError> {
        let mut session = Self { line: BufReader::new(line), offers: Vec::new() };
        session.hello(own_name).await?;
        Ok(session)
    }

    /// Logs in.
    pub(crate) async fn login(&mut self, user: &str, password: &Secret) -> Result<(), MailError> {
        let offered = self.offers.iter().find_map(|offer| offer.strip_prefix("AUTH ")).unwrap_or_default();
        let ways: Vec<&str> = offered.split_ascii_whitespace().collect();
        if ways.contains(&"PLAIN") || !ways.contains(&"LOGIN") {
            let both = STANDARD.encode(format!("\0{user}\0{}", password.expose()));
            return self.say(&format!("AUTH PLAIN {both}"), 235, "AUTH PLAIN").await.map(drop);
        }
        self.say("AUTH LOGIN", 334, "AUTH LOGIN").await?;
        self.say(&STANDARD.encode(user), 334, "the user").await?;
        self.say(&STANDARD.encode(password.expose()), 235, "the password").await.map(drop)
    }

    /// Hands a message over. It is taken for all recipients or for none.
    pub(crate) async fn send(&mut self, envelope: &Envelope<'_>) -> Result<(), MailError> {
        self.say(&format!("MAIL FROM:<{}>", envelope.from), 250, "the sender").await?;
        for to in envelope.to {
            self.say(&format!("RCPT TO:<{to}>"), 250, &format!("the recipient {to}")).await?;
        }
        self.say("DATA", 354, "DATA").await?;
        self.write(&stuffed(envelope.message)).await?;
        self.read().await?.expect(250, "the message")?;
        // The message is theirs; how they take the good-bye changes nothing.
        drop(self.write(b"QUIT\r\n").await);
        Ok(())
    }

    async fn say(&mut self, command: &str, wanted: u16, what: &str) -> Result<Reply, MailError> {
        self.write(format!("{command}\r\n").as_bytes()).await?;
        self.read().await?.expect(wanted, what)
    }

    async fn write(&mut self, bytes: &[u8]) -> Result<(), MailError> {
        let line = self.line.get_mut();
        line.write_all(bytes).await.map_err(lost)?;
        line.flush().await.map_err(lost)
    }

    async fn read(&mut self) -> Result<Reply, MailError> {
        let mut limited = (&mut self.line).take(REPLY_BYTES_MAX);
        let mut lines = Vec::new();
        loop {
            let mut bytes = Vec::new();
            limited.read_until(b'\n', &mut bytes).await.map_err(lost)?;
            let text = String::from_utf8_lossy(&bytes).trim_end().to_owned();
            let code = text.get(..3).and_then(|code| code.parse().ok()).filter(|_| bytes.ends_with(b"\n"));
            let code = code.ok_or_else(|| MailError::Later("the relay broke off".to_owned()))?;
            lines.push(text.get(4..).unwrap_or_default().to_owned());
            if text.as_bytes().get(3) != Some(&b'-') {
                return Ok(Reply { code, lines });
            }
        }
    }
}

impl Reply {
    /// The answer, when it is the one wanted. 4xx passes, 5xx stays.
    fn expect(self, wanted: u16, what: &str) -> Result<Self, MailError> {
        // Relays may forward (251) what they accept (250).
        if self.code / 10 == wanted / 10 {
            return Ok(self);
        }
        let said = format!("the relay answers {what} with {} {}", self.code, self.lines.join(" "));
        Err(if (500..600).contains(&self.code) { MailError::Never(said) } else { MailError::Later(said) })
    }
}

/// The message with leading dots doubled, and its end.
fn stuffed(message: &[u8]) -> Vec<u8> {
    let mut stuffed = Vec::with_capacity(message.len() + 8);
    for line in message.split_inclusive(|byte| *byte == b'\n') {
        if line.starts_with(b".") {
            stuffed.push(b'.');
        }
        stuffed.extend_from_slice(line);
    }
    if !stuffed.ends_with(b"\r\n") {
        stuffed.extend_from_slice(b"\r\n");
    }
    stuffed.extend_from_slice(b".\r\n");
    stuffed
}

fn lost(error: io::Error) -> MailError {
    MailError::Later(format!("the relay was lost: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_are_doubled_and_the_end_is_a_dot() {
        let text = |message: &str| String::from_utf8(stuffed(message.as_bytes())).unwrap();
        assert_eq!(text("a\r\n.b\r\n..\r\n"), "a\r\n..b\r\n...\r\n.\r\n");
        assert_eq!(text("no end"), "no end\r\n.\r\n");
    }
}
