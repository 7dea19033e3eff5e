//! Sets headers that are the host's to set, and values that would end a header early.

use kit::{Input, Outcome, json};

use crate::http::{self, Parts};
use crate::wasi::http::types::Fields;

pub fn run(input: &Input) -> Outcome {
    let (scheme, authority, path) = http::split(input.text("url")?)?;
    let fields = Fields::new();
    let mut outcomes = Vec::new();
    for header in input.value("headers").as_array().into_iter().flatten() {
        let (name, value) = (header[0].as_str().unwrap_or(""), header[1].as_str().unwrap_or(""));
        let outcome = match fields.append(name, value.as_bytes()) {
            Ok(()) => "ok".to_owned(),
            Err(error) => format!("{error:?}").replace("HeaderError::", ""),
        };
        outcomes.push(outcome);
    }
    let answer = match http::send(&Parts { method: "GET", scheme, authority, path, body: None }, fields) {
        Ok(response) => http::read(&response),
        Err(error) => json!({ "error": error }),
    };
    Ok(json!({ "set": outcomes, "answer": answer }))
}
