//! `/blobs/sha256/{digest}`: archives and signatures, which never change.

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::header::{ACCEPT_RANGES, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE, ETAG, IF_NONE_MATCH};
use http::{HeaderMap, StatusCode};
use openclaw_package::registry::api::ErrorBody;

use super::answer::{has, immutable, not_modified, typed, with};
use super::parameters::NoParameters;
use super::path::DigestPath;
use super::{App, Asking, Failure, range};

/// An archive or a signature, or a part of it
#[utoipa::path(get, path = "/blobs/sha256/{digest}", tag = "install",
    security((), ("token" = [])),
    params(("digest" = String, Path, description = "64 lower-case hex digits")),
    responses(
        (status = 200, description = "The bytes", content_type = "application/gzip", body = Vec<u8>),
        (status = 206, description = "A range of the bytes", content_type = "application/gzip", body = Vec<u8>),
        (status = 304, description = "The caller has it already"),
        (status = 400, description = "Not a digest", body = ErrorBody),
        (status = 401, description = "A token that does not hold", body = ErrorBody),
        (status = 404, description = "No such blob, or not for the caller", body = ErrorBody),
        (status = 410, description = "It was taken down", body = ErrorBody),
        (status = 416, description = "The range lies outside", body = ErrorBody),
        (status = 429, description = "Too many requests", body = ErrorBody),
    ))]
pub(super) async fn get(
    State(app): State<App>,
    NoParameters: NoParameters,
    DigestPath(digest): DigestPath,
    Asking(caller): Asking,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let blob = app.registry.blob(&caller, &digest).await?;
    let etag = format!("\"{}\"", digest.hex());
    if has(&headers, IF_NONE_MATCH, &etag) {
        return Ok(immutable(not_modified(&etag), blob.is_public));
    }
    let asked = range::read(&headers, blob.size, &etag)?;
    let reading = app.registry.read_blob(&blob, asked.clone()).await?;
    let kind = if blob.is_archive { "application/gzip" } else { "application/json" };
    let mut response = typed(kind, Body::from_stream(reading.stream));
    let length = reading.range.end.saturating_sub(reading.range.start);
    response.headers_mut().insert(CONTENT_LENGTH, length.into());
    if asked.is_some() {
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
        let (first, last) = (reading.range.start, reading.range.end.saturating_sub(1));
        response = with(response, CONTENT_RANGE, &format!("bytes {first}-{last}/{}", reading.size));
    }
    let response = with(response, ETAG, &etag);
    let response = with(response, ACCEPT_RANGES, "bytes");
    let response = with(response, CONTENT_DISPOSITION, "attachment");
    Ok(immutable(response, blob.is_public))
}
