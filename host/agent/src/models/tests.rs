//! Models behind fakes of providers that follow a script, in paused time.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use futures::FutureExt as _;
use futures::future::join_all;
use tokio::time::Instant;

use super::*;
use crate::model::{Answer, Deaf, Listener, Message, ModelCall, ModelError, OfferedTool, Question, Stop};
use crate::provider::Features;

mod asked;
mod written;

/// What a fake does next.
#[derive(Clone, Debug)]
enum Act {
    Say(&'static str),
    Answer(Answer),
    Fail(ModelError),
    /// Says something, and breaks off.
    BreakOff(&'static str),
    /// Answers after so long.
    Wait(Duration),
}

/// A provider that follows a script for each of its models, and says the model's name when it is at its end.
#[derive(Debug, Default)]
struct Fake {
    scripts: Mutex<BTreeMap<String, VecDeque<Act>>>,
    asked: Mutex<Vec<(String, Features, Option<u32>)>>,
    under_way: AtomicUsize,
    most_under_way: AtomicUsize,
}

struct UnderWay<'a>(&'a Fake);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, Ordering::SeqCst);
    }
}

#[async_trait]
impl Provider for Fake {
    async fn ask(
        &self,
        model: &str,
        features: Features,
        question: &Question<'_>,
        listener: &dyn Listener,
    ) -> Result<Answer, ModelError> {
        let now = self.under_way.fetch_add(1, Ordering::SeqCst) + 1;
        let _under_way = UnderWay(self);
        self.most_under_way.fetch_max(now, Ordering::SeqCst);
        self.asked.lock().unwrap().push((model.to_owned(), features, question.max_tokens));
        let act = self.scripts.lock().unwrap().get_mut(model).and_then(VecDeque::pop_front);
        let answer = match act {
            None => says(model),
            Some(Act::Say(text)) => says(text),
            Some(Act::Answer(answer)) => answer,
            Some(Act::Fail(error)) => return Err(error),
            Some(Act::BreakOff(text)) => {
                listener.text(text);
                return Err(unavailable());
            }
            Some(Act::Wait(time)) => {
                tokio::time::sleep(time).await;
                says(model)
            }
        };
        listener.text(&answer.text);
        Ok(answer)
    }
}

impl Fake {
    /// The models that were asked since the last look.
    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut *self.asked.lock().unwrap()).into_iter().map(|(model, ..)| model).collect()
    }

    fn script(&self, model: &str, acts: impl IntoIterator<Item = Act>) {
        self.scripts.lock().unwrap().insert(model.to_owned(), acts.into_iter().collect());
    }
}

/// Everything is the same fake; the variables are those that are named.
#[derive(Debug, Default)]
struct World {
    fake: Arc<Fake>,
    variables: BTreeMap<&'static str, &'static str>,
    connected: Mutex<Vec<String>>,
}

impl Surroundings for World {
    fn variable(&self, name: &str) -> Option<Zeroizing<String>> {
        self.variables.get(name).map(|value| Zeroizing::new((*value).to_owned()))
    }

    fn connect(&self, access: Access) -> Result<Arc<dyn Provider>, String> {
        let key = access.key.as_deref().map_or("-", String::as_str);
        self.connected.lock().unwrap().push(format!("{:?} {} {key}", access.format, access.url));
        Ok(Arc::clone(&self.fake) as Arc<dyn Provider>)
    }
}

/// Writes down what it hears.
#[derive(Debug, Default)]
struct Notes(Mutex<Vec<String>>);

impl Listener for Notes {
    fn text(&self, piece: &str) {
        self.0.lock().unwrap().push(piece.to_owned());
    }

    fn restarted(&self) {
        self.0.lock().unwrap().push("(anew)".to_owned());
    }
}

fn parse(text: &str) -> Result<ModelsFile, String> {
    ModelsFile::parse(text, Path::new("models.yaml")).map_err(|error| error.to_string())
}

/// Models at one local provider, each with what is said of it.
fn file(models: &[(&str, &str)], rest: &str) -> String {
    let mut text = "providers: { here: { format: openai, url: 'http://127.0.0.1:1/v1' } }\n".to_owned();
    text.push_str("models:\n");
    for (name, more) in models {
        text.push_str(&format!("  {name}: {{ provider: here, model: {name}, {more} }}\n"));
    }
    text.push_str(rest);
    text
}

fn models(world: &World, models: &[(&str, &str)], rest: &str) -> Models {
    Models::new(&parse(&file(models, rest)).unwrap(), world, None).unwrap()
}

fn says(text: &str) -> Answer {
    Answer { text: text.to_owned(), ..Answer::default() }
}

fn unavailable() -> ModelError {
    ModelError::Unavailable("it is down".to_owned())
}

fn throttled(seconds: Option<u64>) -> ModelError {
    ModelError::Throttled { reason: "slowly".to_owned(), retry_after: seconds.map(Duration::from_secs) }
}

fn rejected() -> ModelError {
    ModelError::Rejected("no".to_owned())
}

fn failing(error: ModelError, times: usize) -> Vec<Act> {
    vec![Act::Fail(error); times]
}

fn said(text: &str) -> Vec<Message> {
    vec![Message::User { text: text.to_owned() }]
}

async fn ask_with(
    models: &Models,
    name: &str,
    text: &str,
    listener: &dyn Listener,
) -> Result<Answer, ModelError> {
    let messages = said(text);
    let question = Question { system: "", messages: &messages, tools: &[], max_tokens: None };
    models.model(name).unwrap().ask(&question, listener).await
}

async fn ask(models: &Models, name: &str) -> Result<Answer, ModelError> {
    ask_with(models, name, "hi", &Deaf).await
}

fn tool() -> Arc<OfferedTool> {
    Arc::new(OfferedTool {
        name: "t".to_owned(),
        description: "d".to_owned(),
        schema: serde_json::json!({"type": "object"}),
    })
}
