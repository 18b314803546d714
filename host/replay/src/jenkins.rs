//! A Jenkins home.

use std::io;
use std::path::Path;

use crate::company::Company;

/// Writes a Jenkins home.
pub fn write_jenkins_home(_company: &Company, _dir: &Path) -> io::Result<()> {
    Ok(())
}
