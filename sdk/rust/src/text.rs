//! Texts as tools send them.

use std::borrow::Cow;

/// A text that says something, without control characters but ends of lines and tabs; none when only blanks are left.
///
/// ```
/// use weir_sdk::text::filled;
///
/// assert_eq!(filled(" \n".into()), None);
/// assert_eq!(filled("a\u{0}b\n".into()).as_deref(), Some("ab\n"));
/// ```
pub fn filled(text: Cow<'_, str>) -> Option<String> {
    let is_odd = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t');
    let text = if text.contains(is_odd) { text.replace(is_odd, "") } else { text.into_owned() };
    (!text.trim().is_empty()).then_some(text)
}
