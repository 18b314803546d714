use super::*;
use crate::correlate::{KeyRules, claims, names};
use expect_test::{Expect, expect};

fn known(id: &str, document: &str) -> Known {
    let id: EntityId = id.parse().unwrap();
    let entity = Entity::read(&id.kind, document).unwrap();
    (id, entity)
}

/// Joins all with all, as a store does by its lookups.
fn join_all(all: &[Known]) -> Vec<String> {
    let mut lines = Vec::new();
    for from in all {
        for claim in claims(&from.0, &from.1, &KeyRules::default()) {
            let answers = |other: &&Known| {
                claim.name == Name::Entity(other.0.clone()) || names(&other.0, &other.1).contains(&claim.name)
            };
            let answering: Vec<Known> = all.iter().filter(answers).cloned().collect();
            match join(from, &claim, &answering) {
                Joined::Links(found) => lines.extend(found.iter().map(|link| {
                    format!("{} {} {} | {} {}\n", link.from, link.kind, link.to, link.reason, link.confidence)
                })),
                Joined::Ambiguous => lines.push(format!("{} {} ambiguous {}\n", from.0, claim.kind, claim.name.text())),
                Joined::Unanswered => {}
            }
        }
    }
    lines
}

#[expect(clippy::needless_pass_by_value, reason = "an `Expect` is written in place")]
fn check(all: &[(&str, &str)], expected: Expect) {
    let mut all: Vec<Known> = all.iter().map(|(id, document)| known(id, document)).collect();
    let lines = join_all(&all);
    expected.assert_eq(&lines.concat());
    all.reverse();
    let sorted = |mut lines: Vec<String>| {
        lines.sort();
        lines
    };
    assert_eq!(sorted(join_all(&all)), sorted(lines), "the order of arrival changed the links");
}

const A: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const B: &str = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";
const D: &str = "sha256:dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd";

#[test]
fn work_items_changes_and_commits() {
    let item = r#"{"handle":"PROJ-9"}"#;
    let azure = r##"{"handle":"#88","project":"Shop","url":"https://dev.azure.com/o/Shop/_workitems/edit/88"}"##;
    let change = format!(
        r##"{{"handle":"#42","repository":{{"key":"Acme/api"}},"title":"PROJ-9 add cache (AB#88)","head_branch":"proj-9-cache",
        "description":"Fixes #7, see other/lib#3","merge_commit":"{A}"}}"##
    );
    let revert = r##"{"handle":"#43","repository":{"key":"Acme/api"},"title":"Revert \"PROJ-9 add cache\"","description":"Reverts acme/api#42"}"##;
    let commit =
        format!(r#"{{"repositories":[{{"name":"acme/api"}}],"message":"Revert\n\nThis reverts commit {A}."}}"#);
    check(
        &[
            ("work-item:jira:10", item),
            ("work-item:azure:88", azure),
            ("work-item:gh:acme/api#7", r##"{"handle":"#7","project":"acme/api"}"##),
            ("work-item:gh:acme/web#7", r##"{"handle":"#7","project":"acme/web"}"##),
            ("change:gh:acme/api#42", &change),
            ("change:gh:acme/api#43", revert),
            (&format!("commit::{A}"), r#"{"repositories":[{"name":"acme/api"}],"message":"PROJ-9 add cache (#42)"}"#),
            (&format!("commit::{B}"), &commit),
        ],
        expect![[r"
            change:gh:acme/api#42 mentions work-item:jira:10 | title 0.8
            change:gh:acme/api#42 mentions work-item:azure:88 | title 0.8
            change:gh:acme/api#42 mentions work-item:jira:10 | branch 0.8
            change:gh:acme/api#42 closes work-item:gh:acme/api#7 | body 0.8
            change:gh:acme/api#42 contains commit::aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa | merge-commit 1
            change:gh:acme/api#43 reverts work-item:jira:10 | title 0.8
            change:gh:acme/api#43 reverts change:gh:acme/api#42 | body 0.8
            commit::aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa mentions work-item:jira:10 | message 0.8
            commit::aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa mentions change:gh:acme/api#42 | message 0.8
            commit::bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb reverts commit::aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa | message 1
        "]],
    );
}

#[test]
fn builds() {
    let checkout = |branch: &str| {
        format!(
            r#"{{"checkouts":[{{"repository":{{"name":"https://git.example.com/acme/api.git"}},"branch":"{branch}","commit":"{A}"}}],
            "commits":["{B}"],"started_at":"2026-03-02T11:00:00Z"}}"#
        )
    };
    let tried = format!(r#"{{"parents":["{B}","{A}"],"message":"Merge {A} into {B}"}}"#);
    let change = r##"{"handle":"#17","repository":{"key":"acme/api"},"head_branch":"fix","created_at":"2026-03-02T10:00:00Z","merged_at":"2026-03-02T12:00:00Z"}"##;
    let before = r##"{"handle":"#16","repository":{"key":"acme/api"},"head_branch":"fix","created_at":"2026-03-01T10:00:00Z","closed_at":"2026-03-01T12:00:00Z"}"##;
    check(
        &[
            (&format!("commit::{A}"), "{}"),
            (&format!("commit::{B}"), "{}"),
            (&format!("commit::{}", "c".repeat(40)), &tried),
            ("change:gh:acme/api#17", change),
            ("change:gh:acme/api#16", before),
            ("build:ci:pr/1", &checkout("PR-17")),
            ("build:ci:fix/1", &checkout("fix")),
            ("build:ci:late/1", &checkout("fix").replace("T11", "T13")),
            ("test-report:ci:t", r#"{"build":{"key":"pr/1"}}"#),
        ],
        expect![[r"
            commit::cccccccccccccccccccccccccccccccccccccccc stands-for commit::aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa | merge-revision 1
            build:ci:pr/1 builds commit::aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa | head-revision 1
            build:ci:pr/1 builds commit::bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb | change-list 0.8
            build:ci:pr/1 builds change:gh:acme/api#17 | branch-name 0.8
            build:ci:fix/1 builds commit::aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa | head-revision 1
            build:ci:fix/1 builds commit::bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb | change-list 0.8
            build:ci:fix/1 builds change:gh:acme/api#17 | source-branch 0.5
            build:ci:late/1 builds commit::aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa | head-revision 1
            build:ci:late/1 builds commit::bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb | change-list 0.8
            test-report:ci:t tests build:ci:pr/1 | stated 1
        "]],
    );
}

#[test]
fn artifacts_and_deployments() {
    let image = |location: &str, digest: &str, version: &str| {
        format!(
            r#"{{"kind":"image","name":"acme/api","location":"{location}","version":"{version}","digest":"{digest}","build":{{"key":"b/1"}},"commits":["{A}"]}}"#
        )
    };
    let other = D.replace('d', "e");
    let deployment = |artifact: &str| format!(r#"{{"service":"shop","artifacts":[{{"name":"{artifact}"}}]}}"#);
    check(
        &[
            (&format!("commit::{A}"), "{}"),
            ("build:ci:b/1", "{}"),
            ("artifact:ci:1", &image("registry.example.com", D, "1.2")),
            ("artifact:ci:2", &image("mirror.example.com", &other, "1.3")),
            ("artifact:ci:3", &image("other.example.com", D, "1.3")),
            ("artifact:ci:4", &image("registry.example.com", D, "latest")),
            ("artifact:ci:5", r#"{"purl":"pkg:npm/api@1.0.0"}"#),
            (
                "deployment:cd:digest",
                &deployment(&format!(
                    "registry.example.com/acme/api:9@{}",
                    D.to_uppercase().replace("SHA256", "sha256")
                )),
            ),
            ("deployment:cd:located", &deployment("registry.example.com/acme/api:1.2")),
            ("deployment:cd:named", &deployment("api:1.2")),
            ("deployment:cd:ambiguous", &deployment("api:1.3")),
            ("deployment:cd:mutable", &deployment("registry.example.com/acme/api:latest")),
            ("deployment:cd:purl", &deployment("pkg:npm/api@1.0.0")),
        ],
        expect![[r"
            artifact:ci:1 built-by build:ci:b/1 | stated 1
            artifact:ci:1 built-from commit::aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa | revision 1
            artifact:ci:2 built-by build:ci:b/1 | stated 1
            artifact:ci:2 built-from commit::aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa | revision 1
            artifact:ci:3 built-by build:ci:b/1 | stated 1
            artifact:ci:3 built-from commit::aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa | revision 1
            artifact:ci:4 built-by build:ci:b/1 | stated 1
            artifact:ci:4 built-from commit::aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa | revision 1
            deployment:cd:digest deploys artifact:ci:1 | digest 1
            deployment:cd:digest deploys artifact:ci:3 | digest 1
            deployment:cd:digest deploys artifact:ci:4 | digest 1
            deployment:cd:located deploys artifact:ci:1 | located 0.8
            deployment:cd:located deploys artifact:ci:1 | name 0.5
            deployment:cd:named deploys artifact:ci:1 | name 0.5
            deployment:cd:ambiguous deploys ambiguous */api:1.3
            deployment:cd:purl deploys artifact:ci:5 | located 0.8
        "]],
    );
}

#[test]
fn incidents() {
    let incident = format!(
        r#"{{"handle":"INC0010001","services":["shop"],"title":"Down, caused by deployment:cd:D2","description":"Root cause: {A}. See CHG0030001",
        "deployments":[{{"deployment":{{"key":"D1"}},"kind":"fixed"}}],"work_item":{{"name":"PROJ-1"}}}}"#
    );
    check(
        &[
            (&format!("commit::{A}"), r#"{"message":"hotfix for INC0010001"}"#),
            ("work-item:now:c", r#"{"handle":"CHG0030001"}"#),
            ("work-item:jira:1", r#"{"handle":"PROJ-1"}"#),
            ("deployment:now:D1", "{}"),
            ("deployment:cd:D2", "{}"),
            ("incident:now:i", &incident),
        ],
        expect![[r"
            commit::aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa mentions incident:now:i | message 0.8
            incident:now:i fixed-by deployment:now:D1 | stated 1
            incident:now:i same-as work-item:jira:1 | stated 1
            incident:now:i caused-by deployment:cd:D2 | id 1
            incident:now:i mentions work-item:now:c | body 0.8
            incident:now:i caused-by commit::aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa | root-cause 1
        "]],
    );
}
