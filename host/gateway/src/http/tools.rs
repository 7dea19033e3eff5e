//! `/api/v1/tools`: what may be called, and calls, answered whole or followed as they go on.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use http::header::ACCEPT;
use http::{HeaderMap, StatusCode};
use openclaw_package::name::ToolId;
use openclaw_runtime::Cancel;
use openclaw_runtime::dispatch::CallOutcome;
use tokio::task::JoinHandle;
use tracing::Instrument as _;

use super::answer::{Refusal, json};
use super::body::json_text;
use super::documents::{Called, ErrorBody, ListedTool, ListedTools};
use super::{App, Authenticated, stream};
use crate::service;

/// What stands before a tool's name in the path of its call.
const PREFIX: &str = "/api/v1/tools/";

/// The tools that the token may call
#[utoipa::path(get, path = "/api/v1/tools", tag = "tools",
    responses((status = 200, description = "They, by name", body = ListedTools)))]
pub(super) async fn list(State(app): State<Arc<App>>, Authenticated(token): Authenticated) -> Response {
    let catalog = app.service.runtime().dispatcher().catalog();
    let tools = app.service.tools(&catalog, token.caller()).map(|(id, tool, skill)| ListedTool {
        tool: id.to_string(),
        version: skill.manifest().version().to_string(),
        description: tool.description.clone(),
        input_schema: tool.input_schema.clone(),
        output_schema: tool.output_schema.clone(),
    });
    json(&ListedTools { tools: tools.collect() })
}

/// Call a tool; the body is its input
///
/// With `Accept: text/event-stream` the answer is a stream of events: `log` and `progress` while the call runs, and last
/// `result` or `error`. A connection that is closed ends the call.
#[utoipa::path(post, path = "/api/v1/tools/{publisher}/{skill}/{tool}", tag = "tools",
    params(
        ("publisher" = String, Path, description = "Who published the skill"),
        ("skill" = String, Path, description = "The skill"),
        ("tool" = String, Path, description = "The tool"),
    ),
    request_body(content = serde_json::Value, description = "The tool's input, as its schema says",
        content_type = "application/json"),
    responses(
        (status = 200, description = "The tool's result, or a stream of events", content(
            (Called = "application/json"),
            (String = "text/event-stream"),
        )),
        (status = 408, description = "The body did not arrive in time", body = ErrorBody),
        (status = 409, description = "The skill is installed and not loaded", body = ErrorBody),
        (status = 413, description = "The body is too large", body = ErrorBody),
        (status = 415, description = "The body is not JSON", body = ErrorBody),
        (status = 422, description = "The input does not fit, or the tool failed or reached a limit", body = ErrorBody),
        (status = 504, description = "The tool took longer than it may", body = ErrorBody),
    ))]
pub(super) async fn call(
    State(app): State<Arc<App>>,
    Authenticated(token): Authenticated,
    request: Request,
) -> Result<Response, Refusal> {
    let tool = tool(request.uri().path())?;
    let follows = wants_events(request.headers());
    let input = json_text(request).await?;
    if follows {
        return Ok(stream::call(&app, token, tool, input));
    }
    let running = Running::start(
        &app,
        Authenticated(token),
        service::Request { tool, input, observer: None, respondent: None },
    );
    answer(running.ended().await?)
}

fn answer(outcome: CallOutcome) -> Result<Response, Refusal> {
    match outcome {
        Ok(answer) => Ok(json(&Called { result: &answer.output, report: (&answer.report).into() })),
        Err((error, _)) => Err(Refusal::of_call(&error)),
    }
}

/// Names are of plain characters, so that nothing in a path needs to be decoded.
fn tool(path: &str) -> Result<ToolId, Refusal> {
    let tool = path.strip_prefix(PREFIX).and_then(|name| name.parse().ok());
    tool.ok_or_else(|| {
        let hint = Some("GET /api/v1/tools lists the tools that this token may call");
        Refusal::new(StatusCode::NOT_FOUND, "unknown-tool", "the path names no tool", hint)
    })
}

fn wants_events(headers: &HeaderMap) -> bool {
    let values = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let kinds = values.flat_map(|value| value.split(','));
    kinds
        .map(|kind| kind.split(';').next().unwrap_or_default().trim())
        .any(|kind| kind.eq_ignore_ascii_case("text/event-stream"))
}

/// A call that runs as a task of its own: a guest may hold its thread for as long as it computes, and whoever waits for
/// it has to notice that the connection was closed. It ends when this is dropped.
pub(super) struct Running {
    task: JoinHandle<CallOutcome>,
    cancel: Cancel,
    app: Arc<App>,
    token: Authenticated,
}

impl Running {
    pub(super) fn start(app: &Arc<App>, token: Authenticated, request: service::Request) -> Self {
        let (cancel, service) = (Cancel::default(), Arc::clone(&app.service));
        let (theirs, caller) = (cancel.clone(), Arc::clone(token.0.caller()));
        let calling = async move { service.call(&caller, request, None, &theirs).await };
        let task = tokio::spawn(calling.in_current_span());
        Self { task, cancel, app: Arc::clone(app), token }
    }

    /// What came of it. It is cut short where its token ends, or where the gateway waits no longer.
    pub(super) async fn ended(mut self) -> Result<CallOutcome, Refusal> {
        let joined = tokio::select! {
            biased;
            joined = &mut self.task => joined,
            () = self.app.cut.cancelled() => self.cut().await,
            () = self.token.0.ended() => self.cut().await,
        };
        joined.map_err(|error| {
            tracing::error!("a call was not finished: {error}");
            Refusal::internal()
        })
    }

    async fn cut(&mut self) -> Result<CallOutcome, tokio::task::JoinError> {
        self.cancel.cancel();
        (&mut self.task).await
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.cancel.cancel();
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn a_path_names_a_tool_or_none() {
        assert_eq!(tool("/api/v1/tools/acme/git/status").unwrap().as_str(), "acme/git/status");
        for path in
            ["acme/git", "acme/git/status/x", "acme/git/", "acme/%67it/status", "ACME/git/status", "a/../b"]
        {
            assert!(tool(&format!("/api/v1/tools/{path}")).is_err(), "{path}");
        }
    }

    #[test]
    fn events_are_for_who_asks_for_them() {
        let wants = |accept: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT, HeaderValue::from_str(accept).unwrap());
            wants_events(&headers)
        };
        assert!(wants("text/event-stream") && wants("application/json, Text/Event-Stream;q=0.5"));
        assert!(!wants("application/json") && !wants("*/*") && !wants_events(&HeaderMap::new()));
    }
}
