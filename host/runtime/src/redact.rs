//! Cuts secrets out of text: exact values in their common encodings, what has the shape of a key, a token or a card number, and
//! what an owner's own expressions match.
//!
//! What is cut is replaced by `[redacted:kind]`. Shapes are guesses: they are drawn so that identifiers, digests, public keys,
//! numbers and prose stay. Everything takes time linear in the length of the text, whoever wrote it.

mod card;
mod encodings;
mod lines;
mod private_key;
mod shapes;
mod stream;
mod values;

use std::borrow::Cow;
use std::sync::Arc;

use regex::Regex;

pub use lines::Lines;
pub use stream::Stream;
pub use values::{Values, ValuesError};

/// What was cut; of two that overlap and begin together, the first in this order names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Secret,
    PrivateKey,
    ApiKey,
    Token,
    Password,
    Card,
    Pattern,
}

impl Kind {
    const ALL: [Self; 7] = [
        Self::Secret,
        Self::PrivateKey,
        Self::ApiKey,
        Self::Token,
        Self::Password,
        Self::Card,
        Self::Pattern,
    ];

    const fn marker(self) -> &'static str {
        match self {
            Self::Secret => "[redacted:secret]",
            Self::PrivateKey => "[redacted:private-key]",
            Self::ApiKey => "[redacted:api-key]",
            Self::Token => "[redacted:token]",
            Self::Password => "[redacted:password]",
            Self::Card => "[redacted:card]",
            Self::Pattern => "[redacted:pattern]",
        }
    }
}

/// All that may stand in place of what was cut. An expression that matches one of them would cut it again and again.
pub fn markers() -> impl Iterator<Item = &'static str> {
    Kind::ALL.into_iter().map(Kind::marker)
}

/// Bytes of a text that are to be cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Span {
    start: usize,
    kind: Kind,
    end: usize,
}

/// Cuts secrets out of texts. Made in no time: patterns are compiled once for the process, values once for their set.
#[derive(Clone, Debug, Default)]
pub struct Redactor {
    values: Option<Arc<Values>>,
    /// An owner's own.
    expressions: Option<Arc<[Regex]>>,
    /// Whether what only has the shape of a secret stays.
    is_exact: bool,
}

impl Redactor {
    /// Cuts what has the shape of a secret.
    #[must_use]
    pub const fn patterns() -> Self {
        Self { values: None, expressions: None, is_exact: false }
    }

    /// Cuts what has the shape of a secret, and these values in all their encodings.
    #[must_use]
    pub fn with(values: Arc<Values>) -> Self {
        Self { values: Some(values).filter(|values| !values.is_empty()), ..Self::patterns() }
    }

    /// Cuts these values in all their encodings, and nothing else.
    #[must_use]
    pub fn exact(values: Arc<Values>) -> Self {
        Self { is_exact: true, ..Self::with(values) }
    }

    /// Cuts what these expressions match, too.
    #[must_use]
    pub fn and(self, expressions: Arc<[Regex]>) -> Self {
        Self { expressions: Some(expressions), ..self }
    }

    /// The text without secrets; the text itself where there are none.
    #[must_use]
    pub fn redact<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let spans = self.find(text);
        if spans.is_empty() { Cow::Borrowed(text) } else { Cow::Owned(cut(text, spans)) }
    }

    /// The same for lines of one text that come one after the other, as a private key is written in several.
    #[must_use]
    pub fn lines(&self) -> Lines<'_> {
        Lines::new(self)
    }

    fn find(&self, text: &str) -> Vec<Span> {
        let mut spans = Vec::new();
        if let Some(values) = &self.values {
            spans.extend(values.spans(text.as_bytes()));
        }
        if !self.is_exact {
            shapes::find(text, &mut spans);
        }
        for expression in self.expressions.iter().flat_map(|expressions| expressions.iter()) {
            let found = expression.find_iter(text).filter(|found| !found.is_empty());
            spans.extend(found.map(|found| Span {
                start: found.start(),
                kind: Kind::Pattern,
                end: found.end(),
            }));
        }
        spans
    }
}

/// The text with a marker in place of what the spans cover; those that overlap are cut as one.
fn cut(text: &str, mut spans: Vec<Span>) -> String {
    spans.sort_unstable();
    let mut kept = String::with_capacity(text.len());
    let mut at = 0;
    let mut spans = spans.into_iter().peekable();
    while let Some(Span { start, kind, mut end }) = spans.next() {
        while let Some(next) = spans.next_if(|next| next.start < end) {
            end = end.max(next.end);
        }
        // A value of any bytes may begin inside a character.
        let start = text.floor_char_boundary(start).max(at);
        kept.push_str(text.get(at..start).unwrap_or_default());
        kept.push_str(kind.marker());
        at = text.ceil_char_boundary(end).max(at);
    }
    kept.push_str(text.get(at..).unwrap_or_default());
    kept
}

#[cfg(test)]
mod tests;
