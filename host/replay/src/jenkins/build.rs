//! What Jenkins keeps of one build: `build.xml`, the list of changes, the log.

use super::{HEADER, Home, escape};
use crate::company::{CommitRef, Conclusion, Deployment, Person, Repository};
use crate::time::{DAY, HOUR, MINUTE, iso};

/// One build of a job.
pub(super) struct Built<'a> {
    pub(super) home: &'a Home<'a>,
    pub(super) number: usize,
    pub(super) commit: CommitRef,
    pub(super) branch: &'a str,
    /// What the build before checked out.
    pub(super) since: Option<CommitRef>,
    pub(super) queued_at: i64,
    pub(super) started_at: i64,
}

/// Every night of the repository's life in which there was something to build, and what main was then.
pub(super) fn nights(repository: &Repository) -> Vec<(i64, CommitRef)> {
    let head_at = |at: i64| {
        let before = |commit: &&CommitRef| repository.commit(**commit).committed_at <= at;
        repository.heads.iter().rev().find(before).copied()
    };
    let times = || repository.heads.iter().skip(1).map(|&commit| repository.commit(commit).committed_at);
    let (Some(first), Some(last)) = (times().min(), times().max()) else { return Vec::new() };
    let first = first.div_euclid(DAY) * DAY + 22 * HOUR;
    let nights = (0..).map(|night| first + night * DAY).take_while(|at| *at < last);
    nights.filter_map(|at| Some((at, head_at(at)?))).collect()
}

/// Some nights are bad.
pub(super) fn nightly_conclusion(number: usize) -> Conclusion {
    if number % 11 == 7 { Conclusion::Failure } else { Conclusion::Success }
}

impl Deployment {
    pub(super) fn conclusion(&self) -> Conclusion {
        if self.succeeded() { Conclusion::Success } else { Conclusion::Failure }
    }
}

fn result(conclusion: Conclusion) -> &'static str {
    match conclusion {
        Conclusion::Success => "SUCCESS",
        Conclusion::Failure => "FAILURE",
        Conclusion::Cancelled | Conclusion::TimedOut => "ABORTED",
    }
}

impl Built<'_> {
    /// A run of a branch's pipeline. `rerun_by`: who asked for it; else a push did.
    pub(super) fn pipeline(&self, finished_at: i64, conclusion: Conclusion, rerun_by: Option<&Person>) -> String {
        let push = "      <jenkins.branch.BranchEventCause plugin=\"branch-api@2.1217.v43d8b_b_d8b_2c7\">\n        <shortDescription>Push event</shortDescription>\n      </jenkins.branch.BranchEventCause>".to_owned();
        let cause = rerun_by.map_or(push, by_person);
        self.flow_build(&cause, "", finished_at, conclusion)
    }

    pub(super) fn deployment(&self, deployment: &Deployment, finished_at: i64, conclusion: Conclusion) -> String {
        let cause = by_person(self.home.company.person(deployment.creator));
        let parameter = |name: &str, value: &str| {
            format!(
                "        <hudson.model.StringParameterValue>\n          <name>{name}</name>\n          <value>{}</value>\n        </hudson.model.StringParameterValue>\n",
                escape(value)
            )
        };
        let sha = &self.home.repository.commit(self.commit).sha;
        let parameters = format!(
            "    <hudson.model.ParametersAction>\n      <safeParameters class=\"sorted-set\"/>\n      <parameters class=\"java.util.Arrays$ArrayList\">\n{}{}{}      </parameters>\n    </hudson.model.ParametersAction>\n",
            parameter("SERVICE", self.home.repository.profile.name),
            parameter("ENVIRONMENT", deployment.environment),
            parameter("REVISION", sha),
        );
        let reason = if deployment.is_rollback() { "rollback" } else { "release" };
        self.flow_build(&cause, &(parameters + &description(reason)), finished_at, conclusion)
    }

    fn flow_build(&self, cause: &str, more: &str, finished_at: i64, conclusion: Conclusion) -> String {
        let (queue_id, queued_at, started_at) = (self.number * 17 + 40, self.queued_at, self.started_at);
        let (duration, result) = (finished_at - started_at, result(conclusion));
        format!(
            "{HEADER}<flow-build plugin=\"workflow-job@1540.v295eccc9778f\">
  <actions>
{}{}{}{more}  </actions>
  <queueId>{queue_id}</queueId>
  <timestamp>{queued_at}</timestamp>
  <startTime>{started_at}</startTime>
  <result>{result}</result>
  <duration>{duration}</duration>
  <charset>UTF-8</charset>
  <keepLog>false</keepLog>
  <execution class=\"org.jenkinsci.plugins.workflow.cps.CpsFlowExecution\">
    <result>{result}</result>
    <durabilityHint>PERFORMANCE_OPTIMIZED</durabilityHint>
    <sandbox>true</sandbox>
    <done>true</done>
    <resumeBlocked>false</resumeBlocked>
  </execution>
  <completed>true</completed>
  <checkouts class=\"hudson.util.PersistedList\"/>
</flow-build>
",
            causes(cause),
            self.time_in_queue(),
            self.git(),
        )
    }

    pub(super) fn freestyle(&self, conclusion: Conclusion) -> String {
        let jitter = i64::try_from(self.number * 7_919 % 600_000).unwrap_or(0);
        let (queued_at, duration, result) = (self.queued_at, 41 * MINUTE + jitter, result(conclusion));
        let timer = causes("      <hudson.triggers.TimerTrigger_-TimerTriggerCause/>");
        format!(
            "{HEADER}<build>
  <actions>
{timer}{}{}  </actions>
  <queueId>{}</queueId>
  <timestamp>{queued_at}</timestamp>
  <startTime>{}</startTime>
  <result>{result}</result>
  <duration>{duration}</duration>
  <charset>UTF-8</charset>
  <keepLog>false</keepLog>
  <builtOn>agent-finance-{}</builtOn>
  <workspace>/home/jenkins/workspace/{}-nightly</workspace>
  <hudsonVersion>2.516.3</hudsonVersion>
  <scm class=\"hudson.plugins.git.GitChangeLogParser\" plugin=\"git@5.7.0\">
    <authorOrCommitter>false</authorOrCommitter>
  </scm>
  <culprits class=\"com.google.common.collect.EmptyImmutableSortedSet\"/>
</build>
",
            self.time_in_queue(),
            self.git(),
            self.number * 23 + 7,
            self.started_at,
            self.number % 3 + 1,
            self.home.repository.profile.name,
        )
    }

    fn time_in_queue(&self) -> String {
        let waited = self.started_at - self.queued_at;
        format!(
            "    <jenkins.metrics.impl.TimeInQueueAction plugin=\"metrics@4.2.33-462.v24373845fb_e3\">\n      <queuingDurationMillis>{waited}</queuingDurationMillis>\n      <executorCount>1</executorCount>\n    </jenkins.metrics.impl.TimeInQueueAction>\n"
        )
    }

    /// What the git plugin writes down; what stands there already is referred to by its path.
    fn git(&self) -> String {
        let (sha, remote) = (&self.home.repository.commit(self.commit).sha, &self.home.remote);
        let (branch, number) = (escape(self.branch), self.number);
        format!(
            "    <hudson.plugins.git.util.BuildData plugin=\"git@5.7.0\">
      <buildsByBranchName>
        <entry>
          <string>{branch}</string>
          <hudson.plugins.git.util.Build>
            <marked>
              <sha1>{sha}</sha1>
              <branches class=\"singleton-set\">
                <hudson.plugins.git.Branch>
                  <sha1 reference=\"../../../sha1\"/>
                  <name>{branch}</name>
                </hudson.plugins.git.Branch>
              </branches>
            </marked>
            <revision reference=\"../marked\"/>
            <hudsonBuildNumber>{number}</hudsonBuildNumber>
          </hudson.plugins.git.util.Build>
        </entry>
      </buildsByBranchName>
      <lastBuild reference=\"../buildsByBranchName/entry/hudson.plugins.git.util.Build\"/>
      <remoteUrls>
        <string>{remote}</string>
      </remoteUrls>
    </hudson.plugins.git.util.BuildData>
"
        )
    }

    /// Commits since the build before, newest first, as `git whatchanged` tells them. The first build has none.
    pub(super) fn change_list(&self) -> String {
        let repository = self.home.repository;
        let Some(since) = self.since else { return String::new() };
        let old = repository.reachable(since);
        let new = repository.reachable(self.commit).into_iter().filter(|commit| !old.contains(commit));
        new.map(|commit| self.change(commit)).collect()
    }

    fn change(&self, at: CommitRef) -> String {
        let repository = self.home.repository;
        let commit = repository.commit(at);
        let person = |person, at| match person {
            Some(person) => {
                let person = self.home.company.person(person);
                format!("{} <{}> {}", person.name, person.email, git_time(at))
            }
            None => format!("GitHub <noreply@github.com> {}", git_time(at)),
        };
        let parent = |&parent: &CommitRef| format!("parent {}\n", repository.commit(parent).sha);
        let parents = commit.parents.iter().map(parent).collect::<Vec<_>>().concat();
        let message = commit.message.lines().map(|line| format!("    {line}\n")).collect::<Vec<_>>().concat();
        let file = |path: &str| format!(":100644 100644 {} {} M\t{path}\n", &commit.tree[..40], &commit.sha[..40]);
        let files: String = commit.files.iter().map(|change| file(&change.path)).collect();
        format!(
            "commit {}\ntree {}\n{parents}author {}\ncommitter {}\n\n{message}\n{files}\n",
            commit.sha,
            commit.tree,
            person(Some(commit.author), commit.authored_at),
            person(commit.committer, commit.committed_at),
        )
    }

    pub(super) fn log(&self, conclusion: Conclusion) -> String {
        let sha = &self.home.repository.commit(self.commit).sha;
        format!("Checking out Revision {sha} ({})\n+ ./gradlew check\nFinished: {}\n", self.branch, result(conclusion))
    }
}

/// `2026-03-01 09:30:00 +0000`
fn git_time(at: i64) -> String {
    iso(at).replace('T', " ").replace('Z', " +0000")
}

fn causes(cause: &str) -> String {
    format!(
        "    <hudson.model.CauseAction>\n      <causeBag class=\"linked-hash-map\">\n        <entry>\n{cause}\n          <int>1</int>\n        </entry>\n      </causeBag>\n    </hudson.model.CauseAction>\n"
    )
}

fn by_person(person: &Person) -> String {
    format!(
        "      <hudson.model.Cause_-UserIdCause>\n        <userId>{}</userId>\n      </hudson.model.Cause_-UserIdCause>",
        escape(&person.login)
    )
}

/// What the deployment pipeline leaves beside its build for those who read the list of builds.
fn description(reason: &str) -> String {
    format!(
        "    <com.jenkinsci.plugins.badge.action.BadgeSummaryAction plugin=\"badge@2.7\">\n      <summaryText>{reason}</summaryText>\n    </com.jenkinsci.plugins.badge.action.BadgeSummaryAction>\n"
    )
}
