//! `/health` and `/metrics`: for those who watch the server.

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use http::header::CACHE_CONTROL;
use jiff::Timestamp;
use openclaw_package::registry::api::{ErrorBody, Health};

use super::answer::{json, typed, with};
use super::parameters::NoParameters;
use super::{App, Failure};

/// Whether the registry is well
#[utoipa::path(get, path = "/health", tag = "operate",
    responses(
        (status = 200, description = "It is well", body = Health),
        (status = 503, description = "Its root has expired", body = Health),
        (status = 500, description = "It is not well", body = ErrorBody),
    ))]
pub(super) async fn health(State(app): State<App>, NoParameters: NoParameters) -> Result<Response, Failure> {
    let health = app.registry.health().await?;
    let expired = health.root_expires <= Timestamp::now();
    let mut response = json(&health);
    if expired {
        *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    }
    Ok(with(response, CACHE_CONTROL, "no-store"))
}

/// Counters and durations in the OpenMetrics format
#[utoipa::path(get, path = "/metrics", tag = "operate",
    responses(
        (status = 200, description = "OpenMetrics", body = String, content_type = "application/openmetrics-text"),
        (status = 500, description = "It is not well", body = ErrorBody),
    ))]
pub(super) async fn metrics(State(app): State<App>, NoParameters: NoParameters) -> Result<Response, Failure> {
    let (size, bytes) = app.registry.sizes().await?;
    let text = app.metrics.encode(size, bytes);
    Ok(typed("application/openmetrics-text; version=1.0.0; charset=utf-8", text).into_response())
}
