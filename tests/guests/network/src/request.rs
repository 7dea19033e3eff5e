//! Sends a request of parts that need not make a URL.

use kit::{Input, Outcome, json};

use crate::http::{self, Parts};
use crate::wasi::http::types::Fields;

pub fn run(input: &Input) -> Outcome {
    let parts = Parts {
        method: input.text_or("method", "GET"),
        scheme: input.text_or("scheme", "http"),
        authority: input.text_or("authority", ""),
        path: input.text_or("path", "/"),
        body: None,
    };
    Ok(match http::send(&parts, Fields::new()) {
        Ok(response) => http::read(&response),
        Err(error) => json!({ "error": error }),
    })
}
