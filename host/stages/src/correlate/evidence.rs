//! What speaks for and against a suspect: the files it touched, seen from the tests that fail.

use std::collections::BTreeSet;

use weir_model::ObjectId;

use super::verdict::Suspect;

/// Files in which dependencies are declared or pinned.
const DEPENDENCY_FILES: &[&str] = &[
    "build.gradle",
    "build.gradle.kts",
    "Cargo.lock",
    "Cargo.toml",
    "Gemfile",
    "Gemfile.lock",
    "go.mod",
    "go.sum",
    "gradle.properties",
    "package-lock.json",
    "package.json",
    "pnpm-lock.yaml",
    "poetry.lock",
    "pom.xml",
    "pyproject.toml",
    "requirements.txt",
    "yarn.lock",
];
/// Files that no test runs.
const PROSE: &[&str] = &["adoc", "md", "rst", "txt"];

/// Shares the suspicion out again by what the commits touched. The sum stays; where nothing speaks for or against
/// anybody, so do the shares. `files` gives the paths a commit touched, none where they are not known.
pub fn weigh(suspects: &mut [Suspect], failing: Option<&BTreeSet<String>>, files: impl Fn(&ObjectId) -> Vec<String>) {
    let sum: f64 = suspects.iter().map(|suspect| suspect.confidence).sum();
    let suspected = suspects.iter().filter(|suspect| suspect.confidence > 0.0).count();
    if suspected < 2 {
        return;
    }
    for suspect in suspects.iter_mut().filter(|suspect| suspect.confidence > 0.0) {
        let (weight, evidence) = weight(&files(&suspect.sha), failing);
        suspect.confidence *= weight;
        suspect.evidence.extend(evidence);
    }
    let weighed: f64 = suspects.iter().map(|suspect| suspect.confidence).sum();
    for suspect in suspects.iter_mut() {
        suspect.confidence *= sum / weighed;
    }
    // Stable: the nearest to the head stays first among equals.
    suspects.sort_by(|a, b| b.confidence.total_cmp(&a.confidence));
}

fn weight(files: &[String], failing: Option<&BTreeSet<String>>) -> (f64, Option<&'static str>) {
    let of_tests = failing.into_iter().flatten().flat_map(|test| files.iter().map(move |file| closeness(test, file)));
    let of_files = files.iter().map(|file| {
        let name = file.rsplit('/').next().unwrap_or(file);
        if DEPENDENCY_FILES.contains(&name) { (1.5, Some("dependencies")) } else { (1.0, None) }
    });
    let best = of_tests.chain(of_files).max_by(|a, b| a.0.total_cmp(&b.0)).unwrap_or((1.0, None));
    let is_prose = |file: &String| file.rsplit_once('.').is_some_and(|(_, end)| PROSE.contains(&end));
    if best.1.is_none() && !files.is_empty() && files.iter().all(is_prose) { (0.25, Some("only-prose")) } else { best }
}

/// How near a file is to a failing test, which is named by suite, class and test.
fn closeness(test: &str, file: &str) -> (f64, Option<&'static str>) {
    let parts: Vec<&str> = test.split(['/', '.', ':', '#', '$', '\\']).filter(|part| part.len() > 2).collect();
    let (folder, name) = file.rsplit_once('/').unwrap_or(("", file));
    let stem = name.split('.').next().unwrap_or(name);
    if stem.len() > 3 && parts.contains(&stem) {
        return (4.0, Some("failing-test"));
    }
    let tested = |part: &&str| {
        let bare = ["Tests", "Test", "IT", "_test", "test_", "Spec"];
        bare.iter().any(|word| part.strip_suffix(word).or_else(|| part.strip_prefix(word)) == Some(stem))
    };
    if stem.len() > 2 && parts.iter().any(tested) {
        return (3.0, Some("tested-code"));
    }
    let package = parts.iter().take_while(|part| part.starts_with(|c: char| c.is_ascii_lowercase()));
    let package: Vec<&str> = package.copied().collect();
    if package.len() > 1 && folder.ends_with(&package.join("/")) {
        return (2.0, Some("failing-module"));
    }
    (1.0, None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::correlate::SuspectReason;
    use expect_test::{Expect, expect};

    #[expect(clippy::needless_pass_by_value, reason = "an `Expect` is written in place")]
    fn check(failing: &[&str], touched: &[&[&str]], expected: Expect) {
        let sha = |number: usize| ObjectId::new(&format!("{number:040x}")).unwrap();
        let share = 1.0 / f64::from(u32::try_from(touched.len()).unwrap());
        let suspect = |number| Suspect {
            sha: sha(number),
            reason: SuspectReason::Range,
            confidence: share,
            evidence: Vec::new(),
        };
        let mut suspects: Vec<Suspect> = (0..touched.len()).map(suspect).collect();
        let failing: BTreeSet<String> = failing.iter().map(|test| (*test).to_owned()).collect();
        let files = |of: &ObjectId| {
            let number = (0..touched.len()).find(|number| sha(*number) == *of).unwrap();
            touched[number].iter().map(|file| (*file).to_owned()).collect()
        };
        weigh(&mut suspects, Some(&failing), files);
        let sum: f64 = suspects.iter().map(|suspect| suspect.confidence).sum();
        assert!((sum - 1.0).abs() < 1e-9);
        let line = |it: &Suspect| format!("{} {:.3} {:?}\n", &it.sha.as_str()[38..], it.confidence, it.evidence);
        expected.assert_eq(&suspects.iter().map(line).collect::<String>());
    }

    #[test]
    fn files_near_the_failing_tests_weigh_more() {
        check(
            &["org.acme.cart.CartTest/addsItems"],
            &[
                &["README.md", "docs/a.md"],
                &["src/main/java/org/acme/mail/Mail.java"],
                &["src/main/java/org/acme/cart/Price.java"],
                &["src/main/java/org/acme/cart/Cart.java"],
                &["src/test/java/org/acme/cart/CartTest.java"],
                &["pom.xml"],
                &[],
            ],
            expect![[r#"
                04 0.314 ["failing-test"]
                03 0.235 ["tested-code"]
                02 0.157 ["failing-module"]
                05 0.118 ["dependencies"]
                01 0.078 []
                06 0.078 []
                00 0.020 ["only-prose"]
            "#]],
        );
    }

    #[test]
    fn without_evidence_nobody_is_more_suspect() {
        check(
            &[],
            &[&["src/a.rs"], &[], &["src/b.rs"]],
            expect![[r"
            00 0.333 []
            01 0.333 []
            02 0.333 []
        "]],
        );
        check(
            &["x/CartTest"],
            &[&["README.md"]],
            expect![[r"
            00 1.000 []
        "]],
        );
    }
}
