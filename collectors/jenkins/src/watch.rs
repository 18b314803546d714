//! Scans a home whenever something in it changes.
//!
//! Watched are the folders in which builds appear and the builds that run, one by one: a recursive watch would spend the
//! kernel's watches on workspaces. Events only say where to look; what is missed is found by the regular scan. Invariant: a
//! home that cannot be watched is polled, and says so once.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tracing::warn;

use crate::home::{Home, Scan, Sink};
use crate::seen::Seen;

/// How often to look.
#[derive(Debug, Clone)]
pub struct WatchOptions {
    /// Quiet time after a change before it is looked at: Jenkins writes several files at once.
    pub settle: Duration,
    /// Between scans of everything, when changes are told by the kernel.
    pub rescan: Duration,
    /// Between scans of everything, when they are not.
    pub poll: Duration,
}

impl Default for WatchOptions {
    fn default() -> Self {
        Self { settle: Duration::from_millis(300), rescan: Duration::from_mins(5), poll: Duration::from_secs(10) }
    }
}

/// Ends a [`watch()`] from another thread.
#[derive(Debug, Clone, Default)]
pub struct Stop(Arc<Signal>);

#[derive(Debug, Default)]
struct Signal {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    stopped: bool,
    /// Paths that changed since the last look.
    paths: BTreeSet<PathBuf>,
    /// The kernel told less than there was.
    overflowed: bool,
}

/// What to do next.
enum Next {
    Stop,
    Everything,
    Paths(BTreeSet<PathBuf>),
}

impl Stop {
    /// Ends the watch after the scan that is under way.
    pub fn stop(&self) {
        self.0.state().stopped = true;
        self.0.changed.notify_all();
    }

    /// Was called.
    pub fn is_stopped(&self) -> bool {
        self.0.state().stopped
    }
}

/// Reports builds as they come, until stopped. Blocks. `after` hears of every scan, to keep `seen` for the next start.
pub fn watch(
    home: &Home,
    options: &WatchOptions,
    seen: &mut Seen,
    stop: &Stop,
    sink: &mut Sink<'_>,
    after: &mut dyn FnMut(&Seen, &Scan),
) {
    let mut watches = Watches::new(stop);
    let mut next = Next::Everything;
    let mut scanned_at = Instant::now();
    loop {
        let mut places = BTreeSet::new();
        let mut place = |dir: &Path| _ = places.insert(dir.to_owned());
        let was_everything = matches!(next, Next::Everything);
        let scan = match next {
            Next::Stop => return,
            Next::Everything => {
                scanned_at = Instant::now();
                home.scan_places(seen, sink, &mut place)
            }
            Next::Paths(paths) => scan_paths(home, &paths, seen, sink, &mut place),
        };
        after(seen, &scan);
        let running = seen.unfinished().filter(|dir| dir.starts_with(home.root())).map(Path::to_owned);
        let new = watches.add(places.into_iter().chain(running));
        // What appeared between the scan and the watch was told by nobody, so it is looked at once more.
        let soon = was_everything && !new.is_empty();
        if !was_everything {
            stop.0.state().paths.extend(new);
        }
        let everything_at = match (scan.stopped, soon) {
            (true, _) => Instant::now() + options.poll,
            (false, true) => Instant::now() + options.settle,
            (false, false) => scanned_at + watches.pause(options),
        };
        next = stop.0.wait(everything_at, options.settle);
    }
}

fn scan_paths(
    home: &Home,
    paths: &BTreeSet<PathBuf>,
    seen: &mut Seen,
    sink: &mut Sink<'_>,
    place: &mut dyn FnMut(&Path),
) -> Scan {
    let mut total = Scan::default();
    for path in paths {
        let scan = home.scan_path(path, seen, sink, place);
        total.builds += scan.builds;
        total.reported += scan.reported;
        total.unreadable += scan.unreadable;
        total.closed += scan.closed;
        total.stopped |= scan.stopped;
        if scan.stopped {
            break;
        }
    }
    total
}

/// The folders the kernel watches for us.
struct Watches {
    watcher: Option<RecommendedWatcher>,
    dirs: BTreeSet<PathBuf>,
}

impl Watches {
    fn new(stop: &Stop) -> Self {
        let signal = Arc::clone(&stop.0);
        let watcher = notify::recommended_watcher(move |event| signal.take(event));
        let watcher = watcher.inspect_err(|error| warn!(%error, "cannot watch jenkins home, polling instead")).ok();
        Self { watcher, dirs: BTreeSet::new() }
    }

    /// Watches these folders too; gives those that are new.
    fn add(&mut self, dirs: impl Iterator<Item = PathBuf>) -> Vec<PathBuf> {
        let mut new = Vec::new();
        for dir in dirs {
            let Some(watcher) = &mut self.watcher else { return new };
            if self.dirs.contains(&dir) {
                continue;
            }
            match watcher.watch(&dir, RecursiveMode::NonRecursive) {
                Ok(()) => {
                    self.dirs.insert(dir.clone());
                    new.push(dir);
                }
                Err(error) if is_gone(&error) => {}
                Err(error) => {
                    warn!(dir = %dir.display(), n_watched = self.dirs.len(), %error, "cannot watch more of jenkins home, polling instead");
                    self.watcher = None;
                    self.dirs.clear();
                }
            }
        }
        self.dirs.retain(|dir| dir.is_dir());
        new
    }

    fn pause(&self, options: &WatchOptions) -> Duration {
        if self.watcher.is_some() { options.rescan } else { options.poll }
    }
}

fn is_gone(error: &notify::Error) -> bool {
    match &error.kind {
        notify::ErrorKind::PathNotFound => true,
        notify::ErrorKind::Io(error) => error.kind() == std::io::ErrorKind::NotFound,
        _ => false,
    }
}

/// Written all the time while a build runs; what they tell is read when it is over.
fn is_noise(path: &Path) -> bool {
    path.file_name().is_some_and(|name| ["log", "log-index", "program.dat"].iter().any(|noise| name == *noise))
}

impl Signal {
    fn take(&self, event: notify::Result<Event>) {
        let mut state = self.state();
        match event {
            // Our own reading is no change.
            Ok(event) if matches!(event.kind, EventKind::Access(_)) => return,
            Ok(event) if event.need_rescan() => state.overflowed = true,
            Ok(event) => state.paths.extend(event.paths.into_iter().filter(|path| !is_noise(path))),
            Err(_) => state.overflowed = true,
        }
        drop(state);
        self.changed.notify_all();
    }

    /// Waits for a change and for quiet after it, or for the time of the next full scan. A home that is never quiet is
    /// looked at all the same.
    fn wait(&self, everything_at: Instant, settle: Duration) -> Next {
        let mut state = self.state();
        let mut look_at: Option<Instant> = None;
        loop {
            let now = Instant::now();
            if state.stopped {
                return Next::Stop;
            }
            if state.overflowed || now >= everything_at {
                state.overflowed = false;
                state.paths.clear();
                return Next::Everything;
            }
            let n_paths = state.paths.len();
            let until = if n_paths > 0 { *look_at.get_or_insert(now + settle * 4) } else { everything_at };
            let pause = until.min(everything_at).saturating_duration_since(now);
            let pause = if n_paths > 0 { pause.min(settle) } else { pause };
            let (woken, timeout) = self.changed.wait_timeout(state, pause).unwrap_or_else(PoisonError::into_inner);
            state = woken;
            let quiet = timeout.timed_out() && state.paths.len() == n_paths;
            let late = look_at.is_some_and(|at| Instant::now() >= at);
            if n_paths > 0 && (quiet || late) && !state.stopped {
                return Next::Paths(std::mem::take(&mut state.paths));
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
