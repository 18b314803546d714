//! The home folder of the Jenkins that builds and deploys one of the repositories, as its collector finds it on disk.
//!
//! Only finished builds are written: a home is looked at while nobody works in it.

mod build;
mod flow;
mod junit;

use std::collections::BTreeMap;
use std::path::Path;
use std::{fs, io};

use build::Built;

use crate::company::{Attempt, Company, Deployment, Repository, Run, Workflow};
use crate::github::HTML_URL;

const HEADER: &str = "<?xml version='1.1' encoding='UTF-8'?>\n";
/// The newest builds keep one file for each flow node; Jenkins packs older ones into a single file.
const UNPACKED_BUILDS: usize = 5;
/// Folder of the teams' jobs. The deployment jobs stand at the top.
const FOLDER: &str = "finance";

/// Writes the home of the Jenkins of `company` to `dir`, which is made. Does nothing but that when no repository
/// builds in Jenkins.
pub fn write_jenkins_home(company: &Company, dir: &Path) -> io::Result<()> {
    fs::create_dir_all(dir)?;
    write(
        &dir.join("config.xml"),
        &format!("{HEADER}<hudson>\n  <version>2.516.3</version>\n  <numExecutors>0</numExecutors>\n</hudson>\n"),
    )?;
    write(&dir.join("jenkins.model.JenkinsLocationConfiguration.xml"), &location())?;
    let Some(repository) = company.repositories.iter().find(|repository| !repository.is_on_actions()) else {
        return Ok(());
    };
    let home = Home { company, repository, remote: format!("{HTML_URL}/{}.git", company.full_name(repository)) };
    home.write_multibranch(&dir.join("jobs").join(FOLDER))?;
    home.write_nightly(&dir.join("jobs").join(FOLDER))?;
    home.write_deployments(&dir.join("jobs"), "staging")?;
    home.write_deployments(&dir.join("jobs"), "production")
}

/// What everything written comes from.
struct Home<'a> {
    company: &'a Company,
    repository: &'a Repository,
    /// Address the builds clone from.
    remote: String,
}

impl<'a> Home<'a> {
    /// One job for each branch: main, and every pull request.
    fn write_multibranch(&self, folder: &Path) -> io::Result<()> {
        write(
            &folder.join("config.xml"),
            &format!(
                "{HEADER}<com.cloudbees.hudson.plugins.folder.Folder plugin=\"cloudbees-folder@6.1026.ve06499b_6ee6f\">\n  <properties/>\n</com.cloudbees.hudson.plugins.folder.Folder>\n"
            ),
        )?;
        let project = folder.join("jobs").join(self.repository.profile.name);
        write(&project.join("config.xml"), &self.multibranch_settings())?;
        let mut by_branch: BTreeMap<Option<u64>, Vec<(&'a Run, &'a Attempt, bool)>> = BTreeMap::new();
        for run in self.repository.runs.iter().filter(|run| run.workflow == Workflow::Ci) {
            let builds = by_branch.entry(run.pull).or_default();
            builds.extend(run.attempts.iter().enumerate().map(|(index, attempt)| (run, attempt, index > 0)));
        }
        for (pull, mut builds) in by_branch {
            builds.sort_by_key(|(_, attempt, _)| attempt.queued_at);
            let name = pull.map_or_else(|| "main".to_owned(), |number| format!("PR-{number}"));
            let job = project.join("branches").join(&name);
            write(&job.join("config.xml"), &self.branch_settings(&name, pull))?;
            self.write_builds(&job, &builds)?;
        }
        Ok(())
    }

    fn write_builds(&self, job: &Path, builds: &[(&Run, &Attempt, bool)]) -> io::Result<()> {
        let mut previous = None;
        for (index, (run, attempt, rerun)) in builds.iter().enumerate() {
            let built = Built {
                home: self,
                number: index + 1,
                commit: run.commit,
                branch: &run.branch,
                since: previous,
                queued_at: attempt.queued_at,
                started_at: attempt.started_at(),
            };
            previous = Some(run.commit);
            let (Some(finished_at), Some(conclusion)) = (attempt.finished_at, attempt.conclusion()) else { continue };
            let dir = job.join("builds").join((index + 1).to_string());
            let person = rerun.then(|| self.company.person(attempt.actor));
            write(&dir.join("build.xml"), &built.pipeline(finished_at, conclusion, person))?;
            write(&dir.join("changelog7320118.xml"), &built.change_list())?;
            write(&dir.join("log"), &built.log(conclusion))?;
            write(&dir.join("junitResult.xml"), &junit::results(index + 1, conclusion))?;
            let nodes = flow::nodes(&["Checkout", "Test", "Package"], built.started_at, finished_at, conclusion);
            write_flow(&dir, &nodes, builds.len() - index <= UNPACKED_BUILDS)?;
        }
        write(&job.join("nextBuildNumber"), &format!("{}\n", builds.len() + 1))
    }

    /// A freestyle job that tests whatever main is at night.
    fn write_nightly(&self, folder: &Path) -> io::Result<()> {
        let job = folder.join("jobs").join(format!("{}-nightly", self.repository.profile.name));
        write(&job.join("config.xml"), &self.freestyle_settings())?;
        let nights = build::nights(self.repository);
        let mut previous = None;
        for (index, (at, commit)) in nights.iter().enumerate() {
            let (number, commit) = (index + 1, *commit);
            let branch = "main";
            let built =
                Built { home: self, number, commit, branch, since: previous, queued_at: *at, started_at: at + 1_200 };
            previous = Some(commit);
            let dir = job.join("builds").join(number.to_string());
            let conclusion = build::nightly_conclusion(number);
            write(&dir.join("build.xml"), &built.freestyle(conclusion))?;
            write(&dir.join("changelog.xml"), &built.change_list())?;
            write(&dir.join("log"), &built.log(conclusion))?;
            write(&dir.join("junitResult.xml"), &junit::results(number, conclusion))?;
        }
        write(&job.join("nextBuildNumber"), &format!("{}\n", nights.len() + 1))
    }

    fn write_deployments(&self, jobs: &Path, environment: &str) -> io::Result<()> {
        let job = jobs.join(format!("deploy-{environment}"));
        write(&job.join("config.xml"), &self.pipeline_settings())?;
        let wanted = |deployment: &&Deployment| deployment.environment == environment;
        let deployments: Vec<_> = self.repository.deployments.iter().filter(wanted).collect();
        for (index, deployment) in deployments.iter().enumerate() {
            let Some(finished_at) = deployment.finished_at() else { continue };
            let (number, queued_at) = (index + 1, deployment.created_at);
            let (commit, since, branch) = (deployment.commit, Some(deployment.commit), "detached");
            let built = Built { home: self, number, commit, branch, since, queued_at, started_at: queued_at + 900 };
            let dir = job.join("builds").join(number.to_string());
            let conclusion = deployment.conclusion();
            write(&dir.join("build.xml"), &built.deployment(deployment, finished_at, conclusion))?;
            write(&dir.join("log"), &built.log(conclusion))?;
            let nodes = flow::nodes(&["Fetch", "Roll out", "Verify"], built.started_at, finished_at, conclusion);
            write_flow(&dir, &nodes, deployments.len() - index <= UNPACKED_BUILDS)?;
        }
        write(&job.join("nextBuildNumber"), &format!("{}\n", deployments.len() + 1))
    }

    fn multibranch_settings(&self) -> String {
        let Self { remote, company, repository } = self;
        let (owner, name) = (company.organisation(), repository.profile.name);
        format!(
            "{HEADER}<org.jenkinsci.plugins.workflow.multibranch.WorkflowMultiBranchProject plugin=\"workflow-multibranch@806.vb_b_688f609ee9\">
  <properties/>
  <sources class=\"jenkins.branch.MultiBranchProject$BranchSourceList\">
    <data>
      <jenkins.branch.BranchSource>
        <source class=\"org.jenkinsci.plugins.github_branch_source.GitHubSCMSource\">
          <repoOwner>{owner}</repoOwner>
          <repository>{name}</repository>
          <repositoryUrl>{remote}</repositoryUrl>
        </source>
      </jenkins.branch.BranchSource>
    </data>
  </sources>
</org.jenkinsci.plugins.workflow.multibranch.WorkflowMultiBranchProject>
"
        )
    }

    fn branch_settings(&self, name: &str, pull: Option<u64>) -> String {
        let head = pull.and_then(|number| self.repository.pulls.get(&number)).map_or_else(
            || "<head class=\"org.jenkinsci.plugins.github_branch_source.BranchSCMHead\">\n          <name>main</name>\n        </head>".to_owned(),
            |pull| {
                format!(
                    "<head class=\"org.jenkinsci.plugins.github_branch_source.PullRequestSCMHead\">
          <name>{name}</name>
          <number>{}</number>
          <title>{}</title>
          <target>
            <name>main</name>
          </target>
          <sourceBranch>{}</sourceBranch>
        </head>",
                    pull.number,
                    escape(&pull.title),
                    escape(&pull.branch),
                )
            },
        );
        let remote = &self.remote;
        format!(
            "{HEADER}<flow-definition plugin=\"workflow-job@1540.v295eccc9778f\">
  <keepDependencies>false</keepDependencies>
  <properties>
    <org.jenkinsci.plugins.workflow.multibranch.BranchJobProperty plugin=\"workflow-multibranch@806.vb_b_688f609ee9\">
      <branch plugin=\"branch-api@2.1217.v43d8b_b_d8b_2c7\">
        <sourceId>finance</sourceId>
        {head}
        <scm class=\"hudson.plugins.git.GitSCM\" plugin=\"git@5.7.0\">
          <userRemoteConfigs>
            <hudson.plugins.git.UserRemoteConfig>
              <url>{remote}</url>
            </hudson.plugins.git.UserRemoteConfig>
          </userRemoteConfigs>
        </scm>
      </branch>
    </org.jenkinsci.plugins.workflow.multibranch.BranchJobProperty>
  </properties>
  <triggers/>
  <disabled>false</disabled>
</flow-definition>
"
        )
    }

    fn pipeline_settings(&self) -> String {
        let remote = &self.remote;
        format!(
            "{HEADER}<flow-definition plugin=\"workflow-job@1540.v295eccc9778f\">
  <keepDependencies>false</keepDependencies>
  <properties/>
  <definition class=\"org.jenkinsci.plugins.workflow.cps.CpsScmFlowDefinition\" plugin=\"workflow-cps@4175.ve65b_f0663b_10\">
    <scm class=\"hudson.plugins.git.GitSCM\" plugin=\"git@5.7.0\">
      <userRemoteConfigs>
        <hudson.plugins.git.UserRemoteConfig>
          <url>{remote}</url>
        </hudson.plugins.git.UserRemoteConfig>
      </userRemoteConfigs>
    </scm>
    <scriptPath>deploy.jenkinsfile</scriptPath>
  </definition>
  <triggers/>
  <disabled>false</disabled>
</flow-definition>
"
        )
    }

    fn freestyle_settings(&self) -> String {
        let remote = &self.remote;
        format!(
            "{HEADER}<project>
  <description>All tests, every night.</description>
  <keepDependencies>false</keepDependencies>
  <properties/>
  <scm class=\"hudson.plugins.git.GitSCM\" plugin=\"git@5.7.0\">
    <userRemoteConfigs>
      <hudson.plugins.git.UserRemoteConfig>
        <url>{remote}</url>
      </hudson.plugins.git.UserRemoteConfig>
    </userRemoteConfigs>
  </scm>
  <canRoam>true</canRoam>
  <disabled>false</disabled>
  <triggers>
    <hudson.triggers.TimerTrigger>
      <spec>H 22 * * *</spec>
    </hudson.triggers.TimerTrigger>
  </triggers>
  <concurrentBuild>false</concurrentBuild>
  <builders/>
  <publishers/>
  <buildWrappers/>
</project>
"
        )
    }
}

fn location() -> String {
    format!(
        "{HEADER}<jenkins.model.JenkinsLocationConfiguration>\n  <adminAddress>ci@nordwind.example</adminAddress>\n  <jenkinsUrl>https://ci.nordwind.example/</jenkinsUrl>\n</jenkins.model.JenkinsLocationConfiguration>\n"
    )
}

/// Nodes one by one while they are young, in one store when the run is long over.
fn write_flow(dir: &Path, nodes: &[(u64, String)], young: bool) -> io::Result<()> {
    if young {
        let folder = dir.join("workflow");
        return nodes
            .iter()
            .try_for_each(|(id, tag)| write(&folder.join(format!("{id}.xml")), &format!("{HEADER}{tag}\n")));
    }
    let entry = |(id, tag): &(u64, String)| format!("  <entry>\n    <string>{id}</string>\n    {tag}\n  </entry>\n");
    let entries: String = nodes.iter().map(entry).collect();
    let store = format!("{HEADER}<linked-hash-map>\n{entries}</linked-hash-map>\n");
    write(&dir.join("workflow-completed").join("flowNodeStore.xml"), &store)
}

fn write(path: &Path, text: &str) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(path, text)
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&apos;")
}
