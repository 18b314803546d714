//! From a file to a plugin: what is looked at, what is refused, what is kept.

use std::fs;
use std::path::{Path, PathBuf};

use expect_test::expect;
use weir_sandbox::{Limits, LoadError, Sandbox, SandboxOptions};

use crate::support::{Guest, HONEST, honest_run};

#[test]
fn a_component_tells_what_it_is_without_running() {
    let inspection = Sandbox::inspect(&Guest::Connector.wasm()).unwrap();
    assert_eq!(inspection.manifest.id, "hostile-connector");
    assert_eq!(inspection.digest.len(), 64);
    expect![[r"
        weir:log/log@0.1.0
        weir:types/types@0.1.0
        weir:http/http@0.1.0
        weir:state/state@0.1.0
        weir:entities/entities@0.1.0
        weir:connector/raw@0.1.0
        wasi:io/poll@0.2.6
        wasi:clocks/monotonic-clock@0.2.6
        wasi:io/error@0.2.6
        wasi:io/streams@0.2.6
        wasi:cli/environment@0.2.6
        wasi:cli/exit@0.2.6
        wasi:cli/stdin@0.2.6
        wasi:cli/stdout@0.2.6
        wasi:cli/stderr@0.2.6
        wasi:cli/terminal-input@0.2.6
        wasi:cli/terminal-output@0.2.6
        wasi:cli/terminal-stdin@0.2.6
        wasi:cli/terminal-stdout@0.2.6
        wasi:cli/terminal-stderr@0.2.6
        wasi:clocks/wall-clock@0.2.6
        wasi:random/insecure-seed@0.2.6

        weir:connector/webhook@0.1.0
        weir:connector/source@0.1.0
        weir:connector/normalizer@0.1.0
    "]]
    .assert_eq(&(inspection.imports.join("\n") + "\n\n" + &inspection.exports.join("\n") + "\n"));
}

#[test]
fn all_misfits_are_told_at_once() {
    let error = Sandbox::inspect(&Guest::Smuggler.wasm()).unwrap_err();
    let LoadError::Misfits(misfits) = error else { panic!("{error}") };
    expect![[r"
        world connector-push has no import `weir:http/http@0.1.0`
        world connector-push has no import `weir:state/state@0.1.0`
        world connector-push has no import `greet`
    "]]
    .assert_eq(&(misfits.join("\n") + "\n"));
}

fn options(dir: &Path, key: u8) -> SandboxOptions {
    SandboxOptions { cache_dir: dir.to_owned(), cache_key: [key; 32], limits: Limits::default() }
}

fn compiled(dir: &Path, extension: &str) -> PathBuf {
    let folder = fs::read_dir(dir).unwrap().next().unwrap().unwrap().path();
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files.into_iter().find(|path| path.extension().is_some_and(|found| found == extension)).unwrap()
}

#[tokio::test]
async fn compiled_code_is_taken_only_under_its_mac() {
    let dir = tempfile::tempdir().unwrap();
    let sandbox = Sandbox::new(options(dir.path(), 1)).unwrap();
    sandbox.load(Guest::Connector.wasm()).await.unwrap();
    let code = compiled(dir.path(), "cwasm");
    let good = fs::read(&code).unwrap();

    // One flipped bit: compiled again, and the file is good again.
    let mut bad = good.clone();
    bad[good.len() / 2] ^= 1;
    fs::write(&code, &bad).unwrap();
    let plugin = sandbox.load(Guest::Connector.wasm()).await.unwrap();
    assert_eq!(honest_run(&plugin).await, *HONEST);
    assert_eq!(fs::read(&code).unwrap(), good);

    // Another key, a lost MAC, an empty file: likewise.
    let stranger = Sandbox::new(options(dir.path(), 2)).unwrap();
    stranger.load(Guest::Connector.wasm()).await.unwrap();
    fs::remove_file(compiled(dir.path(), "mac")).unwrap();
    sandbox.load(Guest::Connector.wasm()).await.unwrap();
    fs::write(&code, b"").unwrap();
    let plugin = sandbox.load(Guest::Connector.wasm()).await.unwrap();
    assert_eq!(honest_run(&plugin).await, *HONEST);
    assert_eq!(fs::read(&code).unwrap(), good);
}

#[tokio::test]
async fn compiled_code_from_outside_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let sandbox = Sandbox::new(options(dir.path(), 1)).unwrap();
    sandbox.load(Guest::Connector.wasm()).await.unwrap();
    let code = fs::read(compiled(dir.path(), "cwasm")).unwrap();
    assert!(matches!(Sandbox::inspect(&code), Err(LoadError::Precompiled)));
}

#[tokio::test]
async fn a_damaged_component_is_refused() {
    let sandbox = crate::support::sandbox(Limits::default());
    let mut wasm = Guest::Connector.wasm();
    wasm.truncate(wasm.len() / 2);
    assert!(sandbox.load(wasm).await.is_err());
}
