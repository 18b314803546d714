use super::*;
use expect_test::{Expect, expect};

#[expect(clippy::needless_pass_by_value, reason = "an `Expect` is written in place")]
fn check(rules: &KeyRules, projects: &[&str], texts: &[(TextSource, &str)], expected: Expect) {
    let line = |(source, text): &(TextSource, &str)| {
        let knows = |project: &str| projects.contains(&project);
        let show = |key: &FoundKey| {
            let sure = standing(key, rules, knows, !projects.is_empty())?;
            Some(format!(" {} {} {sure} {}", key.key, key.relation.as_str(), key.reason))
        };
        let keys: Vec<String> = keys_in(text, *source, rules).iter().filter_map(show).collect();
        format!("{text} ->{}\n", keys.join(","))
    };
    expected.assert_eq(&texts.iter().map(line).collect::<String>());
}

#[test]
fn keys_of_known_projects() {
    use TextSource::{Body, Branch, Commit, Title};
    let texts = [
        (Title, "PROJ-12: fix login"),
        (Branch, "feature/PROJ-12_fix"),
        (Branch, "proj-12-fix"),
        (Commit, "see proj-12"),
        (Commit, "UTF-8, SHA-256, ISO-8601, COVID-19"),
        (Commit, "CVE-2021-44228 and PROJ-7"),
        (Title, "PROJ-1, PROJ-2/PROJ-10"),
        (Title, "PROJ-123"),
        (Title, "PROJ-0, PROJ-012, XPROJ-1"),
        (Body, "https://host/browse/PROJ-5?x=1"),
        (Title, "Revert \"PROJ-9 add cache\""),
        (Title, "Revert \"Add cache (#9)\" (#12)"),
        (Body, "Reverts acme/api#9, see #10"),
        (Commit, "Merge branch 'PROJ-3' into main"),
        (Commit, "Merge pull request #5 from ana/PROJ-3b"),
        (Commit, "PROJ-3b, then PROJ-3"),
        (Title, "OLD_PROJ-4 PROJ-4"),
        (Title, "A_PROJ-4"),
        (Body, "Fixes #42, o/r#43; GH-44"),
        (Body, "#17 !17 &#39; #12 and issue#9 x!8"),
        (Body, "AB#88 INC0010001 CHG0030001 INC12"),
    ];
    check(
        &KeyRules::default(),
        &["PROJ"],
        &texts,
        expect![[r#"
        PROJ-12: fix login -> PROJ-12 mentions 0.8 title
        feature/PROJ-12_fix -> PROJ-12 mentions 0.8 branch
        proj-12-fix -> PROJ-12 mentions 0.8 branch
        see proj-12 ->
        UTF-8, SHA-256, ISO-8601, COVID-19 ->
        CVE-2021-44228 and PROJ-7 -> PROJ-7 mentions 0.8 message
        PROJ-1, PROJ-2/PROJ-10 -> PROJ-1 mentions 0.8 title, PROJ-2 mentions 0.8 title, PROJ-10 mentions 0.8 title
        PROJ-123 -> PROJ-123 mentions 0.8 title
        PROJ-0, PROJ-012, XPROJ-1 ->
        https://host/browse/PROJ-5?x=1 -> PROJ-5 mentions 0.8 body
        Revert "PROJ-9 add cache" -> PROJ-9 reverts 0.8 title
        Revert "Add cache (#9)" (#12) -> #9 reverts 0.8 title, #12 mentions 0.8 title
        Reverts acme/api#9, see #10 -> acme/api#9 reverts 0.8 body, #10 mentions 0.8 body
        Merge branch 'PROJ-3' into main -> PROJ-3 mentions 0.5 merge-message
        Merge pull request #5 from ana/PROJ-3b -> #5 mentions 0.5 merge-message, PROJ-3 mentions 0.4 near-key
        PROJ-3b, then PROJ-3 -> PROJ-3 mentions 0.8 message
        OLD_PROJ-4 PROJ-4 -> PROJ-4 mentions 0.8 title
        A_PROJ-4 -> PROJ-4 mentions 0.8 title
        Fixes #42, o/r#43; GH-44 -> #42 closes 0.8 body, o/r#43 mentions 0.8 body, #44 mentions 0.8 body
        #17 !17 &#39; #12 and issue#9 x!8 -> #17 mentions 0.8 body, !17 mentions 0.8 body, #12 mentions 0.8 body
        AB#88 INC0010001 CHG0030001 INC12 -> AB#88 mentions 0.8 body, INC0010001 mentions 0.8 body, CHG0030001 mentions 0.8 body
    "#]],
    );
}

#[test]
fn without_a_tracker_every_key_is_a_guess() {
    let texts = [
        (TextSource::Title, "ABC-7 over UTF-8, and A_BC-8"),
        (TextSource::Branch, "abc-7-é"),
        (TextSource::Commit, "é-1 -2 A-3 GH-4"),
        (TextSource::Commit, "TICKET-5 FOO-6"),
    ];
    let rules = KeyRules { stop: BTreeSet::from(["TICKET".to_owned()]), ..KeyRules::default() };
    check(
        &rules,
        &[],
        &texts,
        expect![[r"
        ABC-7 over UTF-8, and A_BC-8 -> ABC-7 mentions 0.5 title, A_BC-8 mentions 0.5 title
        abc-7-é -> ABC-7 mentions 0.5 branch
        é-1 -2 A-3 GH-4 -> #4 mentions 0.8 message
        TICKET-5 FOO-6 -> FOO-6 mentions 0.5 message
    "]],
    );
}

#[test]
fn a_project_may_be_called_like_a_standard() {
    check(
        &KeyRules::default(),
        &["GH", "A_B"],
        &[(TextSource::Title, "GH-4 A_B-5")],
        expect![[r"
        GH-4 A_B-5 -> GH-4 mentions 0.8 title, A_B-5 mentions 0.8 title
    "]],
    );
}

#[test]
fn operators_add_forms_and_former_keys() {
    let rules = KeyRules {
        patterns: vec![Regex::new(r"(?i)ticket (T[0-9]+)").unwrap()],
        former: BTreeMap::from([("OLD".to_owned(), "PROJ".to_owned())]),
        ..KeyRules::default()
    };
    let texts = [(TextSource::Commit, "Ticket T99, OLD-7")];
    check(
        &rules,
        &["PROJ"],
        &texts,
        expect![[r"
        Ticket T99, OLD-7 -> PROJ-7 mentions 0.8 message, T99 mentions 0.8 message
    "]],
    );
}
