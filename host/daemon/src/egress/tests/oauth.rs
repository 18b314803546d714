use std::time::Duration;

use super::support::*;
use crate::egress::{Auth, ConnectionSpec, OAuth2, Secret};

fn oauth(tool: &Tool, refresh_token: Option<&str>) -> Auth {
    Auth::OAuth2(OAuth2 {
        token_url: format!("{}/token", tool.origin),
        client_id: "weir".to_owned(),
        client_secret: Secret::new("cl13nt-s3cr3t"),
        scope: Some("read all".to_owned()),
        refresh_token: refresh_token.map(Secret::new),
    })
}

/// A tool that hands out token-1, token-2, ... and takes the latest only.
async fn issuing() -> Tool {
    let issued = std::sync::atomic::AtomicU32::new(0);
    Tool::scripted(move |_, head| {
        use std::sync::atomic::Ordering::SeqCst;
        if head.starts_with("POST /token ") {
            let number = issued.fetch_add(1, SeqCst) + 1;
            let body =
                format!(r#"{{"access_token":"token-{number}","expires_in":600,"refresh_token":"refresh-{number}"}}"#);
            return reply("200 OK", &[], body);
        }
        let current = format!("authorization: Bearer token-{}\r\n", issued.load(SeqCst));
        let is_revoked = head.starts_with("GET /revoked ") && issued.load(SeqCst) < 3;
        if head.contains(&current) && !is_revoked {
            reply("200 OK", &[], "fine")
        } else {
            reply("401 Unauthorized", &[], "no")
        }
    })
    .await
}

#[tokio::test]
async fn a_token_is_fetched_kept_and_renewed() {
    let tool = issuing().await;
    let world = World::new();
    let connection = world.connection(ConnectionSpec { auth: oauth(&tool, None), ..spec(&tool.origin) });
    assert_eq!(outcome(&connection, get("/x")).await, "200 fine");
    assert_eq!(outcome(&connection, get("/x")).await, "200 fine");
    world.clock.pass(Duration::from_secs(541));
    assert_eq!(outcome(&connection, get("/x")).await, "200 fine");
    assert_eq!(outcome(&connection, get("/revoked")).await, "200 fine");
    let line = |line: String| line.split(' ').nth(1).unwrap().to_owned();
    let paths: Vec<_> = tool.lines().into_iter().map(line).collect();
    assert_eq!(paths, ["/token", "/x", "/x", "/token", "/x", "/revoked", "/token", "/revoked"]);
    let form = tool.seen.lock().unwrap()[0].split_once("\r\n\r\n").unwrap().1.to_owned();
    assert_eq!(form, "grant_type=client_credentials&client_id=weir&client_secret=cl13nt-s3cr3t&scope=read+all");
}

#[tokio::test]
async fn a_rotated_refresh_token_is_used_and_handed_over() {
    let tool = issuing().await;
    let world = World::new();
    let connection = world.connection(ConnectionSpec { auth: oauth(&tool, Some("refresh-0")), ..spec(&tool.origin) });
    assert_eq!(outcome(&connection, get("/x")).await, "200 fine");
    world.clock.pass(Duration::from_secs(600));
    assert_eq!(outcome(&connection, get("/x")).await, "200 fine");
    let forms: Vec<_> =
        tool.seen.lock().unwrap().iter().map(|request| request.contains("refresh_token=refresh-1&")).collect();
    assert_eq!(forms, [false, false, true, false]);
    assert_eq!(connection.take_rotated_refresh_token().unwrap().expose(), "refresh-2");
    assert!(connection.take_rotated_refresh_token().is_none());
}

#[tokio::test]
async fn a_refused_client_is_told_without_its_secret() {
    let tool = Tool::replying(vec![reply("400 Bad Request", &[], "cl13nt-s3cr3t is wrong")]).await;
    let connection = World::new().connection(ConnectionSpec { auth: oauth(&tool, None), ..spec(&tool.origin) });
    let said = outcome(&connection, get("/x")).await;
    assert_eq!(said, "Denied(\"token endpoint answered 400; check client id, secret and scope\")");
}
