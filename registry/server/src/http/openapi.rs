//! `/openapi.json`: every path, parameter, answer and error, written down beside the handlers.

use std::sync::LazyLock;

use axum::response::Response;
use openclaw_package::registry::api::ErrorBody;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};

use super::answer::{revalidated, typed};
use super::parameters::NoParameters;
use super::{
    Failure, blobs, discovery, events, health, index, log, pages, publication, root, search, takedowns,
};

/// The document.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "OpenClaw registry",
        description = "Skills, and the proofs that they are what their publishers released. Nothing that this \
            server says has to be believed: docs/registry-protocol.md says what a client checks.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0"),
    ),
    paths(
        blobs::get, discovery::get, events::post, events::history, get, health::health, health::metrics, index::get,
        log::checkpoint, log::tile, log::proof, log::consistency, pages::skill, pages::release, pages::provenance,
        pages::publisher, pages::whoami, publication::put, root::newest, root::version, search::get,
        search::categories, takedowns::get,
    ),
    tags(
        (name = "find", description = "Search and pages"),
        (name = "install", description = "Index and blobs"),
        (name = "publish", description = "What needs a token"),
        (name = "trust", description = "Roots, takedowns and provenance"),
        (name = "log", description = "The transparency log"),
        (name = "operate", description = "For those who watch the server"),
    ),
    modifiers(&Token),
)]
struct Document;

/// The one kind of credential.
struct Token;

impl Modify for Token {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("oct_…").build();
        document
            .components
            .get_or_insert_default()
            .add_security_scheme("token", SecurityScheme::Http(scheme));
    }
}

static DOCUMENT: LazyLock<String> =
    LazyLock::new(|| Document::openapi().to_pretty_json().unwrap_or_default());

/// The document as JSON.
pub fn document() -> &'static str {
    &DOCUMENT
}

/// This document
#[utoipa::path(get, path = "/openapi.json", tag = "operate",
    responses(
        (status = 200, description = "OpenAPI", body = serde_json::Value),
        (status = 429, description = "Too many requests", body = ErrorBody),
    ))]
pub(super) async fn get(NoParameters: NoParameters) -> Result<Response, Failure> {
    Ok(revalidated(typed("application/json", document()), true))
}
