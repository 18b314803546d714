use std::collections::{BTreeMap, BTreeSet};

use expect_test::{Expect, expect};
use proptest::prelude::*;
use weir_model::filter::{Bound, Match};
use weir_model::search::{FIELDS, FieldType};
use weir_model::time::Timestamp;
use weir_model::{Calendar, Filter};

use super::*;
use crate::Bucket;

mod commits;

pub(super) fn id(number: usize) -> EntityId {
    format!("build:ci:{number}").parse().unwrap()
}

pub(super) fn temporary() -> (tempfile::TempDir, Index) {
    let dir = tempfile::tempdir().unwrap();
    let index = Index::open(dir.path()).unwrap();
    (dir, index)
}

pub(super) fn document(fields: &[(&str, &str)]) -> SearchDocument {
    let mut document = SearchDocument::default();
    for (name, value) in fields {
        match *name {
            "title" => document.title = Some((*value).to_owned()),
            "text" => document.text = Some((*value).to_owned()),
            "updated" | "created" => document.set_date(name, Some(value.parse().unwrap())),
            "number" => document.set_number(name, Some(value.parse().unwrap())),
            name => document.add(name, *value),
        }
    }
    document
}

fn builds() -> Index {
    let builds = [
        document(&[
            ("title", "Fix login"),
            ("result", "failure"),
            ("branch", "main"),
            ("updated", "2024-01-01T00:00:00Z"),
        ]),
        document(&[("title", "Login, again"), ("text", "login login"), ("result", "Failure"), ("attr.team", "A")]),
        document(&[
            ("text", "the login page"),
            ("result", "success"),
            ("updated", "2024-01-03T00:00:00Z"),
            ("attr.team", "B"),
            ("attr.points", "9"),
        ]),
        document(&[
            ("result", "success"),
            ("labels", "x"),
            ("labels", "y"),
            ("updated", "2024-01-02T00:00:00Z"),
            ("attr.te", "C"),
            ("attr.points", "10"),
            ("attr.points", "many"),
        ]),
    ];
    // The folder may go: what is open stays readable.
    let (_dir, index) = temporary();
    let builds: Vec<_> = builds.into_iter().enumerate().map(|(number, build)| (id(number), Some(build))).collect();
    index.apply(&builds[..2]).unwrap();
    index.commit(Seq(1)).unwrap();
    index.apply(&builds[2..]).unwrap();
    index.commit(Seq(2)).unwrap();
    index
}

#[expect(clippy::needless_pass_by_value, reason = "an `Expect` is written in place")]
fn check(query: SearchQuery, expected: Expect) {
    let result = builds().search(&query).unwrap();
    let keys: Vec<_> = result.hits.iter().map(|hit| hit.id.key.as_str()).collect();
    let facet = |counts: &Vec<FacetCount>| {
        counts.iter().map(|count| format!("{} {}", count.value, count.count)).collect::<Vec<_>>().join(", ")
    };
    let facets: Vec<_> = result.facets.iter().map(|(name, counts)| format!("; {name}: {}", facet(counts))).collect();
    expected.assert_eq(&format!("{} of {}{}", keys.join(" "), result.total, facets.concat()));
}

fn query(filter: &str) -> SearchQuery {
    SearchQuery::new(filter.parse().unwrap(), 10)
}

#[test]
fn hits_come_in_order_and_in_pages() {
    check(query("*"), expect!["2 3 0 1 of 4"]);
    check(SearchQuery { limit: 0, ..query("*") }, expect![" of 4"]);
    check(SearchQuery { sort: Sort::Relevance, ..query("login result:*") }, expect!["1 0 2 of 3"]);
    let by = |field: &str, direction| Sort::Field(field.to_owned(), direction);
    check(SearchQuery { sort: by("updated", Direction::Ascending), ..query("*") }, expect!["0 3 2 1 of 4"]);
    check(SearchQuery { sort: by("attr.points", Direction::Descending), ..query("*") }, expect!["3 2 1 0 of 4"]);
    check(SearchQuery { sort: by("attr.points", Direction::Ascending), ..query("*") }, expect!["2 3 1 0 of 4"]);
    let error = builds().search(&SearchQuery { sort: Sort::newest("title"), ..query("*") }).unwrap_err();
    assert_eq!(error.to_string(), "no numbers or times in `title`");
}

#[test]
fn pages_go_on_where_they_ended_whatever_comes_between() {
    let (_dir, index) = temporary();
    let at = |day: usize| document(&[("updated", &format!("2024-01-{day:02}T00:00:00Z"))]);
    let put = |number: usize, day: usize| index.apply(&[(id(number), Some(at(day)))]).unwrap();
    (1..=9).for_each(|number| put(number, number / 2 + 1));
    index.commit(Seq(1)).unwrap();
    let mut seen = Vec::new();
    let mut after = None;
    loop {
        let page = index.search(&SearchQuery { limit: 2, after, ..query("*") }).unwrap();
        seen.extend(page.hits.iter().map(|hit| hit.id.key.parse::<usize>().unwrap()));
        // Newer ones that come now are on no page; older ones are.
        put(100 + seen.len(), 20);
        index.commit(Seq(2)).unwrap();
        let Some(next) = page.next else { break };
        assert_eq!(next.to_string().parse(), Ok(next));
        after = Some(next);
    }
    let days: Vec<_> = seen.iter().map(|number| number / 2 + 1).collect();
    assert_eq!(days, [5, 5, 4, 4, 3, 3, 2, 2, 1]);
    assert!("".parse::<Place>().is_err() && "x".repeat(33).parse::<Place>().is_err());
}

#[test]
fn groups_are_counted_and_measured_in_one_pass() {
    let check = |grouping: Grouping, expected: Expect| {
        let query = SearchQuery { grouping: Some(grouping), limit: 0, ..query("*") };
        let groups = builds().search(&query).unwrap().groups.unwrap();
        let cell = |cell: &GroupCell| {
            let measured = |m: &Measured| {
                format!(" n {} unknown {} sum {} min {:?} p50 {:?}", m.n, m.unknown, m.sum, m.min, m.percentile(0.5))
            };
            format!("{}{}", cell.count, cell.measures.iter().map(measured).collect::<String>())
        };
        let mut text = String::new();
        for group in &groups.rows {
            let key: Vec<_> = group.key.iter().map(|value| value.as_deref().unwrap_or("none")).collect();
            let at = group.at.map_or(String::new(), |at| at.to_string()[..10].to_owned());
            text += &format!("{}|{at}| {}\n", key.join(","), cell(&group.cell));
        }
        if let Some(other) = &groups.other {
            text += &format!("{} others: {}\n", other.groups, cell(&other.cell));
        }
        expected.assert_eq(&text);
    };
    let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    let by = |fields: &[&str], limit| Grouping { fields: texts(fields), limit, ..Grouping::default() };
    check(
        by(&["result"], 9),
        expect![[r"
        success|| 2
        Failure|| 1
        failure|| 1
    "]],
    );
    check(
        by(&["result", "labels"], 9),
        expect![[r"
        Failure,none|| 1
        failure,none|| 1
        success,none|| 1
        success,x|| 1
        success,y|| 1
    "]],
    );
    check(
        Grouping { measures: texts(&["attr.points"]), ..by(&["result"], 1) },
        expect![[r"
        success|| 2 n 2 unknown 0 sum 19 min Some(9.0) p50 Some(9.5)
        2 others: 2 n 0 unknown 2 sum 0 min None p50 None
    "]],
    );
    let daily = Grouping { over: Some(("updated".to_owned(), Bucket::Day)), ..by(&[], 9) };
    check(
        Grouping { calendar: Calendar::of_zone("Pacific/Pago_Pago").unwrap(), ..daily.clone() },
        expect![[r"
        |2023-12-31| 1
        |2024-01-01| 1
        |2024-01-02| 1
        || 1
    "]],
    );
    check(
        daily,
        expect![[r"
        |2024-01-01| 1
        |2024-01-02| 1
        |2024-01-03| 1
        || 1
    "]],
    );
    check(
        Grouping { measures: texts(&["number", "updated"]), ..by(&[], 9) },
        expect![[r"
        || 4 n 0 unknown 4 sum 0 min None p50 None n 3 unknown 1 sum 5112460800000 min Some(1704067200000.0) p50 Some(1704153600000.0)
    "]],
    );
}

#[test]
fn percentiles_are_exact_while_values_are_few() {
    let measured = |n: usize| {
        let (_dir, index) = temporary();
        let number = |number: usize| document(&[("number", &number.to_string())]);
        index.apply(&(1..=n).map(|n| (id(n), Some(number(n)))).collect::<Vec<_>>()).unwrap();
        index.commit(Seq(1)).unwrap();
        let grouping = Grouping { measures: vec!["number".to_owned()], limit: 1, ..Grouping::default() };
        let result = index.search(&SearchQuery { grouping: Some(grouping), ..query("*") }).unwrap();
        result.groups.unwrap().rows.remove(0).cell.measures.remove(0)
    };
    let few = measured(4);
    assert_eq!((few.percentile(0.5), few.relative_error()), (Some(2.5), 0.0));
    let many = measured(EXACT_VALUES_MAX + 1);
    let p50 = many.percentile(0.5).unwrap();
    assert!((p50 - 5_001.0).abs() <= 5_001.0 * many.relative_error(), "{p50}");
    assert_eq!((many.n, many.min, many.max, many.mean()), (10_001, Some(1.0), Some(10_001.0), Some(5_001.0)));
}

#[test]
fn facets_are_counted_over_parts_and_under_the_other_filters() {
    let (_dir, index) = temporary();
    let put =
        |number, project: &str, result: &str| (id(number), Some(document(&[("project", project), ("result", result)])));
    index
        .apply(&[
            put(1, "acme/api", "success"),
            put(2, "acme/web", "failure"),
            put(3, "beta/x/y", "failure"),
            put(4, "beta", "error"),
        ])
        .unwrap();
    index.commit(Seq(1)).unwrap();
    let facets = |filter: &str, facets_over, names: &[&str]| {
        let facets = names.iter().map(|name| (*name).to_owned()).collect();
        let result = index.search(&SearchQuery { facets, facets_over, ..query(filter) }).unwrap();
        let counts = |counts: &Vec<FacetCount>| {
            counts.iter().map(|count| format!("{} {}", count.value, count.count)).collect::<Vec<_>>().join(", ")
        };
        result.facets.iter().map(|(name, c)| format!("{name}: {}", counts(c))).collect::<Vec<_>>().join("; ")
    };
    assert_eq!(facets("*", FacetsOver::Hits, &["project/1"]), "project/1: acme 2, beta 2");
    assert_eq!(facets("*", FacetsOver::Hits, &["project/2"]), "project/2: acme/api 1, acme/web 1, beta 1, beta/x 1");
    let asked = ["project/1", "result"];
    assert_eq!(
        facets("result:failure project:beta*", FacetsOver::Hits, &asked),
        "project/1: beta 1; result: failure 1"
    );
    assert_eq!(
        facets("result:failure project:beta*", FacetsOver::OtherFilters, &asked),
        "project/1: acme 1, beta 1; result: error 1, failure 1"
    );
    for unfit in ["labels/1", "title", "number", "nothing", "project/0"] {
        assert!(index.search(&SearchQuery { facets: vec![unfit.to_owned()], ..query("*") }).is_err(), "{unfit}");
    }
}

#[test]
fn what_nothing_has_is_near_to_what_something_has() {
    let check = |filter: &str, expected: &[&str]| {
        let suggested = builds().suggestions(&filter.parse().unwrap()).unwrap();
        let suggested: Vec<_> = suggested.iter().map(|s| format!("{} > {}", s.written, s.meant)).collect();
        assert_eq!(suggested, expected, "{filter}");
    };
    check("result:failre", &["result:failre > result:failure"]);
    check("result:failure login", &[]);
    check("logn", &["logn > login"]);
    check("NOT logn", &[]);
    check("attr.tean:A", &["attr.tean: > attr.team:"]);
    check("result:somethingelse", &[]);
}

#[test]
fn facets_count_all_hits_as_they_are_spelled() {
    let facets = ["result", "labels", "attr.team", "attr.none", "environment"].map(str::to_owned).to_vec();
    check(
        SearchQuery { facets, limit: 1, ..query("*") },
        expect![
            "2 of 4; attr.none: ; attr.team: A 1, B 1; environment: ; labels: x 1, y 1; result: success 2, Failure 1, failure 1"
        ],
    );
    let error = builds().search(&SearchQuery { facets: vec!["title".to_owned()], ..query("*") }).unwrap_err();
    let expected = "no facet `title`: only keyword fields, `attr.<name>` and `data.<path>` have values to count";
    assert_eq!(error.to_string(), expected);
}

#[test]
fn hits_are_the_documents_without_their_texts() {
    let (_dir, index) = temporary();
    let mut document = document(&[
        ("title", "Fix"),
        ("text", "long"),
        ("labels", "A"),
        ("updated", "2024-01-01T01:00:00+01:00"),
        ("number", "0.1"),
    ]);
    index.apply(&[(id(1), Some(document.clone()))]).unwrap();
    index.commit(Seq(1)).unwrap();
    document.text = None;
    let hits = index.search(&query("long")).unwrap().hits;
    assert_eq!(hits, [Hit { id: id(1), document }]);
}

#[test]
fn documents_are_replaced_and_taken_out_to_the_letter() {
    let (dir, index) = temporary();
    let entity = |key: &str| EntityId { key: key.to_owned(), ..id(0) };
    let put = |key: &str, result: &str| (entity(key), Some(document(&[("result", result)])));
    index.apply(&[put("a", "one"), put("A", "one"), put("b", "one")]).unwrap();
    index.apply(&[put("a", "two"), (entity("b"), None)]).unwrap();
    let found = |index: &Index, filter: &str| index.search(&query(filter)).unwrap().total;
    assert_eq!(found(&index, "*"), 0);
    index.commit(Seq(9)).unwrap();
    assert_eq!((found(&index, "*"), found(&index, "result:one"), found(&index, "result:two")), (2, 1, 1));

    // What was not committed is gone with the process; what was, stays.
    index.apply(&[put("c", "three")]).unwrap();
    drop(index);
    let index = Index::open(dir.path()).unwrap();
    assert_eq!((index.watermark(), found(&index, "*")), (Seq(9), 2));
    index.clear().unwrap();
    assert_eq!((index.watermark(), found(&index, "*")), (Seq::ZERO, 0));
}

// A search finds what the filter matches.

const VALUES: &[&str] = &[
    "main",
    "Main",
    "release/1.x",
    "release/2",
    "İstanbul",
    "Straße",
    "ΑΣ",
    "ας",
    "8",
    "10",
    "1e1",
    "-0",
    "a\u{0}b",
    "x y",
    "2024-01-01",
    "2024-01-02T00:00:00+02:00",
];
const TEXTS: &[&str] = &[
    "",
    "login",
    "Login fails: time-out",
    "time out time out",
    "İ out",
    "a_b",
    "zeit, Zeit out",
    "…",
    "登录失败 time",
    "失败",
];
const PATTERNS: &[&str] =
    &["*", "ma*", "*a*", "release/?", "?", "?*", "*X", "i*", "time*", "t?me", "straße", "", "8*", "失*"];
const DATES: &[&str] = &[
    "2024",
    "2024-01",
    "2024-01-01",
    "2024-01-01T00:00:00Z",
    "2023-12-31T23:59:59.999Z",
    "2024-01-02",
    "nonsense",
    "1704067200000",
];
const NUMBERS: &[&str] = &["0", "-0", "1", "1.5", "-3", "1e3", "inf", "NaN", "many"];
const NAMES: &[&str] = &[
    "id",
    "branch",
    "labels",
    "attr.team",
    "attr.Team",
    "attr.te",
    "data.te",
    "data.items.price",
    "title",
    "text",
    "created",
    "updated",
    "number",
    "duration",
    "nothing",
    "attr.",
];

fn one_of(values: &'static [&'static str]) -> impl Strategy<Value = String> + Clone {
    prop::sample::select(values).prop_map(str::to_owned)
}

fn any_document() -> impl Strategy<Value = SearchDocument> {
    let keywords = prop::collection::btree_map(
        one_of(&[
            "id",
            "branch",
            "labels",
            "attr.team",
            "attr.Team",
            "attr.te",
            "data.te",
            "data.items.price",
            "number",
            "nothing",
        ]),
        prop::collection::vec(one_of(VALUES), 0..3),
        0..4,
    );
    let date = prop::sample::select(&[1_704_067_200_000_i64, 1_704_067_199_999, 1_704_153_600_000, -5, i64::MAX][..]);
    let dates =
        prop::collection::btree_map(one_of(&["created", "updated", "branch"]), date.prop_map(Timestamp::from_ms), 0..3);
    let number = prop::sample::select(&[0.0, -0.0, 1.0, 1.5, -3.0, 1000.0, 1e300][..]);
    let numbers = prop::collection::btree_map(one_of(&["number", "duration", "title"]), number, 0..3);
    let text = || prop::option::of(one_of(TEXTS));
    let elements = any_element().prop_map(|(name, value)| SearchDocument {
        keywords: BTreeMap::from([(name, vec![value])]),
        ..SearchDocument::default()
    });
    let elements = prop::collection::vec(elements, 0..3).prop_map(|all| BTreeMap::from([(LIST.to_owned(), all)]));
    (keywords, dates, numbers, text(), text(), elements).prop_map(
        |(keywords, dates, numbers, title, text, elements)| SearchDocument {
            keywords,
            dates,
            numbers,
            title,
            text,
            elements,
        },
    )
}

/// A list in custom data, and the fields of its elements.
const LIST: &str = "data.items";
const IN_LIST: &[&str] = &["data.items.price", "data.items.name", "data.items"];

fn any_element() -> impl Strategy<Value = (String, String)> {
    (one_of(IN_LIST), one_of(VALUES))
}

fn any_word() -> impl Strategy<Value = String> {
    prop_oneof![
        one_of(VALUES),
        one_of(TEXTS),
        one_of(DATES),
        one_of(NUMBERS),
        one_of(&["TIME", "out time", "zeit", "登录", "录登"])
    ]
}

fn any_match() -> impl Strategy<Value = Match> {
    let bound =
        || prop_oneof![Just(Bound::Open), any_word().prop_map(Bound::Included), any_word().prop_map(Bound::Excluded)];
    prop_oneof![
        3 => any_word().prop_map(Match::Word),
        2 => any_word().prop_map(Match::Phrase),
        2 => one_of(PATTERNS).prop_map(Match::Wildcard),
        1 => Just(Match::Exists),
        3 => (bound(), bound()).prop_map(|(lower, upper)| Match::Range(lower, upper)),
    ]
}

fn any_filter() -> impl Strategy<Value = Filter> {
    let of_element = combined((one_of(IN_LIST).prop_map(Some), any_match()).prop_map(term_of));
    let element = of_element.prop_map(|is| Filter::Element { list: LIST.to_owned(), is: Box::new(is) });
    let term = (prop::option::weighted(0.9, one_of(NAMES)), any_match()).prop_map(term_of);
    combined(prop_oneof![8 => term, 1 => element])
}

fn term_of((field, is): (Option<String>, Match)) -> Filter {
    Filter::Term { field, is }
}

fn combined(term: impl Strategy<Value = Filter> + 'static) -> impl Strategy<Value = Filter> {
    let leaf = prop_oneof![8 => term, 1 => Just(Filter::All)];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Filter::And),
            prop::collection::vec(inner.clone(), 0..3).prop_map(Filter::Or),
            inner.prop_map(|inner| Filter::Not(Box::new(inner))),
        ]
    })
}

fn found(index: &Index, filter: &Filter, sort: Sort) -> BTreeSet<EntityId> {
    let query = SearchQuery { sort, ..SearchQuery::new(filter.clone(), HITS_MAX) };
    let result = index.search(&query).unwrap();
    assert_eq!(result.total, result.hits.len() as u64);
    result.hits.into_iter().map(|hit| hit.id).collect()
}

fn facets(documents: &BTreeMap<EntityId, SearchDocument>, filter: &Filter, name: &str) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    let matching = documents.values().filter(|document| filter.matches(document));
    for value in matching.flat_map(|document| document.values(name).iter().collect::<BTreeSet<_>>()) {
        *counts.entry(value.clone()).or_default() += 1;
    }
    counts
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_search_finds_exactly_what_the_filter_matches(
        batches in prop::collection::vec(prop::collection::vec((0..150_usize, prop::option::weighted(0.9, any_document())), 1..130), 1..4),
        filters in prop::collection::vec(any_filter(), 60),
    ) {
        let (_dir, index) = temporary();
        let mut documents = BTreeMap::new();
        for (batch, seq) in batches.into_iter().zip(1..) {
            let batch: Vec<_> = batch.into_iter().map(|(number, document)| (id(number), document)).collect();
            index.apply(&batch).unwrap();
            index.commit(Seq(seq)).unwrap();
            documents.extend(batch);
        }
        let documents: BTreeMap<_, _> = documents.into_iter().filter_map(|(id, document)| Some((id, document?))).collect();
        for filter in filters {
            let matching: BTreeSet<_> = documents.iter().filter(|(_, document)| filter.matches(document)).map(|(id, _)| id.clone()).collect();
            prop_assert_eq!(found(&index, &filter, Sort::default()), matching.clone(), "{:?}", filter);
            prop_assert_eq!(found(&index, &filter, Sort::newest("data.te")), matching.clone(), "{:?} by data", filter);
            prop_assert_eq!(found(&index, &filter, Sort::Relevance), matching, "{:?} by relevance", filter);
            for name in ["labels", "attr.te", "attr.team", "data.te"] {
                let query = SearchQuery { facets: vec![name.to_owned()], ..SearchQuery::new(filter.clone(), 0) };
                let counts = index.search(&query).unwrap().facets.remove(name).unwrap();
                let counts: BTreeMap<_, _> = counts.into_iter().map(|count| (count.value, count.count)).collect();
                let expected = facets(&documents, &filter, name);
                let grouping = Grouping { fields: vec![name.to_owned()], limit: GROUPS_MAX, ..Grouping::default() };
                let query = SearchQuery { grouping: Some(grouping), ..SearchQuery::new(filter.clone(), 0) };
                let groups = index.search(&query).unwrap().groups.unwrap().rows.into_iter();
                let groups: BTreeMap<_, _> = groups.filter_map(|mut row| Some((row.key.remove(0)?, row.cell.count))).collect();
                prop_assert_eq!(&groups, &expected, "groups by {} of {:?}", name, filter);
                prop_assert_eq!(counts, expected, "{} of {:?}", name, filter);
            }
        }
    }
}

#[test]
fn every_field_of_the_model_is_searched() {
    let (_dir, index) = temporary();
    for (number, field) in FIELDS.iter().enumerate() {
        let mut document = SearchDocument::default();
        match field.kind {
            FieldType::Keyword => document.add(field.name, "value"),
            FieldType::Date => document.set_date(field.name, Some(Timestamp::from_ms(0))),
            FieldType::Number => document.set_number(field.name, Some(1.0)),
            FieldType::Text if field.name == "title" => document.title = Some("value".to_owned()),
            FieldType::Text => document.text = Some("value".to_owned()),
        }
        index.apply(&[(id(number), Some(document))]).unwrap();
    }
    index.commit(Seq(1)).unwrap();
    for (number, field) in FIELDS.iter().enumerate() {
        let filter = format!("{}:*", field.name).parse().unwrap();
        assert_eq!(found(&index, &filter, Sort::default()), BTreeSet::from([id(number)]), "{}", field.name);
    }
}
