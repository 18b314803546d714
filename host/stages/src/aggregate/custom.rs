//! What an entity says about the metrics an operator has defined: a function of that entity alone.

use weir_model::metric::Sample;
use weir_model::{DurationMs, Entity, SearchDocument};

use super::boundaries::boundary;
use super::definitions::{CustomMetric, ValueSettings};
use super::samples::Where;
use super::work::WorkRules;

/// The sample of one metric, where the metric is about the entity and it is known when it counts. A time that runs
/// counts as not reached from where it began.
pub(super) fn sample(
    metric: &CustomMetric,
    document: &SearchDocument,
    entity: &Entity,
    place: &Where<'_>,
    rules: &WorkRules,
) -> Option<Sample> {
    if !metric.of.matches(document) {
        return None;
    }
    let definition = &metric.definition;
    let name = definition.name.as_str();
    let at = boundary(entity, &definition.at, rules);
    match &definition.value {
        ValueSettings::Between(from, to) => {
            let (from, to) = (boundary(entity, from, rules), boundary(entity, to, rules));
            let length: Result<DurationMs, _> = match (from, to) {
                (None, _) => Err("no-start"),
                (_, None) => Err("not-reached"),
                (Some(from), Some(to)) if definition.without_days_off => place.working_time(from, to),
                (Some(from), Some(to)) => to.since(from).ok_or("end-before-start"),
            };
            Some(place.sample(name, at.or(from)?, length))
        }
        ValueSettings::Number(field) => Some(place.number(name, at?, number(document, field).ok_or("not-stated"))),
        ValueSettings::Share(_) => Some(place.share(name, at?, metric.share.as_ref()?.matches(document))),
        ValueSettings::Count => Some(place.count(name, at?)),
        ValueSettings::BuiltIn => None,
    }
}

fn number(document: &SearchDocument, field: &str) -> Option<f64> {
    let stated = || document.values(field).first()?.parse().ok();
    document.numbers.get(field).copied().or_else(stated)
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use weir_model::{Entity, EntityId};

    use crate::aggregate::{MetricSettings, ValueSettings, own_metrics, own_samples};
    use crate::{Context, ContextSettings};

    fn metric(name: &str, of: &str, value: ValueSettings, at: &str) -> MetricSettings {
        let texts = format!("name = {name:?}\nof = {of:?}\nat = {at:?}\nvalue = \"count\"");
        MetricSettings { value, ..toml::from_str(&texts).unwrap() }
    }

    #[test]
    fn an_operators_metrics_are_samples_like_ours() {
        let text = str::to_owned;
        let metrics = vec![
            metric("hotfix-time", "labels:hotfix", ValueSettings::Between(text("opened"), text("merged")), "merged"),
            metric("coverage", "kind:change", ValueSettings::Number(text("attr.coverage")), "merged"),
            metric("hotfix-share", "kind:change", ValueSettings::Share(text("labels:hotfix")), "merged"),
            metric("opened", "kind:change", ValueSettings::Count, "opened"),
        ];
        let context = Context::new(ContextSettings { metrics, ..ContextSettings::default() }).unwrap();
        let id: EntityId = "change:gh:1".parse().unwrap();
        let mut shown = String::new();
        for json in [
            r#"{"labels":["hotfix"],"created_at":"2026-03-02T10:00:00Z","merged_at":"2026-03-02T10:01:00Z","attributes":{"coverage":81.5}}"#,
            r#"{"labels":["hotfix"],"created_at":"2026-03-02T10:00:00Z"}"#,
            r#"{"created_at":"2026-03-02T10:00:00Z","merged_at":"2026-03-02T10:01:00Z"}"#,
            "{}",
        ] {
            let entity = Entity::read(&id.kind, json).unwrap();
            for sample in own_samples(&id, &entity, &context) {
                assert!(own_metrics(&id.kind, &context).contains(&sample.metric));
                let value = sample.value.map(|value| value.to_string()).or(sample.unknown).unwrap();
                shown += &format!("{}={value} ", sample.metric);
            }
            shown += "\n";
        }
        expect![[r"
            hotfix-time=60000 coverage=81.5 hotfix-share=1 opened=1 
            hotfix-time=not-reached opened=1 
            coverage=not-stated hotfix-share=0 opened=1 

        "]]
        .assert_eq(&shown);
    }
}
