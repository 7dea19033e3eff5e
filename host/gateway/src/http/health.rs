//! `/health`, `/ready` and the metrics: for those who watch the gateway.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use openclaw_runtime::Dispatcher;

use super::answer::{Refusal, json, typed};
use super::documents::{ErrorBody, Health, Readiness};
use super::guard::draining;
use super::{App, Phase};
use crate::metrics::{Metrics, MetricsDocument};

/// Whether the gateway answers
#[utoipa::path(get, path = "/health", tag = "operate", security(()),
    responses((status = 200, description = "It does", body = Health)))]
pub(super) async fn health(State(app): State<Arc<App>>) -> Response {
    let agents = app.conversations.count();
    json(&Health { status: "healthy", version: env!("CARGO_PKG_VERSION"), agents })
}

/// Whether the gateway takes calls
#[utoipa::path(get, path = "/ready", tag = "operate", security(()),
    responses(
        (status = 200, description = "It does", body = Readiness),
        (status = 503, description = "It is starting or stopping", body = ErrorBody),
    ))]
pub(super) async fn ready(State(app): State<Arc<App>>) -> Result<Response, Refusal> {
    match app.phase() {
        Phase::Ready => Ok(json(&Readiness { status: "ready" })),
        Phase::Draining => Err(draining()),
        Phase::Starting => {
            let message = "the installed skills are being loaded";
            Err(Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "starting", message, None).retry_after(1))
        }
    }
}

/// Metrics in the OpenMetrics text format, as Prometheus reads it
#[utoipa::path(get, path = "/metrics", tag = "operate",
    responses((status = 200, description = "OpenMetrics", body = String, content_type = "application/openmetrics-text")))]
pub(super) async fn metrics(State(app): State<Arc<App>>) -> Result<Response, Refusal> {
    app.service.metrics().set_at_work(app.conversations.at_work());
    let text = measured(&app, |metrics, dispatcher| metrics.encode(dispatcher)).await?;
    Ok(typed("application/openmetrics-text; version=1.0.0; charset=utf-8", text))
}

/// The most important metrics as JSON
#[utoipa::path(get, path = "/api/v1/metrics", tag = "operate",
    responses((status = 200, description = "They", body = MetricsDocument)))]
pub(super) async fn metrics_document(State(app): State<Arc<App>>) -> Result<Response, Refusal> {
    Ok(json(&measured(&app, Metrics::document).await?))
}

/// Asks where waiting holds up nobody: a new snapshot is verified before it is counted.
async fn measured<T: Send + 'static>(
    app: &App,
    ask: impl FnOnce(&Metrics, &Dispatcher) -> T + Send + 'static,
) -> Result<T, Refusal> {
    let service = Arc::clone(&app.service);
    let asking = tokio::task::spawn_blocking(move || ask(service.metrics(), service.runtime().dispatcher()));
    asking.await.map_err(|_| Refusal::internal())
}
