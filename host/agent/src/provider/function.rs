//! A tool as OpenAI's format offers it, which others took over.

use serde::Serialize;
use serde_json::Value;

use super::Features;
use crate::model::Question;

/// An offered tool.
#[derive(Serialize)]
pub(super) struct Tool<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    function: Function<'a>,
}

#[derive(Serialize)]
struct Function<'a> {
    name: &'a str,
    description: &'a str,
    parameters: &'a Value,
}

/// The tools of a question; none, where the model can call none.
pub(super) fn tools<'a>(features: Features, question: &Question<'a>) -> Vec<Tool<'a>> {
    let offered = question.tools.iter().filter(|_| features.tools);
    offered
        .map(|tool| Tool {
            kind: "function",
            function: Function { name: &tool.name, description: &tool.description, parameters: &tool.schema },
        })
        .collect()
}
