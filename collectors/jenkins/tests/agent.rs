//! The agent as a program: it delivers what is there, survives being killed, and leaves the home alone.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on stops")]

mod home;

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, channel};

use home::{Fixture, freestyle};
use serde_json::Value;

/// A host that takes everything; gives the bodies.
fn host() -> (String, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut reader, sender) = (BufReader::new(stream.unwrap()), sender.clone());
            std::thread::spawn(move || {
                while let Some(body) = request(&mut reader) {
                    sender.send(body).unwrap();
                    reader.get_mut().write_all(b"HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n").unwrap();
                }
            });
        }
    });
    (url, receiver)
}

fn request(reader: &mut impl BufRead) -> Option<String> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if line.trim().is_empty() {
            let mut body = vec![0; length];
            reader.read_exact(&mut body).ok()?;
            return Some(String::from_utf8(body).unwrap());
        }
    }
}

fn agent(home: &Path, spool: &Path, url: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_weir-jenkins"));
    command.arg("--home").arg(home).arg("--spool").arg(spool).arg("--url").arg(url);
    command.stderr(Stdio::null());
    command
}

fn numbers(bodies: &Receiver<String>) -> Vec<u64> {
    let bodies = bodies.try_iter().map(|body| serde_json::from_str::<Vec<Value>>(&body).unwrap());
    bodies.flatten().map(|build| build["build_number"].as_u64().unwrap()).collect()
}

#[test]
fn delivers_once_and_then_only_what_is_new() {
    let (fixture, spool, (url, bodies)) = (Fixture::new(), tempfile::tempdir().unwrap(), host());
    let run = || assert!(agent(fixture.root(), spool.path(), &url).arg("--once").status().unwrap().success());
    fixture.file("jobs/j/builds/1/build.xml", freestyle("")).file("jobs/j/builds/2/build.xml", freestyle(""));
    run();
    assert_eq!(numbers(&bodies), [1, 2]);
    run();
    assert_eq!(numbers(&bodies), [0; 0]);
    fixture.file("jobs/j/builds/3/build.xml", freestyle(""));
    run();
    assert_eq!(numbers(&bodies), [3]);
}

#[test]
fn survives_being_killed_while_the_host_is_down() {
    let (fixture, spool) = (Fixture::new(), tempfile::tempdir().unwrap());
    fixture.file("jobs/j/builds/1/build.xml", freestyle(""));
    let down = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", down.local_addr().unwrap());
    let mut killed = agent(fixture.root(), spool.path(), &url).spawn().unwrap();
    // It connects only after the report is in the spool, and gets no answer.
    let _connection = down.accept().unwrap();
    killed.kill().unwrap();
    killed.wait().unwrap();

    let (url, bodies) = host();
    assert!(agent(fixture.root(), spool.path(), &url).arg("--once").status().unwrap().success());
    let arrived = numbers(&bodies);
    assert!(!arrived.is_empty() && arrived.iter().all(|number| *number == 1), "{arrived:?}");
}
