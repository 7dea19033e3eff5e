//! What it means that no answer came: by the status, by the code, and by what is said.

use std::time::Duration;

use http::header::{DATE, LOCATION, RETRY_AFTER};
use http::{HeaderMap, StatusCode};
use jiff::Timestamp;
use jiff::fmt::rfc2822;
use openclaw_package::text::hides;
use openclaw_runtime::redact::Redactor;
use reqwest::Response;
use serde_json::Value;

use super::body;
use super::http::innermost;
use crate::model::ModelError;

/// Characters that are told of what a provider says.
const TOLD: usize = 300;
/// Bytes that are read of an error.
const ERROR_BYTES: usize = 64 << 10;
/// The longest pause that is told.
const LONGEST_PAUSE: Duration = Duration::from_secs(24 * 60 * 60);

/// Tells what went wrong at one provider: on a line, bounded, without its key.
pub(super) struct Teller {
    name: String,
    redactor: Redactor,
}

impl Teller {
    pub(super) fn new(name: String, redactor: Redactor) -> Self {
        Self { name, redactor }
    }

    /// A stranger's words, fit to be read.
    fn fit(&self, words: &str) -> String {
        let mut fit = String::new();
        for (count, character) in self.redactor.redact(words).chars().enumerate() {
            if count == TOLD {
                fit.push('…');
                break;
            }
            match character {
                _ if !hides(character) => fit.push(character),
                '\n' | '\r' | '\t' => fit.push(' '),
                _ => fit.extend(character.escape_unicode()),
            }
        }
        // An escape has several characters.
        if let Some((end, _)) = fit.char_indices().nth(TOLD + 1) {
            fit.truncate(end);
        }
        fit
    }

    fn say(&self, words: &str) -> String {
        format!("{} {}", self.name, self.fit(words))
    }

    /// It cannot be reached, failed or broke off.
    pub(super) fn unavailable(&self, words: &str) -> ModelError {
        ModelError::Unavailable(self.say(words))
    }

    /// What it said is not understood.
    pub(super) fn malformed(&self, words: &str) -> ModelError {
        ModelError::Malformed(self.say(words))
    }

    /// It is no use to ask again.
    pub(super) fn rejected(&self, words: &str) -> ModelError {
        ModelError::Rejected(self.say(words))
    }

    /// An error of the connection.
    pub(super) fn unreachable(&self, error: &reqwest::Error) -> ModelError {
        if error.is_timeout() {
            return self.unavailable("does not answer in time");
        }
        let what = if error.is_connect() { "cannot be reached" } else { "broke off" };
        self.unavailable(&format!("{what}: {}", innermost(error)))
    }

    /// An error that came in the place of an answer, or in the middle of one.
    pub(super) fn said(&self, error: &Value) -> ModelError {
        let complaint = Complaint::of(error);
        self.judge(complaint.status, &complaint, None)
    }

    fn judge(&self, status: Option<u16>, complaint: &Complaint, pause: Option<Duration>) -> ModelError {
        let status_words = status.map_or_else(String::new, |status| format!(" with status {status}"));
        let words = self.say(&format!("answers{status_words}: {}", complaint.words()));
        match status {
            Some(401..=404) => ModelError::Rejected(words),
            _ if complaint.is_out_of_money() => ModelError::Rejected(words),
            Some(429) => ModelError::Throttled { reason: words, retry_after: pause },
            _ if complaint.is_too_long(status) => ModelError::TooLong(words),
            Some(408 | 409 | 425 | 500..) => match pause {
                Some(_) => ModelError::Throttled { reason: words, retry_after: pause },
                None => ModelError::Unavailable(words),
            },
            Some(_) => ModelError::Rejected(words),
            None if complaint.is_throttle() => ModelError::Throttled { reason: words, retry_after: pause },
            None if complaint.is_final() => ModelError::Rejected(words),
            None => ModelError::Unavailable(words),
        }
    }
}

/// What a provider says is wrong.
#[derive(Debug, Default)]
struct Complaint {
    /// Codes and types, in lower case.
    codes: Vec<String>,
    message: String,
    /// A status that is only said in words.
    status: Option<u16>,
}

impl Complaint {
    /// Reads `{"error": {"message", "type", "code"}}`, `{"error": "…"}`, `{"message": "…"}`, `{"detail": "…"}`, or what is in them.
    fn of(said: &Value) -> Self {
        let error = match said.get("error") {
            Some(error) if !error.is_null() => error,
            _ => said,
        };
        if let Value::String(message) = error {
            return Self { message: message.clone(), ..Self::default() };
        }
        let field = |name: &str| error.get(name).filter(|value| !value.is_null());
        let message = match ["message", "detail", "msg"].iter().find_map(|name| field(name)) {
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
            None => String::new(),
        };
        let words = ["type", "code", "status"].iter().filter_map(|name| field(name)?.as_str());
        let number = field("code").or_else(|| field("status")).and_then(Value::as_u64);
        let status =
            number.and_then(|code| u16::try_from(code).ok()).filter(|code| (400..600).contains(code));
        Self { codes: words.map(str::to_ascii_lowercase).collect(), message, status }
    }

    fn words(&self) -> &str {
        let code = self.codes.first().map_or("it gives no reason", String::as_str);
        if self.message.trim().is_empty() { code } else { self.message.trim() }
    }

    fn has_code(&self, codes: &[&str]) -> bool {
        self.codes.iter().any(|code| codes.contains(&code.as_str()))
    }

    fn is_too_long(&self, status: Option<u16>) -> bool {
        const CODES: [&str; 5] = [
            "context_length_exceeded",
            "exceed_context_size_error",
            "request_too_large",
            "context_window_exceeded",
            "model_context_window_exceeded",
        ];
        const WORDS: [&str; 8] = [
            "prompt is too long",
            "input is too long",
            "maximum context length",
            "context length exceeded",
            "exceeds the context",
            "exceeds the available context",
            "exceed context limit",
            "reduce the length of",
        ];
        let message = self.message.to_lowercase();
        status == Some(413) || self.has_code(&CODES) || WORDS.iter().any(|words| message.contains(words))
    }

    /// A quota that no pause will fill.
    fn is_out_of_money(&self) -> bool {
        self.has_code(&["insufficient_quota", "billing_error", "exceeded_current_quota_error"])
    }

    fn is_throttle(&self) -> bool {
        self.has_code(&["rate_limit_error", "rate_limit_exceeded", "rate_limit_reached_error"])
    }

    /// What is wrong with the question or with us.
    fn is_final(&self) -> bool {
        self.has_code(&[
            "invalid_request_error",
            "authentication_error",
            "permission_error",
            "not_found_error",
            "content_filter",
        ])
    }
}

/// Reads what was answered in the place of an answer.
pub(super) async fn read(teller: &Teller, response: Response) -> ModelError {
    let (status, headers) = (response.status(), response.headers().clone());
    if status.is_redirection() {
        let to = headers.get(LOCATION).and_then(|to| to.to_str().ok()).unwrap_or("nowhere");
        return teller.rejected(&format!("redirects to {to}, which is not followed"));
    }
    if status.is_success() || status.is_informational() {
        return teller.malformed(&format!("answers with status {}", status.as_u16()));
    }
    let text = body::begin_of(response, ERROR_BYTES).await;
    let mut complaint = match serde_json::from_slice(&text) {
        Ok(said) => Complaint::of(&said),
        Err(_) => Complaint { message: String::from_utf8_lossy(&text).into_owned(), ..Complaint::default() },
    };
    if complaint.message.trim().is_empty() && complaint.codes.is_empty() {
        reason(status).clone_into(&mut complaint.message);
    }
    teller.judge(Some(status.as_u16()), &complaint, pause(&headers))
}

fn reason(status: StatusCode) -> &'static str {
    status.canonical_reason().unwrap_or("it gives no reason")
}

/// How long a provider asks to wait: `retry-after-ms`, or `Retry-After` in seconds or as a date.
fn pause(headers: &HeaderMap) -> Option<Duration> {
    let text = |name: &str| Some(headers.get(name)?.to_str().ok()?.trim());
    let number = |text: &str, unit: f64| {
        let seconds = text.parse::<f64>().ok()? / unit;
        if seconds.is_nan() || seconds < 0.0 {
            return None;
        }
        Some(Duration::try_from_secs_f64(seconds).unwrap_or(LONGEST_PAUSE))
    };
    let exact = text("retry-after-ms").and_then(|milliseconds| number(milliseconds, 1_000.0));
    let until = || {
        let moment = |text: &str| Some(rfc2822::parse(text).ok()?.timestamp());
        // By the provider's own clock, where it shows it: clocks differ.
        let now = text(DATE.as_str()).and_then(moment).unwrap_or_else(Timestamp::now);
        let wait = moment(text(RETRY_AFTER.as_str())?)?.duration_since(now);
        Some(Duration::try_from(wait).unwrap_or_default())
    };
    let told = || number(text(RETRY_AFTER.as_str())?, 1.0);
    exact.or_else(told).or_else(until).map(|pause| pause.min(LONGEST_PAUSE))
}
