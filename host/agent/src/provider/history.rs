//! A conversation as any model takes it: names that are names, arguments that are objects, calls in words where there are no calls.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::value::RawValue;

use super::Features;
use crate::model::{CallResult, Message, ModelCall, Question};

/// The longest name of a tool, in bytes.
const NAME_BYTES: usize = 64;

/// Whether a model is asked with its tools, or has nothing to call.
pub(super) fn offers(features: Features, question: &Question<'_>) -> bool {
    features.tools && !question.tools.is_empty()
}

/// The conversation for a model: calls and results are told in words, where no tools are offered that they could be of.
pub(super) fn messages<'a>(features: Features, question: &Question<'a>) -> Cow<'a, [Message]> {
    let calls = |message: &Message| match message {
        Message::User { .. } => false,
        Message::Assistant { calls, .. } => !calls.is_empty(),
        Message::Tool { .. } => true,
    };
    if offers(features, question) || !question.messages.iter().any(calls) {
        return Cow::Borrowed(question.messages);
    }
    Cow::Owned(question.messages.iter().map(in_words).collect())
}

fn in_words(message: &Message) -> Message {
    match message {
        Message::User { .. } => message.clone(),
        Message::Assistant { text, calls } => {
            let called = calls.iter().map(|call| {
                format!("I called the tool {} with these arguments: {}", call.tool, call.arguments)
            });
            let said = Some(text.clone()).filter(|text| !text.trim().is_empty());
            let words: Vec<String> = said.into_iter().chain(called).collect();
            Message::Assistant { text: words.join("\n\n"), calls: Vec::new() }
        }
        Message::Tool { results } => {
            let told = results.iter().map(|CallResult { tool, text, failed, .. }| {
                let what = if *failed { "failed with" } else { "answered with" };
                format!("The tool {tool} {what}:\n{text}")
            });
            Message::User { text: told.collect::<Vec<_>>().join("\n\n") }
        }
    }
}

/// Text that a provider takes as words: several refuse none.
pub(super) fn words(text: &str) -> &str {
    if text.trim().is_empty() { "(nothing)" } else { text }
}

/// A tool's name as all providers take it back, whatever the model imagined.
pub(super) fn tool_name(name: &str) -> Cow<'_, str> {
    let fits = |character: char| character.is_ascii_alphanumeric() || matches!(character, '_' | '-');
    match name {
        "" => Cow::Borrowed("unnamed"),
        _ if name.len() <= NAME_BYTES && name.chars().all(fits) => Cow::Borrowed(name),
        _ => name
            .chars()
            .take(NAME_BYTES)
            .map(|character| if fits(character) { character } else { '_' })
            .collect(),
    }
}

/// Arguments as the text of a JSON object: as they were written, where they are one.
pub(super) fn arguments(written: &str) -> Box<RawValue> {
    let written = written.trim();
    let object = Some(written).filter(|text| text.starts_with('{'));
    let raw = object.and_then(|text| RawValue::from_string(text.to_owned()).ok());
    raw.unwrap_or_else(|| {
        let wrapped = serde_json::json!({ "unreadable": written });
        let wrapped = if written.is_empty() { serde_json::json!({}) } else { wrapped };
        serde_json::value::to_raw_value(&wrapped).unwrap_or_else(|_| RawValue::NULL.to_owned())
    })
}

/// Names of calls as a provider takes them back: what another one made up may be of no use to it, or be there twice.
#[derive(Debug)]
pub(super) struct Ids {
    fits: fn(&str) -> bool,
    used: BTreeSet<String>,
    count: usize,
    /// Those of the message before.
    current: BTreeMap<String, String>,
}

impl Ids {
    pub(super) fn new(fits: fn(&str) -> bool) -> Self {
        Self { fits, used: BTreeSet::new(), count: 0, current: BTreeMap::new() }
    }

    /// Names the calls of a message. The names are the same each time, as long as the conversation only grows.
    pub(super) fn begin(&mut self, calls: &[ModelCall]) -> Vec<String> {
        self.current.clear();
        let name = |call: &ModelCall| {
            self.count = self.count.saturating_add(1);
            let fits = (self.fits)(&call.id) && !self.used.contains(&call.id);
            let id = if fits { call.id.clone() } else { format!("c{:08}", self.count) };
            self.used.insert(id.clone());
            self.current.insert(call.id.clone(), id.clone());
            id
        };
        calls.iter().map(name).collect()
    }

    /// The name of the call that a result is of.
    pub(super) fn of(&self, id: &str) -> String {
        self.current.get(id).cloned().unwrap_or_else(|| id.to_owned())
    }
}
