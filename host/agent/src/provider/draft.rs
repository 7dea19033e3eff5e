//! An answer while it is being heard: bounded, and nobody's until it has its end.

use std::collections::BTreeSet;

use super::refusal::Teller;
use crate::model::{Answer, Listener, ModelCall, ModelError, Stop, Usage, estimate_tokens};

/// Bytes of an answer's text, and of its calls, in all.
const ANSWER_BYTES: usize = 4 << 20;
/// Calls of an answer.
const CALLS: usize = 64;
/// Bytes of a name that a model gives a call.
const ID_BYTES: usize = 128;

/// A call that is being written.
#[derive(Debug, Default)]
struct DraftCall {
    /// What the wire counts it by; a name and not a place, and not always its own.
    index: Option<u64>,
    id: String,
    tool: String,
    arguments: String,
}

/// Which call is meant; from [`Draft::begin`] or a look-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place(usize);

/// What was heard so far.
pub(super) struct Draft<'a> {
    teller: &'a Teller,
    listener: &'a dyn Listener,
    question_bytes: usize,
    text: String,
    calls: Vec<DraftCall>,
    bytes: usize,
    /// Why it stopped, once that was said.
    pub(super) stop: Option<Stop>,
    /// The tokens, as they were told last.
    pub(super) usage: Usage,
}

impl<'a> Draft<'a> {
    pub(super) fn new(teller: &'a Teller, listener: &'a dyn Listener, question_bytes: usize) -> Self {
        Self {
            teller,
            listener,
            question_bytes,
            text: String::new(),
            calls: Vec::new(),
            bytes: 0,
            stop: None,
            usage: Usage::default(),
        }
    }

    fn count(&mut self, bytes: usize) -> Result<(), ModelError> {
        self.bytes = self.bytes.saturating_add(bytes);
        if self.bytes > ANSWER_BYTES {
            return Err(self.teller.malformed("answers with more than 4 MiB"));
        }
        Ok(())
    }

    /// More of its words.
    pub(super) fn say(&mut self, piece: &str) -> Result<(), ModelError> {
        if piece.is_empty() {
            return Ok(());
        }
        self.count(piece.len())?;
        self.text.push_str(piece);
        self.listener.text(piece);
        Ok(())
    }

    /// A further call.
    pub(super) fn begin(&mut self, index: Option<u64>) -> Result<Place, ModelError> {
        if self.calls.len() >= CALLS {
            return Err(self.teller.malformed("asks for more than 64 calls at once"));
        }
        self.calls.push(DraftCall { index, ..DraftCall::default() });
        Ok(Place(self.calls.len().saturating_sub(1)))
    }

    /// The last call that has an index.
    pub(super) fn at(&self, index: u64) -> Option<Place> {
        self.calls.iter().rposition(|call| call.index == Some(index)).map(Place)
    }

    /// The call of an id.
    pub(super) fn named(&self, id: &str) -> Option<Place> {
        self.calls.iter().rposition(|call| call.id == id).map(Place)
    }

    /// The last call.
    pub(super) fn last(&self) -> Option<Place> {
        self.calls.len().checked_sub(1).map(Place)
    }

    /// What a call is named so far.
    pub(super) fn id(&self, place: Place) -> &str {
        self.calls.get(place.0).map_or("", |call| &call.id)
    }

    /// More of a call. Its id and its tool are said once; what says them again is not heard.
    pub(super) fn write(
        &mut self,
        place: Place,
        id: &str,
        tool: &str,
        arguments: &str,
    ) -> Result<(), ModelError> {
        self.count(id.len().saturating_add(tool.len()).saturating_add(arguments.len()))?;
        let Some(call) = self.calls.get_mut(place.0) else { return Ok(()) };
        if call.id.is_empty() {
            id.clone_into(&mut call.id);
        }
        if call.tool.is_empty() {
            tool.clone_into(&mut call.tool);
        }
        call.arguments.push_str(arguments);
        Ok(())
    }

    /// The answer, whose end has come.
    pub(super) fn finish(self) -> Result<Answer, ModelError> {
        let stop = self.stop.unwrap_or_default();
        let mut calls = self.calls;
        match stop {
            Stop::Done => {}
            // What has no end was not asked for.
            Stop::Length => calls.retain(|call| is_object(&call.arguments)),
            Stop::Refused => calls.clear(),
        }
        let mut ids = BTreeSet::new();
        let calls: Result<Vec<_>, _> = calls
            .into_iter()
            .map(|call| {
                let fits = is_id(&call.id) && !ids.contains(&call.id);
                let id = if fits { call.id } else { new_id().ok_or_else(|| no_chance(self.teller))? };
                ids.insert(id.clone());
                let empty = call.arguments.trim().is_empty();
                let arguments = if empty { "{}".to_owned() } else { call.arguments };
                Ok(ModelCall { id, tool: call.tool, arguments })
            })
            .collect();
        let mut usage = self.usage;
        // No question has no tokens.
        if usage.input == 0 {
            usage.input = estimate_tokens(self.question_bytes);
        }
        if usage.output == 0 {
            usage.output = estimate_tokens(self.bytes);
        }
        usage.cached = usage.cached.min(usage.input);
        Ok(Answer { text: self.text, calls: calls?, stop, usage, cost: 0, model: String::new() })
    }
}

fn is_object(text: &str) -> bool {
    text.trim_start().starts_with('{') && serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
}

/// Whether a name can be kept, shown and sent back.
fn is_id(id: &str) -> bool {
    !id.is_empty() && id.len() <= ID_BYTES && id.bytes().all(|byte| byte.is_ascii_graphic())
}

/// A name for a call that has none; no other call of any conversation has it.
fn new_id() -> Option<String> {
    let mut bytes = [0_u8; 12];
    getrandom::fill(&mut bytes).ok()?;
    Some(bytes.iter().fold("call_".to_owned(), |id, byte| format!("{id}{byte:02x}")))
}

fn no_chance(teller: &Teller) -> ModelError {
    teller.unavailable("asks for a call without a name, and the system has no random numbers for one")
}
