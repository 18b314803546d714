//! Which Jenkins a home belongs to.
//!
//! Invariant: no file with a secret is read for it. The id is made from the place of the home and the address of Jenkins,
//! so it changes when these do; the setting `instance` fixes it.

use std::path::Path;

use ring::digest::{SHA256, digest};
use weir_protocol::redact::without_user;

use crate::xml::{self, Limits};

/// One Jenkins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Instance {
    pub(crate) guid: String,
    pub(crate) name: String,
    pub(crate) url: Option<String>,
}

impl Instance {
    /// The one whose home is `root`.
    pub(crate) fn of(root: &Path, fixed: Option<&str>) -> Self {
        let location = xml::read(&root.join("jenkins.model.JenkinsLocationConfiguration.xml"), Limits::BUILD);
        let url = location.root().and_then(|root| root.value("jenkinsUrl")).map(without_user);
        let url = url.map(|url| if url.ends_with('/') { url } else { format!("{url}/") });
        let real = root.canonicalize().unwrap_or_else(|_| root.to_owned());
        let guid = fixed.map_or_else(|| guid(&real.to_string_lossy(), url.as_deref()), str::to_owned);
        let host =
            url.as_deref().and_then(|url| url.split("://").nth(1)?.split('/').next()).filter(|host| !host.is_empty());
        let folder = real.file_name().map(|name| name.to_string_lossy().into_owned());
        let name = host.map(str::to_owned).or(folder).unwrap_or_else(|| "jenkins".to_owned());
        Self { guid, name, url }
    }
}

/// A UUID of version 8: made by our own rule.
fn guid(path: &str, url: Option<&str>) -> String {
    let hash = digest(&SHA256, format!("{path}\n{}", url.unwrap_or_default()).as_bytes());
    let mut bytes = [0_u8; 16];
    bytes.copy_from_slice(&hash.as_ref()[..16]);
    bytes[6] = (bytes[6] & 0x0F) | 0x80;
    bytes[8] = (bytes[8] & 0x3F) | 0x80;
    let id = u128::from_be_bytes(bytes);
    let hex = format!("{id:032x}");
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}
