//! `weir init`.

use std::fs::File;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use super::Answer;
use super::args::Init;
use super::satellite::{self, SECRETS};
use crate::error::Fault;

/// The configuration to begin with.
pub(super) const TEMPLATE: &str = include_str!("init.toml");

pub(super) fn init(asked: &Init) -> Answer {
    match &asked.from_satellite {
        Some(satellite) => import(&asked.file, satellite)?,
        None => write(&asked.file, &TEMPLATE.replace("{host}", &host_name()), 0o644)?,
    }
    println!("wrote {}; `weir check` checks it, `weir run` runs it", asked.file.display());
    Ok(true)
}

/// Writes the configuration of a satellite as one of ours. Secrets are written first: a configuration that is there has
/// them.
fn import(file: &Path, satellite: &Path) -> Result<(), Fault> {
    let unreadable = |error| Fault::config(format!("cannot read {}", satellite.display())).caused_by(error);
    let bytes = std::fs::read(satellite).map_err(unreadable)?;
    let imported = satellite::import(&String::from_utf8_lossy(&bytes), &host_name())?;
    if file.exists() {
        return Err(cannot_write(file)(ErrorKind::AlreadyExists.into()));
    }
    let folder = file.parent().unwrap_or(Path::new("")).join(SECRETS);
    if !imported.secrets.is_empty() && !folder.is_dir() {
        std::fs::DirBuilder::new().mode(0o700).create(&folder).map_err(cannot_write(&folder))?;
    }
    for (name, secret) in &imported.secrets {
        write(&folder.join(name), secret, 0o600)?;
    }
    write(file, &imported.toml, 0o644)?;
    println!("{} integrations taken over, their secrets are in {}", imported.n_integrations(), folder.display());
    for note in &imported.notes {
        eprintln!("not taken over: {note}");
    }
    Ok(())
}

/// Writes a file that is not there yet.
fn write(path: &Path, text: &str, mode: u32) -> Result<(), Fault> {
    let file = File::options().write(true).create_new(true).mode(mode).open(path);
    file.and_then(|mut file| file.write_all(text.as_bytes())).map_err(cannot_write(path))
}

fn cannot_write(path: &Path) -> impl FnOnce(std::io::Error) -> Fault {
    move |error| {
        let fault = Fault::config(format!("cannot write {}", path.display()));
        let exists = error.kind() == ErrorKind::AlreadyExists;
        let fault = if exists { fault.hint("it exists; name another file, or move it away") } else { fault };
        fault.caused_by(error)
    }
}

/// The machine's name, made into a name of ours.
fn host_name() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let name: String = name.trim().to_ascii_lowercase().chars().filter(|c| fits(*c)).take(32).collect();
    if weir_model::HostName::new(name.as_str()).is_ok() { name } else { "weir".to_owned() }
}
