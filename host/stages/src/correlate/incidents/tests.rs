use super::*;
use expect_test::{Expect, expect};
use weir_model::Reference;
use weir_model::entity::{AttributeValue, IncidentLink};

const HOUR: u64 = 3_600_000;

fn at(text: &str) -> Timestamp {
    format!("2026-03-{text}:00Z").parse().unwrap()
}

fn environment(name: &str) -> Option<Environment> {
    (!name.is_empty()).then(|| Environment { name: name.to_owned(), class: None })
}

/// "D2 shop prod 03T10:00", with "rollback" or an artifact behind it.
fn rollout(text: &str) -> (EntityId, Deployment) {
    let words: Vec<&str> = text.split(' ').collect();
    let mut deployment = Deployment::default()
        .service(words[1].to_owned())
        .environment(environment(words[2]))
        .finished_at(at(words[3]))
        .kind(if words.get(4) == Some(&"rollback") { DeploymentKind::Rollback } else { DeploymentKind::Deploy });
    if let Some(artifact) = words.get(4).filter(|word| word.contains(':')) {
        deployment = deployment.artifacts([Reference::Name((*artifact).to_owned())]);
    }
    (format!("deployment:cd:{}", words[0]).parse().unwrap(), deployment)
}

fn incident(service: &str, place: &str, began: &str) -> Incident {
    Incident::default().services([service.to_owned()]).environment(environment(place)).started_at(at(began))
}

fn linked(incident: Incident, key: &str, kind: IncidentLinkKind) -> Incident {
    incident.deployments([IncidentLink { deployment: Reference::Key(key.to_owned()), kind }])
}

#[expect(clippy::needless_pass_by_value, reason = "an `Expect` is written in place")]
fn check(rollouts: &[&str], incidents: &[(&str, Incident)], expected: Expect) {
    let rollouts: Vec<_> = rollouts.iter().map(|text| rollout(text)).collect();
    let id: EntityId = "incident:cd:I".parse().unwrap();
    let first = |_: &ObjectId| rollouts.first().map(|(id, _)| id.clone());
    let show = |all: &[Involved]| {
        all.iter()
            .map(|it| format!(" {} {} {} {}", it.deployment.key, it.kind.as_str(), it.reason, it.confidence))
            .collect::<Vec<_>>()
            .join(",")
    };
    let mut text = String::new();
    for (name, incident) in incidents {
        let all = involved(&id, incident, &rollouts, first, DurationMs(24 * HOUR));
        text += &format!("{name}:{}; counts{}\n", show(&all), show(&decisive(incident, all.clone())));
    }
    expected.assert_eq(&text);
}

#[test]
fn only_the_same_service_and_environment_soon_before() {
    let rollouts = ["D1 shop prod 03T09:00", "D2 shop prod 03T10:00"];
    check(
        &rollouts,
        &[
            ("just after", incident("shop", "prod", "03T10:30")),
            ("at the same moment", incident("shop", "prod", "03T10:00")),
            ("between", incident("Shop", "PROD", "03T09:30")),
            ("two months later", incident("shop", "prod", "30T10:00")),
            ("another service", incident("search", "prod", "03T10:30")),
            ("another environment", incident("shop", "staging", "03T10:30")),
            ("no environment", incident("shop", "", "03T10:30")),
            ("before all", incident("shop", "prod", "01T10:30")),
            ("no begin", incident("shop", "prod", "03T10:30").started_at(None)),
        ],
        expect![[r"
            just after: D2 caused look-back 0.5; counts D2 caused look-back 0.5
            at the same moment: D1 caused look-back 0.5; counts D1 caused look-back 0.5
            between: D1 caused look-back 0.5; counts D1 caused look-back 0.5
            two months later:; counts
            another service:; counts
            another environment:; counts
            no environment: D2 caused look-back 0.3; counts D2 caused look-back 0.3
            before all:; counts
            no begin:; counts
        "]],
    );
}

#[test]
fn what_is_stated_decides() {
    use IncidentLinkKind::{Caused, Fixed};
    let later = || incident("shop", "prod", "03T11:30");
    let artifact = {
        let mut incident = later();
        let name = AttributeValue::Text("pkg:npm/shop@1.0.0".to_owned());
        incident.attributes.insert(ARTIFACT_ATTRIBUTE.to_owned(), name);
        incident
    };
    check(
        &[
            "D1 shop prod 03T09:00 pkg:npm/shop@1.0.0",
            "D2 shop prod 03T10:00",
            "D3 shop prod 03T11:00",
            "D4 shop prod 03T12:00 rollback",
        ],
        &[
            ("cause stated", linked(later(), "D2", Caused)),
            ("unknown cause stated", linked(later(), "elsewhere", Caused)),
            ("mended by a rollback", linked(later(), "D4", Fixed)),
            ("mended by another deployment", linked(later(), "D3", Fixed)),
            ("root cause", later().description(format!("root cause: {}", "ab".repeat(20)))),
            ("artifact", artifact),
        ],
        expect![[r"
            cause stated: D2 caused stated 1, D3 caused look-back 0.5; counts D2 caused stated 1
            unknown cause stated: D3 caused look-back 0.5; counts
            mended by a rollback: D4 fixed stated 1, D3 caused rolled-back 0.8, D3 caused look-back 0.5; counts D4 fixed stated 1, D3 caused rolled-back 0.8
            mended by another deployment: D3 fixed stated 1; counts D3 fixed stated 1
            root cause: D1 caused root-cause 1, D3 caused look-back 0.5; counts D1 caused root-cause 1
            artifact: D1 caused artifact 1, D3 caused look-back 0.5; counts D1 caused artifact 1
        "]],
    );
}
