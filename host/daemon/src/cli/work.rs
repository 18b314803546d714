//! Commands about work and people: ask, and print.

use axum::extract::Query;
use http::Uri;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::Answer;
use super::access::{Access, blocking};
use super::args::{Alignment, Hygiene, Items, People, Scope, Sprints, Statuses};
use super::print::{list, plain, quantity, show};
use super::read::{ready, value};
use crate::error::Fault;
use crate::host::Host;
use crate::query::{self, View};

/// Asks a running host at `path`, or the stores by `stores`; both read what was `given` in the same way.
async fn ask<P, T>(
    scope: &Scope,
    path: &str,
    given: &[(&str, Option<&str>)],
    stores: impl FnOnce(&Host, P) -> Result<T, Fault> + Send + 'static,
) -> Result<Value, Fault>
where
    P: DeserializeOwned + Send + 'static,
    T: Serialize,
{
    match ready(scope).await? {
        Access::Running(remote) => remote.get(path, given).await,
        Access::Stores(host) => {
            let params = params(given)?;
            blocking(move || value(stores(&host, params)?)).await
        }
    }
}

fn params<P: DeserializeOwned>(given: &[(&str, Option<&str>)]) -> Result<P, Fault> {
    let mut pairs = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in given.iter().filter_map(|(name, value)| Some((name, (*value)?))) {
        pairs.append_pair(name, value);
    }
    let uri: Uri = format!("/?{}", pairs.finish())
        .parse()
        .map_err(|error| Fault::config("the question is too long").caused_by(error))?;
    let Query(params) =
        Query::try_from_uri(&uri).map_err(|error| Fault::config("cannot read the question").caused_by(error))?;
    Ok(params)
}

pub(super) async fn items(scope: &Scope, asked: &Items) -> Answer {
    let limit = asked.limit.to_string();
    let given = [
        ("at", asked.at.as_deref()),
        ("begun", asked.begun.then_some("true")),
        ("team", asked.team.as_deref()),
        ("project", asked.project.as_deref()),
        ("limit", Some(limit.as_str())),
    ];
    let found =
        ask(scope, "/v1/work/items", &given, |host, params| query::items(&View::whole(&host.account), &params)).await?;
    show(scope, &found, |found| {
        let mut text = format!("{} items at {}", found["n"], plain(&found["at"]));
        text += &format!(", {} of unknown status, {}\n", found["unknown"], spread("age", &found["age"], "ms"));
        for item in list(found, "items") {
            let age = quantity(item["age_ms"].as_f64().unwrap_or_default(), "ms");
            let status = item["status"].as_str().map_or("?".to_owned(), |_| plain(&item["status"]));
            text += &format!("  {age:>9}  {status:<16} {}  {}\n", plain(&item["id"]), plain(&item["title"]));
        }
        text
    });
    Ok(true)
}

pub(super) async fn statuses(scope: &Scope, asked: &Statuses) -> Answer {
    let given = [
        ("from", asked.from.as_deref()),
        ("to", asked.to.as_deref()),
        ("team", asked.team.as_deref()),
        ("project", asked.project.as_deref()),
    ];
    let found =
        ask(scope, "/v1/work/statuses", &given, |host, params| query::statuses(&View::whole(&host.account), &params))
            .await?;
    show(scope, &found, |found| {
        let mut text = format!("{} items done, {} with a time of unknown status\n", found["n"], found["unknown"]);
        for part in ["statuses", "phases"] {
            text += &format!("{part}\n");
            for (name, times) in found[part].as_object().into_iter().flatten() {
                text += &format!("  {}\n", spread(name, times, "ms"));
            }
        }
        text
    });
    Ok(true)
}

pub(super) async fn sprints(scope: &Scope, asked: &Sprints) -> Answer {
    let limit = asked.limit.to_string();
    let given = [("id", asked.id.as_deref()), ("board", asked.board.as_deref()), ("limit", Some(limit.as_str()))];
    let found =
        ask(scope, "/v1/work/sprints", &given, |host, params| query::sprints(&View::whole(&host.account), &params))
            .await?;
    show(scope, &found, |found| {
        let sprints = list(found, "sprints").iter().map(sprint).collect::<String>();
        let over = found["over"].as_object().into_iter().flatten();
        sprints + &over.map(|(name, spread_)| spread(name, spread_, "points") + "\n").collect::<String>()
    });
    Ok(true)
}

fn sprint(sprint: &Value) -> String {
    let mut text = format!("{}  {}", plain(&sprint["id"]), plain(&sprint["name"]));
    if sprint["commit"].is_null() {
        return text + "  not begun\n";
    }
    text += &format!("  {} to {}\n ", day(&sprint["from"]), day(&sprint["to"]));
    for name in ["commit", "commit_done", "commit_missed", "removed", "creep", "creep_done", "delivered"] {
        text += &format!(" {} {}", name.replace('_', " "), sprint[name]);
    }
    let churn = sprint["churn"].as_f64().map_or("unknown".to_owned(), |churn| quantity(churn, "ratio"));
    text + &format!(" churn {churn} unestimated {}\n", list(sprint, "unestimated").len())
}

pub(super) async fn hygiene(scope: &Scope, asked: &Hygiene) -> Answer {
    let limit = asked.limit.to_string();
    let given = [
        ("by", asked.by.as_deref()),
        ("team", asked.team.as_deref()),
        ("project", asked.project.as_deref()),
        ("limit", Some(limit.as_str())),
    ];
    let stores = |host: &Host, params| query::hygiene(&View::whole(&host.account), &host.config.hygiene, &params);
    let found = ask(scope, "/v1/work/hygiene", &given, stores).await?;
    show(scope, &found, |found| {
        let mut text = score("all", found);
        for category in list(found, "categories") {
            let (name, weight, misses) = (plain(&category["name"]), &category["weight"], &category["misses"]);
            text += &format!("  {name:<20} weight {weight:<6} misses {misses}\n");
            text += &list(category, "items").iter().map(|id| format!("    {}\n", plain(id))).collect::<String>();
        }
        let groups = found["groups"].as_object().into_iter().flatten();
        text + &groups.map(|(name, group)| score(name, group)).collect::<String>()
    });
    Ok(true)
}

fn score(name: &str, hygiene: &Value) -> String {
    let score = hygiene["score"].as_f64().map_or("unknown".to_owned(), |score| format!("{score:.1}"));
    format!("{name}: {score} of 100, {} open items\n", hygiene["n"])
}

pub(super) async fn alignment(scope: &Scope, asked: &Alignment) -> Answer {
    let limit = asked.limit.to_string();
    let given = [
        ("effort", Some(asked.effort.as_str())),
        ("from", asked.from.as_deref()),
        ("to", asked.to.as_deref()),
        ("team", asked.team.as_deref()),
        ("project", asked.project.as_deref()),
        ("limit", Some(limit.as_str())),
    ];
    let stores = |host: &Host, params| query::alignment(&View::whole(&host.account), &host.config.alignment, &params);
    let found = ask(scope, "/v1/work/alignment", &given, stores).await?;
    show(scope, &found, |found| {
        let unit = if found["effort"] == "time" { "ms" } else { "" };
        let line = |category: &Value| {
            let share = category["share"].as_f64().map_or("unknown".to_owned(), |share| quantity(share, "ratio"));
            let effort = quantity(category["effort"].as_f64().unwrap_or_default(), unit);
            let name = category["name"].as_str().map_or("remainder".to_owned(), |_| plain(&category["name"]));
            format!("  {share:>8}  {name:<24} {effort:>10}  n {}\n", category["n"])
        };
        let text = format!("{} items done, {} of unknown effort\n", found["n"], found["unknown"]);
        let categories = list(found, "categories").iter().chain([&found["remainder"]]);
        text + &categories.map(line).collect::<String>()
    });
    Ok(true)
}

pub(super) async fn people(scope: &Scope, asked: &People) -> Answer {
    let limit = asked.limit.to_string();
    let given =
        [("q", asked.text.as_deref()), ("merged", asked.merged.then_some("true")), ("limit", Some(limit.as_str()))];
    let found =
        ask(scope, "/v1/people", &given, |host, params| query::people(&View::whole(&host.account), &params)).await?;
    show(scope, &found, |found| if asked.suggestions { suggestions(found) } else { humans(found) });
    Ok(true)
}

fn humans(found: &Value) -> String {
    let mut text = format!("{} identities are {} people\n", found["persons"], found["humans"]);
    for human in list(found, "people") {
        let names = list(human, "names").iter().map(plain).collect::<Vec<_>>().join(" ");
        text += &format!("{}  {}  {names}\n", plain(&human["id"]), plain(&human["name"]));
        for same in list(human, "why") {
            let persons = list(same, "persons").iter().map(plain).collect::<Vec<_>>().join(" ");
            text += &format!("    {} {}: {persons}\n", plain(&same["reason"]), plain(&same["what"]));
        }
    }
    text
}

fn suggestions(found: &Value) -> String {
    let mut text = String::new();
    for suggestion in list(found, "suggestions") {
        let humans = list(suggestion, "humans").iter().map(plain).collect::<Vec<_>>();
        let quoted = humans.iter().map(|id| format!("{id:?}")).collect::<Vec<_>>().join(", ");
        text += &format!("# {}\n[[person]]\nis = [{quoted}]\n\n", plain(&suggestion["name"]));
    }
    if text.is_empty() { "no two people have a name in common\n".to_owned() } else { text }
}

pub(super) async fn teams(scope: &Scope) -> Answer {
    let found = match ready(scope).await? {
        Access::Running(remote) => remote.get("/v1/teams", &[]).await?,
        Access::Stores(host) => json!({ "teams": query::teams(&View::whole(&host.account)) }),
    };
    show(scope, &found, |found| {
        let mut text = String::new();
        for team in list(found, "teams") {
            let parent = team["parent"].as_str().map(|_| format!(" of {}", plain(&team["parent"])));
            text += &format!("{}{}\n", plain(&team["name"]), parent.unwrap_or_default());
            text += &list(team, "projects").iter().map(|project| format!("  {}\n", plain(project))).collect::<String>();
            for member in list(team, "people") {
                let stated = |name: &str| member[name].as_str().map(|_| format!(" {name} {}", plain(&member[name])));
                let period: String = ["from", "to"].into_iter().filter_map(stated).collect();
                text += &format!("  {}{period}\n", plain(&member["is"]));
            }
        }
        text
    });
    Ok(true)
}

fn day(at: &Value) -> String {
    plain(at).chars().take(10).collect()
}

fn spread(name: &str, spread: &Value, unit: &str) -> String {
    let shown = |statistic: &str| {
        let value = spread[statistic].as_f64()?;
        Some(format!("  {statistic} {}", quantity(value, unit)))
    };
    let all = ["mean", "p50", "p75", "p90", "deviation"].into_iter().filter_map(shown);
    format!("{name:<20} n {}{}", spread["n"], all.collect::<String>())
}
