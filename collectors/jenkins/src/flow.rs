//! The flow graph of a pipeline run, as nodes.
//!
//! Jenkins keeps a file for each node (`workflow/5.xml`) or all in one (`flowNodeStore.xml`). A node names its parents;
//! the end of a block names its start. Ids grow along the graph, so an arrow to a node that is not older is damage: it is
//! dropped with a note, and what is left has no circles. Invariant: [`Flow::block`] always names an older node.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use weir_protocol::redact::excerpt;

use crate::notes::Notes;
use crate::xml::{self, Limits, Node, simple_name};

const NODES_MAX: usize = 50_000;
const MESSAGE_BYTES_MAX: usize = 500;
const ARGUMENT_BYTES_MAX: usize = 200;
const FOLDERS: [&str; 2] = ["workflow-completed", "workflow"];
const STORE: &str = "flowNodeStore.xml";

/// The nodes of one run by id.
#[derive(Debug, Default)]
pub(crate) struct Flow {
    pub(crate) nodes: BTreeMap<u64, FlowNode>,
    blocks: BTreeMap<u64, u64>,
    ends: BTreeMap<u64, u64>,
    /// When the first node after this one began.
    next: BTreeMap<u64, i64>,
}

/// What a node does in the graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Start,
    Atom,
    End { start: Option<u64> },
}

/// One node.
#[derive(Debug)]
pub(crate) struct FlowNode {
    pub(crate) role: Role,
    /// The last node of the whole run.
    pub(crate) is_last: bool,
    parents: Vec<u64>,
    /// Class of the step's descriptor.
    pub(crate) step: String,
    /// Name of the stage that begins here.
    pub(crate) label: Option<String>,
    /// Name of the parallel branch that begins here.
    pub(crate) branch: Option<String>,
    pub(crate) started_at: Option<i64>,
    pub(crate) failure: Option<Failure>,
    pub(crate) warning: Option<Failure>,
    pub(crate) skipped: bool,
    pub(crate) argument: Option<String>,
    pub(crate) pause: Pause,
    pub(crate) agent: Option<String>,
}

/// What went wrong in a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    /// `FAILURE`, `ABORTED`, `UNSTABLE`, ...
    pub(crate) result: String,
    /// Class of the exception.
    pub(crate) kind: Option<String>,
    pub(crate) message: Option<String>,
    /// Classes of the causes of an interruption, with the person behind each.
    pub(crate) interruptions: Vec<(String, Option<String>)>,
}

/// Waiting for people.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Pause {
    pub(crate) waited_ms: i64,
    pub(crate) waiting: bool,
}

impl Flow {
    /// Reads the graph of the run in `dir`; without nodes when there is none.
    pub(crate) fn read(dir: &Path, notes: &mut Notes) -> Self {
        let mut flow = Self::default();
        for folder in FOLDERS {
            flow.read_folder(&dir.join(folder), folder, notes);
        }
        flow.connect(notes);
        flow
    }

    /// Start of the innermost block the node is in.
    pub(crate) fn block(&self, id: u64) -> Option<u64> {
        self.blocks.get(&id).copied()
    }

    /// End of the block that starts at `id`.
    pub(crate) fn end(&self, id: u64) -> Option<&FlowNode> {
        self.nodes.get(self.ends.get(&id)?)
    }

    /// When what came after the node began.
    pub(crate) fn next_started_at(&self, id: u64) -> Option<i64> {
        self.next.get(&id).copied()
    }

    /// The node itself, then the starts of the blocks around it, outwards.
    pub(crate) fn outwards(&self, id: u64) -> impl Iterator<Item = u64> {
        std::iter::successors(Some(id), |id| self.block(*id))
    }

    fn read_folder(&mut self, dir: &Path, folder: &str, notes: &mut Notes) {
        for path in files(dir) {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let subject = format!("{folder}/{name}");
            let before = self.nodes.len();
            let rest = xml::read_each(&path, Limits::STREAM, "Tag", &mut |tag| self.add(tag.root(), &subject, notes));
            if before == self.nodes.len() && name != STORE && rest.notes.is_empty() {
                notes.add("damaged", &subject, "holds no flow node");
            }
            notes.add_all(&subject, rest.notes);
        }
    }

    fn add(&mut self, tag: Option<Node<'_>>, subject: &str, notes: &mut Notes) {
        if self.nodes.len() >= NODES_MAX {
            return notes.add("truncated", "workflow", format!("only {NODES_MAX} flow nodes were read"));
        }
        let id = tag.and_then(|tag| tag.at(&["node", "id"])).and_then(|id| id.text().parse().ok());
        let (Some(tag), Some(id)) = (tag, id) else {
            return notes.add("damaged", subject, "a flow node has no number");
        };
        if let Some(node) = FlowNode::read(tag) {
            self.nodes.insert(id, node);
        }
    }

    fn connect(&mut self, notes: &mut Notes) {
        let ids: Vec<u64> = self.nodes.keys().copied().collect();
        for id in ids {
            let node = &self.nodes[&id];
            let (role, parents, started_at) = (node.role, node.parents.clone(), node.started_at);
            for parent in &parents {
                if let Some(at) = started_at.filter(|_| *parent < id) {
                    self.next.entry(*parent).and_modify(|first| *first = at.min(*first)).or_insert(at);
                }
            }
            if let Role::End { start: Some(start) } = role {
                if self.is_older_start(start, id) {
                    self.ends.insert(start, id);
                    self.set_block(id, self.block(start));
                    continue;
                }
                notes.add("damaged", "workflow", format!("node {id} ends a block at {start}, which is no older start"));
            }
            match parents.iter().find(|parent| **parent < id && self.nodes.contains_key(parent)) {
                Some(&parent) => self.set_block(id, self.block_after(parent)),
                None if parents.is_empty() => {}
                None => notes.add("damaged", "workflow", format!("node {id} has no older parent")),
            }
        }
    }

    fn is_older_start(&self, start: u64, end: u64) -> bool {
        start < end && self.nodes.get(&start).is_some_and(|node| node.role == Role::Start)
    }

    fn block_after(&self, parent: u64) -> Option<u64> {
        if self.nodes[&parent].role == Role::Start { Some(parent) } else { self.block(parent) }
    }

    fn set_block(&mut self, id: u64, block: Option<u64>) {
        if let Some(block) = block {
            self.blocks.insert(id, block);
        }
    }
}

impl FlowNode {
    fn read(tag: Node<'_>) -> Option<Self> {
        let node = tag.child("node")?;
        let class = node.attribute("class").map_or("", simple_name);
        let start = node.integer("startId").and_then(|id| u64::try_from(id).ok());
        let role = match class {
            "StepStartNode" | "FlowStartNode" | "BlockStartNode" => Role::Start,
            "StepEndNode" | "FlowEndNode" | "BlockEndNode" => Role::End { start },
            _ => Role::Atom,
        };
        let parents = node.child("parentIds").into_iter().flat_map(Node::children);
        let mut read = Self {
            role,
            is_last: class == "FlowEndNode",
            parents: parents.filter_map(|parent| parent.text().parse().ok()).collect(),
            step: node.value("descriptorId").unwrap_or_default().to_owned(),
            label: None,
            branch: None,
            started_at: None,
            failure: None,
            warning: None,
            skipped: false,
            argument: None,
            pause: Pause::default(),
            agent: None,
        };
        let actions = tag.child("actions").or_else(|| node.child("actions"));
        actions.into_iter().flat_map(Node::children).for_each(|action| read.take(action));
        Some(read)
    }

    fn take(&mut self, action: Node<'_>) {
        match simple_name(action.name()) {
            "LabelAction" => self.label = action.value("displayName").map(str::to_owned),
            "ParallelLabelAction" | "ThreadNameAction" | "ThreadNameActionImpl" => {
                let name = ["branchName", "threadName", "displayName"].iter().find_map(|name| action.value(name));
                self.branch = name.map(|name| name.strip_prefix("Branch: ").unwrap_or(name).to_owned());
            }
            "TimingAction" => self.started_at = action.integer("startTime").filter(|at| *at > 0),
            "ErrorAction" => self.failure = action.child("error").map(failure),
            "WarningAction" => self.warning = Some(warning(action)),
            "TagsAction" => self.skipped |= action.descendants().any(|tag| tag.text().starts_with("SKIPPED_")),
            "NotExecutedNodeAction" => self.skipped = true,
            "ArgumentsActionImpl" => self.argument = argument(action),
            "PauseAction" => self.pause(action),
            "WorkspaceActionImpl" => self.agent = Some(node_name(action.value("node").unwrap_or_default())),
            _ => {}
        }
    }

    fn pause(&mut self, action: Node<'_>) {
        let (start, end) = (action.integer("startTime"), action.integer("endTime").filter(|end| *end > 0));
        match (start, end) {
            (Some(start), Some(end)) => self.pause.waited_ms += (end - start).max(0),
            _ => self.pause.waiting = true,
        }
    }
}

/// The controller has no name of its own.
pub(crate) fn node_name(name: &str) -> String {
    if name.is_empty() { "built-in" } else { name }.to_owned()
}

/// Classes of interruption causes with the person, from the element that lists them.
pub(crate) fn interruptions(causes: Node<'_>) -> Vec<(String, Option<String>)> {
    let cause = |cause: Node<'_>| {
        let user = cause.value("user").or_else(|| cause.value("userId"));
        (simple_name(cause.name()).to_owned(), user.map(str::to_owned))
    };
    causes.children().map(cause).collect()
}

fn failure(error: Node<'_>) -> Failure {
    let class = error.attribute("class").unwrap_or_default();
    let interrupted = simple_name(class) == "FlowInterruptedException";
    let told = error.child("result").and_then(|result| result.value("name").or(Some(result.text())));
    let result = told.filter(|result| !result.is_empty());
    Failure {
        result: result.unwrap_or(if interrupted { "ABORTED" } else { "FAILURE" }).to_owned(),
        kind: (!class.is_empty()).then(|| simple_name(class).to_owned()),
        message: error.value("detailMessage").and_then(|message| excerpt(message, MESSAGE_BYTES_MAX)),
        interruptions: error.child("causes").map(interruptions).unwrap_or_default(),
    }
}

fn warning(action: Node<'_>) -> Failure {
    let told = action.child("result").and_then(|result| result.value("name").or(Some(result.text())));
    Failure {
        result: told.filter(|result| !result.is_empty()).unwrap_or("UNSTABLE").to_owned(),
        kind: None,
        message: action.value("message").and_then(|message| excerpt(message, MESSAGE_BYTES_MAX)),
        interruptions: Vec::new(),
    }
}

/// First line of what the step was told, by the name of its main argument.
fn argument(action: Node<'_>) -> Option<String> {
    let entries: Vec<_> = action.child("arguments")?.children().filter_map(pair).collect();
    let named = |name: &&str| entries.iter().find(|(key, _)| key == name).map(|(_, value)| *value);
    let value = ["label", "script", "message", "job", "name"].iter().find_map(named)?;
    excerpt(value.trim().lines().next()?, ARGUMENT_BYTES_MAX)
}

fn pair(entry: Node<'_>) -> Option<(&str, &str)> {
    let mut parts = entry.children();
    let (key, value) = (parts.next()?, parts.next()?);
    (value.is_leaf() && !value.text().is_empty()).then(|| (key.text(), value.text()))
}

/// Files of nodes, by number; the store of all nodes comes last.
fn files(dir: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(dir) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.retain(|path| path.extension() == Some(OsStr::new("xml")));
    let number = |path: &PathBuf| {
        path.file_stem().and_then(OsStr::to_str).and_then(|stem| stem.parse().ok()).unwrap_or(u64::MAX)
    };
    paths.sort_by_cached_key(|path| (number(path), path.clone()));
    paths.truncate(NODES_MAX + 1);
    paths
}
