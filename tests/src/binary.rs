//! Where the binary under test is: beside the test executable, with its plugins, or where `WEIR_BIN` says.

use std::path::PathBuf;

/// Path of `weir`. Panics with what to do when it was not built.
pub(crate) fn weir() -> PathBuf {
    if let Some(path) = std::env::var_os("WEIR_BIN") {
        return PathBuf::from(path);
    }
    // <target>/debug/deps/suite-... lies one folder below the binary.
    let own = std::env::current_exe().expect("a running program knows its path");
    let folder = own.parent().and_then(std::path::Path::parent).expect("it lies two folders deep");
    let path = folder.join("weir");
    let plugin = folder.join("plugins/connector-github.wasm");
    assert!(path.exists(), "no {}; run `cargo build -p weir`", path.display());
    assert!(plugin.exists(), "no {}; run `cargo xtask plugins`", plugin.display());
    path
}

/// Path of an installed first-party plugin.
pub fn installed_plugin(name: &str) -> PathBuf {
    weir().with_file_name("plugins").join(format!("{name}.wasm"))
}
