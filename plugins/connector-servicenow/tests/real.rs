//! Rows as other readers of the Table API recorded them, in its two other shapes.

#![allow(clippy::unwrap_used, reason = "a test fails by it")]

use connector_servicenow::ServiceNow;
use expect_test::expect;
use serde_json::Value;
use weir_sdk::mock;
use weir_sdk::record::RawRecord;

#[test]
fn recorded_rows_are_read() {
    let Some(folder) = weir_recordings::shared("servicenow/faros/test_files") else { return };
    let mut lines = String::new();
    for file in weir_recordings::files_below(&folder, ".json") {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        let Ok(rows) = serde_json::from_slice::<Vec<Value>>(&std::fs::read(&file).unwrap()) else {
            lines += &format!("{name}: no rows\n");
            continue;
        };
        let dataset = if name.starts_with("users") { "users" } else { "incidents" };
        let record = |row: &Value| RawRecord::upsert(row["sys_id"].as_str().unwrap_or_default(), row.to_string());
        let records: Vec<_> = rows.iter().map(record).collect();
        lines += &format!("{name}: {} rows\n", rows.len());
        for outcome in mock::normalize::<ServiceNow>(dataset, "{}", &records).unwrap() {
            lines += &mock::describe(&outcome);
        }
    }
    expect![[r#"
        config.json: no rows
        full_configured_catalog.json: no rows
        future_state.json: no rows
        incidents.json: 2 rows
          incident 1c741bd70b2322007518478d83673af3 {"handle":"INC0000060","title":"Unable to connect to email","services":["Email","Storage Area Network 001"],"state":"closed","state_word":"7","severity":"3","priority":"3","creator":{"key":"681ccaf9c0a8016400b98a06818d57c7"},"assignees":[{"key":"5137153cc611227c000bbd1bd8cd2007"}],"detected_at":"2016-12-12T15:19:57.000Z","resolved_at":"2016-12-13T21:43:14.000Z","closed_at":"2016-12-14T02:46:44.000Z","updated_at":"2016-12-14T02:46:44.000Z"}
          incident 1c741bd70b2322007518478d83673af4 {"handle":"INC0000060","title":"Unable to connect to email","services":["Email","Storage Area Network 001"],"state":"closed","state_word":"7","severity":"3","priority":"3","creator":{"key":"681ccaf9c0a8016400b98a06818d57c7"},"assignees":[{"key":"5137153cc611227c000bbd1bd8cd2007"}],"detected_at":"2016-12-12T15:19:57.000Z","resolved_at":"2016-12-13T21:43:14.000Z","closed_at":"2016-12-14T02:46:44.000Z","updated_at":"2016-12-14T02:46:44.000Z"}
        incidentsRest.json: 2 rows
          incident 1c741bd70b2322007518478d83673af3 {"handle":"INC0000060","url":"https://dev128138.service-now.com/incident.do?sys_id=1c741bd70b2322007518478d83673af3","title":"Unable to connect to email","state":"closed","state_word":"7","severity":"3","priority":"3","creator":{"key":"681ccaf9c0a8016400b98a06818d57c7"},"assignees":[{"key":"5137153cc611227c000bbd1bd8cd2007"}],"detected_at":"2016-12-12T15:19:57.000Z","resolved_at":"2016-12-13T21:43:14.000Z","closed_at":"2016-12-14T02:46:44.000Z","updated_at":"2016-12-14T02:46:44.000Z"}
          incident 1c741bd70b2322007518478d83673af4 {"handle":"INC0000060","url":"https://dev128138.service-now.com/incident.do?sys_id=1c741bd70b2322007518478d83673af4","title":"Unable to connect to email","state":"closed","state_word":"7","severity":"3","priority":"3","creator":{"key":"681ccaf9c0a8016400b98a06818d57c7"},"assignees":[{"key":"5137153cc611227c000bbd1bd8cd2007"}],"detected_at":"2016-12-12T15:19:57.000Z","resolved_at":"2016-12-13T21:43:14.000Z","closed_at":"2016-12-14T02:46:44.000Z","updated_at":"2016-12-14T02:46:44.000Z"}
        incremental_configured_catalog.json: no rows
        invalid_config.json: no rows
        users.json: 5 rows
          person 02826bf03710200044e0bfc8bcbe5d55 {"name":"Jimmie Barninger","emails":["jimmie.barninger@example.com"]}
          person 02826bf03710200044e0bfc8bcbe5d5e {"name":"Melinda Carleton","emails":["melinda.carleton@example.com"]}
          person 02826bf03710200044e0bfc8bcbe5d64 {"name":"Jewel Agresta","emails":["jewel.agresta@example.com"]}
          person 02826bf03710200044e0bfc8bcbe5d6d {"name":"Sean Bonnet","emails":["sean.bonnet@example.com"]}
          person 02826bf03710200044e0bfc8bcbe5d76 {"name":"Jacinto Gawron","emails":["jacinto.gawron@example.com"]}
    "#]].assert_eq(&lines);
}
