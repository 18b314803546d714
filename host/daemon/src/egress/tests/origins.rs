use expect_test::expect;
use weir_sandbox::{Connection as _, Method, Target};

use super::support::*;
use crate::egress::{ConnectionSpec, Grant, GrantedOrigin};

fn redirect(to: &str) -> Reply {
    reply("302 Found", &[&format!("location: {to}")], "")
}

#[tokio::test]
async fn a_redirect_keeps_the_credential_on_its_origin_and_drops_it_elsewhere() {
    let other = Tool::replying(vec![reply("200 OK", &[], "from the other")]).await;
    let away = other.origin.clone();
    let tool = Tool::scripted(move |_, head| match head {
        _ if head.starts_with("GET /old ") => redirect("/new"),
        _ if head.starts_with("GET /away ") => redirect(&format!("{away}/file?x=1#part")),
        _ => reply("200 OK", &[], "here"),
    })
    .await;
    let granted = GrantedOrigin { origin: other.origin.clone(), with_credential: true };
    let grant = Grant { origins: vec![granted], ..Grant::reading(["GET"]) };
    let connection = World::new().connection(ConnectionSpec { auth: bearer(), grant, ..spec(&tool.origin) });
    assert_eq!(outcome(&connection, get("/old")).await, "200 here");
    assert_eq!(outcome(&connection, get("/away")).await, "200 from the other");
    assert_eq!(tool.header("authorization"), ["Bearer s3cr3t-token"; 3]);
    assert_eq!(
        (other.header("authorization"), other.lines()),
        (vec!["-".to_owned()], vec!["GET /file?x=1 HTTP/1.1".to_owned()])
    );
    let direct = format!("{}/direct", other.origin);
    assert_eq!(outcome(&connection, link(direct)).await, "200 from the other");
    assert_eq!(other.header("authorization")[1], "Bearer s3cr3t-token");
}

#[tokio::test]
async fn an_origin_granted_without_the_credential_gets_none() {
    let other = Tool::replying(vec![reply("200 OK", &[], "other")]).await;
    let granted = GrantedOrigin { origin: other.origin.clone(), with_credential: false };
    let grant = Grant { origins: vec![granted], ..Grant::reading(["GET"]) };
    let connection = World::new().connection(ConnectionSpec { auth: bearer(), grant, ..spec("http://127.0.0.1:9") });
    assert_eq!(outcome(&connection, link(format!("{}/x", other.origin))).await, "200 other");
    assert_eq!(other.header("authorization"), ["-"]);
}

#[tokio::test]
async fn redirects_into_the_own_network_are_refused() {
    let inside = Tool::replying(vec![reply("200 OK", &[], "secrets of the network")]).await;
    let mut report = String::new();
    for location in [
        "http://169.254.169.254/latest/meta-data/",
        "http://metadata.example.com/latest",
        "http://127.0.0.1:PORT/",
        "http://[::ffff:127.0.0.1]:PORT/",
        "http://0x7f000001:PORT/",
        "http://localhost:PORT/",
        "http://10.0.0.7/",
        "http://u:p@example.com/",
        "ftp://example.com/",
        "file:///etc/passwd",
        "http://",
    ] {
        let to = location.replace("PORT", &inside.port().to_string());
        let tool = Tool::replying(vec![redirect(&to)]).await;
        let world = World::with(Names::answering("metadata.example.com", &["169.254.169.254"]), None);
        let said = outcome(&world.connection(spec(&tool.origin)), get("/x")).await;
        report += &format!("{location} {said}\n").replace(&inside.port().to_string(), "PORT");
    }
    assert_eq!(inside.lines().len(), 0);
    expect![[r#"
        http://169.254.169.254/latest/meta-data/ Denied("`169.254.169.254` is at 169.254.169.254, which is never reached")
        http://metadata.example.com/latest Denied("`metadata.example.com` is at 169.254.169.254, which is never reached")
        http://127.0.0.1:PORT/ Denied("`127.0.0.1` is at the private address 127.0.0.1, not granted")
        http://[::ffff:127.0.0.1]:PORT/ Denied("`::ffff:7f00:1` is at the private address ::ffff:127.0.0.1, not granted")
        http://0x7f000001:PORT/ Denied("`127.0.0.1` is at the private address 127.0.0.1, not granted")
        http://localhost:PORT/ Dns("`localhost` has no address: no such name")
        http://10.0.0.7/ Denied("`10.0.0.7` is at the private address 10.0.0.7, not granted")
        http://u:p@example.com/ Denied("redirect holds a user")
        ftp://example.com/ Denied("redirect leads to another scheme")
        file:///etc/passwd Denied("redirect leads to another scheme")
        http:// Protocol("redirect is malformed")
    "#]].assert_eq(&report);
}

#[tokio::test]
async fn five_redirects_are_followed_and_six_are_not() {
    let chain = |n_redirects: usize| {
        Tool::scripted(move |index, _| match index {
            _ if index < n_redirects => redirect(&format!("/{index}")),
            _ => reply("200 OK", &[], "end"),
        })
    };
    let world = World::new();
    let (five, six) = (chain(5).await, chain(6).await);
    assert_eq!(outcome(&world.connection(spec(&five.origin)), get("/x")).await, "200 end");
    assert_eq!(outcome(&world.connection(spec(&six.origin)), get("/x")).await, "Protocol(\"more than 5 redirects\")");
    assert_eq!(six.lines().len(), 6);
}

#[tokio::test]
async fn a_write_is_not_redirected() {
    let tool = Tool::replying(vec![redirect("/elsewhere")]).await;
    let connection = World::new().connection(spec(&tool.origin));
    assert_eq!(outcome(&connection, request(Method::Post, Target::Path("/x".to_owned()))).await, "302 ");
    assert_eq!(tool.lines(), ["POST /x HTTP/1.1"]);
}

#[tokio::test]
async fn redirects_stay_within_the_grant() {
    let tool = Tool::scripted(|_, head| match head {
        _ if head.starts_with("GET /repos/a ") => redirect("/admin"),
        _ if head.starts_with("GET /repos/b ") => redirect("/repos/..%2fadmin"),
        _ => reply("200 OK", &[], "never"),
    })
    .await;
    let allow = crate::egress::Allow { methods: vec![Method::Get], paths: vec!["/repos/**".to_owned()] };
    let grant = Grant { allow: vec![allow], ..Grant::default() };
    let connection = World::new().connection(ConnectionSpec { grant, ..spec(&tool.origin) });
    assert_eq!(outcome(&connection, get("/repos/a")).await, "Denied(\"redirect leads to a path that is not granted\")");
    assert_eq!(outcome(&connection, get("/repos/b")).await, "Denied(\"path holds a dot segment\")");
    assert_eq!(outcome(&connection, get("/user")).await, "Denied(\"GET on this path is not granted\")");
    let delete = request(Method::Delete, Target::Path("/repos/a".to_owned()));
    assert_eq!(outcome(&connection, delete).await, "Denied(\"DELETE on this path is not granted\")");
    assert_eq!((tool.lines().len(), connection.stats().denied), (2, 4));
}

#[tokio::test]
async fn pages_are_followed_by_link_on_the_own_origin_only() {
    let tool = Tool::replying(vec![reply("200 OK", &[], "page")]).await;
    let connection =
        World::new().connection(ConnectionSpec { auth: bearer(), ..spec(&format!("{}/api", tool.origin)) });
    assert_eq!(connection.site(), format!("{}/api", tool.origin));
    assert_eq!(outcome(&connection, link(format!("{}/repositories/1?page=2", tool.origin))).await, "200 page");
    let evil = outcome(&connection, link("https://evil.example.com/?page=2")).await;
    assert_eq!(evil, "Denied(\"link leads to an origin that does not belong to the connection\")");
    assert_eq!(tool.lines(), ["GET /repositories/1?page=2 HTTP/1.1"]);
}

#[tokio::test]
async fn a_public_name_at_a_private_address_needs_the_word_of_the_operator() {
    let tool = Tool::replying(vec![reply("200 OK", &[], "at home")]).await;
    let world = World::with(Names::answering("jira.example.com", &["127.0.0.1"]), None);
    let base = format!("http://jira.example.com:{}", tool.port());
    let refused = outcome(&world.connection(spec(&base)), get("/x")).await;
    assert_eq!(refused, "Denied(\"`jira.example.com` is at the private address 127.0.0.1, not granted\")");
    let grant = Grant { private: true, ..Grant::reading(["GET"]) };
    let connection = world.connection(ConnectionSpec { grant, auth: bearer(), ..spec(&base) });
    assert_eq!(outcome(&connection, get("/x")).await, "200 at home");
    let home = World::with(Names::answering("jira.internal", &["fe80::1 127.0.0.1"]), None);
    let named = home.connection(spec(&format!("http://jira.internal:{}", tool.port())));
    assert_eq!(outcome(&named, get("/x")).await, "200 at home");
}
