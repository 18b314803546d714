//! Who may see and do what: people who log in.

use std::time::Instant;

use serde_json::{Value, json};
use weir_tests::{Client, Response, Running, Weir, until};

const PASSWORD: &str = "correct horse battery";

/// Somebody with a browser.
struct Browser {
    client: Client,
    token: String,
}

fn send(client: &Client, method: &str, path: &str, body: &Value) -> Response {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    client.try_send(method, path, body.as_bytes()).unwrap()
}

fn log_in(host: &Running, name: &str, password: &str) -> Result<Browser, Response> {
    let answer = send(&host.client(), "POST", "/v1/session", &json!({ "name": name, "password": password }));
    if answer.status == 200 { Ok(entered(host, &answer)) } else { Err(answer) }
}

/// The browser of whom an answer has logged in.
fn entered(host: &Running, answer: &Response) -> Browser {
    let cookie = answer.header("set-cookie");
    assert!(cookie.contains("HttpOnly; SameSite=Lax") && cookie.starts_with("weir="), "{cookie}");
    let client = host.client().with("cookie", cookie.split(';').next().unwrap());
    Browser { client, token: answer.json()["token"].as_str().unwrap().to_owned() }
}

impl Browser {
    fn change(&self, method: &str, path: &str, body: &Value) -> Response {
        send(&self.client.with("x-weir-token", &self.token), method, path, body)
    }
}

/// A host that wants to know everybody, and its first administrator.
fn administered() -> (Weir, Running, Browser) {
    let weir = Weir::new("require_keys = true\n");
    let host = weir.run();
    until("the link of the first administrator", || weir.log().contains("/#/welcome?token="));
    let log = weir.log();
    let token = log.split("token=").nth(1).unwrap().lines().next().unwrap().trim().to_owned();
    let asked = host.client().get("/v1/session");
    assert_eq!((asked.status, &asked.json()["welcome"]), (401, &json!(true)));
    assert_eq!(host.client().get(&format!("/v1/welcome?token={token}")).json()["first"], true);
    let root = |token: &str, password: &str| {
        let new = json!({ "token": token, "name": "Root", "password": password });
        send(&host.client(), "POST", "/v1/welcome", &new)
    };
    assert_eq!(root("forged", PASSWORD).status, 403);
    assert_eq!(root(&token, "short").status, 400);
    let welcomed = root(&token, PASSWORD);
    assert_eq!(welcomed.status, 200, "{}", welcomed.text());
    assert_eq!(root(&token, PASSWORD).status, 403, "the link is used");
    let browser = entered(&host, &welcomed);
    (weir, host, browser)
}

#[test]
fn the_first_administrator_comes_by_a_link_and_makes_others() {
    let (weir, host, root) = administered();
    let own = root.client.get("/v1/session").json();
    assert_eq!((&own["name"], &own["role"], &own["limited"]), (&json!("root"), &json!("administrator"), &json!(false)));
    let noted = &root.client.get("/v1/audit?action=user.welcome").json()["entries"][0];
    assert_eq!((&noted["actor"], &noted["from"]), (&json!("user:root"), &json!("127.0.0.1")), "{noted}");
    let made = root.change("POST", "/v1/users", &json!({ "name": "bo", "role": "viewer", "teams": ["a"] }));
    assert_eq!(made.status, 201, "{}", made.text());
    let link = made.json()["link"].as_str().unwrap().to_owned();
    let token = link.split("token=").nth(1).unwrap();
    assert!(log_in(&host, "bo", "").is_err());
    let welcomed = send(&host.client(), "POST", "/v1/welcome", &json!({ "token": token, "password": PASSWORD }));
    let bo = entered(&host, &welcomed);
    assert_eq!(bo.client.get("/v1/session").json()["permissions"], json!(["read", "status"]));
    assert_eq!(bo.client.get("/v1/users").status, 403);
    assert_eq!(bo.change("POST", "/v1/users", &json!({ "name": "eve", "role": "administrator" })).status, 403);
    // Whoever is the last to administer stays.
    for (method, change) in [("PUT", json!({ "role": "viewer" })), ("PUT", json!({ "disabled": true }))] {
        assert_eq!(root.change(method, "/v1/users/root", &change).status, 409);
    }
    assert_eq!(root.change("DELETE", "/v1/users/root", &Value::Null).status, 409);
    // The command line sees the same, running or not.
    let names =
        |list: &Value| list["users"].as_array().unwrap().iter().map(|user| user["name"].clone()).collect::<Vec<_>>();
    assert_eq!(names(&weir.json(&["user", "list"])), [json!("bo"), json!("root")]);
    host.stop();
    assert_eq!(names(&weir.json(&["user", "list"])), [json!("bo"), json!("root")]);
    assert!(!weir.json(&["user", "password", "bo"])["link"].is_null());
    // Sessions outlive a restart; that of a password that was taken away does not.
    let host = weir.run();
    let again = |browser: &Browser| browser.client.at(host.url()).get("/v1/session").status;
    assert_eq!((again(&root), again(&bo)), (200, 401));
    host.stop();
}

#[test]
fn a_session_changes_nothing_without_its_token_or_from_elsewhere() {
    let (_weir, host, root) = administered();
    let user = json!({ "name": "bo", "role": "viewer" });
    assert_eq!(send(&root.client, "POST", "/v1/users", &user).status, 403, "without the token");
    let foreign = root.client.with("x-weir-token", &root.token);
    for (name, value) in
        [("origin", "https://evil.example"), ("sec-fetch-site", "cross-site"), ("sec-fetch-site", "same-site")]
    {
        assert_eq!(send(&foreign.with(name, value), "POST", "/v1/users", &user).status, 403, "{value}");
        let other = json!({ "name": "root", "password": PASSWORD });
        assert_eq!(send(&host.client().with(name, value), "POST", "/v1/session", &other).status, 403, "{value}");
    }
    let second = log_in(&host, "root", PASSWORD).unwrap_or_else(|answer| panic!("{}", answer.text()));
    let stolen = Browser { client: second.client.clone(), token: root.token.clone() };
    assert_eq!(stolen.change("POST", "/v1/users", &user).status, 403, "the token of another session");
    assert_eq!(root.change("POST", "/v1/users", &user).status, 201);
    assert_eq!(second.change("DELETE", "/v1/session", &Value::Null).status, 204);
    assert_eq!((second.client.get("/v1/session").status, root.client.get("/v1/session").status), (401, 200));
    host.stop();
}

#[test]
fn failures_are_slow_for_who_fails_and_tell_nothing_of_who_there_is() {
    let (_weir, host, _root) = administered();
    let fail = |name: &str| {
        let began = Instant::now();
        let refused = log_in(&host, name, "not the password").err().unwrap();
        assert_eq!(refused.status, 401);
        let mut told = refused.json();
        told["request_id"] = Value::Null;
        (told, began.elapsed())
    };
    let (known, nobody) = (fail("root"), fail("nobody"));
    assert_eq!(known.0, nobody.0);
    for _ in 0..4 {
        fail("nobody");
    }
    assert!(fail("root").1.as_millis() >= 125, "the address is not slow");
    assert!(log_in(&host, "root", PASSWORD).is_ok(), "the right password is shut out");
    host.stop();
}

#[test]
fn a_change_of_a_user_ends_their_sessions() {
    let (_weir, host, root) = administered();
    let new = json!({ "name": "bo", "role": "integrator", "password": PASSWORD });
    assert_eq!(root.change("POST", "/v1/users", &new).status, 201);
    let bo = log_in(&host, "bo", PASSWORD).unwrap_or_else(|answer| panic!("{}", answer.text()));
    assert_eq!(bo.client.get("/v1/outcomes").status, 200);
    let changed = root.change("PUT", "/v1/users/bo", &json!({ "role": "viewer" }));
    assert_eq!(changed.json()["role"], "viewer");
    assert_eq!(bo.client.get("/v1/outcomes").status, 401);
    let bo = log_in(&host, "bo", PASSWORD).unwrap_or_else(|answer| panic!("{}", answer.text()));
    assert_eq!((bo.client.get("/v1/outcomes").status, bo.client.get("/v1/search").status), (403, 200));
    let own =
        |old: &str| bo.change("POST", "/v1/session/password", &json!({ "old": old, "new": "another horse battery" }));
    assert_eq!((own("wrong").status, own(PASSWORD).status), (403, 200));
    assert_eq!(bo.client.get("/v1/session").status, 401);
    assert!(log_in(&host, "bo", PASSWORD).is_err() && log_in(&host, "bo", "another horse battery").is_ok());
    assert_eq!(root.change("PUT", "/v1/users/bo", &json!({ "disabled": true })).status, 200);
    assert!(log_in(&host, "bo", "another horse battery").is_err());
    host.stop();
}

#[test]
fn a_proxy_is_believed_at_its_address_alone() {
    for (trusted, expected) in [("127.0.0.1", 200), ("10.9.9.9", 401)] {
        let weir = Weir::new(&format!(
            "require_keys = true\n[access]\nproxy_header = \"X-Forwarded-User\"\ntrusted_proxies = [\"{trusted}\"]\n"
        ));
        weir.json(&["user", "create", "bo", "--role", "viewer"]);
        let host = weir.run();
        let bo = host.client().with("x-forwarded-user", "bo");
        assert_eq!(bo.get("/v1/search").status, expected);
        assert_eq!(host.client().with("x-forwarded-user", "eve").get("/v1/search").status, 401);
        if expected == 200 {
            let own = bo.get("/v1/session").json();
            assert_eq!((&own["name"], &own["role"]), (&json!("bo"), &json!("viewer")));
            assert_eq!(bo.post("/v1/session/password", b"{}").status, 403, "without a token");
        }
        host.stop();
    }
}
