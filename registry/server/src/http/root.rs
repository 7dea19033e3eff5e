//! `/root.json` and `/root/{version}.json`: which keys speak for the registry.

use axum::extract::State;
use axum::response::Response;
use openclaw_package::registry::api::ErrorBody;

use super::answer::{immutable, revalidated, typed};
use super::parameters::NoParameters;
use super::path::NumberPath;
use super::{App, Failure};

/// The newest root
#[utoipa::path(get, path = "/root.json", tag = "trust",
    responses(
        (status = 200, description = "A DSSE envelope", body = serde_json::Value),
        (status = 429, description = "Too many requests", body = ErrorBody),
    ))]
pub(super) async fn newest(State(app): State<App>, NoParameters: NoParameters) -> Result<Response, Failure> {
    Ok(revalidated(typed("application/json", app.registry.newest_root().await?), true))
}

/// One version of the root
#[utoipa::path(get, path = "/root/{version}.json", tag = "trust",
    params(("version" = u64, Path, description = "The version, from 1")),
    responses(
        (status = 200, description = "A DSSE envelope", body = serde_json::Value),
        (status = 400, description = "Not a number", body = ErrorBody),
        (status = 404, description = "No such version", body = ErrorBody),
        (status = 429, description = "Too many requests", body = ErrorBody),
    ))]
pub(super) async fn version(
    State(app): State<App>,
    NoParameters: NoParameters,
    NumberPath(version): NumberPath,
) -> Result<Response, Failure> {
    Ok(immutable(typed("application/json", app.registry.root_version(version).await?), true))
}
