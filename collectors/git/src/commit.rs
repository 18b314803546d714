//! One commit as a report.
//!
//! Invariant: what git cannot read of it is named in its diagnostics; its id is always told.

use encoding_rs::Encoding;
use gix::ObjectId;
use gix::objs::CommitRef;
use weir_protocol::{Commit, Diagnostic};

use crate::report::{Report, chain, diagnostic, instant, text};
use crate::{Repository, stats};

impl Repository {
    /// Reports a commit.
    pub(crate) fn commit(&self, id: ObjectId) -> Report {
        let mut commit = Commit { sha: id.to_string(), repository: Some(self.name.clone()), ..Commit::default() };
        match self.git.find_commit(id) {
            Ok(object) => match object.decode() {
                Ok(decoded) => self.fill(&mut commit, &decoded),
                Err(error) => commit.diagnostics.push(diagnostic("damaged", "commit", chain(&error))),
            },
            Err(error) => commit.diagnostics.push(diagnostic("unreadable", "commit", chain(&error))),
        }
        Report::new(format!("{}@{}", commit.sha, self.name), &commit)
    }

    fn fill(&self, commit: &mut Commit, decoded: &CommitRef<'_>) {
        let parents: Vec<ObjectId> = decoded.parents().collect();
        commit.parents = Some(parents.iter().map(ToString::to_string).collect());
        let author = person(decoded.author(), "author", &mut commit.diagnostics);
        (commit.author_name, commit.author_email, commit.authored_at) = author;
        let committer = person(decoded.committer(), "committer", &mut commit.diagnostics);
        (commit.committer_name, commit.committer_email, commit.committed_at) = committer;
        commit.message = Some(message(decoded, &mut commit.diagnostics));
        if self.with_stats {
            self.count(commit, decoded.tree(), &parents);
        }
    }

    /// Counts lines against the only parent. A merge has none of its own: what it brings was counted where it was made.
    fn count(&self, commit: &mut Commit, tree: ObjectId, parents: &[ObjectId]) {
        let before = match parents {
            [] => None,
            [parent] if !self.git.has_object(parent) => {
                let message = "its parent is not in this repository, so its lines are not counted";
                return commit.diagnostics.push(diagnostic("shallow", "parents", message));
            }
            [parent] => match self.git.find_commit(*parent).and_then(|parent| parent.tree_id().map(gix::Id::detach)) {
                Ok(tree) => Some(tree),
                Err(error) => return commit.diagnostics.push(diagnostic("unreadable", "parent", chain(&error))),
            },
            _ => return,
        };
        match stats::count(&self.git, before, tree) {
            Ok(stats::Counted { files, patch_id }) => {
                commit.lines_added = Some(files.iter().filter_map(|file| file.additions).map(u64::from).sum());
                commit.lines_removed = Some(files.iter().filter_map(|file| file.deletions).map(u64::from).sum());
                (commit.files, commit.patch_id) = (files, patch_id);
            }
            Err(error) => commit.diagnostics.push(diagnostic("unreadable", "files", chain(&*error))),
        }
    }
}

type Person = (Option<String>, Option<String>, Option<String>);

fn person(read: gix::Result<gix::actor::SignatureRef<'_>>, role: &str, diagnostics: &mut Vec<Diagnostic>) -> Person {
    let signature = match read {
        Ok(signature) => signature.trim(),
        Err(error) => {
            diagnostics.push(diagnostic("damaged", role, chain(&error)));
            return Person::default();
        }
    };
    let at = signature.time().ok().and_then(instant);
    if at.is_none() {
        diagnostics.push(diagnostic("bad-time", role, signature.time));
    }
    let stated = |bytes: &[u8]| Some(text(bytes)).filter(|text| !text.is_empty());
    (stated(signature.name), stated(signature.email), at)
}

/// The message in the encoding its header names.
fn message(decoded: &CommitRef<'_>, diagnostics: &mut Vec<Diagnostic>) -> String {
    let label = decoded.encoding.map(|label| text(label));
    let encoding = label.as_ref().and_then(|label| Encoding::for_label(label.as_bytes()));
    if let Some(label) = label.filter(|_| encoding.is_none()) {
        diagnostics.push(diagnostic("encoding", "message", format!("unknown encoding `{label}`, read as UTF-8")));
    }
    let (message, was_replaced) = encoding.unwrap_or(encoding_rs::UTF_8).decode_without_bom_handling(decoded.message);
    if was_replaced {
        diagnostics.push(diagnostic("encoding", "message", "holds bytes that are no text, replaced"));
    }
    message.into_owned()
}
