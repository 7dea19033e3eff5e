//! Grants put to the person behind a client, as a form: a box for each scope, with the author's reason beside it.
//!
//! Clients of a revision with sessions are asked while their call waits. Later ones get the questions as the answer of
//! their call, and call again with what the person said and with a state that this server sealed: it holds for the
//! same caller, tool and input, for some minutes, and once.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use openclaw_package::name::{SkillId, ToolId};
use openclaw_runtime::capability::grant::Missing;
use openclaw_runtime::consent::Person;
use rmcp::model::{
    ClientCapabilities, ElicitRequest, ElicitRequestParams, ElicitResult, ElicitationAction,
    ElicitationSchema, ErrorData, InputRequest, InputRequiredResult, InputResponses, RequestStateCodec,
    SealOptions,
};
use rmcp::service::{Peer, RoleServer};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use tokio::sync::OnceCell;

use openclaw_agent::text::visible;

use crate::storage::Storage;

/// How long a person may take.
pub(super) const PATIENCE: Duration = Duration::from_secs(600);
/// What the one form of a call is known by.
const FORM: &str = "grants";

/// Whether a client can put a form to its person.
pub(crate) fn can_ask(capabilities: Option<&ClientCapabilities>) -> bool {
    capabilities
        .and_then(|capabilities| capabilities.elicitation.as_ref())
        .is_some_and(|elicitation| elicitation.form.is_some() || elicitation.url.is_none())
}

/// The form: none where there are no words for it, which a client would not show.
fn form(skill: &SkillId, missing: &[Missing]) -> Option<ElicitRequestParams> {
    let mut properties = Map::new();
    let mut message = format!(
        "The skill {skill} asks for what it is not granted. What you tick is written into your policy and holds until \
         you take it back with `openclaw grant revoke`."
    );
    for (index, missing) in missing.iter().enumerate() {
        let (scope, reason) = (visible(&missing.scope), visible(&missing.reason));
        message.push_str(&format!("\n\n{}. {scope}\n   Its author says why: {reason}", index + 1));
        let property = json!({
            "type": "boolean",
            "title": format!("Allow {scope}"),
            "description": format!("{skill}: {reason}"),
            "default": false,
        });
        properties.insert(field(index), property);
    }
    let schema = json!({ "type": "object", "properties": properties });
    let requested_schema: ElicitationSchema = serde_json::from_value(schema).ok()?;
    Some(ElicitRequestParams::FormElicitationParams { meta: None, message, requested_schema })
}

fn field(index: usize) -> String {
    format!("grant-{}", index + 1)
}

/// What a person answered to each question. Anything but a plain yes is a no.
fn answers(answer: Option<&ElicitResult>, questions: usize) -> Vec<(usize, bool)> {
    let content = match answer.map(|answer| (&answer.action, &answer.content)) {
        Some((ElicitationAction::Accept, Some(Value::Object(content)))) => Some(content),
        _ => None,
    };
    let is_ticked =
        |index| content.is_some_and(|content| content.get(&field(index)) == Some(&Value::Bool(true)));
    (0..questions).map(|index| (index, is_ticked(index))).collect()
}

/// The person behind a client that can be asked while a call waits.
#[derive(Debug)]
pub(crate) struct Asked(pub(crate) Peer<RoleServer>);

#[async_trait]
impl Person for Asked {
    async fn consent(&self, skill: &SkillId, missing: &[Missing]) -> Vec<(usize, bool)> {
        let Some(form) = form(skill, missing) else { return Vec::new() };
        match self.0.create_elicitation_with_timeout(form, Some(PATIENCE)).await {
            Ok(answer) => answers(Some(&answer), missing.len()),
            Err(error) => {
                tracing::warn!(%skill, "nobody answered whether it may have a grant: {error}");
                answers(None, missing.len())
            }
        }
    }
}

/// A person who answered already: to what these commands grant, with a yes or a no.
#[derive(Debug)]
pub(crate) struct Answered(Vec<(String, bool)>);

#[async_trait]
impl Person for Answered {
    async fn consent(&self, _: &SkillId, missing: &[Missing]) -> Vec<(usize, bool)> {
        let answer = |missing: &Missing| self.0.iter().find(|(command, _)| *command == missing.command);
        (0..).zip(missing).filter_map(|(at, missing)| Some((at, answer(missing)?.1))).collect()
    }
}

/// What a call is told apart by, for a state to be good for it alone.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subject<'a> {
    pub(crate) caller: &'a str,
    pub(crate) tool: &'a ToolId,
    pub(crate) input: &'a str,
}

impl Subject<'_> {
    fn bytes(&self) -> Vec<u8> {
        // The same input may be written in another order the second time.
        let input = serde_json::from_str::<Value>(self.input).map_or_else(|_| self.input.to_owned(), sorted);
        let mut hash = Sha256::new();
        for part in [self.caller, self.tool.as_str(), &input] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        hash.finalize().to_vec()
    }
}

/// A JSON value as text, keys in order.
fn sorted(mut value: Value) -> String {
    value.sort_all_objects();
    value.to_string()
}

/// Questions that were put, and whose answer is not here yet.
#[derive(Debug)]
pub(crate) struct Questions {
    storage: Arc<dyn Storage>,
    codec: OnceCell<RequestStateCodec>,
}

/// What is sealed: what was asked, in order.
#[derive(Debug, Serialize, Deserialize)]
struct State {
    nonce: String,
    commands: Vec<String>,
}

impl Questions {
    /// Which are open, and the key that seals them, are the storage's.
    pub(crate) fn new(storage: Arc<dyn Storage>) -> Self {
        Self { storage, codec: OnceCell::new() }
    }

    async fn codec(&self) -> io::Result<&RequestStateCodec> {
        let made = self.codec.get_or_try_init(|| async {
            let key = self.storage.sealing_key().await?;
            RequestStateCodec::try_new(key.bytes().to_vec()).map_err(io::Error::other)
        });
        made.await
    }

    /// The answer of a call whose person has to be asked first; none where that cannot be done.
    pub(crate) async fn put(
        &self,
        subject: &Subject<'_>,
        missing: &[Missing],
    ) -> Option<InputRequiredResult> {
        let form = form(subject.tool.skill(), missing)?;
        let commands = missing.iter().map(|missing| missing.command.clone()).collect();
        let skill = subject.tool.skill();
        let sealed = self.seal(&subject.bytes(), commands).await;
        let state = sealed.inspect_err(|error| tracing::error!(%skill, "nobody is asked: {error}")).ok()?;
        let request = InputRequest::Elicitation(ElicitRequest::new(form));
        Some(InputRequiredResult::new(Some([(FORM.to_owned(), request)].into()), Some(state)))
    }

    /// A state that is good for its subject, once.
    async fn seal(&self, subject: &[u8], commands: Vec<String>) -> io::Result<String> {
        let codec = self.codec().await?;
        let mut nonce = [0; 16];
        getrandom::fill(&mut nonce)?;
        let nonce: String = nonce.iter().map(|byte| format!("{byte:02x}")).collect();
        self.storage.open_question(&nonce, PATIENCE).await?;
        let payload = serde_json::to_vec(&State { nonce, commands })?;
        let options = SealOptions::new().associated_data(subject).ttl(PATIENCE);
        Ok(codec.seal_with(&payload, &options))
    }

    /// What a person answered.
    ///
    /// # Errors
    /// The state was not sealed for this call, is too old, or was used before.
    pub(crate) async fn answered(
        &self,
        subject: &Subject<'_>,
        state: &str,
        responses: Option<&InputResponses>,
    ) -> Result<Answered, ErrorData> {
        let refused =
            |why: &str| ErrorData::invalid_params(format!("{why}: call again without requestState"), None);
        let failed = |error: io::Error| {
            tracing::error!("an answer is not taken: {error}");
            refused("the answer cannot be taken now")
        };
        let payload = self
            .codec()
            .await
            .map_err(failed)?
            .open_with(state, &subject.bytes())
            .map_err(|_| refused("the requestState is not of this call, or too old"))?;
        let State { nonce, commands } = serde_json::from_slice(&payload)
            .map_err(|_| refused("the requestState is not of this server"))?;
        if !self.storage.close_question(&nonce).await.map_err(failed)? {
            return Err(refused("the requestState was used before"));
        }
        let answer = responses
            .and_then(|responses| responses.get(FORM))
            .and_then(|answer| serde_json::from_value::<ElicitResult>(answer.clone()).ok());
        let answers = answers(answer.as_ref(), commands.len());
        Ok(Answered(commands.into_iter().zip(answers).map(|(command, (_, yes))| (command, yes)).collect()))
    }
}

#[cfg(test)]
mod tests {
    use openclaw_runtime::layout::DataDir;

    use super::*;
    use crate::storage::LocalStorage;

    fn missing() -> Vec<Missing> {
        [("memory", "keeps notes"), ("filesystem:read $workspace", "reads\u{202e}")]
            .map(|(scope, reason)| Missing {
                scope: scope.to_owned(),
                reason: reason.to_owned(),
                command: format!("openclaw grant allow acme/notes {scope}"),
                rule: None,
            })
            .to_vec()
    }

    /// Those of a gateway by itself.
    fn questions() -> Questions {
        let dir = tempfile::tempdir().unwrap();
        let dir = DataDir::open(dir.path().join("data")).unwrap();
        Questions::new(Arc::new(LocalStorage::of(&dir)))
    }

    fn answers(content: Value) -> InputResponses {
        [(FORM.to_owned(), content)].into()
    }

    async fn granted(answered: &Answered) -> Vec<usize> {
        let answers = answered.consent(&"acme/notes".parse().unwrap(), &missing()).await;
        answers.into_iter().filter(|(_, yes)| *yes).map(|(at, _)| at).collect()
    }

    #[tokio::test]
    async fn only_a_ticked_box_of_an_accepted_form_is_a_yes() {
        let questions = questions();
        let tool = "acme/notes/add".parse().unwrap();
        let subject = Subject { caller: "ada", tool: &tool, input: "{}" };
        let cases = [
            (json!({ "action": "accept", "content": { "grant-1": true } }), vec![0]),
            (json!({ "action": "accept", "content": { "grant-1": false, "grant-2": true } }), vec![1]),
            (
                json!({ "action": "accept", "content": { "grant-1": "true", "grant-2": 1, "grant-3": true } }),
                vec![],
            ),
            (json!({ "action": "decline", "content": { "grant-1": true } }), vec![]),
            (json!({ "action": "cancel" }), vec![]),
            (json!("accept"), vec![]),
        ];
        for (answer, expected) in cases {
            let state = questions.put(&subject, &missing()).await.unwrap().request_state.unwrap();
            let answered =
                questions.answered(&subject, &state, Some(&answers(answer.clone()))).await.unwrap();
            assert_eq!(granted(&answered).await, expected, "{answer}");
        }
        let state = questions.put(&subject, &missing()).await.unwrap().request_state.unwrap();
        assert!(granted(&questions.answered(&subject, &state, None).await.unwrap()).await.is_empty());
    }

    #[tokio::test]
    async fn a_state_is_good_for_its_call_once_and_for_no_other() {
        let (questions, others) = (questions(), questions());
        let [tool, other] = ["acme/notes/add", "acme/notes/wipe"].map(|tool| tool.parse().unwrap());
        let subject = Subject { caller: "ada", tool: &tool, input: r#"{"a":1,"b":[{"d":1,"c":2}]}"# };
        let yes = answers(json!({ "action": "accept", "content": { "grant-1": true } }));
        let state = questions.put(&subject, &missing()).await.unwrap().request_state.unwrap();
        let wrong = [
            Subject { caller: "eve", ..subject },
            Subject { tool: &other, ..subject },
            Subject { input: r#"{"a":2,"b":[]}"#, ..subject },
        ];
        for wrong in &wrong {
            assert!(questions.answered(wrong, &state, Some(&yes)).await.is_err(), "{wrong:?}");
        }
        assert!(others.answered(&subject, &state, Some(&yes)).await.is_err(), "another gateway sealed it");
        for forged in ["", "rs1.AAAA.BBBB", &state[..state.len() - 2]] {
            assert!(questions.answered(&subject, forged, Some(&yes)).await.is_err(), "{forged}");
        }
        let reordered = Subject { input: r#"{ "b": [{"c":2,"d":1}], "a": 1 }"#, ..subject };
        assert_eq!(granted(&questions.answered(&reordered, &state, Some(&yes)).await.unwrap()).await, [0]);
        let error = questions.answered(&subject, &state, Some(&yes)).await.unwrap_err();
        assert!(error.message.contains("used before"), "{error}");
    }

    #[tokio::test]
    async fn gateways_over_one_storage_take_each_others_answers_once() {
        let one = questions();
        let other = Questions::new(Arc::clone(&one.storage));
        let tool = "acme/notes/add".parse().unwrap();
        let subject = Subject { caller: "ada", tool: &tool, input: "{}" };
        let yes = answers(json!({ "action": "accept", "content": { "grant-1": true } }));
        let state = one.put(&subject, &missing()).await.unwrap().request_state.unwrap();
        assert_eq!(granted(&other.answered(&subject, &state, Some(&yes)).await.unwrap()).await, [0]);
        for gateway in [&one, &other] {
            assert!(gateway.answered(&subject, &state, Some(&yes)).await.is_err());
        }
    }

    #[test]
    fn a_form_says_exactly_what_is_asked_and_hides_nothing() {
        let form = serde_json::to_value(form(&"acme/notes".parse().unwrap(), &missing())).unwrap();
        let message = form["message"].as_str().unwrap();
        assert!(
            message.contains("acme/notes") && message.contains("2. filesystem:read $workspace"),
            "{message}"
        );
        assert!(message.contains("reads\\u{202e}") && !message.contains('\u{202e}'), "{message}");
        let properties = &form["requestedSchema"]["properties"];
        assert_eq!(properties["grant-1"]["type"], "boolean");
        assert_eq!(properties["grant-1"]["default"], false);
        assert!(properties.get("grant-3").is_none());
    }

    #[test]
    fn who_cannot_show_a_form_is_not_asked() {
        let can = |capabilities: Value| {
            can_ask(Some(&serde_json::from_value::<ClientCapabilities>(capabilities).unwrap()))
        };
        assert!(can(json!({ "elicitation": {} })));
        assert!(can(json!({ "elicitation": { "form": {} } })));
        assert!(!can(json!({ "elicitation": { "url": {} } })));
        assert!(!can(json!({})) && !can_ask(None));
    }
}
