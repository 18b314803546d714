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
        "labels: IN [\"needs care\"]",
        "created:2015-06",
        "created:[2014 TO 2015-05]",
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
            labels: IN ["needs care"] -> true
            created:2015-06 -> true
            created:[2014 TO 2015-05] -> false
        "#]],
    );
}

/// An order of a dear screw and two cheap bolts, with scores of 2 and 9.
fn order() -> SearchDocument {
    let element = |values: &[(&str, &str)]| {
        let mut element = SearchDocument::default();
        for (name, value) in values {
            element.add(name, *value);
        }
        element
    };
    let mut order = element(&[("data.total", "3"), ("data.items.price", "12"), ("data.items.name", "screw")]);
    order.elements = BTreeMap::from([
        (
            "data.items".to_owned(),
            vec![
                element(&[("data.items.price", "12"), ("data.items.name", "screw")]),
                element(&[("data.items.price", "1"), ("data.items.name", "bolt")]),
                element(&[("data.items.price", "2"), ("data.items.name", "bolt"), ("data.items.note", "rusty")]),
            ],
        ),
        ("data.scores".to_owned(), vec![element(&[("data.scores", "2")]), element(&[("data.scores", "9")])]),
    ]);
    order
}

#[test]
fn demands_several_things_of_one_element() {
    let answer = |text: &str| match text.parse::<Filter>() {
        Ok(filter) => filter.matches(&order()).to_string(),
        Err(error) => error.to_string(),
    };
    let filters = [
        "data.items:{name:screw price:>10}",
        "data.items:{name:bolt price:>10}",
        "data.items:{ name:bolt AND (price:2 OR price:7) } data.total:3",
        "data.items:{name:bolt NOT note:*}",
        "NOT data.items:{name:nail}",
        "data.items:{name:screw NOT name:screw}",
        "data.items:{name:(nail OR screw) price:[12 TO 13]}",
        "data.items:{name: IN [nail bolt] price:{1 TO 3}}",
        "data.items:{name:\"a } in it\"}",
        "data.scores:{>3 <8}",
        "data.scores:{>1 <3}",
        "(data.scores:{9})",
        "data.nothing:{name:*}",
        "data.total:{1 TO 5}",
        "data.total:{* TO 3}",
        "data.items:{name:bolt",
        "data.items:{}",
        "data.items:{parts:{name:bolt}}",
        "data.items:{name:bolt)}",
        "branch:{name:bolt}",
        "attr.list:{name:bolt}",
    ];
    let answers: String = filters.iter().map(|text| format!("{text} -> {}\n", answer(text))).collect();
    expect![[r#"
        data.items:{name:screw price:>10} -> true
        data.items:{name:bolt price:>10} -> false
        data.items:{ name:bolt AND (price:2 OR price:7) } data.total:3 -> true
        data.items:{name:bolt NOT note:*} -> true
        NOT data.items:{name:nail} -> true
        data.items:{name:screw NOT name:screw} -> false
        data.items:{name:(nail OR screw) price:[12 TO 13]} -> true
        data.items:{name: IN [nail bolt] price:{1 TO 3}} -> true
        data.items:{name:"a } in it"} -> false
        data.scores:{>3 <8} -> false
        data.scores:{>1 <3} -> true
        (data.scores:{9}) -> true
        data.nothing:{name:*} -> false
        data.total:{1 TO 5} -> true
        data.total:{* TO 3} -> false
        data.items:{name:bolt -> expected `}` at character 22
        data.items:{} -> expected a value at character 13
        data.items:{parts:{name:bolt}} -> expected `TO` at character 29
        data.items:{name:bolt)} -> expected `}` at character 22
        branch:{name:bolt} -> expected `TO` at character 18
        attr.list:{name:bolt} -> expected `TO` at character 21
    "#]]
    .assert_eq(&answers);
}

#[test]
fn says_what_is_wrong() {
    let deep = "(".repeat(FILTER_DEPTH_MAX + 1);
    check(
        &[
            "reslt:failure",
            "kind:",
            "branch:'main",
            "created:now",
            "team:$team",
            "saved:red",
            "(kind:build",
            "created:[2015 2016]",
            "a OR",
            ")",
            &deep,
        ],
        expect![[r#"
            reslt:failure -> no field `reslt`; did you mean `result`?
            kind: -> expected a value at character 6
            branch:'main -> expected the closing quote at character 8
            created:now -> `now` moves with the clock, which only a search may
            team:$team -> no value for `$team`; give one with `var.team=`, or write `"$team"` for the text itself
            saved:red -> no saved search `red`
            (kind:build -> expected `)` at character 12
            created:[2015 2016] -> expected `TO` at character 15
            a OR -> expected a value at character 5
            ) -> expected a value at character 1
            ((((((((((((((((((((((((((((((((( -> a filter holds at most 8192 bytes, nests at most 32 deep and names at most 100 saved searches
        "#]],
    );
}

#[test]
fn days_are_those_of_the_calendar() {
    let berlin = Vocabulary {
        calendar: Calendar::of_zone("Europe/Berlin").unwrap(),
        now: Some("2024-03-01T23:30:00Z".parse().unwrap()),
        ..Vocabulary::default()
    };
    let holds = |filter: &str, at: &str| {
        let mut document = SearchDocument::default();
        document.set_date("created", Some(at.parse().unwrap()));
        berlin.filter(filter).unwrap().matches(&document)
    };
    for (filter, first, after) in [
        ("created:2024-03-31", "2024-03-30T23:00:00Z", "2024-03-31T22:00:00Z"),
        ("created:2024-03", "2024-02-29T23:00:00Z", "2024-03-31T22:00:00Z"),
        ("created:[2024-03-01 TO 2024-03-31]", "2024-02-29T23:00:00Z", "2024-03-31T22:00:00Z"),
        ("created:{2024-03-01 TO 2024-03-31}", "2024-03-01T23:00:00Z", "2024-03-30T23:00:00Z"),
        ("created:today", "2024-03-01T23:00:00Z", "2024-03-02T23:00:00Z"),
        ("NOT (NOT created:yesterday)", "2024-02-29T23:00:00Z", "2024-03-01T23:00:00Z"),
    ] {
        let before = |at: &str| Timestamp::from_ms(at.parse::<Timestamp>().unwrap().ms() - 1).to_string();
        let seen = [&before(first), first, &before(after), after].map(|at| holds(filter, at));
        assert_eq!(seen, [false, true, true, false], "{filter}");
    }
    // An instant is one wherever it is.
    assert!(holds("created:>=2024-03-01T00:00:00Z", "2024-03-01T00:00:00Z"));
}

fn vocabulary() -> Vocabulary {
    let texts = |texts: &[(&str, &str)]| texts.iter().map(|(name, text)| ((*name).into(), (*text).into())).collect();
    Vocabulary {
        saved: texts(&[
            ("red", "result:(failure OR error)"),
            ("ours", "saved:red branch:$branch"),
            ("round", "a OR saved:trip"),
            ("trip", "saved:round"),
            ("broken", "kind:build AND reslt:failure"),
        ]),
        variables: texts(&[("branch", "release/1.x"), ("both", "a OR b"), ("any", "rel*")]),
        now: Some("2015-06-03T12:00:00Z".parse().unwrap()),
        calendar: Calendar::default(),
    }
}

#[test]
fn names_what_is_saved_given_and_now() {
    let answer = |text: &str| match vocabulary().filter(text) {
        Ok(filter) => filter.matches(&build()).to_string(),
        Err(error) => format!("{error}\n{}", error.pointed(text).unwrap()),
    };
    let filters = [
        "saved:red",
        "saved:ours number:42",
        "NOT saved:red",
        "branch:$any",
        "branch:(main OR $branch)",
        "branch:$both",
        "branch:\"$both\"",
        "created:[now-2d TO now]",
        "created:>now-1w created:<=now-1d",
        "created:today",
        "created:>yesterday",
        "branch:now-2d",
        "kind:build  saved:rde",
        "kind:build saved:round",
        "saved:broken",
        "branch:$none",
    ];
    let answers: String = filters.iter().map(|text| format!("{text} -> {}\n", answer(text))).collect();
    expect![[r#"
        saved:red -> true
        saved:ours number:42 -> true
        NOT saved:red -> false
        branch:$any -> true
        branch:(main OR $branch) -> true
        branch:$both -> false
        branch:"$both" -> false
        created:[now-2d TO now] -> true
        created:>now-1w created:<=now-1d -> true
        created:today -> false
        created:>yesterday -> false
        branch:now-2d -> false
        kind:build  saved:rde -> no saved search `rde`
        kind:build  saved:rde
                          ^
        kind:build saved:round -> in the saved search `round`: in the saved search `trip`: the saved search `round` holds itself
        kind:build saved:round
                         ^
        saved:broken -> in the saved search `broken`: no field `reslt`; did you mean `result`?
        saved:broken
              ^
        branch:$none -> no value for `$none`; give one with `var.none=`, or write `"$none"` for the text itself
        branch:$none
               ^
    "#]].assert_eq(&answers);
}

#[test]
fn saved_searches_that_grow_are_refused() {
    let twice = |n: u32| (format!("s{n}"), format!("saved:s{0} saved:s{0}", n + 1));
    let saved = (0..20).map(twice).chain([("s20".to_owned(), "a".to_owned())]).collect();
    let error = Vocabulary { saved, ..Vocabulary::default() }.filter("saved:s0").unwrap_err();
    assert!(error.to_string().ends_with("names at most 100 saved searches"), "{error}");
}

#[test]
fn leaves_out_what_is_said_about_one_field() {
    let check = |text: &str, expected: &str| {
        let parse = |text: &str| text.parse::<Filter>().unwrap();
        let apart = |filter: Filter| match filter {
            Filter::And(filters) if filters.is_empty() => Filter::All,
            Filter::And(mut filters) if filters.len() == 1 => filters.remove(0),
            filter => filter,
        };
        assert_eq!(apart(parse(text).without("result")), parse(expected), "{text}");
    };
    check("kind:build result:failure", "kind:build");
    check("kind:build result:(failure OR error) -result:x", "kind:build");
    check("result:failure", "*");
    check("kind:build (result:failure OR branch:main)", "kind:build (result:failure OR branch:main)");
}

#[test]
fn words_are_runs_of_letters_and_signs_of_their_own() {
    let check = |text: &str, expected: &str| assert_eq!(words(text).join(" "), expected);
    check("Fix time-out: C++, a_b", "fix time out c a b");
    check("修复登录失败 in v2", "修 复 登 录 失 败 in v2");
    check("ログイン失敗abc", "ロ グ イ ン 失 敗 abc");
    check("한국어 Größe", "한국어 größe");
    let document = SearchDocument { title: Some("修复登录失败".to_owned()), ..SearchDocument::default() };
    let found = |text: &str| text.parse::<Filter>().unwrap().matches(&document);
    assert!(found("登录") && found("\"登录失败\"") && !found("录登"));
}

#[test]
fn marks_why_a_text_is_found() {
    let check = |filter: &str, text: &str, expected: &str| {
        let parts = marked(&filter.parse().unwrap(), "text", text);
        assert_eq!(parts.map_or("none".to_owned(), |parts| parts.join("|")), expected, "{filter}");
    };
    check("login", "The Login page, login again", "The |Login| page, |login| again");
    check("\"login page\" log*", "The Login page", "The |Login page|");
    check("登录", "修复登录失败", "修复|登录|失败");
    check("login NOT page", "The login page", "The |login| page");
    check("title:login", "The login page", "none");
    check("kind:build", "build", "none");
    let long = format!("{} needle {}", "before ".repeat(40), "after ".repeat(60));
    let parts = marked(&"needle".parse().unwrap(), "text", &long).unwrap();
    assert!(parts[0].starts_with('…') && parts[2].ends_with('…'), "{parts:?}");
    assert!(parts.concat().chars().count() <= MARKED_CHARS_MAX + 2);
}
