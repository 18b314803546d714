use expect_test::{Expect, expect};
use http::{HeaderName, HeaderValue};

use super::*;

/// 2025-01-01T00:00:00Z.
const NOW_MS: i64 = 1_735_689_600_000;

fn check(response: &str, expect: Expect) {
    let mut lines = response.lines().map(str::trim).filter(|line| !line.is_empty());
    let status = StatusCode::from_bytes(lines.next().unwrap().as_bytes()).unwrap();
    let mut headers = HeaderMap::new();
    let mut body = "";
    for line in lines {
        match line.split_once(": ") {
            Some((name, value)) => {
                headers.append(HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_str(value).unwrap());
            }
            None => body = line,
        }
    }
    let signal = read(status, &headers, body.as_bytes(), Timestamp::from_ms(NOW_MS));
    let after = |at: Timestamp| format!("{} ms", at.ms() - NOW_MS);
    let window = signal.window.map(|w| format!("{} of {:?}, reset in {}", w.remaining, w.limit, after(w.reset_at)));
    let stop = signal.stop.map(|stop| match stop {
        Stop::Until(at) => format!("stop for {}", after(at)),
        Stop::Unsaid => "stop".to_owned(),
    });
    expect.assert_eq(&format!("{:?} {} / {}", signal.resource, window.unwrap_or_default(), stop.unwrap_or_default()));
}

#[test]
fn windows() {
    let github = "200
        x-ratelimit-limit: 5000
        x-ratelimit-remaining: 4999
        x-ratelimit-reset: 1735693200
        x-ratelimit-resource: core";
    check(github, expect![[r#""core" 4999 of Some(5000), reset in 3600000 ms / "#]]);
    check(
        "200\nratelimit-limit: 100, 100;w=60\nratelimit-remaining: 3\nratelimit-reset: 30",
        expect![[r#""" 3 of Some(100), reset in 30000 ms / "#]],
    );
    check("200\nratelimit: \"default\";r=50;t=30", expect![[r#""" 50 of None, reset in 30000 ms / "#]]);
    check("200\nratelimit: limit=100, remaining=50, reset=5", expect![[r#""" 50 of Some(100), reset in 5000 ms / "#]]);
    check(
        "200\nx-ratelimit-remaining: 7\nx-ratelimit-reset: 2025-01-01T00:01:00Z",
        expect![[r#""" 7 of None, reset in 60000 ms / "#]],
    );
    check(
        "200\nx-rate-limit-remaining: 7\nx-rate-limit-reset: 1735689601",
        expect![[r#""" 7 of None, reset in 1000 ms / "#]],
    );
    check("200\nx-ratelimit-remaining: lots\nx-ratelimit-reset: never", expect![[r#"""  / "#]]);
}

#[test]
fn stops() {
    check("429\nretry-after: 7", expect![[r#"""  / stop for 7000 ms"#]]);
    check("429\nretry-after: 0.25", expect![[r#"""  / stop for 250 ms"#]]);
    check("429\nretry-after: Wed, 01 Jan 2025 00:00:30 GMT", expect![[r#"""  / stop for 30000 ms"#]]);
    check("429\nretry-after: soon", expect![[r#"""  / stop"#]]);
    check("429\nretry-after: -5", expect![[r#"""  / stop"#]]);
    check(
        "429\nx-ratelimit-remaining: 0\nx-ratelimit-reset: 1735689610",
        expect![[r#""" 0 of None, reset in 10000 ms / stop for 10000 ms"#]],
    );
    check("403\nretry-after: 5", expect![[r#"""  / stop for 5000 ms"#]]);
    check("403\n{\"message\":\"You have exceeded a secondary rate limit\"}", expect![[r#"""  / stop for 60000 ms"#]]);
    check("403\n{}", expect![[r#"""  / "#]]);
    check("503\nretry-after: 5", expect![[r#"""  / stop for 5000 ms"#]]);
    check("503", expect![[r#"""  / "#]]);
    check("200\nretry-after: 5", expect![[r#"""  / "#]]);
}

#[test]
fn dates_are_read_by_the_clock_of_the_tool() {
    let behind = "429\ndate: Tue, 31 Dec 2024 23:00:00 GMT\nretry-after: Tue, 31 Dec 2024 23:00:30 GMT";
    check(behind, expect![[r#"""  / stop for 30000 ms"#]]);
}
