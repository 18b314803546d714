//! The answer to the query `suspects`.

use serde::Deserialize;

/// The commits that may have broken a build.
#[derive(Debug, Deserialize)]
pub(crate) struct Suspects {
    state: String,
    #[serde(default)]
    pub(crate) commits: Vec<Suspect>,
}

impl Suspects {
    /// Whether the build is the first red one after a green one.
    pub(crate) fn is_broken(&self) -> bool {
        self.state == "broken"
    }
}

/// One of them, the most suspect first.
#[derive(Debug, Deserialize)]
pub(crate) struct Suspect {
    pub(crate) sha: String,
    pub(crate) confidence: f64,
    pub(crate) title: Option<String>,
    pub(crate) author: Option<String>,
}
