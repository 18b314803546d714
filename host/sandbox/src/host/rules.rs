//! What a guest may put into a request, and what it may read of a response. The grant itself (origin, method, path)
//! is the connection's; these rules hold for every connection.

use crate::bindings::Target;

/// Headers of one request.
const HEADERS_MAX: usize = 64;
/// Bytes of all header names and values of one request.
const HEADER_BYTES_MAX: usize = 32 << 10;
/// Bytes of a path or link.
const TARGET_BYTES_MAX: usize = 8 << 10;

/// Request headers that carry credentials or framing. Both are the host's alone.
const REFUSED: [&str; 22] = [
    "authorization",
    "apikey",
    "connection",
    "content-length",
    "cookie",
    "cookie2",
    "expect",
    "forwarded",
    "host",
    "http2-settings",
    "keep-alive",
    "private-token",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "x-api-key",
    "x-auth-token",
    "x-forwarded-host",
];

/// Response headers a guest does not see: sessions and challenges.
const HIDDEN: [&str; 6] = [
    "authentication-info",
    "proxy-authenticate",
    "proxy-authentication-info",
    "set-cookie",
    "set-cookie2",
    "www-authenticate",
];

/// Whether a guest may read this response header; `name` is in lower case.
pub(crate) fn is_readable(name: &str) -> bool {
    !HIDDEN.contains(&name)
}

/// Checks the headers of a request. The error names the rule.
pub(crate) fn check_headers(headers: &[(String, Vec<u8>)]) -> Result<(), String> {
    if headers.len() > HEADERS_MAX {
        return Err(format!("{} headers, the limit is {HEADERS_MAX}", headers.len()));
    }
    let bytes: usize = headers.iter().map(|(name, value)| name.len() + value.len()).sum();
    if bytes > HEADER_BYTES_MAX {
        return Err(format!("headers of {bytes} bytes, the limit is {HEADER_BYTES_MAX}"));
    }
    headers.iter().try_for_each(|(name, value)| check_header(name, value))
}

fn check_header(name: &str, value: &[u8]) -> Result<(), String> {
    let is_token = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"!#$%&'*+-.^_`|~".contains(&b);
    if name.is_empty() || !name.bytes().all(is_token) {
        return Err("a header name is lower case and a token".to_owned());
    }
    if REFUSED.contains(&name) {
        return Err(format!("header `{name}` is the host's alone"));
    }
    if value.iter().any(|b| *b == 0x7f || (*b < 0x20 && *b != b'\t')) {
        return Err(format!("value of header `{name}` holds a control character"));
    }
    Ok(())
}

/// Checks the form of a target. Whether it is granted, the connection says.
pub(crate) fn check_target(target: &Target) -> Result<(), String> {
    let text = match target {
        Target::Path(path) => path,
        Target::Link(link) => link,
    };
    if text.len() > TARGET_BYTES_MAX {
        return Err(format!("target of {} bytes, the limit is {TARGET_BYTES_MAX}", text.len()));
    }
    if !text.bytes().all(|b| b.is_ascii_graphic()) || text.contains(['\\', '#']) {
        return Err("a target is percent-encoded and has no fragment".to_owned());
    }
    match target {
        Target::Path(path) => check_path(path),
        Target::Link(link) => check_link(link),
    }
}

/// A path stays on its connection: it can name no host, neither by a scheme nor by `//`, and climbs nowhere.
fn check_path(path: &str) -> Result<(), String> {
    let (route, _) = path.split_once('?').unwrap_or((path, ""));
    if !(route.is_empty() || route.starts_with('/')) || route.starts_with("//") {
        return Err("a path begins with one `/`; use a link for an absolute URL".to_owned());
    }
    let climbs = |segment: &str| matches!(segment.to_ascii_lowercase().replace("%2e", ".").as_str(), "." | "..");
    if route.split('/').any(climbs) {
        return Err("a path has no dot segments".to_owned());
    }
    Ok(())
}

fn check_link(link: &str) -> Result<(), String> {
    let rest = link.strip_prefix("https://").or_else(|| link.strip_prefix("http://"));
    let authority = rest.and_then(|rest| rest.split(['/', '?']).next()).unwrap_or("");
    if authority.is_empty() {
        return Err("a link is an absolute http or https URL".to_owned());
    }
    if authority.contains('@') {
        return Err("a link has no user part".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_cannot_leave_the_connection() {
        for good in ["", "/", "?page=2", "/a/b?next=https://x/../y", "/a..b/...", "/%2F"] {
            assert_eq!(check_target(&Target::Path(good.to_owned())), Ok(()), "{good}");
        }
        let bad = [
            "a",
            "//evil/x",
            "https://evil/x",
            "@evil/x",
            ":8080/x",
            "/a/../b",
            "/%2e%2E/b",
            "/./b",
            "/a b",
            "/a\\b",
            "/a#b",
            "/a\r\nhost: x",
            "/ä",
        ];
        for bad in bad {
            assert!(check_target(&Target::Path(bad.to_owned())).is_err(), "{bad}");
        }
    }

    #[test]
    fn targets_have_a_longest_length() {
        let path = |bytes: usize| Target::Path(format!("/{}", "x".repeat(bytes - 1)));
        assert!(check_target(&path(TARGET_BYTES_MAX)).is_ok());
        assert!(check_target(&path(TARGET_BYTES_MAX + 1)).is_err());
    }

    #[test]
    fn links_are_absolute_and_name_no_user() {
        for good in ["https://a", "http://a:1/b?c"] {
            assert_eq!(check_target(&Target::Link(good.to_owned())), Ok(()), "{good}");
        }
        for bad in ["", "/a", "//a", "ftp://a", "https://", "https:///a", "https://u@a/", "file:///etc/passwd"] {
            assert!(check_target(&Target::Link(bad.to_owned())).is_err(), "{bad}");
        }
    }

    fn header(name: &str, value: &str) -> (String, Vec<u8>) {
        (name.to_owned(), value.as_bytes().to_vec())
    }

    #[test]
    fn credentials_framing_and_broken_headers_are_refused() {
        assert_eq!(check_headers(&[header("accept", "application/json"), header("x-y", "\t ok")]), Ok(()));
        for (name, value) in
            [("Authorization", ""), ("authorization", "x"), ("host", "x"), (":path", "/"), ("", ""), ("x", "a\r\nb")]
        {
            assert!(check_headers(&[header(name, value)]).is_err(), "{name}");
        }
    }

    #[test]
    fn headers_are_limited_in_number_and_bytes() {
        let many = |n: usize| vec![header("x", "y"); n];
        assert!(check_headers(&many(HEADERS_MAX)).is_ok());
        assert!(check_headers(&many(HEADERS_MAX + 1)).is_err());
        assert!(check_headers(&[header("x", &"y".repeat(HEADER_BYTES_MAX - 1))]).is_ok());
        assert!(check_headers(&[header("x", &"y".repeat(HEADER_BYTES_MAX))]).is_err());
    }
}
