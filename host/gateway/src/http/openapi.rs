//! `/openapi.json`: every path, answer and error, written down beside the handlers.

use std::sync::LazyLock;

use axum::response::Response;
use http::StatusCode;
use utoipa::openapi::path::Operation;
use utoipa::openapi::response::{Response as Described, ResponseBuilder};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{ContentBuilder, Ref, RefOr};
use utoipa::{Modify, OpenApi};

use super::answer::typed;
use super::chat::{ChatAnswer, ChatChunk, ChatMessage, ChatRequest};
use super::documents::{
    CallReport, Called, Done, ErrorBody, FailedCall, Health, Line, ListedTools, Readiness,
};
use super::mcp::documented as mcp;
use super::ws::{SocketMessage, SocketRequest};
use super::{chat, health, tools, ws};
use crate::metrics::MetricsDocument;

/// What the one kind of credential is called in the document.
const TOKEN: &str = "token";

/// Answers that every request may get: of what holds around all of them, and of connections.
const EVERYWHERE: [(StatusCode, &str); 6] = [
    (StatusCode::BAD_REQUEST, "Its host, its URL or its body is malformed, or its URL holds a token"),
    (StatusCode::FORBIDDEN, "It is sent by a foreign web page, or the token or the skill may not do this"),
    (StatusCode::METHOD_NOT_ALLOWED, "The path has no such method"),
    (StatusCode::MISDIRECTED_REQUEST, "It is for a host that the gateway does not answer to"),
    (StatusCode::INTERNAL_SERVER_ERROR, "The gateway failed"),
    (StatusCode::SERVICE_UNAVAILABLE, "The gateway is busy, or is stopping"),
];

/// Answers that every request may get that needs a token.
const WITH_TOKEN: [(StatusCode, &str); 3] = [
    (StatusCode::UNAUTHORIZED, "It has no token that is accepted"),
    (StatusCode::NOT_FOUND, "There is nothing of this name"),
    (StatusCode::TOO_MANY_REQUESTS, "Too many of them came in the last minute"),
];

/// The document.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "OpenClaw gateway",
        description = "Installed skills, called over HTTP. Every path but /health and /ready needs a bearer token, and \
            no path takes a query. docs/gateway.md says how to run a gateway.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0"),
    ),
    paths(
        get, health::health, health::ready, health::metrics, health::metrics_document, tools::list, tools::call,
        chat::chat, ws::open, mcp::post, mcp::get, mcp::delete,
    ),
    components(schemas(
        CallReport, Called, ChatAnswer, ChatChunk, ChatMessage, ChatRequest, Done, ErrorBody, FailedCall, Health, Line,
        ListedTools, MetricsDocument, Readiness, SocketMessage, SocketRequest,
    )),
    tags(
        (name = "tools", description = "What may be called"),
        (name = "agents", description = "Who may be spoken with"),
        (name = "mcp", description = "The same to agents, by the Model Context Protocol"),
        (name = "operate", description = "For those who watch the gateway"),
    ),
    modifiers(&Token, &Errors),
)]
struct Document;

/// The one kind of credential, which every path needs that does not say otherwise.
struct Token;

impl Modify for Token {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("ocg_…").build();
        let components = document.components.get_or_insert_default();
        components.add_security_scheme(TOKEN, SecurityScheme::Http(scheme));
        document.security = Some(vec![SecurityRequirement::new(TOKEN, Vec::<String>::new())]);
    }
}

/// The errors that no handler decides.
struct Errors;

impl Modify for Errors {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        for path in document.paths.paths.values_mut() {
            let methods = [&mut path.get, &mut path.post, &mut path.delete];
            methods.into_iter().flatten().for_each(add_errors);
        }
    }
}

fn add_errors(operation: &mut Operation) {
    let with_token = if operation.security.is_none() { &WITH_TOKEN[..] } else { &[] };
    for (status, description) in EVERYWHERE.iter().chain(with_token) {
        let described = RefOr::T(error_response(description));
        operation.responses.responses.entry(status.as_u16().to_string()).or_insert(described);
    }
}

fn error_response(description: &str) -> Described {
    let schema = RefOr::Ref(Ref::from_schema_name("ErrorBody"));
    let content = ContentBuilder::new().schema(Some(schema)).build();
    ResponseBuilder::new().description(description).content("application/json", content).build()
}

static DOCUMENT: LazyLock<String> =
    LazyLock::new(|| Document::openapi().to_pretty_json().unwrap_or_default());

/// The document as JSON.
#[must_use]
pub fn document() -> &'static str {
    &DOCUMENT
}

/// This document
#[utoipa::path(get, path = "/openapi.json", tag = "operate",
    responses((status = 200, description = "OpenAPI", body = serde_json::Value)))]
pub(super) async fn get() -> Response {
    typed("application/json", document())
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::super::ROUTES;
    use super::*;

    #[test]
    fn every_route_stands_in_the_document_and_nothing_else() {
        let document: Value = serde_json::from_str(document()).unwrap();
        let mut written = Vec::new();
        for (path, methods) in document["paths"].as_object().unwrap() {
            written.extend(methods.as_object().unwrap().keys().map(|method| (method.clone(), path.clone())));
        }
        let mut routes: Vec<_> =
            ROUTES.iter().map(|(method, path)| (method.to_string(), path.to_string())).collect();
        written.sort();
        routes.sort();
        assert_eq!(written, routes);
    }

    #[test]
    fn only_health_and_readiness_need_no_token() {
        let document: Value = serde_json::from_str(document()).unwrap();
        assert_eq!(document["security"], serde_json::json!([{ "token": [] }]));
        for (path, methods) in document["paths"].as_object().unwrap() {
            for operation in methods.as_object().unwrap().values() {
                let is_open = operation["security"] == serde_json::json!([{}]);
                assert_eq!(is_open, path == "/health" || path == "/ready", "{path}");
                assert!(operation["responses"]["421"].is_object(), "{path}");
                assert_eq!(operation["responses"]["401"].is_object(), !is_open, "{path}");
            }
        }
    }
}
