//! Encryption of an export in the age format (<https://age-encryption.org/v1>), so that `age` and `rage` open it too.
//!
//! Weir holds no identity: what it has written for others it cannot read again.

use std::collections::BTreeSet;
use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use age::stream::StreamWriter;
use age::{DecryptError, Decryptor, Encryptor, IdentityFile};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::files::cannot;
use crate::error::Fault;
use crate::hex::sha256;

/// One who an export is encrypted for: the public half of an age identity, `age1...`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
pub struct Recipient(age::x25519::Recipient);

impl FromStr for Recipient {
    type Err = String;

    /// Reads `age1...`. The error does not repeat the text: it may be the secret half.
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = |what| format!("no recipient of age, which begins with `age1`: {what}");
        text.trim().parse().map(Self).map_err(wrong)
    }
}

impl TryFrom<String> for Recipient {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Recipient> for String {
    fn from(recipient: Recipient) -> Self {
        recipient.to_string()
    }
}

impl fmt::Display for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The name of a file that is encrypted for these.
pub(super) fn named(name: &str, recipients: &[Recipient]) -> String {
    if recipients.is_empty() { name.to_owned() } else { format!("{name}.age") }
}

/// Tells sets of recipients apart without naming them, as the files do not name them either; none of nobody.
pub(super) fn digest(recipients: &[Recipient]) -> Option<String> {
    let names: BTreeSet<String> = recipients.iter().map(Recipient::to_string).collect();
    let text = names.into_iter().collect::<Vec<_>>().join("\n");
    (!text.is_empty()).then(|| sha256(text.as_bytes()))
}

/// Writes through to `W`, encrypted where there are recipients.
pub(super) enum Sealing<W> {
    Open(W),
    Sealed(StreamWriter<W>),
}

impl<W: Write> Sealing<W> {
    pub(super) fn begin(out: W, recipients: &[Recipient]) -> io::Result<Self> {
        if recipients.is_empty() {
            return Ok(Self::Open(out));
        }
        let keys = recipients.iter().map(|Recipient(key)| -> &dyn age::Recipient { key });
        let encryptor = Encryptor::with_recipients(keys).map_err(io::Error::other)?;
        encryptor.wrap_output(out).map(Self::Sealed)
    }

    /// Writes the end, without which nothing of it can be trusted.
    pub(super) fn end(self) -> io::Result<W> {
        match self {
            Self::Open(out) => Ok(out),
            Self::Sealed(sealed) => sealed.finish(),
        }
    }
}

impl<W: Write> Write for Sealing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Open(out) => out.write(bytes),
            Self::Sealed(sealed) => sealed.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Open(out) => out.flush(),
            Self::Sealed(sealed) => sealed.flush(),
        }
    }
}

/// What opens an encrypted export: the secret halves in a file of `age-keygen`.
pub(super) struct Identities {
    path: PathBuf,
    identities: Vec<Box<dyn age::Identity>>,
}

impl Identities {
    pub(super) fn read(path: &Path) -> Result<Self, Fault> {
        let wrong = || {
            Fault::config(format!("{} cannot be used as an identity", path.display()))
                .hint("it is a file of `age-keygen`, not protected by a passphrase")
        };
        let file = File::open(path).map_err(cannot("open", path))?;
        let file = IdentityFile::from_buffer(BufReader::new(file)).map_err(|error| wrong().caused_by(error))?;
        let identities = file.into_identities().map_err(|error| wrong().caused_by(error))?;
        Ok(Self { path: path.to_owned(), identities })
    }

    /// What is in the file at `path`.
    pub(super) fn open(&self, path: &Path) -> Result<impl BufRead + use<>, Fault> {
        let failed = |error| match error {
            DecryptError::NoMatchingKeys => {
                Fault::config(format!("no identity in {} opens {}", self.path.display(), path.display()))
                    .hint("name the identity of one of the recipients it was written for")
            }
            other => Fault::config(format!("cannot decrypt {}", path.display())).caused_by(other),
        };
        let file = BufReader::new(File::open(path).map_err(cannot("open", path))?);
        let identities = self.identities.iter().map(|identity| -> &dyn age::Identity { &**identity });
        let opened = Decryptor::new_buffered(file).and_then(|file| file.decrypt(identities)).map_err(failed)?;
        Ok(BufReader::new(opened))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recipients_are_told_apart_by_who_they_are() {
        let [one, other] = std::array::from_fn(|_| Recipient(age::x25519::Identity::generate().to_public()));
        assert_eq!(digest(&[]), None);
        assert_eq!(digest(&[one.clone(), other.clone(), one.clone()]), digest(&[other.clone(), one.clone()]));
        assert_ne!(digest(&[one]), digest(&[other]));
        let secret = "AGE-SECRET-KEY-1QQQ".parse::<Recipient>().unwrap_err();
        assert!(!secret.contains("QQQ"), "{secret}");
    }
}
