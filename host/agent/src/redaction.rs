//! What is cut from all that is logged, remembered or said to a model, as the owner's configuration says.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use openclaw_runtime::redact::{Redactor, Values, markers};
use regex::{Regex, RegexBuilder};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

/// Bytes that the text of a pattern may have.
const PATTERN_BYTES: usize = 1024;
/// Bytes that a pattern may have when it is compiled.
const COMPILED_BYTES: usize = 1 << 20;
/// Patterns that an owner may have.
const PATTERNS: usize = 64;

/// Where a text goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Into a log, or to whoever watches.
    Logs,
    /// Into the agent's memory.
    Memory,
    /// To a model.
    Model,
}

/// What is cut, and where: `redaction` in the configuration.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RedactionSettings {
    /// From what is logged.
    pub logs: bool,
    /// From what is remembered.
    pub memory: bool,
    /// From what is said to a model.
    pub model: bool,
    /// The owner's own, beside what has the shape of a secret.
    pub patterns: Patterns,
}

impl Default for RedactionSettings {
    fn default() -> Self {
        Self { logs: true, memory: true, model: true, patterns: Patterns::default() }
    }
}

/// Regular expressions of an owner's, at most 64.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Vec<Pattern>")]
pub struct Patterns(Vec<Pattern>);

impl TryFrom<Vec<Pattern>> for Patterns {
    type Error = String;

    fn try_from(patterns: Vec<Pattern>) -> Result<Self, String> {
        if patterns.len() > PATTERNS {
            return Err(format!("there are {} patterns; {PATTERNS} may be there", patterns.len()));
        }
        Ok(Self(patterns))
    }
}

/// A regular expression of an owner's: all that it matches is cut.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "String")]
pub struct Pattern(Regex);

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_str() == other.0.as_str()
    }
}

impl Eq for Pattern {}

impl TryFrom<String> for Pattern {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if text.len() > PATTERN_BYTES {
            return Err(format!(
                "a pattern of {} bytes is too long; {PATTERN_BYTES} are allowed",
                text.len()
            ));
        }
        let pattern = RegexBuilder::new(&text).size_limit(COMPILED_BYTES).build();
        let pattern = pattern.map_err(|error| format!("the pattern {text} is none: {error}"))?;
        if pattern.is_match("") {
            return Err(format!("the pattern {text} matches the empty text, which cannot be cut"));
        }
        if let Some(marker) = markers().find(|marker| pattern.is_match(marker)) {
            return Err(format!(
                "the pattern {text} matches {marker}, which stands in place of what was cut"
            ));
        }
        Ok(Self(pattern))
    }
}

/// Cuts what must not be seen out of texts, for each place where they may go.
///
/// The values that it is made with are the host's own keys and tokens: they are cut everywhere, whatever is switched off.
pub struct Redaction {
    logs: Redactor,
    memory: Redactor,
    model: Redactor,
    fingerprint: u32,
}

impl fmt::Debug for Redaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redaction").finish_non_exhaustive()
    }
}

/// Cuts what has the shape of a secret, everywhere.
impl Default for Redaction {
    fn default() -> Self {
        let shapes = Redactor::patterns;
        let fingerprint = fingerprint(&RedactionSettings::default());
        Self { logs: shapes(), memory: shapes(), model: shapes(), fingerprint }
    }
}

impl Redaction {
    /// Cuts what the settings say, and the exact `values` in all their encodings.
    #[must_use]
    pub fn new(settings: &RedactionSettings, values: Arc<Values>) -> Self {
        let patterns: Arc<[Regex]> =
            settings.patterns.0.iter().map(|Pattern(pattern)| pattern.clone()).collect();
        let redactor = |is_on: bool| {
            if is_on {
                Redactor::with(Arc::clone(&values)).and(Arc::clone(&patterns))
            } else {
                Redactor::exact(Arc::clone(&values))
            }
        };
        Self {
            logs: redactor(settings.logs),
            memory: redactor(settings.memory),
            model: redactor(settings.model),
            fingerprint: fingerprint(settings),
        }
    }

    /// The text as it may go there; itself, where nothing is to be cut.
    #[must_use]
    pub fn apply<'t>(&self, place: Place, text: &'t str) -> Cow<'t, str> {
        self.redactor(place).redact(text)
    }

    /// What cuts for a place, for whoever has lines rather than a text.
    #[must_use]
    pub fn redactor(&self, place: Place) -> &Redactor {
        match place {
            Place::Logs => &self.logs,
            Place::Memory => &self.memory,
            Place::Model => &self.model,
        }
    }

    /// Changes where other things are to be cut from memory.
    pub(crate) fn fingerprint(&self) -> u32 {
        self.fingerprint
    }
}

fn fingerprint(settings: &RedactionSettings) -> u32 {
    let mut hash = Sha256::new();
    hash.update([u8::from(settings.memory)]);
    for Pattern(pattern) in &settings.patterns.0 {
        hash.update(pattern.as_str());
        hash.update([0]);
    }
    let digest: [u8; 32] = hash.finalize().into();
    digest.iter().take(4).fold(0, |number, byte| (number << 8) | u32::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "ghp_0123456789abcdefghijABCDEFGHIJ456789";
    const KEY: &str = "a provider's key, of no shape";
    const PLACES: [Place; 3] = [Place::Logs, Place::Memory, Place::Model];

    fn settings(yaml: &str) -> Result<RedactionSettings, String> {
        serde_saphyr::from_str(yaml).map_err(|error| error.to_string())
    }

    fn redaction(yaml: &str) -> Redaction {
        let values = Values::new([KEY.as_bytes()]).unwrap();
        Redaction::new(&settings(yaml).unwrap(), Arc::new(values))
    }

    #[test]
    fn shapes_values_and_patterns_are_cut_everywhere_where_nothing_else_is_said() {
        let redaction = redaction(r"patterns: ['EMP-\d+']");
        for place in PLACES {
            let text = format!("{TOKEN}, {KEY}, EMP-1234");
            assert_eq!(
                redaction.apply(place, &text),
                "[redacted:token], [redacted:secret], [redacted:pattern]"
            );
            assert!(matches!(redaction.apply(place, "a harmless text"), Cow::Borrowed(_)));
        }
    }

    #[test]
    fn a_place_that_is_switched_off_loses_only_the_hosts_own_values() {
        for (place, yaml) in PLACES.into_iter().zip(["{logs: false", "{memory: false", "{model: false"]) {
            let redaction = redaction(&format!("{yaml}, patterns: ['EMP-1']}}"));
            let text = format!("{TOKEN}, {KEY}, EMP-1");
            assert_eq!(redaction.apply(place, &text), format!("{TOKEN}, [redacted:secret], EMP-1"));
            for other in PLACES.into_iter().filter(|other| *other != place) {
                let left = redaction.apply(other, &text);
                assert_eq!(left, "[redacted:token], [redacted:secret], [redacted:pattern]");
            }
        }
    }

    #[test]
    fn a_pattern_that_cannot_be_obeyed_is_refused_by_its_text() {
        let long = "x".repeat(2000);
        for (pattern, reason) in [
            ("(", "the pattern ( is none"),
            ("x*", "the pattern x* matches the empty text"),
            ("reda..ed", "the pattern reda..ed matches [redacted:secret]"),
            (r"\w{500}{500}", r"the pattern \w{500}{500} is none"),
            (&long, "a pattern of 2000 bytes"),
        ] {
            let error = settings(&format!("patterns: ['{pattern}']")).unwrap_err();
            assert!(error.contains(reason), "{error}");
        }
        let many = format!("patterns: [{}]", "abc, ".repeat(65));
        assert!(settings(&many).unwrap_err().contains("there are 65 patterns"));
    }

    #[test]
    fn a_shape_behind_an_escape_of_json_is_one_where_a_line_or_a_cell_begins() {
        let redaction = Redaction::default();
        for text in [format!("a\n{TOKEN}\n"), format!("a\t{TOKEN}"), format!("a\u{1b}{TOKEN}")] {
            let json = serde_json::json!({ "text": text }).to_string();
            let cut = redaction.apply(Place::Model, &json);
            assert!(cut.contains("[redacted:token]") && !cut.contains("0123456789"), "{json}: {cut}");
            assert!(serde_json::from_str::<serde_json::Value>(&cut).is_ok(), "{cut}");
        }
        let header =
            serde_json::json!("GET /\nAuthorization: Basic YWRhOmxvdmVsYWNlMQ==\nBearer a1b2c3d4e5f6")
                .to_string();
        let cut = redaction.apply(Place::Model, &header);
        assert_eq!(cut, r#""GET /\nAuthorization: Basic [redacted:token]\nBearer [redacted:token]""#);
    }

    #[test]
    fn an_unknown_key_is_refused() {
        assert!(settings("log: true").unwrap_err().contains("log"));
    }

    #[test]
    fn what_was_redacted_stays_as_it_is() {
        let redaction = redaction(r"patterns: ['EMP-\d+', '[A-Z]{3,}']");
        let text = format!("{TOKEN}, {KEY}, EMP-1234");
        let once = redaction.apply(Place::Memory, &text).into_owned();
        assert_eq!(redaction.apply(Place::Model, &once), once);
    }

    #[test]
    fn nothing_of_a_value_or_pattern_is_shown_by_debug() {
        let shown = format!("{:?}", redaction("patterns: ['EMP-1']"));
        assert!(!shown.contains(KEY) && !shown.contains("EMP"), "{shown}");
    }
}
