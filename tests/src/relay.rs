//! An address that stays while what is behind it is killed and started again elsewhere.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

/// Passes connections on to whoever is behind it now; while nobody is, it closes them.
#[derive(Debug, Clone)]
pub struct Relay {
    url: String,
    behind: Arc<Mutex<Option<String>>>,
    bytes: Arc<AtomicU64>,
}

impl Relay {
    /// A relay with nobody behind it. It lives as long as the test.
    pub fn new() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let relay = Self { url, behind: Arc::default(), bytes: Arc::default() };
        let accepting = relay.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let bytes = accepting.bytes.clone();
                let behind = accepting.behind.lock().unwrap().clone();
                std::thread::spawn(move || behind.map(|address| pass(&stream, &address, &bytes)));
            }
        });
        relay
    }

    /// Where it listens.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Passes on to `url` from now on.
    pub fn point_to(&self, url: &str) {
        *self.behind.lock().unwrap() = Some(url.trim_start_matches("http://").to_owned());
    }

    /// Bytes passed on so far, to whoever was behind it.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::SeqCst)
    }
}

impl Default for Relay {
    fn default() -> Self {
        Self::new()
    }
}

fn pass(client: &TcpStream, address: &str, bytes: &Arc<AtomicU64>) -> io::Result<()> {
    let server = TcpStream::connect(address)?;
    let (from, to) = (client.try_clone()?, server.try_clone()?);
    let forth = bytes.clone();
    std::thread::spawn(move || copy(from, to, &forth));
    copy(server, client.try_clone()?, &AtomicU64::new(0));
    Ok(())
}

/// Copies until either end is gone, and takes the other with it.
fn copy(mut from: TcpStream, mut to: TcpStream, bytes: &AtomicU64) {
    let mut buffer = [0; 16 << 10];
    while let Ok(n) = from.read(&mut buffer) {
        if n == 0 || to.write_all(&buffer[..n]).is_err() {
            break;
        }
        bytes.fetch_add(n as u64, Ordering::SeqCst);
    }
    drop(to.shutdown(Shutdown::Both));
    drop(from.shutdown(Shutdown::Both));
}
