//! Asks, as often as it is told to, and tells the last answer or the first error.

use kit::{Failure, Input, Outcome, json};

use crate::openclaw::skill::llm::{self, Error, Request};

pub fn run(input: &Input) -> Outcome {
    let bytes = input.number_or("bytes", 0) as usize;
    let request = Request {
        system: input.value("system").as_str().map(str::to_owned),
        prompt: format!("{}{}", input.text_or("prompt", ""), "x".repeat(bytes)),
        max_tokens: input.value("max_tokens").as_u64().map(|tokens| tokens as u32),
    };
    let mut said = json!(null);
    for _ in 0..input.number_or("times", 1) {
        let completion = llm::complete(&request).map_err(|error| match error {
            Error::Denied(text) => Failure::Denied(text),
            Error::QuotaExceeded(left) => Failure::Failed(format!("{left} tokens are left")),
            Error::Unavailable(text) => Failure::Failed(text),
        })?;
        said = json!({
            "text": completion.text,
            "input_tokens": completion.input_tokens,
            "output_tokens": completion.output_tokens,
        });
    }
    Ok(said)
}
