//! Our cassette against Atlassian's descriptions of its APIs: every request is one there is, every answer looks like
//! the tool's. The cassette holds what the connector reads and little else, so this speaks of the connector too.

#![allow(clippy::unwrap_used, reason = "a test fails by it")]

use expect_test::expect;
use serde_json::Value;
use weir_recordings::openapi::Description;

#[test]
fn requests_and_answers_are_as_described() {
    let platform = weir_recordings::shared("openapi/jira-cloud-platform-v3.json.gz");
    let software = weir_recordings::shared("openapi/jira-software-cloud.json.gz");
    let Some((platform, software)) = platform.zip(software) else { return };
    let (platform, software) = (Description::read(&platform), Description::read(&software));
    let exchanges: Vec<Value> = serde_json::from_str(include_str!("../cassettes/acme.json")).unwrap();
    let mut faults = Vec::new();
    for exchange in &exchanges {
        // Asked at the address that Server has too; the description is of version 3 alone.
        let request = exchange["request"].as_str().unwrap().replace("/rest/api/2/serverInfo", "/rest/api/3/serverInfo");
        let description = if request.contains("/rest/agile/") { &software } else { &platform };
        faults.extend(description.faults(&request, &exchange["answer"]["body"]));
    }
    // Atlassian describes the one link here, and Jira answers with a list, as all recordings of it show.
    expect![[r#"
        GET /rest/api/3/issue/10001/remotelink: `` is [], and must be of type object
        GET /rest/api/3/issue/10002/remotelink: `` is [{"globalId":"commit=1","id":901,"object, and must be of type object
        GET /rest/api/3/issue/10003/remotelink: `` is [], and must be of type object"#]].assert_eq(&faults.join("\n"));
}
