//! Which endpoint of SEI a path means. Its base may be anything, a version in it may stand twice, and
//! a slash at the end says nothing.

use percent_encoding::percent_decode_str;

/// An endpoint that others' plugins and scripts were written for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Endpoint {
    /// An envelope with files beside it.
    Parcel,
    /// An envelope alone.
    Envelope,
    /// A run of a CI system of any make.
    Build,
    /// A CI system makes itself known.
    Instances,
    /// Artifacts of a workflow's run.
    Artifacts,
    /// Parameters of a workflow's run.
    Parameters,
    /// Results of a scanner.
    Results,
    /// Rows of that table.
    Rows(String),
}

impl Endpoint {
    /// The endpoint at that path; none when there is none.
    pub(super) fn at(path: &str) -> Option<Self> {
        let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        Some(match parts.as_slice() {
            [.., "generic-requests", "multipart"] => Self::Parcel,
            [.., "generic-requests"] => Self::Envelope,
            [.., "custom-cicd"] => Self::Build,
            [.., "cicd", "instances"] => Self::Instances,
            [.., "cicd", "push_artifacts"] => Self::Artifacts,
            [.., "cicd", "push_job_run_params"] => Self::Parameters,
            [.., "plugins", "results"] => Self::Results,
            [.., "external-data", table, "ingestions"] => {
                Self::Rows(percent_decode_str(table).decode_utf8_lossy().into_owned())
            }
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_base_may_be_anything() {
        for base in ["", "/sei/api", "/gateway/sei/api", "/prod1/sei/api", "/gratis/sei/api", "/v1", "/x/v1"] {
            for (tail, endpoint) in [
                ("/v1/generic-requests/multipart", Endpoint::Parcel),
                ("/v1/generic-requests/", Endpoint::Envelope),
                ("/v1/custom-cicd", Endpoint::Build),
                ("/cicd/instances", Endpoint::Instances),
                ("/v1/cicd/instances", Endpoint::Instances),
                ("/v1/cicd/push_artifacts/", Endpoint::Artifacts),
                ("/v1/cicd/push_job_run_params", Endpoint::Parameters),
                ("/v1/plugins/results", Endpoint::Results),
                ("/v2/external-data/my%20table/ingestions", Endpoint::Rows("my table".to_owned())),
            ] {
                assert_eq!(Endpoint::at(&format!("{base}{tail}")), Some(endpoint), "{base}{tail}");
            }
        }
        for path in ["/", "/v1/plugins", "/v1/generic-requests/multipart/x", "/v1/cicd", "/v2/external-data/ingestions"]
        {
            assert_eq!(Endpoint::at(path), None, "{path}");
        }
    }
}
