//! Exports that are encrypted, and exports in a store of the S3 kind.

use std::path::{Path, PathBuf};
use std::process::Command;

use age::secrecy::ExposeSecret;
use age::x25519::Identity;
use serde_json::{Value, json};
use weir_tests::{Answer, Client, Store, Weir, eventually, files_below, python_programs};

const CANARY: &str = "tweety-in-the-coal-mine";
const STORE: &str = "s3://weir/exports/lab";

/// Builds with so many bytes of payload each.
fn ingest(weir: &Weir, numbers: std::ops::Range<u64>, bytes: usize) {
    let build = |number: u64| {
        json!({ "pipeline": CANARY, "branch_name": "main", "build_number": number, "result": "SUCCESS",
            "start_time": 1_700_000_000_000_u64 + number * 60_000, "duration": 30_000, "note": "x".repeat(bytes) })
    };
    weir.write("builds.jsonl", numbers.map(|number| build(number).to_string() + "\n").collect::<String>());
    weir.json(&["ingest", "--as", "builds", "builds.jsonl"]);
}

fn answers(weir: &Weir) -> Value {
    let found = weir.json(&["search", "", "--limit", "100"]);
    json!([weir.json(&["metrics", "--by", "day"]), found["hits"], found["total"]])
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn recipient(identity: &Identity) -> String {
    identity.to_public().to_string()
}

/// A file as `age-keygen` writes it.
fn identity_file(weir: &Weir, name: &str, identity: &Identity) -> PathBuf {
    let secret = identity.to_string();
    weir.write(name, format!("# public key: {}\n{}\n", recipient(identity), secret.expose_secret()))
}

/// Whether any file below a folder has the text in it.
fn holds(folder: &Path, text: &str) -> bool {
    let holds =
        |file: &PathBuf| std::fs::read(file).unwrap().windows(text.len()).any(|window| window == text.as_bytes());
    files_below(folder, "").iter().any(holds)
}

fn modified(path: PathBuf) -> std::time::SystemTime {
    std::fs::metadata(path).unwrap().modified().unwrap()
}

#[track_caller]
fn refused(answer: Answer, what: &str, hint: &str) {
    assert!(answer.code == 2 && answer.stderr.contains(what) && answer.stderr.contains(hint), "{answer:?}");
}

#[test]
fn an_encrypted_export_is_opened_by_an_identity_of_its_recipients_and_by_nobody_else() {
    let [ours, escrow, stranger] = std::array::from_fn(|_| Identity::generate());
    let (first, second) = (recipient(&ours), recipient(&escrow));
    let weir = Weir::new("");
    ingest(&weir, 1..41, 0);
    let expected = answers(&weir);
    let written = weir.json(&["export", "--to", "copy", "--recipient", &first, "--recipient", &second]);
    assert_eq!(written["complete"], true, "{written}");
    let copy = weir.path("copy");
    for file in files_below(&copy, "") {
        assert!(file.ends_with("manifest.json") || text(&file).ends_with(".age"), "{}", file.display());
    }
    assert!(!holds(&copy, CANARY));
    let manifest = std::fs::read_to_string(copy.join("manifest.json")).unwrap();
    assert!(!manifest.contains("age1"), "{manifest}");

    // It needs no key to be checked, and goes on for the same ones in any order.
    assert_eq!(weir.json(&["export", "verify", "copy"])["records"], 40);
    let before = modified(copy.join("raw/000000000001.jsonl.age"));
    ingest(&weir, 41..51, 0);
    weir.json(&["export", "--to", "copy", "--raw", "--recipient", &second, "--recipient", &first]);
    assert_eq!(modified(copy.join("raw/000000000001.jsonl.age")), before);
    assert_eq!(weir.json(&["export", "verify", "copy"])["records"], 50);
    refused(weir.command(&["export", "--to", "copy"]), "is encrypted for others", "another folder");
    refused(weir.command(&["export", "--to", "copy", "--recipient", &first]), "is encrypted for others", "recipients");
    weir.json(&["export", "--to", "open", "--raw"]);
    refused(weir.command(&["export", "--to", "open", "--recipient", &first]), "is not encrypted", "recipients");
    assert_eq!(weir.command(&["export", "--to", "other", "--recipient", "age1nobody"]).code, 2);

    let other = Weir::new("");
    refused(other.command(&["import", text(&copy)]), "is encrypted", "--identity FILE");
    let wrong = identity_file(&weir, "stranger.txt", &stranger);
    refused(other.command(&["import", text(&copy), "--identity", text(&wrong)]), "no identity in", "recipients");
    let none = weir.write("none.txt", "a password\n");
    refused(other.command(&["import", text(&copy), "--identity", text(&none)]), "none.txt", "age-keygen");
    let right = identity_file(&weir, "escrow.txt", &escrow);
    assert_eq!(other.json(&["import", text(&copy), "--identity", text(&right)])["records"], 50);
    assert_ne!(answers(&other), expected);
    assert_eq!(answers(&other), answers(&weir));
}

#[test]
fn another_implementation_opens_what_was_encrypted() {
    let Some(programs) = python_programs("pyrage", "pyrage") else { return };
    let identity = Identity::generate();
    let weir = Weir::new("");
    ingest(&weir, 1..100, 2_000);
    weir.json(&["export", "--to", "open", "--raw"]);
    weir.json(&["export", "--to", "sealed", "--raw", "--recipient", &recipient(&identity)]);
    let opening = "import sys, pyrage\n\
        identity = pyrage.x25519.Identity.from_str(sys.argv[1])\n\
        sys.stdout.buffer.write(pyrage.decrypt(open(sys.argv[2], 'rb').read(), [identity]))";
    for name in ["raw/000000000001.jsonl", "state.jsonl"] {
        let mut python = Command::new(programs.join("python"));
        python.args(["-c", opening, identity.to_string().expose_secret()]);
        let opened = python.arg(weir.path("sealed").join(format!("{name}.age"))).output().unwrap();
        let expected = std::fs::read(weir.path("open").join(name)).unwrap();
        assert!(opened.stdout == expected, "{name}: {}", String::from_utf8_lossy(&opened.stderr));
    }
}

/// A configuration with a store, and its secrets.
fn with_store(store: &Store, export: &str) -> Weir {
    let weir = Weir::new("").with_secret("ACCESS_KEY", Store::ACCESS_KEY).with_secret("SECRET_KEY", Store::SECRET_KEY);
    configure(&weir, store.url(), export);
    weir
}

fn configure(weir: &Weir, endpoint: &str, export: &str) {
    weir.configure(&format!(
        "[export]\nto = \"{STORE}\"\n{export}\n[export.store]\nendpoint = \"{endpoint}\"\nregion = \"us-east-1\"\n\
         access_key = {{ env = \"ACCESS_KEY\" }}\nsecret_key = {{ env = \"SECRET_KEY\" }}\n",
    ));
}

#[test]
fn an_export_in_a_store_is_that_of_a_folder() {
    let store = Store::with_bucket("weir");
    assert_eq!(Client::new(store.url()).get("/weir?list-type=2").status, 403, "it wants signatures");
    let weir = with_store(&store, "");
    // More than a part: the raw records are one file.
    ingest(&weir, 1..61, 200_000);
    let expected = answers(&weir);
    let written = weir.json(&["export", "--to", STORE]);
    let raw = written["files"].as_array().unwrap().iter().find(|file| file["kind"] == "raw").unwrap();
    assert!(written["complete"] == true && raw["bytes"].as_u64().unwrap() > 12_000_000, "{written}");
    let lies = store.path("weir/exports/lab");
    let checked = weir.json(&["export", "verify", text(&lies)]);
    assert_eq!((&checked["whole"], &checked["records"]), (&json!(true), &json!(60)), "{checked}");
    let other = Weir::new("");
    assert_eq!(other.json(&["import", text(&lies)])["records"], 60);
    assert_eq!(answers(&other), expected);

    // It goes on with what is new.
    let before = modified(lies.join("raw/000000000001.jsonl"));
    ingest(&weir, 61..63, 0);
    weir.json(&["export", "--to", STORE, "--raw"]);
    assert_eq!(modified(lies.join("raw/000000000001.jsonl")), before);
    assert_eq!(weir.json(&["export", "verify", text(&lies)])["records"], 62);

    let identity = Identity::generate();
    weir.json(&["export", "--to", "s3://weir/sealed", "--recipient", &recipient(&identity)]);
    let sealed = store.path("weir/sealed");
    assert!(sealed.join("raw/000000000001.jsonl.age").exists() && !holds(&sealed, CANARY));
    let other = Weir::new("");
    let file = identity_file(&weir, "identity.txt", &identity);
    assert_eq!(other.json(&["import", text(&sealed), "--identity", text(&file)])["records"], 62);
    assert_eq!(answers(&other), answers(&weir));
    refused(weir.command(&["export", "--to", "s3://weir"]), "is not empty and no export", "prefix");
}

#[test]
fn an_export_that_was_killed_goes_on_in_the_store() {
    for point in ["export part", "export kept"] {
        let store = Store::with_bucket("weir");
        let weir = with_store(&store, "");
        ingest(&weir, 1..101, 100_000);
        let killed = weir.program(&["export", "--to", STORE]).env("WEIR_END_AT", point).output().unwrap();
        assert_eq!(killed.status.code(), None, "{point}");
        let lies = store.path("weir/exports/lab");
        let checked = weir.command(&["export", "verify", text(&lies), "--json"]).json();
        assert_eq!(checked["complete"], false, "{point}: {checked}");
        assert!(!holds(&weir.path("data"), &"x".repeat(1_000)), "{point}: what is sealed there lies open beside it");
        weir.json(&["export", "--to", STORE]);
        let checked = weir.json(&["export", "verify", text(&lies)]);
        assert_eq!((&checked["whole"], &checked["records"]), (&json!(true), &json!(100)), "{point}: {checked}");
    }
}

#[test]
fn exports_go_to_a_store_by_themselves_and_what_is_wrong_is_said() {
    let store = Store::with_bucket("weir");
    let weir = with_store(&store, "every = \"1s\"\nentities = true");
    ingest(&weir, 1..11, 0);
    let host = weir.run();
    let lines = || {
        let manifest = std::fs::read(store.path("weir/exports/lab/manifest.json")).unwrap_or_default();
        let manifest: Value = serde_json::from_slice(&manifest).unwrap_or_default();
        if manifest["complete"] == true { manifest["files"][0]["lines"].as_u64() } else { None }
    };
    eventually("an export", || (lines()? == 10).then_some(()));
    ingest(&weir, 11..21, 0);
    eventually("one with more builds", || (lines()? == 20).then_some(()));
    let there = host.get("/v1/exports")["exports"][0].clone();
    assert_eq!((&there["to"], &there["outcome"]), (&json!(STORE), &json!("done")), "{there}");
    let asked = host.client().post("/v1/exports", br#"{"to":"s3://weir/asked","raw":true}"#);
    assert_eq!(asked.status, 201, "{}", asked.text());
    assert!(store.path("weir/asked/raw/000000000001.jsonl").exists());
    host.stop();
    let doctor = |weir: &Weir| weir.command(&["doctor"]).stdout;
    assert!(doctor(&weir).contains("of 20"), "{}", doctor(&weir));

    refused(weir.command(&["export", "--to", "s3://nowhere/lab"]), "NoSuchBucket", "make the bucket");
    let forger = with_store(&store, "").with_secret("SECRET_KEY", "guessed-by-somebody");
    let answer = forger.command(&["export", "--to", STORE]);
    assert!(!answer.stderr.contains("guessed"), "{answer:?}");
    refused(answer, "SignatureDoesNotMatch", "`[export.store]`");
    assert!(doctor(&forger).contains("SignatureDoesNotMatch"), "{}", doctor(&forger));
    // Nobody listens there.
    configure(&weir, "http://127.0.0.1:1", "");
    let answer = weir.command(&["export", "--to", STORE]);
    assert!(answer.code == 3 && answer.stderr.contains("cannot be reached"), "{answer:?}");
    configure(&weir, "http://s3.example.com", "");
    let answer = weir.command(&["export", "--to", STORE]);
    assert!(answer.code == 2 && answer.stderr.contains("plain http"), "{answer:?}");
    weir.configure(&format!("[export]\nto = \"{STORE}\"\n"));
    refused(weir.command(&["check"]), "nothing is said of the store", "[export.store]");
}
