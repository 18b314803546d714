//! The senders: a process of its own with many keep-alive connections, each waiting for its acknowledgement.

use std::io::{BufReader, prelude::*};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::builds::build;

/// What is sent.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Order {
    /// Root of the host.
    pub(crate) url: String,
    /// Name in what is sent, so that two loads send different builds.
    pub(crate) sender: String,
    /// Connections side by side.
    pub(crate) connections: u32,
    /// Builds in a request.
    pub(crate) batch: u64,
    /// How long.
    pub(crate) seconds: u64,
    /// Requests a second over all connections; 0: as many as are acknowledged.
    pub(crate) rate: u32,
}

/// What came of it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Sent {
    /// Requests acknowledged.
    pub(crate) requests: u64,
    /// Builds acknowledged.
    pub(crate) builds: u64,
    /// Bytes of them.
    pub(crate) bytes: u64,
    /// Time from the first request to the last acknowledgement.
    pub(crate) seconds: f64,
    /// Time from request to acknowledgement, each, in microseconds.
    pub(crate) waits_us: Vec<u64>,
}

impl Order {
    /// Starts senders.
    pub(crate) fn start(&self) -> Child {
        let order = serde_json::to_string(self).unwrap();
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["load", &order]).stdout(Stdio::piped()).spawn().unwrap()
    }

    /// Sends and waits for the end.
    pub(crate) fn run(&self) -> Sent {
        finish(self.start())
    }
}

/// Waits for senders to end.
pub(crate) fn finish(senders: Child) -> Sent {
    let output = senders.wait_with_output().unwrap();
    assert!(output.status.success(), "a sender failed");
    serde_json::from_slice(&output.stdout).unwrap()
}

impl Sent {
    /// Waits in order.
    pub(crate) fn waits(&self) -> Vec<Duration> {
        let mut waits: Vec<_> = self.waits_us.iter().map(|us| Duration::from_micros(*us)).collect();
        waits.sort_unstable();
        waits
    }
}

/// The role: sends what the order says and prints what came of it.
pub(crate) fn send(order: &str) {
    let order: Order = serde_json::from_str(order).unwrap();
    let number = AtomicU64::new(0);
    let started = Instant::now();
    let parts: Vec<Sent> = std::thread::scope(|scope| {
        let sender = |index| {
            let (order, number) = (&order, &number);
            scope.spawn(move || send_on_one(order, index, number, started))
        };
        let senders: Vec<_> = (0..order.connections).map(sender).collect();
        senders.into_iter().map(|sender| sender.join().unwrap()).collect()
    });
    let mut sum = Sent { seconds: started.elapsed().as_secs_f64(), ..Sent::default() };
    for part in parts {
        sum.requests += part.requests;
        sum.builds += part.builds;
        sum.bytes += part.bytes;
        sum.waits_us.extend(part.waits_us);
    }
    println!("{}", serde_json::to_string(&sum).unwrap());
}

fn send_on_one(order: &Order, index: u32, number: &AtomicU64, started: Instant) -> Sent {
    let address = order.url.trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_nodelay(true).unwrap();
    let mut answers = BufReader::new(stream.try_clone().unwrap());
    let mut sent = Sent::default();
    let end = Duration::from_secs(order.seconds);
    for turn in 0_u32.. {
        if order.rate > 0 {
            let due = Duration::from_secs(1) * (turn * order.connections + index) / order.rate;
            std::thread::sleep(due.saturating_sub(started.elapsed()));
        }
        if started.elapsed() >= end {
            break;
        }
        let first = number.fetch_add(order.batch, Ordering::Relaxed);
        let body = (first..first + order.batch).map(|number| build(&order.sender, number) + "\n").collect::<String>();
        let head = format!("POST /v1/builds HTTP/1.1\r\nhost: {address}\r\ncontent-length: {}\r\n\r\n", body.len());
        let asked = Instant::now();
        stream.write_all(&[head.as_bytes(), body.as_bytes()].concat()).unwrap();
        let status = read_answer(&mut answers);
        assert_eq!(status, 202, "the host refused");
        sent.waits_us.push(u64::try_from(asked.elapsed().as_micros()).unwrap());
        sent.requests += 1;
        sent.builds += order.batch;
        sent.bytes += body.len() as u64;
    }
    sent
}

/// Reads an answer to its end and gives its status.
fn read_answer(answers: &mut BufReader<TcpStream>) -> u16 {
    let (mut status, mut length) = (0, 0);
    let mut line = String::new();
    while answers.read_line(&mut line).unwrap() > 2 {
        if let Some(code) = line.strip_prefix("HTTP/1.1 ") {
            status = code[..3].parse().unwrap();
        } else if let Some(bytes) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = bytes.trim().parse().unwrap();
        }
        line.clear();
    }
    answers.read_exact(&mut vec![0; length]).unwrap();
    status
}
