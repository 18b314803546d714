//! The flow graph of a pipeline run: nodes with numbers, each naming its parent.

use crate::company::Conclusion;

const STEPS: &str = "org.jenkinsci.plugins.workflow";

/// Collects nodes in order; each hangs on the one before.
struct Graph {
    nodes: Vec<(u64, String)>,
    last: Option<u64>,
    next: u64,
}

/// Nodes of a run whose `stages` follow one another on one agent. When it did not succeed, the second stage failed and
/// the ones after it never ran.
pub(super) fn nodes(stages: &[&str], started_at: i64, finished_at: i64, conclusion: Conclusion) -> Vec<(u64, String)> {
    let mut graph = Graph { nodes: Vec::new(), last: None, next: 2 };
    let failed = conclusion != Conclusion::Success;
    let n_run = if failed { 2.min(stages.len()) } else { stages.len() };
    let error = if failed { error(conclusion) } else { String::new() };
    graph.add("org.jenkinsci.plugins.workflow.graph.FlowStartNode", "", started_at, "");
    let agent = graph.add("cps.n.StepStartNode", &step("support.steps.ExecutorStep"), started_at, "");
    let workspace = "    <s.a.WorkspaceActionImpl>\n      <node>agent-finance-1</node>\n      <path>/home/jenkins/workspace</path>\n    </s.a.WorkspaceActionImpl>\n";
    let body = graph.add("cps.n.StepStartNode", &step("support.steps.ExecutorStep"), started_at + 200, workspace);
    let mut at = started_at + 400;
    for (index, name) in stages[..n_run].iter().enumerate() {
        let is_last = index + 1 == n_run;
        let ends = if is_last { finished_at - 300 } else { at + (finished_at - at) * share(index) / 100 };
        graph.stage(name, at, ends.max(at), if is_last { &error } else { "" });
        at = ends.max(at);
    }
    graph.add("cps.n.StepEndNode", &start(body), at, &error);
    graph.add("cps.n.StepEndNode", &start(agent), at, &error);
    graph.add("org.jenkinsci.plugins.workflow.graph.FlowEndNode", &start(2), finished_at, &error);
    graph.nodes
}

/// Percent of the time left that a stage takes.
fn share(index: usize) -> i64 {
    if index == 0 { 4 } else { 72 }
}

impl Graph {
    fn stage(&mut self, name: &str, at: i64, ends: i64, error: &str) {
        let outer = self.add("cps.n.StepStartNode", &step("support.steps.StageStep"), at, &arguments("name", name));
        let label = format!(
            "    <wf.a.BodyInvocationAction/>\n    <wf.a.LabelAction>\n      <displayName>{name}</displayName>\n    </wf.a.LabelAction>\n"
        );
        let inner = self.add("cps.n.StepStartNode", &step("support.steps.StageStep"), at + 20, &label);
        let command = format!("./ci/{}.sh", name.to_lowercase().replace(' ', "-"));
        let script = arguments("script", &command) + error;
        self.add("cps.n.StepAtomNode", &step("steps.durable_task.ShellStep"), at + 40, &script);
        self.add("cps.n.StepEndNode", &start(inner), ends, error);
        self.add("cps.n.StepEndNode", &start(outer), ends, error);
    }

    /// Adds a node and gives its number.
    fn add(&mut self, class: &str, fields: &str, at: i64, actions: &str) -> u64 {
        let id = self.next;
        let parents = self.last.map_or_else(
            || "<parentIds/>".to_owned(),
            |parent| format!("<parentIds>\n      <string>{parent}</string>\n    </parentIds>"),
        );
        let tag = format!(
            "<Tag plugin=\"workflow-support@979.v4b_b_40c48f3f0\">
  <node class=\"{class}\">
    {parents}
    <id>{id}</id>
{fields}  </node>
  <actions>
{actions}    <wf.a.TimingAction>
      <startTime>{at}</startTime>
    </wf.a.TimingAction>
  </actions>
</Tag>"
        );
        self.nodes.push((id, tag));
        (self.last, self.next) = (Some(id), id + 1);
        id
    }
}

fn step(name: &str) -> String {
    format!("    <descriptorId>{STEPS}.{name}</descriptorId>\n")
}

fn start(id: u64) -> String {
    format!("    <startId>{id}</startId>\n")
}

fn arguments(name: &str, value: &str) -> String {
    format!(
        "    <cps.a.ArgumentsActionImpl>
      <arguments>
        <entry>
          <string>{name}</string>
          <string>{value}</string>
        </entry>
      </arguments>
      <isUnmodifiedBySanitization>true</isUnmodifiedBySanitization>
    </cps.a.ArgumentsActionImpl>
"
    )
}

fn error(conclusion: Conclusion) -> String {
    let (class, fields) = match conclusion {
        Conclusion::Success | Conclusion::Failure => {
            ("hudson.AbortException", "      <detailMessage>script returned exit code 1</detailMessage>\n".to_owned())
        }
        Conclusion::Cancelled | Conclusion::TimedOut => {
            let cause = if conclusion == Conclusion::TimedOut {
                "<org.jenkinsci.plugins.workflow.steps.TimeoutStepExecution_-ExceededTimeout/>"
            } else {
                "<jenkins.model.CauseOfInterruption_-UserInterruption>\n          <user>thomas-keller</user>\n        </jenkins.model.CauseOfInterruption_-UserInterruption>"
            };
            let fields = format!(
                "      <result>\n        <name>ABORTED</name>\n        <ordinal>4</ordinal>\n      </result>\n      <causes>\n        {cause}\n      </causes>\n"
            );
            ("org.jenkinsci.plugins.workflow.steps.FlowInterruptedException", fields)
        }
    };
    format!("    <wf.a.ErrorAction>\n    <error class=\"{class}\">\n{fields}    </error>\n    </wf.a.ErrorAction>\n")
}
