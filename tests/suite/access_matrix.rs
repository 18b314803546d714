//! Every route for every role, limited in every way: it answers as the table of routes says, and tells nobody of another
//! team or of a person they may not know. The routes are those of the host, so that none is forgotten.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use weir_daemon::access::{Permission, Role};
use weir_daemon::http::{Needs, table};
use weir_tests::{Client, Response, Running, Weir, encoded};

/// What each team's data holds and nobody else may see.
const TEAMS: [&str; 2] = ["alphacanary", "betacanary"];
/// What names and addresses of persons hold.
const PERSON: &str = "personcanary";

/// What a principal is limited to.
const SCOPES: [(&str, &[&str]); 4] = [("all", &[]), ("a", &["a"]), ("b", &["b"]), ("none", &["empty"])];

/// Questions besides those of the table, for what parameters may bring to light.
const QUESTIONS: [&str; 24] = [
    "/v1/search?facets=team,project,person,repository,job,branch,kind,labels,host,integration&facets_over=other-filters&facet_limit=500",
    "/v1/search?q=project:*&facets=project&facets_over=other-filters",
    "/v1/search?q=team:b+OR+team:a+OR+NOT+team:x",
    "/v1/search?q=NOT+team:a",
    "/v1/search?q=betacanari&highlight=true",
    "/v1/search?q=mend&highlight=true&sort=relevance",
    "/v1/search?group=person,team&stats=count",
    "/v1/search?group=project&by=month&stats=count",
    "/v1/search?q=project:acme/betacanar",
    "/v1/search?kind=person",
    "/v1/search?q=person:*",
    "/v1/metrics/change-throughput?by=month",
    "/v1/metrics/deployment-frequency?team=b&group=team",
    "/v1/metrics/deployment-frequency?team=a&group=project&reasons=true",
    "/v1/metrics/deployment-frequency?project=acme/betacanary&group=team",
    "/v1/metrics/deployment-frequency/samples?team=b",
    "/v1/metrics/deployment-frequency/samples?team=a",
    "/v1/work/items?team=b",
    "/v1/work/hygiene?by=team&team=a",
    "/v1/work/hygiene?by=project",
    "/v1/events?limit=1000",
    "/v1/events?format=cloudevents",
    "/v1/people?q=personcanary",
    "/v1/red-builds?limit=50",
];

struct Principal {
    client: Client,
    role: Option<Role>,
    scope: &'static str,
}

impl Principal {
    fn may(&self, permission: Permission) -> bool {
        self.role.is_some_and(|role| role.permissions().contains(&permission))
    }

    fn is_limited(&self) -> bool {
        self.scope != "all"
    }

    /// What answers to them must not hold.
    fn forbidden(&self) -> Vec<&'static str> {
        let mut forbidden: Vec<&str> = match (self.role, self.scope) {
            (None, _) | (_, "none") => TEAMS.to_vec(),
            (_, "a") => vec![TEAMS[1]],
            (_, "b") => vec![TEAMS[0]],
            _ => Vec::new(),
        };
        if !self.may(Permission::Personal) {
            forbidden.push(PERSON);
        }
        forbidden
    }

    fn check(&self, path: &str, answer: &Response) {
        let text = answer.text().to_lowercase();
        // What was asked for may be said back.
        let asked = path.to_lowercase();
        for canary in self.forbidden().into_iter().filter(|canary| !asked.contains(canary)) {
            assert!(!text.contains(canary), "{:?} of {} is told {canary} by {path}: {text}", self.role, self.scope);
        }
        // A tag would tell when something changes that is not theirs.
        let is_data = path.starts_with("/v1/") && path != "/v1/openapi.json";
        assert!(!is_data || !self.is_limited() || answer.header("etag").is_empty(), "{path}");
    }
}

/// One team's part of the data. Ids tell nothing.
fn entities(n: usize) -> Vec<(String, Value)> {
    let team = TEAMS[n];
    let (project, person) = (format!("acme/{team}"), format!("{}{PERSON}@example.com", ["ana", "bo"][n]));
    let (who, repository) = (json!({ "name": person }), json!({ "name": project }));
    let sha = |digit: usize| format!("{digit}{n}").repeat(20);
    let at = |day: usize| format!("2026-03-{day:02}T10:00:00Z");
    vec![
        (
            format!("person:gh:p{n}"),
            json!({ "name": format!("Ana {PERSON}"), "emails": [person], "login": format!("login{PERSON}{n}") }),
        ),
        (
            format!("commit::{}", sha(1)),
            json!({ "message": format!("mend {team}\n\nSigned-off-by: <{person}>"), "author": who, "repositories": [repository],
                "parents": [sha(2)], "authored_at": at(1), "committed_at": at(1) }),
        ),
        (
            format!("commit::{}", sha(2)),
            json!({ "message": format!("begin {team}"), "author": who, "repositories": [repository], "parents": [],
                "authored_at": at(1), "committed_at": at(1) }),
        ),
        (
            format!("change:gh:c{n}"),
            json!({ "title": format!("mend {team}"), "author": who, "reviewers": [who], "repository": repository, "state": "merged",
                "handle": format!("{project}#1"), "created_at": at(1), "merged_at": at(2), "merge_commit": sha(1), "head_branch": team }),
        ),
        (
            format!("build:ci:b{n}"),
            json!({ "job": project, "number": 1, "state": "finished", "result": "success", "started_at": at(3), "finished_at": at(3),
                "checkouts": [{ "repository": repository, "branch": "main", "commit": sha(2) }] }),
        ),
        (
            format!("build:ci:r{n}"),
            json!({ "job": project, "number": 2, "state": "finished", "result": "failure", "started_at": at(4), "finished_at": at(4),
                "log_tail": format!("Started by user Ana {PERSON}"),
                "triggers": [{ "kind": "manual", "person": who }], "checkouts": [{ "repository": repository, "branch": "main", "commit": sha(1) }] }),
        ),
        (
            format!("work-item:jira:w{n}"),
            json!({ "title": format!("mend {team}"), "handle": format!("{}-1", team.to_uppercase()), "project": project, "creator": who,
                "assignees": [who], "created_at": at(1), "status": { "name": "Doing", "category": "doing" } }),
        ),
        (
            format!("deployment:cd:d{n}"),
            json!({ "service": project, "environment": { "name": "production" }, "result": "success", "state": "finished", "author": who,
                "repositories": [repository], "commits": [sha(1)], "started_at": at(5), "finished_at": at(5) }),
        ),
        (
            format!("incident:pd:i{n}"),
            json!({ "title": format!("{team} is down"), "services": [project], "creator": who, "started_at": at(6), "resolved_at": at(6) }),
        ),
    ]
}

fn host() -> (Weir, Running) {
    let weir = Weir::new(
        "require_keys = true\n[access]\nproxy_header = \"X-User\"\ntrusted_proxies = [\"127.0.0.1\"]\n\
         [[team]]\nname = \"a\"\nprojects = [\"acme/alphacanary\"]\npeople = [\"anapersoncanary@example.com\"]\n\
         [[team]]\nname = \"b\"\nprojects = [\"acme/betacanary\"]\npeople = [\"bopersoncanary@example.com\"]\n\
         [[team]]\nname = \"empty\"\n\
         [[table]]\nname = \"rota\"\nkey = \"name\"\ncolumns = [{ name = \"name\" }, { name = \"note\" }]\n",
    );
    let host = weir.run();
    for role in Role::ALL {
        for (scope, teams) in SCOPES {
            let mut command = vec!["user".to_owned(), "create".to_owned(), name(role, scope)];
            command.extend(["--role".to_owned(), word(role)]);
            command.extend(teams.iter().flat_map(|team| ["--team".to_owned(), (*team).to_owned()]));
            weir.json(&command.iter().map(String::as_str).collect::<Vec<_>>());
        }
    }
    let admin = principal(&host, Some(Role::Administrator), "all").client;
    let entities = (0..2)
        .flat_map(entities)
        .zip(1..)
        .map(|((id, document), event)| json!({ "id": id, "event": event, "document": document }));
    let batch = json!({ "host": "lab", "after": 0, "last": 100, "entities": entities.collect::<Vec<_>>() });
    let taken = admin.post("/v1/forward", batch.to_string().as_bytes());
    assert_eq!(taken.status, 200, "{}", taken.text());
    weir_tests::until("everything to be processed", || {
        let status = admin.get("/v1/status").json();
        status["processed"] == status["accepted"]
    });
    assert_eq!(admin.get("/v1/outcomes").json()["outcomes"], json!([]), "the data does not fit");
    (weir, host)
}

fn word(role: Role) -> String {
    json!(role).as_str().unwrap().to_owned()
}

fn name(role: Role, scope: &str) -> String {
    format!("{}-{scope}", word(role))
}

fn principal(host: &Running, role: Option<Role>, scope: &'static str) -> Principal {
    let client = match role {
        None => host.client(),
        Some(role) => {
            let client = host.client().with("x-user", &name(role, scope));
            let own = client.get("/v1/session").json();
            client.with("x-weir-token", own["token"].as_str().unwrap())
        }
    };
    Principal { client, role, scope }
}

fn principals(host: &Running) -> Vec<Principal> {
    let known = Role::ALL.into_iter().flat_map(|role| SCOPES.map(|(scope, _)| principal(host, Some(role), scope)));
    known.chain([principal(host, None, "none")]).collect()
}

/// Paths of a route, with everything there is in the place of its names.
fn paths(route: &str) -> Vec<String> {
    let ids: Vec<String> = match route {
        "/v1/builds/{id}/suspects" => vec!["build:lab.ci:r0".into(), "build:lab.ci:r1".into()],
        route if route.starts_with("/v1/entities/{id}") => (0..2)
            .flat_map(entities)
            .map(|(id, _)| {
                id.replace(":gh:", ":lab.gh:")
                    .replace(":ci:", ":lab.ci:")
                    .replace(":jira:", ":lab.jira:")
                    .replace(":cd:", ":lab.cd:")
                    .replace(":pd:", ":lab.pd:")
            })
            .collect(),
        _ => vec!["00000000-0000-0000-0000-000000000000".into()],
    };
    let name = if route.starts_with("/v1/metrics") {
        "deployment-frequency"
    } else if route.starts_with("/v1/tables") {
        "rota"
    } else {
        "nobody"
    };
    let filled = |id: &String| {
        let path = route.replace("{id}", &encoded(id)).replace("{name}", name).replace("{*path}", "none.js");
        path.replace("{kind}", "nothing").replace("{key}", "none").replace("{integration}", "nothing")
    };
    if route.contains("{id}") { ids.iter().map(filled).collect() } else { vec![filled(&String::new())] }
}

#[test]
fn every_route_answers_every_role_as_the_table_says() {
    let (_weir, host) = host();
    let (mut n, mut allowed) = (0, BTreeMap::<String, usize>::new());
    for principal in principals(&host) {
        for route in table() {
            for path in paths(route.path) {
                let body: &[u8] = if route.method == "GET" { b"" } else { b"{\"\": 0}" };
                let answer = principal.client.try_send(route.method.as_str(), &path, body).unwrap();
                let refused = match route.needs {
                    // These check what they are given by themselves.
                    Needs::Nothing | Needs::Signature => None,
                    Needs::Known => Some(false),
                    Needs::Seen(permission) => Some(!principal.may(permission)),
                    Needs::Whole(permission) => Some(!principal.may(permission) || principal.is_limited()),
                };
                let told = format!(
                    "{} {path} for {:?} of {}: {}",
                    route.method,
                    principal.role,
                    principal.scope,
                    answer.text()
                );
                match (principal.role, refused) {
                    (_, None) => {}
                    (None, Some(_)) => assert_eq!(answer.status, 401, "{told}"),
                    (Some(_), Some(true)) => assert_eq!(answer.status, 403, "{told}"),
                    (Some(_), Some(false)) => assert!(!matches!(answer.status, 401 | 403 | 405 | 500..), "{told}"),
                }
                principal.check(&path, &answer);
                n += 1;
                *allowed.entry(principal.role.map_or("nobody".to_owned(), word)).or_default() +=
                    usize::from(answer.is_success());
            }
        }
        for path in QUESTIONS {
            let answer = principal.client.get(path);
            assert!(answer.status < 500, "{path}: {}", answer.text());
            principal.check(path, &answer);
            n += 1;
        }
    }
    println!("{n} requests; done: {allowed:?}");
    host.stop();
}

/// The test above would pass on an empty host.
#[test]
fn those_who_may_see_do() {
    let (_weir, host) = host();
    let ask = |role, scope, path: &str| principal(&host, Some(role), scope).client.get(path).text().to_lowercase();
    let search = "/v1/search?limit=100&facets=person,team";
    let all = ask(Role::TeamLead, "all", search);
    assert!(TEAMS.iter().all(|team| all.contains(team)) && all.contains(PERSON), "{all}");
    let own = ask(Role::TeamLead, "a", search);
    assert!(own.contains(TEAMS[0]) && own.contains(&format!("ana{PERSON}")), "{own}");
    for path in ["/v1/events", "/v1/metrics/deployment-frequency", "/v1/work/items", "/v1/people", "/v1/teams"] {
        let told = ask(Role::TeamLead, "a", path);
        assert!(told.len() > 60 && !told.contains("\"status\":4"), "{path}: {told}");
    }
    let total = |role, scope, path: &str| principal(&host, Some(role), scope).client.get(path).json()["total"].clone();
    let a = total(Role::Administrator, "all", "/v1/search?q=team:a");
    assert_eq!(total(Role::TeamLead, "a", "/v1/search"), a);
    assert_eq!(total(Role::TeamLead, "none", "/v1/search"), 0);
    // A pseudonym finds what its person has, and a name finds nothing.
    let viewer = principal(&host, Some(Role::Viewer), "all").client;
    let facets = viewer.get("/v1/search?facets=person&limit=0").json();
    let pseudonym = facets["facets"]["person"][0]["value"].as_str().unwrap().to_owned();
    assert!(pseudonym.starts_with("person-"), "{facets}");
    let found = |q: &str| viewer.get(&format!("/v1/search?q={q}")).json()["total"].clone();
    assert_eq!(found(&format!("person:{pseudonym}")), facets["facets"]["person"][0]["count"]);
    assert_eq!((found("person:anapersoncanary@example.com"), found("person:ana*")), (json!(0), json!(0)));
    host.stop();
}

/// What is not there and what is not theirs are told in the same words.
#[test]
fn what_is_not_theirs_is_not_there() {
    let (_weir, host) = host();
    let lead = principal(&host, Some(Role::TeamLead), "a").client;
    for (theirs, nowhere) in [
        ("change:lab.gh:c1", "change:lab.gh:c9"),
        ("build:lab.ci:r1", "build:lab.ci:r9"),
        ("commit::1111111111111111111111111111111111111111", "commit::9999999999999999999999999999999999999999"),
    ] {
        for what in ["", "/links"] {
            let ask = |id: &str| {
                let answer = lead.get(&format!("/v1/entities/{}{what}", encoded(id)));
                (answer.status, said(&answer).replace(id, "ID"))
            };
            assert_eq!(ask(theirs), ask(nowhere), "{theirs}{what}");
            assert_eq!(ask(theirs).0, 404);
        }
    }
    let number = |team: &str| {
        let answer = lead.get(&format!("/v1/metrics/deployment-frequency?team={team}"));
        (answer.status, said(&answer))
    };
    assert_eq!(number("b"), number("nosuch"));
    host.stop();
}

/// An answer without what is another in each.
fn said(answer: &Response) -> String {
    let mut said = answer.json();
    said.as_object_mut().unwrap().remove("request_id");
    said.to_string()
}
