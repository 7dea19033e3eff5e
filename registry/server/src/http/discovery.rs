//! `/.well-known/agent-skills/index.json`: the list that agents of other makers read.

use axum::extract::State;
use axum::response::Response;
use openclaw_package::registry::api::ErrorBody;

use super::answer::{json, revalidated};
use super::parameters::NoParameters;
use super::{App, Failure};
use crate::registry::discovery::Discovery;

/// The newest version of each public skill, for agents of other makers
#[utoipa::path(get, path = "/.well-known/agent-skills/index.json", tag = "find",
    responses(
        (status = 200, description = "The list", body = Discovery),
        (status = 429, description = "Too many requests", body = ErrorBody),
    ))]
pub(super) async fn get(State(app): State<App>, NoParameters: NoParameters) -> Result<Response, Failure> {
    Ok(revalidated(json(&app.registry.discovery().await?), true))
}
