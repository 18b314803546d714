//! Every shape of home and job, every sort of damage, and what a second scan does.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on stops")]

mod home;

use std::fs;
use std::ops::ControlFlow;

use expect_test::{Expect, expect};
use home::{Fixture, freestyle};
use weir_jenkins::{Home, Seen};
use weir_protocol::Build;

fn told(build: &Build) -> String {
    let number = build.build_number.map_or("-".into(), |number| number.to_string());
    let notes: Vec<_> = build.diagnostics.iter().map(|note| note.code.as_str()).collect();
    format!(
        "{} #{number} {:?} {:?} {:?} {}",
        build.qualified_name,
        build.job_type,
        build.result,
        build.start_time,
        notes.join(",")
    )
}

fn check(fixture: &Fixture, expected: &Expect) {
    let told: String = fixture.builds().iter().map(|build| told(build) + "\n").collect();
    expected.assert_eq(&told);
}

#[test]
fn finds_every_sort_of_job() {
    let fixture = Fixture::new();
    let other =
        |root: &str| freestyle("").replace("<build>", &format!("<{root}>")).replace("</build>", &format!("</{root}>"));
    fixture
        .file("jobs/free/builds/1/build.xml", freestyle(""))
        .file("jobs/free/builds/10/build.xml", freestyle(""))
        .file("jobs/free/builds/2/build.xml", freestyle(""))
        .link("jobs/free/builds/lastSuccessfulBuild", "2")
        .file("jobs/free/workspace/build.xml", "<project name='ant'/>")
        .file("jobs/free/builds/2/archive/builds/1/build.xml", freestyle(""))
        .file("jobs/a/jobs/b/builds/1/build.xml", freestyle(""))
        .file("jobs/m/builds/1/build.xml", other("matrix-build"))
        .file("jobs/m/configurations/axis-os/linux/axis-jdk/17/builds/1/build.xml", other("matrix-run"))
        .file("jobs/mvn/builds/1/build.xml", other("hudson.maven.MavenModuleSetBuild"))
        .file("jobs/mvn/modules/com.acme$core/builds/1/build.xml", other("hudson.maven.MavenBuild"))
        .file("jobs/free/promotions/OK/builds/1/build.xml", other("hudson.plugins.promoted__builds.Promotion"))
        .file("jobs/multi/branches/feature-x.8fk2j1/name-utf8.txt", "feature%2Fx")
        .file("jobs/multi/branches/feature-x.8fk2j1/builds/1/build.xml", other("flow-build"));
    check(
        &fixture,
        &expect![[r#"
        a/b #1 Freestyle Some("SUCCESS") Some(1700000000000) 
        free #1 Freestyle Some("SUCCESS") Some(1700000000000) 
        free #2 Freestyle Some("SUCCESS") Some(1700000000000) 
        free #10 Freestyle Some("SUCCESS") Some(1700000000000) 
        free/promotion/OK #1 Promotion Some("SUCCESS") Some(1700000000000) 
        m #1 Matrix Some("SUCCESS") Some(1700000000000) 
        m/os=linux,jdk=17 #1 MatrixConfiguration Some("SUCCESS") Some(1700000000000) 
        multi/feature/x #1 Pipeline Some("SUCCESS") Some(1700000000000) 
        mvn #1 Maven Some("SUCCESS") Some(1700000000000) 
        mvn/com.acme$core #1 MavenModule Some("SUCCESS") Some(1700000000000) 
    "#]],
    );
}

#[test]
fn reads_old_homes() {
    let fixture = Fixture::new();
    let old = "<build><result>SUCCESS</result><duration>1</duration></build>";
    fixture
        .file("jobs/old/builds/2011-01-01_00-00-00/build.xml", old)
        .link("jobs/old/builds/7", "2011-01-01_00-00-00")
        .file("jobs/old/builds/2011-01-02_00-00-00/build.xml", "<build><number>8</number></build>")
        .file("jobs/old/builds/2011-01-03_00-00-00/build.xml", old);
    check(
        &fixture,
        &expect![[r#"
        old #7 Freestyle Some("SUCCESS") Some(1293836400000) 
        old #8 Freestyle None Some(1293922800000) 
        old #- Freestyle Some("SUCCESS") Some(1294009200000) 
    "#]],
    );
}

#[test]
fn damaged_builds_are_reported_all_the_same() {
    let fixture = Fixture::new();
    let files: [&[u8]; 8] = [
        b"",
        b"\0\0\0\0\0\0\0\0",
        b"not xml",
        b"<build><timestamp>1700000000000</timestamp><result>FAILURE</result><act",
        b"<?xml version='1.1' encoding='UTF-8'?><build><displayName>\xFC</displayName><timestamp>1700000000000</timestamp><result>SUCCESS</result></build>",
        b"<build><timestamp>soon</timestamp><number>-3</number><result>SUCCESS</result><duration>-5</duration></build>",
        b"<build><timestamp>99999999999999999999999</timestamp><startTime>9223372036854775807</startTime><result>ODD</result><duration>9223372036854775807</duration></build>",
        b"<project name='ant'/>",
    ];
    for (index, file) in files.iter().enumerate() {
        fixture.file(&format!("jobs/j/builds/{}/build.xml", index + 1), file);
    }
    check(
        &fixture,
        &expect![[r#"
        j #1 Unknown None None unreadable
        j #2 Unknown None None unreadable
        j #3 Unknown None None unreadable
        j #4 Freestyle Some("FAILURE") Some(1700000000000) damaged,damaged
        j #5 Freestyle Some("SUCCESS") Some(1700000000000) encoding
        j #6 Freestyle Some("SUCCESS") None missing,negative
        j #7 Freestyle Some("ODD") None missing
        j #8 Unknown None None missing
    "#]],
    );
}

/// Many cuts and flips of a build: always one report, never a panic.
#[test]
fn no_damage_makes_it_panic() {
    let fixture = Fixture::new();
    let whole = freestyle(
        "<actions><hudson.model.CauseAction><causes><hudson.model.Cause_-UserIdCause><userId>a&#252;</userId></hudson.model.Cause_-UserIdCause></causes></hudson.model.CauseAction>\
         <hudson.plugins.git.util.BuildData><lastBuild reference='../x/y[2]'/><x><y/><y><marked><sha1>a</sha1></marked></y></x></hudson.plugins.git.util.BuildData></actions>",
    );
    let whole = whole.as_bytes();
    let home = Home::open(&fixture.settings()).unwrap();
    let mut random = 1_u32;
    let mut bytes = whole.to_vec();
    let flipped = std::iter::repeat_with(move || {
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let at = random as usize % bytes.len();
        bytes[at] = random.to_be_bytes()[0];
        bytes.clone()
    });
    let cuts = (0..whole.len()).step_by(3).map(|end| whole[..end].to_vec());
    for bytes in cuts.chain(flipped.take(300)) {
        fixture.file("jobs/j/builds/1/build.xml", &bytes);
        let scan = home.scan(&mut Seen::default(), &mut |_| ControlFlow::Continue(()));
        assert_eq!(scan.reported, 1, "{}", String::from_utf8_lossy(&bytes));
    }
}

#[test]
fn tells_timeouts_from_cancellations_and_withholds_nothing_else() {
    let aborted = |actions: &str, log: &str| {
        let fixture = Fixture::new();
        let xml = freestyle(&format!("<actions>{actions}</actions>")).replace("SUCCESS", "ABORTED");
        fixture.file("jobs/j/builds/1/build.xml", xml).file("jobs/j/builds/1/log", log);
        let build = fixture.builds().remove(0);
        format!(
            "{:?} {:?}",
            build.outcome.unwrap(),
            build.interruptions.iter().map(|by| by.kind.clone()).collect::<Vec<_>>()
        )
    };
    let by = |cause: &str| {
        format!("<jenkins.model.InterruptedBuildAction><causes>{cause}</causes></jenkins.model.InterruptedBuildAction>")
    };
    let person = by(
        "<jenkins.model.CauseOfInterruption_-UserInterruption><user>ana</user></jenkins.model.CauseOfInterruption_-UserInterruption>",
    );
    let time = by("<org.jenkinsci.plugins.workflow.steps.TimeoutStepExecution_-ExceededTimeout/>");
    let told = [
        aborted(&person, ""),
        aborted(&time, ""),
        aborted("", "Build timed out (after 3 minutes). Marking the build as aborted.\n"),
        aborted("", ""),
    ];
    assert_eq!(
        told,
        [r#"Cancelled ["UserInterruption"]"#, r#"Timeout ["ExceededTimeout"]"#, "Timeout []", "Cancelled []"]
    );
}

#[test]
fn knows_what_deploys_where() {
    let fixture = Fixture::new();
    let with = |name: &str, value: &str| {
        freestyle(&format!(
            "<actions><hudson.model.ParametersAction><parameters><hudson.model.StringParameterValue><name>{name}</name><value>{value}</value></hudson.model.StringParameterValue></parameters></hudson.model.ParametersAction></actions>"
        ))
    };
    fixture
        .file("jobs/api/builds/1/build.xml", with("env", "prod"))
        .file("jobs/deploy-production/builds/1/build.xml", freestyle(""))
        .file("jobs/f/jobs/deploy-api/builds/1/build.xml", with("Environment", "staging"));
    let told: Vec<_> =
        fixture.builds().into_iter().map(|build| (build.job_name, build.ci, build.cd, build.environment)).collect();
    let yes = Some(true);
    let expected = [
        ("api".to_owned(), yes, None, None),
        ("deploy-production".to_owned(), None, yes, Some("production".to_owned())),
        ("deploy-api".to_owned(), None, yes, Some("staging".to_owned())),
    ];
    assert_eq!(told, expected);
}

#[test]
fn a_second_scan_reads_only_what_changed() {
    let fixture = Fixture::new();
    let mut seen = Seen::default();
    let mut keys = |fixture: &Fixture| -> Vec<String> {
        fixture.reports(&mut seen).into_iter().map(|report| report.key).collect()
    };
    fixture
        .file("jobs/j/builds/1/build.xml", freestyle(""))
        .file("jobs/j/builds/2/build.xml", "<build><timestamp>1</timestamp></build>");
    assert_eq!(keys(&fixture), ["i/j/1/1700000000000", "i/j/2/1"]);
    assert_eq!(keys(&fixture), [""; 0]);
    fixture.file("jobs/j/builds/2/build.xml", "<build><timestamp>1</timestamp><result>FAILURE</result></build>");
    fixture.file("jobs/j/builds/3/build.xml", freestyle(""));
    assert_eq!(keys(&fixture), ["i/j/2/1", "i/j/3/1700000000000"]);
    fs::remove_dir_all(fixture.path("jobs/j/builds/1")).unwrap();
    assert_eq!(keys(&fixture), [""; 0]);
    assert_eq!(seen.len(), 2);
    let path = fixture.path("seen.json");
    seen.save(&path).unwrap();
    assert_eq!(Seen::load(&path).unwrap(), seen);
}

#[test]
fn a_report_that_is_not_taken_comes_again() {
    let fixture = Fixture::new();
    for number in 1..=3 {
        fixture.file(&format!("jobs/j/builds/{number}/build.xml"), freestyle(""));
    }
    let home = Home::open(&fixture.settings()).unwrap();
    let mut seen = Seen::default();
    let mut taken = Vec::new();
    for room in [1, 0, 5] {
        let mut left = room;
        home.scan(&mut seen, &mut |report| {
            if left == 0 {
                return ControlFlow::Break(());
            }
            left -= 1;
            taken.push(report.key);
            ControlFlow::Continue(())
        });
    }
    assert_eq!(taken, ["i/j/1/1700000000000", "i/j/2/1700000000000", "i/j/3/1700000000000"]);
}

#[test]
fn globs_choose_jobs() {
    let fixture = Fixture::new();
    fixture.file("jobs/a/jobs/x/builds/1/build.xml", freestyle("")).file("jobs/b/builds/1/build.xml", freestyle(""));
    let chosen = |globs: &[&str]| {
        let mut settings = fixture.settings();
        settings.jobs = globs.iter().map(|glob| (*glob).to_owned()).collect();
        let mut names = Vec::new();
        Home::open(&settings).unwrap().scan(&mut Seen::default(), &mut |report| {
            names.push(serde_json::from_slice::<Build>(&report.json).unwrap().qualified_name);
            ControlFlow::Continue(())
        });
        names.join(" ")
    };
    assert_eq!(
        [chosen(&["**"]), chosen(&["a/*"]), chosen(&["*"]), chosen(&["b", "nothing"])],
        ["a/x b", "a/x", "a/x b", "b"]
    );
    let mut settings = fixture.settings();
    settings.jobs = vec!["[".into()];
    assert_eq!(Home::open(&settings).unwrap_err().to_string(), "cannot understand the pattern `[`");
}

#[test]
fn a_home_is_only_read() {
    let fixture = Fixture::new();
    fixture.file("jobs/j/builds/1/build.xml", freestyle("")).file("secret.key", "x").file("credentials.xml", "<x/>");
    let files = || -> Vec<_> {
        let mut paths = vec![fixture.root().to_owned()];
        let mut files = Vec::new();
        while let Some(path) = paths.pop() {
            if path.is_dir() {
                paths.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
            }
            files.push((path.clone(), fs::metadata(&path).unwrap().modified().unwrap()));
        }
        files
    };
    let before = files();
    fixture.builds();
    assert_eq!(files(), before);
    assert_eq!(
        Home::open(&weir_jenkins::Settings::new("/nowhere")).unwrap_err().to_string(),
        "`/nowhere` is no jenkins home: it has no folder `jobs`"
    );
}
