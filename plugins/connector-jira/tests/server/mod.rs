//! A Jira that answers searches over a list of issues, page by page, while others work on them.

use std::cell::RefCell;
use std::rc::Rc;

use serde_json::Value;
use weir_sdk::mock::{Answer, Cassette};
use weir_sdk::model::Timestamp;

/// An issue as the search gives it.
#[derive(Clone)]
pub(crate) struct Listed {
    /// When it last changed, in milliseconds.
    pub(crate) updated: i64,
    /// Its id.
    pub(crate) id: u64,
    json: String,
}

impl Listed {
    /// Reads an issue.
    pub(crate) fn read(json: &str) -> Self {
        let issue: Value = serde_json::from_str(json).unwrap();
        let updated: Timestamp = issue["fields"]["updated"].as_str().unwrap().parse().unwrap();
        let id = issue["id"].as_str().unwrap().parse().unwrap();
        Self { updated: updated.ms(), id, json: json.to_owned() }
    }
}

/// The issues of a Jira.
pub(crate) type Issues = Rc<RefCell<Vec<Listed>>>;

/// A cassette that answers searches with pages of at most `size` issues. `work` is done on the issues after each page.
pub(crate) fn serving(issues: &Issues, size: usize, work: impl Fn(&mut Vec<Listed>) + 'static) -> Rc<Cassette> {
    let issues = Rc::clone(issues);
    Rc::new(Cassette::default().serving(move |request| {
        let mut issues = issues.borrow_mut();
        issues.sort_by_key(|issue| (issue.updated, issue.id));
        let answer = page(request, &issues, size);
        work(&mut issues);
        Some(Answer::of(answer))
    }))
}

fn page(request: &str, issues: &[Listed], size: usize) -> String {
    let number = |after: &str| {
        let digits = request.split_once(after)?.1;
        digits.split(|c: char| !c.is_ascii_digit()).next()?.parse::<usize>().ok()
    };
    let from = i64::try_from(number("updated%20%3E%3D%20").unwrap()).unwrap();
    let found: Vec<_> = issues.iter().filter(|issue| issue.updated >= from).collect();
    let start = number("startAt=").or(number("nextPageToken=")).unwrap_or(0).min(found.len());
    let end = found.len().min(start + size.min(number("maxResults=").unwrap()));
    let page: Vec<_> = found[start..end].iter().map(|issue| issue.json.as_str()).collect();
    let (page, total) = (page.join(","), found.len());
    if !request.contains("/search/jql") {
        return format!(r#"{{"startAt": {start}, "maxResults": {size}, "total": {total}, "issues": [{page}]}}"#);
    }
    if end < total {
        return format!(r#"{{"issues": [{page}], "nextPageToken": "{end}", "isLast": false}}"#);
    }
    format!(r#"{{"issues": [{page}], "isLast": true}}"#)
}
