//! The server API: reading, pushes, webhooks, forwarding, and the page that shows it.

mod auth;
mod cdevents;
mod compat;
mod data;
mod extract;
mod forward;
mod gateway;
mod gone;
mod lifecycle;
mod live;
mod openapi;
mod otlp;
mod places;
mod problem;
mod propels;
mod read;
mod serve;
mod socket;
mod tls;
mod triggers;
mod ui;
mod unpack;
mod webhook;
mod write;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{delete, get, post};

use weir_stages::normalise::Format;
use weir_stages::normalise::otlp::Signal;

use crate::host::Host;

pub use auth::{ApiKey, KeyError, Scope, create_key, list_keys, revoke_key};
pub use gone::{Gone, gone_routes};
pub(crate) use lifecycle::told;
pub use problem::Problem;
pub use serve::{Server, serve};
pub use tls::Tls;

/// Everything a handler may use.
pub type Shared = Arc<Host>;

/// All routes.
pub fn routes(host: Shared) -> Router {
    let body_bytes_max = host.config.intake.body_bytes_max;
    let limits = host.config.http.clone();
    let routes = Router::new()
        .merge(ui::routes())
        .merge(reading())
        .merge(writing())
        .merge(lifecycle::routes())
        .route("/healthz", get(read::healthz))
        .route("/readyz", get(read::readyz))
        .route("/metrics", get(read::prometheus))
        .route("/v1/openapi.json", get(openapi::document))
        .fallback(compat::any)
        .method_not_allowed_fallback(read::not_allowed)
        .layer(DefaultBodyLimit::max(body_bytes_max))
        .with_state(host);
    gateway::around(routes, &limits)
}

fn reading() -> Router<Shared> {
    Router::new()
        .route("/v1/search", get(read::search))
        .route("/v1/searches", get(read::searches))
        .route("/v1/data", get(data::kinds))
        .route("/v1/metrics", get(read::metrics))
        .route("/v1/metrics/{name}", get(read::metric))
        .route("/v1/metrics/{name}/samples", get(read::samples))
        .route("/v1/entities/{id}", get(read::entity))
        .route("/v1/entities/{id}/raw", get(read::raw))
        .route("/v1/entities/{id}/links", get(read::links))
        .route("/v1/links/dangling", get(read::dangling))
        .route("/v1/builds/{id}/suspects", get(read::suspects))
        .route("/v1/red-builds", get(read::red_builds))
        .route("/v1/work/items", get(read::work_items))
        .route("/v1/work/statuses", get(read::work_statuses))
        .route("/v1/work/sprints", get(read::sprints))
        .route("/v1/work/hygiene", get(read::hygiene))
        .route("/v1/work/alignment", get(read::alignment))
        .route("/v1/people", get(read::people))
        .route("/v1/teams", get(read::teams))
        .route("/v1/integrations", get(read::integrations))
        .route("/v1/outcomes", get(read::outcomes))
        .route("/v1/status", get(read::status))
        .route("/v1/propels", get(propels::list))
        .route("/v1/propels/runs", get(propels::runs))
        .route("/v1/propels/runs/{id}", get(propels::run))
        .route("/v1/propels/dead-letters", get(propels::dead_letters))
        .route("/v1/tables", get(propels::tables))
        .route("/v1/tables/{name}", get(propels::rows).post(propels::set_rows))
        .route("/v1/tables/{name}/{key}", delete(propels::remove_row))
        .route("/v1/plugins", get(read::plugins))
        .route("/v1/events", get(live::events))
}

fn writing() -> Router<Shared> {
    Router::new()
        .route("/v1/builds", write::taking(Format::Builds))
        .route("/v1/commits", write::taking(Format::Commits))
        .route("/v1/deployments", write::taking(Format::Deployments))
        .route("/v1/test-reports", post(write::test_reports))
        .route("/v1/cdevents", post(cdevents::receive))
        .route("/v1/otlp/v1/traces", otlp::taking(Signal::Traces))
        .route("/v1/otlp/v1/metrics", otlp::taking(Signal::Metrics))
        .route("/v1/otlp/v1/logs", otlp::taking(Signal::Logs))
        .route("/v1/data/{kind}", post(data::take))
        .route("/v1/data/{kind}/schema", get(data::schema).put(data::declare))
        .route("/v1/integrations/{name}/collect", post(write::collect))
        .route("/v1/propels/{name}/run", post(propels::start))
        .route("/v1/propels/{name}/dry-run", post(propels::dry_run))
        .route("/v1/propels/{name}/dead-letters/send", post(propels::send_again))
        .route("/v1/propels/runs/{id}/repeat", post(propels::repeat))
        .route("/v1/propels/runs/{id}/cancel", post(propels::cancel))
        .route("/v1/gates/{name}", post(propels::gate))
        .route("/v1/triggers/{name}", post(triggers::pull))
        .route("/v1/webhooks/{integration}", post(webhook::receive))
        .route("/v1/forward", post(forward::receive))
}
