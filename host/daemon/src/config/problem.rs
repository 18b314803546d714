//! What can be wrong with a configuration, said so that it can be mended.

use std::collections::BTreeSet;
use std::path::PathBuf;

use weir_model::Timestamp;
use weir_model::filter::Vocabulary;

/// A configuration that cannot be used. `hint` says what to do.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read configuration {}", path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The file is not TOML, or has a key that is not known.
    #[error("{name}:{line}: {message}")]
    Syntax {
        /// The file.
        name: String,
        /// Line, from 1.
        line: usize,
        /// What is wrong.
        message: String,
        /// What to do.
        hint: Option<String>,
    },
    /// Something in it cannot be.
    #[error("{place} {what}")]
    Wrong {
        /// Where.
        place: String,
        /// What.
        what: String,
        /// What to do.
        hint: String,
    },
    /// A secret is not where the file says.
    #[error("no secret in {place}: {reason}")]
    Secret {
        /// Where it should be.
        place: String,
        /// Why it is not.
        reason: String,
    },
}

impl ConfigError {
    /// What the operator can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Unreadable { .. } => Some("write one with `weir init`, or name it with `--config`".to_owned()),
            Self::Syntax { hint, .. } => hint.clone(),
            Self::Wrong { hint, .. } => Some(hint.clone()),
            Self::Secret { place, .. } => Some(format!("put the secret into {place}")),
        }
    }
}

pub(super) fn explain(error: &toml::de::Error, text: &str, name: &str) -> ConfigError {
    let at = error.span().map_or(0, |span| span.start.min(text.len()));
    let line = text[..at].matches('\n').count() + 1;
    let message = error.message().lines().next().unwrap_or("not a configuration").to_owned();
    ConfigError::Syntax { name: name.to_owned(), line, hint: nearest_key(&message), message }
}

/// serde names the unknown key and the known ones between backquotes.
fn nearest_key(message: &str) -> Option<String> {
    let rest = message.strip_prefix("unknown field ")?;
    let mut quoted = rest.split('`').skip(1).step_by(2);
    let wrong = quoted.next()?;
    Some(match weir_model::filter::nearest(wrong, quoted) {
        Some(nearest) => format!("the nearest known key is `{nearest}`"),
        None => format!("`{wrong}` may belong to another section; `weir init` writes a commented file"),
    })
}

pub(super) fn unique<'a>(what: &str, names: impl Iterator<Item = &'a str>) -> Result<(), ConfigError> {
    let mut seen = BTreeSet::new();
    for name in names {
        if !seen.insert(name) {
            return Err(ConfigError::Wrong {
                place: format!("{what} `{name}`"),
                what: "stands twice".to_owned(),
                hint: "give each a name of its own".to_owned(),
            });
        }
    }
    Ok(())
}

/// Whether a filter can be read as it is.
pub(super) fn filter(text: &str, vocabulary: &Vocabulary) -> Result<(), ConfigError> {
    vocabulary.filter(text).map(|_| ()).map_err(|error| ConfigError::Wrong {
        place: format!("filter `{text}`"),
        what: format!("cannot be read: {error}"),
        hint: "the syntax is that of `weir search`".to_owned(),
    })
}

/// Whether a saved search can be read in some question, which has a present and gives what variables lack.
pub(super) fn saved(text: &str, vocabulary: &Vocabulary) -> Result<(), ConfigError> {
    let vocabulary = Vocabulary { now: Some(Timestamp::from_ms(0)), ..vocabulary.clone() };
    let is_given_later = |error| crate::query::unknown_variable(error).is_some();
    match vocabulary.filter(text) {
        Err(error) if !is_given_later(&error) => filter(text, &vocabulary),
        _ => Ok(()),
    }
}
