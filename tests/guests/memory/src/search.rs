//! Looks for words; answers keys and snippets.

use kit::{Input, Outcome, Value, json};

use crate::openclaw::skill::memory;

pub fn run(input: &Input) -> Outcome {
    let limit = u32::try_from(input.number_or("limit", 10)).unwrap_or(u32::MAX);
    let query = format!("{}{}", input.text_or("query", ""), "x".repeat(input.number_or("bytes", 0) as usize));
    let hits = memory::search(&query, limit)?;
    let hits = hits.into_iter().map(|hit| json!({ "key": hit.key, "snippet": hit.snippet }));
    Ok(Value::from(hits.collect::<Vec<_>>()))
}
