//! `PUT /api/v1/skills/{publisher}/{name}/{version}`: publishing a version.

use axum::extract::{FromRequest as _, Multipart, Request, State};
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use openclaw_package::registry::Visibility;
use openclaw_package::registry::api::{Appended, ErrorBody};

use super::answer::json;
use super::multipart::{malformed, receive};
use super::parameters::NoParameters;
use super::path::ReleasePath;
use super::{App, Asking, Failure};
use crate::error::{Error, Refusal};
use crate::registry::Upload;

/// The parts of an upload.
#[derive(utoipa::ToSchema)]
#[allow(dead_code, reason = "only its schema is used")]
pub(super) struct UploadForm {
    /// What is published, as JSON.
    publication: openclaw_package::registry::api::Publication,
    /// The signature's file, `skill.tar.gz.dsse.json`.
    #[schema(value_type = String, format = Binary)]
    signature: Vec<u8>,
    /// The archive, `skill.tar.gz`.
    #[schema(value_type = String, format = Binary)]
    archive: Vec<u8>,
}

/// Publish a version: all of it, or nothing
#[utoipa::path(put, path = "/api/v1/skills/{publisher}/{name}/{version}", tag = "publish",
    security(("token" = [])),
    params(
        ("publisher" = String, Path, description = "Publisher"),
        ("name" = String, Path, description = "The skill's own name"),
        ("version" = String, Path, description = "Semantic version without build metadata"),
    ),
    request_body(content = inline(UploadForm), content_type = "multipart/form-data"),
    responses(
        (status = 201, description = "Published", body = Appended),
        (status = 400, description = "A name, a part or an envelope cannot be read", body = ErrorBody),
        (status = 401, description = "No token, or one that does not hold", body = ErrorBody),
        (status = 403, description = "The token may not do this", body = ErrorBody),
        (status = 404, description = "No such publisher", body = ErrorBody),
        (status = 408, description = "It came too slowly", body = ErrorBody),
        (status = 409, description = "The version, a like name or another event was first", body = ErrorBody),
        (status = 410, description = "It was taken down", body = ErrorBody),
        (status = 413, description = "A part is too large", body = ErrorBody),
        (status = 422, description = "A client would refuse the package or the events", body = ErrorBody),
        (status = 429, description = "Too much in too little time", body = ErrorBody),
        (status = 503, description = "The registry is busy", body = ErrorBody),
    ))]
pub(super) async fn put(
    State(app): State<App>,
    NoParameters: NoParameters,
    ReleasePath(skill, version): ReleasePath,
    Asking(caller): Asking,
    request: Request,
) -> Result<Response, Failure> {
    // Before anything of it is received.
    app.registry.check_upload(&caller, &skill, &version).await?;
    let name = format!("{skill} {version}");
    let time = app.registry.limits().upload_time;
    let work = async {
        let place = app.registry.upload_place(skill.publisher()).await?;
        let form = Multipart::from_request(request, &app)
            .await
            .map_err(|_| malformed("the upload is not sent as multipart/form-data"))?;
        let parts = receive(&app.registry, form).await?;
        let (publication, signature, archive) =
            (parts.publication, parts.signature, parts.archive.holding(place));
        let visibility = publication.visibility;
        let upload = Upload { skill, version, publication, signature, archive };
        Ok::<_, Error>((app.registry.publish(&caller, upload).await?, visibility))
    };
    let (appended, visibility) =
        tokio::time::timeout(time, work).await.map_err(|_| Error::from(Refusal::TooSlow))??;
    app.metrics.count_published();
    // Who reads the log may not be one who may know of a private skill.
    let release = if visibility == Visibility::Public { name.as_str() } else { "a private skill" };
    tracing::info!(release, log_index = appended.log_indices.last(), "published");
    let mut response = json(&appended);
    *response.status_mut() = StatusCode::CREATED;
    Ok(response.into_response())
}
