//! What a build does not say about its job: the context of all records, and the keys made of it.

use serde::{Deserialize, Serialize};
use weir_sdk::address;
use weir_sdk::prelude::*;

use crate::settings::Settings;

/// A job of Jenkins: anything that has builds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Origin {
    /// Host of the instance, or what the settings call it.
    pub(crate) system: String,
    /// Full name as Jenkins spells it, "Team/api/feature%2Fx"; builds that started others are named so.
    pub(crate) job: String,
    /// Path of its page, encoded.
    pub(crate) path: String,
    /// Branch, tag or change request a job of a multibranch project is for, as people spell it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) branch: Option<String>,
    /// Page of the change request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) change: Option<String>,
    /// Full name of the job this is a matrix cell or Maven module of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) within: Option<String>,
}

impl Origin {
    /// Full name as people read it.
    pub(crate) fn readable(&self) -> String {
        match &self.branch {
            Some(branch) => format!("{}/{branch}", self.pipeline()),
            None => self.job.clone(),
        }
    }

    /// Full name without the branch.
    pub(crate) fn pipeline(&self) -> String {
        let of_branch = self.branch.as_ref().and_then(|_| self.job.rsplit_once('/'));
        of_branch.map_or(&*self.job, |(pipeline, _)| pipeline).to_owned()
    }

    /// Key of the record of a build.
    pub(crate) fn record_key(&self, number: u64) -> String {
        format!("{}/{number}", self.job)
    }

    /// Path of a build's page.
    pub(crate) fn build_path(&self, number: u64) -> String {
        format!("{}/{number}", self.path)
    }

    /// Path of the stages of a build in Blue Ocean.
    pub(crate) fn blue_path(&self, number: u64) -> String {
        let mut parts = vec!["blue", "rest", "organizations", "jenkins"];
        let names: Vec<&str> = self.job.split('/').collect();
        for (at, name) in names.iter().enumerate() {
            let is_branch = self.branch.is_some() && at + 1 == names.len();
            parts.extend([if is_branch { "branches" } else { "pipelines" }, name]);
        }
        let number = number.to_string();
        parts.extend(["runs", &number, "nodes"]);
        address::path(parts) + "/"
    }
}

/// Key of a build: "Team/api/12/1", behind the id of the instance where the settings give one. Jenkins has no second
/// attempts under one number; the last part is there because other systems have.
pub(crate) fn build_key(settings: &Settings, job: &str, number: u64) -> String {
    let instance = settings.instance.as_ref().map(|instance| format!("{instance}/")).unwrap_or_default();
    format!("{instance}{job}/{number}/1")
}

/// Job and number of the build a record is about, or why they are not known.
pub(crate) fn about(raw: &Raw<'_>) -> Result<(Origin, u64), Outcome> {
    let origin: Origin = raw.context().ok_or_else(|| raw.missing("/job"))?;
    let number = raw.key().rsplit('/').next().and_then(|number| number.parse().ok());
    Ok((origin, number.ok_or_else(|| raw.missing("/number"))?))
}

/// A name without its percent-encoding: Jenkins encodes names of branches once before it uses them as names.
pub(crate) fn decoded(name: &str) -> String {
    let bytes = name.as_bytes();
    let mut plain = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let code = name.get(at + 1..at + 3).filter(|_| byte == b'%').and_then(|code| u8::from_str_radix(code, 16).ok());
        plain.push(code.unwrap_or(byte));
        at += if code.is_some() { 3 } else { 1 };
    }
    String::from_utf8(plain).unwrap_or_else(|_| name.to_owned())
}

/// A URL without user and password. The user of an SSH URL is no secret and part of the address.
pub(crate) fn without_credentials(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let authority = rest.split('/').next().unwrap_or_default();
    match authority.rfind('@') {
        Some(at) if !scheme.ends_with("ssh") || authority[..at].contains(':') => {
            format!("{scheme}://{}", &rest[at + 1..])
        }
        _ => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_branch_is_spelled_in_three_ways() {
        let job = Origin {
            job: "Team/api/feature%2Fx".to_owned(),
            path: "/job/Team/job/api/job/feature%252Fx".to_owned(),
            branch: Some(decoded("feature%2Fx")),
            ..Origin::default()
        };
        assert_eq!(job.readable(), "Team/api/feature/x");
        assert_eq!(job.pipeline(), "Team/api");
        assert_eq!(
            job.blue_path(7),
            "/blue/rest/organizations/jenkins/pipelines/Team/pipelines/api/branches/feature%252Fx/runs/7/nodes/"
        );
        assert_eq!(["100%", "%zz", "%C3%A4", "%ff"].map(decoded), ["100%", "%zz", "ä", "%ff"]);
    }

    #[test]
    fn addresses_lose_what_signs_in() {
        let plain = ["https://u:p@h/r.git", "ssh://git@h/r", "ssh://u:p@h/r", "git@h:r", "https://h/a@b"]
            .map(without_credentials);
        assert_eq!(plain, ["https://h/r.git", "ssh://git@h/r", "ssh://h/r", "git@h:r", "https://h/a@b"]);
    }
}
