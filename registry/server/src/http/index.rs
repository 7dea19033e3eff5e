//! `/index/{publisher}/{name}`: a skill's index, a line for each change.

use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;
use http::header::{ETAG, IF_NONE_MATCH};
use openclaw_package::registry::Visibility;
use openclaw_package::registry::api::ErrorBody;

use super::answer::{has, not_modified, revalidated, typed, with};
use super::parameters::NoParameters;
use super::path::SkillPath;
use super::{App, Asking, Failure};

/// The index of a skill, a line of JSON for each change
#[utoipa::path(get, path = "/index/{publisher}/{name}", tag = "install",
    security((), ("token" = [])),
    params(
        ("publisher" = String, Path, description = "Publisher"),
        ("name" = String, Path, description = "The skill's own name"),
    ),
    responses(
        (status = 200, description = "Lines of JSON", body = String, content_type = "application/x-ndjson"),
        (status = 304, description = "The caller has it already"),
        (status = 400, description = "Not a name", body = ErrorBody),
        (status = 401, description = "A token that does not hold", body = ErrorBody),
        (status = 404, description = "No such skill, or not for the caller", body = ErrorBody),
        (status = 429, description = "Too many requests", body = ErrorBody),
    ))]
pub(super) async fn get(
    State(app): State<App>,
    NoParameters: NoParameters,
    SkillPath(skill): SkillPath,
    Asking(caller): Asking,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    // Who has it already costs no more than the tag.
    if headers.contains_key(IF_NONE_MATCH) {
        let index = app.registry.index(&caller, &skill, false).await?;
        if has(&headers, IF_NONE_MATCH, &index.etag) {
            let is_public = index.visibility == Visibility::Public;
            return Ok(revalidated(not_modified(&index.etag), is_public));
        }
    }
    let index = app.registry.index(&caller, &skill, true).await?;
    let response = with(typed("application/x-ndjson", index.body), ETAG, &index.etag);
    Ok(revalidated(response, index.visibility == Visibility::Public))
}
