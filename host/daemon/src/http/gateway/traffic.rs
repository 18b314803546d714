//! What was asked and how long it took, by route. Routes are few, for they are those of the table; a path that is in
//! none counts as `other`.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use axum::http::{Method, StatusCode};

/// Upper ends of the buckets, in milliseconds.
const BUCKETS_MS: [u32; 11] = [1, 2, 5, 10, 25, 50, 100, 250, 1_000, 5_000, 30_000];

/// Counters since the process began.
#[derive(Default)]
pub(in crate::http) struct Traffic {
    counted: Mutex<Counted>,
}

#[derive(Default)]
struct Counted {
    /// Requests by method, route and status.
    requests: BTreeMap<(String, String, u16), u64>,
    /// Times until the begin of the answer, by route.
    times: BTreeMap<String, Times>,
}

/// A histogram.
#[derive(Default)]
struct Times {
    /// Answers in each bucket, and in none of them.
    n: [u64; BUCKETS_MS.len() + 1],
    sum: Duration,
}

impl Traffic {
    /// Counts one answer.
    pub(super) fn note(&self, method: &Method, route: &str, status: StatusCode, took: Duration) {
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        // Methods of one's own invention would be series without end.
        let method = if method.as_str().len() > 7 { "OTHER" } else { method.as_str() };
        *counted.requests.entry((method.to_owned(), route.to_owned(), status.as_u16())).or_default() += 1;
        counted.times.entry(route.to_owned()).or_default().add(took);
    }

    /// The same as Prometheus text.
    pub(in crate::http) fn prometheus(&self) -> String {
        let counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        let mut text =
            "# HELP weir_http_requests_total Requests answered.\n# TYPE weir_http_requests_total counter\n".to_owned();
        for ((method, route, status), n) in &counted.requests {
            // Writing to a text cannot fail.
            let _ = writeln!(
                text,
                "weir_http_requests_total{{method=\"{method}\",route=\"{route}\",status=\"{status}\"}} {n}"
            );
        }
        text += "# HELP weir_http_request_seconds Time until an answer begins.\n# TYPE weir_http_request_seconds histogram\n";
        counted.times.iter().for_each(|(route, times)| times.write(&mut text, route));
        text
    }
}

impl Times {
    fn add(&mut self, took: Duration) {
        let bucket = BUCKETS_MS.iter().position(|end| took <= Duration::from_millis(u64::from(*end)));
        self.n[bucket.unwrap_or(BUCKETS_MS.len())] += 1;
        self.sum += took;
    }

    fn write(&self, text: &mut String, route: &str) {
        let mut n = 0;
        for (end, count) in BUCKETS_MS.iter().zip(&self.n) {
            n += count;
            let seconds = f64::from(*end) / 1e3;
            let _ = writeln!(text, "weir_http_request_seconds_bucket{{route=\"{route}\",le=\"{seconds}\"}} {n}");
        }
        let all: u64 = self.n.iter().sum();
        let _ = writeln!(text, "weir_http_request_seconds_bucket{{route=\"{route}\",le=\"+Inf\"}} {all}");
        let _ = writeln!(text, "weir_http_request_seconds_sum{{route=\"{route}\"}} {}", self.sum.as_secs_f64());
        let _ = writeln!(text, "weir_http_request_seconds_count{{route=\"{route}\"}} {all}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    #[test]
    fn a_route_is_counted_by_status_and_time() {
        let traffic = Traffic::default();
        let took = |took_ms, status| {
            traffic.note(&Method::GET, "/v1/search", status, Duration::from_millis(took_ms));
        };
        took(1, StatusCode::OK);
        took(40_000, StatusCode::SERVICE_UNAVAILABLE);
        let text = traffic.prometheus();
        let told: Vec<_> = text
            .lines()
            .filter(|line| !line.contains("_bucket") || line.contains("30") || line.contains("Inf"))
            .collect();
        expect![[r#"
            # HELP weir_http_requests_total Requests answered.
            # TYPE weir_http_requests_total counter
            weir_http_requests_total{method="GET",route="/v1/search",status="200"} 1
            weir_http_requests_total{method="GET",route="/v1/search",status="503"} 1
            # HELP weir_http_request_seconds Time until an answer begins.
            # TYPE weir_http_request_seconds histogram
            weir_http_request_seconds_bucket{route="/v1/search",le="30"} 1
            weir_http_request_seconds_bucket{route="/v1/search",le="+Inf"} 2
            weir_http_request_seconds_sum{route="/v1/search"} 40.001
            weir_http_request_seconds_count{route="/v1/search"} 2"#]]
        .assert_eq(&told.join("\n"));
    }
}
