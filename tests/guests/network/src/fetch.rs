//! Fetches a URL, as an honest skill does.

use kit::{Input, Outcome};

use crate::http::{self, Parts};
use crate::wasi::http::types::Fields;

pub fn run(input: &Input) -> Outcome {
    let url = input.text("url")?;
    let (scheme, authority, path) = http::split(url)?;
    let method = input.text_or("method", "GET");
    let parts = Parts { method, scheme, authority, path, body: input.value("body").as_str() };
    let response = http::send(&parts, Fields::new()).map_err(|name| http::failure(url, &name))?;
    Ok(http::read(&response))
}
