//! The one HTTP client, and the addresses that it may be asked for: no redirects, no cookies, no proxy, keys to their own origin only.
//!
//! No proxy is taken from the environment: a variable that any script can set would lead every conversation through a stranger.

use std::error::Error as _;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use http::header::{ACCEPT, AUTHORIZATION, HeaderValue, InvalidHeaderValue};
use http::{HeaderName, StatusCode};
use openclaw_runtime::capability::network::{TlsSetupError, tls_connector};
use openclaw_runtime::redact::{Redactor, Values};
use reqwest::Response;
use rustls::{ClientConfig, RootCertStore};
use serde::Serialize;
use url::Url;
use zeroize::Zeroizing;

use super::refusal::{self, Teller};
use crate::model::ModelError;

/// How requests are made.
#[derive(Clone, Debug)]
pub struct HttpOptions {
    /// A PEM file of certificate authorities to trust beside the system's.
    pub ca_file: Option<PathBuf>,
    /// How long a connection may take to open.
    pub connect: Duration,
    /// How long a provider may say nothing; a model that reads a long question says nothing either.
    pub silence: Duration,
    /// How long an answer may take in all.
    pub total: Duration,
}

impl Default for HttpOptions {
    fn default() -> Self {
        Self {
            ca_file: None,
            connect: Duration::from_secs(10),
            silence: Duration::from_secs(300),
            total: Duration::from_secs(1_800),
        }
    }
}

/// Why a provider cannot be used; its owner's to mend.
#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    /// The address is none that can be asked.
    #[error(
        "{0} is no address of a provider: it must be http or https, with a host, and without user, query and fragment"
    )]
    Address(String),
    /// The key cannot stand in a header.
    #[error("the key holds characters that no key has")]
    Key,
}

/// Why nobody can be asked.
#[derive(Debug, thiserror::Error)]
enum ClientError {
    /// TLS cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsSetupError),
    /// The client cannot be made.
    #[error("cannot make an HTTP client: {0}")]
    Client(String),
}

/// What a provider knows its customer by; shown to nobody.
#[derive(Clone)]
pub struct Key(Zeroizing<String>);

impl Key {
    /// A key, without the white space around it.
    ///
    /// # Errors
    /// [`ProviderError::Key`], where it is empty or cannot stand in a header.
    pub fn new(text: &str) -> Result<Self, ProviderError> {
        let text = text.trim();
        if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(ProviderError::Key);
        }
        Ok(Self(Zeroizing::new(text.to_owned())))
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}

/// How a key is shown to whom it belongs to.
#[derive(Clone, Debug)]
pub(super) enum Scheme {
    /// `authorization: Bearer …`
    Bearer,
    /// A header of its own.
    Header(HeaderName),
}

impl Scheme {
    fn header(self, key: &Key) -> Result<(HeaderName, HeaderValue), InvalidHeaderValue> {
        let (name, text) = match self {
            Self::Bearer => (AUTHORIZATION, Zeroizing::new(format!("Bearer {}", *key.0))),
            Self::Header(name) => (name, key.0.clone()),
        };
        let mut value = HeaderValue::from_str(&text)?;
        value.set_sensitive(true);
        Ok((name, value))
    }
}

/// Makes requests for all providers; connections are kept for a while. It is made at the first request, which reads
/// certificates from disk: most programs that have a model never ask it.
#[derive(Clone, Debug)]
pub struct HttpClient(Arc<Lazy>);

#[derive(Debug)]
struct Lazy {
    options: HttpOptions,
    made: OnceLock<Result<Made, String>>,
}

#[derive(Debug)]
struct Made {
    client: reqwest::Client,
    /// Why nothing can be asked over TLS, where that is so.
    untrusting: Option<TlsSetupError>,
}

impl HttpClient {
    /// The one place where a client is made.
    #[must_use]
    pub fn new(options: HttpOptions) -> Self {
        Self(Arc::new(Lazy { options, made: OnceLock::new() }))
    }

    /// The client, for an address.
    ///
    /// # Errors
    /// Why nothing can be asked there, in words.
    fn of(&self, url: &Url) -> Result<&reqwest::Client, String> {
        let made = self.0.made.get_or_init(|| Made::new(&self.0.options).map_err(|error| error.to_string()));
        match made {
            Ok(Made { untrusting: Some(error), .. }) if url.scheme() == "https" => Err(error.to_string()),
            Ok(Made { client, .. }) => Ok(client),
            Err(error) => Err(error.clone()),
        }
    }
}

impl Made {
    fn new(options: &HttpOptions) -> Result<Self, ClientError> {
        let (tls, untrusting) = match tls_connector(options.ca_file.as_deref()) {
            Ok(connector) => (ClientConfig::clone(connector.config()), None),
            Err(error @ TlsSetupError::NoRoots(_)) => (believing_nobody()?, Some(error)),
            Err(error) => return Err(error.into()),
        };
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .user_agent(concat!("openclaw/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(options.connect)
            .read_timeout(options.silence)
            .timeout(options.total)
            .pool_idle_timeout(Duration::from_secs(60))
            // A redirect would be a way to have the conversation sent elsewhere.
            .redirect(reqwest::redirect::Policy::none())
            // Who asks again is decided in one place, and not here.
            .retry(reqwest::retry::never())
            .referer(false)
            .no_proxy()
            .http1_only()
            .build()
            .map_err(|error| ClientError::Client(innermost(&error)))?;
        Ok(Self { client, untrusting })
    }
}

/// TLS that ends at every certificate; for a system that has no authorities.
fn believing_nobody() -> Result<ClientConfig, ClientError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| ClientError::Client(error.to_string()))?;
    Ok(config.with_root_certificates(RootCertStore::empty()).with_no_client_auth())
}

/// Where one provider is asked.
pub(super) struct Endpoint {
    client: HttpClient,
    url: Url,
    key: Option<(Key, Scheme)>,
    teller: Teller,
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint").field("url", &self.url.as_str()).field("key", &self.key).finish()
    }
}

impl Endpoint {
    /// `path` is what comes after the path of `base`.
    pub(super) fn new(
        client: &HttpClient,
        base: &Url,
        path: &str,
        key: Option<(Key, Scheme)>,
    ) -> Result<Self, ProviderError> {
        let is_plain = base.username().is_empty() && base.password().is_none() && base.query().is_none();
        if !matches!(base.scheme(), "http" | "https") || !is_plain || base.fragment().is_some() {
            // What is in front of the host may be a password.
            let shown = format!("{}://{}…", base.scheme(), base.host_str().unwrap_or_default());
            return Err(ProviderError::Address(shown));
        }
        let mut url = base.clone();
        url.set_path(&format!("{}{path}", base.path().trim_end_matches('/')));
        let secret = key.as_ref().map(|(key, _)| key.0.as_bytes());
        let values = Values::new(secret).map_err(|_| ProviderError::Key)?;
        let host = url.host_str().unwrap_or_default();
        let name = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        let teller = Teller::new(name, Redactor::with(Arc::new(values)));
        Ok(Self { client: client.clone(), url, key, teller })
    }

    /// The name of its host.
    pub(super) fn host(&self) -> &str {
        self.url.host_str().unwrap_or_default()
    }

    /// Tells what went wrong there.
    pub(super) fn teller(&self) -> &Teller {
        &self.teller
    }

    /// Sends a question, and comes back with an answer that says it is one.
    pub(super) async fn post(
        &self,
        question: &impl Serialize,
        headers: &[(HeaderName, HeaderValue)],
    ) -> Result<Posted, ModelError> {
        let body = serde_json::to_vec(question);
        let body = body.map_err(|_| ModelError::Rejected("the question has no JSON form".to_owned()))?;
        let question_bytes = body.len();
        let client = self
            .client
            .of(&self.url)
            .map_err(|reason| ModelError::Rejected(format!("{} cannot be asked: {reason}", self.host())))?;
        let mut request = client
            .post(self.url.clone())
            .header(http::header::CONTENT_TYPE, HeaderValue::from_static("application/json"))
            .header(
                ACCEPT,
                HeaderValue::from_static("text/event-stream, application/x-ndjson, application/json"),
            )
            .body(body);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        if let Some((key, scheme)) = &self.key {
            let header = scheme.clone().header(key);
            let (name, value) = header.map_err(|_| self.teller.rejected("its key is no key"))?;
            request = request.header(name, value);
        }
        let response = request.send().await.map_err(|error| self.teller.unreachable(&error))?;
        if response.status() == StatusCode::OK {
            return Ok(Posted { response, question_bytes });
        }
        Err(refusal::read(&self.teller, response).await)
    }
}

/// A question that was taken.
pub(super) struct Posted {
    /// What comes back.
    pub(super) response: Response,
    /// The bytes of the question.
    pub(super) question_bytes: usize,
}

/// The first cause of an error, in words; the outer ones only say that something failed.
pub(super) fn innermost(error: &reqwest::Error) -> String {
    let mut text = None;
    let mut cause = error.source();
    while let Some(source) = cause {
        text = Some(source.to_string());
        cause = source.source();
    }
    // Only the outermost would name the address.
    text.unwrap_or_else(|| "no reason is known".to_owned())
}
