//! Finds the repositories that settings name, and opens them.
//!
//! Invariant: a repository is opened without any configuration but its own, and without its replaced objects.

use std::path::{Path, PathBuf};

use gix::bstr::ByteSlice;
use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use walkdir::WalkDir;

use crate::Settings;
use crate::report::text;

/// Deepest folder below the fixed part of a pattern.
const DEPTH_MAX: usize = 8;
/// Memory for objects that are needed again, in bytes.
const OBJECT_CACHE_BYTES: usize = 16 << 20;

/// Why there is nothing to read.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A glob that is none.
    #[error("`{glob}` is no pattern")]
    Pattern {
        /// What was given.
        glob: String,
        /// Why not.
        #[source]
        source: globset::Error,
    },
    /// Nothing matches.
    #[error("no repository in or below {}", patterns.join(", "))]
    Nothing {
        /// What was looked for.
        patterns: Vec<String>,
    },
    /// A folder that is none of git's, or one it does not let us read.
    #[error("cannot open the repository `{}`", path.display())]
    Repository {
        /// The folder.
        path: PathBuf,
        /// Why not.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// A repository that can be read.
pub struct Repository {
    /// Its folder.
    pub path: PathBuf,
    /// Address of its remote `origin` without user and password, else what the settings make of its name, else that.
    pub name: String,
    pub(crate) git: gix::Repository,
    pub(crate) branches: GlobSet,
    pub(crate) tags: GlobSet,
    pub(crate) with_stats: bool,
}

/// The repositories that settings name, in the order of their folders, and those that cannot be opened.
pub fn find(settings: &Settings) -> Result<Vec<Result<Repository, OpenError>>, OpenError> {
    let mut folders = Vec::new();
    for pattern in &settings.repositories {
        folders.extend(matching(pattern)?);
    }
    folders.sort();
    folders.dedup();
    if folders.is_empty() {
        return Err(OpenError::Nothing { patterns: settings.repositories.clone() });
    }
    let (branches, tags) = (globs(&settings.branches)?, globs(&settings.tags)?);
    Ok(folders.into_iter().map(|path| Repository::open(path, settings, branches.clone(), tags.clone())).collect())
}

impl Repository {
    fn open(path: PathBuf, settings: &Settings, branches: GlobSet, tags: GlobSet) -> Result<Self, OpenError> {
        // Whoever may read the folder may use its configuration: nothing in it is run.
        let options = gix::open::Options::isolated()
            .with(gix::sec::Trust::Full)
            .open_path_as_is(false)
            .config_overrides(["gitoxide.objects.noReplace=true", "core.useReplaceRefs=false"]);
        let mut git = match gix::open_opts(&path, options) {
            Ok(git) => git,
            Err(error) => return Err(OpenError::Repository { path, source: error.into() }),
        };
        git.object_cache_size(OBJECT_CACHE_BYTES);
        let name = name(&git, &path, settings);
        Ok(Self { path, name, git, branches, tags, with_stats: settings.stats })
    }
}

fn name(git: &gix::Repository, path: &Path, settings: &Settings) -> String {
    if let Some(url) = git.config_snapshot().string("remote.origin.url")
        && url.find("://").is_some() | url.find_byte(b'@').is_some()
    {
        return without_credentials(&text(&url));
    }
    let folder = if path.ends_with(".git") { path.parent().unwrap_or(path) } else { path };
    let folder = folder.file_name().unwrap_or_default().to_string_lossy();
    let name = folder.strip_suffix(".git").unwrap_or(&folder);
    settings.url.as_ref().map_or_else(|| name.to_owned(), |url| url.replace("{name}", name))
}

/// The user of an SSH address is no secret and part of it.
fn without_credentials(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    match authority.rsplit_once('@') {
        Some((user, host)) if !scheme.ends_with("ssh") || user.contains(':') => format!("{scheme}://{host}{path}"),
        _ => url.to_owned(),
    }
}

/// Folders of repositories that a pattern names: the folders that match, or the repositories below them.
fn matching(pattern: &str) -> Result<Vec<PathBuf>, OpenError> {
    let root = fixed(pattern);
    if root == Path::new(pattern) {
        return Ok(below(&root, &|_| true));
    }
    let globs = globs(&[pattern.to_owned()])?;
    Ok(below(&root, &|path| globs.is_match(path)))
}

/// The part of a pattern before its first wildcard.
fn fixed(pattern: &str) -> PathBuf {
    let parts = Path::new(pattern).components();
    parts.take_while(|part| !part.as_os_str().to_string_lossy().contains(['*', '?', '[', '{'])).collect()
}

/// Repositories at or below a folder; nothing is looked for within one.
fn below(root: &Path, is_wanted: &dyn Fn(&Path) -> bool) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut walk = WalkDir::new(root).max_depth(DEPTH_MAX).sort_by_file_name().into_iter();
    while let Some(entry) = walk.next() {
        let Ok(entry) = entry else { continue };
        if !entry.file_type().is_dir() && entry.depth() > 0 {
            continue;
        }
        if is_repository(entry.path()) {
            if is_wanted(entry.path()) || is_wanted(&entry.path().join(".git")) {
                found.push(entry.into_path());
            }
            walk.skip_current_dir();
        }
    }
    found
}

fn is_repository(path: &Path) -> bool {
    path.join(".git").exists() || (path.join("HEAD").is_file() && path.join("objects").is_dir())
}

fn globs(patterns: &[String]) -> Result<GlobSet, OpenError> {
    let mut set = GlobSetBuilder::new();
    for glob in patterns {
        let built = GlobBuilder::new(glob).literal_separator(true).build();
        set.add(built.map_err(|source| OpenError::Pattern { glob: glob.clone(), source })?);
    }
    set.build().map_err(|source| OpenError::Pattern { glob: patterns.join(" "), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_lose_their_secrets() {
        let urls = ["https://user:secret@host/a/b.git", "https://token@host/a", "git@host:a/b.git", "ssh://git@host/a"];
        let plain = ["https://host/a/b.git", "https://host/a", "git@host:a/b.git", "ssh://git@host/a"];
        assert_eq!(urls.map(without_credentials), plain.map(str::to_owned));
    }

    #[test]
    fn the_fixed_part_of_a_pattern() {
        let fixed = |pattern| fixed(pattern).display().to_string();
        assert_eq!(["/srv/git/*.git", "/srv/a", "**/x", "/srv/{a,b}/c"].map(fixed), ["/srv/git", "/srv/a", "", "/srv"]);
    }
}
