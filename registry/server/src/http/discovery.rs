//! `/.well-known/agent-skills/index.json`: the list that agents of other makers read.

use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;
use http::header::{ETAG, IF_NONE_MATCH};
use openclaw_package::registry::api::ErrorBody;

use super::answer::{has, not_modified, revalidated, typed, with};
use super::parameters::NoParameters;
use super::{App, Failure};
use crate::registry::discovery::Discovery;

/// The newest version of each public skill, for agents of other makers
#[utoipa::path(get, path = "/.well-known/agent-skills/index.json", tag = "find",
    responses(
        (status = 200, description = "The list", body = Discovery),
        (status = 304, description = "The caller has it already"),
        (status = 429, description = "Too many requests", body = ErrorBody),
    ))]
pub(super) async fn get(
    State(app): State<App>,
    NoParameters: NoParameters,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let served = app.registry.discovery().await?;
    let etag = format!("\"{}\"", served.log_size);
    if has(&headers, IF_NONE_MATCH, &etag) {
        return Ok(revalidated(not_modified(&etag), true));
    }
    Ok(revalidated(with(typed("application/json", served.body), ETAG, &etag), true))
}
