//! One build with everything in it, as the exact JSON that is sent; and the ways a run can end.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on stops")]

mod home;

use expect_test::{Expect, expect, expect_file};
use home::Fixture;
use weir_jenkins::Seen;

const LOCATION: &str = "<?xml version='1.1'?><jenkins.model.JenkinsLocationConfiguration>
  <adminAddress>admin@example.com</adminAddress><jenkinsUrl>https://ci.example.com</jenkinsUrl>
</jenkins.model.JenkinsLocationConfiguration>";

const BRANCH_CONFIG: &str = "<?xml version='1.1'?><flow-definition plugin='workflow-job@1'>
  <properties><org.jenkinsci.plugins.workflow.multibranch.BranchJobProperty><branch plugin='branch-api@1'>
    <head class='org.jenkinsci.plugins.github_branch_source.PullRequestSCMHead'>
      <name>PR-5</name><number>5</number><title>Retry the upload</title><sourceOwner>ana</sourceOwner><sourceBranch>feature/retry</sourceBranch>
      <target><name>main</name></target>
    </head></branch></org.jenkinsci.plugins.workflow.multibranch.BranchJobProperty></properties>
</flow-definition>";

const BUILD: &str = "<?xml version='1.1' encoding='UTF-8'?>
<flow-build plugin='workflow-job@1400'>
  <actions>
    <hudson.model.CauseAction><causeBag class='linked-hash-map'><entry>
      <hudson.model.Cause_-UserIdCause><userId>ana</userId></hudson.model.Cause_-UserIdCause><int>1</int>
    </entry></causeBag></hudson.model.CauseAction>
    <hudson.model.ParametersAction><parameters>
      <hudson.model.StringParameterValue><name>TARGET</name><value>arm (64)</value></hudson.model.StringParameterValue>
      <hudson.model.PasswordParameterValue><name>SIGNING</name><value>{AQAAABAAAAAQsecretsecretsecret}</value></hudson.model.PasswordParameterValue>
    </parameters></hudson.model.ParametersAction>
    <jenkins.metrics.impl.TimeInQueueAction plugin='metrics@4'><queuingDurationMillis>4000</queuingDurationMillis></jenkins.metrics.impl.TimeInQueueAction>
    <hudson.plugins.git.util.BuildData plugin='git@5'>
      <buildsByBranchName><entry><string>PR-5</string><hudson.plugins.git.util.Build>
        <marked><sha1>cccccccccccccccccccccccccccccccccccccccc</sha1><branches class='list'>
          <hudson.plugins.git.Branch><sha1 reference='../../../sha1'/><name>PR-5</name></hudson.plugins.git.Branch>
        </branches></marked><revision reference='../marked'/><hudsonBuildNumber>9</hudsonBuildNumber>
      </hudson.plugins.git.util.Build></entry></buildsByBranchName>
      <lastBuild reference='../buildsByBranchName/entry/hudson.plugins.git.util.Build'/>
      <remoteUrls><string>https://bot:ghp_0123456789abcdefghij@github.com/acme/api.git</string></remoteUrls>
    </hudson.plugins.git.util.BuildData>
    <hudson.plugins.git.util.BuildData plugin='git@5'>
      <lastBuild><marked><sha1>dddddddddddddddddddddddddddddddddddddddd</sha1></marked><hudsonBuildNumber>8</hudsonBuildNumber></lastBuild>
      <remoteUrls><string>https://github.com/acme/stale.git</string></remoteUrls>
    </hudson.plugins.git.util.BuildData>
    <jenkins.scm.api.SCMRevisionAction plugin='scm-api@1'>
      <revision class='org.jenkinsci.plugins.github_branch_source.PullRequestSCMRevision'>
        <head class='org.jenkinsci.plugins.github_branch_source.PullRequestSCMHead'>
          <name>PR-5</name><number>5</number><sourceBranch>feature/retry</sourceBranch><target><name>main</name></target></head>
        <target class='jenkins.plugins.git.AbstractGitSCMSource$SCMRevisionImpl'><head><name>main</name></head><hash>bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb</hash></target>
        <baseHash>bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb</baseHash><pullHash>aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa</pullHash>
      </revision></jenkins.scm.api.SCMRevisionAction>
  </actions>
  <queueId>41</queueId><timestamp>1700000004000</timestamp><startTime>1700000004010</startTime>
  <result>ABORTED</result><duration>60000</duration><charset>UTF-8</charset>
  <execution class='org.jenkinsci.plugins.workflow.cps.CpsFlowExecution'><result>ABORTED</result></execution>
  <completed>true</completed>
</flow-build>";

/// One flow node: its class, its own fields, its parents, its actions.
fn node(id: u64, class: &str, fields: &str, parents: &[u64], at: i64, actions: &str) -> String {
    let parents: String = parents.iter().map(|parent| format!("<string>{parent}</string>")).collect();
    format!(
        "<Tag plugin='workflow-support@900'><node class='{class}'><parentIds>{parents}</parentIds><id>{id}</id>{fields}</node>\
         <actions>{actions}<wf.a.TimingAction><startTime>{at}</startTime></wf.a.TimingAction></actions></Tag>"
    )
}

const START: &str = "cps.n.StepStartNode";
const ATOM: &str = "cps.n.StepAtomNode";
const END: &str = "cps.n.StepEndNode";
const STAGE: &str = "<descriptorId>org.jenkinsci.plugins.workflow.support.steps.StageStep</descriptorId>";
const PARALLEL: &str = "<descriptorId>org.jenkinsci.plugins.workflow.cps.steps.ParallelStep</descriptorId>";
const SHELL: &str = "<descriptorId>org.jenkinsci.plugins.workflow.steps.durable_task.ShellStep</descriptorId>";

fn label(name: &str) -> String {
    format!("<wf.a.BodyInvocationAction/><wf.a.LabelAction><displayName>{name}</displayName></wf.a.LabelAction>")
}

fn branch(name: &str) -> String {
    format!(
        "<wf.a.BodyInvocationAction/><org.jenkinsci.plugins.workflow.cps.steps.ParallelStepExecution_-ParallelLabelAction><branchName>{name}</branchName></org.jenkinsci.plugins.workflow.cps.steps.ParallelStepExecution_-ParallelLabelAction>"
    )
}

fn shell(script: &str) -> String {
    format!(
        "<cps.a.ArgumentsActionImpl><arguments><entry><string>script</string><string>{script}</string></entry></arguments></cps.a.ArgumentsActionImpl>"
    )
}

fn end_of(start: u64) -> String {
    format!("<startId>{start}</startId>")
}

const TIMED_OUT: &str = "<wf.a.ErrorAction><error class='org.jenkinsci.plugins.workflow.steps.FlowInterruptedException'>
  <result><name>ABORTED</name><ordinal>4</ordinal></result>
  <causes><org.jenkinsci.plugins.workflow.steps.TimeoutStepExecution_-ExceededTimeout><timeout>60000</timeout></org.jenkinsci.plugins.workflow.steps.TimeoutStepExecution_-ExceededTimeout></causes>
</error></wf.a.ErrorAction>";

const UNSTABLE: &str = "<wf.a.WarningAction><result><name>UNSTABLE</name><ordinal>1</ordinal></result><message>2 tests failed</message></wf.a.WarningAction>";

/// Build, then tests on linux (unstable) beside windows (timed out).
fn graph() -> Vec<String> {
    let t = 1_700_000_005_000;
    vec![
        node(2, "org.jenkinsci.plugins.workflow.graph.FlowStartNode", "", &[], t, ""),
        node(3, START, STAGE, &[2], t + 100, ""),
        node(4, START, STAGE, &[3], t + 200, &label("Build")),
        node(5, ATOM, SHELL, &[4], t + 300, &shell("make all TOKEN=abc123\nmake check")),
        node(6, END, &end_of(4), &[5], t + 10_000, ""),
        node(7, END, &end_of(3), &[6], t + 10_100, ""),
        node(8, START, STAGE, &[7], t + 10_200, ""),
        node(9, START, STAGE, &[8], t + 10_300, &label("Test")),
        node(10, START, PARALLEL, &[9], t + 10_400, ""),
        node(11, START, PARALLEL, &[10], t + 10_500, &branch("linux")),
        node(12, START, PARALLEL, &[10], t + 10_500, &branch("windows")),
        node(
            13,
            ATOM,
            SHELL,
            &[11],
            t + 11_000,
            &format!(
                "{}{UNSTABLE}<s.a.WorkspaceActionImpl><node>agent-1</node></s.a.WorkspaceActionImpl>",
                shell("make test")
            ),
        ),
        node(14, ATOM, SHELL, &[12], t + 11_000, &format!("{}{TIMED_OUT}", shell("nmake test"))),
        node(15, END, &end_of(11), &[13], t + 20_000, ""),
        node(16, END, &end_of(12), &[14], t + 59_000, TIMED_OUT),
        node(17, END, &end_of(10), &[15, 16], t + 59_010, TIMED_OUT),
        node(18, END, &end_of(9), &[17], t + 59_020, TIMED_OUT),
        node(19, END, &end_of(8), &[18], t + 59_030, TIMED_OUT),
        node(
            20,
            "org.jenkinsci.plugins.workflow.graph.FlowEndNode",
            "<startId>2</startId><result><name>ABORTED</name></result>",
            &[19],
            t + 59_040,
            TIMED_OUT,
        ),
    ]
}

fn store(nodes: &[String]) -> String {
    let entries: String = nodes.iter().map(|node| format!("<entry><string>x</string>{node}</entry>")).collect();
    format!("<?xml version='1.1' encoding='UTF-8'?><linked-hash-map>{entries}</linked-hash-map>")
}

#[test]
fn a_build_with_everything() {
    let fixture = Fixture::new();
    let job = "jobs/Team/jobs/api/branches/PR-5";
    let build = format!("{job}/builds/9");
    fixture
        .file("jenkins.model.JenkinsLocationConfiguration.xml", LOCATION)
        .file(&format!("{job}/config.xml"), BRANCH_CONFIG)
        .file(&format!("{build}/build.xml"), BUILD)
        .file(&format!("{build}/workflow-completed/flowNodeStore.xml"), store(&graph()))
        .file(
            &format!("{build}/changelog123.xml"),
            "commit aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\ntree 1\nparent bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\nauthor Ana Li <ana@example.com> 2023-11-14 22:00:00 +0100\n\n    Retry the upload\n",
        )
        .file(
            &format!("{build}/junitResult.xml"),
            "<result><suites><suite><cases>
              <case><duration>0.1</duration><className>a.B</className><testName>c</testName><skipped>false</skipped><failedSince>0</failedSince></case>
              <case><duration>0.0050</duration><className>a.B</className><testName>d</testName><skipped>false</skipped><errorStackTrace>at a.B</errorStackTrace><errorDetails>expected 1</errorDetails><failedSince>8</failedSince></case>
              <case><className>a.B</className><testName>e</testName><skipped>true</skipped></case>
            </cases></suite></suites><duration>0.105</duration></result>",
        )
        .file(
            &format!("{build}/archive/artifact-manifest.json"),
            r#"{"artifact": {"output": true, "type": "container", "location": "registry.example.com/acme", "name": "api", "tag": "1.0.0-9", "digest": "sha256:00"}}"#,
        )
        .file(&format!("{build}/log"), "Started by user \u{1b}[8mha:////4AAA=\u{1b}[0mana\n+ make all TOKEN=abc123\nTimeout has been exceeded\n");
    let reports = fixture.reports(&mut Seen::default());
    assert_eq!(reports.len(), 1);
    expect!["i/Team/jobs/api/branches/PR-5/9/1700000004000"].assert_eq(&reports[0].key);
    let json: serde_json::Value = serde_json::from_slice(&reports[0].json).unwrap();
    let build: weir_protocol::Build = serde_json::from_slice(&reports[0].json).unwrap();
    assert_eq!(serde_json::to_vec(&build).unwrap(), reports[0].json, "the type reads what it writes");
    for secret in ["abc123", "ghp_", "secretsecret", "admin@"] {
        assert!(!json.to_string().contains(secret), "{secret} got out");
    }
    expect_file!["golden/pipeline.json"].assert_eq(&(serde_json::to_string_pretty(&build).unwrap() + "\n"));
}

/// A run with one stage and these ends of `build.xml`, as a line.
fn check_run(ending: &str, nodes: &[String], expected: &Expect) {
    let fixture = Fixture::new();
    fixture.file(
        "jobs/p/builds/1/build.xml",
        format!("<flow-build><timestamp>1700000000000</timestamp>{ending}</flow-build>"),
    );
    for (index, node) in nodes.iter().enumerate() {
        fixture.file(&format!("jobs/p/builds/1/workflow/{index}.xml"), node);
    }
    let build = fixture.builds().remove(0);
    let stages = build.job_run.map(|run| run.stages).unwrap_or_default();
    let stages: Vec<_> = stages
        .iter()
        .map(|stage| {
            format!(
                "{} {} {:?} in {:?} {:?}ms",
                stage.display_name, stage.state, stage.result, stage.parent, stage.duration_in_millis
            )
        })
        .collect();
    let told: Vec<_> =
        build.diagnostics.iter().map(|note| format!("{} {}: {}", note.code, note.subject, note.message)).collect();
    expected.assert_eq(&format!(
        "{:?} {:?} {:?}\n{}\n{}\n",
        build.state,
        build.result,
        build.outcome,
        stages.join("\n"),
        told.join("\n")
    ));
}

#[test]
fn a_run_that_is_not_completed_has_no_result() {
    let nodes = &graph()[..8];
    check_run(
        "<result>UNSTABLE</result><completed>false</completed>",
        nodes,
        &expect![[r#"
        Running None None
        Build FINISHED Some("SUCCESS") in None Some(9800)ms
        Test RUNNING None in None Nonems

    "#]],
    );
    check_run(
        "<duration>0</duration><execution class='x'><result>SUCCESS</result></execution>",
        nodes,
        &expect![[r#"
        Running None None
        Build FINISHED Some("SUCCESS") in None Some(9800)ms
        Test RUNNING None in None Nonems

    "#]],
    );
    let mut paused = nodes.to_vec();
    let pause = "<s.a.PauseAction><cause>Input</cause><startTime>1700000016000</startTime><endTime>0</endTime></s.a.PauseAction>";
    paused.push(node(10, ATOM, "", &[9], 1_700_000_016_000, pause));
    check_run(
        "<completed>false</completed>",
        &paused,
        &expect![[r#"
        Running None None
        Build FINISHED Some("SUCCESS") in None Some(9800)ms
        Test PAUSED None in None Nonems

    "#]],
    );
}

#[test]
fn ends_are_told_apart() {
    let ended = "<result>ABORTED</result><duration>5</duration><completed>true</completed>";
    check_run(
        ended,
        &graph()[..6],
        &expect![[r#"
        Finished Some("ABORTED") Some(Cancelled)
        Build FINISHED Some("SUCCESS") in None Some(9800)ms

    "#]],
    );
    check_run(
        ended,
        &graph(),
        &expect![[r#"
        Finished Some("ABORTED") Some(Timeout)
        Build FINISHED Some("SUCCESS") in None Some(9800)ms
        Test FINISHED Some("ABORTED") in None Some(48720)ms
        linux FINISHED Some("UNSTABLE") in Some("9") Some(9500)ms
        windows FINISHED Some("ABORTED") in Some("9") Some(48500)ms

    "#]],
    );
    check_run(
        "<completed>true</completed>",
        &[],
        &expect![[r"
        Finished None Some(Unknown)

        missing result: the run is completed without a result
    "]],
    );
}

#[test]
fn a_damaged_graph_is_read_as_far_as_it_goes() {
    let mut circle = graph()[..8].to_vec();
    circle[5] = circle[5].replace("<startId>3</startId>", "<startId>8</startId>");
    circle[6] = circle[6].replace("<string>7</string>", "<string>99</string>");
    circle[2].truncate(200);
    circle.push("<Tag/>".into());
    circle.push("no xml".into());
    check_run(
        "<result>SUCCESS</result><completed>true</completed>",
        &circle,
        &expect![[r#"
        Finished Some("SUCCESS") Some(Success)
        Test FINISHED None in None Nonems
        damaged workflow/2.xml: syntax error: tag not closed: `>` not found before end of input at byte 188
        damaged workflow/2.xml: ends within <descriptorId>
        damaged workflow/8.xml: a flow node has no number
        damaged workflow/8.xml: holds no flow node
        damaged workflow/9.xml: holds no flow node
        damaged workflow: node 5 has no older parent
        damaged workflow: node 6 ends a block at 4, which is no older start
        damaged workflow: node 7 ends a block at 8, which is no older start
        damaged workflow: node 8 has no older parent
    "#]],
    );
}
