//! Code: repositories, commits, changes, reviews.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::parts::{Identity, Reference};
use super::words::{ChangeKind, ChangeState, FileChangeKind, MergeMethod, ReviewVerdict};
use crate::id::ObjectId;
use crate::time::Timestamp;
entity!(
    /// A version-controlled code base.
    Repository {
        /// Full name as people read it: "owner/name".
        one name: String,
        /// Page for people.
        one url: String,
        /// Every URL it can be cloned from. Joins builds and repositories of different tools; the host drops scheme, user, password, port and ".git" before comparing.
        list remotes: String,
        /// Organisation or user it belongs to.
        one owner: String,
        /// Short description.
        one description: String,
        /// Branch that work is merged to, without "refs/heads/".
        one default_branch: String,
        /// Programming languages, most used first.
        list languages: String,
        /// Repository it was forked from.
        one forked_from: Reference,
        /// Read-only upstream.
        one archived: bool,
        /// Created upstream.
        one created_at: Timestamp,
        /// Last changed upstream.
        one updated_at: Timestamp,
    }
);

entity!(
    /// One commit.
    Commit {
        /// Repositories it was seen in.
        list repositories: Reference,
        /// Object ids of its parents, first parent first.
        whole parents: ObjectId,
        /// Who wrote it.
        one author: Reference,
        /// When it was written.
        one authored_at: Timestamp,
        /// Who put it into the repository.
        one committer: Reference,
        /// When it was put there.
        one committed_at: Timestamp,
        /// Whole message.
        one message: String,
        /// Lines added over all files.
        one additions: u32,
        /// Lines removed over all files.
        one deletions: u32,
        /// Files touched.
        list files: FileChange,
        /// Name of what it changes, whatever stands around it: equal for a cherry-pick. Made by who read the commit.
        one patch_id: String,
        /// Branches and tags pointing here.
        list refs: CommitRef,
    }
);

entity!(
    /// A pull request, merge request, or push.
    Change {
        /// Kind of change.
        one kind: ChangeKind,
        /// Handle as people write it: "#42", "!7".
        one handle: String,
        /// Repository it is meant for.
        one repository: Reference,
        /// Repository it comes from, when another.
        one head_repository: Reference,
        /// Page for people.
        one url: String,
        /// Title.
        one title: String,
        /// Description.
        one description: String,
        /// Where it stands.
        one state: ChangeState,
        /// The tool's word for the state.
        one state_word: String,
        /// Not ready for review.
        one draft: bool,
        /// Who opened or pushed it.
        one author: Reference,
        /// Who merged it.
        one merged_by: Reference,
        /// People it is assigned to.
        list assignees: Reference,
        /// People asked to review.
        list reviewers: Reference,
        /// Labels.
        list labels: String,
        /// Branch it is meant for, without "refs/heads/".
        one base_branch: String,
        /// Branch it comes from, without "refs/heads/".
        one head_branch: String,
        /// Object id the base had.
        one base_commit: ObjectId,
        /// Newest object id of the head.
        one head_commit: ObjectId,
        /// Object id that delivered it on the base branch: merge, squash or last replayed commit.
        one merge_commit: ObjectId,
        /// How it was merged.
        one merge_method: MergeMethod,
        /// Object ids of its commits.
        list commits: ObjectId,
        /// Lines added.
        one additions: u32,
        /// Lines removed.
        one deletions: u32,
        /// Files touched.
        one files_changed: u32,
        /// Work items the tool itself links. The host finds those named in texts.
        list work_items: Reference,
        /// Change it was picked or reverted from.
        one derived_from: Reference,
        /// Opened or pushed.
        one created_at: Timestamp,
        /// Last changed upstream.
        one updated_at: Timestamp,
        /// First moment it was not a draft.
        one ready_at: Timestamp,
        /// Merged.
        one merged_at: Timestamp,
        /// Closed, merged or not.
        one closed_at: Timestamp,
    }
);

entity!(
    /// One review of a change, or one comment on it.
    Review {
        /// Change it belongs to.
        one change: Reference,
        /// Who wrote it.
        one author: Reference,
        /// Verdict. None for a plain comment.
        one verdict: ReviewVerdict,
        /// The tool's word for the verdict.
        one verdict_word: String,
        /// Review this comment is part of.
        one parent: Reference,
        /// Object id it speaks about.
        one commit: ObjectId,
        /// File it speaks about, for a comment on a line.
        one path: String,
        /// Text.
        one body: String,
        /// Page for people.
        one url: String,
        /// Submitted.
        one submitted_at: Timestamp,
        /// Last changed upstream.
        one updated_at: Timestamp,
    }
);

/// One file of a commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FileChange {
    /// Path in the repository after the commit, "/" between parts.
    pub path: String,
    /// Path before, for `renamed` and `copied`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous_path: Option<String>,
    /// What happened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<FileChangeKind>,
    /// Lines added.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub additions: Option<u32>,
    /// Lines removed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deletions: Option<u32>,
}

impl Identity for FileChange {
    type Id = String;

    fn identity(&self) -> Self::Id {
        self.path.clone()
    }
}

/// A branch or tag that points at a commit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CommitRef {
    /// Full name: "refs/heads/main", "refs/tags/v1.2.0".
    pub name: String,
    /// When the ref was made or moved here: tagger date, push time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
}

impl Identity for CommitRef {
    type Id = String;

    fn identity(&self) -> Self::Id {
        self.name.clone()
    }
}
