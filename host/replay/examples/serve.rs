//! Serves the demo company until interrupted: `cargo run -p weir-replay --example serve [JENKINS_HOME]`.
#![expect(clippy::print_stdout, reason = "the address is this program's answer")]

use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use weir_replay::{Company, Live, Options, Size, TOKEN, serve, write_jenkins_home};

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let company = Company::generate(1, i64::try_from(now).unwrap_or(0) * 1_000, Size::Demo);
    if let Some(home) = std::env::args().nth(1) {
        write_jenkins_home(&company, Path::new(&home))?;
    }
    println!("{:?}", company.counts());
    let live = Some(Live { every: Duration::from_secs(3) });
    let server = serve(company, Options { live, ..Options::default() }).await?;
    println!("{} with the token `{TOKEN}`", server.url());
    tokio::signal::ctrl_c().await?;
    server.stop().await;
    Ok(())
}
