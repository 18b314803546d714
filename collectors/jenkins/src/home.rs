//! A home, and scanning it.
//!
//! Invariant: a scan gives each build at most once, in an order that does not depend on the machine, and a build that the
//! sink does not take comes again at the next scan.

use std::collections::BTreeSet;
use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use globset::{Glob, GlobBuilder, GlobSet, GlobSetBuilder};
use jiff::tz::TimeZone;
use ring::digest::{SHA256, digest};
use tracing::{debug, warn};
use weir_protocol::{Build, BuildState};

use crate::instance::Instance;
use crate::job::Jobs;
use crate::layout::{BUILD_XML, BUILDS, Place};
use crate::read::{self, Context, Kind};
use crate::seen::{Files, Seen};
use crate::settings::Settings;
use crate::walk::{self, Found, Visitor};

/// A build, ready to be stored or sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Natural key: instance, job, number and start, at most 512 bytes.
    pub key: String,
    /// JSON of [`weir_protocol::Build`].
    pub json: Vec<u8>,
    /// Youngest change of its files in milliseconds: a later report of the same key has no smaller one.
    pub changed_at: i64,
}

/// Takes reports. `Continue`: it is kept, durably. `Break`: not now; the scan ends, and it comes again with the next.
pub type Sink<'a> = dyn FnMut(Report) -> ControlFlow<()> + 'a;

/// What a scan did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scan {
    /// Builds found.
    pub builds: usize,
    /// Reports given and taken.
    pub reported: usize,
    /// Of these, builds whose file could not be read.
    pub unreadable: usize,
    /// Folders that could not be listed.
    pub closed: usize,
    /// The sink wanted no more.
    pub stopped: bool,
}

/// Why a home cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// There is no folder `jobs` in it.
    #[error("`{}` is no jenkins home: it has no folder `jobs`", home.display())]
    NoHome {
        /// The folder.
        home: PathBuf,
    },
    /// A pattern cannot be understood.
    #[error("cannot understand the pattern `{pattern}`")]
    Pattern {
        /// The pattern.
        pattern: String,
        /// Why not.
        #[source]
        source: globset::Error,
    },
    /// A time zone is not known.
    #[error("cannot find the time zone `{zone}`")]
    Zone {
        /// Its name.
        zone: String,
        /// Why not.
        #[source]
        source: jiff::Error,
    },
    /// The folder cannot be looked at.
    #[error("cannot look at `{}`", path.display())]
    Io {
        /// The folder.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
}

/// A Jenkins home, or a part of one.
#[derive(Debug)]
pub struct Home {
    root: PathBuf,
    extent: Extent,
    instance: Instance,
    jobs: GlobSet,
    deployments: GlobSet,
    zone: Option<TimeZone>,
    log_tail: bool,
}

/// Which part of a home is looked at, and how.
#[derive(Debug)]
enum Extent {
    /// The jobs, where Jenkins puts builds.
    Jobs,
    /// Everything below a folder, but for other homes.
    Everything { below: PathBuf, skip: BTreeSet<PathBuf> },
}

impl Home {
    /// The home a running Jenkins has.
    pub fn open(settings: &Settings) -> Result<Self, OpenError> {
        if !settings.home.join("jobs").is_dir() {
            return Err(OpenError::NoHome { home: settings.home.clone() });
        }
        Self::new(&settings.home, Extent::Jobs, settings)
    }

    /// All homes at or below `settings.home`, which may also be a part of a home: a folder of jobs, one job, one build.
    /// Everything called `build.xml` is a build for it, wherever it lies, but for Ant's scripts outside of jobs.
    pub fn discover(settings: &Settings) -> Result<Vec<Self>, OpenError> {
        let dir = settings.home.canonicalize();
        let dir = dir.map_err(|source| OpenError::Io { path: settings.home.clone(), source })?;
        if let Some(root) = root_above(&dir) {
            return Ok(vec![Self::new(&root, Extent::Everything { below: dir, skip: BTreeSet::new() }, settings)?]);
        }
        let roots = walk::homes(&dir);
        let mut homes = Vec::new();
        for root in &roots {
            let extent = Extent::Everything { below: root.clone(), skip: BTreeSet::new() };
            homes.push(Self::new(root, extent, settings)?);
        }
        if !roots.contains(&dir) {
            let extent = Extent::Everything { below: dir.clone(), skip: roots.into_iter().collect() };
            homes.push(Self::new(&dir, extent, settings)?);
        }
        Ok(homes)
    }

    /// Id of the Jenkins instance, as its reports have it.
    pub fn instance_guid(&self) -> &str {
        &self.instance.guid
    }

    /// The folder of the home.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Gives a report for every build that is new or changed since `seen`.
    pub fn scan(&self, seen: &mut Seen, sink: &mut Sink<'_>) -> Scan {
        let scan = self.scan_with(seen, sink, &mut |_| {}, |visitor| match &self.extent {
            Extent::Jobs => walk::jobs(&self.root.join("jobs"), visitor),
            Extent::Everything { below, skip } => walk::everything(below, skip, visitor),
        });
        if !scan.stopped {
            seen.retain_existing(&self.root);
        }
        scan
    }

    /// Scans all jobs and tells of the folders in which something new may appear.
    pub(crate) fn scan_places(&self, seen: &mut Seen, sink: &mut Sink<'_>, place: &mut dyn FnMut(&Path)) -> Scan {
        self.scan_with(seen, sink, place, |visitor| walk::jobs(&self.root.join("jobs"), visitor))
    }

    /// Scans only what belongs to a path that changed.
    pub(crate) fn scan_path(
        &self,
        path: &Path,
        seen: &mut Seen,
        sink: &mut Sink<'_>,
        place: &mut dyn FnMut(&Path),
    ) -> Scan {
        let Some(scope) = self.scope(path) else { return Scan::default() };
        self.scan_with(seen, sink, place, |visitor| match &scope {
            Scope::Jobs(dir) => walk::jobs(dir, visitor),
            Scope::Job(dir) => walk::job(dir, visitor),
            Scope::Builds(dir) => walk::builds(dir, visitor),
        })
    }

    fn new(root: &Path, extent: Extent, settings: &Settings) -> Result<Self, OpenError> {
        let zone = settings
            .time_zone
            .as_deref()
            .map(|zone| TimeZone::get(zone).map_err(|source| OpenError::Zone { zone: zone.to_owned(), source }));
        Ok(Self {
            root: root.to_owned(),
            extent,
            instance: Instance::of(root, settings.instance.as_deref()),
            jobs: globs(&settings.jobs)?,
            deployments: globs(&settings.deployments)?,
            zone: zone.transpose()?,
            log_tail: settings.log_tail,
        })
    }

    fn scan_with(
        &self,
        seen: &mut Seen,
        sink: &mut Sink<'_>,
        place: &mut dyn FnMut(&Path),
        walk: impl FnOnce(&mut dyn Visitor) -> ControlFlow<()>,
    ) -> Scan {
        let mut scanner = Scanner { home: self, seen, sink, place, jobs: Jobs::default(), scan: Scan::default() };
        let stopped = walk(&mut scanner).is_break();
        let scan = Scan { stopped, ..scanner.scan };
        debug!(builds = scan.builds, reported = scan.reported, stopped, "scanned jenkins home");
        scan
    }

    /// The smallest thing to scan for a change at `path`: a builds folder, a job, or a folder of jobs.
    fn scope(&self, path: &Path) -> Option<Scope> {
        let below = path.strip_prefix(&self.root).ok()?;
        if path.is_symlink() {
            return None;
        }
        if let Some(builds) = below.ancestors().find(|part| part.file_name().is_some_and(|name| name == BUILDS)) {
            return Some(Scope::Builds(self.root.join(builds)));
        }
        match path.file_name()?.to_str()? {
            "jobs" | "branches" | "modules" | "promotions" => Some(Scope::Jobs(path.to_owned())),
            _ if path.is_dir() => Some(Scope::Job(path.to_owned())),
            _ => None,
        }
    }
}

enum Scope {
    Jobs(PathBuf),
    Job(PathBuf),
    Builds(PathBuf),
}

/// One walk through a home.
struct Scanner<'a, 'b> {
    home: &'a Home,
    seen: &'a mut Seen,
    sink: &'a mut Sink<'b>,
    place: &'a mut dyn FnMut(&Path),
    jobs: Jobs,
    scan: Scan,
}

impl Visitor for Scanner<'_, '_> {
    fn build(&mut self, found: &Found) -> ControlFlow<()> {
        let place = self.home.place(&found.dir);
        let files = Files::of(&found.dir);
        if self.seen.is_done(&found.dir, files) {
            self.scan.builds += 1;
            return ControlFlow::Continue(());
        }
        let job = self.jobs.get(job_dir(&found.dir));
        let branch = job.branch.as_deref().or(place.branch.as_deref());
        let names = [place.qualified_name(branch), place.job_name().to_owned()];
        if !names.iter().any(|name| self.home.jobs.is_match(name)) {
            return ControlFlow::Continue(());
        }
        let context = Context {
            instance: &self.home.instance,
            place: &place,
            job,
            linked_number: found.numbers.get(&place.folder).copied(),
            zone: self.home.zone.as_ref(),
            deploys: names.iter().any(|name| self.home.deployments.is_match(name)),
            log_tail: self.home.log_tail,
        };
        let (build, kind) = read::build(&found.dir, &context);
        if matches!(kind, Kind::Ant) && !place.standard {
            return ControlFlow::Continue(());
        }
        self.scan.builds += 1;
        let key = key(&build, &place.folder);
        self.give(found, files, &build, key)
    }

    fn place(&mut self, dir: &Path) {
        (self.place)(dir);
    }

    fn closed(&mut self, dir: &Path, error: &io::Error) {
        self.scan.closed += 1;
        warn!(dir = %dir.display(), %error, "cannot list folder of jenkins home");
    }
}

impl Scanner<'_, '_> {
    fn give(&mut self, found: &Found, files: Files, build: &Build, key: String) -> ControlFlow<()> {
        let json = serde_json::to_vec(build).expect("a report is text, numbers and lists of them");
        let finished = build.state != BuildState::Running;
        if !self.seen.is_same(&found.dir, &json) {
            let report = Report { key, json: json.clone(), changed_at: files.changed_at };
            (self.sink)(report)?;
            self.scan.reported += 1;
            self.scan.unreadable += usize::from(build.state == BuildState::Unknown);
        }
        self.seen.mark(&found.dir, files, &json, finished);
        ControlFlow::Continue(())
    }
}

impl Home {
    fn place(&self, dir: &Path) -> Place {
        let above =
            |dir: &Path| dir.file_name().map_or_else(|| "jenkins".into(), |name| name.to_string_lossy().into_owned());
        match dir.strip_prefix(&self.root) {
            Ok(below) if below.as_os_str().is_empty() => {
                let parent = dir.parent().unwrap_or(dir);
                Place { folder: above(dir), ..Place::of(Path::new(""), &above(parent)) }
            }
            Ok(below) => Place::of(below, &above(&self.root)),
            Err(_) => Place::of(dir, &above(&self.root)),
        }
    }
}

/// The folder that has the settings of the build's job.
fn job_dir(build: &Path) -> &Path {
    let above = build.parent().unwrap_or(build);
    if above.file_name().is_some_and(|name| name == BUILDS) { above.parent().unwrap_or(above) } else { above }
}

/// The home that `dir` is a part of: what is above the outermost of the nested folders `jobs` around it.
fn root_above(dir: &Path) -> Option<PathBuf> {
    // A folder of jobs has `jobs` in it just as a home, but none of these.
    if ["plugins", "secrets", "userContent", "users"].iter().any(|name| dir.join(name).is_dir()) {
        return None;
    }
    let is_jobs = |dir: &Path| dir.file_name().is_some_and(|name| name == "jobs");
    let mut jobs = dir.ancestors().find(|above| is_jobs(above))?;
    while let Some(outer) = jobs.ancestors().nth(2).filter(|outer| is_jobs(outer)) {
        jobs = outer;
    }
    let is_part = dir == jobs || [BUILD_XML, BUILDS, "jobs"].iter().any(|name| dir.join(name).exists());
    let in_builds = dir.ancestors().any(|above| above.file_name().is_some_and(|name| name == BUILDS));
    jobs.parent().filter(|_| is_part || in_builds).map(Path::to_owned)
}

/// A build without a number is known by its folder.
fn key(build: &Build, folder: &str) -> String {
    let number = build.build_number.map_or_else(|| folder.to_owned(), |number| number.to_string());
    let start = build.start_time.unwrap_or_default();
    let key = |job: &str| format!("{}/{job}/{number}/{start}", build.instance_guid);
    let plain = key(&build.job_full_name);
    if plain.len() <= 512 {
        return plain;
    }
    let hash = digest(&SHA256, build.job_full_name.as_bytes());
    key(&format!("{:02x?}", hash.as_ref()).replace(['[', ']', ',', ' '], ""))
}

fn globs(patterns: &[String]) -> Result<GlobSet, OpenError> {
    let failed = |pattern: &str, source| OpenError::Pattern { pattern: pattern.to_owned(), source };
    let glob =
        |pattern: &str| -> Result<Glob, globset::Error> { GlobBuilder::new(pattern).literal_separator(true).build() };
    let mut set = GlobSetBuilder::new();
    for pattern in patterns {
        set.add(glob(pattern).map_err(|source| failed(pattern, source))?);
    }
    set.build().map_err(|source| failed("", source))
}
