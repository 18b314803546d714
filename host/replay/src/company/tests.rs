//! What must hold for every company, whatever its seed.

use std::collections::BTreeSet;

use super::*;
use crate::time::{HOUR, WEEK, parse};

const END: &str = "2026-03-06T15:00:00Z";

fn small(seed: u64) -> Company {
    Company::generate(seed, parse(END).unwrap(), Size::Small)
}

#[test]
fn the_same_seed_gives_the_same_company() {
    assert_eq!(format!("{:?}", small(7)), format!("{:?}", small(7)));
    assert_ne!(format!("{:?}", small(7)), format!("{:?}", small(8)));
}

#[test]
fn commits_follow_their_parents_and_every_head_exists() {
    for repository in &small(1).repositories {
        for (index, commit) in repository.commits.iter().enumerate() {
            assert!(commit.parents.iter().all(|parent| parent.0 < index), "{} has a parent after it", commit.sha);
        }
        let known: BTreeSet<_> = repository.commits.iter().map(|commit| &commit.sha).collect();
        assert_eq!(known.len(), repository.commits.len(), "shas are unique");
        let on_main: BTreeSet<_> = repository.reachable(repository.head()).into_iter().collect();
        for pull in repository.pulls.values() {
            assert_eq!(repository.resolve(&repository.commit(pull.head()).sha), Some(pull.head()));
            assert!(pull.merged.is_none_or(|merged| on_main.contains(&merged.commit)), "#{} is on main", pull.number);
        }
    }
}

#[test]
fn nothing_lies_in_the_future_or_ends_before_it_starts() {
    let company = small(2);
    for repository in &company.repositories {
        let (commits, runs) = (repository.commits.iter(), repository.runs.iter());
        let times = commits.map(|commit| commit.committed_at).chain(runs.map(|run| run.updated_at));
        assert!(times.max() <= Some(company.now()));
        for attempt in repository.runs.iter().flat_map(|run| &run.attempts) {
            assert!(attempt.finished_at.is_none_or(|end| end >= attempt.started_at()));
        }
        for pull in repository.pulls.values() {
            assert!(pull.closed_at.is_none_or(|closed| closed >= pull.created_at));
        }
    }
}

#[test]
fn a_broken_main_stays_red_until_its_repair() {
    let company = Company::generate(3, parse(END).unwrap(), Size::Demo);
    let (mut broken, mut flaky) = (0, 0);
    for repository in &company.repositories {
        let on_main = repository.runs.iter().filter(|run| run.workflow == Workflow::Ci && run.pull.is_none());
        broken += on_main.clone().filter(|run| run.latest().conclusion() == Some(Conclusion::Failure)).count();
        flaky += on_main.filter(|run| run.attempts.len() > 1).count();
    }
    assert!(broken > 20 && flaky > 10, "{broken} red builds of main, {flaky} tried twice");
}

#[test]
fn a_demo_company_has_the_size_a_demo_needs() {
    let counts = Company::generate(11, parse(END).unwrap(), Size::Demo).counts();
    assert!((1_200..1_900).contains(&counts.pulls), "{counts:?}");
    assert!((3_200..5_500).contains(&counts.commits), "{counts:?}");
    assert!((4_000..6_500).contains(&counts.runs), "{counts:?}");
    assert!((700..1_200).contains(&counts.deployments), "{counts:?}");
}

#[test]
fn a_company_of_issues_has_nothing_else() {
    let company = Company::issues(250);
    assert_eq!((company.counts().issues, company.counts().pulls), (250, 0));
}

/// Median hours from the first commit to the merge, of pull requests merged in `from..to` of the half year's weeks.
fn median_hours(company: &Company, weeks: std::ops::Range<i64>, team: Option<&str>) -> i64 {
    let start = company.now() - 26 * WEEK;
    let window = start + weeks.start * WEEK..start + weeks.end * WEEK;
    let of_team = |repository: &&Repository| team.is_none_or(|team| repository.profile.team == team);
    let mut hours: Vec<_> = company
        .repositories
        .iter()
        .filter(of_team)
        .flat_map(|repository| {
            let merged = repository.pulls.values().filter_map(|pull| Some((pull, pull.merged?.at)));
            let merged = merged.filter(|(_, at)| window.contains(at));
            merged.map(|(pull, at)| (at - repository.commit(pull.commits[0]).authored_at) / HOUR)
        })
        .collect();
    hours.sort_unstable();
    hours[hours.len() / 2]
}

#[test]
fn the_company_gets_faster_and_one_team_is_slow() {
    let company = Company::generate(11, parse(END).unwrap(), Size::Demo);
    let (early, late) = (median_hours(&company, 2..12, None), median_hours(&company, 16..26, None));
    assert!(late * 4 < early * 3, "{early} h, then {late} h");
    let (slow, all) = (median_hours(&company, 0..26, Some("finance")), median_hours(&company, 0..26, None));
    assert!(slow > all * 2, "finance {slow} h, all {all} h");
}
