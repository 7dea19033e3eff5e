//! How long questions and answers are.

use std::io::{self, Write};

use crate::model::{Message, Question, estimate_tokens};

/// About how many tokens a question has: its instructions, its conversation and its tools.
pub(super) fn of_question(question: &Question<'_>) -> u64 {
    let mut schemas = Counting(0);
    for tool in question.tools {
        // Counting never fails, and a value always has a JSON form.
        let _ = serde_json::to_writer(&mut schemas, &tool.schema);
    }
    let tools: usize = question.tools.iter().map(|tool| tool.name.len() + tool.description.len()).sum();
    let messages: usize = question.messages.iter().map(Message::bytes).sum();
    estimate_tokens(question.system.len() + messages + tools + schemas.0)
}

struct Counting(usize);

impl Write for Counting {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::OfferedTool;

    #[test]
    fn all_words_of_a_question_count() {
        let tool = OfferedTool {
            name: "t".repeat(3),
            description: "d".repeat(3),
            schema: serde_json::json!({"a": 1}),
        };
        let (tools, messages) = ([Arc::new(tool)], [Message::User { text: "u".repeat(6) }]);
        let question = Question { system: "sss", messages: &messages, tools: &tools, max_tokens: None };
        assert_eq!(of_question(&question), (3 + 6 + 6 + 7_u64).div_ceil(3));
    }
}
