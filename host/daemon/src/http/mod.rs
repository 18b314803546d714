//! The server API: reading, pushes, webhooks, forwarding, and the page that shows it.

mod answer;
mod auth;
mod cdevents;
mod compat;
mod data;
mod describe;
mod expiry;
mod extract;
mod forward;
mod gateway;
mod gone;
mod keys;
mod lifecycle;
mod live;
mod metrics;
mod notes;
mod oidc;
mod openapi;
mod otlp;
mod places;
mod problem;
mod propels;
mod read;
mod serve;
mod session;
mod socket;
mod tls;
mod triggers;
mod ui;
mod unpack;
mod users;
mod webhook;
mod write;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::handler::Handler;
use axum::http::Method;
use axum::middleware::from_fn_with_state;
use axum::routing::{self, MethodRouter};

use crate::access::Permission::{
    Access, Collect, Forward, Ingest, Personal, Propel, Raw, Read, Runs, Status, Tables, Trigger,
};
use crate::host::Host;

use Needs::{Known, Nothing, Seen, Signature, Whole};
pub use auth::Needs;
use describe::{Described, Operation};
pub use expiry::ends_at;
pub use gone::{Gone, gone_routes};
pub(crate) use lifecycle::told;
pub use openapi::openapi;
pub use problem::Problem;
pub use serve::{Server, serve};
pub use tls::Tls;

/// Everything a handler may use.
pub type Shared = Arc<Host>;

/// Something that can be asked, and what it needs.
pub struct Route {
    /// Method.
    pub method: Method,
    /// Path, with names in braces.
    pub path: &'static str,
    /// What it is for, in one line.
    pub summary: &'static str,
    /// What it wants of who asks.
    pub needs: Needs,
    /// Tells what its handler takes and answers.
    tell: fn(&mut Operation<'_>),
    handler: MethodRouter<Shared>,
}

/// All routes as they are served: behind what keeps the host from being asked too much.
pub fn routes(host: Shared) -> Router {
    let limits = host.config.http.clone();
    gateway::around(api(host), &limits)
}

/// All routes behind their guards.
pub fn api(host: Shared) -> Router {
    let body_bytes_max = host.config.intake.body_bytes_max;
    let guarded = table().into_iter().fold(Router::new(), |router, route| {
        let guard = from_fn_with_state((host.clone(), route.needs), auth::guard);
        router.route(route.path, route.handler.route_layer(guard))
    });
    guarded
        .fallback(compat::any)
        .method_not_allowed_fallback(read::not_allowed)
        .layer(DefaultBodyLimit::max(body_bytes_max))
        .with_state(host)
}

/// Every route there is, but for those of SEI, which need [`Ingest`]. What is not here is not served.
pub fn table() -> Vec<Route> {
    [open(), reading(), pushing(), acting(), entering(), lifecycle::table()].into_iter().flatten().collect()
}

fn open() -> Vec<Route> {
    vec![
        get("/", "The page", Nothing, ui::index),
        get("/assets/{*path}", "What the page needs", Nothing, ui::asset),
        get("/healthz", "Whether the process lives", Nothing, read::healthz),
        get("/readyz", "Whether it takes in", Nothing, read::readyz),
        get("/v1/openapi.json", "This document", Nothing, openapi::document),
    ]
}

fn reading() -> Vec<Route> {
    vec![
        get("/v1/search", "Searches entities", Seen(Read), read::search),
        get("/v1/searches", "Searches that are kept under a name, and variables", Seen(Read), read::searches),
        get("/v1/data", "Kinds of custom data", Whole(Read), data::kinds),
        get("/v1/data/{kind}/schema", "The schema of a kind of custom data", Whole(Read), data::schema),
        get("/v1/metrics", "Definitions of the metrics", Seen(Read), read::metrics),
        get("/v1/metrics/{name}", "Numbers of one metric", Seen(Read), read::metric),
        get("/v1/metrics/{name}/samples", "Samples behind a number", Seen(Read), read::samples),
        get("/v1/entities/{id}", "One entity", Seen(Read), read::entity),
        get("/v1/entities/{id}/raw", "Raw records behind an entity", Whole(Raw), read::raw),
        get("/v1/entities/{id}/links", "What belongs to an entity, and why", Seen(Read), read::links),
        get("/v1/entities/{id}/notes", "Notes on an entity", Seen(Read), notes::list),
        get("/v1/links/dangling", "Keys of known projects that name no work item", Seen(Read), read::dangling),
        get("/v1/builds/{id}/suspects", "Commits that may have broken a build", Seen(Read), read::suspects),
        get("/v1/red-builds", "Newest builds that broke their branch", Seen(Read), read::red_builds),
        get("/v1/work/items", "Work items open or in progress at an instant", Seen(Read), read::work_items),
        get("/v1/work/statuses", "Time in status of finished work items", Seen(Read), read::work_statuses),
        get("/v1/work/sprints", "Sprints and their numbers", Seen(Read), read::sprints),
        get("/v1/work/hygiene", "How well open work items are kept", Seen(Read), read::hygiene),
        get("/v1/work/alignment", "What finished work went into", Seen(Read), read::alignment),
        get("/v1/people", "Who is who", Seen(Personal), read::people),
        get("/v1/teams", "Teams of the configuration", Seen(Read), read::teams),
        get("/v1/events", "Domain events, as a page or as a stream", Seen(Read), live::events),
        get("/v1/integrations", "Health of every integration", Whole(Status), read::integrations),
        get("/v1/outcomes", "Records that were ignored, refused or taken in part", Whole(Raw), read::outcomes),
        get("/v1/status", "Health of the host", Whole(Status), read::status),
        get(
            "/v1/plugins",
            "Plugins that are there, who signed them, and why one cannot be used",
            Whole(Status),
            read::plugins,
        ),
        get("/metrics", "Health of the host for Prometheus", Whole(Status), metrics::prometheus),
        get("/v1/propels", "Configured propels", Whole(Runs), propels::list),
        get("/v1/propels/runs", "What propels did", Whole(Runs), propels::runs),
        get("/v1/propels/runs/{id}", "One run of a propel", Whole(Runs), propels::run),
        get("/v1/propels/dead-letters", "Actions of propels that were given up", Whole(Runs), propels::dead_letters),
        get("/v1/tables", "Tables that people keep", Whole(Runs), propels::tables),
        get("/v1/tables/{name}", "Rows of a table", Whole(Runs), propels::rows),
    ]
}

fn pushing() -> Vec<Route> {
    vec![
        post("/v1/builds", "Takes builds", Whole(Ingest), write::records::<write::Builds>),
        post("/v1/commits", "Takes commits", Whole(Ingest), write::records::<write::Commits>),
        post("/v1/deployments", "Takes deployments", Whole(Ingest), write::records::<write::Deployments>),
        post(
            "/v1/test-reports",
            "Takes test reports, in JSON or as XML of a test runner",
            Whole(Ingest),
            write::test_reports,
        ),
        post("/v1/cdevents", "Takes CDEvents", Whole(Ingest), cdevents::receive),
        post("/v1/otlp/v1/traces", "Takes spans", Whole(Ingest), otlp::traces),
        post("/v1/otlp/v1/metrics", "Refuses data points", Whole(Ingest), otlp::metrics),
        post("/v1/otlp/v1/logs", "Refuses log records", Whole(Ingest), otlp::logs),
        post("/v1/data/{kind}", "Takes rows of custom data", Whole(Ingest), data::take),
        post("/v1/webhooks/{integration}", "Takes a webhook", Signature, webhook::receive),
        post("/v1/forward", "Takes results of a host", Whole(Forward), forward::receive),
        post("/v1/forward/gone", "Erases what a host has erased", Whole(Forward), forward::gone),
    ]
}

fn acting() -> Vec<Route> {
    vec![
        put("/v1/data/{kind}/schema", "Declares a kind of custom data", Whole(Collect), data::declare),
        post("/v1/integrations/{name}/collect", "Collects now", Whole(Collect), write::collect),
        post("/v1/propels/{name}/run", "Starts a propel by hand", Whole(Propel), propels::start),
        post("/v1/propels/{name}/dry-run", "Shows what a propel would do", Whole(Propel), propels::dry_run),
        post(
            "/v1/propels/{name}/dead-letters/send",
            "Sends actions again that were given up",
            Whole(Propel),
            propels::send_again,
        ),
        post("/v1/propels/runs/{id}/repeat", "Repeats a run", Whole(Propel), propels::repeat),
        post("/v1/propels/runs/{id}/cancel", "Takes back a run that waits", Whole(Propel), propels::cancel),
        post("/v1/tables/{name}", "Sets rows of a table", Whole(Tables), propels::set_rows),
        delete("/v1/tables/{name}/{key}", "Removes a row", Whole(Tables), propels::remove_row),
        post("/v1/entities/{id}/notes", "Writes a note on an entity", Seen(Tables), notes::write),
        delete("/v1/entities/{id}/notes/{name}", "Takes a note away", Seen(Tables), notes::remove),
        post("/v1/gates/{name}", "Asks whether a build may go on", Whole(Trigger), propels::gate),
        // By a signature, or by the permission to pull triggers where none is configured.
        post("/v1/triggers/{name}", "Starts the propels of a trigger", Signature, triggers::pull),
    ]
}

fn entering() -> Vec<Route> {
    vec![
        get("/v1/session", "Who one is", Nothing, session::show),
        post("/v1/session", "Logs in", Nothing, session::log_in),
        delete("/v1/session", "Logs out", Known, session::log_out),
        post("/v1/session/password", "Changes one's password", Known, session::change_password),
        get(oidc::START, "Sends a browser to the provider to log in", Nothing, oidc::start),
        get(crate::oidc::CALLBACK, "Takes a browser back from the provider", Nothing, oidc::end),
        get("/v1/welcome", "Whom a link welcomes", Nothing, session::invitation),
        post("/v1/welcome", "Sets the password of somebody who was welcomed", Nothing, session::welcome),
        get("/v1/users", "People who log in, and roles", Whole(Access), users::list),
        post("/v1/users", "Makes a user", Whole(Access), users::create),
        put("/v1/users/{name}", "Changes a user", Whole(Access), users::change),
        delete("/v1/users/{name}", "Removes a user", Whole(Access), users::remove),
        post("/v1/users/{name}/password", "Sets a password, or gives a link for it", Whole(Access), users::password),
        get("/v1/keys", "API keys", Whole(Access), keys::list),
        post("/v1/keys", "Makes a key and shows it once", Whole(Access), keys::create),
        post("/v1/keys/{id}/rotate", "Makes a key in place of another", Whole(Access), keys::rotate),
        delete("/v1/keys/{id}", "Ends a key", Whole(Access), keys::revoke),
    ]
}

macro_rules! verbs {
    ($($verb:ident $method:ident)*) => {$(
        fn $verb<H: Described<T> + Handler<T, Shared>, T: 'static>(
            path: &'static str,
            summary: &'static str,
            needs: Needs,
            handler: H,
        ) -> Route {
            Route { method: Method::$method, path, summary, needs, tell: H::tell, handler: routing::$verb(handler) }
        }
    )*};
}

verbs!(get GET post POST put PUT delete DELETE);
