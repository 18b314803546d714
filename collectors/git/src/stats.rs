//! Lines added and removed, as `git log --numstat --no-renames --minimal` counts them.

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
/// Bytes at the beginning of a file in which a NUL makes it a binary one, as for git.
const BINARY_HEAD_BYTES: usize = 8_000;

type Failed = Box<dyn std::error::Error + Send + Sync>;

/// Files that differ between two trees, with their lines.
pub(crate) fn count(git: &gix::Repository, before: Option<ObjectId>, after: ObjectId) -> Result<Vec<FileStat>, Failed> {
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
    let counts_lines = files.len() <= FILES_MAX;
    files.into_iter().map(|file| file.counted(git, counts_lines)).collect()
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
    fn counted(self, git: &gix::Repository, counts_lines: bool) -> Result<FileStat, Failed> {
        let status = match (self.before, self.after) {
            (None, _) => "added",
            (_, None) => "removed",
            (Some(_), Some(_)) => "modified",
        };
        let lines = if counts_lines { self.lines(git)? } else { None };
        let (additions, deletions) = lines.unzip();
        Ok(FileStat { path: text(&self.path), status: status.to_owned(), additions, deletions })
    }

    /// Lines added and removed; none for a binary or huge file.
    fn lines(&self, git: &gix::Repository) -> Result<Option<(u32, u32)>, Failed> {
        let (Some(before), Some(after)) = (content(git, self.before)?, content(git, self.after)?) else {
            return Ok(None);
        };
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
