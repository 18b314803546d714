//! What a connection may be used for: methods and paths of its own origin, and origins besides. Nothing is granted
//! by default.

use globset::{GlobBuilder, GlobMatcher};
use url::{Origin, Url};
use weir_sandbox::Method;

/// What an operator granted on a connection.
#[derive(Debug, Clone, Default)]
pub struct Grant {
    /// Requests that may be made; a request is allowed when any of these allows it.
    pub allow: Vec<Allow>,
    /// Origins that may be reached by links besides that of the base URL.
    pub origins: Vec<GrantedOrigin>,
    /// The base URL's host may be at a private address although its name looks public. Names and addresses that
    /// cannot be public need no such word.
    pub private: bool,
}

/// Methods allowed on paths.
#[derive(Debug, Clone)]
pub struct Allow {
    /// The methods.
    pub methods: Vec<Method>,
    /// Globs over the path beneath the base URL; `*` stays within a segment, `**` does not: "/repos/**".
    pub paths: Vec<String>,
}

/// An origin besides that of the base URL.
#[derive(Debug, Clone)]
pub struct GrantedOrigin {
    /// Such as `https://uploads.example.com`. Naming a private host here grants it.
    pub origin: String,
    /// Whether the credential of the connection is sent there.
    pub with_credential: bool,
}

impl Grant {
    /// `methods` on every path of the base URL's origin.
    pub fn methods(methods: &[Method]) -> Self {
        let allow = Allow { methods: methods.to_vec(), paths: vec!["**".to_owned()] };
        Self { allow: vec![allow], ..Self::default() }
    }

    /// Those of `asked` that a connector may use, on every path: reading, and POST, for some tools search with it.
    pub fn reading<'a>(asked: impl IntoIterator<Item = &'a str>) -> Self {
        let named = |name: &str| match name.to_ascii_uppercase().as_str() {
            "GET" => Some(Method::Get),
            "HEAD" => Some(Method::Head),
            "POST" => Some(Method::Post),
            _ => None,
        };
        Self::methods(&asked.into_iter().filter_map(named).collect::<Vec<_>>())
    }

    /// Every method on every path: for a propel whose connection was named by the operator, and for our own.
    pub fn everything() -> Self {
        Self::methods(&[Method::Get, Method::Head, Method::Post, Method::Put, Method::Patch, Method::Delete])
    }
}

/// A grant ready to be asked.
pub(crate) struct CompiledGrant {
    rules: Vec<(Vec<Method>, Vec<GlobMatcher>)>,
    pub(crate) origins: Vec<Origin>,
    pub(crate) urls: Vec<Url>,
    credential_origins: Vec<Origin>,
}

impl CompiledGrant {
    /// Reads globs and origins; the error names the one that cannot be read.
    pub(crate) fn new(grant: &Grant, base: &Url) -> Result<Self, String> {
        let rules = grant.allow.iter().map(compile).collect::<Result<_, _>>()?;
        let urls = grant.origins.iter().map(|granted| read_origin(&granted.origin)).collect::<Result<Vec<_>, _>>()?;
        let with_credential = grant.origins.iter().zip(&urls).filter(|(granted, _)| granted.with_credential);
        let credential_origins = with_credential.map(|(_, url)| url.origin()).chain([base.origin()]).collect();
        Ok(Self { rules, origins: urls.iter().map(Url::origin).collect(), urls, credential_origins })
    }

    /// Whether `method` is granted on `path`.
    pub(crate) fn allows(&self, method: Method, path: &str) -> bool {
        let allowed = |(methods, globs): &(Vec<Method>, Vec<GlobMatcher>)| {
            methods.contains(&method) && globs.iter().any(|glob| glob.is_match(path))
        };
        self.rules.iter().any(allowed)
    }

    /// Whether the credential may go to `origin`.
    pub(crate) fn trusts(&self, origin: &Origin) -> bool {
        self.credential_origins.contains(origin)
    }
}

fn compile(allow: &Allow) -> Result<(Vec<Method>, Vec<GlobMatcher>), String> {
    let glob = |text: &String| {
        let built = GlobBuilder::new(text).literal_separator(true).backslash_escape(false).build();
        built.map(|glob| glob.compile_matcher()).map_err(|_| format!("path pattern `{text}`"))
    };
    Ok((allow.methods.clone(), allow.paths.iter().map(glob).collect::<Result<_, _>>()?))
}

fn read_origin(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.path() == "/");
    url.filter(|url| !super::target::has_user(url) && url.query().is_none()).ok_or_else(|| format!("origin `{text}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn allows_what_was_listed_and_nothing_else() {
        let base = Url::parse("https://api.example.com").unwrap();
        let rule = |methods: &[Method], path: &str| Allow { methods: methods.to_vec(), paths: vec![path.to_owned()] };
        let allow = vec![rule(&[Method::Get], "/repos/**"), rule(&[Method::Post], "/repos/*/search")];
        let grant = CompiledGrant::new(&Grant { allow, ..Grant::default() }, &base).unwrap();
        assert!(grant.allows(Method::Get, "/repos/a/b/c"));
        assert!(grant.allows(Method::Post, "/repos/a/search"));
        assert!(!grant.allows(Method::Post, "/repos/a/b/search"));
        assert!(!grant.allows(Method::Post, "/repos/a"));
        assert!(!grant.allows(Method::Delete, "/repos/a"));
        assert!(!grant.allows(Method::Get, "/user"));
        let everything = CompiledGrant::new(&Grant::reading(["GET", "delete"]), &base).unwrap();
        assert!(["", "/", "/a", "/a/b/.git"].iter().all(|path| everything.allows(Method::Get, path)));
        assert!(!everything.allows(Method::Delete, "/a"));
        assert!(!CompiledGrant::new(&Grant::default(), &base).unwrap().allows(Method::Get, "/"));
    }
}
