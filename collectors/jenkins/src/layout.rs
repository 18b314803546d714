//! Where Jenkins keeps builds, and what a build's place says about its job.
//!
//! A build is a folder with a `build.xml`. Its job is known from the path alone: `jobs/<name>` nested to any depth, then
//! `branches/<branch>`, `modules/<module>`, `configurations/axis-<axis>/<value>` or `promotions/<process>`, then
//! `builds/<number or time>`. Invariant: every path gives a place, also one Jenkins would never write.

use std::path::Path;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use weir_protocol::Axis;

/// Folders of a job that hold further jobs or builds.
pub(crate) const MARKERS: [&str; 5] = ["jobs", "branches", "modules", "configurations", "promotions"];
/// Folder of a job that holds its builds.
pub(crate) const BUILDS: &str = "builds";
/// The file that makes a folder a build.
pub(crate) const BUILD_XML: &str = "build.xml";

/// What the path of a build says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Place {
    /// Path below `jobs/`, as on disk.
    pub(crate) job_full_name: String,
    /// Folders and job.
    pub(crate) names: Vec<String>,
    /// Branch folder below the job.
    pub(crate) branch: Option<String>,
    pub(crate) module: Option<String>,
    pub(crate) axes: Vec<Axis>,
    pub(crate) promotion: Option<String>,
    /// Name of the build's folder: a number, or a time in old homes.
    pub(crate) folder: String,
    /// It is where Jenkins would put it.
    pub(crate) standard: bool,
}

/// What a part of the path is about.
#[derive(Clone, Copy)]
enum Expect {
    Name,
    Branch,
    Module,
    Axis,
    Promotion,
    Marker,
}

impl Place {
    /// Reads the path of a build's folder below its home. `above` names the job of a build that lies bare in the folder
    /// that was given.
    pub(crate) fn of(path: &Path, above: &str) -> Self {
        let mut parts: Vec<String> = path.iter().map(|part| part.to_string_lossy().into_owned()).collect();
        let folder = parts.pop().unwrap_or_default();
        let in_builds = parts.last().is_some_and(|last| last == BUILDS);
        if in_builds {
            parts.pop();
        }
        let in_jobs = parts.first().is_some_and(|first| first == "jobs");
        if in_jobs {
            parts.remove(0);
        }
        if parts.is_empty() {
            parts.push(above.to_owned());
        }
        let mut place =
            Self { job_full_name: parts.join("/"), folder, standard: in_builds && in_jobs, ..Self::default() };
        place.read(&parts);
        place
    }

    /// Last of the names.
    pub(crate) fn job_name(&self) -> &str {
        self.names.last().map_or("", String::as_str)
    }

    /// Name as Jenkins shows it, with the real name of the branch.
    pub(crate) fn qualified_name(&self, branch: Option<&str>) -> String {
        let mut parts: Vec<&str> = self.names.iter().map(String::as_str).collect();
        parts.extend(branch);
        parts.extend(self.module.as_deref());
        let axes = self.axes_text();
        parts.extend((!axes.is_empty()).then_some(axes.as_str()));
        if let Some(process) = &self.promotion {
            parts.extend(["promotion", process]);
        }
        parts.join("/")
    }

    /// Path of the build's page below the address of Jenkins.
    pub(crate) fn page(&self, branch: Option<&str>, number: u64) -> String {
        let mut parts: Vec<String> = self.names.iter().flat_map(|name| ["job".to_owned(), encoded(name)]).collect();
        if let Some(branch) = branch {
            // The name of a branch's job is encoded once by Jenkins itself, and once more for the address.
            parts.extend(["job".to_owned(), encoded(&encoded(branch))]);
        }
        parts.extend(self.module.as_deref().map(encoded));
        if !self.axes.is_empty() {
            parts.push(encoded(&self.axes_text()));
        }
        if let Some(process) = &self.promotion {
            parts.extend(["promotion".to_owned(), encoded(process)]);
        }
        format!("{}/{number}/", parts.join("/"))
    }

    fn axes_text(&self) -> String {
        self.axes.iter().map(|axis| format!("{}={}", axis.name, axis.value)).collect::<Vec<_>>().join(",")
    }

    fn read(&mut self, parts: &[String]) {
        let mut expect = Expect::Name;
        let mut parts = parts.iter();
        while let Some(part) = parts.next() {
            expect = match (expect, part.as_str()) {
                (Expect::Marker | Expect::Axis, "jobs") => Expect::Name,
                (Expect::Marker, "branches") => Expect::Branch,
                (Expect::Marker, "modules") => Expect::Module,
                (Expect::Marker, "configurations") => Expect::Axis,
                (Expect::Marker | Expect::Axis, "promotions") => Expect::Promotion,
                (Expect::Name | Expect::Marker, name) => {
                    self.names.push(name.to_owned());
                    Expect::Marker
                }
                (Expect::Branch, branch) => {
                    self.branch = Some(branch.to_owned());
                    Expect::Marker
                }
                (Expect::Module, module) => {
                    self.module = Some(module.to_owned());
                    Expect::Marker
                }
                (Expect::Axis, axis) => {
                    let name = axis.strip_prefix("axis-").unwrap_or(axis).to_owned();
                    self.axes.push(Axis { name, value: parts.next().cloned().unwrap_or_default() });
                    Expect::Axis
                }
                (Expect::Promotion, process) => {
                    self.promotion = Some(process.to_owned());
                    Expect::Marker
                }
            };
        }
    }
}

/// The name behind a folder's name in which unsafe characters are written as `%2F`.
pub(crate) fn decoded(folder: &str) -> String {
    percent_decode_str(folder).decode_utf8().map_or_else(|_| folder.to_owned(), Into::into)
}

fn encoded(part: &str) -> String {
    const KEPT: &AsciiSet =
        &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b'=').remove(b',').remove(b'$');
    utf8_percent_encode(part, KEPT).to_string()
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    fn check(path: &str, expected: &Expect) {
        let place = Place::of(Path::new(path), "above");
        let branch = place.branch.as_deref().map(decoded);
        let qualified = place.qualified_name(branch.as_deref());
        let page = place.page(branch.as_deref(), 9);
        expected.assert_eq(&format!("{} | {} | {qualified} | {page}", place.job_full_name, place.job_name()));
    }

    #[test]
    fn names_every_sort_of_job() {
        check("jobs/Pipe2/builds/9", &expect!["Pipe2 | Pipe2 | Pipe2 | job/Pipe2/9/"]);
        check(
            "jobs/a/jobs/b/jobs/c d/builds/9",
            &expect!["a/jobs/b/jobs/c d | c d | a/b/c d | job/a/job/b/job/c%20d/9/"],
        );
        check(
            "jobs/m/branches/feature%2Fx/builds/9",
            &expect!["m/branches/feature%2Fx | m | m/feature/x | job/m/job/feature%252Fx/9/"],
        );
        check(
            "jobs/f/jobs/mvn/modules/com.acme$core/builds/9",
            &expect!["f/jobs/mvn/modules/com.acme$core | mvn | f/mvn/com.acme$core | job/f/job/mvn/com.acme$core/9/"],
        );
        check(
            "jobs/x/configurations/axis-jdk/17/axis-os/linux/builds/9",
            &expect!["x/configurations/axis-jdk/17/axis-os/linux | x | x/jdk=17,os=linux | job/x/jdk=17,os=linux/9/"],
        );
        check(
            "jobs/j/promotions/OK/builds/9",
            &expect!["j/promotions/OK | j | j/promotion/OK | job/j/promotion/OK/9/"],
        );
    }

    #[test]
    fn a_job_may_be_called_like_a_marker() {
        check(
            "jobs/jobs/jobs/builds/builds/9",
            &expect!["jobs/jobs/builds | builds | jobs/builds | job/jobs/job/builds/9/"],
        );
    }

    #[test]
    fn every_path_gives_a_place() {
        check("9", &expect!["above | above | above | job/above/9/"]);
        check("builds/9", &expect!["above | above | above | job/above/9/"]);
        check(
            "git_changes_dir/9",
            &expect!["git_changes_dir | git_changes_dir | git_changes_dir | job/git_changes_dir/9/"],
        );
        check("", &expect!["above | above | above | job/above/9/"]);
        check("jobs/x/configurations/axis-a/builds/9", &expect!["x/configurations/axis-a | x | x/a= | job/x/a=/9/"]);
    }
}
