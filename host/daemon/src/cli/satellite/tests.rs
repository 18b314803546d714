use super::*;
use expect_test::{Expect, expect};

fn check(yaml: &str, expected: Expect) {
    let imported = import(yaml, "lab").unwrap();
    let secrets: String = imported.secrets.iter().map(|(file, secret)| format!("{file} = {secret}\n")).collect();
    let text = imported.toml.split_once("account").unwrap().1.split_once('\n').unwrap().1;
    let text = text.split("[metrics]").next().unwrap();
    assert!(imported.secrets.values().all(|secret| !imported.toml.contains(secret)));
    expected.assert_eq(&format!("{text}== {} integrations\n{secrets}", imported.n_integrations()));
}

const SATELLITE: &str = "satellite:: {tenant: acme, api_key: SATELLITE-KEY, url: \"https://host/sei/api\",
  proxy: {host: h, port: 3128, username: u, password: p, all_traffic: false}}
integrations:
  - {id: '1', application: jira, url: 'https://jira.acme.example/', username: ana, api_key: JIRA-KEY, satellite: true,
     metadata: {timezone: 'UTC', sensitive_fields: [description, summary, comments]}}
  - {id: 2, application: bitbucket_server, url: 'https://git.acme.example', username: bo, api_key: BB-KEY, satellite: true,
     metadata: {fetch_prs: true, fetch_pr_reviews: true, fetch_commits: false, repos: 'PAY/core, PAY/web'}}
  - {id: 3, application: github, url: 'https://github.com', api_key: GH-ONE, metadata: {repos: 'acme/api'}}
  - {id: 4, application: GitHub, url: 'https://ghe.acme.example', api_key: GH-TWO}
  - {id: 5, application: pagerduty, api_key: PD-KEY}
  - {id: 6, application: circleci, api_key: CC-KEY}
  - {id: 7, application: rally, url: 'https://rally', api_key: RALLY-KEY, odd: 1}
  - {id: 8, application: gitlab, url: 'https://gitlab.acme.example', api_key: 12345678901}
  - {application: azure_devops, url: 'https://dev.azure.com/acme'}
jira: {allow_unsafe_ssl: true}
";

#[test]
#[expect(clippy::too_many_lines, reason = "they are those of the file")]
fn a_satellite_becomes_a_host() {
    check(
        SATELLITE,
        expect![[r#"

            # TLS of its own; the files are read again when they change.
            # [tls]
            # certificate = "tls/host.pem"
            # key         = "tls/host.key"

            # How people reach this host, once it serves others than this machine: docs/ACCESS.md.
            # [access]
            # public_url = "https://weir.example.com"

            # Whose plugins may be used, besides those that came with Weir; left out: all in the folder `plugins` of [host].
            # [trust]
            # publishers = { acme = "giszrYfBSKCiClunzV68qmjTahjnqtFlVUkD9SyoJ1c=" }   # `weir plugin keygen`

            # People log in at a provider, and their groups say what they are here.
            # [access.oidc]
            # issuer        = "https://login.example.com/realms/main"
            # client_id     = "weir"
            # client_secret = { file = "oidc.secret" }
            # [[access.oidc.map]]
            # group = "weir-admins"
            # role  = "administrator"

            # Not taken over from the satellite:
            # - integrations[1].metadata.fetch_commits: everything is read; `datasets` in the settings limits it
            # - integrations[5]: fill in `projects` of its settings
            # - integrations[6]: there is no connector for `rally`; the others are taken over
            # - integrations[8]: it has no api_key; add `auth` to its connection
            # - satellite.api_key: it opens the other system, not this one; it was not kept
            # - satellite.url: results went to https://host/sei/api as `acme`; here they stay, or go to `[central]`
            # - jira.allow_unsafe_ssl: certificates are always checked; add the authority to those the system trusts
            # - integrations[0].metadata.timezone: nothing of ours is like it
            # - satellite.proxy.all_traffic: nothing of ours is like it
            # - satellite.proxy.host: nothing of ours is like it
            # - satellite.proxy.password: nothing of ours is like it
            # - satellite.proxy.port: nothing of ours is like it
            # - satellite.proxy.username: nothing of ours is like it

            [[integration]]
            name = "jira"
            aliases = ["1"]
            plugin = "connector-jira"
            settings = { sensitive_fields = ["description", "summary", "comments"] }
            [integration.connection]
            url = "https://jira.acme.example"
            private = true # a satellite stands where the tool is: its name may lead into the company's network
            auth = { kind = "basic", user = "ana", password = { file = "secrets/jira.secret" } }

            [[integration]]
            name = "bitbucket"
            aliases = ["2"]
            plugin = "connector-bitbucket"
            settings = { deployment = "server", repositories = ["PAY/core", "PAY/web"] }
            [integration.connection]
            url = "https://git.acme.example"
            private = true # a satellite stands where the tool is: its name may lead into the company's network
            auth = { kind = "basic", user = "bo", password = { file = "secrets/bitbucket.secret" } }

            [[integration]]
            name = "github"
            aliases = ["3"]
            plugin = "connector-github"
            settings = { repositories = ["acme/api"] }
            [integration.connection]
            url = "https://api.github.com"
            auth = { kind = "bearer", token = { file = "secrets/github.secret" } }

            [[integration]]
            name = "github-4"
            aliases = ["4"]
            plugin = "connector-github"
            [integration.connection]
            url = "https://ghe.acme.example/api/v3"
            auth = { kind = "bearer", token = { file = "secrets/github-4.secret" } }

            [[integration]]
            name = "pagerduty"
            aliases = ["5"]
            plugin = "connector-pagerduty"
            [integration.connection]
            url = "https://api.pagerduty.com"
            auth = { kind = "header", name = "authorization", value = { file = "secrets/pagerduty.secret" } }

            [[integration]]
            name = "circleci"
            aliases = ["6"]
            plugin = "connector-circleci"
            settings = { projects = [] }
            [integration.connection]
            url = "https://circleci.com/api/v2"
            auth = { kind = "header", name = "circle-token", value = { file = "secrets/circleci.secret" } }

            [[integration]]
            name = "gitlab"
            aliases = ["8"]
            plugin = "connector-gitlab"
            [integration.connection]
            url = "https://gitlab.acme.example/api/v4"
            auth = { kind = "bearer", token = { file = "secrets/gitlab.secret" } }

            [[integration]]
            name = "azure-devops"
            plugin = "connector-azure-devops"
            [integration.connection]
            url = "https://dev.azure.com/acme"

            == 8 integrations
            bitbucket.secret = BB-KEY
            circleci.secret = CC-KEY
            github-4.secret = GH-TWO
            github.secret = GH-ONE
            gitlab.secret = 12345678901
            jira.secret = JIRA-KEY
            pagerduty.secret = Token token=PD-KEY
        "#]],
    );
}

#[test]
fn what_is_encrypted_or_no_yaml_is_refused() {
    let told = |yaml: &str| import(yaml, "lab").map(|_| ()).unwrap_err().to_string();
    for encrypted in ["U2FsdGVkX1+abcdefg=", "satellite: {api_key: ENC(abc)}", "aGVsbG8gd29ybGQ="] {
        assert_eq!(told(encrypted), "the file is encrypted, and its key is not ours");
    }
    assert_eq!(told("- a\n- b"), "the file is no satellite.yml");
    assert_eq!(told("a: [b"), "the file is no YAML");
    assert_eq!(import("{}", "lab").unwrap().n_integrations(), 0);
}
