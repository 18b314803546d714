//! Names of repositories, branches and jobs as tools spell them, brought to one form.

/// A URL without user and password.
pub fn without_credentials(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let authority = &rest[..rest.find('/').unwrap_or(rest.len())];
    match authority.rfind('@') {
        // The user of an SSH URL is no secret and part of the address.
        Some(at) if !scheme.ends_with("ssh") || authority[..at].contains(':') => {
            format!("{scheme}://{}", &rest[at + 1..])
        }
        _ => url.to_owned(),
    }
}

/// The form in which remote URLs compare: lower-case host, path without ".git", and nothing else. "git@github.com:o/r"
/// and "<https://user@github.com/o/r.git>" are both "github.com/o/r".
pub fn canonical_remote(url: &str) -> String {
    let url = url.trim();
    let (host, path) = match url.split_once("://") {
        Some((_, rest)) => rest.split_once('/').unwrap_or((rest, "")),
        // "git@host:path", but not "C:\path".
        None => match url.split_once(':') {
            Some((host, path)) if host.contains('@') || host.contains('.') => (host, path),
            _ => ("", url),
        },
    };
    let host = host.rsplit('@').next().unwrap_or(host);
    let host = host.split(':').next().unwrap_or(host).to_lowercase();
    let path = path.split(['?', '#']).next().unwrap_or(path);
    let mut path = path.trim_matches('/');
    while let Some(shorter) = path.strip_suffix(".git") {
        path = shorter.trim_end_matches('/');
    }
    if host.is_empty() { path.to_owned() } else { format!("{host}/{path}") }
}

/// Name of a repository: "owner/name" of a URL; a name stays what it is.
pub fn repository_name(reference: &str) -> String {
    let is_url = reference.contains("://") || (reference.contains('@') && reference.contains(':'));
    if !is_url {
        return reference.to_owned();
    }
    let remote = canonical_remote(reference);
    let path = remote.split_once('/').map_or(remote.as_str(), |(_, path)| path);
    let parts: Vec<&str> = path.split('/').filter(|part| *part != "_git").collect();
    match parts.as_slice() {
        // Bitbucket Server clones from "/scm/PROJECT/name".
        ["scm", rest @ ..] if rest.len() > 1 => rest.join("/"),
        parts => parts.join("/"),
    }
}

/// A branch or tag without "refs/heads/", "refs/remotes/origin/" and the like.
pub(super) fn plain_branch(name: &str) -> &str {
    let prefixes = ["refs/heads/", "refs/remotes/", "refs/tags/", "remotes/", "origin/"];
    prefixes.iter().fold(name.trim(), |name, prefix| name.strip_prefix(prefix).unwrap_or(name))
}

/// A text in which "%2F" stands for "/" and so on; what is no such code stays as it is.
pub(super) fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, behind)) = rest.split_first() {
        let code = (*first == b'%').then(|| behind.get(..2)).flatten();
        let byte = code.and_then(|code| u8::from_str_radix(std::str::from_utf8(code).ok()?, 16).ok());
        bytes.push(byte.unwrap_or(*first));
        rest = if byte.is_some() { &behind[2..] } else { behind };
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}

/// A job as people read it, from its path below `jobs/`: the words between the folders go.
pub(super) fn plain_job(full_name: &str) -> String {
    let is_between = |part: &&str| ["jobs", "branches", "modules"].iter().any(|word| part.eq_ignore_ascii_case(word));
    let parts: Vec<&str> = full_name.split('/').filter(|part| !part.is_empty() && !is_between(part)).collect();
    if parts.is_empty() { full_name.to_owned() } else { parts.join("/") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    #[test]
    fn remotes_of_one_repository_compare_equal() {
        let urls = [
            "https://user:secret@GitHub.com/acme/api.git",
            "git@github.com:acme/api.git",
            "ssh://git@github.com:22/acme/api.git.git",
            "https://bitbucket.example.com/scm/PAY/core.git",
            "https://dev.azure.com/org/project/_git/repo",
            "acme/api",
            "https://host/plain?x=1",
        ];
        let line = |url: &&str| {
            format!("{} | {} | {}\n", without_credentials(url), canonical_remote(url), repository_name(url))
        };
        expect![[r"
            https://GitHub.com/acme/api.git | github.com/acme/api | acme/api
            git@github.com:acme/api.git | github.com/acme/api | acme/api
            ssh://git@github.com:22/acme/api.git.git | github.com/acme/api | acme/api
            https://bitbucket.example.com/scm/PAY/core.git | bitbucket.example.com/scm/PAY/core | PAY/core
            https://dev.azure.com/org/project/_git/repo | dev.azure.com/org/project/_git/repo | org/project/repo
            acme/api | acme/api | acme/api
            https://host/plain?x=1 | host/plain | plain
        "]]
        .assert_eq(&urls.iter().map(line).collect::<String>());
    }

    #[test]
    fn jobs_and_branches_lose_what_is_between() {
        let jobs = [
            "Pipe2",
            "Folder1/jobs/Folder2/jobs/leetcode",
            "TestBlueOcean/branches/master",
            "F/jobs/mvn/modules/com.acme$core",
            "",
        ];
        assert_eq!(
            jobs.map(plain_job),
            ["Pipe2", "Folder1/Folder2/leetcode", "TestBlueOcean/master", "F/mvn/com.acme$core", ""]
        );
        assert_eq!(
            ["feature%2Fx", "100%", "a%zz", "%C3%A9", "%ff"].map(percent_decoded),
            ["feature/x", "100%", "a%zz", "é", "%ff"]
        );
        assert_eq!(["refs/heads/main", "origin/a/b", "refs/remotes/origin/x"].map(plain_branch), ["main", "a/b", "x"]);
    }
}
