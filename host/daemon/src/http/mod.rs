//! The server API: reading, pushes, webhooks, forwarding, and the page that shows it.

mod auth;
mod cdevents;
mod compat;
mod data;
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

use weir_stages::normalise::Format;
use weir_stages::normalise::otlp::Signal;

use crate::access::Permission::{
    Access, Collect, Forward, Ingest, Personal, Propel, Raw, Read, Runs, Status, Tables, Trigger,
};
use crate::host::Host;

use Needs::{Known, Nothing, Seen, Signature, Whole};
pub use auth::Needs;
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
    /// What it wants of who asks.
    pub needs: Needs,
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
        get("/", Nothing, ui::index),
        get("/assets/{*path}", Nothing, ui::asset),
        get("/healthz", Nothing, read::healthz),
        get("/readyz", Nothing, read::readyz),
        get("/v1/openapi.json", Nothing, openapi::document),
    ]
}

fn reading() -> Vec<Route> {
    vec![
        get("/v1/search", Seen(Read), read::search),
        get("/v1/searches", Seen(Read), read::searches),
        get("/v1/data", Whole(Read), data::kinds),
        get("/v1/data/{kind}/schema", Whole(Read), data::schema),
        get("/v1/metrics", Seen(Read), read::metrics),
        get("/v1/metrics/{name}", Seen(Read), read::metric),
        get("/v1/metrics/{name}/samples", Seen(Read), read::samples),
        get("/v1/entities/{id}", Seen(Read), read::entity),
        get("/v1/entities/{id}/raw", Whole(Raw), read::raw),
        get("/v1/entities/{id}/links", Seen(Read), read::links),
        get("/v1/entities/{id}/notes", Seen(Read), notes::list),
        get("/v1/links/dangling", Seen(Read), read::dangling),
        get("/v1/builds/{id}/suspects", Seen(Read), read::suspects),
        get("/v1/red-builds", Seen(Read), read::red_builds),
        get("/v1/work/items", Seen(Read), read::work_items),
        get("/v1/work/statuses", Seen(Read), read::work_statuses),
        get("/v1/work/sprints", Seen(Read), read::sprints),
        get("/v1/work/hygiene", Seen(Read), read::hygiene),
        get("/v1/work/alignment", Seen(Read), read::alignment),
        get("/v1/people", Seen(Personal), read::people),
        get("/v1/teams", Seen(Read), read::teams),
        get("/v1/events", Seen(Read), live::events),
        get("/v1/integrations", Whole(Status), read::integrations),
        get("/v1/outcomes", Whole(Raw), read::outcomes),
        get("/v1/status", Whole(Status), read::status),
        get("/v1/plugins", Whole(Status), read::plugins),
        get("/metrics", Whole(Status), metrics::prometheus),
        get("/v1/propels", Whole(Runs), propels::list),
        get("/v1/propels/runs", Whole(Runs), propels::runs),
        get("/v1/propels/runs/{id}", Whole(Runs), propels::run),
        get("/v1/propels/dead-letters", Whole(Runs), propels::dead_letters),
        get("/v1/tables", Whole(Runs), propels::tables),
        get("/v1/tables/{name}", Whole(Runs), propels::rows),
    ]
}

fn pushing() -> Vec<Route> {
    vec![
        Route::new(Method::POST, "/v1/builds", Whole(Ingest), write::taking(Format::Builds)),
        Route::new(Method::POST, "/v1/commits", Whole(Ingest), write::taking(Format::Commits)),
        Route::new(Method::POST, "/v1/deployments", Whole(Ingest), write::taking(Format::Deployments)),
        post("/v1/test-reports", Whole(Ingest), write::test_reports),
        post("/v1/cdevents", Whole(Ingest), cdevents::receive),
        Route::new(Method::POST, "/v1/otlp/v1/traces", Whole(Ingest), otlp::taking(Signal::Traces)),
        Route::new(Method::POST, "/v1/otlp/v1/metrics", Whole(Ingest), otlp::taking(Signal::Metrics)),
        Route::new(Method::POST, "/v1/otlp/v1/logs", Whole(Ingest), otlp::taking(Signal::Logs)),
        post("/v1/data/{kind}", Whole(Ingest), data::take),
        post("/v1/webhooks/{integration}", Signature, webhook::receive),
        post("/v1/forward", Whole(Forward), forward::receive),
        post("/v1/forward/gone", Whole(Forward), forward::gone),
    ]
}

fn acting() -> Vec<Route> {
    vec![
        put("/v1/data/{kind}/schema", Whole(Collect), data::declare),
        post("/v1/integrations/{name}/collect", Whole(Collect), write::collect),
        post("/v1/propels/{name}/run", Whole(Propel), propels::start),
        post("/v1/propels/{name}/dry-run", Whole(Propel), propels::dry_run),
        post("/v1/propels/{name}/dead-letters/send", Whole(Propel), propels::send_again),
        post("/v1/propels/runs/{id}/repeat", Whole(Propel), propels::repeat),
        post("/v1/propels/runs/{id}/cancel", Whole(Propel), propels::cancel),
        post("/v1/tables/{name}", Whole(Tables), propels::set_rows),
        delete("/v1/tables/{name}/{key}", Whole(Tables), propels::remove_row),
        post("/v1/entities/{id}/notes", Seen(Tables), notes::write),
        delete("/v1/entities/{id}/notes/{name}", Seen(Tables), notes::remove),
        post("/v1/gates/{name}", Whole(Trigger), propels::gate),
        // By a signature, or by the permission to pull triggers where none is configured.
        post("/v1/triggers/{name}", Signature, triggers::pull),
    ]
}

fn entering() -> Vec<Route> {
    vec![
        get("/v1/session", Nothing, session::show),
        post("/v1/session", Nothing, session::log_in),
        delete("/v1/session", Known, session::log_out),
        post("/v1/session/password", Known, session::change_password),
        get(oidc::START, Nothing, oidc::start),
        get(crate::oidc::CALLBACK, Nothing, oidc::end),
        get("/v1/welcome", Nothing, session::invitation),
        post("/v1/welcome", Nothing, session::welcome),
        get("/v1/users", Whole(Access), users::list),
        post("/v1/users", Whole(Access), users::create),
        put("/v1/users/{name}", Whole(Access), users::change),
        delete("/v1/users/{name}", Whole(Access), users::remove),
        post("/v1/users/{name}/password", Whole(Access), users::password),
        get("/v1/keys", Whole(Access), keys::list),
        post("/v1/keys", Whole(Access), keys::create),
        post("/v1/keys/{id}/rotate", Whole(Access), keys::rotate),
        delete("/v1/keys/{id}", Whole(Access), keys::revoke),
    ]
}

impl Route {
    fn new(method: Method, path: &'static str, needs: Needs, handler: MethodRouter<Shared>) -> Self {
        Self { method, path, needs, handler }
    }
}

fn get<H: Handler<T, Shared>, T: 'static>(path: &'static str, needs: Needs, handler: H) -> Route {
    Route::new(Method::GET, path, needs, routing::get(handler))
}

fn post<H: Handler<T, Shared>, T: 'static>(path: &'static str, needs: Needs, handler: H) -> Route {
    Route::new(Method::POST, path, needs, routing::post(handler))
}

fn put<H: Handler<T, Shared>, T: 'static>(path: &'static str, needs: Needs, handler: H) -> Route {
    Route::new(Method::PUT, path, needs, routing::put(handler))
}

fn delete<H: Handler<T, Shared>, T: 'static>(path: &'static str, needs: Needs, handler: H) -> Route {
    Route::new(Method::DELETE, path, needs, routing::delete(handler))
}
