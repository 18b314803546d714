use super::*;
use expect_test::{Expect, expect};

#[expect(clippy::needless_pass_by_value, reason = "an `Expect` is written in place")]
fn check(text: &str, expected: Expect) {
    let answer = match Config::parse(text, "weir.toml") {
        Ok(config) => format!("{} integrations", config.integration.len()),
        Err(error) => format!("{error}; hint: {}", error.hint().unwrap_or_default()),
    };
    expected.assert_eq(&answer);
}

#[test]
fn an_empty_file_is_a_host_with_defaults() {
    check("", expect!["0 integrations"]);
}

#[test]
fn an_unknown_key_names_the_nearest() {
    check(
        "[host]\nlisten = \"127.0.0.1:0\"\ndatadir = \"x\"\n",
        expect![[
            r"weir.toml:3: unknown field `datadir`, expected one of `name`, `data_dir`, `listen`, `plugins`, `account`, `require_keys`; hint: the nearest known key is `data_dir`"
        ]],
    );
}

#[test]
fn a_key_in_the_wrong_place_is_not_taken_for_another() {
    check(
        "[http]\nlisten = \"127.0.0.1:0\"\n",
        expect![
            "weir.toml:2: unknown field `listen`, expected one of `connections_max`, `connections_per_address_max`, `header_bytes_max`, `header_timeout`, `body_bytes_per_second_min`, `body_grace`, `write_timeout`, `answer_timeout`, `answers_bytes_max`, `requests_per_second`, `requests_burst`, `origins`; hint: `listen` may belong to another section; `weir init` writes a commented file"
        ],
    );
}

#[test]
fn an_integration_needs_a_way_to_its_tool() {
    check(
        "[[integration]]\nname = \"gh\"\nplugin = \"connector-github\"\n",
        expect![["integration `gh` has no way to its tool; hint: add `[integration.connection]` with a `url`"]],
    );
}

#[test]
fn a_filter_is_read_at_once() {
    check(
        "[metrics]\ndeployments = [\"enviroment:production\"]\n",
        expect![[
            "filter `enviroment:production` cannot be read: no field `enviroment`; did you mean `environment`?; hint: the syntax is that of `weir search`"
        ]],
    );
}

#[test]
fn a_metric_of_ones_own_is_checked() {
    let metric = |rest: &str| format!("[[metric]]\nname = \"hotfixes\"\nof = \"kind:change\"\n{rest}");
    let problem = |text: &str| Config::parse(text, "weir.toml").unwrap_err().to_string();
    let share = "value = { share = \"labels:hotfix\" }";
    check(&metric(&format!("at = \"merged\"\n{share}")), expect!["0 integrations"]);
    let not_over = problem(&metric(&format!("at = \"opened\"\n{share}")));
    assert!(not_over.contains("metric `hotfixes` is a share of what may not be over yet"), "{not_over}");
    let no_field = problem(&metric("at = \"merged\"\nvalue = { share = \"label:hotfix\" }"));
    assert!(no_field.contains("no field `label`"), "{no_field}");
    let unlinked = problem(&metric(&format!("at = \"merged\"\n{share}\ntotal = \"kind:change\"")));
    assert!(unlinked.contains("unknown field `total`"), "{unlinked}");
    let no_zone = problem("[metrics]\ntime_zone = \"Europe/Berlni\"\n");
    assert!(no_zone.contains("`Europe/Berlni` is no time zone"), "{no_zone}");
}

#[test]
fn the_documented_example_is_read() {
    let text = r#"
        [host]
        name = "build-lab"
        data_dir = "/var/lib/weir"
        account = "acme"
        [central]
        url = "https://weir.example.com"
        key = { env = "WEIR_CENTRAL_KEY" }
        send = ["entities", "tiles", "events"]
        [[integration]]
        name = "github"
        plugin = "connector-github"
        every = "2m"
        settings = { repositories = ["acme/api", "acme/web"], since = "2025-01-01" }
        [integration.connection]
        url = "https://api.github.com"
        auth = { kind = "bearer", token = { env = "GITHUB_TOKEN" } }
        [integration.webhook]
        scheme = "github"
        secret = { file = "/etc/weir/github.secret" }
        [[integration]]
        name = "ci"
        collector = "jenkins-home"
        settings = { home = "/var/lib/jenkins", jobs = ["**"], deployments = ["deploy-*"] }
        [[propel]]
        name = "tell-the-team"
        plugin = "propel-notify"
        on = ["build.finished"]
        when = "result:failure AND branch:main"
        settings = { template = "…" }
        connections = { chat = { url = "https://chat.example.com/hook", auth = { kind = "none" } } }
        [[team]]
        name = "payments"
        projects = ["acme/api"]
        people = ["ana@example.com"]
        [metrics]
        deployments = ["environment:production"]
        incidents = ["kind:incident", "kind:work-item AND type:Incident"]
        bots = ["*[bot]", "renovate*"]
        [retention]
        raw = "forever"
    "#;
    check(text, expect!["2 integrations"]);
}
