//! `weir init`.

use super::Answer;
use super::args::Init;
use crate::error::Fault;

const TEMPLATE: &str = include_str!("init.toml");

pub(super) fn init(asked: &Init) -> Answer {
    use std::io::Write;
    let failed = |error: std::io::Error| {
        let fault = Fault::config(format!("cannot write {}", asked.file.display()));
        let fault = if error.kind() == std::io::ErrorKind::AlreadyExists {
            fault.hint("it exists; name another file")
        } else {
            fault
        };
        fault.caused_by(error)
    };
    let mut file = std::fs::File::create_new(&asked.file).map_err(failed)?;
    file.write_all(TEMPLATE.replace("{host}", &host_name()).as_bytes()).map_err(failed)?;
    println!("wrote {}; `weir check` checks it, `weir run` runs it", asked.file.display());
    Ok(true)
}

/// The machine's name, made into a name of ours.
fn host_name() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let name: String = name.trim().to_ascii_lowercase().chars().filter(|c| fits(*c)).take(32).collect();
    if weir_model::HostName::new(name.as_str()).is_ok() { name } else { "weir".to_owned() }
}
