//! What is said over a WebSocket, in both directions.

use openclaw_agent::event::Event;
use openclaw_agent::human::Approval;
use openclaw_agent::model::Usage;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::agents::{Piece, event_bytes};
use crate::error::PublicError;

/// What a client says.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "kebab-case", deny_unknown_fields)]
pub(in crate::http) enum SocketRequest {
    /// Something to an agent.
    Say {
        /// The agent; the first one where it is missing.
        #[serde(default)]
        agent: Option<String>,
        /// The conversation; a new one where it is missing.
        #[serde(default)]
        conversation: Option<String>,
        /// What is said.
        text: String,
        /// The client's own name for this, which comes back with what becomes of it.
        #[serde(default)]
        id: Option<String>,
    },
    /// That what is being answered in a conversation, or waits in it, is not wanted any more.
    Cancel {
        /// The conversation.
        conversation: String,
    },
    /// An answer to a question: what fits it, or none of the three, which is a no.
    Answer {
        /// The question.
        question: String,
        /// To `approval`: `once`, `session` or `denied`.
        #[serde(default)]
        #[schema(value_type = Option<String>)]
        approval: Option<Approval>,
        /// To `consent`: a yes or a no to each of its items, in order.
        #[serde(default)]
        consent: Option<Vec<bool>>,
        /// To `answer`: the text.
        #[serde(default)]
        text: Option<String>,
    },
}

/// Which conversation something is of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(in crate::http) struct Place {
    /// The agent.
    pub(super) agent: String,
    /// The conversation.
    pub(super) conversation: String,
}

/// What the server says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(untagged)]
pub(in crate::http) enum SocketMessage {
    /// Something that happened in a conversation; its `type` is `text`, `restarted`, `call-begun`, `call-logged`,
    /// `call-progressed`, `call-ended`, `notice` or `ended`.
    Happened {
        /// Where.
        #[serde(flatten)]
        #[schema(inline)]
        place: Place,
        /// What.
        #[serde(flatten)]
        #[schema(value_type = Object)]
        event: Event,
    },
    /// What the server has to say itself.
    Own(Own),
}

/// What the server has to say itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub(in crate::http) enum Own {
    /// What was said was taken; `answered` or `error` follows.
    Accepted {
        #[serde(flatten)]
        #[schema(inline)]
        place: Place,
        /// The client's name for it.
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<String>,
    },
    /// What was said was answered.
    Answered {
        #[serde(flatten)]
        #[schema(inline)]
        place: Place,
        /// The client's name for it.
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<String>,
        /// The agent's last words.
        text: String,
        /// Why the turn ended: `done`, `cancelled`, `steps`, `tokens`, `cost`, `time` or `model-failed`.
        reason: &'static str,
        /// The tokens of the turn.
        #[schema(value_type = Object)]
        usage: Usage,
        /// What the turn cost, in millionths of a dollar.
        cost: u64,
    },
    /// A question to the person.
    Question {
        #[serde(flatten)]
        #[schema(inline)]
        place: Place,
        /// Its name, for the answer.
        question: String,
        #[serde(flatten)]
        #[schema(inline)]
        about: About,
    },
    /// That a question needs no answer any more.
    Withdrawn {
        /// Its name.
        question: String,
    },
    /// That something was not done.
    Error {
        #[serde(flatten)]
        #[schema(inline)]
        place: Option<Place>,
        /// The client's name for what was said.
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<String>,
        #[serde(flatten)]
        #[schema(inline)]
        error: PublicError,
    },
    /// That messages were to come here which the client read too slowly for.
    LeftOut {
        /// How many.
        count: usize,
    },
}

/// What a question is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub(in crate::http) enum About {
    /// Whether a call may be made.
    Approval {
        /// Which tool.
        tool: String,
        /// Its input, as the model wrote it: JSON for which nobody vouches.
        input: String,
        /// Whether something may be different after it.
        writes: bool,
        /// Whether it may deal with what lies outside the gateway's machine.
        reaches: bool,
    },
    /// Whether a skill may have what it is not granted; what is consented to holds until it is revoked.
    Consent {
        /// Which skill.
        skill: String,
        /// What it asks for.
        items: Vec<Item>,
    },
    /// What a skill wants to know; it reads the answer.
    Answer {
        /// Which skill.
        skill: String,
        /// Its words.
        text: String,
        /// The answers that it takes; any, where there are none.
        choices: Vec<String>,
    },
}

/// Something that a skill asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(in crate::http) struct Item {
    /// What it is, as its manifest writes it.
    pub(super) scope: String,
    /// Why, in its author's words.
    pub(super) reason: String,
}

impl From<Own> for SocketMessage {
    fn from(own: Own) -> Self {
        Self::Own(own)
    }
}

/// The bytes around what a message says.
const AROUND: usize = 256;

impl Piece for SocketMessage {
    fn bytes(&self) -> usize {
        let own = match self {
            Self::Happened { event, .. } => event_bytes(event),
            Self::Own(Own::Answered { text, .. }) => text.len(),
            Self::Own(Own::Question { about, .. }) => match about {
                About::Approval { input, .. } => input.len(),
                About::Consent { items, .. } => {
                    items.iter().map(|item| item.scope.len() + item.reason.len()).sum()
                }
                About::Answer { text, choices, .. } => {
                    text.len() + choices.iter().map(String::len).sum::<usize>()
                }
            },
            Self::Own(Own::Error { error, .. }) => error.message.len(),
            Self::Own(_) => 0,
        };
        own + AROUND
    }

    fn join(&mut self, next: Self) -> Option<Self> {
        match (self, next) {
            (Self::Happened { place, event }, Self::Happened { place: of, event: more }) if *place == of => {
                let event = event.join(more)?;
                Some(Self::Happened { place: of, event })
            }
            (_, next) => Some(next),
        }
    }

    fn is_essential(&self) -> bool {
        match self {
            Self::Happened { event, .. } => event.is_essential(),
            Self::Own(_) => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn place() -> Place {
        Place { agent: "coder".into(), conversation: "c1".into() }
    }

    #[test]
    fn messages_are_flat_objects_with_one_type() {
        let value = |message: SocketMessage| serde_json::to_value(message).unwrap();
        let text = SocketMessage::Happened { place: place(), event: Event::Text { text: "hi".into() } };
        let expected = json!({ "type": "text", "agent": "coder", "conversation": "c1", "text": "hi" });
        assert_eq!(value(text), expected);
        let about = About::Answer { skill: "acme/x".into(), text: "?".into(), choices: Vec::new() };
        let question = Own::Question { place: place(), question: "q1".into(), about };
        let question = value(question.into());
        assert_eq!((&question["type"], &question["kind"]), (&json!("question"), &json!("answer")));
        let error = PublicError { code: "busy".into(), message: "m".into(), hint: None };
        let error = value(Own::Error { place: None, id: None, error }.into());
        assert_eq!(error, json!({ "type": "error", "code": "busy", "message": "m" }));
    }

    #[test]
    fn what_a_client_says_is_read_and_what_means_nothing_is_refused() {
        let read =
            |value: Value| serde_json::from_value::<SocketRequest>(value).map_err(|error| error.to_string());
        assert!(matches!(
            read(json!({ "type": "say", "text": "hi" })),
            Ok(SocketRequest::Say { agent: None, conversation: None, .. })
        ));
        let answer = read(json!({ "type": "answer", "question": "q1", "approval": "once" }));
        assert!(matches!(answer, Ok(SocketRequest::Answer { approval: Some(Approval::Once), .. })));
        for (wrong, why) in [
            (json!({ "type": "say", "text": "hi", "agnt": "x" }), "agnt"),
            (json!({ "type": "shout" }), "shout"),
            (json!({ "type": "answer", "question": "q1", "approval": "always" }), "always"),
            (json!({ "text": "hi" }), "type"),
        ] {
            let error = read(wrong).unwrap_err();
            assert!(error.contains(why), "{error}");
        }
    }

    #[test]
    fn text_of_one_conversation_becomes_one_and_that_of_two_does_not() {
        let text = |conversation: &str| SocketMessage::Happened {
            place: Place { conversation: conversation.into(), ..place() },
            event: Event::Text { text: "a".into() },
        };
        assert_eq!(text("1").join(text("1")), None);
        assert_eq!(text("1").join(text("2")), Some(text("2")));
    }
}
