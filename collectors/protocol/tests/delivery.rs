//! Delivery against a host that is down, busy, picky, or dies at the wrong moment.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on stops")]

use std::convert::Infallible;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use weir_protocol::{Backoff, Client, ClientOptions, Key, Kind, SpoolOptions};

/// What the host answers to a body; None: nothing, ever.
type Answer = Box<dyn FnMut(&str) -> Option<u16> + Send>;

struct Seen {
    path: String,
    authorization: String,
    key: String,
    body: String,
}

/// A host on a free port, which tells of every request before it answers.
fn host(listener: TcpListener, answer: Answer) -> UnboundedReceiver<Seen> {
    let (sender, receiver) = unbounded_channel();
    let answer = Arc::new(Mutex::new(answer));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (sender, answer) = (sender.clone(), Arc::clone(&answer));
            let service = service_fn(move |request| reply(request, sender.clone(), Arc::clone(&answer)));
            tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    });
    receiver
}

async fn reply(
    request: Request<Incoming>,
    seen: UnboundedSender<Seen>,
    answer: Arc<Mutex<Answer>>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let header = |name: &str| request.headers().get(name).map_or("", |value| value.to_str().unwrap()).to_owned();
    let (path, authorization, key) =
        (request.uri().path().to_owned(), header("authorization"), header("idempotency-key"));
    let body = String::from_utf8(request.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap();
    let status = (answer.lock().unwrap())(&body);
    let _ = seen.send(Seen { path, authorization, key, body });
    let Some(status) = status else { return std::future::pending().await };
    Ok(Response::builder().status(status).header("retry-after", "0").body(Full::default()).unwrap())
}

async fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    (listener, url)
}

fn client(url: &str, dir: &Path) -> Client {
    let mut options = ClientOptions::new(url, Key::new("k"), SpoolOptions::new(dir));
    let instant = Duration::from_millis(1);
    options.backoff = Backoff { first: instant, most: instant, asked_max: instant };
    options.batch_reports_max = 4;
    Client::open(options).unwrap()
}

fn drain(requests: &mut UnboundedReceiver<Seen>) -> Vec<Seen> {
    std::iter::from_fn(|| requests.try_recv().ok()).collect()
}

#[tokio::test]
async fn delivers_in_batches_with_key_and_path() {
    let dir = tempfile::tempdir().unwrap();
    let (listener, url) = listen().await;
    let mut requests = host(listener, Box::new(|_| Some(202)));
    let client = client(&format!("{url}/weir/"), dir.path());
    for report in ["1", "2", "3", "4", "5"] {
        client.send(Kind::Builds, report.as_bytes()).unwrap();
    }
    client.send(Kind::TestReports, b"6").unwrap();
    client.drain(1).await.unwrap();
    let seen = drain(&mut requests);
    let sent: Vec<_> = seen.iter().map(|seen| format!("{} {} {}", seen.path, seen.authorization, seen.body)).collect();
    let builds = "/weir/v1/builds Bearer k";
    let expected =
        [format!("{builds} [1,2,3,4]"), format!("{builds} [5]"), "/weir/v1/test-reports Bearer k [6]".into()];
    assert_eq!(sent, expected);
    assert_eq!((client.status().delivered, client.status().spool.reports), (6, 0));
}

#[tokio::test]
async fn a_host_that_is_down_costs_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (listener, url) = listen().await;
    drop(listener);
    let down = client(&url, dir.path());
    down.send(Kind::Builds, b"1").unwrap();
    let error = down.drain(3).await.unwrap_err();
    assert_eq!(error.to_string(), "cannot deliver");
    assert_eq!((down.status().failures, down.status().spool.reports), (3, 1));
    drop(down);

    let (listener, url) = listen().await;
    let mut requests = host(listener, Box::new(|_| Some(202)));
    client(&url, dir.path()).drain(1).await.unwrap();
    assert_eq!(drain(&mut requests)[0].body, "[1]");
}

#[tokio::test]
async fn a_busy_host_gets_the_same_batch_again() {
    let dir = tempfile::tempdir().unwrap();
    let (listener, url) = listen().await;
    let mut statuses = [503, 429, 401, 302, 202].into_iter();
    let mut requests = host(listener, Box::new(move |_| statuses.next()));
    let client = client(&url, dir.path());
    client.send(Kind::Builds, b"1").unwrap();
    client.drain(9).await.unwrap();
    let seen = drain(&mut requests);
    assert_eq!(seen.len(), 5);
    assert!(seen.iter().all(|request| request.key == seen[0].key && request.body == "[1]"));
}

#[tokio::test]
async fn a_crash_between_sending_and_removing_repeats_under_the_same_key() {
    let dir = tempfile::tempdir().unwrap();
    let (listener, url) = listen().await;
    let mut requests = host(listener, Box::new(|_| None));
    let first = client(&url, dir.path());
    first.send(Kind::Builds, b"1").unwrap();
    let before = tokio::select! {
        () = first.deliver() => unreachable!("it delivers for ever"),
        seen = requests.recv() => seen.unwrap(),
    };
    first.send(Kind::Builds, b"2").unwrap();
    drop(first);

    let (listener, url) = listen().await;
    let mut requests = host(listener, Box::new(|_| Some(202)));
    let second = client(&url, dir.path());
    second.drain(1).await.unwrap();
    let after = drain(&mut requests);
    assert_eq!((after[0].key.as_str(), after[0].body.as_str()), (before.key.as_str(), "[1]"));
    assert_eq!((after[1].key == before.key, after[1].body.as_str()), (false, "[2]"));
}

#[tokio::test]
async fn one_bad_report_does_not_hold_up_the_others() {
    let dir = tempfile::tempdir().unwrap();
    let (listener, url) = listen().await;
    let picky = |body: &str| Some(if body.contains("bad") { 422 } else { 202 });
    let mut requests = host(listener, Box::new(picky));
    let client = client(&url, dir.path());
    for report in ["1", "2", r#""bad""#, "4"] {
        client.send(Kind::Builds, report.as_bytes()).unwrap();
    }
    client.drain(1).await.unwrap();
    let taken: Vec<_> =
        drain(&mut requests).into_iter().map(|seen| seen.body).filter(|body| !body.contains("bad")).collect();
    assert_eq!(taken, ["[1,2]", "[4]"]);
    let depth = client.status().spool;
    assert_eq!((depth.reports, depth.dead, client.status().delivered), (0, 1, 3));
}
