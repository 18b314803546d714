//! The same things in plain tables, and the same questions in plain SQL: in SQLite always, in PostgreSQL where
//! `WEIR_BENCH_POSTGRES` names one, as `psql` takes it.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rusqlite::{Connection, params};

use super::records::{Fact, Kind, TEAMS, block, project};
use crate::figures::{print, print_spread};

const TABLE: &str = "
    CREATE TABLE happened (
        id TEXT PRIMARY KEY, kind TEXT NOT NULL, project TEXT NOT NULL, team TEXT NOT NULL, person TEXT NOT NULL,
        branch TEXT, job TEXT, environment TEXT, result TEXT, sha TEXT, at_ms BIGINT NOT NULL, duration_ms BIGINT,
        title TEXT NOT NULL);";
const INDEXES: &str = "
    CREATE INDEX happened_kind ON happened (kind, team, at_ms);
    CREATE INDEX happened_project ON happened (project, kind, at_ms);
    CREATE INDEX happened_at ON happened (at_ms);
    CREATE INDEX happened_job ON happened (job, branch, at_ms);
    CREATE INDEX happened_sha ON happened (sha);";
const FACETS: [&str; 7] = ["kind", "project", "team", "person", "result", "branch", "environment"];

/// A question by its name, as often as it is asked.
type Question = (&'static str, Vec<String>);

/// A row of the table.
struct Row {
    id: String,
    kind: &'static str,
    project: String,
    team: String,
    person: String,
    branch: Option<&'static str>,
    job: Option<String>,
    environment: Option<&'static str>,
    result: Option<&'static str>,
    sha: Option<String>,
    at_ms: i64,
    duration_ms: Option<i64>,
    title: String,
}

impl Row {
    fn of(fact: &Fact) -> Self {
        let kind = match fact.kind {
            Kind::Commit => "commit",
            Kind::Change => "change",
            Kind::Build => "build",
            Kind::Deployment => "deployment",
            Kind::WorkItem => "work-item",
        };
        let of_build = fact.kind == Kind::Build;
        let of_run = of_build || fact.kind == Kind::Deployment;
        Self {
            id: format!("{kind}-{}", fact.number),
            kind,
            project: project(fact.repository()),
            team: format!("team-{}", fact.repository() % TEAMS),
            person: fact.person(),
            branch: of_build.then(|| fact.branch()),
            job: of_build.then(|| fact.job()),
            environment: (fact.kind == Kind::Deployment).then(|| fact.environment()),
            result: of_run.then(|| if fact.is_red() { "failure" } else { "success" }),
            sha: (fact.kind != Kind::WorkItem).then(|| fact.sha()),
            at_ms: fact.at_ms,
            duration_ms: of_build.then(|| fact.duration_ms()),
            title: format!("{kind} {} of {}", fact.number, fact.repository()),
        }
    }

    /// As a line for `COPY`.
    fn line(&self) -> String {
        let text = |text: Option<&str>| text.unwrap_or("\\N").to_owned();
        let Self { id, kind, project, team, person, at_ms, title, .. } = self;
        let (branch, job, environment) = (text(self.branch), text(self.job.as_deref()), text(self.environment));
        let (result, sha) = (text(self.result), text(self.sha.as_deref()));
        let duration = self.duration_ms.map_or("\\N".to_owned(), |ms| ms.to_string());
        format!(
            "{id}\t{kind}\t{project}\t{team}\t{person}\t{branch}\t{job}\t{environment}\t{result}\t{sha}\t{at_ms}\t{duration}\t{title}\n"
        )
    }
}

/// Measures.
pub(super) fn run(folder: &Path, records: u64) {
    sqlite(&folder.join("plain.db"), records);
    match std::env::var("WEIR_BENCH_POSTGRES") {
        Ok(database) => postgres(&database, records),
        Err(_) => println!("scale: PostgreSQL is not present; WEIR_BENCH_POSTGRES names one for psql"),
    }
}

fn rows(records: u64) -> impl Iterator<Item = Row> {
    (0..records.div_ceil(super::records::BLOCK))
        .flat_map(move |number| block(number, records))
        .map(|fact| Row::of(&fact))
}

fn sqlite(path: &Path, records: u64) {
    let started = Instant::now();
    let database = Connection::open(path).unwrap();
    // As generous as a careful operator is.
    database
        .execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA cache_size = -65536;")
        .unwrap();
    database.execute_batch(TABLE).unwrap();
    database.execute_batch("BEGIN").unwrap();
    {
        let mut insert =
            database.prepare("INSERT INTO happened VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13)").unwrap();
        for row in rows(records) {
            let Row {
                id,
                kind,
                project,
                team,
                person,
                branch,
                job,
                environment,
                result,
                sha,
                at_ms,
                duration_ms,
                title,
            } = row;
            let values = params![
                id,
                kind,
                project,
                team,
                person,
                branch,
                job,
                environment,
                result,
                sha,
                at_ms,
                duration_ms,
                title
            ];
            insert.execute(values).unwrap();
        }
    }
    database.execute_batch("COMMIT").unwrap();
    database.execute_batch(INDEXES).unwrap();
    database.execute_batch("ANALYZE").unwrap();
    let rate = records as f64 / started.elapsed().as_secs_f64();
    print("scale: plain SQLite, load", rate, "records/s", "", "one table, five indexes made afterwards; no documents");
    for (name, asked) in questions(Dialect::Sqlite) {
        let ask = |sql: &String| {
            let started = Instant::now();
            sql.split(';').filter(|sql| !sql.trim().is_empty()).for_each(|sql| {
                let mut query = database.prepare_cached(sql).unwrap();
                let mut rows = query.query([]).unwrap();
                while rows.next().unwrap().is_some() {}
            });
            started.elapsed()
        };
        let mut times: Vec<Duration> = asked.iter().map(ask).collect();
        print_spread(&format!("scale: plain SQLite, {name}"), &mut times, "", "");
    }
}

fn postgres(database: &str, records: u64) {
    let started = Instant::now();
    psql(database, &format!("DROP TABLE IF EXISTS happened; {TABLE}"), |_| {});
    psql(database, "COPY happened FROM STDIN;\n", |input| {
        rows(records).for_each(|row| input.write_all(row.line().as_bytes()).unwrap());
        input.write_all(b"\\.\n").unwrap();
    });
    psql(database, &format!("{INDEXES} ANALYZE happened;"), |_| {});
    let rate = records as f64 / started.elapsed().as_secs_f64();
    print("scale: PostgreSQL, load", rate, "records/s", "", "COPY, then five indexes; no documents");
    for (name, asked) in questions(Dialect::Postgres) {
        // One statement a question, so that one time is told for it.
        let script: String = asked.iter().fold("\\timing on\n".to_owned(), |mut script, sql| {
            let _ = writeln!(script, "BEGIN\\; {}\\; COMMIT;", sql.trim_end_matches(';').replace(';', "\\;"));
            script
        });
        let told = psql(database, &script, |_| {});
        let time = |line: &str| line.strip_prefix("Time: ")?.split(' ').next()?.parse::<f64>().ok();
        let mut times: Vec<Duration> =
            told.lines().filter_map(time).map(|ms| Duration::from_secs_f64(ms / 1e3)).collect();
        print_spread(&format!("scale: PostgreSQL, {name}"), &mut times, "", "through psql on this machine");
    }
}

fn psql(database: &str, script: &str, more: impl FnOnce(&mut dyn std::io::Write)) -> String {
    let mut command = Command::new("psql");
    command.args(["--no-psqlrc", "--quiet", "--set", "ON_ERROR_STOP=1", database]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let script = script.to_owned();
    // What it answers must be read while it is asked.
    std::thread::scope(|scope| {
        let reading = scope.spawn(|| child.wait_with_output().unwrap());
        input.write_all(script.as_bytes()).unwrap();
        more(&mut input);
        drop(input);
        let output = reading.join().unwrap();
        assert!(output.status.success(), "psql failed");
        String::from_utf8_lossy(&output.stdout).into_owned()
    })
}

#[derive(Clone, Copy)]
enum Dialect {
    Sqlite,
    Postgres,
}

fn questions(dialect: Dialect) -> Vec<Question> {
    let teams = || (0..20).map(|n| n % TEAMS);
    let facets = |filter: &str| {
        FACETS.iter().fold(String::new(), |mut all, facet| {
            let _ = write!(
                all,
                "SELECT {facet}, count(*) FROM happened WHERE {filter} GROUP BY {facet} ORDER BY 2 DESC LIMIT 20;"
            );
            all
        }) + &format!("SELECT * FROM happened WHERE {filter} ORDER BY at_ms DESC LIMIT 20;")
    };
    vec![
        ("weeks of a metric of a team", teams().map(|team| weeks(dialect, team)).collect()),
        ("7 facets, everything", (0..5).map(|_| facets("1 = 1")).collect()),
        (
            "7 facets, red builds of a team",
            teams()
                .map(|team| facets(&format!("kind = 'build' AND result = 'failure' AND team = 'team-{team}'")))
                .collect(),
        ),
        (
            "one of them by id",
            (0..200).map(|n| format!("SELECT * FROM happened WHERE id = 'build-{}';", n * 37)).collect(),
        ),
        ("last green build before a red one", (0..200).map(|n| last_green(n * 13 + 7)).collect()),
    ]
}

/// Number, mean, median and ninth decile of each week.
fn weeks(dialect: Dialect, team: u64) -> String {
    let of = format!("FROM happened WHERE kind = 'build' AND team = 'team-{team}'");
    match dialect {
        Dialect::Postgres => format!(
            "SELECT at_ms / 604800000, count(*), avg(duration_ms),
                percentile_cont(ARRAY[0.5, 0.9]) WITHIN GROUP (ORDER BY duration_ms) {of} GROUP BY 1 ORDER BY 1;"
        ),
        Dialect::Sqlite => format!(
            "SELECT week, max(n), avg(duration_ms), max(CASE WHEN place = (n + 1) / 2 THEN duration_ms END),
                max(CASE WHEN place = (9 * n + 9) / 10 THEN duration_ms END)
                FROM (SELECT at_ms / 604800000 AS week, duration_ms,
                    row_number() OVER (PARTITION BY at_ms / 604800000 ORDER BY duration_ms) AS place,
                    count(*) OVER (PARTITION BY at_ms / 604800000) AS n {of}) GROUP BY week ORDER BY week;"
        ),
    }
}

fn last_green(number: u64) -> String {
    format!(
        "SELECT green.id, green.sha FROM happened red JOIN happened green ON green.job = red.job
            AND green.branch = red.branch AND green.at_ms < red.at_ms AND green.result = 'success'
            WHERE red.id = 'build-{number}' ORDER BY green.at_ms DESC LIMIT 1;"
    )
}
