use std::collections::BTreeMap;
use std::sync::Arc;

use weir_sandbox::Request;

use super::support::*;
use crate::egress::{Validator, Validators};

struct Known(BTreeMap<String, Validator>);

impl Validators for Known {
    fn get(&self, key: &str) -> Option<Validator> {
        self.0.get(key).cloned()
    }
}

fn conditional(path: &str) -> Request {
    Request { conditional: true, ..get(path) }
}

#[tokio::test]
async fn an_unchanged_page_comes_back_as_304_once_its_validator_was_stored() {
    let tool = Tool::scripted(|_, head| {
        if head.contains("if-none-match: \"v1\"\r\n") {
            return reply("304 Not Modified", &["etag: \"v1\""], "");
        }
        reply("200 OK", &["etag: \"v1\"", "last-modified: Wed, 01 Jan 2025 00:00:00 GMT"], "[1]")
    })
    .await;
    let first = World::new().connection(spec(&tool.origin));
    assert_eq!(outcome(&first, conditional("/x")).await, "200 [1]");
    assert_eq!(outcome(&first, get("/x")).await, "200 [1]");
    let fresh = first.take_validators();
    assert_eq!((fresh.len(), first.take_validators().len()), (1, 0));

    let reader = first.with_validators(Arc::new(Known(fresh.into_iter().collect())));
    assert_eq!(outcome(&reader, conditional("/x")).await, "304 ");
    assert_eq!(outcome(&reader, get("/x")).await, "200 [1]");
    assert_eq!(outcome(&reader, conditional("/y")).await, "200 [1]");
    let other_form = Request { headers: vec![("accept".to_owned(), b"text/html".to_vec())], ..conditional("/x") };
    assert_eq!(outcome(&reader, other_form).await, "200 [1]");
    assert_eq!((reader.take_validators().len(), reader.stats().not_modified), (2, 1));
    assert_eq!(outcome(&reader.without_validators(), conditional("/x")).await, "200 [1]");
    assert_eq!(tool.header("if-modified-since")[2], "Wed, 01 Jan 2025 00:00:00 GMT");
}

#[tokio::test]
async fn errors_earn_no_validator() {
    let tool = Tool::replying(vec![reply("404 Not Found", &["etag: \"v1\""], "")]).await;
    let connection = World::new().connection(spec(&tool.origin));
    outcome(&connection, conditional("/x")).await;
    assert_eq!(connection.take_validators(), []);
}
