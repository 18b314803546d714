//! `weir teams import`: a table of people becomes a file of teams.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::json;

use super::Answer;
use super::args::Scope;
use super::print::show;
use crate::error::Fault;

/// Columns a table may have; `team` it must.
const COLUMNS: [&str; 6] = ["team", "person", "from", "to", "parent", "project"];

/// Reads `file`, checks every line of it, and writes `to`.
pub(super) fn import(scope: &Scope, file: &Path, to: &Path, force: bool) -> Answer {
    let text = std::fs::read_to_string(file)
        .map_err(|error| Fault::config(format!("cannot read {}", file.display())).caused_by(error))?;
    let (teams, wrong) = teams(&text);
    if !wrong.is_empty() {
        let lines = wrong.iter().map(|(line, what)| format!("\n  {}:{line}: {what}", file.display()));
        return Err(Fault::config(format!("nothing is written:{}", lines.collect::<String>()))
            .hint(format!("the first line names the columns: {}", COLUMNS.join(", "))));
    }
    if to.exists() && !force {
        return Err(Fault::config(format!("{} is there already", to.display())).hint("`--force` writes over it"));
    }
    std::fs::write(to, written(&teams))
        .map_err(|error| Fault::host(format!("cannot write {}", to.display())).caused_by(error))?;
    let n_people: usize = teams.values().map(|team| team.people.len()).sum();
    let answer = json!({ "teams": teams.len(), "memberships": n_people, "file": to });
    show(scope, &answer, |_| {
        let include = format!("add `include = [{:?}]` at the top of weir.toml", to.display().to_string());
        format!("{} teams with {n_people} memberships in {}\n{include}\n", teams.len(), to.display())
    });
    Ok(true)
}

/// A team of the table.
#[derive(Debug, Default, PartialEq, Eq)]
struct Team {
    parent: Option<String>,
    projects: Vec<String>,
    people: Vec<Membership>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Membership {
    person: String,
    from: Option<String>,
    to: Option<String>,
}

/// Teams by name, and what is wrong in which line, from 1.
fn teams(text: &str) -> (BTreeMap<String, Team>, Vec<(u64, String)>) {
    let (mut teams, mut wrong) = (BTreeMap::new(), Vec::new());
    let mut table = csv::ReaderBuilder::new().trim(csv::Trim::All).flexible(true).from_reader(text.as_bytes());
    let columns = match columns(table.headers()) {
        Ok(columns) => columns,
        Err(what) => return (teams, vec![(1, what)]),
    };
    for row in table.records() {
        let taken = match &row {
            Ok(row) => take(&columns, row, &mut teams),
            Err(error) => Err(error.to_string()),
        };
        let line =
            row.as_ref().map_or_else(csv::Error::position, csv::StringRecord::position).map_or(0, csv::Position::line);
        wrong.extend(taken.err().map(|what| (line, what)));
    }
    (teams, wrong)
}

/// The columns in their order.
fn columns(header: csv::Result<&csv::StringRecord>) -> Result<Vec<&'static str>, String> {
    let header = header.map_err(|error| error.to_string())?;
    // A byte order mark is what spreadsheets begin with.
    let names = header.iter().map(|name| name.trim_start_matches('\u{feff}').to_lowercase());
    let known = |name: String| {
        COLUMNS.into_iter().find(|column| *column == name).ok_or_else(|| format!("no column is called `{name}`"))
    };
    let columns: Vec<&'static str> = names.map(known).collect::<Result<_, _>>()?;
    if columns.contains(&"team") { Ok(columns) } else { Err("no column is called `team`".to_owned()) }
}

fn take(columns: &[&str], row: &csv::StringRecord, teams: &mut BTreeMap<String, Team>) -> Result<(), String> {
    if row.len() > columns.len() {
        return Err(format!("{} fields for {} columns", row.len(), columns.len()));
    }
    let field = |name: &str| {
        let place = columns.iter().position(|column| *column == name)?;
        row.get(place).filter(|text| !text.is_empty()).map(str::to_owned)
    };
    let name = field("team").ok_or("no team")?;
    let (from, to) = (field("from"), field("to"));
    for day in from.iter().chain(&to) {
        day.parse::<jiff::civil::Date>().map_err(|_| format!("`{day}` is no day; write 2025-01-31"))?;
    }
    if from.iter().zip(&to).any(|(from, to)| from >= to) {
        return Err("the membership ends before it begins".to_owned());
    }
    let (person, parent, project) = (field("person"), field("parent"), field("project"));
    if person.is_none() && (from.is_some() || to.is_some()) {
        return Err("days and no person".to_owned());
    }
    let team = teams.entry(name).or_default();
    if team.parent.is_some() && parent.is_some() && team.parent != parent {
        return Err(format!("another parent than {}", team.parent.as_deref().unwrap_or_default()));
    }
    team.parent = team.parent.take().or(parent);
    team.projects.extend(project.filter(|project| !team.projects.contains(project)));
    let membership = person.map(|person| Membership { person, from, to });
    match membership {
        Some(membership) if team.people.contains(&membership) => Err("the same as a line before".to_owned()),
        membership => {
            team.people.extend(membership);
            Ok(())
        }
    }
}

/// The file of teams.
fn written(teams: &BTreeMap<String, Team>) -> String {
    let quoted = |text: &str| toml::Value::String(text.to_owned()).to_string();
    let mut text = "# Made by `weir teams import`.\n".to_owned();
    for (name, Team { parent, projects, people }) in teams {
        text += &format!("\n[[team]]\nname = {}\n", quoted(name));
        text += &parent.as_ref().map(|parent| format!("parent = {}\n", quoted(parent))).unwrap_or_default();
        let projects: Vec<String> = projects.iter().map(|project| quoted(project)).collect();
        text += &format!("projects = [{}]\npeople = [\n", projects.join(", "));
        for Membership { person, from, to } in people {
            let stated = |(name, day): (&str, &Option<String>)| Some(format!(", {name} = {}", quoted(day.as_ref()?)));
            let period: String = [("from", from), ("to", to)].into_iter().filter_map(stated).collect();
            text += &match period.as_str() {
                "" => format!("    {},\n", quoted(person)),
                period => format!("    {{ is = {}{period} }},\n", quoted(person)),
            };
        }
        text += "]\n";
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use expect_test::expect;

    #[test]
    fn a_table_becomes_teams() {
        let table = "\u{feff}Team,Person,From,To,Parent,Project\n\
            payments,ana@example.com,,2025-07-01,engineering,acme/pay-*\n\
            payments,bo,,,,\n\
            engineering,,,,,\n\
            search,ana@example.com,2025-07-01,,engineering,\n";
        let (teams, wrong) = teams(table);
        assert_eq!(wrong, []);
        let text = written(&teams);
        expect![[r#"
            # Made by `weir teams import`.

            [[team]]
            name = "engineering"
            projects = []
            people = [
            ]

            [[team]]
            name = "payments"
            parent = "engineering"
            projects = ["acme/pay-*"]
            people = [
                { is = "ana@example.com", to = "2025-07-01" },
                "bo",
            ]

            [[team]]
            name = "search"
            parent = "engineering"
            projects = []
            people = [
                { is = "ana@example.com", from = "2025-07-01" },
            ]
        "#]]
        .assert_eq(&text);
        assert_eq!(Config::parse(&text, "teams.toml").unwrap().team.len(), 3);
    }

    #[test]
    fn what_is_wrong_is_told_by_line() {
        let table = "team,person,from,to,parent\n\
            ,ana,,,\n\
            a,ana,spring,,\n\
            a,ana,2025-02-01,2025-01-01,\n\
            a,ana,,,b\n\
            a,ana,,,b\n\
            a,bo,,,c\n\
            a,,2025-01-01,,\n\
            a,bo,,,,,too\n";
        let show = |(line, what): (u64, String)| format!("{line}: {what}\n");
        expect![[r"
            2: no team
            3: `spring` is no day; write 2025-01-31
            4: the membership ends before it begins
            6: the same as a line before
            7: another parent than b
            8: days and no person
            9: 7 fields for 5 columns
        "]]
        .assert_eq(&teams(table).1.into_iter().map(show).collect::<String>());
        assert_eq!(teams("squad,person\n").1, [(1, "no column is called `squad`".to_owned())]);
        assert_eq!(teams("person\n").1, [(1, "no column is called `team`".to_owned())]);
    }
}
