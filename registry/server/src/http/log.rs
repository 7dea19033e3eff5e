//! The transparency log: its checkpoint, tiles, entries and proofs.

use axum::extract::State;
use axum::response::Response;
use http::Uri;
use openclaw_package::log::{TilePath, hash_text};
use openclaw_package::registry::api::ErrorBody;

use super::answer::{immutable, json, revalidated, typed};
use super::parameters::{NoParameters, Parameters};
use super::path::NumberPath;
use super::{App, Failure};
use crate::error::{Error, Refusal};

const TEXT: &str = "text/plain; charset=utf-8";

/// The newest checkpoint, a signed note
#[utoipa::path(get, path = "/checkpoint", tag = "log",
    responses(
        (status = 200, description = "A signed note", body = String, content_type = "text/plain"),
        (status = 429, description = "Too many requests", body = ErrorBody),
    ))]
pub(super) async fn checkpoint(
    State(app): State<App>,
    NoParameters: NoParameters,
) -> Result<Response, Failure> {
    Ok(revalidated(typed(TEXT, app.registry.head().await?.checkpoint), true))
}

/// A tile of hashes, or a bundle of entries below `entries/`
#[utoipa::path(get, path = "/tile/{path}", tag = "log",
    params(("path" = String, Path, description = "As C2SP tlog-tiles has it: 0/x001/067 or entries/000.p/12")),
    responses(
        (status = 200, description = "The bytes", body = Vec<u8>, content_type = "application/octet-stream"),
        (status = 400, description = "Not the path of a tile", body = ErrorBody),
        (status = 404, description = "The log is not that large yet", body = ErrorBody),
        (status = 429, description = "Too many requests", body = ErrorBody),
    ))]
pub(super) async fn tile(
    State(app): State<App>,
    NoParameters: NoParameters,
    uri: Uri,
) -> Result<Response, Failure> {
    // Nothing in such a path needs an escape, so what was sent is what is read.
    let path = TilePath::parse(uri.path().trim_start_matches('/')).map_err(|error| {
        let hint = "paths of tiles are those of c2sp.org/tlog-tiles";
        Error::from(Refusal::malformed("invalid-path", error.to_string(), hint))
    })?;
    let bytes = app.registry.tile(&path).await?;
    // A partial tile never changes either: a longer one has another path.
    Ok(immutable(typed("application/octet-stream", bytes), true))
}

/// The proof that the log has an entry, which needs nothing else
#[utoipa::path(get, path = "/api/v1/log/proof/{index}", tag = "log",
    params(("index" = u64, Path, description = "The place of the entry, from 0")),
    responses(
        (status = 200, description = "A proof as c2sp.org/tlog-proof", body = String, content_type = "text/plain"),
        (status = 400, description = "Not a number", body = ErrorBody),
        (status = 404, description = "The log is not that large yet", body = ErrorBody),
        (status = 429, description = "Too many requests", body = ErrorBody),
    ))]
pub(super) async fn proof(
    State(app): State<App>,
    NoParameters: NoParameters,
    NumberPath(index): NumberPath,
) -> Result<Response, Failure> {
    Ok(revalidated(typed(TEXT, app.registry.proof(index).await?.to_string()), true))
}

/// The proof that the log still has all that it had
#[utoipa::path(get, path = "/api/v1/log/consistency", tag = "log",
    params(
        ("from" = u64, Query, description = "The smaller size"),
        ("to" = u64, Query, description = "The larger size"),
    ),
    responses(
        (status = 200, description = "Hashes in base64", body = Vec<String>),
        (status = 400, description = "Sizes that cannot be", body = ErrorBody),
        (status = 404, description = "The log is not that large yet", body = ErrorBody),
        (status = 429, description = "Too many requests", body = ErrorBody),
    ))]
pub(super) async fn consistency(State(app): State<App>, parameters: Parameters) -> Result<Response, Failure> {
    let parameters = parameters.only(&["from", "to"])?;
    let size = |name: &'static str| {
        let missing =
            || Refusal::malformed("bad-parameter", format!("{name} is missing"), "send from and to");
        parameters.number(name, 0..=u64::MAX >> 1)?.ok_or_else(|| Error::from(missing()))
    };
    let hashes = app.registry.consistency(size("from")?, size("to")?).await?;
    let texts: Vec<String> = hashes.iter().map(hash_text).collect();
    Ok(immutable(json(&texts), true))
}
