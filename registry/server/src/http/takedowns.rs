//! `/takedowns.json`: what was taken down, signed.

use axum::extract::State;
use axum::response::Response;
use openclaw_package::registry::api::ErrorBody;

use super::answer::{revalidated, typed};
use super::parameters::NoParameters;
use super::{App, Failure};

/// All that was ever taken down
#[utoipa::path(get, path = "/takedowns.json", tag = "trust",
    responses(
        (status = 200, description = "A DSSE envelope", body = serde_json::Value),
        (status = 429, description = "Too many requests", body = ErrorBody),
    ))]
pub(super) async fn get(State(app): State<App>, NoParameters: NoParameters) -> Result<Response, Failure> {
    Ok(revalidated(typed("application/json", app.registry.takedowns().await?), true))
}
