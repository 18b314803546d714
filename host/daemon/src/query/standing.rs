//! How an integration stands, in the words of the reference system, which operators know.

use super::status::IntegrationStatus;

/// Intervals that may pass without a whole collection before an integration counts as late.
const LATE_INTERVALS: u64 = 3;

/// HEALTHY: it met its freshness. NEEDS ATTENTION: it is late, or was tried again. CRITICAL: something has failed for
/// good, or credentials are refused. UNKNOWN: there is nothing to judge by. `every_ms` is the interval of its
/// collection, where it has one.
pub fn standing(status: &IntegrationStatus, every_ms: Option<u64>) -> &'static str {
    let failures = status.last_run.as_ref().map_or(&[][..], |run| run.failures.as_slice());
    let is_late = match (every_ms, status.cursor_age_ms) {
        (Some(every_ms), Some(age_ms)) => age_ms > every_ms.saturating_mul(LATE_INTERVALS),
        _ => false,
    };
    if failures.iter().any(|failure| matches!(failure.blame.as_str(), "config" | "plugin")) {
        "CRITICAL"
    } else if !failures.is_empty() || is_late {
        "NEEDS ATTENTION"
    } else if status.records == 0 && status.cursor_age_ms.is_none() {
        "UNKNOWN"
    } else {
        "HEALTHY"
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn words_by_what_happened() {
        let judged = |records: u64, age_ms: Option<u64>, blame: Option<&str>| {
            let failure = |blame| json!({ "dataset": "issues", "error": "no", "blame": blame, "retry": true });
            let run = json!({
                "started_at": "2026-01-01T00:00:00Z", "finished_at": null, "full": false, "pages": 0, "records": 0,
                "rejected": 0, "withdrawn": 0, "failures": blame.into_iter().map(failure).collect::<Vec<_>>(),
            });
            let status = json!({
                "name": "ci", "state": "", "standing": "", "cursor_age_ms": age_ms, "records": records, "rejected": 0,
                "errors": 0, "last_error": null, "last_run": blame.map(|_| run),
            });
            standing(&serde_json::from_value(status).unwrap(), Some(60_000))
        };
        assert_eq!(judged(0, None, None), "UNKNOWN");
        assert_eq!(judged(5, None, None), "HEALTHY");
        assert_eq!(judged(5, Some(180_000), None), "HEALTHY");
        assert_eq!(judged(5, Some(180_001), None), "NEEDS ATTENTION");
        assert_eq!(judged(5, Some(1), Some("upstream")), "NEEDS ATTENTION");
        assert_eq!(judged(5, Some(1), Some("config")), "CRITICAL");
        assert_eq!(judged(0, None, Some("plugin")), "CRITICAL");
    }
}
