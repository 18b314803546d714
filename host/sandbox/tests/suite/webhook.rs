//! Webhooks are decoded without any connection.

use expect_test::{Expect, expect};
use weir_model::Timestamp;
use weir_sandbox::{Decoded, Delivery, Limits};

use crate::support::{connector, show};

async fn check(body: &[u8], expected: Expect) {
    let plugin = connector(Limits::default()).await;
    assert!(plugin.has_webhook());
    let received_at = Timestamp::from_ms(0);
    let delivery = Delivery { headers: Vec::new(), query: Vec::new(), body: body.to_vec(), received_at };
    let shown = match plugin.decode("{}", &delivery).await {
        Ok(Decoded::Accepted { id, batches, .. }) => {
            let keys = batches
                .iter()
                .flat_map(|(dataset, records)| records.iter().map(move |record| format!(" {dataset}/{}", record.key)));
            format!("accepted {id:?}{}\n", keys.collect::<String>())
        }
        Ok(other) => format!("{other:?}\n"),
        Err(error) => show(&error),
    };
    expected.assert_eq(&shown);
}

#[tokio::test]
async fn deliveries_become_records_answers_or_nothing() {
    check(
        b"k1",
        expect![[r#"
        accepted Some("delivery-1") items/k1
    "#]],
    )
    .await;
    check(
        b"ping",
        expect![[r#"
        Ignored("guest.ping")
    "#]],
    )
    .await;
    check(
        b"hello",
        expect![[r#"
        Challenge("hello yourself")
    "#]],
    )
    .await;
}

#[tokio::test]
async fn what_cannot_be_decoded_is_typed() {
    check(
        &[0xff],
        expect![[r"
        cannot run `decode` of plugin `hostile-connector`: not text (guest.body)
        guest.body Upstream Never
    "]],
    )
    .await;
    check(b"bad-dataset", expect![[r"
        cannot run `decode` of plugin `hostile-connector`: it broke the contract: `No Such Name!` is no dataset name: 1 to 64 of a-z, 0-9, `-`, `_`, `.`, beginning with a letter or digit
        weir.plugin.invalid Plugin Later(None)
    "]]).await;
    check(b"bad-key", expect![[r#"
        cannot run `decode` of plugin `hostile-connector`: it broke the contract: record "a\nb": a key has no control characters
        weir.plugin.invalid Plugin Later(None)
    "#]]).await;
}
