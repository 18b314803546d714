use std::collections::{BTreeMap, BTreeSet};

use expect_test::{Expect, expect};
use proptest::prelude::*;
use weir_model::Filter;
use weir_model::filter::{Bound, Match};
use weir_model::search::{FIELDS, FieldType};
use weir_model::time::Timestamp;

use super::*;

fn id(number: usize) -> EntityId {
    format!("build:ci:{number}").parse().unwrap()
}

fn temporary() -> (tempfile::TempDir, Index) {
    let dir = tempfile::tempdir().unwrap();
    let index = Index::open(dir.path()).unwrap();
    (dir, index)
}

fn document(fields: &[(&str, &str)]) -> SearchDocument {
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
        ]),
        document(&[
            ("result", "success"),
            ("labels", "x"),
            ("labels", "y"),
            ("updated", "2024-01-02T00:00:00Z"),
            ("attr.te", "C"),
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
    check(SearchQuery { limit: 2, offset: 1, ..query("*") }, expect!["3 0 of 4"]);
    check(SearchQuery { limit: 0, ..query("*") }, expect![" of 4"]);
    check(SearchQuery { offset: 10_000, ..query("*") }, expect![" of 4"]);
    check(SearchQuery { sort: Sort::Relevance, ..query("login result:*") }, expect!["1 0 2 of 3"]);
    check(SearchQuery { sort: Sort::Created, ..query("result:success") }, expect!["2 3 of 2"]);
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
    assert_eq!(error.to_string(), "no facet `title`: only keyword fields and `attr.<name>` have values to count");
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

#[test]
fn a_damaged_index_begins_anew() {
    let (dir, index) = temporary();
    index.apply(&[(id(1), Some(document(&[("result", "one")])))]).unwrap();
    index.commit(Seq(9)).unwrap();
    drop(index);
    let segment = std::fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().path());
    let segment = segment.filter(|path| path.extension().is_some_and(|end| end == "idx" || end == "term"));
    segment.for_each(|path| std::fs::write(path, "damaged").unwrap());
    let index = Index::open(dir.path()).unwrap();
    assert_eq!((index.watermark(), index.search(&query("*")).unwrap().total), (Seq::ZERO, 0));

    drop(index);
    std::fs::write(dir.path().join("meta.json"), "{").unwrap();
    assert_eq!(Index::open(dir.path()).unwrap().watermark(), Seq::ZERO);
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
];
const TEXTS: &[&str] =
    &["", "login", "Login fails: time-out", "time out time out", "İ out", "a_b", "zeit, Zeit out", "…"];
const PATTERNS: &[&str] = &["*", "ma*", "*a*", "release/?", "?", "?*", "*X", "i*", "time*", "t?me", "straße", "", "8*"];
const DATES: &[&str] =
    &["2024-01-01", "2024-01-01T00:00:00Z", "2023-12-31T23:59:59.999Z", "2024-01-02", "nonsense", "1704067200000"];
const NUMBERS: &[&str] = &["0", "-0", "1", "1.5", "-3", "1e3", "inf", "NaN", "many"];
const NAMES: &[&str] = &[
    "id",
    "branch",
    "labels",
    "attr.team",
    "attr.Team",
    "attr.te",
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
        one_of(&["id", "branch", "labels", "attr.team", "attr.Team", "attr.te", "number", "nothing"]),
        prop::collection::vec(one_of(VALUES), 0..3),
        0..4,
    );
    let date = prop::sample::select(&[1_704_067_200_000_i64, 1_704_067_199_999, 1_704_153_600_000, -5, i64::MAX][..]);
    let dates =
        prop::collection::btree_map(one_of(&["created", "updated", "branch"]), date.prop_map(Timestamp::from_ms), 0..3);
    let number = prop::sample::select(&[0.0, -0.0, 1.0, 1.5, -3.0, 1000.0, 1e300][..]);
    let numbers = prop::collection::btree_map(one_of(&["number", "duration", "title"]), number, 0..3);
    let text = || prop::option::of(one_of(TEXTS));
    (keywords, dates, numbers, text(), text()).prop_map(|(keywords, dates, numbers, title, text)| SearchDocument {
        keywords,
        dates,
        numbers,
        title,
        text,
    })
}

fn any_word() -> impl Strategy<Value = String> {
    prop_oneof![one_of(VALUES), one_of(TEXTS), one_of(DATES), one_of(NUMBERS), one_of(&["TIME", "out time", "zeit"])]
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
    let term =
        (prop::option::weighted(0.9, one_of(NAMES)), any_match()).prop_map(|(field, is)| Filter::Term { field, is });
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
            prop_assert_eq!(found(&index, &filter, Sort::Updated), matching.clone(), "{:?}", filter);
            prop_assert_eq!(found(&index, &filter, Sort::Relevance), matching, "{:?} by relevance", filter);
            for name in ["labels", "attr.te", "attr.team"] {
                let query = SearchQuery { facets: vec![name.to_owned()], ..SearchQuery::new(filter.clone(), 0) };
                let counts = index.search(&query).unwrap().facets.remove(name).unwrap();
                let counts: BTreeMap<_, _> = counts.into_iter().map(|count| (count.value, count.count)).collect();
                prop_assert_eq!(counts, facets(&documents, &filter, name), "{} of {:?}", name, filter);
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
        assert_eq!(found(&index, &filter, Sort::Updated), BTreeSet::from([id(number)]), "{}", field.name);
    }
}
