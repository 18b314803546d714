//! The company at work before an audience: one thing happens every few seconds, and webhooks tell of it.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use ring::hmac;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{MissedTickBehavior, interval_at, timeout};

use super::gate::{Gate, now_ms};
use super::{Webhooks, lock};
use crate::github::Hook;
use crate::time::iso;

/// Steps of the plan looked at for one that changes something.
const STEPS_MAX: usize = 50;
const POST_MAX: Duration = Duration::from_secs(5);

/// A webhook that was sent, as `/app/hook/deliveries` lists it.
#[derive(Debug, Clone)]
pub(super) struct Delivery {
    id: u64,
    guid: String,
    event: &'static str,
    action: Option<&'static str>,
    delivered_at: i64,
    /// 0: nobody answered.
    status: u16,
}

/// Takes a step every `every`, for ever.
pub(super) async fn work(gate: Arc<Gate>, every: Duration) {
    let mut ticks = interval_at(tokio::time::Instant::now() + every, every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        step(&gate).await;
    }
}

/// Lets the company take steps until something happened, and tells of it.
pub(super) async fn step(gate: &Gate) {
    let hooks = {
        let mut company = gate.company_mut();
        let happenings = (0..STEPS_MAX).map(|_| company.step(Some(now_ms()))).find(|happenings| !happenings.is_empty());
        gate.hooks(&company, &happenings.unwrap_or_default())
    };
    send(gate, hooks).await;
}

/// Sends `hooks` one after the other. A receiver that is away misses them, as with the real thing.
pub(super) async fn send(gate: &Gate, hooks: Vec<Hook>) {
    let Some(webhooks) = &gate.webhooks else { return };
    for hook in hooks {
        let id = u64::try_from(lock(&gate.deliveries).len()).unwrap_or(u64::MAX) + 1;
        let guid = format!("{:08x}-0000-4000-8000-{id:012x}", now_ms().unsigned_abs() / 1_000);
        let posted = timeout(POST_MAX, post(webhooks, &hook, &guid)).await;
        let status = posted.unwrap_or_else(|late| Err(late.into())).unwrap_or(0);
        let Hook { event, action, .. } = hook;
        lock(&gate.deliveries).push(Delivery { id, guid, event, action, delivered_at: now_ms(), status });
    }
}

/// Posts one webhook, signed, over a connection of its own. Gives the status.
async fn post(webhooks: &Webhooks, hook: &Hook, guid: &str) -> io::Result<u16> {
    let url = webhooks.url.strip_prefix("http://").unwrap_or(&webhooks.url);
    let (host, path) = url.split_once('/').unwrap_or((url, ""));
    let body = hook.body.to_string();
    let signature = sign(&webhooks.secret, body.as_bytes());
    let head = format!(
        "POST /{path} HTTP/1.1\r\nhost: {host}\r\nuser-agent: GitHub-Hookshot/demo\r\naccept: */*\r\n\
         content-type: application/json\r\ncontent-length: {}\r\nx-github-event: {}\r\nx-github-delivery: {guid}\r\n\
         x-hub-signature-256: sha256={signature}\r\nconnection: close\r\n\r\n",
        body.len(),
        hook.event,
    );
    let mut stream = TcpStream::connect(host).await?;
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.take(64 * 1024).read_to_end(&mut answer).await?;
    let status = answer.get(9..12).and_then(|digits| std::str::from_utf8(digits).ok()?.parse().ok());
    status.ok_or_else(|| io::ErrorKind::InvalidData.into())
}

/// HMAC-SHA256 of `body`, in hex.
fn sign(secret: &str, body: &[u8]) -> String {
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()), body);
    tag.as_ref().iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"))
}

impl Delivery {
    pub(super) fn document(&self) -> Value {
        json!({
            "id": self.id, "guid": self.guid, "delivered_at": iso(self.delivered_at), "redelivery": false, "duration": 0.1,
            "status": if self.status == 0 { "failed to connect to host" } else { "OK" }, "status_code": self.status,
            "event": self.event, "action": self.action, "installation_id": null, "repository_id": null,
            "throttled_at": null,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_are_those_of_the_documentation() {
        let expected = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
        assert_eq!(sign("It's a Secret to Everybody", b"Hello, World!"), expected);
    }
}
