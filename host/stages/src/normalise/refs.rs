//! Branches and tags of repositories on disk: each says to which commit it points.
//!
//! A ref is a record of its own, so that a ref that moves leaves the one commit and comes to the other.

use weir_model::entity::{AttributeValue, Commit, CommitRef};
use weir_model::{DiagnosticKind, EntityKind};

use super::Produced;
use super::commits::repository;
use super::fields::Fields;

/// Attribute of the commit that a ref points to since its history was rewritten: the commit before.
const REWRITTEN_ATTRIBUTE: &str = "git.rewritten_from";

/// Key of the raw record; none for what is no ref.
pub(super) fn record_key(fields: &mut Fields<'_>) -> Option<String> {
    let name = fields.text(&["ref"])?;
    Some(match repository(fields).first() {
        Some(repository) => format!("{name}@{}", repository.text()),
        None => name,
    })
}

pub(super) fn read(fields: &mut Fields<'_>) -> Vec<Produced> {
    let (name, sha) = (fields.text(&["ref"]), fields.object_id(&["sha"]));
    let (Some(name), Some(sha)) = (name, sha) else {
        fields.note(DiagnosticKind::Missing, "sha", "");
        return Vec::new();
    };
    let at = fields.time(&["at"]);
    let mut commit = Commit::default().repositories(repository(fields)).refs([CommitRef { name, at }]);
    if fields.boolean(&["rewritten"]) == Some(true)
        && let Some(previous) = fields.text(&["previous"])
    {
        commit.attributes.insert(REWRITTEN_ATTRIBUTE.to_owned(), AttributeValue::Text(previous));
    }
    vec![Produced::new(EntityKind::Commit, sha.as_str().to_owned(), commit)]
}

#[cfg(test)]
mod tests {
    use super::super::tests::check;
    use super::super::{Format, record_key};
    use expect_test::expect;

    #[test]
    fn a_ref_is_said_of_its_commit() {
        check(
            Format::Commits,
            &[
                r#"{"ref":"refs/tags/v1","sha":"001aaada7dab82c3c09cde5f8e14245dc9d8b454","repository":"https://u:p@git.acme.example/api.git","at":"2026-01-02T03:04:05+01:00"}"#,
                r#"{"ref":"refs/heads/main","sha":"001aaada7dab82c3c09cde5f8e14245dc9d8b454","repository":"api","at":null,"previous":"c77b3cb39312b83b053d23a2158b99ac7de44dd3","rewritten":true}"#,
                r#"{"ref":"refs/heads/main","repository":"api"}"#,
            ],
            expect![[r#"
                commit::001aaada7dab82c3c09cde5f8e14245dc9d8b454 {"repositories":[{"name":"https://git.acme.example/api.git"}],"refs":[{"name":"refs/tags/v1","at":"2026-01-02T03:04:05.000+01:00"}]}
                commit::001aaada7dab82c3c09cde5f8e14245dc9d8b454 {"repositories":[{"name":"api"}],"refs":[{"name":"refs/heads/main"}],"attributes":{"git.rewritten_from":"c77b3cb39312b83b053d23a2158b99ac7de44dd3"}}
                Rejected
                ! Missing commits.sha 
            "#]],
        );
    }

    #[test]
    fn the_same_commit_in_two_repositories_is_two_records() {
        let key = |json: &str| record_key(Format::Commits, serde_json::from_str(json).as_ref().unwrap()).unwrap().key;
        let sha = "001aaada7dab82c3c09cde5f8e14245dc9d8b454";
        assert_eq!(key(&format!(r#"{{"sha":"{sha}"}}"#)), sha);
        assert_eq!(key(&format!(r#"{{"sha":"{sha}","repository":"api"}}"#)), format!("{sha}@api"));
        let of_ref = format!(r#"{{"ref":"refs/heads/main","sha":"{sha}","repository":"api"}}"#);
        assert_eq!(key(&of_ref), "refs/heads/main@api");
    }
}
