use super::*;
use expect_test::{Expect, expect};

fn build() -> SearchDocument {
    let mut document = SearchDocument { title: Some("Fix login time-out".to_owned()), ..SearchDocument::default() };
    document.add("kind", "build");
    document.add("result", "failure");
    document.add("branch", "release/1.x");
    document.add("labels", "Needs Care");
    document.add("attr.points", "8");
    document.set_date("created", Some("2015-06-01T12:00:00Z".parse().unwrap()));
    document.set_number("number", Some(42.0));
    document
}

#[expect(clippy::needless_pass_by_value, reason = "an `Expect` is written in place")]
fn check(filters: &[&str], expected: Expect) {
    let answer = |text: &str| match text.parse::<Filter>() {
        Ok(filter) => filter.matches(&build()).to_string(),
        Err(error) => error.to_string(),
    };
    expected.assert_eq(&filters.iter().map(|text| format!("{text} -> {}\n", answer(text))).collect::<String>());
}

#[test]
fn matches_as_people_expect() {
    let filters = [
        "",
        "*",
        "kind:build AND result:FAILURE",
        "kind:build result:success",
        "result:(success OR failure)",
        "NOT result:success",
        "-result:failure",
        "branch:release/*",
        "labels:\"needs care\"",
        "created:[2015-01-01 TO 2016-01-01}",
        "created:[2016-01-01 TO *]",
        "created:2015-06-01",
        "number:>=42 number:<43",
        "number:[40 TO 41]",
        "attr.points:>5",
        "attr.missing:*",
        "login",
        "\"login time\"",
        "kind:deployment OR (kind:build AND (branch:main OR branch:release?1.x))",
        "result: IN [success failure]",
    ];
    check(
        &filters,
        expect![[r#"
         -> true
        * -> true
        kind:build AND result:FAILURE -> true
        kind:build result:success -> false
        result:(success OR failure) -> true
        NOT result:success -> true
        -result:failure -> false
        branch:release/* -> true
        labels:"needs care" -> true
        created:[2015-01-01 TO 2016-01-01} -> true
        created:[2016-01-01 TO *] -> false
        created:2015-06-01 -> true
        number:>=42 number:<43 -> true
        number:[40 TO 41] -> false
        attr.points:>5 -> true
        attr.missing:* -> false
        login -> true
        "login time" -> true
        kind:deployment OR (kind:build AND (branch:main OR branch:release?1.x)) -> true
        result: IN [success failure] -> true
    "#]],
    );
}

#[test]
fn says_what_is_wrong() {
    let deep = "(".repeat(FILTER_DEPTH_MAX + 1);
    check(
        &["reslt:failure", "kind:", "(kind:build", "created:[2015 2016]", "a OR", ")", &deep],
        expect![[r"
        reslt:failure -> no field `reslt`; did you mean `result`?
        kind: -> expected a value at character 6
        (kind:build -> expected `)` at character 12
        created:[2015 2016] -> expected `TO` at character 15
        a OR -> expected a value at character 5
        ) -> expected a value at character 1
        ((((((((((((((((((((((((((((((((( -> a filter holds at most 8192 bytes and nests at most 32 deep
    "]],
    );
}
