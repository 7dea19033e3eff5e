//! Answers that are kept, so that the same question to the same model is not paid for twice.

use std::io::{self, Write};
use std::sync::Arc;

use moka::sync;
use sha2::{Digest as _, Sha256};

use super::check::ModelPlan;
use super::file::CacheRule;
use crate::model::{Answer, Question, Stop, Usage, said};

/// Bytes of an answer that is kept.
const MOST_BYTES: usize = 64 << 10;

/// Answers by their questions.
#[derive(Debug)]
pub(super) struct Cache(sync::Cache<Key, Arc<Answer>>);

/// The digest of a question and of the model that it is put to.
pub(super) type Key = [u8; 32];

impl Cache {
    /// As large, and for as long, as is wanted.
    pub(super) fn new(rule: CacheRule) -> Self {
        Self(sync::Cache::builder().max_capacity(rule.entries).time_to_live(rule.time).build())
    }

    /// The answer of a question that was asked before. It took no tokens and cost nothing.
    pub(super) fn get(&self, key: &Key) -> Option<Answer> {
        self.0.get(key).map(|answer| (*answer).clone())
    }

    /// Keeps an answer that is whole.
    pub(super) fn keep(&self, key: Key, answer: &Answer) {
        if answer.stop == Stop::Done && said(&answer.text, &answer.calls) <= MOST_BYTES {
            self.0.insert(key, Arc::new(Answer { usage: Usage::default(), cost: 0, ..answer.clone() }));
        }
    }
}

/// The digest of all that an answer depends on.
pub(super) fn key(model: &ModelPlan, question: &Question<'_>) -> Option<Key> {
    let tools: Vec<_> =
        question.tools.iter().map(|tool| (&tool.name, &tool.description, &tool.schema)).collect();
    let provider = (&model.provider.name, format!("{:?}", model.provider.at));
    let features = (model.tools, model.streaming);
    let all = (
        provider,
        &model.name,
        &model.model,
        features,
        question.system,
        question.messages,
        tools,
        question.max_tokens,
    );
    let mut hashing = Hashing(Sha256::new());
    serde_json::to_writer(&mut hashing, &all).ok()?;
    Some(hashing.0.finalize().into())
}

struct Hashing(Sha256);

impl Write for Hashing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::model::{Message, OfferedTool};
    use crate::models::check;

    #[test]
    fn any_difference_makes_another_question() {
        let model = check::one("openai", "m").unwrap().models.remove(0);
        let said = |text: &str| [Message::User { text: text.to_owned() }];
        let tool = |description: &str| {
            let (name, description) = ("t".to_owned(), description.to_owned());
            [Arc::new(OfferedTool { name, description, schema: serde_json::json!({}) })]
        };
        let (hi, ho, one, two) = (said("hi"), said("ho"), tool("one"), tool("two"));
        let question = Question { system: "s", messages: &hi, tools: &one, max_tokens: Some(1) };
        let base = key(&model, &question).unwrap();
        assert_eq!(key(&model, &question.clone()).unwrap(), base);
        let mut other_model = model.clone();
        other_model.model = "n".to_owned();
        let mut other_provider = model.clone();
        other_provider.provider = check::one("groq", "m").unwrap().models.remove(0).provider;
        let others = [
            key(&other_model, &question),
            key(&other_provider, &question),
            key(&model, &Question { system: "t", ..question.clone() }),
            key(&model, &Question { messages: &ho, ..question.clone() }),
            key(&model, &Question { tools: &two, ..question.clone() }),
            key(&model, &Question { tools: &[], ..question.clone() }),
            key(&model, &Question { max_tokens: None, ..question.clone() }),
        ];
        let all: std::collections::BTreeSet<Key> = others.into_iter().flatten().chain([base]).collect();
        assert_eq!(all.len(), 8);
    }

    #[test]
    fn only_whole_answers_of_a_modest_size_are_kept_and_only_for_a_time() {
        let rule = CacheRule { entries: 8, time: Duration::from_millis(1) };
        let (short, long) =
            (Cache::new(rule), Cache::new(CacheRule { time: Duration::from_secs(600), ..rule }));
        let usage = Usage { input: 5, cached: 0, output: 5 };
        let answer = Answer { text: "yes".to_owned(), usage, cost: 7, ..Answer::default() };
        long.keep([1; 32], &answer);
        let kept = long.get(&[1; 32]).unwrap();
        assert_eq!((kept.text.as_str(), kept.cost, kept.usage), ("yes", 0, Usage::default()));
        long.keep([2; 32], &Answer { stop: Stop::Length, ..answer.clone() });
        long.keep([3; 32], &Answer { text: "x".repeat(MOST_BYTES + 1), ..answer.clone() });
        assert!(long.get(&[2; 32]).is_none() && long.get(&[3; 32]).is_none());
        short.keep([1; 32], &answer);
        std::thread::sleep(Duration::from_millis(20));
        assert!(short.get(&[1; 32]).is_none());
    }
}
