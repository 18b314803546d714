//! Those outside who start rules: by a signed request, by an API key, by a command in a chat.

use ring::hmac;
use serde_json::{Value, json};
use weir_tests::{Receiver, Response, Running, Weir, signature, until};

const SECRET: &str = "It's a Secret to Everybody";
const RULES: &str = r#"
    [[rule]]
    name = "cut"
    triggers = ["release", "open"]
    connections = { chat = { url = "{url}" } }
    [[rule.do]]
    call = "chat"
    path = "/{{ trigger }}"
    json = "{{ input }}"

    [[trigger]]
    name = "release"
    scheme = "github"
    secret = { env = "HOOK_SECRET" }

    [[trigger]]
    name = "slack"
    scheme = "slack"
    secret = { env = "HOOK_SECRET" }
    commands = ["open"]
"#;

fn slack(host: &Running, body: &str) -> Response {
    let now = jiff::Timestamp::now().as_second().to_string();
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
    let tag = hmac::sign(&key, format!("v0:{now}:{body}").as_bytes());
    let hex = tag.as_ref().iter().fold("v0=".to_owned(), |hex, byte| hex + &format!("{byte:02x}"));
    let client = host.client().with("x-slack-request-timestamp", &now).with("x-slack-signature", &hex);
    client.with("content-type", "application/x-www-form-urlencoded").post("/v1/triggers/slack", body.as_bytes())
}

#[test]
fn a_rule_is_started_from_outside_and_once_for_a_message() {
    let receiver = Receiver::new();
    let weir = Weir::new(&RULES.replace("{url}", receiver.url()));
    let host = weir.run();
    let body = json!({ "tag": "v2" }).to_string();
    let signed = host.client().with("x-hub-signature-256", &signature(SECRET, body.as_bytes()));
    let signed = signed.with("x-github-delivery", "one");
    let first = signed.post("/v1/triggers/release", body.as_bytes());
    assert_eq!((first.status, &first.json()["runs"][0]["propel"]), (202, &json!("cut")), "{}", first.text());
    let again = signed.post("/v1/triggers/release", body.as_bytes());
    assert_eq!((again.status, &again.json()["duplicate"]), (200, &json!(true)));
    assert_eq!(host.client().post("/v1/triggers/release", body.as_bytes()).status, 401, "not signed");
    assert_eq!(signed.post("/v1/triggers/release", b"{}").status, 401, "signed for another body");
    // Without a `[[trigger]]` it takes a key, which requests from this machine do without.
    let keyed = host.client().with("authorization", "Bearer wrong");
    assert_eq!(keyed.post("/v1/triggers/open", body.as_bytes()).status, 401);
    assert_eq!(host.client().post("/v1/triggers/open", b"no JSON").status, 400);
    assert_eq!(host.client().post("/v1/triggers/nothing", b"").status, 404);
    until("the runs", || receiver.received().len() == 1);
    let received = receiver.received().remove(0);
    assert_eq!((received.path.as_str(), received.body.as_str()), ("/release", body.as_str()));

    let form = "token=x&command=%2Fpropel&text=open+a+%20b&user_name=ana&response_url=https%3A%2F%2Fh";
    let answer = slack(&host, form);
    assert_eq!((answer.status, &answer.json()["response_type"]), (200, &json!("ephemeral")), "{}", answer.text());
    assert!(answer.json()["text"].as_str().unwrap().starts_with("cut is started, run "), "{}", answer.text());
    let unknown = slack(&host, "text=release+now").json();
    assert_eq!(unknown["text"], "`release` is no command here; there are: open");
    until("the command", || !receiver.bodies("/open").is_empty());
    let told: Value = serde_json::from_str(&receiver.bodies("/open")[0]).unwrap();
    assert_eq!(told, json!({ "args": ["a", "b"], "arg0": "a", "arg1": "b", "text": "open a  b", "user_name": "ana" }));
    host.stop();
}
