use expect_test::{Expect, expect};
use ring::hmac::{HMAC_SHA256, Key, sign};
use weir_model::Timestamp;

use super::*;

/// Secret of GitHub's documentation.
const GITHUB: &str = "It's a Secret to Everybody";
const STANDARD: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const STANDARD_SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
const STANDARD_BODY: &str = "{\"test\": 2432232314}";
const STANDARD_AT: i64 = 1_614_265_330;
const SLACK: &str = "8f742231b10e8888abcd99yyyzzz85a5";
const SLACK_AT: i64 = 1_531_420_618;
const SLACK_BODY: &str = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V\
    &channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=\
    &response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN\
    &trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";

/// Verifies a delivery written as lines of headers, at a second, with secrets separated by blanks.
fn verdict(scheme: &str, secrets: &[&str], headers: &str, body: &[u8], at: i64) -> String {
    let headers: Vec<(String, String)> = headers
        .lines()
        .filter_map(|line| line.trim().split_once(": "))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let secrets: Vec<Secret> = secrets.iter().map(|secret| Secret::new(*secret)).collect();
    let received_at = Timestamp::from_ms(at * 1_000);
    let request = WebhookRequest { headers: &headers, path: "/v1/webhooks/x", query: &[], body, received_at };
    match verify(&scheme.parse().unwrap(), &secrets, &request) {
        Ok(Verified { delivery_id, challenge }) => match (delivery_id, challenge) {
            (id, None) => format!("taken as {}", id.unwrap_or_else(|| "-".to_owned())),
            (_, Some(challenge)) => format!("answered with {challenge}"),
        },
        Err(refusal) => format!("{} {}", refusal.status, refusal.reason),
    }
}

fn check(cases: &[(&str, &[&str], &str, &str)], expect: Expect) {
    let line = |(scheme, secrets, headers, body): &(&str, &[&str], &str, &str)| {
        format!("{}\n", verdict(scheme, secrets, headers, body.as_bytes(), 0))
    };
    expect.assert_eq(&cases.iter().map(line).collect::<String>());
}

fn hex_of(secret: &str, body: &[u8]) -> String {
    sign(&Key::new(HMAC_SHA256, secret.as_bytes()), body).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn github() {
    let right = "x-hub-signature-256: sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17
        x-hub-signature: sha1=01dc10d0c83e72ed246219cdd91669667fe2ca59
        x-github-delivery: 72d3162e-cc78-11e3-81ab-4c9367dc0958";
    let other = "x-hub-signature-256: sha256=a4771c39fbe90f317c7824e83ddef3caae9cb3d976c214ace1f2937e133263c9";
    check(
        &[
            ("github", &[GITHUB], right, "Hello, World!"),
            ("github", &[GITHUB], other, "Hello World!"),
            ("github", &["another", GITHUB], right, "Hello, World!"),
            ("github", &[GITHUB], right, "Hello, World! "),
            ("github", &["another tenant's"], right, "Hello, World!"),
            ("github", &[], right, "Hello, World!"),
            ("github", &[" "], right, "Hello, World!"),
            ("github", &[GITHUB], "", "Hello, World!"),
            ("github", &[GITHUB], "x-hub-signature: sha1=01dc10d0c83e72ed246219cdd91669667fe2ca59", "Hello, World!"),
            (
                "github",
                &[GITHUB],
                "x-hub-signature-256: sha1=01dc10d0c83e72ed246219cdd91669667fe2ca59",
                "Hello, World!",
            ),
            ("github", &[GITHUB], "x-hub-signature-256: sha256=757107", "Hello, World!"),
            ("github", &[GITHUB], "x-hub-signature-256: sha256=", "Hello, World!"),
            ("github", &[GITHUB], &right.replace('7', "x"), "Hello, World!"),
            ("github", &[GITHUB], &right.replace("sha256=", ""), "Hello, World!"),
            ("github", &[GITHUB], &format!("{right}\n{other}"), "Hello, World!"),
        ],
        expect![[r"
            taken as 72d3162e-cc78-11e3-81ab-4c9367dc0958
            taken as -
            taken as 72d3162e-cc78-11e3-81ab-4c9367dc0958
            401 signature does not match
            401 signature does not match
            503 no secret of the right form is configured
            503 no secret of the right form is configured
            401 signature is missing
            401 signature is of a weak kind
            401 signature is of a weak kind
            401 signature is malformed
            401 signature is malformed
            401 signature is malformed
            401 signature is malformed
            401 signature is malformed
        "]],
    );
}

#[test]
fn an_empty_body_and_one_that_is_no_text() {
    for body in [&b""[..], b"\xff\xfe\x00{"] {
        let headers = format!("x-hub-signature-256: sha256={}", hex_of("s", body));
        assert_eq!(verdict("github", &["s"], &headers, body, 0), "taken as -");
    }
}

fn standard(scheme: &str, secrets: &[&str], change: impl Fn(String) -> String, late_secs: i64) -> String {
    let headers = format!(
        "webhook-id: msg_p5jXN8AQM9LWM0D4loKWxJek\nwebhook-timestamp: {STANDARD_AT}\nwebhook-signature: {STANDARD_SIGNATURE}"
    );
    verdict(scheme, secrets, &change(headers), STANDARD_BODY.as_bytes(), STANDARD_AT + late_secs)
}

#[test]
fn standard_webhooks() {
    let right = |headers| headers;
    let with = |from: &'static str, to: &'static str| move |headers: String| headers.replace(from, to);
    let cases = [
        standard("standard-webhooks", &[STANDARD], right, 0),
        standard("standard-webhooks", &[&STANDARD[6..]], right, 0),
        standard("standard-webhooks", &["whsec_b3RoZXI=", STANDARD], right, 0),
        standard("standard-webhooks", &[STANDARD], right, 300),
        standard("standard-webhooks", &[STANDARD], right, 301),
        standard("standard-webhooks", &[STANDARD], right, -300),
        standard("standard-webhooks", &[STANDARD], right, -301),
        standard("standard-webhooks", &[STANDARD], with("v1,", "v1,AAAA v2,?? v1,"), 0),
        standard("standard-webhooks", &[STANDARD], with("v1,", "v2,"), 0),
        standard("standard-webhooks", &[STANDARD], with("v1,", "v1a,"), 0),
        standard("standard-webhooks", &[STANDARD], with("v1,", ""), 0),
        standard("standard-webhooks", &[STANDARD], with("1614265330", "1614265331"), 0),
        standard("standard-webhooks", &[STANDARD], with("1614265330", "yesterday"), 0),
        standard("standard-webhooks", &[STANDARD], with("msg_p5", "msg_p6"), 0),
        standard("standard-webhooks", &[STANDARD], with("webhook-id", "x"), 0),
        standard("standard-webhooks", &[STANDARD], with("webhook-timestamp", "x"), 0),
        standard("standard-webhooks", &[STANDARD], with("webhook-signature", "x"), 0),
        standard("standard-webhooks", &["whsec_?"], right, 0),
        standard("standard-webhooks", &["whsec_"], right, 0),
    ];
    expect![[r#"
        [
            "taken as msg_p5jXN8AQM9LWM0D4loKWxJek",
            "taken as msg_p5jXN8AQM9LWM0D4loKWxJek",
            "taken as msg_p5jXN8AQM9LWM0D4loKWxJek",
            "taken as msg_p5jXN8AQM9LWM0D4loKWxJek",
            "401 timestamp is out of the window of five minutes",
            "taken as msg_p5jXN8AQM9LWM0D4loKWxJek",
            "401 timestamp is out of the window of five minutes",
            "taken as msg_p5jXN8AQM9LWM0D4loKWxJek",
            "401 signature is of a weak kind",
            "401 signature does not match",
            "401 signature is malformed",
            "401 signature does not match",
            "401 signature does not match",
            "401 signature does not match",
            "401 signature is missing",
            "401 signature is missing",
            "401 signature is missing",
            "503 no secret of the right form is configured",
            "503 no secret of the right form is configured",
        ]
    "#]]
    .assert_debug_eq(&cases);
}

#[test]
fn standard_webhooks_by_public_key() {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD as BASE64;
    use ring::signature::{Ed25519KeyPair, KeyPair as _};

    let pair = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
    let public = format!("whpk_{}", BASE64.encode(pair.public_key()));
    let signature = BASE64.encode(pair.sign(b"msg_1.1614265330.{}"));
    let headers = format!("webhook-id: msg_1\nwebhook-timestamp: {STANDARD_AT}\nwebhook-signature: v1a,{signature}");
    assert_eq!(verdict("standard-webhooks", &[&public], &headers, b"{}", STANDARD_AT), "taken as msg_1");
    assert_eq!(verdict("standard-webhooks", &[&public], &headers, b"{ }", STANDARD_AT), "401 signature does not match");
    assert_eq!(verdict("standard-webhooks", &[STANDARD], &headers, b"{}", STANDARD_AT), "401 signature does not match");
    // Who knows the public key must not be able to sign with it as if it were a shared secret.
    let tag = sign(&Key::new(HMAC_SHA256, pair.public_key().as_ref()), b"msg_1.1614265330.{}");
    let forged = headers.replace(&format!("v1a,{signature}"), &format!("v1,{}", BASE64.encode(tag)));
    assert_eq!(verdict("standard-webhooks", &[&public], &forged, b"{}", STANDARD_AT), "401 signature does not match");
}

#[test]
fn gitlab() {
    let with_token = |headers: String| format!("{headers}\nx-gitlab-token: plain-token");
    let only_token =
        |_| "x-gitlab-token: plain-token\nx-gitlab-event-uuid: 13792a34\nidempotency-key: f5e57e5b".to_owned();
    let cases = [
        standard("gitlab", &[STANDARD], |headers| headers, 0),
        standard("gitlab", &[STANDARD], |headers| headers, 301),
        standard("gitlab", &["plain-token"], only_token, 0),
        standard("gitlab", &["other-token", "plain-token"], only_token, 0),
        standard("gitlab", &["other-token"], only_token, 0),
        standard("gitlab", &["plain-token"], |_| String::new(), 0),
        // No falling back: neither past a configured signing secret nor past a signature that is there.
        standard("gitlab", &[STANDARD, "plain-token"], only_token, 0),
        standard("gitlab", &[STANDARD, "plain-token"], |headers| with_token(headers.replace("g0hM", "AAAA")), 0),
        standard("gitlab", &["plain-token"], with_token, 0),
    ];
    expect![[r#"
        [
            "taken as msg_p5jXN8AQM9LWM0D4loKWxJek",
            "401 timestamp is out of the window of five minutes",
            "taken as f5e57e5b",
            "taken as f5e57e5b",
            "401 signature does not match",
            "401 signature is missing",
            "401 signature is missing",
            "401 signature does not match",
            "503 no secret of the right form is configured",
        ]
    "#]]
    .assert_debug_eq(&cases);
}

#[test]
fn slack() {
    let signature = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503";
    let headers = format!("x-slack-signature: {signature}\nx-slack-request-timestamp: {SLACK_AT}");
    let at =
        |headers: &str, late_secs| verdict("slack", &[SLACK], headers, SLACK_BODY.as_bytes(), SLACK_AT + late_secs);
    let signed = |body: &str| {
        let tag = hex_of(SLACK, format!("v0:{SLACK_AT}:{body}").as_bytes());
        let headers = format!("x-slack-signature: v0={tag}\nx-slack-request-timestamp: {SLACK_AT}");
        verdict("slack", &[SLACK], &headers, body.as_bytes(), SLACK_AT)
    };
    let cases = [
        at(&headers, 0),
        at(&headers, 300),
        at(&headers, 301),
        at(&headers, -301),
        at(&headers.replace("v0=", "v1="), 0),
        at(&headers.replace("1531420618", "1531420619"), 0),
        at(&headers.replace("x-slack-request-timestamp", "x"), 0),
        signed(r#"{"type":"event_callback","event_id":"Ev0PV52K21"}"#),
        signed(r#"{"type":"url_verification","challenge":"3eZbrw1aB"}"#),
        signed(r#"{"type":"event_callback","challenge":"3eZbrw1aB"}"#),
        verdict("slack", &[SLACK], "", br#"{"type":"url_verification","challenge":"3eZbrw1aB"}"#, SLACK_AT),
    ];
    expect![[r#"
        [
            "taken as -",
            "taken as -",
            "401 timestamp is out of the window of five minutes",
            "401 timestamp is out of the window of five minutes",
            "401 signature is malformed",
            "401 signature does not match",
            "401 signature is missing",
            "taken as Ev0PV52K21",
            "answered with 3eZbrw1aB",
            "taken as -",
            "401 signature is missing",
        ]
    "#]]
    .assert_debug_eq(&cases);
}

#[test]
fn jira_and_bitbucket_and_gogs_and_pagerduty_and_generic() {
    let hex = hex_of("s3cr3t", b"{}");
    let base64 = signature_base64("s3cr3t", b"{}");
    let event = r#"{"event":{"id":"5ac64822-4adc-4fda-ade0-410becf0de4f"}}"#;
    let pagerduty = hex_of("s3cr3t", event.as_bytes());
    check(
        &[
            (
                "jira",
                &["s3cr3t"],
                &format!("x-hub-signature: sha256={hex}\nx-atlassian-webhook-identifier: jira-1"),
                "{}",
            ),
            ("jira", &["s3cr3t"], &format!("x-hub-signature-256: sha256={hex}"), "{}"),
            ("jira", &["s3cr3t"], "x-hub-signature: sha1=01dc10d0c83e72ed246219cdd91669667fe2ca59", "{}"),
            ("bitbucket", &["s3cr3t"], &format!("x-hub-signature: sha256={hex}\nx-request-uuid: bb-1"), "{}"),
            ("bitbucket", &["s3cr3t"], &format!("x-hub-signature: sha256={hex}\nx-request-id: dc-1"), "{} "),
            ("gogs", &["s3cr3t"], &format!("x-gogs-signature: {hex}\nx-gogs-delivery: gogs-1"), "{}"),
            (
                "gitea",
                &["s3cr3t"],
                &format!("x-gitea-signature: {hex}\nx-gitea-delivery: gitea-1\nx-gogs-signature: {hex}"),
                "{}",
            ),
            (
                "gitea",
                &["s3cr3t"],
                &format!("x-gitea-signature: {}\nx-gogs-signature: {hex}", hex.replace('a', "b")),
                "{}",
            ),
            ("gogs", &["s3cr3t"], "", "{}"),
            ("pagerduty", &["s3cr3t"], &format!("x-pagerduty-signature: v1={},v1={pagerduty}", "0".repeat(64)), event),
            ("pagerduty", &["s3cr3t"], &format!("x-pagerduty-signature: v1={}", "0".repeat(64)), event),
            ("pagerduty", &["s3cr3t"], &format!("x-pagerduty-signature: v0={pagerduty}"), event),
            ("hmac-sha256", &["s3cr3t"], &format!("x-hub-signature-256: sha256={hex}\nx-delivery-id: any-1"), "{}"),
            ("hmac-sha256:X-Signature", &["s3cr3t"], &format!("x-signature: {hex}"), "{}"),
            ("hmac-sha256:x-signature", &["s3cr3t"], &format!("x-signature: {base64}"), "{}"),
            ("hmac-sha256:x-signature", &["s3cr3t"], &format!("x-hub-signature-256: sha256={hex}"), "{}"),
            ("hmac-sha256:x-signature", &["s3cr3t"], &format!("x-signature: v1={hex},v2=00"), "{}"),
            ("hmac-sha256:x-signature", &["s3cr3t"], "x-signature: v2=00", "{}"),
            (
                "hmac-sha256:x-signature",
                &["s3cr3t"],
                "x-signature: sha1=01dc10d0c83e72ed246219cdd91669667fe2ca59",
                "{}",
            ),
            ("none", &[], "webhook-id: free-1", "{}"),
            ("none", &[], "", "{}"),
        ],
        expect![[r"
            taken as jira-1
            401 signature is missing
            401 signature is of a weak kind
            taken as bb-1
            401 signature does not match
            taken as gogs-1
            taken as gitea-1
            401 signature does not match
            401 signature is missing
            taken as 5ac64822-4adc-4fda-ade0-410becf0de4f
            401 signature does not match
            401 signature is of a weak kind
            taken as any-1
            taken as -
            taken as -
            401 signature is missing
            taken as -
            401 signature is of a weak kind
            401 signature is of a weak kind
            taken as free-1
            taken as -
        "]],
    );
}

fn signature_base64(secret: &str, body: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(sign(&Key::new(HMAC_SHA256, secret.as_bytes()), body))
}

#[test]
fn azure_devops() {
    let body = r#"{"id":"03c164c2-8912-4d5e-8009-3707d5f83734","eventType":"git.push"}"#;
    // weir:pass:word
    let basic = "authorization: Basic d2VpcjpwYXNzOndvcmQ=";
    check(
        &[
            ("azure-devops", &["pass:word"], basic, body),
            ("azure-devops", &["weir:pass:word"], basic, body),
            ("azure-devops", &["word"], basic, body),
            ("azure-devops", &["other:pass:word"], basic, body),
            ("azure-devops", &["pass:word"], "authorization: Bearer pass:word", body),
            ("azure-devops", &["pass:word"], "authorization: Basic ????", body),
            ("azure-devops", &["pass:word"], "", body),
        ],
        expect![[r"
            taken as 03c164c2-8912-4d5e-8009-3707d5f83734
            taken as 03c164c2-8912-4d5e-8009-3707d5f83734
            401 signature does not match
            401 signature does not match
            401 signature is malformed
            401 signature is malformed
            401 signature is missing
        "]],
    );
}

#[test]
fn schemes_have_names() {
    let error = "githup".parse::<Scheme>().unwrap_err();
    assert!(error.to_string().starts_with("`githup` is no webhook scheme; known are github, "));
    assert!("hmac-sha256:bad header".parse::<Scheme>().is_err());
    for name in ["github", "gitlab", "slack", "standard-webhooks", "hmac-sha256:x-sig", "azure-devops", "none"] {
        assert_eq!(name.parse::<Scheme>().unwrap().to_string(), name);
    }
}
