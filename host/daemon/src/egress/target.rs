//! From what a plugin names to the URL that is requested. Invariant: a target lies beneath the base URL, or on an
//! origin the operator granted; no spelling leaves it. Text is refused rather than repaired.

use percent_encoding::percent_decode;
use url::{Origin, Url};
use weir_sandbox::Target;

use super::secret::Secret;

/// Longest target, in bytes.
const TARGET_BYTES_MAX: usize = 8 * 1024;

/// Base URL of a connection, taken apart.
pub(crate) struct Base {
    /// Scheme, host, port and path, without a slash at the end of the path.
    site: String,
    /// Path without a slash at its end: "" or "/api/v3".
    path: String,
    /// Query of the base URL: tools put keys there.
    query: Option<Secret>,
    url: Url,
}

impl Base {
    /// Reads a base URL; the error is the reason it cannot be one.
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        let mut url = Url::parse(text.trim()).map_err(|_| "is no absolute URL")?;
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            return Err("is not of the form http(s)://host");
        }
        if has_user(&url) {
            return Err("holds a user or password; they belong into `auth`");
        }
        let query = url.query().filter(|query| !query.is_empty()).map(Secret::new);
        url.set_query(None);
        url.set_fragment(None);
        let path = url.path().trim_end_matches('/').to_owned();
        let site = format!("{}{path}", url.origin().ascii_serialization());
        Ok(Self { site, path, query, url })
    }

    pub(crate) fn site(&self) -> &str {
        &self.site
    }

    pub(crate) fn url(&self) -> &Url {
        &self.url
    }

    pub(crate) fn query(&self) -> Option<&Secret> {
        self.query.as_ref()
    }

    /// Values in the query of the base URL: keys, as far as anyone can tell.
    pub(crate) fn secrets(&self) -> impl Iterator<Item = String> {
        let query = self.query.as_ref().map_or("", Secret::expose);
        url::form_urlencoded::parse(query.as_bytes()).map(|(_, value)| value.into_owned())
    }

    /// Path of `url` as grants see it: beneath the base path where it lies there, whole where it does not.
    pub(crate) fn granted_path<'a>(&self, url: &'a Url) -> &'a str {
        let beneath = (url.origin() == self.url.origin()).then(|| url.path().strip_prefix(&self.path)).flatten();
        beneath.filter(|rest| rest.is_empty() || rest.starts_with('/')).unwrap_or(url.path())
    }

    /// The URL of `target`; the error names the rule it breaks. `origins` are granted besides that of the base.
    pub(crate) fn join(&self, target: &Target, origins: &[Origin]) -> Result<Url, &'static str> {
        match target {
            Target::Path(path) => self.join_path(path),
            Target::Link(link) => self.join_link(link, origins),
        }
    }

    fn join_path(&self, text: &str) -> Result<Url, &'static str> {
        check_text(text)?;
        let rest = text.strip_prefix('/').unwrap_or(text);
        let first = rest.split(['/', '?']).next().unwrap_or_default();
        if rest.starts_with('/') {
            return Err("path begins with two slashes");
        }
        if !text.starts_with('/') && first.contains([':', '@']) {
            return Err("path reads like a URL");
        }
        check_segments(rest.split('?').next().unwrap_or_default())?;
        let slash = if rest.is_empty() || rest.starts_with('?') { "" } else { "/" };
        let url = Url::parse(&format!("{}{slash}{rest}", self.site)).map_err(|_| "path is malformed")?;
        // The checks above should leave nothing to find; this is the one that has to hold.
        let beneath = url.path().strip_prefix(&self.path);
        let inside = beneath.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        let same = url.origin() == self.url.origin() && !has_user(&url);
        if inside && same { Ok(url) } else { Err("path leaves the base URL") }
    }

    fn join_link(&self, text: &str, origins: &[Origin]) -> Result<Url, &'static str> {
        check_text(text)?;
        let (scheme, rest) = text.split_once("://").ok_or("link is no absolute URL")?;
        if !matches!(scheme, "http" | "https") || rest.starts_with('/') {
            return Err("link is no http(s) URL");
        }
        let url = Url::parse(text).map_err(|_| "link is malformed")?;
        if has_user(&url) {
            return Err("link holds a user");
        }
        let origin = url.origin();
        if origin != self.url.origin() && !origins.contains(&origin) {
            return Err("link leads to an origin that does not belong to the connection");
        }
        check_segments(rest.split_once('/').map_or("", |(_, path)| path.split('?').next().unwrap_or_default()))?;
        Ok(url)
    }
}

pub(crate) fn has_user(url: &Url) -> bool {
    !url.username().is_empty() || url.password().is_some()
}

fn check_text(text: &str) -> Result<(), &'static str> {
    if text.len() > TARGET_BYTES_MAX {
        return Err("target is too long");
    }
    if text.chars().any(|c| c.is_control() || c.is_whitespace() || matches!(c, '\\' | '#')) {
        return Err("target holds white space, a control character, a backslash or a fragment");
    }
    Ok(())
}

/// Refuses dot segments in every spelling a server may understand: encoded once or more, with a path parameter
/// behind (`..;x`), beside an encoded slash or backslash. A slash alone may be encoded: GitLab's project names are.
pub(crate) fn check_segments(path: &str) -> Result<(), &'static str> {
    path.split('/').try_for_each(|segment| {
        let decoded = fully_decoded(segment);
        if decoded.iter().any(u8::is_ascii_control) {
            return Err("path holds an encoded control character");
        }
        let climbs = |piece: &[u8]| matches!(piece.split(|b| *b == b';').next(), Some(b"." | b".."));
        if decoded.split(|b| matches!(b, b'/' | b'\\')).any(climbs) {
            return Err("path holds a dot segment");
        }
        Ok(())
    })
}

fn fully_decoded(segment: &str) -> Vec<u8> {
    let mut bytes = segment.as_bytes().to_vec();
    while bytes.contains(&b'%') {
        let once: Vec<u8> = percent_decode(&bytes).collect();
        if once == bytes {
            break;
        }
        bytes = once;
    }
    bytes
}

#[cfg(test)]
#[path = "tests/target.rs"]
mod tests;
