//! The words of tools, and what they mean.

use weir_model::entity::{Environment, EnvironmentClass, RunResult};

/// The result that a word of a CI or deployment tool means, in any case of letters. Words nobody knows are kept as
/// unknown results.
pub fn result_of(word: &str) -> RunResult {
    let plain: String = word.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    match plain.as_str() {
        "success" | "succeeded" | "successful" | "passed" | "pass" | "ok" => RunResult::Success,
        "unstable" | "partiallysucceeded" | "succeededwithissues" => RunResult::Unstable,
        "failure" | "failed" | "fail" => RunResult::Failure,
        "error" | "errored" | "startupfailure" | "abandoned" => RunResult::Error,
        "timeout" | "timedout" => RunResult::Timeout,
        "aborted" | "cancelled" | "canceled" | "cancel" | "cancellation" => RunResult::Cancelled,
        "skipped" | "skip" | "notbuilt" | "notexecuted" => RunResult::Skipped,
        _ => RunResult::Unknown(word.to_owned()),
    }
}

/// The class of an environment: what its tool says, else what its name says. An environment that is before production
/// or beside it is not production.
pub fn environment_class(environment: &Environment) -> Option<EnvironmentClass> {
    environment.class.clone().or_else(|| class_of(&environment.name))
}

pub(super) fn class_of(name: &str) -> Option<EnvironmentClass> {
    let name = name.to_lowercase();
    let words: Vec<&str> = name.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let any = |known: &[&str]| {
        words
            .iter()
            .any(|word| known.contains(word) || known.contains(&word.trim_end_matches(|c: char| c.is_ascii_digit())))
    };
    // The first that fits: "pre-prod" and "prod-test" are no production.
    if any(&["staging", "stage", "stg", "preprod", "preproduction", "pre", "uat", "acceptance"]) {
        Some(EnvironmentClass::Staging)
    } else if any(&["test", "testing", "tests", "qa", "ci", "e2e", "integration", "int"]) {
        Some(EnvironmentClass::Testing)
    } else if any(&["dev", "development", "local", "sandbox", "preview", "nonprod", "nonproduction", "non"]) {
        Some(EnvironmentClass::Development)
    } else if any(&["production", "prod", "prd", "live"]) {
        Some(EnvironmentClass::Production)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    #[test]
    fn words_of_every_tool() {
        let words = [
            "SUCCESS",
            "success",
            "succeeded",
            "UNSTABLE",
            "partiallySucceeded",
            "FAILURE",
            "failed",
            "startup_failure",
            "error",
            "timed_out",
            "timeout",
            "ABORTED",
            "canceled",
            "cancellation",
            "NOT_BUILT",
            "NOT_EXECUTED",
            "skip",
            "neutral",
            "none",
            "Odd Word",
        ];
        let line = |word: &&str| format!("{word} {:?}\n", result_of(word));
        expect![[r#"
            SUCCESS Success
            success Success
            succeeded Success
            UNSTABLE Unstable
            partiallySucceeded Unstable
            FAILURE Failure
            failed Failure
            startup_failure Error
            error Error
            timed_out Timeout
            timeout Timeout
            ABORTED Cancelled
            canceled Cancelled
            cancellation Cancelled
            NOT_BUILT Skipped
            NOT_EXECUTED Skipped
            skip Skipped
            neutral Unknown("neutral")
            none Unknown("none")
            Odd Word Unknown("Odd Word")
        "#]]
        .assert_eq(&words.iter().map(line).collect::<String>());
    }

    #[test]
    fn environments_by_name() {
        let names = [
            "production",
            "Prod-EU",
            "eu_prod",
            "prod2",
            "live",
            "pre-prod",
            "preprod",
            "non-prod",
            "prod-test",
            "UAT",
            "Staging",
            "qa1",
            "dev",
            "blue",
            "product",
        ];
        let class = |name: &str| class_of(name).map_or("unknown".to_owned(), |class| class.as_str().to_owned());
        let line = |name: &&str| format!("{name} {}\n", class(name));
        expect![[r"
            production production
            Prod-EU production
            eu_prod production
            prod2 production
            live production
            pre-prod staging
            preprod staging
            non-prod development
            prod-test testing
            UAT staging
            Staging staging
            qa1 testing
            dev development
            blue unknown
            product unknown
        "]]
        .assert_eq(&names.iter().map(line).collect::<String>());
    }
}
