//! The values that the calls of a skill may use: read once, put into requests, and cut out of what comes back.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, IF_RANGE, RANGE, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderName, HeaderValue};
use openclaw_package::name::{SecretName, SkillId};
use openclaw_package::permission::{SecretPlace, SecretRequest};
use serde_json::Value;
use wasmtime_wasi_http::Error;

use super::{Denial, Reason, SecretGrants, denial};
use crate::bindings::exports::openclaw::skill::tools::ToolError;
use crate::capability::shown;
use crate::dispatch::Report;
use crate::execute::Outcome;
use crate::redact::{Stream, Values};
use crate::sandbox::Fault;
use crate::secrets::{SecretStore, SecretValue};

/// How long it is remembered that a value could not be read: a keyring that does not answer costs time each time.
const FAILURE: Duration = Duration::from_secs(10);

/// The values that the calls of one skill may use.
#[derive(Default)]
pub(crate) struct SecretValues {
    /// The command that sets a secret; it lacks the name. None for a skill in development, which is given no secrets.
    command: Option<String>,
    values: BTreeMap<SecretName, SecretValue>,
    cut: Option<Arc<Values>>,
}

impl fmt::Debug for SecretValues {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.values.keys()).finish()
    }
}

impl SecretValues {
    /// Some values of a skill.
    pub(crate) fn new(skill: &SkillId, values: BTreeMap<SecretName, SecretValue>) -> Self {
        let command = Some(format!("openclaw secret set {skill}"));
        match Values::new(values.values().map(|value| value.expose().as_bytes())) {
            Ok(cut) => Self { command, values, cut: (!cut.is_empty()).then(|| Arc::new(cut)) },
            // What could not be kept out of results is not given out.
            Err(error) => {
                tracing::error!("the secrets of {skill} are not used: {error}");
                Self { command, ..Self::default() }
            }
        }
    }

    /// What cuts them out of texts; none where there is nothing to cut.
    pub(crate) fn cut(&self) -> Option<&Arc<Values>> {
        self.cut.as_ref()
    }

    /// The values of the secrets that a request carries.
    pub(crate) fn of(self: &Arc<Self>, due: &[&SecretRequest]) -> Result<Carried, Denial> {
        for request in due {
            if !self.values.contains_key(&request.name) {
                let denial = denial(request, Reason::NoValue);
                return Err(match &self.command {
                    Some(command) => denial.with_hint(format!("{command} {}", request.name)),
                    None => denial,
                });
            }
        }
        let places = due.iter().map(|request| (request.name.clone(), request.place.clone())).collect();
        Ok(Carried { values: Arc::clone(self), places })
    }

    /// Cuts the values out of all that a call left: its result, its errors, its log and its denials.
    pub(crate) fn cut_outcome(&self, outcome: Outcome) -> Outcome {
        let Some(values) = &self.cut else { return outcome };
        let Outcome { answer, report, bytes, requests } = outcome;
        let text = |text: String| cut_text(values, text);
        let answer = match answer {
            Ok(Ok(result)) => Ok(Ok(cut_json(values, result))),
            Ok(Err(ToolError::InvalidInput(reason))) => Ok(Err(ToolError::InvalidInput(text(reason)))),
            Ok(Err(ToolError::Denied(reason))) => Ok(Err(ToolError::Denied(text(reason)))),
            Ok(Err(ToolError::Failed(reason))) => Ok(Err(ToolError::Failed(text(reason)))),
            Ok(Err(ToolError::UnknownTool)) => Ok(Err(ToolError::UnknownTool)),
            Err(Fault::Trap(reason)) => Err(Fault::Trap(text(reason))),
            Err(Fault::Host(reason)) => Err(Fault::Host(text(reason))),
            Err(Fault::Worker(reason)) => Err(Fault::Worker(text(reason))),
            Err(fault) => Err(fault),
        };
        Outcome { answer, report: cut_report(values, report), bytes, requests }
    }
}

fn cut_report(values: &Values, mut report: Report) -> Report {
    let cut = |text: &mut String| {
        if let Cow::Owned(cut) = values.redact(text) {
            *text = cut;
        }
    };
    report.log.iter_mut().for_each(|line| cut(&mut line.message));
    report.denials.iter_mut().for_each(|denial| cut(&mut denial.target));
    for program in &mut report.programs {
        cut(&mut program.command);
        program.held_back.iter_mut().for_each(cut);
    }
    report
}

fn cut_text(values: &Values, text: String) -> String {
    match values.redact(&text) {
        Cow::Owned(cut) => cut,
        Cow::Borrowed(_) => text,
    }
}

/// A result without the values, which is still JSON: what is cut may be all digits, or have a quote in it.
fn cut_json(values: &Values, text: String) -> String {
    let cut = match values.redact(&text) {
        Cow::Borrowed(_) => return text,
        Cow::Owned(cut) => cut,
    };
    let Ok(parsed) = serde_json::from_str::<Value>(&text) else { return cut };
    cut_text(values, cut_value(values, parsed).to_string())
}

fn cut_value(values: &Values, value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(cut_text(values, text)),
        Value::Array(items) => items.into_iter().map(|item| cut_value(values, item)).collect(),
        Value::Object(fields) => {
            fields.into_iter().map(|(key, value)| (cut_text(values, key), cut_value(values, value))).collect()
        }
        Value::Number(number) => {
            let text = number.to_string();
            match values.redact(&text) {
                Cow::Owned(cut) => Value::String(cut),
                Cow::Borrowed(_) => Value::Number(number),
            }
        }
        value => value,
    }
}

/// The secrets that one request carries.
#[derive(Debug)]
pub(crate) struct Carried {
    values: Arc<SecretValues>,
    places: Vec<(SecretName, SecretPlace)>,
}

impl Carried {
    /// None at all.
    pub(crate) fn nothing() -> Self {
        Self { values: Arc::default(), places: Vec::new() }
    }

    /// Whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// What cuts the values out of a response; none where the request carries none.
    pub(crate) fn cut(&self) -> Option<&Arc<Values>> {
        if self.places.is_empty() { None } else { self.values.cut() }
    }

    /// Puts the values into a request's path and query, and its header fields.
    pub(crate) fn put(&self, target: &mut String, headers: &mut HeaderMap) -> Result<(), Error> {
        for (name, place) in &self.places {
            let value = self.values.values.get(name).ok_or(Error::HttpRequestDenied)?.expose();
            match place {
                SecretPlace::Header { name, prefix } => {
                    let name: HeaderName = name.parse().map_err(|_| Error::HttpRequestDenied)?;
                    let mut value = HeaderValue::try_from(format!("{prefix}{value}"))
                        .map_err(|_| Error::HttpRequestDenied)?;
                    value.set_sensitive(true);
                    headers.insert(name, value);
                }
                SecretPlace::Query { name } => {
                    target.push(if target.contains('?') { '&' } else { '?' });
                    target.push_str(name);
                    target.push('=');
                    target.extend(url::form_urlencoded::byte_serialize(value.as_bytes()));
                }
            }
        }
        if self.cut().is_some() {
            // What comes back has to be read to be cut: whole, and as it is.
            headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
            headers.remove(RANGE);
            headers.remove(IF_RANGE);
        }
        Ok(())
    }
}

/// Refuses a response in which the values could not be found, and cuts them out of its header fields.
pub(crate) fn cut_head(values: &Values, headers: &mut HeaderMap) -> Result<(), Error> {
    if let Some(coding) = coding(headers, &CONTENT_ENCODING, "identity") {
        return Err(Error::HttpResponseContentCoding(coding));
    }
    if let Some(coding) = coding(headers, &TRANSFER_ENCODING, "chunked") {
        return Err(Error::HttpResponseTransferCoding(coding));
    }
    cut_fields(values, headers);
    // What is cut has another length.
    headers.remove(http::header::CONTENT_LENGTH);
    Ok(())
}

/// The coding of a message, if it is not the one that can be read; its name, if it is a known one.
fn coding(headers: &HeaderMap, field: &HeaderName, readable: &str) -> Option<Option<String>> {
    const KNOWN: [&str; 6] = ["gzip", "x-gzip", "deflate", "compress", "br", "zstd"];
    let codings =
        headers.get_all(field).iter().flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    let mut others = codings
        .map(<[u8]>::trim_ascii)
        .filter(|coding| !coding.is_empty() && !coding.eq_ignore_ascii_case(readable.as_bytes()));
    let coding = String::from_utf8_lossy(others.next()?).to_ascii_lowercase();
    Some(KNOWN.contains(&coding.as_str()).then_some(coding))
}

/// Cuts the values out of header fields or trailers; a field that is named so that it holds one goes.
pub(crate) fn cut_fields(values: &Values, headers: &mut HeaderMap) {
    let named: Vec<_> = headers.keys().filter(|name| is_found(values, name.as_str())).cloned().collect();
    for name in named {
        headers.remove(name);
    }
    for value in headers.values_mut() {
        if let Cow::Owned(cut) = values.redact_bytes(value.as_bytes()) {
            *value = HeaderValue::from_bytes(&cut).unwrap_or(HeaderValue::from_static("[redacted:secret]"));
        }
    }
}

fn is_found(values: &Values, text: &str) -> bool {
    matches!(values.redact(text), Cow::Owned(_))
}

/// What cuts the values out of a body, piece by piece.
pub(crate) fn stream(values: &Arc<Values>) -> Stream {
    values.stream()
}

/// A text as it is shown, with the values cut out of it before it is escaped and after.
pub(crate) fn cut_shown(values: &Values, text: &str) -> String {
    let cut: String = values.redact(text).chars().flat_map(shown).collect();
    values.redact(&cut).into_owned()
}

/// The values of all skills that were called since the last snapshot, read once for each.
#[derive(Debug)]
pub(crate) struct SecretCache {
    store: Arc<dyn SecretStore>,
    none: Arc<SecretValues>,
    read: Mutex<Read>,
}

#[derive(Debug, Default)]
struct Read {
    /// Counts the changes, so that what was read before one is not taken for what is there after it.
    changes: u64,
    skills: HashMap<SkillId, Kept>,
}

#[derive(Debug)]
struct Kept {
    names: Vec<SecretName>,
    values: Arc<SecretValues>,
    /// When to try again, where a value could not be read.
    until: Option<Instant>,
}

impl SecretCache {
    /// The values that a store has.
    pub(crate) fn new(store: Arc<dyn SecretStore>) -> Self {
        Self { store, none: Arc::default(), read: Mutex::default() }
    }

    /// Forgets what was read, for it may have changed.
    pub(crate) fn forget(&self) {
        let mut read = self.lock();
        read.changes += 1;
        read.skills.clear();
    }

    /// The values that a skill's calls may use.
    pub(crate) async fn of(&self, skill: &SkillId, grants: &SecretGrants) -> Arc<SecretValues> {
        if !grants.is_asking() {
            return Arc::clone(&self.none);
        }
        let names = grants.granted();
        let changes = {
            let read = self.lock();
            let is_fresh =
                |kept: &&Kept| kept.names == names && kept.until.is_none_or(|until| Instant::now() < until);
            if let Some(kept) = read.skills.get(skill).filter(is_fresh) {
                return Arc::clone(&kept.values);
            }
            read.changes
        };
        let (store, theirs, wanted) = (Arc::clone(&self.store), skill.clone(), names.clone());
        // What is to be found of the values is put together there as well: there may be much of it.
        let reading = tokio::task::spawn_blocking(move || {
            let (values, is_whole) = read_all(&*store, &theirs, &wanted);
            (SecretValues::new(&theirs, values), is_whole)
        });
        let (values, is_whole) =
            reading.await.unwrap_or_else(|_| (SecretValues::new(skill, BTreeMap::new()), false));
        let values = Arc::new(values);
        let mut read = self.lock();
        if read.changes == changes {
            let until = (!is_whole).then(|| Instant::now() + FAILURE);
            read.skills.insert(skill.clone(), Kept { names, values: Arc::clone(&values), until });
        }
        values
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Read> {
        self.read.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The values that can be read, and whether none of them failed.
fn read_all(
    store: &dyn SecretStore,
    skill: &SkillId,
    names: &[SecretName],
) -> (BTreeMap<SecretName, SecretValue>, bool) {
    let (mut values, mut is_whole) = (BTreeMap::new(), true);
    for name in names {
        match store.get(skill, name) {
            Ok(value) => values.extend(value.map(|value| (name.clone(), value))),
            Err(error) => {
                is_whole = false;
                tracing::error!("the secret {name} of {skill} cannot be read: {error}; {}", error.hint());
            }
        }
    }
    (values, is_whole)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::secrets::SecretError;

    /// A store that counts how often it is asked.
    #[derive(Debug, Default)]
    struct Counting {
        asked: AtomicUsize,
        fails: std::sync::atomic::AtomicBool,
    }

    impl SecretStore for Counting {
        fn get(&self, skill: &SkillId, name: &SecretName) -> Result<Option<SecretValue>, SecretError> {
            let asked = self.asked.fetch_add(1, Ordering::SeqCst);
            if self.fails.load(Ordering::SeqCst) {
                return Err(SecretError::Keyring("it is locked".to_owned()));
            }
            Ok(SecretValue::try_from(format!("value-{asked}-of-{skill}-{name}")).ok())
        }
    }

    fn values(texts: &[(&str, &str)]) -> Arc<SecretValues> {
        let value = |(name, text): &(&str, &str)| {
            (name.parse().unwrap(), SecretValue::try_from((*text).to_owned()).unwrap())
        };
        Arc::new(SecretValues::new(&"acme/x".parse().unwrap(), texts.iter().map(value).collect()))
    }

    fn grants() -> SecretGrants {
        let request = SecretRequest {
            name: "token".parse().unwrap(),
            host: "api.example".parse().unwrap(),
            place: SecretPlace::query("key").unwrap(),
            reason: "tests".parse().unwrap(),
        };
        SecretGrants::new("acme/x", vec![request], vec!["token api.example".parse().unwrap()], Vec::new())
    }

    #[tokio::test]
    async fn a_value_is_read_once_until_it_may_have_changed() {
        let store = Arc::new(Counting::default());
        let cache = SecretCache::new(Arc::<Counting>::clone(&store));
        let skill: SkillId = "acme/x".parse().unwrap();
        for _ in 0..3 {
            let values = cache.of(&skill, &grants()).await;
            assert_eq!(values.values.values().next().unwrap().expose(), "value-0-of-acme/x-token");
        }
        cache.forget();
        let values = cache.of(&skill, &grants()).await;
        assert_eq!(values.values.values().next().unwrap().expose(), "value-1-of-acme/x-token");
        assert!(cache.of(&skill, &SecretGrants::default()).await.cut().is_none());
        assert_eq!(store.asked.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn a_keyring_that_fails_is_not_asked_at_each_call() {
        let store = Arc::new(Counting::default());
        store.fails.store(true, Ordering::SeqCst);
        let cache = SecretCache::new(Arc::<Counting>::clone(&store));
        let skill: SkillId = "acme/x".parse().unwrap();
        for _ in 0..3 {
            let values = cache.of(&skill, &grants()).await;
            let url = "https://api.example/".parse().unwrap();
            let headers = HeaderMap::new();
            let denied = values.of(&grants().due(&url, &headers).unwrap()).unwrap_err();
            assert_eq!(denied.reason, Reason::NoValue);
            assert_eq!(denied.hint.as_deref(), Some("openclaw secret set acme/x token"));
        }
        assert_eq!(store.asked.load(Ordering::SeqCst), 1);
    }

    #[test]
    fn a_result_stays_json_when_a_value_is_cut_out_of_it() {
        let values = values(&[("a", "12345678"), ("b", r#"quo"te\sla/sh"#)]);
        let cut = values.cut().unwrap();
        let told = serde_json::json!({
            "number": 12_345_678, "12345678": ["x12345678y"], "nested": { "b": r#"a quo"te\sla/sh b"# },
            "base64": "MTIzNDU2Nzg=", "kept": "1234567",
        });
        let text = cut_json(cut, told.to_string());
        let parsed: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(parsed["number"], "[redacted:secret]");
        assert_eq!(parsed["[redacted:secret]"][0], "x[redacted:secret]y");
        assert_eq!(
            (&parsed["nested"]["b"], &parsed["kept"]),
            (&"a [redacted:secret] b".into(), &"1234567".into())
        );
        assert!(
            !text.contains("12345678") && !text.contains("MTIzNDU2Nzg") && !text.contains("sla"),
            "{text}"
        );
        assert_eq!(cut_json(cut, r#"{"a": 1}"#.to_owned()), r#"{"a": 1}"#);
    }

    #[test]
    fn a_response_that_cannot_be_read_is_refused_and_a_field_loses_the_value() {
        let values = values(&[("a", "s3cr3t-value")]);
        let cut = values.cut().unwrap();
        let fields = |list: &[(&str, &str)]| -> HeaderMap {
            list.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
        };
        for (name, coding) in [
            ("content-encoding", "gzip"),
            ("content-encoding", "identity, odd"),
            ("transfer-encoding", "gzip, chunked"),
        ] {
            assert!(cut_head(cut, &mut fields(&[(name, coding)])).is_err(), "{name}: {coding}");
        }
        let mut headers = fields(&[
            ("content-encoding", "Identity"),
            ("transfer-encoding", "chunked"),
            ("content-length", "7"),
            ("location", "/?k=s3cr3t-value&x"),
            ("x-s3cr3t-value", "1"),
            ("etag", "e"),
        ]);
        cut_head(cut, &mut headers).unwrap();
        assert_eq!(headers["location"], "/?k=[redacted:secret]&x");
        assert!(!headers.contains_key("x-s3cr3t-value") && !headers.contains_key("content-length"));
        assert_eq!(headers["etag"], "e");
    }

    #[test]
    fn a_debug_text_shows_names_alone() {
        let shown = format!("{:?}", values(&[("token", "s3cr3t-value")]));
        assert!(shown.contains("token") && !shown.contains("s3cr3t"), "{shown}");
    }
}
