//! Artifacts, by their package URLs.
//!
//! A digest is the one name that never means something else, so it is the key where there is one: a build that pushed
//! the image under another name made the same artifact.

use weir_model::entity::{Artifact, ArtifactKind};
use weir_model::{EntityKind, Reference};

use super::super::Produced;
use super::super::names::without_credentials;
use super::event::{Event, put};
use super::facts::Facts;

/// An id of an artifact, decoded; one that is no package URL is a name.
pub(in super::super) struct PackageUrl {
    kind: Option<String>,
    name: String,
    version: Option<String>,
    qualifiers: Vec<(String, String)>,
}

impl PackageUrl {
    /// Reads an id as its sender wrote it.
    pub(in super::super) fn new(id: &str) -> Self {
        let Some(rest) = id.trim().strip_prefix("pkg:") else {
            return Self { kind: None, name: id.trim().to_owned(), version: None, qualifiers: Vec::new() };
        };
        let rest = rest.split('#').next().unwrap_or(rest);
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        let path = path.trim_matches('/');
        let (path, version) = match path.rsplit_once('@') {
            Some((path, version)) => (path, Some(version_of(version)).filter(|version| !version.is_empty())),
            None => (path, None),
        };
        let (kind, name) = path.split_once('/').unwrap_or(("generic", path));
        let qualifiers = query.split('&').filter_map(|pair| pair.split_once('='));
        Self {
            kind: Some(kind.to_ascii_lowercase()),
            name: decoded(name),
            version,
            qualifiers: qualifiers.map(|(name, value)| (name.to_owned(), decoded(value))).collect(),
        }
    }

    /// "algorithm:hex" in lower case, where that is its version.
    pub(in super::super) fn digest(&self) -> Option<String> {
        self.version.clone().filter(|version| is_digest(version))
    }

    /// The package URL, decoded, without qualifiers: the form in which two of them compare.
    pub(in super::super) fn plain(&self) -> String {
        let version = self.version.as_ref().map(|version| format!("@{version}")).unwrap_or_default();
        match &self.kind {
            Some(kind) => format!("pkg:{kind}/{}{version}", self.name),
            None => self.name.clone(),
        }
    }

    /// Key of the artifact.
    pub(in super::super) fn key(&self) -> String {
        self.digest().unwrap_or_else(|| self.plain())
    }

    fn qualifier(&self, name: &str) -> Option<String> {
        self.qualifiers.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone())
    }

    /// What the id alone says about the artifact.
    pub(in super::super) fn artifact(&self) -> Artifact {
        let digest = self.digest();
        let version = self.version.clone().filter(|_| digest.is_none());
        let kind = self.kind.as_deref().map(|kind| match kind {
            "oci" | "docker" => ArtifactKind::Image,
            "generic" => ArtifactKind::File,
            _ => ArtifactKind::Package,
        });
        Artifact::default()
            .kind(kind)
            .name(self.name.clone())
            .location(self.qualifier("repository_url").map(|url| without_credentials(&url)))
            .version(version.or_else(|| self.qualifier("tag")))
            .purl(self.kind.is_some().then(|| self.plain()))
            .digest(digest)
    }
}

/// A digest is the same in either case.
fn version_of(text: &str) -> String {
    let version = decoded(text);
    if is_digest(&version) { version.to_ascii_lowercase() } else { version }
}

fn is_digest(version: &str) -> bool {
    version.split_once(':').is_some_and(|(algorithm, hex)| {
        algorithm.to_ascii_lowercase().starts_with("sha")
            && hex.len() >= 32
            && hex.bytes().all(|b| b.is_ascii_hexdigit())
    })
}

fn decoded(text: &str) -> String {
    percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned()
}

pub(super) fn packaged(event: &mut Event<'_>) -> Vec<Produced> {
    let change = event.named("change").map(|(id, _)| id);
    let commit = Facts::of(event).commit().or_else(|| whole_id(change.as_deref()?));
    let key = event.key_of("change", "change");
    produced(event, "packaged", |mut artifact, event| {
        put(&mut artifact.attributes, "cdevents.change", key);
        artifact.created_at(event.at).commits(commit)
    })
}

/// A change that is a whole commit id; shorter ones may be numbers of changes.
fn whole_id(change: &str) -> Option<weir_model::ObjectId> {
    weir_model::ObjectId::new(change).filter(|id| id.as_str().len() >= 40)
}

pub(super) fn published(event: &mut Event<'_>) -> Vec<Produced> {
    produced(event, "published", |artifact, event| artifact.published_at(event.at))
}

pub(super) fn signed(event: &mut Event<'_>) -> Vec<Produced> {
    let signature = event.content.text(&["signature"]);
    produced(event, "signed", |mut artifact, _| {
        put(&mut artifact.attributes, "cdevents.signature", signature);
        artifact
    })
}

pub(super) fn downloaded(event: &mut Event<'_>) -> Vec<Produced> {
    produced(event, "downloaded", |artifact, _| artifact)
}

/// What was deployed stays what it was after its package is gone, so the artifact stays and says when that was.
pub(super) fn deleted(event: &mut Event<'_>) -> Vec<Produced> {
    produced(event, "deleted", |artifact, _| artifact)
}

/// The artifact that a build made.
pub(super) fn of_build(event: &mut Event<'_>, purl: &PackageUrl) -> Artifact {
    let mut artifact = purl.artifact().build(Reference::Key(event.key())).created_at(event.at);
    artifact.attributes = event.attributes();
    artifact
}

fn produced(
    event: &mut Event<'_>,
    what: &str,
    state: impl FnOnce(Artifact, &mut Event<'_>) -> Artifact,
) -> Vec<Produced> {
    let purl = PackageUrl::new(&event.subject);
    let mut artifact = purl.artifact();
    artifact.attributes = event.attributes();
    put(&mut artifact.attributes, &format!("cdevents.{what}_at"), event.at.map(|at| at.to_string()));
    put(&mut artifact.attributes, &format!("cdevents.{what}_by"), event.content.text(&["user"]));
    let sbom = event.content.within("sbom", |sbom| sbom.text(&["uri", "url"])).flatten();
    put(&mut artifact.attributes, "cdevents.sbom", sbom);
    let artifact = state(artifact, event);
    vec![Produced::new(EntityKind::Artifact, purl.key(), artifact)]
}
