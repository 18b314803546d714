//! Metrics of a line of builds: how long it stays red, and how often the same commit turns out both ways.

use std::collections::BTreeMap;

use weir_model::entity::Build;
use weir_model::metric::Sample;
use weir_model::{Entity, EntityId, Timestamp};

use super::samples::Where;
use crate::correlate::{BuildPoint, Colour};
use crate::{Context, facets};

/// Metric of a build that says something about a break. It needs the red builds of its line between two that
/// [end a break](ends_break), and the green one that follows them.
pub const BREAK_METRIC: &str = "time-to-green";
/// Metric of a build that says something about its commit. It needs the builds of its line of that commit.
pub const COMMIT_METRIC: &str = "flaky-rate";

/// Samples of [`BREAK_METRIC`] and [`COMMIT_METRIC`], each with the build it is kept at: the time to green at the first
/// red build of a break, the flakiness of a commit at its first build. `builds` are those of one line, in any order; a
/// build that has no sample in the answer has none at all. Breaks of changes are not counted: nobody waits for their
/// branch to be green.
pub fn line_samples(builds: &[(EntityId, Build)], points: &[BuildPoint], context: &Context) -> Vec<(EntityId, Sample)> {
    let known: BTreeMap<&EntityId, &Build> = builds.iter().map(|(id, build)| (id, build)).collect();
    let judged = points.iter().filter(|point| matches!(point.colour(), Colour::Green | Colour::Red));
    let mut line: Vec<Run<'_>> = judged.filter_map(|point| Run::new(point, known.get(&point.id)?)).collect();
    line.sort_by_key(|run| (facets::line_order(run.build), &run.point.id));
    let mut samples = time_to_green(&line, context);
    samples.extend(flaky(&line, context));
    samples
}

/// Whether a build ends a break, if there is one: green, over, and of the branch itself.
pub fn ends_break(point: &BuildPoint, build: &Build) -> bool {
    point.colour() == Colour::Green && build.finished_at.is_some() && is_of_branch(point, build)
}

fn is_of_branch(point: &BuildPoint, build: &Build) -> bool {
    point.base.is_none() && build.change.is_none()
}

/// A build that ended red or green.
struct Run<'a> {
    point: &'a BuildPoint,
    build: &'a Build,
    finished_at: Timestamp,
}

impl<'a> Run<'a> {
    fn new(point: &'a BuildPoint, build: &'a Build) -> Option<Self> {
        Some(Self { point, build, finished_at: build.finished_at? })
    }

    fn place<'c>(&self, context: &'c Context) -> Where<'c> {
        Where::of(&self.point.id, &Entity::from(self.build.clone()), context)
    }
}

fn time_to_green(line: &[Run<'_>], context: &Context) -> Vec<(EntityId, Sample)> {
    let mut samples = Vec::new();
    let mut red: Option<&Run<'_>> = None;
    for run in line.iter().filter(|run| is_of_branch(run.point, run.build)) {
        match (run.point.colour(), red) {
            (Colour::Red, None) => red = Some(run),
            (Colour::Green, Some(first)) => {
                let length = run.finished_at.since(first.finished_at).ok_or("end-before-start");
                samples.push((first, length));
                red = None;
            }
            _ => {}
        }
    }
    samples.extend(red.map(|first| (first, Err("not-reached"))));
    let sample = |(first, length): (&Run<'_>, _)| {
        (first.point.id.clone(), first.place(context).sample("time-to-green", first.finished_at, length))
    };
    samples.into_iter().map(sample).collect()
}

/// One sample for each commit that was built at least twice.
fn flaky(line: &[Run<'_>], context: &Context) -> Vec<(EntityId, Sample)> {
    let mut by_commit: BTreeMap<&str, Vec<&Run<'_>>> = BTreeMap::new();
    for run in line {
        if let Some(head) = &run.point.head {
            by_commit.entry(head.as_str()).or_default().push(run);
        }
    }
    let sample = |runs: &Vec<&Run<'_>>| {
        let first = *runs.first().filter(|_| runs.len() > 1)?;
        let is_flaky = runs.iter().any(|run| run.point.colour() != first.point.colour());
        Some((first.point.id.clone(), first.place(context).share("flaky-rate", first.finished_at, is_flaky)))
    };
    by_commit.values().filter_map(sample).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::correlate::CommitGraph;
    use expect_test::{Expect, expect};
    use weir_model::ObjectId;
    use weir_model::entity::{Checkout, RunResult};

    /// "a:G b:R": builds of commits a, b at minutes 1, 2.
    #[expect(clippy::needless_pass_by_value, reason = "an `Expect` is written in place")]
    fn check(lines: &[&str], expected: Expect) {
        let mut text = String::new();
        for line in lines {
            let mut builds: Vec<(EntityId, Build)> = Vec::new();
            for (build, minute) in line.split(' ').zip(1..) {
                let (head, result) = build.split_once(':').unwrap();
                let commit = ObjectId::new(&head.repeat(40));
                let build = Build::default()
                    .number(minute)
                    .result(if result == "G" { RunResult::Success } else { RunResult::Failure })
                    .checkouts([Checkout { commit, ..Checkout::default() }])
                    .finished_at(Timestamp::from_ms(60_000 * i64::try_from(minute).unwrap()));
                builds.push((format!("build:ci:{minute}").parse().unwrap(), build));
            }
            let graph = CommitGraph::new();
            let mut points: Vec<_> =
                builds.iter().map(|(id, build)| BuildPoint::new(id.clone(), build, None, &graph)).collect();
            let samples = line_samples(&builds, &points, &Context::default());
            points.reverse();
            assert_eq!(samples, line_samples(&builds, &points, &Context::default()));
            let show = |(id, sample): &(EntityId, Sample)| {
                let value = sample.value.map(|value| value.to_string()).or_else(|| sample.unknown.clone());
                format!(" {} {}={}", id.key, sample.metric, value.unwrap())
            };
            text += &format!("{line} ->{}\n", samples.iter().map(show).collect::<String>());
        }
        expected.assert_eq(&text);
    }

    #[test]
    fn breaks_and_flaky_commits() {
        check(
            &["a:G b:R c:R d:G", "a:R", "a:G a:R a:G b:G b:G c:G", "a:G"],
            expect![[r"
            a:G b:R c:R d:G -> 2 time-to-green=120000
            a:R -> 1 time-to-green=not-reached
            a:G a:R a:G b:G b:G c:G -> 2 time-to-green=60000 1 flaky-rate=1 4 flaky-rate=0
            a:G ->
        "]],
        );
    }
}
