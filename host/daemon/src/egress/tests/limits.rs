use std::io::Write as _;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use weir_sandbox::{Connection as _, Request};

use super::support::*;
use crate::egress::{ConnectionLimits, ConnectionSpec};

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn short(total_ms: u64, first_byte_ms: u64, idle_ms: u64) -> ConnectionLimits {
    let ms = Duration::from_millis;
    let waits = (ms(total_ms), ms(first_byte_ms), ms(idle_ms));
    ConnectionLimits {
        total_wait: waits.0,
        first_byte_wait: waits.1,
        idle_wait: waits.2,
        ..ConnectionLimits::default()
    }
}

async fn check(reply: Reply, limits: ConnectionLimits, body_bytes_max: Option<u64>) -> String {
    let tool = Tool::replying(vec![reply]).await;
    let connection = World::new().connection(ConnectionSpec { limits, ..spec(&tool.origin) });
    outcome(&connection, Request { body_bytes_max, ..get("/x") }).await
}

#[tokio::test]
async fn compressed_bodies_are_read_and_their_framing_is_gone() {
    let tool = Tool::replying(vec![reply("200 OK", &["content-encoding: gzip", "x-kept: 1"], gzip(b"[1,2,3]"))]).await;
    let connection = World::new().connection(spec(&tool.origin));
    let response = connection.send(get("/x")).await.unwrap();
    assert_eq!(response.headers, [("x-kept".to_owned(), b"1".to_vec())]);
    assert_eq!(said(Ok(response)), "200 [1,2,3]");
    assert_eq!(tool.header("accept-encoding"), ["gzip"]);
    assert_eq!(connection.stats().bytes, 7);
}

#[tokio::test]
async fn a_gzip_bomb_is_too_large() {
    let bomb = || reply("200 OK", &["content-encoding: gzip"], gzip(&vec![b'a'; 50 * 1024 * 1024]));
    assert_eq!(check(bomb(), ConnectionLimits::default(), None).await, "TooLarge");
}

#[tokio::test]
async fn a_body_is_read_up_to_the_limit_of_the_request() {
    let body = |n_bytes| reply("200 OK", &[], vec![b'a'; n_bytes]);
    assert_eq!(check(body(1000), ConnectionLimits::default(), Some(1000)).await, "200 (1000 bytes)");
    assert_eq!(check(body(1001), ConnectionLimits::default(), Some(1000)).await, "TooLarge");
    let endless = Reply::SendAndHang([b"HTTP/1.1 200 OK\r\n\r\n".to_vec(), vec![b'a'; 1001]].concat());
    assert_eq!(check(endless, ConnectionLimits::default(), Some(1000)).await, "TooLarge");
    let low = ConnectionLimits { body_bytes_max: 10, ..ConnectionLimits::default() };
    assert_eq!(check(body(11), low, Some(1000)).await, "TooLarge");
}

#[tokio::test]
async fn encodings_that_were_not_asked_for_are_refused() {
    let said = check(reply("200 OK", &["content-encoding: br"], "??"), ConnectionLimits::default(), None).await;
    assert_eq!(said, "Protocol(\"body has an encoding that was not asked for\")");
}

#[tokio::test]
async fn every_wait_has_an_end() {
    let silent = || Reply::SendAndHang(Vec::new());
    let stalled = || Reply::SendAndHang(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc".to_vec());
    assert_eq!(check(silent(), short(60_000, 30, 60_000), None).await, "Timeout");
    assert_eq!(check(stalled(), short(60_000, 60_000, 30), None).await, "Timeout");
    assert_eq!(check(stalled(), short(30, 60_000, 60_000), None).await, "Timeout");
    let tool = Tool::replying(vec![stalled()]).await;
    let impatient = Request { timeout: Some(Duration::from_millis(30)), ..get("/x") };
    assert_eq!(outcome(&World::new().connection(spec(&tool.origin)), impatient).await, "Timeout");
}
