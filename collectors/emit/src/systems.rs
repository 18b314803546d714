//! What CI systems put into the environment of a step. docs/EMIT.md shows the same table to people.

/// One CI system: for each thing to know the templates that may tell it, the best first.
pub(crate) struct System {
    pub(crate) name: &'static str,
    /// Variable that is there, and its value where another system has the variable too.
    pub(crate) mark: (&'static str, Option<&'static str>),
    /// The installation.
    pub(crate) instance: &'static [&'static str],
    /// Full name of the job.
    pub(crate) job: &'static [&'static str],
    /// The same with the branch at its end, where the system has a job for each branch.
    pub(crate) job_of_branch: &'static [&'static str],
    /// Number of the run.
    pub(crate) number: &'static [&'static str],
    /// What the system calls a run that has no number.
    pub(crate) run: &'static [&'static str],
    pub(crate) attempt: &'static [&'static str],
    /// Key of the build in the integration of the system's connector.
    pub(crate) key: &'static [&'static str],
    pub(crate) title: &'static [&'static str],
    pub(crate) url: &'static [&'static str],
    pub(crate) repository: &'static [&'static str],
    pub(crate) branch: &'static [&'static str],
    pub(crate) base_branch: &'static [&'static str],
    pub(crate) commit: &'static [&'static str],
    /// Number of the pull or merge request.
    pub(crate) change: &'static [&'static str],
    pub(crate) actor: &'static [&'static str],
    /// Why it runs.
    pub(crate) trigger: &'static [&'static str],
    /// Name of the job or step within the run.
    pub(crate) stage: &'static [&'static str],
    pub(crate) node: &'static [&'static str],
    /// When the run began.
    pub(crate) started: &'static [&'static str],
    /// How the step at hand goes: a word, or the status of a process. Says nothing about the steps beside it.
    pub(crate) result: &'static [&'static str],
}

const NOTHING: System = System {
    name: "",
    mark: ("", None),
    instance: &[],
    job: &[],
    job_of_branch: &[],
    number: &[],
    run: &[],
    attempt: &[],
    key: &[],
    title: &[],
    url: &[],
    repository: &[],
    branch: &[],
    base_branch: &[],
    commit: &[],
    change: &[],
    actor: &[],
    trigger: &[],
    stage: &[],
    node: &[],
    started: &[],
    result: &[],
};

/// Every system, those that set marks of others too before the others.
pub(crate) const SYSTEMS: &[System] = &[
    System {
        name: "woodpecker",
        mark: ("CI", Some("woodpecker")),
        instance: &["{CI_SYSTEM_HOST}"],
        job: &["{CI_REPO}/{CI_WORKFLOW_NAME}", "{CI_REPO}"],
        number: &["{CI_PIPELINE_NUMBER}"],
        url: &["{CI_PIPELINE_URL}"],
        repository: &["{CI_REPO_URL}"],
        branch: &["{CI_COMMIT_SOURCE_BRANCH}", "{CI_COMMIT_BRANCH}"],
        base_branch: &["{CI_COMMIT_TARGET_BRANCH}"],
        commit: &["{CI_COMMIT_SHA}"],
        change: &["{CI_COMMIT_PULL_REQUEST}"],
        actor: &["{CI_COMMIT_AUTHOR}"],
        trigger: &["{CI_PIPELINE_EVENT}"],
        stage: &["{CI_STEP_NAME}"],
        node: &["{CI_MACHINE}"],
        started: &["{CI_PIPELINE_STARTED}"],
        ..NOTHING
    },
    System {
        name: "github-actions",
        mark: ("GITHUB_ACTIONS", None),
        instance: &["{GITHUB_SERVER_URL#https://}", "{GITHUB_SERVER_URL#http://}"],
        job: &["{GITHUB_REPOSITORY}/{GITHUB_WORKFLOW}"],
        number: &["{GITHUB_RUN_NUMBER}"],
        attempt: &["{GITHUB_RUN_ATTEMPT}"],
        key: &["{GITHUB_REPOSITORY}/{GITHUB_RUN_ID}/{GITHUB_RUN_ATTEMPT}"],
        url: &[
            "{GITHUB_SERVER_URL}/{GITHUB_REPOSITORY}/actions/runs/{GITHUB_RUN_ID}/attempts/{GITHUB_RUN_ATTEMPT}",
            "{GITHUB_SERVER_URL}/{GITHUB_REPOSITORY}/actions/runs/{GITHUB_RUN_ID}",
        ],
        repository: &["{GITHUB_SERVER_URL}/{GITHUB_REPOSITORY}"],
        branch: &["{GITHUB_HEAD_REF}", "{GITHUB_REF_NAME}"],
        base_branch: &["{GITHUB_BASE_REF}"],
        // Of a pull request GITHUB_SHA is a merge that nobody made; the head stands in the event alone.
        commit: &["{GITHUB_EVENT_PULL_REQUEST_HEAD_SHA}", "{GITHUB_SHA}"],
        change: &["{GITHUB_REF#refs/pull/%/merge}"],
        actor: &["{GITHUB_TRIGGERING_ACTOR}", "{GITHUB_ACTOR}"],
        trigger: &["{GITHUB_EVENT_NAME}"],
        stage: &["{GITHUB_JOB}"],
        node: &["{RUNNER_NAME}"],
        ..NOTHING
    },
    System {
        name: "gitlab-ci",
        mark: ("GITLAB_CI", None),
        instance: &["{CI_SERVER_HOST}"],
        job: &["{CI_PROJECT_PATH}"],
        number: &["{CI_PIPELINE_IID}"],
        key: &["{CI_PIPELINE_ID}"],
        title: &["{CI_PIPELINE_NAME}"],
        url: &["{CI_PIPELINE_URL}"],
        // CI_REPOSITORY_URL holds a token.
        repository: &["{CI_PROJECT_URL}"],
        branch: &["{CI_MERGE_REQUEST_SOURCE_BRANCH_NAME}", "{CI_COMMIT_REF_NAME}"],
        base_branch: &["{CI_MERGE_REQUEST_TARGET_BRANCH_NAME}"],
        commit: &["{CI_MERGE_REQUEST_SOURCE_BRANCH_SHA}", "{CI_COMMIT_SHA}"],
        change: &["{CI_MERGE_REQUEST_IID}"],
        actor: &["{GITLAB_USER_LOGIN}"],
        trigger: &["{CI_PIPELINE_SOURCE}"],
        stage: &["{CI_JOB_NAME}"],
        node: &["{CI_RUNNER_DESCRIPTION}"],
        started: &["{CI_PIPELINE_CREATED_AT}"],
        result: &["{CI_JOB_STATUS}"],
        ..NOTHING
    },
    System {
        name: "buildkite",
        mark: ("BUILDKITE", None),
        instance: &["buildkite.com"],
        job: &["{BUILDKITE_ORGANIZATION_SLUG}/{BUILDKITE_PIPELINE_SLUG}"],
        number: &["{BUILDKITE_BUILD_NUMBER}"],
        title: &["{BUILDKITE_MESSAGE}"],
        url: &["{BUILDKITE_BUILD_URL}"],
        repository: &["{BUILDKITE_REPO}"],
        branch: &["{BUILDKITE_BRANCH}"],
        base_branch: &["{BUILDKITE_PULL_REQUEST_BASE_BRANCH}"],
        commit: &["{BUILDKITE_COMMIT}"],
        change: &["{BUILDKITE_PULL_REQUEST}"],
        actor: &["{BUILDKITE_BUILD_CREATOR_EMAIL}", "{BUILDKITE_BUILD_CREATOR}"],
        trigger: &["{BUILDKITE_SOURCE}"],
        stage: &["{BUILDKITE_LABEL}", "{BUILDKITE_STEP_KEY}"],
        node: &["{BUILDKITE_AGENT_NAME}"],
        result: &["{BUILDKITE_COMMAND_EXIT_STATUS}"],
        ..NOTHING
    },
    System {
        name: "circleci",
        mark: ("CIRCLECI", None),
        instance: &["circleci.com"],
        job: &["{CIRCLE_PROJECT_USERNAME}/{CIRCLE_PROJECT_REPONAME}"],
        run: &["{CIRCLE_WORKFLOW_ID}"],
        key: &["{CIRCLE_WORKFLOW_ID}"],
        url: &["https://app.circleci.com/pipelines/workflows/{CIRCLE_WORKFLOW_ID}"],
        repository: &["{CIRCLE_REPOSITORY_URL}"],
        branch: &["{CIRCLE_BRANCH}", "{CIRCLE_TAG}"],
        commit: &["{CIRCLE_SHA1}"],
        change: &["{CIRCLE_PR_NUMBER}", "{CIRCLE_PULL_REQUEST/}"],
        actor: &["{CIRCLE_USERNAME}"],
        stage: &["{CIRCLE_JOB}"],
        ..NOTHING
    },
    System {
        name: "azure-pipelines",
        mark: ("TF_BUILD", None),
        instance: &["{SYSTEM_COLLECTIONURI#https://%/}", "{SYSTEM_COLLECTIONURI}"],
        job: &["{SYSTEM_TEAMPROJECT}/{BUILD_DEFINITIONNAME}"],
        number: &["{BUILD_BUILDID}"],
        key: &["{SYSTEM_TEAMPROJECT}/{BUILD_BUILDID}"],
        title: &["{BUILD_BUILDNUMBER}"],
        url: &["{SYSTEM_COLLECTIONURI}{SYSTEM_TEAMPROJECT}/_build/results?buildId={BUILD_BUILDID}"],
        repository: &["{BUILD_REPOSITORY_URI}"],
        branch: &[
            "{SYSTEM_PULLREQUEST_SOURCEBRANCH#refs/heads/}",
            "{SYSTEM_PULLREQUEST_SOURCEBRANCH}",
            "{BUILD_SOURCEBRANCH#refs/heads/}",
            "{BUILD_SOURCEBRANCH}",
        ],
        base_branch: &["{SYSTEM_PULLREQUEST_TARGETBRANCH#refs/heads/}", "{SYSTEM_PULLREQUEST_TARGETBRANCH}"],
        commit: &["{SYSTEM_PULLREQUEST_SOURCECOMMITID}", "{BUILD_SOURCEVERSION}"],
        change: &["{SYSTEM_PULLREQUEST_PULLREQUESTNUMBER}", "{SYSTEM_PULLREQUEST_PULLREQUESTID}"],
        actor: &["{BUILD_REQUESTEDFOREMAIL}", "{BUILD_REQUESTEDFOR}"],
        trigger: &["{BUILD_REASON}"],
        stage: &["{SYSTEM_JOBDISPLAYNAME}"],
        node: &["{AGENT_NAME}"],
        started: &["{SYSTEM_PIPELINESTARTTIME}"],
        result: &["{AGENT_JOBSTATUS}"],
        ..NOTHING
    },
    System {
        name: "bitbucket-pipelines",
        mark: ("BITBUCKET_BUILD_NUMBER", None),
        instance: &["bitbucket.org"],
        job: &["{BITBUCKET_REPO_FULL_NAME}"],
        number: &["{BITBUCKET_BUILD_NUMBER}"],
        key: &["{BITBUCKET_REPO_FULL_NAME}/{BITBUCKET_PIPELINE_UUID}"],
        url: &["https://bitbucket.org/{BITBUCKET_REPO_FULL_NAME}/pipelines/results/{BITBUCKET_BUILD_NUMBER}"],
        repository: &["{BITBUCKET_GIT_HTTP_ORIGIN}"],
        branch: &["{BITBUCKET_BRANCH}", "{BITBUCKET_TAG}"],
        base_branch: &["{BITBUCKET_PR_DESTINATION_BRANCH}"],
        commit: &["{BITBUCKET_COMMIT}"],
        change: &["{BITBUCKET_PR_ID}"],
        actor: &["{BITBUCKET_STEP_TRIGGERER_UUID}"],
        stage: &["{BITBUCKET_STEP_UUID}"],
        result: &["{BITBUCKET_EXIT_CODE}"],
        ..NOTHING
    },
    System {
        name: "drone",
        mark: ("DRONE", None),
        instance: &["{DRONE_SYSTEM_HOST}"],
        job: &["{DRONE_REPO}"],
        number: &["{DRONE_BUILD_NUMBER}"],
        url: &["{DRONE_BUILD_LINK}"],
        repository: &["{DRONE_REPO_LINK}"],
        branch: &["{DRONE_SOURCE_BRANCH}", "{DRONE_BRANCH}"],
        base_branch: &["{DRONE_TARGET_BRANCH}"],
        commit: &["{DRONE_COMMIT_SHA}"],
        change: &["{DRONE_PULL_REQUEST}"],
        // DRONE_BUILD_TRIGGER is "@hook" for most.
        actor: &["{DRONE_COMMIT_AUTHOR}"],
        trigger: &["{DRONE_BUILD_EVENT}"],
        stage: &["{DRONE_STEP_NAME}", "{DRONE_STAGE_NAME}"],
        node: &["{DRONE_STAGE_MACHINE}"],
        started: &["{DRONE_BUILD_STARTED}"],
        ..NOTHING
    },
    System {
        name: "travis-ci",
        mark: ("TRAVIS", None),
        instance: &["travis-ci.com"],
        job: &["{TRAVIS_REPO_SLUG}"],
        number: &["{TRAVIS_BUILD_NUMBER}"],
        url: &["{TRAVIS_BUILD_WEB_URL}"],
        repository: &["{TRAVIS_REPO_SLUG}"],
        branch: &["{TRAVIS_PULL_REQUEST_BRANCH}", "{TRAVIS_BRANCH}"],
        commit: &["{TRAVIS_PULL_REQUEST_SHA}", "{TRAVIS_COMMIT}"],
        change: &["{TRAVIS_PULL_REQUEST}"],
        trigger: &["{TRAVIS_EVENT_TYPE}"],
        stage: &["{TRAVIS_JOB_NAME}"],
        result: &["{TRAVIS_TEST_RESULT}"],
        ..NOTHING
    },
    System {
        name: "teamcity",
        mark: ("TEAMCITY_VERSION", None),
        instance: &["{TEAMCITY_SERVER_URL#https://}", "{TEAMCITY_SERVER_URL}", "teamcity"],
        job: &["{TEAMCITY_PROJECT_NAME}/{TEAMCITY_BUILDCONF_NAME}"],
        // People make build numbers of words.
        number: &["{BUILD_NUMBER}"],
        run: &["{BUILD_NUMBER}"],
        url: &["{BUILD_URL}"],
        branch: &["{TEAMCITY_BUILD_BRANCH}"],
        commit: &["{BUILD_VCS_NUMBER}"],
        ..NOTHING
    },
    System {
        // Buildbot tells its steps nothing by itself; docs/EMIT.md says how to make it.
        name: "buildbot",
        mark: ("BUILDBOT_BUILDERNAME", None),
        instance: &["{BUILDBOT_URL#https://%/}", "{BUILDBOT_URL#http://%/}", "{BUILDBOT_URL}", "buildbot"],
        job: &["{BUILDBOT_BUILDERNAME}"],
        number: &["{BUILDBOT_BUILDNUMBER}"],
        key: &["{BUILDBOT_BUILDID}"],
        url: &["{BUILDBOT_BUILD_URL}"],
        repository: &["{BUILDBOT_REPOSITORY}"],
        branch: &["{BUILDBOT_BRANCH}"],
        commit: &["{BUILDBOT_GOT_REVISION}", "{BUILDBOT_REVISION}"],
        node: &["{BUILDBOT_WORKERNAME}"],
        ..NOTHING
    },
    System {
        name: "jenkins",
        mark: ("JENKINS_URL", None),
        instance: &["{JENKINS_URL#https://%/}", "{JENKINS_URL#http://%/}", "{JENKINS_URL}"],
        job: &["{JOB_NAME}"],
        job_of_branch: &["{JOB_NAME}"],
        number: &["{BUILD_NUMBER}"],
        key: &["{JOB_NAME}/{BUILD_NUMBER}/1"],
        title: &["{BUILD_DISPLAY_NAME}"],
        url: &["{BUILD_URL}"],
        repository: &["{GIT_URL}"],
        branch: &["{CHANGE_BRANCH}", "{BRANCH_NAME}", "{GIT_BRANCH#origin/}", "{GIT_BRANCH}"],
        base_branch: &["{CHANGE_TARGET}"],
        commit: &["{GIT_COMMIT}"],
        change: &["{CHANGE_ID}"],
        actor: &["{BUILD_USER_ID}"],
        stage: &["{STAGE_NAME}"],
        node: &["{NODE_NAME}"],
        ..NOTHING
    },
];

impl System {
    pub(crate) fn all_templates(&self) -> impl Iterator<Item = &'static str> {
        let groups = [
            self.instance,
            self.job,
            self.job_of_branch,
            self.number,
            self.run,
            self.attempt,
            self.key,
            self.title,
            self.url,
            self.repository,
            self.branch,
            self.base_branch,
            self.commit,
            self.change,
            self.actor,
            self.trigger,
            self.stage,
            self.node,
            self.started,
            self.result,
        ];
        groups.into_iter().flatten().copied()
    }
}

/// Names of all variables that are read, by system.
pub fn variables() -> Vec<(&'static str, Vec<&'static str>)> {
    let of = |system: &System| {
        let mut names: Vec<_> = system.all_templates().flat_map(crate::template::names).collect();
        names.push(system.mark.0);
        names.sort_unstable();
        names.dedup();
        (system.name, names)
    };
    SYSTEMS.iter().map(of).collect()
}
