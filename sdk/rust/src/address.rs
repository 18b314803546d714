//! Addresses: paths percent-encoded part by part, query strings, and the `Link` header.

/// Percent-encodes one part of a path, or a name or value of a query.
///
/// ```
/// assert_eq!(weir_sdk::address::encode("release/1.0 ä"), "release%2F1.0%20%C3%A4");
/// ```
pub fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            encoded.push(char::from(byte));
        } else {
            encoded.push('%');
            encoded.push(hex_digit(byte >> 4));
            encoded.push(hex_digit(byte & 0xf));
        }
    }
    encoded
}

fn hex_digit(nibble: u8) -> char {
    char::from_digit(u32::from(nibble), 16).map_or('0', |digit| digit.to_ascii_uppercase())
}

/// A path made of parts, each encoded: a part can never end its own place in the path.
///
/// ```
/// assert_eq!(weir_sdk::address::path(["repos", "acme", "api/v2"]), "/repos/acme/api%2Fv2");
/// ```
pub fn path<'a>(parts: impl IntoIterator<Item = &'a str>) -> String {
    parts.into_iter().fold(String::new(), |path, part| path + "/" + &encode_part(part))
}

/// "." and ".." would climb in the path and have no encoding of their own.
fn encode_part(part: &str) -> String {
    match part {
        "." => "%2E".to_owned(),
        ".." => "%2E%2E".to_owned(),
        part => encode(part),
    }
}

/// Adds a query parameter to an encoded path.
pub(crate) fn push_query(target: &mut String, name: &str, value: &str) {
    target.push(if target.contains('?') { '&' } else { '?' });
    target.push_str(&encode(name));
    target.push('=');
    target.push_str(&encode(value));
}

/// The address a `Link` header (RFC 8288) gives for a relation, such as `next`.
///
/// ```
/// let header = r#"<https://x.example/items?page=2>; rel="next", <https://x.example/items?page=9>; rel="last""#;
/// assert_eq!(weir_sdk::address::link(header, "next"), Some("https://x.example/items?page=2"));
/// assert_eq!(weir_sdk::address::link(header, "prev"), None);
/// ```
pub fn link<'a>(header: &'a str, relation: &str) -> Option<&'a str> {
    let mut rest = header;
    loop {
        let (_, after) = rest.split_once('<')?;
        let (address, after) = after.split_once('>')?;
        // Parameters end where the next address begins; a quoted text may hold commas, but no "<" follows them.
        let end = after.find('<').unwrap_or(after.len());
        if has_relation(&after[..end], relation) {
            return Some(address);
        }
        rest = &after[end..];
    }
}

fn has_relation(parameters: &str, relation: &str) -> bool {
    parameters.split(';').any(|parameter| {
        let parameter = parameter.trim().trim_end_matches([',', ' ']);
        let Some((name, value)) = parameter.split_once('=') else { return false };
        name.trim().eq_ignore_ascii_case("rel")
            && value.trim().trim_matches('"').split_ascii_whitespace().any(|word| word.eq_ignore_ascii_case(relation))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_never_leaves_its_place() {
        assert_eq!(path(["a", "..", "b?c#d%", "."]), "/a/%2E%2E/b%3Fc%23d%25/%2E");
    }

    #[test]
    fn links_are_found_in_the_spellings_of_tools() {
        let cases = [
            (r#"<https://x/?page=2>; rel="next""#, Some("https://x/?page=2")),
            ("<https://x/?page=2>;rel=next", Some("https://x/?page=2")),
            (r#"<https://x/1>; rel="prev", <https://x/?q=a,b>; title="a, b"; rel="first next""#, Some("https://x/?q=a,b")),
            (r#"<https://x/1>; rel="last""#, None),
            ("", None),
            ("<unfinished", None),
        ];
        for (header, expected) in cases {
            assert_eq!(link(header, "next"), expected, "{header}");
        }
    }
}
