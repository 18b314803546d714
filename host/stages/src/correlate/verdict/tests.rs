use super::*;
use expect_test::{Expect, expect};
use proptest::prelude::*;
use weir_model::entity::RunResult;

fn commit(name: char) -> ObjectId {
    ObjectId::new(&format!("{:040x}", u32::from(name))).unwrap()
}

/// A straight history a, b, c, ..., h, and a branch x, y from b.
fn graph() -> CommitGraph {
    let mut graph = CommitGraph::new();
    graph.insert(&commit('a'), &[]);
    ('b'..='h').zip('a'..).for_each(|(child, parent)| graph.insert(&commit(child), &[commit(parent)]));
    graph.insert(&commit('x'), &[commit('b')]);
    graph.insert(&commit('y'), &[commit('x')]);
    graph
}

/// "b:R" is a red build of b; "-:R" one without a revision; "b:R+t1+t2" says which tests fail; "x:R/b" was built
/// against base b.
fn point(text: &str, number: u64) -> BuildPoint {
    let (text, base) = text.split_once('/').map_or((text, None), |(text, base)| (text, base.chars().next()));
    let (head, result) = text.split_once(':').unwrap();
    let mut parts = result.split('+');
    let result = match parts.next().unwrap() {
        "G" => Some(RunResult::Success),
        "R" => Some(RunResult::Failure),
        "U" => Some(RunResult::Unstable),
        "X" => Some(RunResult::Cancelled),
        _ => None,
    };
    let failing: BTreeSet<String> = parts.map(str::to_owned).collect();
    BuildPoint {
        id: format!("build:ci:job/{number}").parse().unwrap(),
        number,
        attempt: 1,
        result,
        head: head.chars().next().filter(|name| *name != '-').map(commit),
        base: base.map(commit),
        failing: Some(failing).filter(|failing| !failing.is_empty()),
    }
}

fn line(text: &str) -> Vec<BuildPoint> {
    text.split(' ').zip(1..).map(|(build, number)| point(build, number)).collect()
}

fn show(verdict: &Verdict) -> String {
    let name = |sha: &ObjectId| char::from_u32(u32::from_str_radix(sha.as_str(), 16).unwrap()).unwrap();
    let suspect = |s: &Suspect| format!("{}:{:?}:{:.2}", name(&s.sha), s.reason, s.confidence);
    let commits: Vec<String> = verdict.commits.iter().map(suspect).collect();
    let reason = verdict.reason.map(|reason| format!(" {reason}")).unwrap_or_default();
    let since = verdict.since.as_ref().map(|since| format!(" since {}", &since.key[4..])).unwrap_or_default();
    let flags = if verdict.flags.is_empty() { String::new() } else { format!(" {:?}", verdict.flags) };
    let first = verdict.first_bad.as_ref().map(|first| format!(" first {}", &first.key[4..])).unwrap_or_default();
    format!("{:?}{reason}{since}{first} [{}]{flags}", verdict.state, commits.join(" "))
}

#[expect(clippy::needless_pass_by_value, reason = "an `Expect` is written in place")]
fn check(lines: &[&str], expected: Expect) {
    let mut text = String::new();
    for builds in lines {
        let line = line(builds);
        text += &format!("{builds}\n");
        for target in 0..line.len() {
            text += &format!("  {} {}\n", target + 1, show(&verdict(&line, target, &graph()).unwrap()));
        }
    }
    expected.assert_eq(&text);
}

#[test]
fn the_rules_on_straight_lines() {
    check(
        &[
            "a:G b:R",
            "a:G c:R",
            "a:G a:R",
            "a:G b:R b:G",
            "a:G b:R c:G",
            "a:G b:R c:R d:G",
            "a:G b:R c:R c:G",
            "a:G b:X c:R",
            "b:R",
            "a:G a:R a:G",
            "a:G -:R",
        ],
        expect![[r#"
            a:G b:R
              1 Green []
              2 Broken since 1 first 2 [b:Range:1.00]
            a:G c:R
              1 Green []
              2 Broken since 1 first 2 [c:Range:0.50 b:Range:0.50]
            a:G a:R
              1 Green []
              2 Rerun rerun-failure since 1 []
            a:G b:R b:G
              1 Green []
              2 Broken since 1 first 2 [b:Withdrawn:0.00] ["flaky"]
              3 Rerun rerun-recovery since 1 []
            a:G b:R c:G
              1 Green []
              2 Broken since 1 first 2 [b:Range:1.00]
              3 Fixed since 1 [c:FixRange:1.00]
            a:G b:R c:R d:G
              1 Green []
              2 Broken since 1 first 2 [b:Range:1.00]
              3 StillBroken since 1 first 2 [b:Range:1.00 c:AddedWhileRed:0.00]
              4 Fixed since 1 [d:FixRange:1.00]
            a:G b:R c:R c:G
              1 Green []
              2 Broken since 1 first 2 [b:Withdrawn:0.00] ["flaky"]
              3 StillBroken since 1 first 2 [b:Withdrawn:0.00 c:Withdrawn:0.00] ["flaky"]
              4 Rerun rerun-recovery since 1 []
            a:G b:X c:R
              1 Green []
              2 Unknown not-judged since 1 []
              3 Broken since 1 first 3 [c:Range:0.50 b:Range:0.50]
            b:R
              1 Unknown no-baseline []
            a:G a:R a:G
              1 Green []
              2 Rerun rerun-failure since 1 []
              3 Rerun rerun-recovery since 1 []
            a:G -:R
              1 Green []
              2 Unknown no-revision since 1 []
        "#]],
    );
}

#[test]
fn what_the_table_leaves_open() {
    check(
        &[
            // A flaky failure opens no break.
            "a:G a:R b:R",
            "a:G b:G",
            "b:R c:G",
            "a:G b:_",
            "a:G -:R c:R d:G",
            // An earlier revision is built again.
            "c:G b:R d:R",
            "-:G b:R",
            "a:G b:U c:G",
        ],
        expect![[r"
            a:G a:R b:R
              1 Green []
              2 Rerun rerun-failure since 1 []
              3 Broken since 1 first 3 [b:Range:1.00]
            a:G b:G
              1 Green []
              2 Green since 1 []
            b:R c:G
              1 Unknown no-baseline []
              2 Fixed [c:FixRange:1.00]
            a:G b:_
              1 Green []
              2 Unknown unfinished since 1 []
            a:G -:R c:R d:G
              1 Green []
              2 Unknown no-revision since 1 []
              3 StillBroken no-revision since 1 first 2 []
              4 Fixed since 1 [d:FixRange:1.00]
            c:G b:R d:R
              1 Green []
              2 Unknown no-change since 1 []
              3 Broken since 1 first 3 [d:Range:1.00]
            -:G b:R
              1 Green []
              2 Unknown no-revision since 1 []
            a:G b:U c:G
              1 Green []
              2 Broken since 1 first 2 [b:Range:1.00]
              3 Fixed since 1 [c:FixRange:1.00]
        "]],
    );
}

#[test]
fn new_failing_tests_open_a_second_break() {
    check(
        &["a:G b:R+t1 c:R+t1 d:R+t1+t2 e:R+t2 e:G", "a:G b:R+t1 c:R d:R+t2", "a:G b:R+t1 b:R+t1+t2"],
        expect![[r#"
            a:G b:R+t1 c:R+t1 d:R+t1+t2 e:R+t2 e:G
              1 Green []
              2 Broken since 1 first 2 [b:Withdrawn:0.00] ["flaky"]
              3 StillBroken since 1 first 2 [b:Withdrawn:0.00 c:Withdrawn:0.00] ["flaky"]
              4 Broken since 1 first 4 [d:Withdrawn:0.00] ["second-break", "flaky"]
              5 StillBroken since 1 first 2 [b:Withdrawn:0.00 d:Withdrawn:0.00 e:Withdrawn:0.00 c:Withdrawn:0.00] ["flaky"]
              6 Rerun rerun-recovery since 1 []
            a:G b:R+t1 c:R d:R+t2
              1 Green []
              2 Broken since 1 first 2 [b:Range:1.00]
              3 StillBroken since 1 first 2 [b:Range:1.00 c:AddedWhileRed:0.00]
              4 StillBroken since 1 first 2 [b:Range:1.00 d:AddedWhileRed:0.00 c:AddedWhileRed:0.00]
            a:G b:R+t1 b:R+t1+t2
              1 Green []
              2 Broken since 1 first 2 [b:Range:1.00]
              3 StillBroken since 1 first 2 [b:Range:1.00]
        "#]],
    );
}

#[test]
fn bases_and_rewritten_branches() {
    check(
        &[
            // The change x, y was merged with a base that moved from b to d.
            "x:G/b y:R/d",
            "x:G/b x:R/d",
            // The branch was rewritten; q is not known.
            "c:G y:R/b",
            "q:G y:R/b",
            "q:G y:R",
            "x:G q:R",
            "x:G y:R/q",
        ],
        expect![[r#"
            x:G/b y:R/d
              1 Green []
              2 Broken since 1 first 2 [y:Range:1.00] ["base-moved"]
            x:G/b x:R/d
              1 Green []
              2 Rerun rerun-failure since 1 [] ["base-moved"]
            c:G y:R/b
              1 Green []
              2 Broken since 1 first 2 [y:Range:0.50 x:Range:0.50] ["rewritten"]
            q:G y:R/b
              1 Green []
              2 Broken since 1 first 2 [y:Range:0.50 x:Range:0.50] ["earlier-commit-unknown"]
            q:G y:R
              1 Green []
              2 Unknown incomplete-history since 1 []
            x:G q:R
              1 Green []
              2 Unknown incomplete-history since 1 []
            x:G y:R/q
              1 Green []
              2 Broken since 1 first 2 [y:Range:1.00] ["base-unknown"]
        "#]],
    );
}

proptest! {
    /// Whatever the line: nobody is blamed who was in the last green build, confidences sum to 1 or 0, and a green
    /// build has no suspects but those that fixed it.
    #[test]
    fn nobody_is_blamed_for_what_was_green(
        builds in proptest::collection::vec(("[a-hxy]", "[GRUX]"), 1..12),
        target in 0..12_usize,
    ) {
        let text: Vec<String> = builds.iter().map(|(head, result)| format!("{head}:{result}")).collect();
        let line = line(&text.join(" "));
        let target = target % line.len();
        let graph = graph();
        let verdict = verdict(&line, target, &graph).unwrap();
        let green = line[..target].iter().rev().find(|point| point.colour() == Colour::Green);
        for suspect in verdict.commits.iter().filter(|suspect| suspect.reason == SuspectReason::Range) {
            let green = green.and_then(|green| green.head.clone()).unwrap();
            prop_assert!(!graph.is_ancestor(&suspect.sha, &green));
        }
        let sum: f64 = verdict.commits.iter().map(|suspect| suspect.confidence).sum();
        prop_assert!(sum.abs() < 1e-9 || (sum - 1.0).abs() < 1e-9, "{sum}");
        if line[target].colour() == Colour::Green {
            prop_assert!(verdict.commits.iter().all(|suspect| suspect.reason == SuspectReason::FixRange));
        }
    }
}
