//! Homes of real Jenkins installations, old and new, some of them broken on purpose.

use serde_json::json;
use weir_tests::{Weir, shared};

#[test]
fn every_build_of_every_home_is_found() {
    let Some(homes) = shared("jenkins/homes") else { return };
    let weir = Weir::new("");
    let ingested = weir.ingest("jenkins-home", &[&homes]);
    assert_eq!(
        (&ingested["records"], &ingested["rejected"], &ingested["ignored"]),
        (&json!(52), &json!(0), &json!(0)),
        "{ingested}"
    );
    let found = weir.json(&["search", "kind:build", "--facets", "result", "--limit", "0"]);
    assert_eq!(found["total"], 52);
    assert_eq!(
        found["facets"]["result"],
        json!([{ "value": "success", "count": 41 }, { "value": "failure", "count": 6 }])
    );
}

#[test]
fn a_second_reading_changes_nothing() {
    let Some(homes) = shared("jenkins/homes") else { return };
    let weir = Weir::new("");
    weir.ingest("jenkins-home", &[&homes]);
    let before = weir.json(&["search", "", "--limit", "1000"]);
    assert_eq!(weir.ingest("jenkins-home", &[&homes])["changed"], 0);
    let after = weir.json(&["search", "", "--limit", "1000"]);
    assert_eq!((&before["total"], &before["hits"]), (&after["total"], &after["hits"]));
}
