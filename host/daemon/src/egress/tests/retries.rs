use weir_sandbox::{Method, Target};

use super::support::*;

async fn check(replies: Vec<Reply>, method: Method) -> (String, usize, u64) {
    let tool = Tool::replying(replies).await;
    let world = World::new();
    let connection = world.connection(spec(&tool.origin));
    let said = outcome(&connection, request(method, Target::Path("/x".to_owned()))).await;
    (said, tool.lines().len(), connection.stats().retries)
}

fn ok() -> Reply {
    reply("200 OK", &[], "fine")
}

fn status(status: &str) -> Reply {
    reply(status, &[], "trouble")
}

#[tokio::test]
async fn passing_troubles_are_tried_again_three_times() {
    let troubles = || vec![status("502 Bad Gateway"), status("503 Service Unavailable"), status("504 Gateway Timeout")];
    let recovered = [troubles(), vec![ok()]].concat();
    assert_eq!(check(recovered, Method::Get).await, ("200 fine".to_owned(), 4, 3));
    let lasting = [troubles(), vec![status("502 Bad Gateway")]].concat();
    assert_eq!(check(lasting, Method::Get).await, ("502 trouble".to_owned(), 4, 3));
}

#[tokio::test]
async fn other_troubles_are_answers() {
    for code in ["500 Internal Server Error", "404 Not Found", "401 Unauthorized", "403 Forbidden"] {
        assert_eq!(check(vec![status(code)], Method::Get).await.1, 1, "{code}");
    }
}

#[tokio::test]
async fn what_may_have_been_done_is_not_done_twice() {
    assert_eq!(check(vec![status("502 Bad Gateway"), ok()], Method::Post).await, ("502 trouble".to_owned(), 1, 0));
    assert_eq!(check(vec![status("502 Bad Gateway"), ok()], Method::Delete).await, ("200 fine".to_owned(), 2, 1));
    let cut = || Reply::SendAndClose(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhal".to_vec());
    let (said, n_requests, _) = check(vec![cut(), ok()], Method::Post).await;
    assert!(said.starts_with("Connect("), "{said}");
    assert_eq!(n_requests, 1);
}

#[tokio::test]
async fn a_lost_connection_is_tried_again() {
    let closed = || Reply::SendAndClose(Vec::new());
    let cut = || Reply::SendAndClose(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhal".to_vec());
    assert_eq!(check(vec![closed(), cut(), ok()], Method::Get).await, ("200 fine".to_owned(), 3, 2));
}

#[tokio::test]
async fn pauses_grow_and_are_spread() {
    let tool = Tool::replying(vec![status("502 Bad Gateway")]).await;
    let world = World::new();
    outcome(&world.connection(spec(&tool.origin)), get("/x")).await;
    let pauses = world.clock.pauses_ms();
    assert_eq!(pauses.len(), 3);
    assert!(pauses.iter().zip([250, 500, 1_000]).all(|(pause, most)| *pause <= most), "{pauses:?}");
}

#[tokio::test]
async fn nobody_there() {
    let tool = Tool::replying(vec![ok()]).await;
    let free = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap();
    let world = World::new();
    let connection = world.connection(spec(&format!("http://{free}")));
    let said = outcome(&connection, request(Method::Post, Target::Path("/x".to_owned()))).await;
    assert!(said.starts_with("Connect(\"`127.0.0.1` does not answer"), "{said}");
    assert_eq!(connection.stats().retries, 3);
    let unknown = world.connection(spec("http://gone.internal"));
    let said = outcome(&unknown, get("/x")).await;
    assert_eq!(said, "Dns(\"`gone.internal` has no address: no such name\")");
    assert_eq!(tool.lines().len(), 0);
}

#[tokio::test]
async fn garbage_is_no_answer_and_not_asked_for_again() {
    let (said, n_requests, _) =
        check(vec![Reply::SendAndClose(b"SSH-2.0-OpenSSH\r\n\r\n".to_vec())], Method::Get).await;
    assert!(said.starts_with("Protocol("), "{said}");
    assert_eq!(n_requests, 1);
}
