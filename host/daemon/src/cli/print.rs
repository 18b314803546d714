//! Answers for people: short lines, aligned, nothing that a terminal would act on.

use serde_json::Value;

use super::args::Scope;

/// Prints JSON when asked for, else text.
pub(super) fn show(scope: &Scope, answer: &Value, text: impl FnOnce(&Value) -> String) {
    if scope.json {
        println!("{answer}");
    } else {
        println!("{}", text(answer).trim_end());
    }
}

pub(super) fn search(found: &Value) -> String {
    let mut text = format!("{} found in {} ms\n", found["total"], found["took_ms"]);
    for hit in list(found, "hits") {
        let title = plain(&hit["title"]);
        text += &format!("{:<12} {:<24} {}  {title}\n", plain(&hit["kind"]), plain(&hit["updated"]), plain(&hit["id"]));
        for parts in hit["highlight"].as_object().into_iter().flat_map(serde_json::Map::values) {
            text += &format!("    {}\n", marked(parts));
        }
    }
    for suggestion in list(found, "did_you_mean") {
        text +=
            &format!("nothing has {}; did you mean {}?\n", plain(&suggestion["written"]), plain(&suggestion["meant"]));
    }
    text += &groups(&found["groups"]);
    for (facet, counts) in found["facets"].as_object().into_iter().flatten() {
        let counts = counts.as_array().map(Vec::as_slice).unwrap_or_default();
        if !counts.is_empty() {
            text += &format!("\n{facet}\n");
        }
        for count in counts {
            text += &format!("  {:>8} {}\n", count["count"], plain(&count["value"]));
        }
    }
    text
}

/// Plain and found parts by turns, in one line.
fn marked(parts: &Value) -> String {
    let parts = parts.as_array().into_iter().flatten().map(plain).zip([false, true].into_iter().cycle());
    let text: String = parts.map(|(part, found)| if found { format!("«{part}»") } else { part }).collect();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn groups(groups: &Value) -> String {
    let mut text = String::new();
    for row in list(groups, "rows") {
        let key = list(groups, "by").iter().map(|field| named(&row["key"][field.as_str().unwrap_or_default()]));
        let at = row.get("at").map(named);
        text += &format!("{:<40} {}\n", key.chain(at).collect::<Vec<_>>().join("  "), figures(row));
    }
    if let Some(other) = groups.get("other") {
        text += &format!("{:<40} {}\n", format!("{} other groups", other["groups"]), figures(other));
    }
    text
}

fn named(value: &Value) -> String {
    if value.is_null() { "(none)".to_owned() } else { plain(value) }
}

/// The count, and after it what was measured.
fn figures(row: &Value) -> String {
    let mut text = format!("{:>9}", row["count"]);
    for (field, measured) in row.as_object().into_iter().flatten() {
        let of = |(name, value): (&String, &Value)| format!("  {name} {}", plain(value));
        let shown: String = measured.as_object().into_iter().flatten().map(of).collect();
        if field != "key" && !shown.is_empty() {
            text += &format!("  {field}:{shown}");
        }
    }
    text
}

pub(super) fn searches(kept: &Value) -> String {
    let mut text = String::new();
    for search in list(kept, "searches") {
        let needs: String = list(search, "needs").iter().map(|name| format!(" --var {}=...", plain(name))).collect();
        text += &format!("{:<20} {}\n", plain(&search["name"]), plain(&search["description"]));
        text += &format!("    {}{needs}\n", plain(&search["q"]));
    }
    for (name, value) in kept["variables"].as_object().into_iter().flatten() {
        text += &format!("${name} = {}\n", plain(value));
    }
    text
}

pub(super) fn metrics(answer: &Value) -> String {
    let answers: Vec<&Value> = match answer {
        Value::Array(answers) => answers.iter().collect(),
        one => vec![one],
    };
    answers.into_iter().map(metric).collect::<Vec<_>>().join("\n")
}

fn metric(answer: &Value) -> String {
    let unit = plain(&answer["unit"]);
    let total = &answer["total"];
    let mut text = format!(
        "{}  {}  n {}  {}  unknown {}\n",
        plain(&answer["metric"]),
        plain(&answer["definition"]),
        total["n"],
        statistics(total, &unit),
        answer["unknown"]
    );
    if let Some(theirs) = answer["compat"]["value"].as_f64() {
        text += &format!("  {}\n", quantity(theirs, &unit));
    }
    if let Some(n_services) = answer["sum_over_services"].as_u64() {
        text += &format!("  over {n_services} services; one by one with --group service\n");
    }
    if let Some(set) = answer["band"]["set"].as_str() {
        text += &format!("  {} ({set})\n", answer["band"]["band"].as_str().unwrap_or("no band"));
    }
    for (reason, n) in answer["reasons"].as_object().into_iter().flatten() {
        text += &format!("  unknown: {reason} {n}\n");
    }
    for part in ["segments", "groups"] {
        for (name, point) in answer[part].as_object().into_iter().flatten() {
            text += &format!("  {name:<12} n {:<7} {}\n", point["n"].to_string(), statistics(point, &unit));
        }
    }
    for point in list(answer, "points") {
        text +=
            &format!("  {:<12} n {:<7} {}\n", plain(&point["at"]), point["n"].to_string(), statistics(point, &unit));
    }
    text
}

fn statistics(point: &Value, unit: &str) -> String {
    let shown = |name: &str| point[name].as_f64().map(|value| format!("{name} {}", quantity(value, unit)));
    let all = ["per_day", "mean", "p50", "p75", "p90"].into_iter().filter_map(shown);
    all.collect::<Vec<_>>().join("  ")
}

/// A value in a unit people read.
pub(super) fn quantity(value: f64, unit: &str) -> String {
    let (hour, day) = (3_600_000.0, 86_400_000.0);
    match unit {
        "ms" if value >= 2.0 * day => format!("{:.1} d", value / day),
        "ms" if value >= hour => format!("{:.1} h", value / hour),
        "ms" if value >= 60_000.0 => format!("{:.1} min", value / 60_000.0),
        "ms" => format!("{:.1} s", value / 1_000.0),
        "ratio" => format!("{:.1} %", value * 100.0),
        _ => format!("{value:.3}"),
    }
}

pub(super) fn entity(found: &Value, why: bool) -> String {
    let mut document = found["document"].clone();
    let log = document.as_object_mut().and_then(|fields| fields.remove("log_tail"));
    let document = serde_json::to_string_pretty(&document).unwrap_or_default();
    let mut text = format!("{}\n{document}\n", plain(&found["id"]));
    if why {
        text += "\nmerged from, the first one wins:\n";
        for source in list(found, "sources") {
            text += &format!(
                "  {} {} version {} at {}\n",
                plain(&source["stream"]),
                plain(&source["key"]),
                source["version"],
                source["seq"]
            );
            for diagnostic in list(&source["outcome"], "diagnostics") {
                let [kind, code, place, found] =
                    ["kind", "code", "place", "found"].map(|name| plain(&diagnostic[name]));
                text += &format!("    {kind} {code} {place} {found}\n");
            }
        }
        text += &stays(&found["history"]);
        text += "\nlinked with:\n";
        for link in list(found, "links") {
            text += &one_link(link, &plain(&found["id"]));
        }
    }
    text += &list(found, "notes").iter().map(note).collect::<String>();
    if let Some(log) = log {
        text += &format!("\nend of the log:\n{}\n", plain(&log));
    }
    for record in list(found, "raw") {
        text += &format!(
            "\n{} {} at {}\n{}\n",
            plain(&record["stream"]),
            plain(&record["key"]),
            record["seq"],
            plain(&record["payload"])
        );
    }
    text
}

/// A note on an entity.
pub(super) fn note(note: &Value) -> String {
    let by = if note["propel"].is_null() { plain(&note["user"]) } else { format!("propel {}", plain(&note["propel"])) };
    format!("note {} of {by}, {}: {}\n", plain(&note["name"]), plain(&note["at"]), plain(&note["text"]))
}

/// The way of a work item through its statuses.
fn stays(history: &Value) -> String {
    let stay = |stay: &Value| {
        let [from, until, status, phase] = ["from", "until", "status", "phase"]
            .map(|name| if stay[name].is_null() { "?".to_owned() } else { plain(&stay[name]) });
        let until = if stay["until"].is_null() { "now".to_owned() } else { until };
        format!("  {from} to {until}  {status} ({phase})\n")
    };
    let stays: String = list(history, "stays").iter().map(stay).collect();
    if stays.is_empty() { stays } else { format!("\nstatus:\n{stays}") }
}

pub(super) fn links(found: &Value) -> String {
    let id = plain(&found["id"]);
    let mut text = format!("{id}\n");
    for link in list(found, "links") {
        text += &one_link(link, &id);
    }
    for loose in list(found, "loose") {
        let (kind, name) = (plain(&loose["kind"]), plain(&loose["name"]));
        text += &format!("  {:>5}  {kind} {name}  {}\n", "", plain(&loose["state"]));
    }
    if found["truncated"] == true {
        text += "there are more\n";
    }
    text
}

/// How sure, what, whereto and why; `id` is the entity asked about and left out.
fn one_link(link: &Value, id: &str) -> String {
    let end = |name: &str| Some(plain(&link[name])).filter(|end| end != id).unwrap_or_else(|| "it".to_owned());
    let confidence = link["confidence"].as_f64().unwrap_or(0.0) * 100.0;
    let (from, to) = (end("from"), end("to"));
    let (kind, reason, title) = (plain(&link["kind"]), plain(&link["reason"]), plain(&link["title"]));
    format!("  {confidence:>3.0} %  {from} {kind} {to}  ({reason})  {title}\n")
}

pub(super) fn dangling(found: &Value) -> String {
    let keys = list(found, "keys");
    if keys.is_empty() {
        return "every key of a known project names a work item\n".to_owned();
    }
    let line = |key: &Value| {
        let by: Vec<String> = list(key, "named_by").iter().map(plain).collect();
        format!("{}  named {} times: {}\n", plain(&key["key"]), key["n"], by.join(" "))
    };
    keys.iter().map(line).collect()
}

pub(super) fn suspects(found: &Value) -> String {
    let mut text = format!("{}: {}", plain(&found["build"]), plain(&found["state"]));
    if let Some(since) = found["since"].as_str() {
        text += &format!(", last green {since}");
    }
    if let Some(reason) = found["reason"].as_str() {
        text += &format!(" ({reason})");
    }
    text.push('\n');
    for commit in list(found, "commits") {
        let confidence = commit["confidence"].as_f64().unwrap_or(0.0);
        text += &format!(
            "  {} {:>4.0} %  {}  {}\n",
            plain(&commit["sha"]),
            confidence * 100.0,
            plain(&commit["reason"]),
            plain(&commit["title"])
        );
    }
    for change in list(found, "waiting") {
        text += &format!("  waits  {}  {}\n", plain(&change["id"]), plain(&change["title"]));
    }
    text
}

pub(super) fn status(status: &Value) -> String {
    let mut text = format!(
        "{}: {} records accepted, {} processed\n",
        plain(&status["host"]),
        status["accepted"],
        status["processed"]
    );
    for integration in list(status, "integrations") {
        text += &format!(
            "{:<20} {:<11} {:>9} records  {:>5} errors  {}\n",
            plain(&integration["name"]),
            plain(&integration["state"]),
            integration["records"].to_string(),
            integration["errors"].to_string(),
            integration["last_error"].as_str().map(clean).unwrap_or_default()
        );
    }
    for budget in list(status, "budgets") {
        text += &format!("rate {} {} of {} left\n", plain(&budget["origin"]), budget["remaining"], budget["limit"]);
    }
    for hook in list(status, "webhooks") {
        text += &format!(
            "webhook {} {} taken, {} refused {}\n",
            plain(&hook["integration"]),
            hook["taken"],
            hook["refused"],
            plain(&hook["last_refusal"])
        );
    }
    text
}

pub(super) fn doctor(answer: &Value) -> String {
    let check = |check: &Value| {
        let sign = if check["good"] == true { "ok   " } else { "WRONG" };
        format!("{sign} {}: {}\n", plain(&check["check"]), plain(&check["found"]))
    };
    let standing = |one: &Value| format!("      {} {}\n", plain(&one["name"]), plain(&one["standing"]));
    let problem = |one: &Value| format!("{}\n  hint: {}\n", plain(&one["what"]), plain(&one["hint"]));
    let problems = list(answer, "problems");
    let end =
        if problems.is_empty() { "nothing is wrong\n".to_owned() } else { problems.iter().map(problem).collect() };
    let told = list(answer, "checks").iter().map(check).chain(list(answer, "integrations").iter().map(standing));
    told.chain([end]).collect()
}

pub(super) fn propels(answer: &Value) -> String {
    let propel = |propel: &Value| {
        let told = [&propel["name"], &propel["engine"], &propel["state"]].map(plain).join(" ");
        let error = propel["last_error"].as_str().map(|error| format!(": {}", clean(error))).unwrap_or_default();
        format!("{told}{error}\n")
    };
    let run = |run: &Value| {
        let about =
            [&run["at"], &run["id"], &run["propel"], &run["kind"], &run["entity"], &run["state"], &run["reason"]];
        let about: Vec<String> = about.into_iter().filter(|part| !part.is_null()).map(plain).collect();
        let bodies = run["bodies"].as_array().map_or(&[][..], Vec::as_slice);
        let actions = list(run, "actions").iter().enumerate().map(|(index, action)| {
            let body =
                bodies.get(index).and_then(Value::as_str).map(|body| format!(" {}", clean(body))).unwrap_or_default();
            format!("  {} {}{body}\n", plain(&action["what"]), plain(&action["result"]["detail"])).replace("  \n", "\n")
        });
        let log = list(run, "log").iter().map(|line| format!("  | {}\n", plain(line)));
        format!("{}\n{}", about.join(" "), log.chain(actions).collect::<String>())
    };
    let letter = |letter: &Value| {
        let about = ["at", "run", "action", "propel", "what", "reason"].map(|name| plain(&letter[name]));
        format!("{}\n", about.join(" "))
    };
    let sent = answer["sent_again"].as_u64().map(|n| format!("sent again: {n}\n"));
    let all = list(answer, "propels").iter().map(propel).chain(list(answer, "runs").iter().map(run));
    all.chain(list(answer, "dead_letters").iter().map(letter)).chain(sent).collect()
}

pub(super) fn gate(answer: &Value) -> String {
    let reason = answer["reason"].as_str().map(|reason| format!(": {}", clean(reason))).unwrap_or_default();
    format!("{} {}{reason}\n", plain(&answer["gate"]), plain(&answer["decision"]))
}

/// What was checked, a line each, with what to do where something is missing.
pub(super) fn checked(answer: &Value) -> String {
    let lines = list(answer, "checked");
    if lines.is_empty() {
        return "good, but nothing is connected\n  hint: take the `#` away from an `[[integration]]` in weir.toml"
            .to_owned();
    }
    let told = |line: &Value| {
        let name = ["integration", "propel"].iter().find_map(|kind| line[*kind].as_str()).unwrap_or("propels");
        let result = if line["propels"].is_null() { &line["result"] } else { &line["propels"] };
        let hint = result["hint"].as_str().map(|hint| format!("  hint: {hint}\n")).unwrap_or_default();
        format!("{name:<20} {}\n{hint}", verdict(result))
    };
    lines.iter().map(told).collect()
}

fn verdict(result: &Value) -> String {
    if !result["error"].is_null() {
        return plain(&result["error"]);
    }
    let repositories = list(result, "repositories").iter().map(plain);
    let parts = ["tool", "identity"].iter().map(|part| plain(&result[*part])).filter(|part| !part.is_empty());
    let missing = list(result, "missing").iter().map(|it| format!("missing: {}", plain(it)));
    std::iter::once("good".to_owned()).chain(parts).chain(repositories).chain(missing).collect::<Vec<_>>().join(", ")
}

pub(super) fn pretty(answer: &Value) -> String {
    serde_json::to_string_pretty(answer).unwrap_or_default()
}

pub(super) fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value[name].as_array().map_or(&[], Vec::as_slice)
}

pub(super) fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => clean(text),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// Without control characters: text of tools must not drive the terminal.
fn clean(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\n' && c != '\t' { '\u{fffd}' } else { c }).collect()
}
