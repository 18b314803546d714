//! What any of the guests can be told to do.

use std::hint::black_box;

use serde::Deserialize;

/// Settings of every guest here.
#[derive(Debug, Deserialize)]
pub(crate) struct Orders {
    /// What to do.
    #[serde(rename = "do")]
    pub(crate) act: String,
    /// How often or how much.
    #[serde(default)]
    pub(crate) n: usize,
    /// Bytes of each.
    #[serde(default)]
    pub(crate) size: usize,
    /// A key, path, link or header name.
    #[serde(default)]
    pub(crate) text: String,
}

impl Orders {
    pub(crate) fn read(settings: &str) -> Self {
        serde_json::from_str(settings).expect("the test wrote the settings")
    }
}

/// Misuses the machine in the named way; comes back for any other name.
pub(crate) fn misbehave(act: &str) {
    match act {
        "spin" => spin(),
        "allocate" => allocate(),
        "recurse" => {
            black_box(recurse(0));
        }
        "panic" => panic!("the guest's own words"),
        "exit" => std::process::exit(3),
        "sleep" => std::thread::sleep(std::time::Duration::from_hours(1)),
        _ => {}
    }
}

fn spin() {
    let mut n = 0_u64;
    loop {
        n = black_box(n.wrapping_add(1));
    }
}

fn allocate() {
    let mut hoard = Vec::new();
    loop {
        hoard.push(black_box(vec![1_u8; 1 << 20]));
    }
}

fn recurse(depth: u64) -> u64 {
    let pad = black_box([depth; 64]);
    if pad[0] == u64::MAX {
        return 0;
    }
    recurse(depth + 1) + pad[usize::try_from(depth % 64).unwrap_or(0)]
}
