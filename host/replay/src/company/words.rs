//! What people write: titles, messages, remarks. Made up here; no text of anyone else.

use super::Profile;
use crate::random::Random;

const FEATURES: [(&str, &str); 24] = [
    ("Add", "retry with back-off to {}"),
    ("Show", "a clearer error when {} times out"),
    ("Cache", "lookups in {}"),
    ("Make", "the {} page size configurable"),
    ("Support", "several currencies in {}"),
    ("Export", "{} metrics per tenant"),
    ("Move", "{} to the new client"),
    ("Add", "an audit trail to {}"),
    ("Paginate", "the {} list"),
    ("Allow", "partial updates in {}"),
    ("Speed up", "the {} query by an index"),
    ("Add", "a feature flag around {}"),
    ("Split", "{} into reader and writer"),
    ("Validate", "input of {} at the edge"),
    ("Send", "an event when {} changes"),
    ("Translate", "{} messages into French"),
    ("Rework", "the {} empty state"),
    ("Let", "operators pause {}"),
    ("Add", "keyboard navigation to {}"),
    ("Batch", "writes of {}"),
    ("Introduce", "idempotency keys for {}"),
    ("Document", "the {} interface"),
    ("Delete", "the old {} path"),
    ("Log", "slow calls of {}"),
];

const BUGS: [&str; 14] = [
    "{} returns 500 for an empty list",
    "Totals in {} are off by one cent",
    "{} ignores the time zone of the shop",
    "Duplicate entries after a retry in {}",
    "{} hangs when the upstream closes early",
    "Wrong sort order in {} on the second page",
    "{} loses umlauts on export",
    "Memory of {} grows over a weekend",
    "{} shows a stale value after an update",
    "Race in {} under load",
    "{} rejects valid postcodes",
    "Filter of {} resets on reload",
    "{} counts cancelled orders",
    "Session expires in the middle of {}",
];

const STEPS: [&str; 12] = [
    "Sketch the {} change",
    "Wire {} through",
    "Cover {} with tests",
    "Handle the empty case in {}",
    "Rename after review",
    "Fix formatting",
    "Simplify {} a little",
    "Move constants of {} to the settings",
    "Add the missing migration for {}",
    "Make the {} test deterministic",
    "Drop an unused branch in {}",
    "Address review remarks",
];

const REMARKS: [&str; 14] = [
    "Could this be empty? Then the first index would be out of range.",
    "Nice, much easier to follow than before.",
    "I would move this up to the caller, it knows whether a retry makes sense.",
    "Do we have a test for the second page?",
    "This name says what it is, not what it is for.",
    "The timeout should come from the settings.",
    "Nit: the comment repeats the code.",
    "What happens when two of these run at the same time?",
    "Can we log the id here? Without it the line is of little use.",
    "Please keep the old field for one release, mobile still reads it.",
    "This allocates per row; a borrowed slice would do.",
    "Let us agree on one unit for durations, milliseconds everywhere else.",
    "I think the error hides its cause.",
    "Looks right. Did you try it against staging?",
];

const APPROVALS: [&str; 6] = ["Looks good to me.", "Thanks!", "", "Good to go once green.", "", "Nice one."];

const REPLIES: [&str; 5] = [
    "Good catch, changed.",
    "Done in the last commit.",
    "I would rather do that in a follow-up, it touches two more places.",
    "Yes, see the test below.",
    "Agreed.",
];

const SYMPTOMS: [&str; 8] = [
    "Error rate of {} above 5 %",
    "{} answers slowly",
    "{} rejects all requests",
    "Queue of {} keeps growing",
    "Customers see an empty page in {}",
    "{} restarts in a loop",
    "Wrong amounts in {}",
    "Sign-in fails for some customers in {}",
];

const DEPENDENCIES: [(&str, &str); 8] = [
    ("tokio", "1.4"),
    ("jackson-databind", "2.1"),
    ("react", "19."),
    ("typescript", "5."),
    ("postgres-driver", "42."),
    ("opentelemetry", "0.3"),
    ("eslint", "9."),
    ("golang.org/x/net", "0.4"),
];

const LOREM: [&str; 12] = [
    "Steps to reproduce: open the page with a fresh session, change the filter twice, then reload.",
    "Expected the number to stay the same; it drops to zero until the next refresh.",
    "It happens on staging as well, about once in twenty attempts.",
    "The trace shows two calls within the same second, the second one without the tenant header.",
    "A customer with more than forty entries can reproduce it at will.",
    "We saw something like it last spring; back then the cause was a missing index.",
    "As a workaround the operator can run the job again by hand.",
    "Affected are all versions since the move to the new client.",
    "The log line before the failure reads `closing idle connection`.",
    "We need this before the end of the quarter, the audit asks for it.",
    "Acceptance: the export holds every row exactly once, in order of creation.",
    "Out of scope: the old mobile clients, they go away in autumn.",
];

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

pub(super) fn feature(random: &mut Random, module: &str) -> String {
    let (verb, rest) = random.pick(&FEATURES);
    format!("{verb} {}", rest.replace("{}", module))
}

pub(super) fn bug(random: &mut Random, module: &str) -> String {
    capitalised(&random.pick(&BUGS).replace("{}", module))
}

pub(super) fn step(random: &mut Random, module: &str) -> String {
    random.pick(&STEPS).replace("{}", module)
}

pub(super) fn symptom(random: &mut Random, service: &str) -> String {
    capitalised(&random.pick(&SYMPTOMS).replace("{}", service))
}

pub(super) fn remark(random: &mut Random) -> String {
    (*random.pick(&REMARKS)).to_owned()
}

pub(super) fn approval(random: &mut Random) -> String {
    (*random.pick(&APPROVALS)).to_owned()
}

pub(super) fn reply(random: &mut Random) -> String {
    (*random.pick(&REPLIES)).to_owned()
}

pub(super) fn dependency(random: &mut Random) -> String {
    let (name, version) = *random.pick(&DEPENDENCIES);
    format!("Update {name} to {version}{}", random.between(1, 9))
}

pub(super) fn paragraph(random: &mut Random, sentences: i64) -> String {
    (0..sentences).map(|_| *random.pick(&LOREM)).collect::<Vec<_>>().join(" ")
}

/// A branch name out of a title: lower case, dashes, not too long.
pub(super) fn slug(title: &str) -> String {
    let words = title.split(|letter: char| !letter.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.take(6).map(str::to_lowercase).collect::<Vec<_>>().join("-")
}

pub(super) fn path(random: &mut Random, profile: &Profile, module: &str) -> String {
    const NAMES: [&str; 9] = ["client", "model", "handler", "mapper", "store", "config", "job", "view", "events"];
    let name = random.pick(&NAMES);
    let folder = if random.chance(30) { "tests" } else { "src" };
    format!("{folder}/{module}/{name}.{}", profile.extension)
}
