//! A small disk of its own, that can be full or fail: a mount in a namespace that only the processes of a test see.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// Makes a file system in memory.
const TMPFS: &str = "mount -t tmpfs -o size=$SIZE,mode=700 none data";
/// Makes one as disks have it, in a file.
const EXT4: &str =
    "truncate -s $SIZE disk.img && mkfs.ext4 -q disk.img && mount -o loop disk.img data && rmdir data/lost+found";

/// The disk at `data` in a folder. It goes with the last process that sees it.
#[derive(Debug)]
pub struct Disk {
    holder: Child,
    is_ours: bool,
}

impl Disk {
    /// A disk in memory; needs no rights. None, with the reason told, where that is not allowed.
    pub(crate) fn in_memory(folder: &Path, mib: u32) -> Option<Self> {
        Self::mounted(folder, mib, TMPFS, &["--mount", "--map-root-user"])
    }

    /// A disk that can fail; needs root and loop devices. None, with the reason told, where they are not to be had.
    pub(crate) fn that_can_fail(folder: &Path, mib: u32) -> Option<Self> {
        Self::mounted(folder, mib, EXT4, &["--mount"])
    }

    fn mounted(folder: &Path, mib: u32, mount: &str, namespaces: &[&str]) -> Option<Self> {
        std::fs::create_dir_all(folder.join("data")).unwrap();
        // It holds the namespace until nobody holds its input.
        let script = format!("({mount}) 2>&1 && echo mounted && exec cat");
        let mut command = Command::new("unshare");
        command.args(namespaces).args(["sh", "-c", &script]).env("SIZE", format!("{mib}M")).current_dir(folder);
        let started = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn();
        let Ok(mut holder) = started else {
            println!("SKIPPED: there is no `unshare` to give a test a disk of its own");
            return None;
        };
        let mut said = String::new();
        BufReader::new(holder.stdout.take().unwrap()).read_line(&mut said).unwrap();
        let mut disk = Self { holder, is_ours: namespaces.contains(&"--map-root-user") };
        if said == "mounted\n" {
            return Some(disk);
        }
        println!("SKIPPED: a test cannot have a disk of its own here: {}", said.trim());
        disk.end();
        None
    }

    /// A program that sees the disk, without its arguments.
    pub(crate) fn program(&self, program: &Path) -> Command {
        let mut command = Command::new("nsenter");
        command.args(["--target", &self.holder.id().to_string(), "--mount", "--wd"]);
        if self.is_ours {
            command.args(["--user", "--preserve-credentials"]);
        }
        command.arg("--").arg(program);
        command
    }

    /// Runs a line of shell beside the disk, and gives what it printed; panics when it fails.
    pub fn sh(&self, line: &str) -> String {
        let output = self.program(Path::new("sh")).args(["-c", line]).output().unwrap();
        assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Leaves no space but for some KiB.
    pub fn fill(&self, but_kib: u64) {
        // Up to the last page, then what is to be free is given back.
        self.sh("cat /dev/zero > data/ballast 2>/dev/null || true");
        self.sh(&format!("truncate -s -{but_kib}K data/ballast"));
    }

    /// Gives the space back.
    pub fn make_room(&self) {
        self.sh("rm data/ballast");
    }

    fn end(&mut self) {
        // It may have ended by itself.
        drop(self.holder.kill());
        drop(self.holder.wait());
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        self.end();
    }
}
