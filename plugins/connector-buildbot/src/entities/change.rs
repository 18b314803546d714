//! A change that was new in a build: a commit, and that the build has it.

use std::borrow::Cow;

use serde::Deserialize;
use weir_sdk::model::entity::FileChange;
use weir_sdk::prelude::*;

use super::{OBJECT_ID_LEN, person};
use crate::context::without_credentials;

/// A change.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct ChangeJson<'a> {
    #[serde(borrow)]
    revision: Text<'a>,
    #[serde(borrow)]
    repository: Text<'a>,
    #[serde(borrow)]
    author: Text<'a>,
    #[serde(borrow)]
    committer: Text<'a>,
    #[serde(borrow)]
    comments: Text<'a>,
    when_timestamp: Instant,
    #[serde(borrow)]
    files: List<Cow<'a, str>>,
}

/// Revisions that are no object ids are numbers of other systems, and no commits.
pub(crate) fn change(json: ChangeJson<'_>, raw: &Raw<'_>) -> Outcome {
    let build = raw.key().split('/').next().unwrap_or_default().to_owned();
    let Some(revision) = raw.filled("/revision", json.revision) else { return raw.missing("/revision") };
    let id = ObjectId::new(&revision).filter(|id| id.as_str().len() >= OBJECT_ID_LEN);
    let Some(id) = id else { return Outcome::ignored("buildbot.change.no-object-id") };
    let repository = raw.filled("/repository", json.repository);
    let author = raw.take("/author", json.author);
    let committer = raw.take("/committer", json.committer);
    let files = raw.list("/files", json.files).into_iter().map(|path| FileChange {
        path: path.into_owned(),
        previous_path: None,
        kind: None,
        additions: None,
        deletions: None,
    });
    let commit = Commit::default()
        .repositories(repository.map(|url| Reference::Name(without_credentials(&url))))
        .author(author.as_deref().and_then(person))
        .committer(committer.as_deref().and_then(person))
        .committed_at(raw.take("/when_timestamp", json.when_timestamp))
        .message(raw.filled("/comments", json.comments))
        .files(files);
    let key = id.as_str().to_owned();
    Produced::default().with(key, &commit).with(build, &Build::default().commits([id])).into()
}
