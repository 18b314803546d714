//! The applications a satellite collects from, and the connectors that take their place.

/// How a tool is reached, as far as the other system says it differently.
pub(super) struct Application {
    /// The connector.
    pub(super) plugin: &'static str,
    /// Address where none is named.
    pub(super) url: Option<&'static str>,
    /// Host of the service, and the address of its API; of an installation of one's own, the path of the API.
    api: Option<(&'static str, &'static str, &'static str)>,
    /// How to prove who asks.
    pub(super) auth: Auth,
    /// Lists of the metadata, and their names among the settings.
    pub(super) lists: &'static [(&'static str, &'static str)],
    /// Texts of the metadata, and their names among the settings.
    pub(super) texts: &'static [(&'static str, &'static str)],
    /// Settings it always has.
    pub(super) fixed: &'static [&'static str],
    /// A setting it cannot do without.
    pub(super) needs: Option<&'static str>,
}

/// How to prove who asks.
pub(super) enum Auth {
    /// User and key; without a user the key alone.
    Basic,
    /// With a user both, without one a bearer.
    BasicOrBearer,
    /// The key alone.
    Bearer,
    /// The key in a header of the tool's own.
    Header {
        /// Its name.
        name: &'static str,
        /// What stands before the key.
        prefix: &'static str,
    },
}

const PLAIN: Application = Application {
    plugin: "",
    url: None,
    api: None,
    auth: Auth::Bearer,
    lists: &[],
    texts: &[],
    fixed: &[],
    needs: None,
};
const REPOSITORIES: &[(&str, &str)] = &[("repos", "repositories")];
const PROJECTS: &[(&str, &str)] = &[("projects", "projects")];

impl Application {
    /// The application of that name, in any case of letters.
    pub(super) fn named(word: &str) -> Option<Self> {
        Some(match word.to_ascii_lowercase().replace('-', "_").as_str() {
            "jira" | "jira_cloud" | "jira_server" => Self {
                plugin: "connector-jira",
                auth: Auth::BasicOrBearer,
                lists: &[("projects", "projects"), ("sensitive_fields", "sensitive_fields")],
                texts: &[("jql", "jql")],
                ..PLAIN
            },
            "github" | "github_actions" => Self {
                plugin: "connector-github",
                url: Some("https://api.github.com"),
                api: Some(("github.com", "https://api.github.com", "/api/v3")),
                lists: REPOSITORIES,
                texts: &[("organization", "organisation"), ("organisation", "organisation")],
                ..PLAIN
            },
            "gitlab" => Self {
                plugin: "connector-gitlab",
                url: Some("https://gitlab.com/api/v4"),
                api: Some(("gitlab.com", "https://gitlab.com/api/v4", "/api/v4")),
                lists: &[("projects", "projects"), ("repos", "projects"), ("groups", "groups")],
                ..PLAIN
            },
            "bitbucket" | "bitbucket_cloud" => Self {
                plugin: "connector-bitbucket",
                url: Some("https://api.bitbucket.org/2.0"),
                api: Some(("bitbucket.org", "https://api.bitbucket.org/2.0", "")),
                auth: Auth::BasicOrBearer,
                lists: REPOSITORIES,
                ..PLAIN
            },
            "bitbucket_server" => Self {
                plugin: "connector-bitbucket",
                auth: Auth::BasicOrBearer,
                lists: REPOSITORIES,
                fixed: &["deployment = \"server\""],
                ..PLAIN
            },
            "azure_devops" | "azuredevops" => {
                Self { plugin: "connector-azure-devops", auth: Auth::Basic, lists: PROJECTS, ..PLAIN }
            }
            "jenkins" => Self { plugin: "connector-jenkins", auth: Auth::Basic, ..PLAIN },
            "sonarqube" => Self {
                plugin: "connector-sonarqube",
                lists: PROJECTS,
                texts: &[("organization", "organization")],
                ..PLAIN
            },
            "pagerduty" => Self {
                plugin: "connector-pagerduty",
                url: Some("https://api.pagerduty.com"),
                auth: Auth::Header { name: "authorization", prefix: "Token token=" },
                lists: &[("services", "services")],
                ..PLAIN
            },
            "servicenow" => Self { plugin: "connector-servicenow", auth: Auth::Basic, ..PLAIN },
            "circleci" => Self {
                plugin: "connector-circleci",
                url: Some("https://circleci.com/api/v2"),
                auth: Auth::Header { name: "circle-token", prefix: "" },
                lists: PROJECTS,
                needs: Some("projects"),
                ..PLAIN
            },
            "slack" => Self { plugin: "connector-slack", url: Some("https://slack.com/api"), ..PLAIN },
            "gitea" => Self { plugin: "connector-gitea", lists: REPOSITORIES, ..PLAIN },
            _ => return None,
        })
    }

    /// The address of the API, of the address people use.
    pub(super) fn api(&self, url: &str) -> String {
        let url = url.trim_end_matches('/');
        let Some((service, api, path)) = self.api else { return url.to_owned() };
        let host = url.split_once("://").map_or(url, |(_, rest)| rest).split('/').next().unwrap_or_default();
        if host == service || host.strip_prefix("www.") == Some(service) {
            api.to_owned()
        } else if host.starts_with("api.") || url.ends_with(path) {
            url.to_owned()
        } else {
            format!("{url}{path}")
        }
    }
}
