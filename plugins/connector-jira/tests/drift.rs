//! Pages move while they are read: people change and delete issues, and none that stays may be missed.

#![allow(clippy::unwrap_used, reason = "a test fails by it")]

mod server;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;

use connector_jira::Jira;
use server::{Issues, Listed};
use weir_sdk::mock::{self, Order};
use weir_sdk::model::Timestamp;

const START: i64 = 1_740_000_000_000;

/// An issue with nothing but what paging reads.
fn issue(id: u64, updated: i64) -> Listed {
    let at = Timestamp::from_ms(updated);
    Listed::read(&format!(r#"{{"id": "{id}", "key": "API-{id}", "fields": {{"updated": "{at}"}}}}"#))
}

/// Issues whose changes lie so far apart.
fn issues(n: u32, apart_ms: i64) -> Issues {
    Rc::new(RefCell::new((1..=n).map(|id| issue(id.into(), START + i64::from(id) * apart_ms)).collect()))
}

/// After each page, somebody changes the issue that stands first and somebody deletes the second, for a while.
fn busy(mut pages: i64) -> impl FnMut(&mut Vec<Listed>) {
    move |issues| {
        pages -= 1;
        if pages > 0 && issues.len() > 2 {
            issues[0] = issue(issues[0].id, START + 90_000_000 - pages);
            issues.remove(1);
        }
    }
}

fn check(n_issues: u32, apart_ms: i64, size: usize) {
    let issues = issues(n_issues, apart_ms);
    let work = RefCell::new(busy(20));
    let cassette = server::serving(&issues, size, move |issues| work.borrow_mut()(issues));
    let collected = mock::collect::<Jira>(&cassette, &Order::full("issues", r#"{"deployment": "server"}"#));
    assert_eq!(collected.failure, None);
    let seen: BTreeSet<_> = collected.records.iter().map(|record| record.key.clone()).collect();
    let missed: Vec<_> = issues.borrow().iter().map(|it| it.id).filter(|id| !seen.contains(&id.to_string())).collect();
    assert_eq!(missed, [0; 0], "{n_issues} issues, {apart_ms} ms apart, pages of {size}");
}

#[test]
fn no_issue_that_stays_is_missed() {
    for size in [2, 3, 7, 50] {
        check(100, 100_000, size);
        check(100, 7_000, size);
        // All within one minute, as after a bulk change: only the anchor helps.
        check(100, 1, size);
    }
}
