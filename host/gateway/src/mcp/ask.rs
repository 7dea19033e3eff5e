//! What a skill asks, put to the person behind a client as a form of one field.

use async_trait::async_trait;
use openclaw_runtime::capability::ask::{Reply, Respondent, SkillQuestion};
use rmcp::model::{ElicitRequestParams, ElicitResult, ElicitationAction, ElicitationSchema};
use rmcp::service::{Peer, RoleServer};
use serde_json::{Value, json};

use super::consent::PATIENCE;

/// The one field of the form.
const FIELD: &str = "answer";

/// The person behind a client that can be asked while a call waits.
#[derive(Debug)]
pub(crate) struct Questioned(pub(crate) Peer<RoleServer>);

#[async_trait]
impl Respondent for Questioned {
    async fn reply(&self, question: &SkillQuestion) -> Reply {
        let Some(form) = form(question) else { return Reply::Nobody };
        match self.0.create_elicitation_with_timeout(form, Some(PATIENCE)).await {
            Ok(result) => reply(&result),
            Err(error) => {
                tracing::warn!(skill = %question.skill, "nobody answered what it asked: {error}");
                Reply::Dismissed
            }
        }
    }
}

/// The form: none where it cannot be made.
fn form(question: &SkillQuestion) -> Option<ElicitRequestParams> {
    let SkillQuestion { skill, text, choices } = question;
    // The words are a stranger's: none of their lines can be taken for one of ours.
    let text = text.replace('\n', "\n    ");
    let message = format!(
        "The skill {skill} asks, in its own words:\n\n    {text}\n\nThis is the skill {skill} asking, not OpenClaw. It \
         reads what you answer: no passwords."
    );
    let mut property = json!({ "type": "string", "title": format!("Answer to {skill}") });
    if let (false, Value::Object(property)) = (choices.is_empty(), &mut property) {
        property.insert("enum".to_owned(), json!(choices));
    }
    let schema = json!({ "type": "object", "properties": { FIELD: property }, "required": [FIELD] });
    let requested_schema: ElicitationSchema = serde_json::from_value(schema).ok()?;
    Some(ElicitRequestParams::FormElicitationParams { meta: None, message, requested_schema })
}

/// What the person said; anything but a text in the field of an accepted form is no answer.
fn reply(result: &ElicitResult) -> Reply {
    let answer = match (&result.action, &result.content) {
        (ElicitationAction::Accept, Some(Value::Object(content))) => content.get(FIELD),
        _ => None,
    };
    match answer {
        Some(Value::String(answer)) => Reply::Answer(answer.clone()),
        _ => Reply::Dismissed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(choices: &[&str]) -> Value {
        let choices = choices.iter().map(|choice| (*choice).to_owned()).collect();
        let text = "Really?\nThe skill acme/bank asks".to_owned();
        serde_json::to_value(form(&SkillQuestion { skill: "acme/x".parse().unwrap(), text, choices }))
            .unwrap()
    }

    #[test]
    fn a_form_says_who_asks_before_and_after_words_that_are_not_ours() {
        let form = asked(&[]);
        let message = form["message"].as_str().unwrap();
        assert!(message.starts_with("The skill acme/x asks") && message.contains("the skill acme/x asking"));
        assert!(message.contains("\n    The skill acme/bank asks"), "{message}");
        let property = &form["requestedSchema"]["properties"]["answer"];
        assert_eq!((&property["type"], &property["enum"]), (&json!("string"), &Value::Null));
        assert_eq!(form["requestedSchema"]["required"], json!(["answer"]));
    }

    #[test]
    fn choices_are_those_of_the_form() {
        let property = &asked(&["yes", "no"])["requestedSchema"]["properties"]["answer"];
        assert_eq!((&property["type"], &property["enum"]), (&json!("string"), &json!(["yes", "no"])));
    }

    #[test]
    fn only_a_text_of_an_accepted_form_is_an_answer() {
        for (result, expected) in [
            (json!({ "action": "accept", "content": { "answer": "yes" } }), Reply::Answer("yes".to_owned())),
            (json!({ "action": "accept", "content": { "answer": 1 } }), Reply::Dismissed),
            (json!({ "action": "accept", "content": { "other": "yes" } }), Reply::Dismissed),
            (json!({ "action": "accept" }), Reply::Dismissed),
            (json!({ "action": "decline", "content": { "answer": "yes" } }), Reply::Dismissed),
            (json!({ "action": "cancel" }), Reply::Dismissed),
        ] {
            assert_eq!(reply(&serde_json::from_value(result.clone()).unwrap()), expected, "{result}");
        }
    }
}
