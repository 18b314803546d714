//! One outcome per record, whatever the plugin does.

use std::time::Duration;

use expect_test::{Expect, expect};
use weir_model::RawRecord;
use weir_sandbox::{Limits, Outcome};

use crate::support::connector;

fn limits() -> Limits {
    Limits {
        normalize_cpu: Duration::from_millis(800),
        memory_bytes_max: 16 << 20,
        crossing_bytes_max: 2 << 20,
        ..Limits::default()
    }
}

fn records(payloads: &[&str]) -> Vec<RawRecord> {
    payloads.iter().enumerate().map(|(i, payload)| RawRecord::upsert(format!("k{i}"), None, *payload)).collect()
}

fn show(outcomes: &[Outcome]) -> String {
    let line = |outcome: &Outcome| match outcome {
        Outcome::Produced { entities, diagnostics } => {
            let keys: Vec<_> = entities.iter().map(|entity| format!("{}:{}", entity.kind, entity.key)).collect();
            format!("produced {keys:?} {diagnostics:?}\n")
        }
        Outcome::Rejected(diagnostics) => {
            let shown = diagnostics.iter().map(|found| format!(" {}", found.code));
            format!("rejected{}\n", shown.collect::<String>())
        }
        Outcome::Ignored(reason) => format!("ignored {reason}\n"),
    };
    outcomes.iter().map(line).collect()
}

async fn check(payloads: &[&str], expected: Expect) {
    let plugin = connector(limits()).await;
    let outcomes = plugin.normalize("items", r#"{"do":"x"}"#, &records(payloads)).await.unwrap();
    assert_eq!(outcomes.len(), payloads.len());
    expected.assert_eq(&show(&outcomes));
}

#[tokio::test]
async fn the_guilty_record_is_found_and_the_others_are_fine() {
    check(
        &["a", "b", "panic", "c", "d"],
        expect![[r#"
            produced ["build:k0"] []
            produced ["build:k1"] []
            rejected weir.plugin.trap
            produced ["build:k3"] []
            produced ["build:k4"] []
        "#]],
    )
    .await;
}

#[tokio::test]
async fn every_way_of_failing_is_singled_out() {
    check(
        &["none", "a", "spin", "b", "allocate", "c", "flood", "bad-key", "big", "reject", "exit", "recurse"],
        expect![[r#"
            rejected weir.plugin.invalid
            produced ["build:k1"] []
            rejected weir.plugin.cpu
            produced ["build:k3"] []
            rejected weir.plugin.memory
            produced ["build:k5"] []
            rejected weir.plugin.crossing
            rejected weir.entity.key weir.entity.none
            rejected weir.entity.size weir.entity.none
            rejected weir.rejected.unexplained
            rejected weir.plugin.trap
            rejected weir.plugin.trap
        "#]],
    )
    .await;
}

#[tokio::test]
async fn the_reason_is_in_the_words_of_the_guest() {
    let plugin = connector(limits()).await;
    let outcomes = plugin.normalize("items", r#"{"do":"x"}"#, &records(&["panic"])).await.unwrap();
    let Outcome::Rejected(diagnostics) = &outcomes[0] else { panic!("{outcomes:?}") };
    let found = diagnostics[0].found.as_deref().unwrap();
    assert!(found.contains("the guest's own words"), "{found}");
}

#[tokio::test]
async fn clocks_chance_and_state_are_closed() {
    let plugin = connector(limits()).await;
    let records = records(&["clock", "state"]);
    let first = plugin.normalize("items", r#"{"do":"x"}"#, &records).await.unwrap();
    let second = plugin.normalize("items", r#"{"do":"x"}"#, &records).await.unwrap();
    assert_eq!(first, second);
    let Outcome::Ignored(seen) = &first[0] else { panic!("{first:?}") };
    assert!(seen.starts_with("now 0 "), "{seen}");
    assert_eq!(first[1], Outcome::Ignored("weir.pure".to_owned()));
}

#[tokio::test]
async fn many_records_in_many_batches_keep_their_order() {
    let plugin = connector(limits()).await;
    let records: Vec<_> = (0..1000).map(|i| RawRecord::upsert(format!("k{i}"), None, "x".repeat(3000))).collect();
    let outcomes = plugin.normalize("items", r#"{"do":"x"}"#, &records).await.unwrap();
    assert_eq!(outcomes.len(), records.len());
    for (outcome, record) in outcomes.iter().zip(&records) {
        let Outcome::Produced { entities, .. } = outcome else { panic!("{outcome:?}") };
        assert_eq!(entities[0].key, record.key);
    }
}

#[tokio::test]
async fn a_plugin_broken_throughout_rejects_and_comes_to_an_end() {
    let plugin = connector(limits()).await;
    let outcomes = plugin.normalize("items", r#"{"do":"panic"}"#, &records(&["a"; 256])).await.unwrap();
    assert!(outcomes.iter().all(|outcome| matches!(outcome, Outcome::Rejected(_))));
    assert_eq!(outcomes.len(), 256);
}

#[tokio::test]
async fn bytes_and_deletes_have_outcomes_too() {
    let plugin = connector(limits()).await;
    let records =
        [RawRecord::upsert("a", None, vec![0xff]), RawRecord::delete("b", None), RawRecord::upsert("c", None, "{}")];
    let outcomes = plugin.normalize("items", r#"{"do":"x"}"#, &records).await.unwrap();
    expect![[r#"
        ignored guest.bytes
        ignored weir.delete
        produced ["build:c"] []
    "#]]
    .assert_eq(&show(&outcomes));
}
