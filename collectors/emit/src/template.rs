//! Values made of environment variables: `{GITHUB_SERVER_URL}/{GITHUB_REPOSITORY}`.
//!
//! `{NAME#begin}` and `{NAME%end}` take off a beginning or an end that must be there, `{NAME/}` keeps what is behind the
//! last slash. Invariant: a template with a variable that is not set, or is not as it must be, has no value.

/// What may follow the name of a variable.
const CUTS: [char; 3] = ['#', '%', '/'];

/// Looks a variable up.
pub(crate) type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;

/// The first template that has a value.
pub(crate) fn first(templates: &[&str], lookup: Lookup<'_>) -> Option<String> {
    templates.iter().find_map(|template| filled(template, lookup))
}

/// Names of the variables in a template.
pub(crate) fn names(template: &str) -> impl Iterator<Item = &str> {
    let inner = template.split('{').skip(1).filter_map(|part| part.split('}').next());
    inner.map(|inner| inner.split(CUTS).next().unwrap_or(inner))
}

fn filled(template: &str, lookup: Lookup<'_>) -> Option<String> {
    let mut parts = template.split('{');
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (variable, rest) = part.split_once('}')?;
        text += &value(variable, lookup)?;
        text += rest;
    }
    Some(text)
}

fn value(variable: &str, lookup: Lookup<'_>) -> Option<String> {
    let (name, cut) = variable.split_at(variable.find(CUTS).unwrap_or(variable.len()));
    let value = lookup(name).map(|value| value.trim().to_owned()).filter(|value| is_stated(value))?;
    let kept = if cut == "/" {
        value.trim_end_matches('/').rsplit('/').next()?
    } else {
        let (begin, end) = cut.split_once('%').unwrap_or((cut, ""));
        value.strip_prefix(begin.strip_prefix('#').unwrap_or_default())?.strip_suffix(end)?
    };
    (!kept.is_empty()).then(|| kept.to_owned())
}

/// Some systems write "false" where there is no pull request.
fn is_stated(value: &str) -> bool {
    !value.is_empty() && value != "false"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_have_a_value_when_all_of_it_is_there() {
        let lookup = |name: &str| match name {
            "URL" => Some("https://host/".to_owned()),
            "REF" => Some("refs/pull/12/merge".to_owned()),
            "NONE" => Some("false".to_owned()),
            "EMPTY" => Some(" ".to_owned()),
            _ => None,
        };
        let fill = |template| filled(template, &lookup);
        assert_eq!(fill("{URL}x").as_deref(), Some("https://host/x"));
        assert_eq!(fill("{URL#https://%/}").as_deref(), Some("host"));
        assert_eq!(fill("{REF#refs/pull/%/merge}").as_deref(), Some("12"));
        assert_eq!(fill("{REF/}").as_deref(), Some("merge"));
        for nothing in ["{REF#refs/heads/}", "{NONE}", "{EMPTY}", "{URL}{GONE}"] {
            assert_eq!(fill(nothing), None, "{nothing}");
        }
        assert_eq!(first(&["{GONE}", "{URL}"], &lookup).as_deref(), Some("https://host/"));
        assert_eq!(names("{URL#https://%/}/{REF/}").collect::<Vec<_>>(), ["URL", "REF"]);
    }
}
