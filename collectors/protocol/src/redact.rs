//! Takes secrets out of text before it leaves the machine.
//!
//! Invariant: redaction only removes; what is left is a part of what was there, with [`MASK`] in the gaps.

use std::sync::LazyLock;

use regex::{Captures, Regex};

/// What stands for a secret.
pub const MASK: &str = "****";

/// The group `keep` stays, the rest of the match is masked.
static SECRETS: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    [
        r"(?s)-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\z)",
        // The beginning of the block may be beyond the part of the log that was read.
        r"(?s)\A[A-Za-z0-9+/=\s]*-----END [A-Z ]*PRIVATE KEY-----",
        r"\b(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}|gl[a-z]{2,6}-[A-Za-z0-9_-]{20,})",
        r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b",
        r"\bxox[abeprs]-[A-Za-z0-9-]{10,}",
        r"\b(?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{10,}|\bsk-[A-Za-z0-9_-]{20,}|\bnpm_[A-Za-z0-9]{30,}|\bAIza[A-Za-z0-9_-]{30,}",
        r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)?",
        r"\{AQA[A-Za-z0-9+/=]{20,}\}",
        r"(?P<keep>\b[a-zA-Z][a-zA-Z0-9+.-]*://)[^/\s@'\x22]+@",
        r"(?i)(?P<keep>\bauthorization\x22?\s*[:=]\s*\x22?(?:(?:basic|bearer|token|apikey|digest)\s+)?)[^\s\x22',;]+",
        r"(?i)(?P<keep>\b(?:bearer|basic)\s+)[A-Za-z0-9._~+/=-]{16,}",
        r"(?i)(?P<keep>[A-Za-z0-9_.-]*(?:passw(?:or)?d|passwd|pwd|passphrase|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|credentials?)[A-Za-z0-9_.-]*[\x22']?\s*[:=]\s*)(?:\x22[^\x22\r\n]+\x22|'[^'\r\n]+'|[^\s\x22',;&]+)",
        r"(?P<keep>\s(?:--password|--token|--secret|-p)[ =])[^\s-][^\s]*",
    ]
    .into_iter()
    .map(|pattern| Regex::new(pattern).expect("the patterns are constants, and tested"))
    .collect()
});

/// Names of parameters whose values stay where they are.
static SECRET_NAME: LazyLock<Regex> = LazyLock::new(|| {
    let pattern = r"(?i)(?:^|[^a-z])pass(?:phrase)?(?:$|[^a-z])|passw|pwd|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|credential|signing[_-]?key|auth[_-]?key";
    Regex::new(pattern).expect("the pattern is a constant, and tested")
});

/// The text without its secrets, and how many were taken out.
pub fn redact(text: &str) -> (String, u64) {
    let mut n_redactions = 0;
    let mut text = text.to_owned();
    for pattern in SECRETS.iter() {
        if !pattern.is_match(&text) {
            continue;
        }
        let masked = pattern.replace_all(&text, |found: &Captures<'_>| {
            let kept = found.name("keep").map_or("", |kept| kept.as_str());
            if found[0][kept.len()..].trim_matches(['"', '\'']) == MASK {
                return found[0].to_owned();
            }
            n_redactions += 1;
            let end = if found[0].ends_with('@') { "@" } else { "" };
            format!("{kept}{MASK}{end}")
        });
        text = masked.into_owned();
    }
    (text, n_redactions)
}

/// The first `bytes_max` bytes of the text without its secrets; none if nothing is there.
pub fn excerpt(text: &str, bytes_max: usize) -> Option<String> {
    let text = text.trim();
    if text.is_empty() {
        return None;
    }
    // Redacted before it is cut: half a secret is not recognised.
    let (mut text, _) = redact(text);
    text.truncate(text.floor_char_boundary(bytes_max));
    Some(text)
}

/// The value of a parameter with that name is secret.
pub fn is_secret_name(name: &str) -> bool {
    SECRET_NAME.is_match(name)
}

/// An address without user and password.
pub fn without_user(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let (authority, path) = rest.find(['/', '?', '#']).map_or((rest, ""), |end| rest.split_at(end));
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    format!("{scheme}://{host}{path}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_secrets_out_and_leaves_the_rest() {
        for (text, expected) in [
            ("git clone https://ana:hunter2@host/o/r.git", "git clone https://****@host/o/r.git"),
            ("https://x-token@host/o", "https://****@host/o"),
            ("mail ana@example.com, see https://host/a@b", "mail ana@example.com, see https://host/a@b"),
            ("Authorization: Bearer abc.def-ghi", "Authorization: Bearer ****"),
            ("DB_PASSWORD=hunter2 make", "DB_PASSWORD=**** make"),
            (r#"{"api_key": "k-123", "b": 1}"#, r#"{"api_key": ****, "b": 1}"#),
            ("password=****", "password=****"),
            ("use ghp_0123456789abcdefghijABCDEFGHIJ0123 now", "use **** now"),
            ("AKIAIOSFODNN7EXAMPLE", "****"),
            ("docker login -u ana -p hunter2", "docker login -u ana -p ****"),
            ("-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----\nok", "****\nok"),
            ("MIIE\nAAAA\n-----END PRIVATE KEY-----\nok", "****\nok"),
            ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abc", "****"),
            ("[ERROR] Tests run: 3, Failures: 1, Time: 0.1 s", "[ERROR] Tests run: 3, Failures: 1, Time: 0.1 s"),
            ("commit 4a4353c6d9d471826328b298fe3042c28bbe318d", "commit 4a4353c6d9d471826328b298fe3042c28bbe318d"),
        ] {
            assert_eq!(redact(text).0, expected);
        }
    }

    #[test]
    fn knows_secret_names() {
        let secret = ["PASSWORD", "db_pass", "apiKey", "API_KEY", "GITHUB_TOKEN", "SSH_PRIVATE_KEY", "pwd"];
        assert!(secret.iter().all(|name| is_secret_name(name)));
        let open = ["environment", "passenger", "VERSION", "COMPASS", "keyboard", "branch"];
        assert!(!open.iter().any(|name| is_secret_name(name)));
    }

    #[test]
    fn addresses_lose_their_user() {
        let cleaned =
            ["https://u:p@h/o/r.git", "https://u:p@ss@h/o", "https://h/o@v1", "git@h:o/r.git", "ssh://git@h:22/o"]
                .map(without_user);
        assert_eq!(cleaned, ["https://h/o/r.git", "https://h/o", "https://h/o@v1", "git@h:o/r.git", "ssh://h:22/o"]);
    }
}
