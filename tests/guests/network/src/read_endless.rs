//! Reads a response for as long as there is more of it, and keeps none.

use kit::{Input, Outcome, json};

use crate::http::{self, Parts};
use crate::wasi::http::types::Fields;

pub fn run(input: &Input) -> Outcome {
    let url = input.text("url")?;
    let (scheme, authority, path) = http::split(url)?;
    let response = http::send(&Parts { method: "GET", scheme, authority, path, body: None }, Fields::new())
        .map_err(|name| http::failure(url, &name))?;
    let mut received = 0;
    let error = response.consume().ok().and_then(|body| http::drain(&body, |piece| received += piece.len()));
    Ok(json!({ "received": received, "error": error }))
}
