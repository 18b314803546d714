//! Artifacts that a build made or used.

use weir_model::entity::{Artifact, ArtifactKind, ArtifactRole, ArtifactUse};
use weir_model::{EntityKind, Reference};

use super::fields::Fields;
use super::{Produced, names};

/// An artifact with what was done with it.
pub(super) struct Used {
    pub(super) produced: Produced,
    pub(super) uses: Vec<ArtifactUse>,
}

/// The build that made or used an artifact.
pub(super) struct Maker<'a> {
    pub(super) build: &'a str,
    pub(super) branch: Option<&'a str>,
}

/// Tags that mean another artifact tomorrow.
const MOVING_TAGS: [&str; 9] = ["latest", "stable", "edge", "nightly", "main", "master", "develop", "dev", "snapshot"];

impl Maker<'_> {
    /// Whether a name with that tag means this artifact alone.
    fn is_lasting(&self, tag: Option<&str>) -> bool {
        tag.is_some_and(|tag| {
            !MOVING_TAGS.iter().any(|moving| moving.eq_ignore_ascii_case(tag)) && self.branch != Some(tag)
        })
    }
}

/// Artifacts of a build.
pub(super) fn read(fields: &mut Fields<'_>, maker: &Maker<'_>) -> Vec<Used> {
    fields.each(&["artifacts"], |artifact| one(artifact, maker)).into_iter().flatten().collect()
}

fn one(fields: &mut Fields<'_>, maker: &Maker<'_>) -> Option<Used> {
    let name = fields.text(&["name"])?;
    let location = fields.text(&["location"]).map(|location| names::without_credentials(&location));
    let version = fields.text(&["qualifier", "tag", "version"]);
    let digest = fields.text(&["hash", "digest"]).map(|digest| digest.to_lowercase());
    let is_input = fields.boolean(&["input"]).unwrap_or(false);
    let is_output = fields.boolean(&["output"]).unwrap_or(!is_input);
    // The digest is the only name that never means something else tomorrow; a tag that moves names nothing beyond its build.
    let key = digest.clone().unwrap_or_else(|| {
        let location = location.as_ref().map(|location| format!("{location}/")).unwrap_or_default();
        let tag = version.as_ref().map(|version| format!(":{version}")).unwrap_or_default();
        let of_build = if maker.is_lasting(version.as_deref()) { String::new() } else { format!("@{}", maker.build) };
        format!("{location}{name}{tag}{of_build}")
    });
    let artifact = Artifact::default()
        .kind(kind(fields.text(&["type"]).as_deref()))
        .name(name)
        .location(location)
        .version(version)
        .digest(digest)
        .build(is_output.then(|| Reference::Key(maker.build.to_owned())))
        .created_at(fields.time(&["artifact_created_at", "artifacts_created_at", "created_at"]));
    let roles = [(is_output, ArtifactRole::Produced), (is_input, ArtifactRole::Consumed)];
    let with_role = |(holds, role): (bool, ArtifactRole)| {
        holds.then(|| ArtifactUse { artifact: Reference::Key(key.clone()), role })
    };
    let uses = roles.into_iter().filter_map(with_role).collect();
    Some(Used { produced: Produced::new(EntityKind::Artifact, key.clone(), artifact), uses })
}

fn kind(word: Option<&str>) -> ArtifactKind {
    match word.map(str::to_ascii_lowercase).as_deref() {
        None | Some("container" | "image" | "docker") => ArtifactKind::Image,
        Some("package" | "npm" | "maven" | "jar" | "pypi" | "deb" | "rpm") => ArtifactKind::Package,
        Some("file" | "archive" | "zip") => ArtifactKind::File,
        Some(other) => ArtifactKind::Unknown(other.to_owned()),
    }
}
