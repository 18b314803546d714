use std::fmt::Write as _;

use expect_test::{Expect, expect};

use super::*;

fn check(base: &str, targets: &[&str], expect: Expect) {
    let base = Base::parse(base).unwrap();
    let origins = [Url::parse("https://uploads.example.com").unwrap().origin()];
    let mut report = String::new();
    for text in targets {
        let is_link = text.starts_with("link ");
        let text = text.trim_start_matches("link ").to_owned();
        let target = if is_link { Target::Link(text.clone()) } else { Target::Path(text.clone()) };
        match base.join(&target, &origins) {
            Ok(url) => writeln!(report, "{text:?} -> {url} as {}", base.granted_path(&url)).unwrap(),
            Err(rule) => writeln!(report, "{text:?} !! {rule}").unwrap(),
        }
    }
    expect.assert_eq(&report);
}

#[test]
fn paths_stay_beneath_the_base() {
    check(
        "https://api.example.com/v3/",
        &[
            "",
            "?a=b",
            "repos/a/b",
            "/repos/a/b?page=2&q=a/../b",
            "/projects/group%2Fname/issues",
            "/@scope/pkg",
            "/v1:batch",
            "/a//b",
            "/caf\u{e9}",
            "/time/12:30",
            "/a?next=https://evil.test/",
        ],
        expect![[r#"
            "" -> https://api.example.com/v3 as 
            "?a=b" -> https://api.example.com/v3?a=b as 
            "repos/a/b" -> https://api.example.com/v3/repos/a/b as /repos/a/b
            "/repos/a/b?page=2&q=a/../b" -> https://api.example.com/v3/repos/a/b?page=2&q=a/../b as /repos/a/b
            "/projects/group%2Fname/issues" -> https://api.example.com/v3/projects/group%2Fname/issues as /projects/group%2Fname/issues
            "/@scope/pkg" -> https://api.example.com/v3/@scope/pkg as /@scope/pkg
            "/v1:batch" -> https://api.example.com/v3/v1:batch as /v1:batch
            "/a//b" -> https://api.example.com/v3/a//b as /a//b
            "/café" -> https://api.example.com/v3/caf%C3%A9 as /caf%C3%A9
            "/time/12:30" -> https://api.example.com/v3/time/12:30 as /time/12:30
            "/a?next=https://evil.test/" -> https://api.example.com/v3/a?next=https://evil.test/ as /a
        "#]],
    );
}

#[test]
fn hostile_paths_are_refused() {
    check(
        "https://api.example.com/v3",
        &[
            "//evil.test/x",
            "///evil.test",
            "\\\\evil.test",
            "/\\evil.test",
            "/a\\..\\b",
            "http:evil.test",
            "https://evil.test/",
            "javascript:alert(1)",
            "@evil.test/",
            "user:pw@evil.test/",
            "..",
            "/..",
            "/../admin",
            "/a/../../admin",
            "/./a",
            "/..%2fadmin",
            "/%2e%2e/admin",
            "/%2E%2e%2fadmin",
            "/%252e%252e/admin",
            "/..;/admin",
            "/%2e%2e;x=1/admin",
            "/a%5c..%5cb",
            "/a b",
            "/a\r\nHost: evil.test",
            "/a%0d%0aX:1",
            "/a%00",
            "/a\tb",
            "/a#b",
            "/\u{a0}a",
            "/a\u{202e}\u{85}",
        ],
        expect![[r#"
            "//evil.test/x" !! path begins with two slashes
            "///evil.test" !! path begins with two slashes
            "\\\\evil.test" !! target holds white space, a control character, a backslash or a fragment
            "/\\evil.test" !! target holds white space, a control character, a backslash or a fragment
            "/a\\..\\b" !! target holds white space, a control character, a backslash or a fragment
            "http:evil.test" !! path reads like a URL
            "https://evil.test/" !! path reads like a URL
            "javascript:alert(1)" !! path reads like a URL
            "@evil.test/" !! path reads like a URL
            "user:pw@evil.test/" !! path reads like a URL
            ".." !! path holds a dot segment
            "/.." !! path holds a dot segment
            "/../admin" !! path holds a dot segment
            "/a/../../admin" !! path holds a dot segment
            "/./a" !! path holds a dot segment
            "/..%2fadmin" !! path holds a dot segment
            "/%2e%2e/admin" !! path holds a dot segment
            "/%2E%2e%2fadmin" !! path holds a dot segment
            "/%252e%252e/admin" !! path holds a dot segment
            "/..;/admin" !! path holds a dot segment
            "/%2e%2e;x=1/admin" !! path holds a dot segment
            "/a%5c..%5cb" !! path holds a dot segment
            "/a b" !! target holds white space, a control character, a backslash or a fragment
            "/a\r\nHost: evil.test" !! target holds white space, a control character, a backslash or a fragment
            "/a%0d%0aX:1" !! path holds an encoded control character
            "/a%00" !! path holds an encoded control character
            "/a\tb" !! target holds white space, a control character, a backslash or a fragment
            "/a#b" !! target holds white space, a control character, a backslash or a fragment
            "/\u{a0}a" !! target holds white space, a control character, a backslash or a fragment
            "/a\u{202e}\u{85}" !! target holds white space, a control character, a backslash or a fragment
        "#]],
    );
}

#[test]
fn links_stay_on_granted_origins() {
    check(
        "https://api.example.com/v3",
        &[
            "link https://api.example.com/v3/issues?page=2",
            "link https://api.example.com:443/repositories/1/issues?page=2",
            "link HTTPS://API.example.com/x",
            "link https://API.EXAMPLE.com/x",
            "link https://uploads.example.com/x",
            "link http://api.example.com/v3",
            "link https://api.example.com:8443/v3",
            "link https://evil.test/",
            "link https://api.example.com.evil.test/",
            "link https://api.example.com@evil.test/",
            "link https://u:p@api.example.com/",
            "link //api.example.com/v3",
            "link /v3/issues",
            "link https:api.example.com/",
            "link https:///api.example.com/",
            "link https:\\\\evil.test",
            "link https://api.example.com\\@evil.test",
            "link ftp://api.example.com/",
            "link file:///etc/passwd",
            "link https://api.example.com/v3/../../admin",
            "link https://api.example.com/..%2fadmin",
            "link https://api.example.com/a\r\nb",
            "link https://169.254.169.254/latest",
            "link https://api.example.com#@evil.test/",
            "link https://api.example.com%2eevil.test/",
        ],
        expect![[r#"
            "https://api.example.com/v3/issues?page=2" -> https://api.example.com/v3/issues?page=2 as /issues
            "https://api.example.com:443/repositories/1/issues?page=2" -> https://api.example.com/repositories/1/issues?page=2 as /repositories/1/issues
            "HTTPS://API.example.com/x" !! link is no http(s) URL
            "https://API.EXAMPLE.com/x" -> https://api.example.com/x as /x
            "https://uploads.example.com/x" -> https://uploads.example.com/x as /x
            "http://api.example.com/v3" !! link leads to an origin that does not belong to the connection
            "https://api.example.com:8443/v3" !! link leads to an origin that does not belong to the connection
            "https://evil.test/" !! link leads to an origin that does not belong to the connection
            "https://api.example.com.evil.test/" !! link leads to an origin that does not belong to the connection
            "https://api.example.com@evil.test/" !! link holds a user
            "https://u:p@api.example.com/" !! link holds a user
            "//api.example.com/v3" !! link is no absolute URL
            "/v3/issues" !! link is no absolute URL
            "https:api.example.com/" !! link is no absolute URL
            "https:///api.example.com/" !! link is no http(s) URL
            "https:\\\\evil.test" !! target holds white space, a control character, a backslash or a fragment
            "https://api.example.com\\@evil.test" !! target holds white space, a control character, a backslash or a fragment
            "ftp://api.example.com/" !! link is no http(s) URL
            "file:///etc/passwd" !! link is no http(s) URL
            "https://api.example.com/v3/../../admin" !! path holds a dot segment
            "https://api.example.com/..%2fadmin" !! path holds a dot segment
            "https://api.example.com/a\r\nb" !! target holds white space, a control character, a backslash or a fragment
            "https://169.254.169.254/latest" !! link leads to an origin that does not belong to the connection
            "https://api.example.com#@evil.test/" !! target holds white space, a control character, a backslash or a fragment
            "https://api.example.com%2eevil.test/" !! link leads to an origin that does not belong to the connection
        "#]],
    );
}

#[test]
fn bases() {
    let mut report = String::new();
    for text in [
        "https://api.github.com",
        "http://10.0.0.5:8080/jira/",
        "https://chat.example.com/hook?key=abc",
        "ftp://x",
        "api.github.com",
        "https://u:p@x.com",
        "data:text/plain,hi",
        "https://bücher.example/",
        "http://0x7f.1/",
        "http://[::1]:80/x",
    ] {
        match Base::parse(text) {
            Ok(base) => writeln!(report, "{text} -> {} query {}", base.site(), base.query().is_some()).unwrap(),
            Err(reason) => writeln!(report, "{text} !! {reason}").unwrap(),
        }
    }
    expect![[r"
        https://api.github.com -> https://api.github.com query false
        http://10.0.0.5:8080/jira/ -> http://10.0.0.5:8080/jira query false
        https://chat.example.com/hook?key=abc -> https://chat.example.com/hook query true
        ftp://x !! is not of the form http(s)://host
        api.github.com !! is no absolute URL
        https://u:p@x.com !! holds a user or password; they belong into `auth`
        data:text/plain,hi !! is not of the form http(s)://host
        https://bücher.example/ -> https://xn--bcher-kva.example query false
        http://0x7f.1/ -> http://127.0.0.1 query false
        http://[::1]:80/x -> http://[::1]/x query false
    "]]
    .assert_eq(&report);
}
