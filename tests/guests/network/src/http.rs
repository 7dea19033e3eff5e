//! Help, not a behaviour: one request over `wasi:http`, with every part as its caller wants it.

use kit::{Failure, Value, json};

use crate::wasi::http::outgoing_handler::handle;
use crate::wasi::http::types::{
    ErrorCode, Fields, IncomingBody, IncomingResponse, Method, OutgoingBody, OutgoingRequest, Scheme,
};
use crate::wasi::io::streams::{InputStream, StreamError};

/// The parts of a request.
pub struct Parts<'a> {
    pub method: &'a str,
    pub scheme: &'a str,
    pub authority: &'a str,
    pub path: &'a str,
    pub body: Option<&'a str>,
}

/// Splits `http://host:port/path` where the guest believes the parts to be.
pub fn split(url: &str) -> Result<(&str, &str, &str), Failure> {
    let no_url = || Failure::InvalidInput(format!("{url} is no URL"));
    let (scheme, rest) = url.split_once("://").ok_or_else(no_url)?;
    let slash = rest.find('/').unwrap_or(rest.len());
    let (authority, path) = rest.split_at_checked(slash).ok_or_else(no_url)?;
    Ok((scheme, authority, path))
}

/// Sends a request and waits for the head of its response.
pub fn send(parts: &Parts<'_>, headers: Fields) -> Result<IncomingResponse, String> {
    let request = OutgoingRequest::new(headers);
    let method = match parts.method {
        "GET" => Method::Get,
        "POST" => Method::Post,
        "PUT" => Method::Put,
        "DELETE" => Method::Delete,
        "HEAD" => Method::Head,
        "CONNECT" => Method::Connect,
        "TRACE" => Method::Trace,
        "OPTIONS" => Method::Options,
        other => Method::Other(other.to_owned()),
    };
    let scheme = match parts.scheme {
        "http" => Scheme::Http,
        "https" => Scheme::Https,
        other => Scheme::Other(other.to_owned()),
    };
    request.set_method(&method).map_err(|()| "invalid-method".to_owned())?;
    request.set_scheme(Some(&scheme)).map_err(|()| "invalid-scheme".to_owned())?;
    request.set_authority(Some(parts.authority)).map_err(|()| "invalid-authority".to_owned())?;
    let path = if parts.path.is_empty() { None } else { Some(parts.path) };
    request.set_path_with_query(path).map_err(|()| "invalid-path".to_owned())?;
    let body = request.body().map_err(|()| "no-body".to_owned())?;
    let response = handle(request, None).map_err(|code| name(&code))?;
    if let Some(text) = parts.body {
        let stream = body.write().map_err(|()| "no-stream".to_owned())?;
        for piece in text.as_bytes().chunks(4096) {
            stream.blocking_write_and_flush(piece).map_err(|error| format!("{error:?}"))?;
        }
    }
    OutgoingBody::finish(body, None).map_err(|code| name(&code))?;
    response.subscribe().block();
    match response.get() {
        Some(Ok(Ok(response))) => Ok(response),
        Some(Ok(Err(code))) => Err(name(&code)),
        _ => Err("no-answer".to_owned()),
    }
}

/// The response as JSON: its status, its headers and its body as text.
pub fn read(response: &IncomingResponse) -> Value {
    let headers: Vec<(String, String)> = response
        .headers()
        .entries()
        .into_iter()
        .map(|(name, value)| (name, String::from_utf8_lossy(&value).into_owned()))
        .collect();
    let mut bytes = Vec::new();
    let error = response.consume().ok().and_then(|body| drain(&body, |piece| bytes.extend_from_slice(piece)));
    json!({
        "status": response.status(),
        "headers": headers,
        "body": String::from_utf8_lossy(&bytes),
        "error": error,
    })
}

/// Reads a body to its end; answers what ended it, where that was an error.
pub fn drain(body: &IncomingBody, mut piece: impl FnMut(&[u8])) -> Option<String> {
    let stream: InputStream = body.stream().ok()?;
    loop {
        match stream.blocking_read(1 << 16) {
            Ok(bytes) => piece(&bytes),
            Err(StreamError::Closed) => return None,
            Err(StreamError::LastOperationFailed(error)) => {
                let code = crate::wasi::http::types::http_error_code(&error);
                return Some(code.map_or_else(|| error.to_debug_string(), |code| name(&code)));
            }
        }
    }
}

/// The name of an error code, as the bindings spell it.
pub fn name(code: &ErrorCode) -> String {
    let text = format!("{code:?}");
    let text = text.strip_prefix("ErrorCode::").unwrap_or(&text);
    text.split(['(', ' ']).next().unwrap_or_default().to_owned()
}

/// A request that failed, as the contract's `tool-error` has it.
pub fn failure(what: &str, name: &str) -> Failure {
    let text = format!("{what}: {name}");
    match name {
        "HttpRequestDenied" | "DestinationIpProhibited" => Failure::Denied(text),
        _ => Failure::Failed(text),
    }
}
