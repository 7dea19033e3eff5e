//! `/api/v1/publishers/{publisher}/events`: keys, yanks; and the history that they continue.

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use openclaw_package::registry::LoggedEvent;
use openclaw_package::registry::api::{Appended, ErrorBody, NewEvents};

use super::answer::{json, lines, revalidated};
use super::body::Json;
use super::parameters::{NoParameters, Parameters};
use super::path::PublisherPath;
use super::{App, Asking, Failure};

/// Append events to a publisher's history, all or none
#[utoipa::path(post, path = "/api/v1/publishers/{publisher}/events", tag = "publish",
    security(("token" = [])),
    params(("publisher" = String, Path, description = "Publisher")),
    request_body = NewEvents,
    responses(
        (status = 201, description = "Appended", body = Appended),
        (status = 400, description = "An envelope cannot be read", body = ErrorBody),
        (status = 401, description = "No token, or one that does not hold", body = ErrorBody),
        (status = 403, description = "The token may not do this", body = ErrorBody),
        (status = 404, description = "No such publisher or version", body = ErrorBody),
        (status = 408, description = "It came too slowly", body = ErrorBody),
        (status = 409, description = "Another event was first", body = ErrorBody),
        (status = 413, description = "The body is too large", body = ErrorBody),
        (status = 422, description = "The events do not continue the history", body = ErrorBody),
        (status = 429, description = "Too many requests", body = ErrorBody),
    ))]
pub(super) async fn post(
    State(app): State<App>,
    NoParameters: NoParameters,
    PublisherPath(publisher): PublisherPath,
    Asking(caller): Asking,
    Json(new): Json<NewEvents>,
) -> Result<Response, Failure> {
    let appended = app.registry.append(&caller, &publisher, &new.events).await?;
    let mut response = json(&appended);
    *response.status_mut() = StatusCode::CREATED;
    Ok(response)
}

/// The events of a publisher, a line each, at most 1000 in an answer
#[utoipa::path(get, path = "/api/v1/publishers/{publisher}/history", tag = "log",
    params(
        ("publisher" = String, Path, description = "Publisher"),
        ("after" = Option<u64>, Query, description = "How many events, from the first, are known already"),
    ),
    responses(
        (status = 200, description = "Lines of JSON", body = LoggedEvent, content_type = "application/x-ndjson"),
        (status = 400, description = "A name or parameter cannot be read", body = ErrorBody),
        (status = 404, description = "No such publisher", body = ErrorBody),
        (status = 429, description = "Too many requests", body = ErrorBody),
    ))]
pub(super) async fn history(
    State(app): State<App>,
    parameters: Parameters,
    PublisherPath(publisher): PublisherPath,
) -> Result<Response, Failure> {
    let parameters = parameters.only(&["after"])?;
    let after = parameters.number("after", 0..=u64::MAX >> 1)?.unwrap_or(0);
    Ok(revalidated(lines(&app.registry.history(&publisher, after).await?), true))
}
