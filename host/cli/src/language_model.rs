//! The owner's language model: any server that answers `POST …/chat/completions` as OpenAI's does.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST, HeaderValue};
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use openclaw_runtime::capability::llm::{LanguageModel, LlmCompletion, LlmError, LlmRequest};
use openclaw_runtime::capability::network::tls_connector;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::rustls::pki_types::ServerName;
use url::{Position, Url};

use crate::config::Provider;

/// Where OpenAI's own models are.
const OPENAI: &str = "https://api.openai.com/v1";
/// Bytes of an answer that are read.
const ANSWER_BYTES: usize = 4 << 20;
/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// A model behind an HTTP interface.
#[derive(Debug)]
pub(crate) struct ChatModel {
    url: Url,
    key: Option<Key>,
    provider: Provider,
    model: String,
    ca_file: Option<PathBuf>,
}

/// What a server knows its customer by; shown to nobody.
struct Key(HeaderValue);

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}

#[derive(Serialize)]
struct Question<'a> {
    model: &'a str,
    messages: Vec<Message<'a>>,
    stream: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u32>,
    /// What OpenAI calls the same by now.
    #[serde(skip_serializing_if = "Option::is_none")]
    max_completion_tokens: Option<u32>,
}

#[derive(Serialize)]
struct Message<'a> {
    role: &'static str,
    content: &'a str,
}

#[derive(Deserialize)]
struct Answer {
    choices: Vec<Choice>,
    usage: Option<Usage>,
}

#[derive(Deserialize)]
struct Choice {
    message: Said,
}

#[derive(Deserialize)]
struct Said {
    content: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Usage {
    prompt_tokens: u64,
    completion_tokens: u64,
}

impl ChatModel {
    /// A provider's model. `secret` is the server's address for `local`, and the key for `openai`.
    ///
    /// # Errors
    /// What is wrong with the secret, without a word of it.
    pub(crate) fn new(
        provider: Provider,
        model: String,
        secret: &str,
        ca_file: Option<PathBuf>,
    ) -> Result<Self, String> {
        let (base, key) = match provider {
            Provider::Local => (secret, None),
            Provider::OpenAi => {
                let header = HeaderValue::try_from(format!("Bearer {secret}"));
                let mut header = header.map_err(|_| "it is no key".to_owned())?;
                header.set_sensitive(true);
                (OPENAI, Some(Key(header)))
            }
        };
        let url = format!("{}/chat/completions", base.trim_end_matches('/'));
        let url = Url::parse(&url).map_err(|error| error.to_string())?;
        let is_plain = url.username().is_empty() && url.password().is_none() && url.query().is_none();
        if !matches!(url.scheme(), "http" | "https") || !is_plain || url.fragment().is_some() {
            return Err("it is no http or https URL without user, query and fragment".to_owned());
        }
        Ok(Self { url, key, provider, model, ca_file })
    }

    fn question(&self, request: &LlmRequest) -> Result<Vec<u8>, String> {
        let system = request.system.as_deref().map(|content| Message { role: "system", content });
        let prompt = Message { role: "user", content: &request.prompt };
        let messages = system.into_iter().chain([prompt]).collect();
        let (max_tokens, max_completion_tokens) = match self.provider {
            Provider::Local => (request.max_tokens, None),
            Provider::OpenAi => (None, request.max_tokens),
        };
        let question =
            Question { model: &self.model, messages, stream: false, max_tokens, max_completion_tokens };
        serde_json::to_vec(&question).map_err(|_| "the question has no JSON form".to_owned())
    }

    async fn ask(&self, request: &LlmRequest) -> Result<LlmCompletion, String> {
        let gone = |_| "the language model cannot be reached".to_owned();
        let body = Full::new(Bytes::from(self.question(request)?));
        let (host, port) = (self.url.host_str(), self.url.port_or_known_default());
        let address = host.zip(port).ok_or("the language model has no address")?;
        let mut post = Request::post(&self.url[Position::BeforePath..])
            .header(HOST, &self.url[Position::BeforeHost..Position::AfterPort])
            .header(CONTENT_TYPE, "application/json")
            .header(ACCEPT, "application/json");
        if let Some(Key(key)) = &self.key {
            post = post.header(AUTHORIZATION, key);
        }
        let post = post.body(body).map_err(|_| "the question cannot be sent".to_owned())?;
        let stream =
            TcpStream::connect((address.0.trim_matches(['[', ']']), address.1)).await.map_err(gone)?;
        if self.url.scheme() == "http" {
            return exchange(stream, post).await;
        }
        let ca_file = self.ca_file.clone();
        let connector = tokio::task::spawn_blocking(move || tls_connector(ca_file.as_deref())).await;
        let connector = connector.ok().and_then(Result::ok).ok_or("outgoing TLS is not available")?;
        let name = ServerName::try_from(address.0.to_owned()).map_err(|error| error.to_string())?;
        exchange(connector.connect(name, stream).await.map_err(gone)?, post).await
    }
}

/// Sends a request on a connection of its own, and reads the answer.
async fn exchange(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    post: Request<Full<Bytes>>,
) -> Result<LlmCompletion, String> {
    let failed = |_| "the language model ended the connection".to_owned();
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(failed)?;
    let answer = async { read(sender.send_request(post).await.map_err(failed)?).await };
    tokio::pin!(answer);
    tokio::select! {
        answer = &mut answer => answer,
        _ = connection => answer.await,
    }
}

async fn read(response: Response<Incoming>) -> Result<LlmCompletion, String> {
    let status = response.status();
    if status != StatusCode::OK {
        return Err(format!("the language model answered with status {}", status.as_u16()));
    }
    let body = Limited::new(response.into_body(), ANSWER_BYTES).collect().await;
    let body = body.map_err(|_| "the language model's answer breaks off or is too long".to_owned())?;
    let misunderstood = || "the language model's answer is not understood".to_owned();
    let Answer { choices, usage } = serde_json::from_slice(&body.to_bytes()).map_err(|_| misunderstood())?;
    let choice = choices.into_iter().next().ok_or_else(misunderstood)?;
    let Usage { prompt_tokens, completion_tokens } = usage.unwrap_or_default();
    let text = choice.message.content.unwrap_or_default();
    Ok(LlmCompletion { text, input_tokens: prompt_tokens, output_tokens: completion_tokens })
}

#[async_trait]
impl LanguageModel for ChatModel {
    async fn complete(&self, request: &LlmRequest) -> Result<LlmCompletion, LlmError> {
        let late = |_| Err("the language model does not answer in time".to_owned());
        let answer = tokio::time::timeout(PATIENCE, self.ask(request)).await.unwrap_or_else(late);
        answer.map_err(LlmError::Unavailable)
    }
}
