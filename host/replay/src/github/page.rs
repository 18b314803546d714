//! Queries and pages: numbered pages of at most a hundred.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Answer;
use crate::time;

/// A decoded query string.
#[derive(Debug, Clone, Default)]
pub(crate) struct Query(pub(crate) BTreeMap<String, String>);

/// Where in a list a page is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Page {
    pub(crate) number: usize,
    pub(crate) last: usize,
}

impl Query {
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    pub(super) fn instant(&self, name: &str) -> Option<i64> {
        self.get(name).and_then(time::parse)
    }

    /// True when the query does not ask for `name`, or asks for `value`.
    pub(super) fn allows(&self, name: &str, value: &str) -> bool {
        self.get(name).is_none_or(|wanted| wanted == value)
    }

    pub(super) fn ascending(&self, default: bool) -> bool {
        match self.get("direction") {
            Some("asc") => true,
            Some("desc") => false,
            _ => default,
        }
    }

    /// The page of `items` asked for, each item written by `shape`.
    pub(super) fn page<T>(&self, items: &[T], shape: impl Fn(&T) -> Value) -> (Vec<Value>, Page) {
        let number = |name, default: usize| self.get(name).and_then(|text| text.parse().ok()).unwrap_or(default).max(1);
        let (size, page) = (number("per_page", 30).min(100), number("page", 1));
        let shapes = items.iter().skip((page - 1).saturating_mul(size)).take(size).map(shape).collect();
        (shapes, Page { number: page, last: items.len().div_ceil(size).max(1) })
    }

    pub(super) fn list<T>(&self, items: &[T], shape: impl Fn(&T) -> Value) -> Answer {
        let (shapes, page) = self.page(items, shape);
        Answer::List(Value::Array(shapes), page)
    }
}

impl Page {
    /// The `Link` header of a page of `url`, whose query is `query`. None when the list has one page.
    pub(crate) fn links(self, url: &str, query: &str) -> Option<String> {
        let kept: Vec<_> = query.split('&').filter(|pair| !pair.is_empty() && !pair.starts_with("page=")).collect();
        let to = |page: usize, rel: &str| {
            let page = format!("page={page}");
            let pairs: Vec<_> = kept.iter().copied().chain([page.as_str()]).collect();
            format!("<{url}?{}>; rel=\"{rel}\"", pairs.join("&"))
        };
        let before = (self.number > 1).then(|| to(self.number.min(self.last + 1) - 1, "prev"));
        let next = (self.number < self.last).then(|| [to(self.number + 1, "next"), to(self.last, "last")]);
        let first = (self.number > 1).then(|| to(1, "first"));
        let links: Vec<_> = before.into_iter().chain(next.into_iter().flatten()).chain(first).collect();
        (!links.is_empty()).then(|| links.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    fn check(number: usize, last: usize, expected: &Expect) {
        let links = Page { number, last }.links("http://h/x", "state=all&page=9&per_page=2");
        expected.assert_eq(&links.unwrap_or_default().replace(", ", "\n"));
    }

    #[test]
    fn links_lead_to_the_neighbours_and_the_ends() {
        check(1, 1, &expect![""]);
        check(
            1,
            3,
            &expect![[r#"
            <http://h/x?state=all&per_page=2&page=2>; rel="next"
            <http://h/x?state=all&per_page=2&page=3>; rel="last""#]],
        );
        check(
            2,
            3,
            &expect![[r#"
            <http://h/x?state=all&per_page=2&page=1>; rel="prev"
            <http://h/x?state=all&per_page=2&page=3>; rel="next"
            <http://h/x?state=all&per_page=2&page=3>; rel="last"
            <http://h/x?state=all&per_page=2&page=1>; rel="first""#]],
        );
        check(
            3,
            3,
            &expect![[r#"
            <http://h/x?state=all&per_page=2&page=2>; rel="prev"
            <http://h/x?state=all&per_page=2&page=1>; rel="first""#]],
        );
    }
}
