use expect_test::expect;
use weir_sandbox::{Connection as _, Request};

use super::support::*;
use crate::egress::{Auth, ConnectionSpec, EgressError, Secret};

async fn check(auth: Auth) -> (String, String, String, String) {
    let tool = Tool::replying(vec![reply("200 OK", &[], "")]).await;
    let connection = World::new().connection(ConnectionSpec { auth, ..spec(&tool.origin) });
    outcome(&connection, get("/x?a=1")).await;
    let [line, authorization, own] =
        [tool.lines(), tool.header("authorization"), tool.header("private-token")].map(|mut seen| seen.remove(0));
    (line, authorization, own, tool.header("user-agent").remove(0))
}

#[tokio::test]
async fn each_kind_of_credential_is_added_where_it_belongs() {
    let secret = || Secret::new("s3cr t/token\n");
    let mut report = String::new();
    for auth in [
        Auth::None,
        Auth::Bearer(Secret::new("s3cr3t")),
        Auth::Basic { user: "ana".to_owned(), password: secret() },
        Auth::Header { name: "PRIVATE-TOKEN".to_owned(), value: secret() },
        Auth::Query { name: "key".to_owned(), value: secret() },
    ] {
        report += &format!("{:?}\n", check(auth).await);
    }
    expect![[r#"
        ("GET /x?a=1 HTTP/1.1", "-", "-", "weir/VERSION")
        ("GET /x?a=1 HTTP/1.1", "Bearer s3cr3t", "-", "weir/VERSION")
        ("GET /x?a=1 HTTP/1.1", "Basic YW5hOnMzY3IgdC90b2tlbg==", "-", "weir/VERSION")
        ("GET /x?a=1 HTTP/1.1", "-", "s3cr t/token", "weir/VERSION")
        ("GET /x?a=1&key=s3cr+t%2Ftoken HTTP/1.1", "-", "-", "weir/VERSION")
    "#]]
    .assert_eq(&report.replace(env!("CARGO_PKG_VERSION"), "VERSION"));
}

#[tokio::test]
async fn a_query_credential_replaces_the_one_in_a_link_of_the_tool() {
    let tool =
        Tool::replying(vec![reply("200 OK", &["link: </x?key=s3cr3t-token&page=2>"], "next: /x?key=s3cr3t-token")])
            .await;
    let auth = Auth::Query { name: "key".to_owned(), value: Secret::new("s3cr3t-token") };
    let connection = World::new().connection(ConnectionSpec { auth, ..spec(&tool.origin) });
    let response = connection.send(get("/x")).await.unwrap();
    let link = response.headers.iter().find(|(name, _)| name == "link").unwrap();
    assert_eq!(String::from_utf8_lossy(&link.1), "</x?key=************&page=2>");
    assert_eq!(said(Ok(response)), "200 next: /x?key=************");
    outcome(&connection, link_to(&tool, "/x?key=************&page=2")).await;
    assert_eq!(tool.lines()[1], "GET /x?page=2&key=s3cr3t-token HTTP/1.1");
}

fn link_to(tool: &Tool, path: &str) -> Request {
    link(format!("{}{path}", tool.origin))
}

#[tokio::test]
async fn the_query_of_a_base_url_goes_along_and_stays_secret() {
    let tool = Tool::replying(vec![reply("200 OK", &[], "your key is k3y-of-the-chat")]).await;
    let connection = World::new().connection(spec(&format!("{}/hook?key=k3y-of-the-chat", tool.origin)));
    assert_eq!(connection.site(), format!("{}/hook", tool.origin));
    assert_eq!(outcome(&connection, get("?threadKey=1")).await, "200 your key is ***************");
    assert_eq!(outcome(&connection, get("")).await, "200 your key is ***************");
    assert_eq!(
        tool.lines(),
        ["GET /hook?threadKey=1&key=k3y-of-the-chat HTTP/1.1", "GET /hook?key=k3y-of-the-chat HTTP/1.1"]
    );
}

#[tokio::test]
async fn a_plugin_cannot_set_credentials_and_does_not_see_sessions() {
    let headers =
        ["set-cookie: sid=1", "www-authenticate: Basic realm=x", "x-echo: Bearer s3cr3t-token", "etag: \"1\""];
    let tool = Tool::replying(vec![reply("200 OK", &headers, "")]).await;
    let connection = World::new().connection(ConnectionSpec { auth: bearer(), ..spec(&tool.origin) });
    let response = connection.send(get("/x")).await.unwrap();
    let shown: Vec<_> =
        response.headers.iter().map(|(name, value)| format!("{name}: {}", String::from_utf8_lossy(value))).collect();
    assert_eq!(shown, ["x-echo: Bearer ************", "etag: \"1\""]);
    for name in ["authorization", "Cookie", "host", "x-http-method-override"] {
        let headers = vec![(name.to_owned(), b"x".to_vec())];
        let said = outcome(&connection, Request { headers, ..get("/x") }).await;
        assert!(said.starts_with("Denied(\"header `"), "{said}");
    }
    assert_eq!(tool.lines().len(), 1);
}

#[tokio::test]
async fn no_error_shows_a_secret() {
    let leaking = "http://elsewhere.example.com/?leak=s3cr3t-token";
    let cases = [
        reply("302 Found", &[&format!("location: {leaking}")], ""),
        reply("302 Found", &["location: http://s3cr3t-token.internal/"], ""),
        Reply::SendAndClose(b"HTTP/1.1 s3cr3t-token\r\n\r\n".to_vec()),
        Reply::SendAndClose(b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\ns3cr3t-token".to_vec()),
    ];
    let mut report = String::new();
    for case in cases {
        let tool = Tool::replying(vec![case]).await;
        let connection = World::new().connection(ConnectionSpec { auth: bearer(), ..spec(&tool.origin) });
        report += &format!("{}\n", outcome(&connection, get("/x")).await);
    }
    let denied = World::new().connection(ConnectionSpec { auth: bearer(), ..spec("http://127.0.0.1:9") });
    report += &format!("{}\n", outcome(&denied, link("http://s3cr3t-token@127.0.0.1:9/")).await);
    assert!(!report.contains("s3cr3t-token"), "{report}");
    expect![[r#"
        Denied("redirect carries the credential to another origin")
        Denied("redirect carries the credential to another origin")
        Protocol("invalid HTTP status-code parsed")
        Connect("error reading a body from connection: end of file before message length reached")
        Denied("link holds a user")
    "#]]
    .assert_eq(&report);
}

#[tokio::test]
async fn a_connection_is_checked_when_it_is_made() {
    let world = World::new();
    let error = |spec: ConnectionSpec| match world.egress.connection(spec) {
        Ok(_) => "made".to_owned(),
        Err(error @ EgressError::BaseUrl { .. }) => format!("base: {error}"),
        Err(error) => error.to_string(),
    };
    let with = |base: &str, auth: Auth| error(ConnectionSpec { auth, ..spec(base) });
    let mut report = vec![
        with("http://api.example.com", bearer()),
        with("http://jira.internal", bearer()),
        with("http://jira", bearer()),
        with("http://10.0.0.5", bearer()),
        with("https://u:s3cr3t@example.com", Auth::None),
        with("http://127.0.0.1", Auth::Header { name: "a b".to_owned(), value: Secret::new("x") }),
        with("http://127.0.0.1", Auth::Bearer(Secret::new(" \n"))),
        with("http://127.0.0.1", Auth::Bearer(Secret::new("s3cr\nt"))),
    ];
    let mut bad = spec("http://127.0.0.1");
    bad.grant.allow[0].paths = vec!["/a[".to_owned()];
    report.push(error(bad));
    expect![[r#"
        [
            "connection `tool` would send its credential over plain http",
            "made",
            "made",
            "made",
            "base: base URL of connection `tool` holds a user or password; they belong into `auth`",
            "credential of connection `tool` cannot be used: the header name is malformed",
            "credential of connection `tool` cannot be used: the token is empty",
            "credential of connection `tool` cannot be used: the secret holds characters no header can carry",
            "grant of connection `tool` has a malformed path pattern `/a[`",
        ]
    "#]]
    .assert_debug_eq(&report);
}
