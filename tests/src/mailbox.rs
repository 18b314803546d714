//! A mail relay that keeps what it is handed.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};

/// A message that was handed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// Recipients of the envelope.
    pub to: Vec<String>,
    /// Header and body.
    pub text: String,
}

impl Letter {
    /// Value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.text.lines().take_while(|line| !line.is_empty()).find_map(|line| line.strip_prefix(&format!("{name}: ")))
    }
}

/// A relay on a port of its own, for as long as the test lasts.
#[derive(Debug)]
pub struct Mailbox {
    port: u16,
    kept: Arc<Mutex<Vec<Letter>>>,
    /// Messages that are turned away before the first is taken.
    busy: Arc<Mutex<u32>>,
}

impl Mailbox {
    /// Starts it; it is busy for so many messages.
    pub fn new(busy: u32) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (kept, busy) = (Arc::<Mutex<Vec<Letter>>>::default(), Arc::new(Mutex::new(busy)));
        let (box_, left) = (kept.clone(), busy.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (kept, busy) = (box_.clone(), left.clone());
                std::thread::spawn(move || serve(&stream, &kept, &busy));
            }
        });
        Self { port, kept, busy }
    }

    /// Its address, for a relay without TLS.
    pub fn url(&self) -> String {
        format!("smtp://127.0.0.1:{}?tls=none", self.port)
    }

    /// What it was handed, oldest first.
    pub fn letters(&self) -> Vec<Letter> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether it has turned all away that it was to.
    pub fn is_ready(&self) -> bool {
        *self.busy.lock().unwrap_or_else(PoisonError::into_inner) == 0
    }
}

fn serve(stream: &TcpStream, kept: &Mutex<Vec<Letter>>, busy: &Mutex<u32>) -> Option<()> {
    let mut reader = BufReader::new(stream);
    let say = |text: &str| (&mut &*stream).write_all(format!("{text}\r\n").as_bytes()).ok();
    let mut letter = Letter { to: Vec::new(), text: String::new() };
    let mut is_data = false;
    say("220 mailbox")?;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|bytes| *bytes > 0)?;
        let line = line.trim_end();
        if is_data && line != "." {
            letter.text += line.strip_prefix('.').unwrap_or(line);
            letter.text.push('\n');
            continue;
        }
        match line.split(' ').next().unwrap_or_default() {
            "." => {
                is_data = false;
                kept.lock().unwrap_or_else(PoisonError::into_inner).push(letter.clone());
                say("250 taken")?;
            }
            "RCPT" => {
                letter.to.push(line.trim_start_matches("RCPT TO:<").trim_end_matches('>').to_owned());
                say("250 fine")?;
            }
            "DATA" => {
                let mut busy = busy.lock().unwrap_or_else(PoisonError::into_inner);
                is_data = *busy == 0;
                *busy = busy.saturating_sub(1);
                say(if is_data { "354 go on" } else { "451 busy" })?;
            }
            _ => say("250 fine")?,
        }
    }
}
