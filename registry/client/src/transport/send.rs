//! Requests: with the token where it belongs, redirects within the registry only, and patience with an outage.

use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CACHE_CONTROL, ETAG, IF_NONE_MATCH, LOCATION, RETRY_AFTER};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use openclaw_package::registry::api::ErrorBody;
use reqwest::{RequestBuilder, Response};
use serde::de::DeserializeOwned;
use url::Url;

use super::body::{self, innermost};
use super::options::ClientOptions;
use super::{HttpError, Kind, tls};
use crate::text::shown;
use crate::token::Token;
use crate::url::RegistryUrl;

/// How many redirects are followed.
const MAX_REDIRECTS: usize = 5;

/// A connection to one registry.
#[derive(Debug, Clone)]
pub(crate) struct Http {
    client: reqwest::Client,
    /// The same without a limit on how long the registry may be silent: it is, while it is sent an archive.
    patient: reqwest::Client,
    base: RegistryUrl,
    token: Option<Token>,
    options: ClientOptions,
}

/// An answer to a GET.
#[derive(Debug)]
pub(crate) enum Reply {
    /// The document, and the tag of its state.
    Document { bytes: Bytes, etag: Option<String> },
    /// What was fetched before is still so.
    NotModified,
}

/// Headers of one request.
pub(crate) type Headers = Vec<(HeaderName, HeaderValue)>;

impl Http {
    /// The one place where a client is made.
    pub(crate) fn new(
        base: RegistryUrl,
        token: Option<Token>,
        options: ClientOptions,
    ) -> Result<Self, HttpError> {
        let encrypted = base.is_encrypted();
        let tls = tls::config(options.ca_file.as_deref(), encrypted)?;
        let build = |builder: reqwest::ClientBuilder| {
            builder.build().map_err(|error| HttpError::Setup(innermost(&error)))
        };
        let patient = build(builder(&options, tls.clone(), encrypted))?;
        let client = build(builder(&options, tls, encrypted).read_timeout(options.timeouts.idle))?;
        Ok(Self { client, patient, base, token, options })
    }

    /// The same connection, over which the token is sent from here on.
    pub(crate) fn with_token(self, token: Token) -> Self {
        Self { token: Some(token), ..self }
    }

    pub(crate) fn options(&self) -> &ClientOptions {
        &self.options
    }

    pub(crate) fn has_token(&self) -> bool {
        self.token.is_some()
    }

    /// A document, as bytes. `fresh` asks caches on the way not to answer.
    pub(crate) async fn bytes(&self, kind: Kind, path: &str, fresh: bool) -> Result<Bytes, HttpError> {
        match self.get(kind, path, None, fresh).await? {
            Reply::Document { bytes, .. } => Ok(bytes),
            Reply::NotModified => Err(HttpError::malformed(kind.name, "not modified, though nobody asked")),
        }
    }

    /// A document of text.
    pub(crate) async fn text(&self, kind: Kind, path: &str, fresh: bool) -> Result<String, HttpError> {
        let bytes = self.bytes(kind, path, fresh).await?;
        String::from_utf8(bytes.into()).map_err(|_| HttpError::malformed(kind.name, "it is not UTF-8"))
    }

    /// A document of JSON.
    pub(crate) async fn json<T: DeserializeOwned>(&self, kind: Kind, path: &str) -> Result<T, HttpError> {
        let bytes = self.bytes(kind, path, false).await?;
        serde_json::from_slice(&bytes).map_err(|error| HttpError::malformed(kind.name, error))
    }

    /// A document, unless it still has that tag. `fresh` as for [`Http::bytes`].
    pub(crate) async fn get(
        &self,
        kind: Kind,
        path: &str,
        etag: Option<&str>,
        fresh: bool,
    ) -> Result<Reply, HttpError> {
        let mut headers = Headers::new();
        if let Some(tag) = etag.and_then(|tag| HeaderValue::from_str(tag).ok()) {
            headers.push((IF_NONE_MATCH, tag));
        }
        if fresh {
            headers.push((CACHE_CONTROL, HeaderValue::from_static("no-cache")));
        }
        let response = self.open(kind, path, &headers).await?;
        match response.status() {
            StatusCode::NOT_MODIFIED if etag.is_some() => Ok(Reply::NotModified),
            StatusCode::OK => {
                body::check_type(kind, response.headers())?;
                let etag = response.headers().get(ETAG).and_then(|tag| tag.to_str().ok()).map(str::to_owned);
                let bytes = body::read(kind, response, kind.max, self.options.timeouts).await?;
                Ok(Reply::Document { bytes, etag })
            }
            _ => Err(self.refusal(response).await),
        }
    }

    /// Sends something that changes the registry, once, and reads the answer.
    pub(crate) async fn send<T: DeserializeOwned>(
        &self,
        kind: Kind,
        method: Method,
        path: &str,
        fill: impl FnOnce(RequestBuilder) -> RequestBuilder,
    ) -> Result<T, HttpError> {
        let url = self.base.join(path)?;
        let request = fill(self.request(kind, method, &url, &Headers::new()));
        let response = request.send().await.map_err(|error| self.failed(kind, error))?;
        if response.status().is_redirection() {
            let to = location(&response).map_or_else(String::new, |to| shown(&to));
            return Err(HttpError::Redirect { what: kind.name, to });
        }
        if !response.status().is_success() {
            return Err(self.refusal(response).await);
        }
        body::check_type(kind, response.headers())?;
        let bytes = body::read(kind, response, kind.max, self.options.timeouts).await?;
        serde_json::from_slice(&bytes).map_err(|error| HttpError::malformed(kind.name, error))
    }

    /// Opens a GET, with redirects followed and outages waited for. The status may be anything but those.
    pub(crate) async fn open(
        &self,
        kind: Kind,
        path: &str,
        headers: &Headers,
    ) -> Result<Response, HttpError> {
        let mut wait = self.options.backoff;
        for left in (0..=self.options.retries).rev() {
            let (error, asked) = match self.follow(kind, path, headers).await {
                Ok(response) if is_busy(response.status()) => {
                    let asked = retry_after(response.headers());
                    (self.refusal(response).await, asked)
                }
                Ok(response) => return Ok(response),
                // Nothing of an answer had come yet, and to ask again changes nothing.
                Err(error @ (HttpError::Unreachable { .. } | HttpError::Truncated { .. })) => (error, None),
                Err(error) => return Err(error),
            };
            let pause = asked.unwrap_or(wait);
            if left == 0 || pause > self.options.longest_wait {
                return Err(error);
            }
            tokio::time::sleep(pause).await;
            wait = wait.saturating_mul(2).min(self.options.longest_wait);
        }
        Err(HttpError::Timeout { what: kind.name })
    }

    async fn follow(&self, kind: Kind, path: &str, headers: &Headers) -> Result<Response, HttpError> {
        let mut url = self.base.join(path)?;
        for _ in 0..=MAX_REDIRECTS {
            let request = self.request(kind, Method::GET, &url, headers);
            let response = request.send().await.map_err(|error| self.failed(kind, error))?;
            let redirects = matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308);
            let Some(to) = location(&response).filter(|_| redirects) else { return Ok(response) };
            let refused = || HttpError::Redirect { what: kind.name, to: shown(&to) };
            let next = url.join(&to).map_err(|_| refused())?;
            let named = !next.username().is_empty() || next.password().is_some();
            if next.origin() != url.origin() || named {
                return Err(refused());
            }
            url = next;
        }
        Err(HttpError::RedirectLoop { what: kind.name })
    }

    fn request(&self, kind: Kind, method: Method, url: &Url, headers: &Headers) -> RequestBuilder {
        let timeouts = &self.options.timeouts;
        let total = if kind.large { timeouts.archive } else { timeouts.document };
        let client = if method == Method::GET { &self.client } else { &self.patient };
        let mut request = client.request(method, url.clone()).timeout(total);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        if let Some(accepted) = kind.types.first() {
            request = request.header(ACCEPT, HeaderValue::from_static(accepted));
        }
        let token = self.token.as_ref().filter(|_| kind.authorized && self.base.covers(url));
        match token.and_then(Token::header) {
            Some(value) => request.header(AUTHORIZATION, value),
            None => request,
        }
    }

    /// What an error before the body means.
    fn failed(&self, kind: Kind, error: reqwest::Error) -> HttpError {
        if error.is_connect() {
            let detail = match innermost(&error) {
                // What answers in plain text is no TLS record of any type.
                detail if detail.contains("InvalidContentType") => "it does not speak TLS".to_owned(),
                detail => detail,
            };
            return HttpError::Unreachable { url: self.base.to_string(), detail };
        }
        if error.is_timeout() {
            return HttpError::Timeout { what: kind.name };
        }
        HttpError::Truncated { what: kind.name, detail: innermost(&error) }
    }

    /// What the registry says of a status that is not the one that was hoped for.
    pub(crate) async fn refusal(&self, response: Response) -> HttpError {
        let status = response.status();
        let kind = Kind::REFUSAL;
        let readable = body::check_type(kind, response.headers()).is_ok();
        let body = match readable {
            true => body::read(kind, response, kind.max, self.options.timeouts).await.ok(),
            false => None,
        };
        let error = body.and_then(|bytes| serde_json::from_slice::<ErrorBody>(&bytes).ok());
        let (code, message, hint) = match error {
            Some(ErrorBody { error }) => {
                (shown(&error.code), shown(&error.message), error.hint.as_deref().map(shown))
            }
            None => (String::new(), status.canonical_reason().unwrap_or("no reason given").to_owned(), None),
        };
        let registry = self.base.to_string();
        HttpError::Refused { registry, status: status.as_u16(), code, message, hint }
    }
}

/// How every client is made.
fn builder(options: &ClientOptions, tls: rustls::ClientConfig, encrypted: bool) -> reqwest::ClientBuilder {
    let builder = reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .user_agent(concat!("openclaw/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(options.timeouts.connect)
        // Redirects are followed here, where it is known who may see the token.
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .http1_only();
    // A proxy sees what is not encrypted, the token too.
    if options.environment_proxy && encrypted { builder } else { builder.no_proxy() }
}

fn location(response: &Response) -> Option<String> {
    response.headers().get(LOCATION)?.to_str().ok().map(str::to_owned)
}

fn is_busy(status: StatusCode) -> bool {
    status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS
}

/// How long the registry asks to wait; only in seconds, since clocks differ.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok().map(Duration::from_secs)
}
