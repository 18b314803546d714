//! Logging in at a provider: at `oidc-provider-mock`, from PyPI, skipped, aloud, where there is no Python or PyPI; and at
//! one that says what the test has it say.

use std::fs::File;
use std::process::{Child, Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::digest::{SHA256, digest};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use serde_json::{Value, json};
use weir_tests::{Client, Received, Receiver, Response, Running, Weir, eventually, python_programs};

/// Where people reach the host, as the provider is told. Nobody listens there: the test is the browser.
const PUBLIC: &str = "http://weir.test";
const PASSWORD: &str = "correct horse battery";

/// A provider that runs. Dropping it kills it.
struct Provider {
    child: Child,
    url: String,
}

impl Drop for Provider {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Provider {
    fn start(weir: &Weir) -> Option<Self> {
        let programs = python_programs("oidc-provider-mock", "oidc-provider-mock")?;
        let log = weir.path("provider.log");
        let mut command = Command::new(programs.join("oidc-provider-mock"));
        command.args(["--port", "0"]).env("PYTHONUNBUFFERED", "1").stdin(Stdio::null());
        command.stdout(Stdio::null()).stderr(File::create(&log).unwrap());
        let child = command.spawn().unwrap();
        let url = eventually("the provider to listen", || {
            let said = std::fs::read_to_string(&log).unwrap();
            said.split(' ')
                .find(|word| word.starts_with("http://127.0.0.1:"))
                .filter(|_| said.ends_with('\n'))
                .map(str::to_owned)
        });
        Some(Self { child, url })
    }

    /// Says what somebody is.
    fn tell(&self, subject: &str, claims: &Value) {
        let client = Client::new(&self.url).with("content-type", "application/json");
        let told = client.try_send("PUT", &format!("/users/{subject}"), claims.to_string().as_bytes()).unwrap();
        assert_eq!(told.status, 204, "{}", told.text());
    }

    /// Logs somebody in who was sent here; gives the address they are sent back to.
    fn log_in(&self, place: &str, subject: &str) -> String {
        let path = place.strip_prefix(&self.url).unwrap_or_else(|| panic!("sent to {place}"));
        let form = Client::new(&self.url).with("content-type", "application/x-www-form-urlencoded");
        let back = form.post(path, format!("sub={subject}").as_bytes());
        let place = back.header("location").to_owned();
        place.strip_prefix(PUBLIC).unwrap_or_else(|| panic!("sent back to {place}: {}", back.text())).to_owned()
    }
}

fn config(issuer: &str) -> String {
    format!(
        r#"require_keys = true
[access]
public_url = "{PUBLIC}"
[access.oidc]
issuer = "{issuer}"
client_id = "weir"
client_secret = {{ env = "CLIENT_SECRET" }}
title = "Example"
[[access.oidc.map]]
group = "admins"
role = "administrator"
[[access.oidc.map]]
group = "payments"
role = "team-lead"
teams = ["payments"]
[[access.oidc.map]]
group = "everybody"
role = "viewer"
[[team]]
name = "payments"
"#
    )
}

fn installed() -> Option<(Weir, Running, Provider)> {
    let weir = Weir::new("").with_secret("CLIENT_SECRET", "s3cret of the client");
    let provider = Provider::start(&weir)?;
    weir.configure(&config(&provider.url));
    let host = weir.run();
    Some((weir, host, provider))
}

/// A log-in that has begun: where the browser is sent, and the cookie it keeps.
fn begin(host: &Running, return_to: &str) -> (String, String) {
    let begun = host.client().get(&format!("/v1/login/oidc?return_to={return_to}"));
    assert_eq!(begun.status, 303, "{}", begun.text());
    let cookie = begun.header("set-cookie");
    assert!(cookie.starts_with("weir-login=") && cookie.contains("Max-Age=600; HttpOnly; SameSite=Lax"), "{cookie}");
    (begun.header("location").to_owned(), cookie.split(';').next().unwrap().to_owned())
}

/// Goes back to the host; the session is there when it succeeded.
fn end(host: &Running, back: &str, cookie: &str) -> Response {
    let answer = host.client().with("cookie", cookie).get(back);
    assert_eq!(answer.status, 303, "{}", answer.text());
    answer
}

/// The browser of whom an answer has logged in, or the reason why not.
fn entered(host: &Running, answer: &Response) -> Result<Client, String> {
    let place = answer.header("location").strip_prefix(PUBLIC).unwrap();
    if let Some(reason) = place.strip_prefix("/#/login?error=") {
        return Err(reason.to_owned());
    }
    let cookies = answer.headers.iter().filter(|(name, _)| name == "set-cookie").map(|(_, cookie)| cookie.as_str());
    let session = cookies.filter(|cookie| cookie.contains("HttpOnly; SameSite=Lax")).find(|it| it.starts_with("weir="));
    Ok(host.client().with("cookie", session.unwrap().split(';').next().unwrap()))
}

fn log_in(host: &Running, provider: &Provider, subject: &str) -> Result<Client, String> {
    let (place, cookie) = begin(host, "");
    entered(host, &end(host, &provider.log_in(&place, subject), &cookie))
}

/// A parameter of an address.
fn part(place: &str, name: &str) -> String {
    let query = place.split_once('?').unwrap().1;
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs.filter(|(known, _)| *known == name).map(|(_, value)| value.to_owned()).next().unwrap()
}

fn noted(weir: &Weir, action: &str, outcome: &str) -> Vec<Value> {
    let told = weir.json(&["audit", "list", "--action", action]);
    let all = told["entries"].as_array().unwrap().iter();
    all.filter(|entry| entry["outcome"] == outcome).cloned().collect()
}

#[test]
fn the_provider_says_who_somebody_is_and_their_groups_what() {
    let Some((weir, host, provider)) = installed() else { return };
    let told = host.client().get("/v1/session").json();
    assert_eq!(told["login"], json!(["password", "oidc"]));
    assert_eq!(told["oidc"], json!({ "title": "Example", "path": "/v1/login/oidc" }));

    let is = |groups: &[&str]| json!({ "preferred_username": "Ana", "name": "Ana A.", "groups": groups });
    provider.tell("1", &is(&["payments", "staff"]));
    let (place, cookie) = begin(&host, "%23/builds%3Fteam%3Dpayments");
    assert!(
        ["state=", "nonce=", "code_challenge_method=S256", "scope=openid+profile+email"]
            .iter()
            .all(|it| place.contains(it))
    );
    let answer = end(&host, &provider.log_in(&place, "1"), &cookie);
    assert_eq!(answer.header("location"), format!("{PUBLIC}/#/builds?team=payments"));
    let ana = entered(&host, &answer).unwrap();
    let own = ana.get("/v1/session").json();
    assert_eq!((&own["name"], &own["title"], &own["role"]), (&json!("ana"), &json!("Ana A."), &json!("team-lead")));
    assert_eq!((&own["teams"], &own["password"]), (&json!(["payments"]), &json!(false)));
    let password = json!({ "name": "ana", "password": PASSWORD });
    assert_eq!(host.client().post("/v1/session", password.to_string().as_bytes()).status, 401);

    // The same again: one user, and both sessions hold.
    let again = log_in(&host, &provider, "1").unwrap();
    assert_eq!((ana.get("/v1/search").status, again.get("/v1/search").status), (200, 200));
    let users = weir.json(&["user", "list"]);
    assert_eq!((users["users"].as_array().unwrap().len(), &users["users"][0]["issuer"]), (1, &json!(provider.url)));

    // Other groups: sessions of what it was before end.
    provider.tell("1", &is(&["everybody"]));
    assert_eq!(again.get("/v1/search").status, 200, "groups count at the next log-in");
    let viewer = log_in(&host, &provider, "1").unwrap();
    assert_eq!(
        (viewer.get("/v1/session").json()["role"].clone(), again.get("/v1/search").status),
        (json!("viewer"), 401)
    );
    provider.tell("1", &is(&["nothing"]));
    assert_eq!(log_in(&host, &provider, "1").unwrap_err(), "group");
    assert_eq!(viewer.get("/v1/search").status, 401);
    assert_eq!((noted(&weir, "user.create", "done").len(), noted(&weir, "user.change", "done").len()), (1, 2));
    let refused = noted(&weir, "session.begin", "refused");
    assert!(refused.iter().any(|entry| entry["after"]["reason"] == "`ana` is in no group that this host knows"));
    host.stop();
}

#[test]
fn nobody_is_taken_over_and_who_is_disabled_stays_out() {
    let Some((weir, host, provider)) = installed() else { return };
    weir.json(&["user", "create", "root", "--role", "administrator"]);
    provider.tell("7", &json!({ "preferred_username": "root", "groups": ["admins"] }));
    assert_eq!(log_in(&host, &provider, "7").unwrap_err(), "taken");
    provider.tell("8", &json!({ "email": "bo@example.com", "email_verified": true, "groups": "admins" }));
    let bo = log_in(&host, &provider, "8").unwrap();
    assert_eq!(bo.get("/v1/session").json()["name"], "bo@example.com");
    provider.tell("9", &json!({ "preferred_username": "bo@example.com", "groups": ["admins"] }));
    assert_eq!(log_in(&host, &provider, "9").unwrap_err(), "taken", "another person of the same name");
    provider.tell("10", &json!({ "email": "eve@example.com", "groups": ["admins"] }));
    assert_eq!(log_in(&host, &provider, "10").unwrap_err(), "name", "an address that was not verified");
    let token = bo.get("/v1/session").json()["token"].as_str().unwrap().to_owned();
    provider.tell("11", &json!({ "preferred_username": "cy", "groups": ["everybody"] }));
    log_in(&host, &provider, "11").unwrap();
    let changing = bo.with("x-weir-token", &token);
    let disabled = changing.try_send("PUT", "/v1/users/cy", b"{\"disabled\": true}").unwrap();
    assert_eq!(disabled.status, 200, "{}", disabled.text());
    assert_eq!(log_in(&host, &provider, "11").unwrap_err(), "disabled");
    host.stop();
}

#[test]
fn a_log_in_ends_once_in_the_browser_it_began_in() {
    let Some((_weir, host, provider)) = installed() else { return };
    provider.tell("1", &json!({ "preferred_username": "ana", "groups": ["everybody"] }));
    provider.tell("2", &json!({ "preferred_username": "eve", "groups": ["everybody"] }));
    let (place, cookie) = begin(&host, "");
    let back = provider.log_in(&place, "1");
    assert!(entered(&host, &end(&host, &back, &cookie)).is_ok());
    let reason = |back: &str, cookie: &str| entered(&host, &end(&host, back, cookie)).unwrap_err();
    assert_eq!(reason(&back, &cookie), "stale", "a second time");
    let (place, own) = begin(&host, "");
    let (_, foreign) = begin(&host, "");
    let back = provider.log_in(&place, "1");
    assert_eq!(reason(&back, &foreign), "stale", "in another browser");
    assert_eq!(reason(&back, &own), "stale", "after another browser tried");
    assert_eq!(reason(&provider.log_in(&begin(&host, "").0, "1"), "a=b"), "stale", "without a cookie");
    // The code of somebody else in one's own log-in: its token is of theirs.
    let (ana, _) = begin(&host, "");
    let stolen = provider.log_in(&ana, "1");
    let (eve, cookie) = begin(&host, "");
    let own = provider.log_in(&eve, "2");
    let mixed = format!("/v1/login/oidc/callback?code={}&state={}", part(&stolen, "code"), part(&own, "state"));
    assert_eq!(reason(&mixed, &cookie), "token");
    for (query, expected) in
        [("error=access_denied", "refused"), ("code=made-up", "refused"), ("code=a&iss=https://evil.example", "token")]
    {
        let (place, cookie) = begin(&host, "");
        let back = format!("/v1/login/oidc/callback?{query}&state={}", part(&place, "state"));
        assert_eq!(reason(&back, &cookie), expected, "{query}");
    }
    host.stop();
}

#[test]
fn nobody_is_led_elsewhere() {
    let Some((_weir, host, provider)) = installed() else { return };
    provider.tell("1", &json!({ "preferred_username": "ana", "groups": ["everybody"] }));
    for elsewhere in
        ["https://evil.example", "//evil.example", "/%5Cevil.example", "@evil.example", "%23/a%0d%0ax:y", "."]
    {
        let (place, cookie) = begin(&host, elsewhere);
        let answer = end(&host, &provider.log_in(&place, "1"), &cookie);
        assert_eq!(answer.header("location"), format!("{PUBLIC}/#/"), "{elsewhere}");
    }
    host.stop();
}

#[test]
fn a_provider_that_does_not_answer_is_told_of() {
    let weir = Weir::new(&config("http://127.0.0.1:9")).with_secret("CLIENT_SECRET", "x");
    let host = weir.run();
    let begun = host.client().get("/v1/login/oidc");
    assert_eq!((begun.status, begun.header("location")), (303, format!("{PUBLIC}/#/login?error=broken").as_str()));
    assert_eq!(noted(&weir, "session.begin", "failed").len(), 1);
    host.stop();
    let without = Weir::new("");
    let host = without.run();
    assert_eq!(host.client().get("/v1/login/oidc").status, 404);
    assert_eq!(host.client().get("/v1/login/oidc/callback").status, 404);
    host.stop();
}

/// A provider of the test's own, which signs with a key.
struct Scripted {
    server: Receiver,
    key: EcdsaKeyPair,
    key_id: String,
}

impl Scripted {
    fn new() -> Self {
        let server = Receiver::new();
        let at = |path: &str| format!("{}{path}", server.url());
        let metadata = json!({
            "issuer": server.url(), "authorization_endpoint": at("/authorize"), "token_endpoint": at("/token"),
            "jwks_uri": at("/keys"), "userinfo_endpoint": at("/person"),
        });
        server.answer("/.well-known/openid-configuration", &metadata.to_string());
        let mut provider = Self { key: key(), key_id: String::new(), server };
        provider.rotate("first");
        provider
    }

    /// Signs with another key from now on.
    fn rotate(&mut self, id: &str) {
        (self.key, self.key_id) = (key(), id.to_owned());
        let (x, y) = self.key.public_key().as_ref()[1..].split_at(32);
        let [x, y] = [x, y].map(|number| URL_SAFE_NO_PAD.encode(number));
        let key = json!({ "kty": "EC", "crv": "P-256", "kid": id, "x": x, "y": y });
        self.server.answer("/keys", &json!({ "keys": [key] }).to_string());
    }

    /// Gives a token for whatever code comes next.
    fn give(&self, claims: &Value) {
        let parts = [json!({ "alg": "ES256", "kid": self.key_id }), claims.clone()];
        let signed = parts.map(|part| URL_SAFE_NO_PAD.encode(part.to_string())).join(".");
        let signature = self.key.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
        let token = format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature));
        let answer = json!({ "id_token": token, "access_token": "access-token-of-ana", "token_type": "Bearer" });
        self.server.answer("POST /token", &answer.to_string());
    }

    /// Logs somebody in whose token claims what usual ones do, and this.
    fn log_in(&self, host: &Running, other: &Value) -> Result<Client, String> {
        let (place, cookie) = begin(host, "");
        let now = jiff::Timestamp::now().as_second();
        let mut claims = json!({
            "iss": self.server.url(), "aud": "weir", "sub": "1", "nonce": part(&place, "nonce"), "iat": now, "exp": now + 60,
        });
        claims.as_object_mut().unwrap().extend(other.as_object().unwrap().clone());
        self.give(&claims);
        let back = format!("/v1/login/oidc/callback?code=c0de&state={}", part(&place, "state"));
        let entered = entered(host, &end(host, &back, &cookie));
        if let Some(sent) = self.sent("/token").last() {
            let verifier = part(&format!("?{}", sent.body), "code_verifier");
            let challenge = URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()));
            assert_eq!(challenge, part(&place, "code_challenge"));
        }
        entered
    }

    fn sent(&self, path: &str) -> Vec<Received> {
        self.server.received().into_iter().filter(|received| received.path == path).collect()
    }
}

fn key() -> EcdsaKeyPair {
    let (random, with) = (SystemRandom::new(), &ECDSA_P256_SHA256_FIXED_SIGNING);
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(with, &random).unwrap();
    EcdsaKeyPair::from_pkcs8(with, pkcs8.as_ref(), &random).unwrap()
}

#[test]
fn what_is_sent_to_a_provider_and_believed_of_it() {
    let mut provider = Scripted::new();
    let weir = Weir::new(&config(provider.server.url())).with_secret("CLIENT_SECRET", "s3cret & of: the client");
    let host = weir.run();
    let ana = json!({ "preferred_username": "ana", "groups": ["everybody"] });
    provider.log_in(&host, &ana).unwrap();
    let sent = provider.sent("/token").remove(0);
    let pair = STANDARD.encode("weir:s3cret+%26+of%3A+the+client");
    assert_eq!(sent.header("authorization"), format!("Basic {pair}"));
    assert!(!sent.body.contains("client_secret") && sent.body.contains("grant_type=authorization_code&code=c0de"));
    assert!(provider.sent("/person").is_empty(), "everything was said");

    // What the token does not say is asked for, of the same person.
    provider
        .server
        .answer("/person", &json!({ "sub": "1", "preferred_username": "eve", "groups": ["admins"] }).to_string());
    let more = provider.log_in(&host, &json!({ "preferred_username": "ana" })).unwrap();
    let own = more.get("/v1/session").json();
    assert_eq!((&own["name"], &own["role"]), (&json!("ana"), &json!("administrator")));
    assert_eq!(provider.sent("/person")[0].header("authorization"), "Bearer access-token-of-ana");
    provider.server.answer("/person", &json!({ "sub": "2", "groups": ["admins"] }).to_string());
    assert_eq!(provider.log_in(&host, &json!({ "preferred_username": "ana" })).unwrap_err(), "refused");

    // A key that is new is asked for, but not with every token that names one.
    let n_keys = provider.sent("/keys").len();
    provider.rotate("second");
    provider.log_in(&host, &ana).unwrap();
    provider.rotate("third");
    for _ in 0..2 {
        assert_eq!(provider.log_in(&host, &ana).unwrap_err(), "token");
    }
    assert_eq!(provider.sent("/keys").len(), n_keys + 1);
    assert_eq!(provider.sent("/.well-known/openid-configuration").len(), 1);
    let reasons: Vec<_> =
        noted(&weir, "session.begin", "refused").iter().map(|it| it["after"]["reason"].clone()).collect();
    assert!(
        reasons.contains(&json!("the ID token is not taken: it is signed by a key that the provider does not name"))
    );
    host.stop();
}

#[test]
fn a_provider_that_is_somebody_else_is_not_asked() {
    let provider = Scripted::new();
    let weir = Weir::new(&config(provider.server.url())).with_secret("CLIENT_SECRET", "x");
    let doctor = |good: bool| {
        let told = weir.command(&["doctor", "--json"]).json();
        let checks = told["checks"].as_array().unwrap().clone();
        let check = checks.into_iter().find(|check| check["check"] == "log-ins").unwrap();
        assert_eq!(check["good"], good, "{told}");
        told["problems"].to_string()
    };
    doctor(true);
    let metadata = |issuer: &str, token: &str| {
        let at = |path: &str| format!("{}{path}", provider.server.url());
        let told = json!({ "issuer": issuer, "authorization_endpoint": at("/a"), "token_endpoint": token, "jwks_uri": at("/keys") });
        provider.server.answer("/.well-known/openid-configuration", &told.to_string());
    };
    let own = provider.server.url();
    for (issuer, token, what) in [
        (format!("{own}/"), format!("{own}/token"), "to the letter"),
        (own.to_owned(), "http://tokens.example.com/".to_owned(), "which is not https"),
    ] {
        metadata(&issuer, &token);
        assert!(doctor(false).contains(what), "{what}");
        let host = weir.run();
        let begun = host.client().get("/v1/login/oidc");
        assert_eq!(begun.header("location"), format!("{PUBLIC}/#/login?error=broken"));
        host.stop();
    }
}
