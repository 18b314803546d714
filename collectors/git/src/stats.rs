//! Lines added and removed, as `git log --numstat --no-renames --minimal` counts them, and a name of what changes.

use gix::ObjectId;
use gix::bstr::BString;
use gix::diff::tree::recorder::Change;
use gix::diff::tree::{Recorder, State};
use gix::objs::TreeRefIter;
use gix::objs::tree::EntryMode;
use weir_protocol::FileStat;

use crate::lines;
use crate::report::text;

/// Most files of one commit whose lines are counted; nobody reviews an import of more.
const FILES_MAX: usize = 10_000;
/// Largest file whose lines are counted, in bytes; git's own limit is 512 MiB.
const FILE_BYTES_MAX: u64 = 64 << 20;
/// Most bytes of a file, before and after, whose lines are compared to name a patch.
const PATCH_BYTES_MAX: usize = 8 << 20;
/// Bytes at the beginning of a file in which a NUL makes it a binary one, as for git.
const BINARY_HEAD_BYTES: usize = 8_000;

type Failed = Box<dyn std::error::Error + Send + Sync>;

/// How two trees differ.
pub(crate) struct Counted {
    /// Files with their lines.
    pub(crate) files: Vec<FileStat>,
    /// Name of what changes, whatever stands around it: the same for the same change to another tree. None where no line
    /// does, or too much.
    pub(crate) patch_id: Option<String>,
}

/// Files that differ between two trees, with their lines.
pub(crate) fn count(git: &gix::Repository, before: Option<ObjectId>, after: ObjectId) -> Result<Counted, Failed> {
    let empty = gix::objs::Data { kind: gix::objs::Kind::Tree, object_hash: git.object_hash(), data: &[] };
    let after = git.find_tree(after)?;
    let before = before.map(|tree| git.find_tree(tree)).transpose()?;
    let hash = git.object_hash();
    let old = before.as_ref().map_or(empty.data, |tree| tree.data.as_slice());
    let mut recorder = Recorder::default();
    let trees = (TreeRefIter::from_bytes(old, hash), TreeRefIter::from_bytes(&after.data, hash));
    gix::diff::tree(trees.0, trees.1, State::default(), &git.objects, &mut recorder)?;
    let mut files = recorder.records.into_iter().filter_map(file).collect::<Vec<_>>();
    files.sort_by(|one, other| one.path.cmp(&other.path));
    let mut patch = (files.len() <= FILES_MAX).then(Patch::new);
    let files = files.into_iter().map(|file| file.counted(git, patch.as_mut())).collect::<Result<_, _>>()?;
    let patch_id = patch.map(Patch::id).transpose()?.flatten();
    Ok(Counted { files, patch_id })
}

/// What changes, file by file in the order of their paths: lines without white space that are there more or less often
/// than before. Unlike that of `git patch-id` its name does not depend on how a diff is cut, nor on lines around it.
struct Patch {
    hasher: gix::hash::Hasher,
    is_empty: bool,
}

impl Patch {
    fn new() -> Self {
        Self { hasher: gix::hash::hasher(gix::hash::Kind::Sha256), is_empty: true }
    }

    fn text(&mut self, path: &[u8], before: &[u8], after: &[u8]) {
        let surplus = lines::surplus(before, after);
        if surplus.is_empty() {
            return;
        }
        self.file(path);
        for (line, by) in surplus {
            self.hasher.update(format!("{by:+} ").as_bytes());
            self.hasher.update(&line);
            self.hasher.update(b"\n");
        }
    }

    /// Of what is no text, or a long one, what it becomes.
    fn whole(&mut self, path: &[u8], after: Option<Side>) {
        self.file(path);
        let becomes = after.map_or_else(|| "none".to_owned(), |side| side.id.to_string());
        self.hasher.update(becomes.as_bytes());
        self.hasher.update(b"\n");
    }

    fn file(&mut self, path: &[u8]) {
        self.is_empty = false;
        self.hasher.update(path);
        self.hasher.update(b"\0");
    }

    fn id(self) -> Result<Option<String>, Failed> {
        let id = self.hasher.try_finalize()?;
        Ok((!self.is_empty).then(|| id.to_string()))
    }
}

/// One side of a changed file.
#[derive(Clone, Copy)]
struct Side {
    id: ObjectId,
    mode: EntryMode,
}

struct Changed {
    path: BString,
    before: Option<Side>,
    after: Option<Side>,
}

/// A changed file; folders are told by what is in them.
fn file(change: Change) -> Option<Changed> {
    let changed = match change {
        Change::Addition { entry_mode, oid, path, .. } => {
            Changed { path, before: None, after: Some(Side { id: oid, mode: entry_mode }) }
        }
        Change::Deletion { entry_mode, oid, path, .. } => {
            Changed { path, before: Some(Side { id: oid, mode: entry_mode }), after: None }
        }
        Change::Modification { previous_entry_mode, previous_oid, entry_mode, oid, path } => Changed {
            path,
            before: Some(Side { id: previous_oid, mode: previous_entry_mode }),
            after: Some(Side { id: oid, mode: entry_mode }),
        },
    };
    // A file that became a folder comes as both a change of the name and additions below it.
    let without_tree = |side: Option<Side>| side.filter(|side| !side.mode.is_tree());
    let changed = Changed { before: without_tree(changed.before), after: without_tree(changed.after), ..changed };
    (changed.before.is_some() || changed.after.is_some()).then_some(changed)
}

impl Changed {
    fn counted(self, git: &gix::Repository, patch: Option<&mut Patch>) -> Result<FileStat, Failed> {
        let status = match (self.before, self.after) {
            (None, _) => "added",
            (_, None) => "removed",
            (Some(_), Some(_)) => "modified",
        };
        let lines = patch.map(|patch| self.lines(git, patch)).transpose()?.flatten();
        let (additions, deletions) = lines.unzip();
        Ok(FileStat { path: text(&self.path), status: status.to_owned(), additions, deletions })
    }

    /// Lines added and removed; none for a binary or huge file.
    fn lines(&self, git: &gix::Repository, patch: &mut Patch) -> Result<Option<(u32, u32)>, Failed> {
        let (Some(before), Some(after)) = (content(git, self.before)?, content(git, self.after)?) else {
            patch.whole(&self.path, self.after);
            return Ok(None);
        };
        if before.len() + after.len() > PATCH_BYTES_MAX {
            patch.whole(&self.path, self.after);
        } else {
            patch.text(&self.path, &before, &after);
        }
        Ok(lines::changed(&before, &after))
    }
}

/// What one side of a file holds; none when that is no text.
fn content(git: &gix::Repository, side: Option<Side>) -> Result<Option<Vec<u8>>, Failed> {
    let Some(side) = side else { return Ok(Some(Vec::new())) };
    if side.mode.is_commit() {
        // What git shows of another repository that is checked out here.
        return Ok(Some(format!("Subproject commit {}\n", side.id).into_bytes()));
    }
    if git.find_header(side.id)?.size() > FILE_BYTES_MAX {
        return Ok(None);
    }
    let bytes = git.find_object(side.id)?.detach().data;
    let is_binary = bytes.iter().take(BINARY_HEAD_BYTES).any(|byte| *byte == 0);
    Ok((!is_binary).then_some(bytes))
}
