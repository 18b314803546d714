//! Builds are reported while Jenkins writes them.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on stops")]

mod home;

use std::fs;
use std::ops::ControlFlow;
use std::sync::mpsc::channel;
use std::time::Duration;

use home::{Fixture, freestyle};
use weir_jenkins::{Home, Seen, Stop, WatchOptions, watch};

const DEADLINE: Duration = Duration::from_secs(20);

/// Writes a home step by step; each step waits for its report.
fn check(rescan: Duration) {
    let fixture = Fixture::new();
    fixture.file("jobs/j/builds/1/build.xml", freestyle(""));
    let home = Home::open(&fixture.settings()).unwrap();
    let stop = Stop::default();
    let (sender, reports) = channel();
    let watching = std::thread::spawn({
        let stop = stop.clone();
        let options = WatchOptions { settle: Duration::from_millis(20), rescan, poll: Duration::from_millis(50) };
        move || {
            let mut sink = |report: weir_jenkins::Report| {
                sender.send(report.key).unwrap();
                ControlFlow::Continue(())
            };
            watch(&home, &options, &mut Seen::default(), &stop, &mut sink, &mut |_, _| {});
        }
    });
    let next = || reports.recv_timeout(DEADLINE).unwrap();
    assert_eq!(next(), "i/j/1/1700000000000");
    fixture.file("jobs/j/builds/2/build.xml", "<build><timestamp>2</timestamp></build>");
    assert_eq!(next(), "i/j/2/2");
    // Jenkins replaces the file by renaming.
    fixture.file("jobs/j/builds/2/new", "<build><timestamp>2</timestamp><result>SUCCESS</result></build>");
    fs::rename(fixture.path("jobs/j/builds/2/new"), fixture.path("jobs/j/builds/2/build.xml")).unwrap();
    assert_eq!(next(), "i/j/2/2");
    fixture.file("jobs/k/jobs/l/builds/1/build.xml", freestyle(""));
    assert_eq!(next(), "i/k/jobs/l/1/1700000000000");
    stop.stop();
    watching.join().unwrap();
    assert!(stop.is_stopped());
}

#[test]
fn by_events_alone() {
    check(Duration::from_hours(1));
}

#[test]
fn by_rescans() {
    check(Duration::from_millis(50));
}
