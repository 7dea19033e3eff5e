//! Whatever answers questions, as skills ask it: `openclaw:skill/llm`.

use std::sync::Arc;

use async_trait::async_trait;
use openclaw_runtime::capability::llm::{LanguageModel, LlmCompletion, LlmError, LlmRequest};

use crate::model::{Deaf, Message, Model, Question};
use crate::redaction::{Place, Redaction};

/// A model as skills ask it: in one question, without tools and without a conversation.
#[derive(Clone, Debug)]
pub struct SkillModel {
    /// What answers.
    pub model: Arc<dyn Model>,
    /// What is cut from all that is sent to it.
    pub redaction: Arc<Redaction>,
}

#[async_trait]
impl LanguageModel for SkillModel {
    async fn complete(&self, request: &LlmRequest) -> Result<LlmCompletion, LlmError> {
        let cleaned = |text| self.redaction.apply(Place::Model, text);
        let system = cleaned(request.system.as_deref().unwrap_or_default());
        let messages = [Message::User { text: cleaned(&request.prompt).into_owned() }];
        let question =
            Question { system: &system, messages: &messages, tools: &[], max_tokens: request.max_tokens };
        let answer = self.model.ask(&question, &Deaf).await.map_err(|error| {
            tracing::warn!(code = error.code(), %error, "a skill's question was not answered");
            LlmError::Unavailable(error.told().to_owned())
        })?;
        let usage = answer.usage;
        Ok(LlmCompletion { text: answer.text, input_tokens: usage.input, output_tokens: usage.output })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::model::{Answer, Listener, ModelError, Usage};

    /// Answers as a test wrote, and remembers the questions.
    #[derive(Debug)]
    struct Scripted {
        answer: Result<Answer, ModelError>,
        asked: Mutex<Vec<Asked>>,
    }

    /// System text, messages, the number of tools, the most tokens.
    type Asked = (String, Vec<Message>, usize, Option<u32>);

    #[async_trait]
    impl Model for Scripted {
        async fn ask(&self, question: &Question<'_>, _: &dyn Listener) -> Result<Answer, ModelError> {
            let Question { system, messages, tools, max_tokens } = question;
            let asked = ((*system).to_owned(), messages.to_vec(), tools.len(), *max_tokens);
            self.asked.lock().unwrap().push(asked);
            self.answer.clone()
        }

        fn context(&self) -> u64 {
            8_192
        }

        fn calls_tools(&self) -> bool {
            false
        }
    }

    fn asked_by_skills(model: Arc<Scripted>) -> SkillModel {
        SkillModel { model, redaction: Arc::default() }
    }

    fn scripted(answer: Result<Answer, ModelError>) -> Arc<Scripted> {
        Arc::new(Scripted { answer, asked: Mutex::default() })
    }

    #[tokio::test]
    async fn a_skills_question_is_asked_without_tools_and_its_tokens_are_told() {
        let usage = Usage { input: 7, cached: 3, output: 2 };
        let model = scripted(Ok(Answer { text: "Paris".to_owned(), usage, ..Answer::default() }));
        let request = LlmRequest {
            system: Some("be brief".to_owned()),
            prompt: "capital of France?".to_owned(),
            max_tokens: Some(20),
        };
        let answer = asked_by_skills(Arc::clone(&model)).complete(&request).await.unwrap();
        let expected = LlmCompletion { text: "Paris".to_owned(), input_tokens: 7, output_tokens: 2 };
        assert_eq!(answer, expected);
        let user = Message::User { text: "capital of France?".to_owned() };
        assert_eq!(*model.asked.lock().unwrap(), [("be brief".to_owned(), vec![user], 0, Some(20))]);
    }

    #[tokio::test]
    async fn no_secret_of_a_skills_question_reaches_the_model() {
        let secret = "ghp_0123456789abcdefghijABCDEFGHIJ456789";
        let model = scripted(Ok(Answer { text: "fine".to_owned(), ..Answer::default() }));
        let text = format!("the diff has {secret} in it");
        let request = LlmRequest { system: Some(text.clone()), prompt: text, max_tokens: None };
        asked_by_skills(Arc::clone(&model)).complete(&request).await.unwrap();
        let asked = format!("{:?}", model.asked.lock().unwrap());
        assert!(!asked.contains(secret) && asked.matches("[redacted:").count() == 2, "{asked}");
    }

    #[tokio::test]
    async fn a_skill_is_not_told_what_a_provider_said() {
        let secret = || "api.example.com answers with status 401: account 4711 is locked".to_owned();
        let throttled = ModelError::Throttled { reason: secret(), retry_after: None };
        let all = [ModelError::Unavailable(secret()), throttled, ModelError::Malformed(secret())];
        for error in all.into_iter().chain([ModelError::TooLong(secret()), ModelError::Rejected(secret())]) {
            let request = LlmRequest { system: None, prompt: "x".to_owned(), max_tokens: None };
            let told = asked_by_skills(scripted(Err(error))).complete(&request).await.unwrap_err();
            let LlmError::Unavailable(words) = told else { panic!("{told:?}") };
            assert!(words.contains("language model"), "{words}");
            assert!(!words.contains("4711") && !words.contains("example"), "{words}");
        }
    }
}
