//! Who works where: the teams, their repositories and their habits.

use super::{Person, Size};
use crate::random::Random;
use crate::time::Office;

pub(crate) const ORGANISATION: &str = "nordwind";

/// A repository and how its team works on it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Profile {
    pub(crate) name: &'static str,
    pub(crate) description: &'static str,
    pub(crate) language: &'static str,
    pub(crate) extension: &'static str,
    pub(crate) team: &'static str,
    /// Key of the team's project in its tracker.
    pub(crate) project: &'static str,
    pub(crate) ci: Ci,
    pub(crate) merge: Merge,
    pub(crate) pulls_a_week: i64,
    /// Percent of the usual time that people take.
    pub(crate) pace: i64,
    pub(crate) build_minutes: i64,
    /// Least time between two production deployments.
    pub(crate) deploy_gap_hours: i64,
    pub(crate) modules: &'static [&'static str],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ci {
    Actions,
    Jenkins,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Merge {
    Commit,
    Squash,
}

static PROFILES: [Profile; 8] = [
    Profile {
        name: "payments-api",
        description: "Takes payments and pays merchants out",
        language: "Kotlin",
        extension: "kt",
        team: "payments",
        project: "PAY",
        ci: Ci::Actions,
        merge: Merge::Squash,
        pulls_a_week: 11,
        pace: 80,
        build_minutes: 6,
        deploy_gap_hours: 10,
        modules: &["ledger", "refunds", "webhooks", "payouts", "risk"],
    },
    Profile {
        name: "search-indexer",
        description: "Keeps the product search index fresh",
        language: "Rust",
        extension: "rs",
        team: "storefront",
        project: "SHOP",
        ci: Ci::Actions,
        merge: Merge::Commit,
        pulls_a_week: 6,
        pace: 100,
        build_minutes: 9,
        deploy_gap_hours: 26,
        modules: &["crawler", "ranking", "synonyms", "schema"],
    },
    Profile {
        name: "billing-batch",
        description: "Nightly invoices, dunning and revenue reports",
        language: "Java",
        extension: "java",
        team: "finance",
        project: "FIN",
        ci: Ci::Jenkins,
        merge: Merge::Commit,
        pulls_a_week: 5,
        pace: 240,
        build_minutes: 22,
        deploy_gap_hours: 100,
        modules: &["invoicing", "dunning", "exports", "tax"],
    },
    Profile {
        name: "checkout-web",
        description: "The checkout: cart, address, payment, thank you",
        language: "TypeScript",
        extension: "ts",
        team: "payments",
        project: "PAY",
        ci: Ci::Actions,
        merge: Merge::Squash,
        pulls_a_week: 10,
        pace: 80,
        build_minutes: 5,
        deploy_gap_hours: 9,
        modules: &["cart", "address", "payment", "confirmation", "telemetry"],
    },
    Profile {
        name: "storefront-web",
        description: "What shoppers see",
        language: "TypeScript",
        extension: "tsx",
        team: "storefront",
        project: "SHOP",
        ci: Ci::Actions,
        merge: Merge::Squash,
        pulls_a_week: 10,
        pace: 110,
        build_minutes: 8,
        deploy_gap_hours: 24,
        modules: &["landing", "listing", "product", "account", "design"],
    },
    Profile {
        name: "catalog-service",
        description: "Products, prices and stock",
        language: "Go",
        extension: "go",
        team: "storefront",
        project: "SHOP",
        ci: Ci::Actions,
        merge: Merge::Squash,
        pulls_a_week: 8,
        pace: 110,
        build_minutes: 4,
        deploy_gap_hours: 22,
        modules: &["pricing", "stock", "import", "media"],
    },
    Profile {
        name: "platform-deploy",
        description: "Clusters, pipelines and the deployment tool",
        language: "Go",
        extension: "go",
        team: "platform",
        project: "PLAT",
        ci: Ci::Actions,
        merge: Merge::Commit,
        pulls_a_week: 7,
        pace: 100,
        build_minutes: 7,
        deploy_gap_hours: 34,
        modules: &["rollout", "clusters", "secrets", "alerts"],
    },
    Profile {
        name: "identity-service",
        description: "Sign-in, sessions and permissions",
        language: "Rust",
        extension: "rs",
        team: "platform",
        project: "PLAT",
        ci: Ci::Actions,
        merge: Merge::Squash,
        pulls_a_week: 6,
        pace: 100,
        build_minutes: 10,
        deploy_gap_hours: 36,
        modules: &["sessions", "tokens", "directory", "audit"],
    },
];

/// Login, name, team, offset from UTC in minutes.
const PEOPLE: [(&str, &str, &str, i64); 24] = [
    ("ana-moreau", "Ana Moreau", "payments", 60),
    ("jonas-weber", "Jonas Weber", "payments", 60),
    ("mpietrzak", "Magda Pietrzak", "payments", 60),
    ("tolu-a", "Tolu Adeyemi", "payments", 60),
    ("sverre-dahl", "Sverre Dahl", "payments", 60),
    ("carolina-rocha", "Carolina Rocha", "payments", 0),
    ("emmabrooks", "Emma Brooks", "storefront", -300),
    ("dchen", "Daniel Chen", "storefront", -300),
    ("luis-ortega", "Luis Ortega", "storefront", -300),
    ("priyanka-s", "Priyanka Shah", "storefront", -300),
    ("marcus-hale", "Marcus Hale", "storefront", -480),
    ("yuki-tanaka", "Yuki Tanaka", "storefront", -480),
    ("olga-v", "Olga Vasilenko", "storefront", 60),
    ("henrik-lund", "Henrik Lund", "platform", 60),
    ("fatima-zahra", "Fatima Zahra Idrissi", "platform", 0),
    ("bram-jansen", "Bram Jansen", "platform", 60),
    ("niamh-kelly", "Niamh Kelly", "platform", 0),
    ("petr-novak", "Petr Novak", "platform", 60),
    ("silvia-conti", "Silvia Conti", "platform", 60),
    ("arjun-mehta", "Arjun Mehta", "finance", 330),
    ("kavya-rao", "Kavya Rao", "finance", 330),
    ("rahul-nair", "Rahul Nair", "finance", 330),
    ("deepa-iyer", "Deepa Iyer", "finance", 330),
    ("thomas-keller", "Thomas Keller", "finance", 60),
];

pub(super) fn profiles(size: Size) -> &'static [Profile] {
    match size {
        Size::Small => &PROFILES[..3],
        Size::Demo => &PROFILES,
    }
}

pub(super) fn weeks(size: Size) -> i64 {
    match size {
        Size::Small => 4,
        Size::Demo => 26,
    }
}

/// Everyone, the dependency bot last.
pub(super) fn people(random: &mut Random) -> Vec<Person> {
    let mut id = 4_100_000;
    let mut person = |login: &str, name: &str, team, offset_minutes, bot| {
        id += random.next() % 90_000 + 1;
        let email = if bot {
            format!("{id}+{login}@users.noreply.github.com")
        } else {
            format!("{}@nordwind.example", name.to_lowercase().replace(' ', "."))
        };
        let office = Office { offset_minutes };
        Person { id, login: login.to_owned(), name: name.to_owned(), email, bot, team, office }
    };
    let mut people: Vec<_> =
        PEOPLE.iter().map(|&(login, name, team, offset)| person(login, name, team, offset, false)).collect();
    people.push(person("renovate[bot]", "renovate[bot]", "platform", 0, true));
    people
}
