//! Which headers cross, in either direction. Framing is hyper's alone, credentials are ours alone.

use http::header::{HeaderMap, HeaderName, HeaderValue};

/// Headers of one request, in bytes and in number.
const BYTES_MAX: usize = 32 * 1024;
const COUNT_MAX: usize = 64;

/// Names a plugin may not set: framing, credentials, and what would get a request past its granted method.
const REFUSED: [&str; 28] = [
    "accept-encoding",
    "api-key",
    "apikey",
    "authorization",
    "connection",
    "content-length",
    "cookie",
    "cookie2",
    "expect",
    "forwarded",
    "host",
    "keep-alive",
    "private-token",
    "job-token",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "via",
    "x-access-token",
    "x-api-key",
    "x-auth-token",
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
    "x-original-url",
    "x-rewrite-url",
    "http2-settings",
];
const REFUSED_PREFIXES: [&str; 4] = ["proxy-", "sec-", "x-forwarded-", "x-amz-security-"];

/// Names a plugin never sees: session, challenges, framing of this hop.
const DROPPED: [&str; 14] = [
    "authentication-info",
    "connection",
    "content-encoding",
    "content-length",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authentication-info",
    "proxy-connection",
    "set-cookie",
    "set-cookie2",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "www-authenticate",
];

/// Reads the headers of a plugin; the error names the rule one of them breaks. `own` is the header that carries
/// the credential of the connection.
pub(crate) fn read(headers: &[(String, Vec<u8>)], own: Option<&HeaderName>) -> Result<HeaderMap, String> {
    if headers.len() > COUNT_MAX
        || headers.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>() > BYTES_MAX
    {
        return Err("headers are too many or too large".to_owned());
    }
    let mut map = HeaderMap::with_capacity(headers.len() + 4);
    for (name, value) in headers {
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| "a header name is malformed".to_owned())?;
        if is_refused(name.as_str()) || own == Some(&name) {
            return Err(format!("header `{name}` is set by the host alone"));
        }
        let value = HeaderValue::from_bytes(value).map_err(|_| format!("value of header `{name}` is malformed"))?;
        map.append(name, value);
    }
    Ok(map)
}

fn is_refused(name: &str) -> bool {
    REFUSED.contains(&name) || REFUSED_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

/// Whether a plugin may see the response header `name`.
pub(crate) fn is_shown(name: &str) -> bool {
    !DROPPED.contains(&name)
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    fn check(headers: &[(&str, &str)], expect: Expect) {
        let line = |(name, value): &(&str, &str)| {
            let header = ((*name).to_owned(), value.as_bytes().to_vec());
            let own = HeaderName::from_static("x-tool-key");
            format!("{name:?} {}\n", read(&[header], Some(&own)).map_or_else(|rule| rule, |_| "passes".to_owned()))
        };
        expect.assert_eq(&headers.iter().map(line).collect::<String>());
    }

    #[test]
    fn credentials_and_framing_are_refused_in_any_case() {
        check(
            &[
                ("accept", "application/json"),
                ("if-none-match", "\"a\""),
                ("x-github-api-version", "2022-11-28"),
                ("Authorization", "Bearer x"),
                ("COOKIE", "a=b"),
                ("host", "evil.test"),
                ("Transfer-Encoding", "chunked"),
                ("content-length", "0"),
                ("proxy-authorization", "x"),
                ("X-Tool-Key", "x"),
                ("x-http-method-override", "DELETE"),
                ("x-forwarded-for", "127.0.0.1"),
                ("connection", "upgrade"),
                ("te", "trailers"),
                ("a\r\nhost", "x"),
                ("x-a", "b\r\nhost: evil"),
                ("", "x"),
            ],
            expect![[r#"
                "accept" passes
                "if-none-match" passes
                "x-github-api-version" passes
                "Authorization" header `authorization` is set by the host alone
                "COOKIE" header `cookie` is set by the host alone
                "host" header `host` is set by the host alone
                "Transfer-Encoding" header `transfer-encoding` is set by the host alone
                "content-length" header `content-length` is set by the host alone
                "proxy-authorization" header `proxy-authorization` is set by the host alone
                "X-Tool-Key" header `x-tool-key` is set by the host alone
                "x-http-method-override" header `x-http-method-override` is set by the host alone
                "x-forwarded-for" header `x-forwarded-for` is set by the host alone
                "connection" header `connection` is set by the host alone
                "te" header `te` is set by the host alone
                "a\r\nhost" a header name is malformed
                "x-a" value of header `x-a` is malformed
                "" a header name is malformed
            "#]],
        );
    }
}
