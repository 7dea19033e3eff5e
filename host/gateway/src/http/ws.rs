//! `/ws`: conversations with agents over one WebSocket, where a person can be asked.

mod messages;
mod person;
mod socket;

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::extract::ws::{WebSocketUpgrade, rejection::WebSocketUpgradeRejection};
use axum::response::{IntoResponse as _, Response};
use http::header::{SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, UPGRADE};
use http::{HeaderMap, HeaderValue, StatusCode};

use super::answer::Refusal;
use super::chat::may_chat;
use super::documents::ErrorBody;
use super::{App, Authenticated, Connected};
pub(super) use messages::{SocketMessage, SocketRequest};

/// Its path.
pub(super) const PATH: &str = "/ws";
/// The protocol that is spoken.
const PROTOCOL: &str = "openclaw.v1";
/// What stands before a token among the protocols that a client names: a web page can send it in no other header.
const BEARER: &str = "openclaw.bearer.";

/// Speak with agents over a WebSocket
///
/// Each message is a JSON text: a `SocketRequest` from the client, a `SocketMessage` from the server. Web pages, which cannot
/// set `Authorization`, name the protocols `openclaw.v1` and `openclaw.bearer.TOKEN`, of which the first is chosen.
#[utoipa::path(get, path = "/ws", tag = "agents",
    params(
        ("sec-websocket-protocol" = Option<String>, Header, description = "openclaw.v1, and maybe openclaw.bearer.TOKEN"),
    ),
    responses(
        (status = 101, description = "The connection is a WebSocket from now on"),
        (status = 426, description = "The request is none of a WebSocket's", body = ErrorBody),
    ))]
pub(super) async fn open(
    State(app): State<Arc<App>>,
    Authenticated(token): Authenticated,
    Extension(connected): Extension<Connected>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    let upgrade = match upgrade {
        Ok(upgrade) => upgrade,
        Err(rejection) => return no_socket(&rejection.to_string()),
    };
    if let Err(refusal) = may_chat(&token).and_then(|()| check_protocols(&headers)) {
        return refusal.into_response();
    }
    let Some(member) = app.sockets.join(token.caller().name.clone()) else {
        let message = "this token has as many WebSockets open as it may";
        let hint = Some("several conversations fit into one");
        return Refusal::new(StatusCode::TOO_MANY_REQUESTS, "too-many-sockets", message, hint)
            .retry_after(5)
            .into_response();
    };
    let most = app.limits.socket_message_bytes;
    let upgrade = upgrade.protocols([PROTOCOL]).max_message_size(most).max_frame_size(most);
    upgrade.on_upgrade(move |socket| async move {
        let held = (connected, member);
        socket::serve(socket, app, token).await;
        drop(held);
    })
}

/// What is told to whoever asks in another way.
fn no_socket(reason: &str) -> Response {
    let reason = openclaw_agent::text::quoted(reason);
    let refusal = Refusal::new(
        StatusCode::UPGRADE_REQUIRED,
        "not-a-websocket",
        format!("only a WebSocket is opened here: {reason}"),
        Some("POST /api/v1/chat speaks with agents over plain HTTP"),
    );
    let mut response = refusal.into_response();
    response.headers_mut().insert(UPGRADE, HeaderValue::from_static("websocket"));
    response.headers_mut().insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
    response
}

/// The protocols that a client names, in order.
fn protocols(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let values = headers.get_all(SEC_WEBSOCKET_PROTOCOL).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(str::trim)
}

/// The token among the protocols that a client names, if it is one.
pub(super) fn presented(headers: &HeaderMap) -> Option<&str> {
    let mut tokens = protocols(headers).filter_map(|protocol| protocol.strip_prefix(BEARER));
    match (tokens.next(), tokens.next()) {
        (Some(token), None) => Some(token),
        _ => None,
    }
}

/// Refuses a client that names protocols, and not the one that is spoken: what is chosen is never its token.
fn check_protocols(headers: &HeaderMap) -> Result<(), Refusal> {
    if !headers.contains_key(SEC_WEBSOCKET_PROTOCOL) || protocols(headers).any(|name| name == PROTOCOL) {
        return Ok(());
    }
    let message = "the only protocol that is spoken here is openclaw.v1";
    Err(Refusal::new(StatusCode::BAD_REQUEST, "unknown-protocol", message, Some("name openclaw.v1 too")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(values: &[&'static str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn one_token_may_stand_among_the_protocols() {
        assert_eq!(presented(&headers(&["openclaw.v1, openclaw.bearer.x"])), Some("x"));
        assert_eq!(presented(&headers(&["openclaw.bearer.x", "openclaw.v1"])), Some("x"));
        for none in [&[][..], &["openclaw.v1"], &["openclaw.bearer.x,openclaw.bearer.x"], &["bearer.x"]] {
            assert_eq!(presented(&headers(none)), None, "{none:?}");
        }
    }

    #[test]
    fn who_names_protocols_names_ours() {
        assert!(check_protocols(&headers(&[])).is_ok());
        assert!(check_protocols(&headers(&["chat, openclaw.v1"])).is_ok());
        assert!(check_protocols(&headers(&["openclaw.bearer.x"])).is_err());
        assert!(check_protocols(&headers(&["chat"])).is_err());
    }
}
