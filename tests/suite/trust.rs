//! Plugins of others are used when publishers whom the operator trusts have signed them, and not otherwise.

use serde_json::{Value, json};
use weir_tests::{Weir, until};

use crate::events::{build, push};
use crate::guests::Guest;

const PLUGIN: &str = "plugins/hostile-propel.wasm";

/// An installation with a plugin of Acme's, and what `[trust]` says.
fn installation(trust: &str) -> Weir {
    let weir = Weir::new("");
    weir.write(PLUGIN, Guest::Propel.wasm());
    configure(&weir, trust);
    weir
}

fn configure(weir: &Weir, trust: &str) {
    weir.configure(&format!(
        "plugins = \"plugins\"\n\n[trust]\n{trust}\n\n[[propel]]\nname = \"acme\"\nplugin = \"hostile-propel\"\non = [\"build.finished\"]\nsettings = {{ do = \"log\", n = 1, size = 1 }}\n"
    ));
}

/// A new key of a publisher, by its file and its public half.
fn publisher(weir: &Weir, name: &str) -> (String, String) {
    // A bare name, as people type it in a folder of theirs.
    let file = format!("{name}.key");
    let public_key = weir.json(&["plugin", "keygen", &file])["public_key"].as_str().unwrap().to_owned();
    (file, public_key)
}

fn sign(weir: &Weir, key: &str) -> Value {
    weir.json(&["plugin", "sign", &weir.path(PLUGIN).display().to_string(), "--key", key])
}

/// What is told of the plugin.
fn listed(weir: &Weir) -> Value {
    let plugins = weir.json(&["plugin", "list"])["plugins"].take();
    plugins.as_array().unwrap().iter().find(|plugin| plugin["id"] == "hostile-propel").unwrap().clone()
}

fn refused(weir: &Weir) -> String {
    listed(weir)["error"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn a_plugin_that_nobody_trusted_has_signed_is_not_run() {
    let weir = installation("");
    assert_eq!((listed(&weir)["signers"].clone(), refused(&weir)), (json!([]), String::new()));
    let (key, public_key) = publisher(&weir, "acme");
    let (stranger, _) = publisher(&weir, "stranger");
    configure(&weir, &format!("publishers = {{ acme = \"{public_key}\" }}"));
    assert!(refused(&weir).contains("signed by 0 of the publishers"), "{}", refused(&weir));
    sign(&weir, &stranger);
    assert!(refused(&weir).contains("signed by 0 of the publishers"), "{}", refused(&weir));

    let run = weir.command(&["run"]);
    assert!(run.code != 0 && run.stderr.contains("signed by 0 of the publishers"), "{}", run.stderr);
    let doctor = weir.command(&["doctor"]);
    assert_eq!(doctor.code, 1);
    assert!(doctor.stdout.contains("signed by 0 of the publishers"), "{}", doctor.stdout);

    sign(&weir, &key);
    assert_eq!((listed(&weir)["signers"].clone(), refused(&weir)), (json!(["acme"]), String::new()));
    let host = weir.run();
    push(&host, &[build(1, "success")]);
    until("it to hear of a build", || host.get("/v1/propels/runs?propel=acme")["runs"][0]["state"] == "done");
    let of_api = host.get("/v1/plugins")["plugins"].take();
    let of_api = of_api.as_array().unwrap().iter().find(|plugin| plugin["id"] == "hostile-propel").unwrap();
    assert_eq!((&of_api["signers"], &of_api["comes_with_weir"]), (&json!(["acme"]), &json!(false)));
    host.stop();
}

#[test]
fn a_signature_is_of_one_file_and_a_revoked_one_is_refused_whoever_signed() {
    let weir = installation("");
    let (key, public_key) = publisher(&weir, "acme");
    let trust = format!("publishers = {{ acme = \"{public_key}\" }}");
    configure(&weir, &trust);
    let digest = sign(&weir, &key)["digest"].as_str().unwrap().to_owned();
    assert_eq!(refused(&weir), "");
    // Its signature beside another component.
    let own = weir.path(PLUGIN);
    let of_acme = std::fs::read(&own).unwrap();
    weir.write(PLUGIN, Guest::Connector.wasm());
    assert!(refused(&weir).contains("signed by 0 of the publishers"), "{}", refused(&weir));
    // Signed anew it has the name of another plugin, whose connections it would get.
    sign(&weir, &key);
    assert!(refused(&weir).contains("calls itself `hostile-connector`"), "{}", refused(&weir));
    // And the signature of before is gone.
    std::fs::write(&own, of_acme).unwrap();
    assert!(refused(&weir).contains("signed by 0 of the publishers"), "{}", refused(&weir));
    sign(&weir, &key);
    configure(&weir, &format!("{trust}\nrevoked = [\"{}\"]", digest.to_uppercase()));
    assert!(refused(&weir).contains("is revoked"), "{}", refused(&weir));
}

#[test]
fn a_connector_that_nobody_trusted_has_signed_collects_nothing() {
    let weir = Weir::new("");
    let plugin = weir.write("plugins/hostile-connector.wasm", Guest::Connector.wasm());
    let (key, public_key) = publisher(&weir, "acme");
    weir.configure(&format!(
        "plugins = \"plugins\"\n\n[trust]\npublishers = {{ acme = \"{public_key}\" }}\n\n[[integration]]\nname = \"notes\"\nplugin = \"hostile-connector\"\n[integration.connection]\nurl = \"https://notes.example.com\"\n"
    ));
    let told = |command: &str| {
        let answer = weir.command(&[command]);
        answer.stdout + &answer.stderr
    };
    for command in ["check", "collect"] {
        assert!(told(command).contains("signed by 0 of the publishers"), "{}", told(command));
    }
    weir.json(&["plugin", "sign", &plugin.display().to_string(), "--key", &key]);
    for command in ["check", "collect"] {
        assert!(!told(command).contains("of the publishers"), "{}", told(command));
    }
}

#[test]
fn as_many_publishers_must_have_signed_as_the_operator_wants() {
    let weir = installation("");
    let ((acme, acme_public), (auditor, auditor_public)) = (publisher(&weir, "acme"), publisher(&weir, "auditor"));
    let publishers = format!("publishers = {{ acme = \"{acme_public}\", auditor = \"{auditor_public}\" }}");
    configure(&weir, &format!("{publishers}\nsignatures = 2"));
    sign(&weir, &acme);
    // One who signs twice is still one.
    sign(&weir, &acme);
    assert!(refused(&weir).contains("signed by 1 of the publishers in `[trust]`, 2 must have"), "{}", refused(&weir));
    sign(&weir, &auditor);
    assert_eq!((listed(&weir)["signers"].clone(), refused(&weir)), (json!(["acme", "auditor"]), String::new()));
}

#[test]
fn what_came_with_weir_needs_no_signature_and_mistakes_are_told() {
    let weir = installation("");
    let (key, public_key) = publisher(&weir, "acme");
    configure(&weir, &format!("publishers = {{ acme = \"{public_key}\" }}"));
    let plugins = weir.json(&["plugin", "list"])["plugins"].take();
    let github = plugins.as_array().unwrap().iter().find(|plugin| plugin["id"] == "connector-github").unwrap();
    assert_eq!((&github["comes_with_weir"], &github["error"]), (&json!(true), &Value::Null));

    let again = weir.command(&["plugin", "keygen", &key]);
    assert!(again.code != 0 && again.stderr.contains("is there already"), "{}", again.stderr);
    let nothing = weir.command(&["plugin", "sign", &weir.path(PLUGIN).display().to_string(), "--key", "none.key"]);
    assert!(nothing.code != 0 && nothing.stderr.contains("weir plugin keygen"), "{}", nothing.stderr);
    let no_plugin = weir.command(&["plugin", "sign", &key, "--key", &key]);
    assert!(no_plugin.code != 0 && no_plugin.stderr.contains("is no plugin"), "{}", no_plugin.stderr);

    for (trust, told) in [
        ("publishers = { acme = \"c2hvcnQ=\" }", "no public key for `acme`"),
        ("signatures = 1", "wants 1 signatures of 0 publishers"),
        ("revoked = [\"abc\"]", "revokes `abc`"),
    ] {
        configure(&weir, trust);
        let checked = weir.command(&["check"]);
        assert!(checked.code != 0 && checked.stderr.contains(told), "{}", checked.stderr);
    }
}
