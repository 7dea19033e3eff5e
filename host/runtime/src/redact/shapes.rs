//! What has the shape of a secret: keys and tokens of known services, passwords in URLs, card numbers, private keys.
//!
//! Each shape has words without which it cannot be there; one pass looks for all of them, and only the expressions of those
//! that were found are run.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, MatchKind};
use regex::Regex;

use super::{Kind, Span, card, private_key};

/// Bytes of the shortest key or token that stands alone.
const SHORTEST: usize = 20;
/// Digits of the shortest card number.
const CARD_DIGITS: usize = 13;

/// A shape: the first group of the expression is what is cut.
struct Shape {
    kind: Kind,
    /// One of these, in any case, is in every text that it fits.
    hints: &'static [&'static str],
    expression: LazyLock<Option<Regex>>,
    /// Whether what was found is to be cut after all.
    accepts: fn(&str) -> bool,
}

/// An expression over bytes of ASCII; one that is wrong fits nothing, and fails a test.
macro_rules! expression {
    ($text:literal) => {
        LazyLock::new(|| Regex::new($text).ok())
    };
    // Where a word begins. In JSON one also begins behind an escape, which ends in a letter or a digit.
    (word $text:literal) => {
        LazyLock::new(|| Regex::new(concat!(r"(?-u:\b|\\[bfnrt]|\\u[0-9A-Fa-f]{4})", $text)).ok())
    };
}

static SHAPES: [Shape; 13] = [
    Shape {
        kind: Kind::ApiKey,
        hints: &["sk-"],
        expression: expression!(word r"(sk-[A-Za-z0-9_-]{20,})"),
        accepts: is_key,
    },
    Shape {
        kind: Kind::ApiKey,
        hints: &["_live_", "_test_"],
        expression: expression!(word r"([rsp]k_(?:live|test)_[A-Za-z0-9]{16,})"),
        accepts: has_digit,
    },
    Shape {
        kind: Kind::ApiKey,
        hints: &["akia", "asia"],
        expression: expression!(word r"((?:AKIA|ASIA)[A-Z0-9]{16})(?-u:\b)"),
        accepts: any,
    },
    Shape {
        kind: Kind::ApiKey,
        hints: &["aiza"],
        expression: expression!(word r"(AIza[A-Za-z0-9_-]{35})"),
        accepts: any,
    },
    Shape {
        kind: Kind::Token,
        hints: &[
            "ghp_",
            "gho_",
            "ghu_",
            "ghs_",
            "ghr_",
            "github_pat_",
            "glpat-",
            "npm_",
            "hf_",
            "pypi-",
            "dop_v1_",
        ],
        expression: expression!(
            word r"(gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}|glpat-[A-Za-z0-9_-]{20,}|npm_[A-Za-z0-9]{36}|hf_[A-Za-z0-9]{30,}|pypi-[A-Za-z0-9_-]{50,}|dop_v1_[a-f0-9]{64})"
        ),
        accepts: has_digit,
    },
    Shape {
        kind: Kind::Token,
        hints: &["xoxa-", "xoxb-", "xoxe-", "xoxo-", "xoxp-", "xoxr-", "xoxs-", "xapp-"],
        expression: expression!(word r"((?:xox[abeoprs]|xapp)-[A-Za-z0-9-]{16,})"),
        accepts: has_digit,
    },
    Shape {
        kind: Kind::Token,
        hints: &["sg.", "ya29."],
        expression: expression!(
            word r"(SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}|ya29\.[A-Za-z0-9_-]{20,})"
        ),
        accepts: any,
    },
    Shape {
        kind: Kind::Token,
        hints: &["eyj"],
        expression: expression!(
            word r"(eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*){1,3})"
        ),
        accepts: any,
    },
    // OpenClaw's own: of registries 32 letters and digits, of gateways 64 digits of base 16.
    Shape {
        kind: Kind::Token,
        hints: &["oct_", "ocg_"],
        expression: expression!(word r"(oc[tg]_[A-Za-z0-9]{20,})"),
        accepts: any,
    },
    Shape {
        kind: Kind::Token,
        hints: &["bearer"],
        expression: expression!(word r"(?i-u:bearer)[ \t]+([A-Za-z0-9._~+/-]{8,}=*)"),
        accepts: is_random,
    },
    Shape {
        kind: Kind::Token,
        hints: &["authorization"],
        expression: expression!(
            word r#"(?i-u:authorization["']?[ \t]*[:=][ \t]*["']?(?:basic|token|digest|apikey))[ \t]+([A-Za-z0-9._~+/-]{6,}=*)"#
        ),
        accepts: is_random,
    },
    Shape {
        kind: Kind::Password,
        hints: &["://"],
        expression: expression!(r#"://[^\s/:@?\#"'<>]*:([^\s/@"'<>]+)@"#),
        accepts: is_no_marker,
    },
    Shape {
        kind: Kind::Secret,
        hints: &["token=", "key=", "secret=", "password=", "passwd=", "sig=", "signature="],
        expression: expression!(
            r#"(?i-u:(?:[?&;\#]|--)(?:[a-z0-9_.-]{0,64}[_.-])?(?:token|key|secret|password|passwd|sig|signature|apikey|accesskey|authtoken|accesstoken))=([^\s&;\#"'<>]+)"#
        ),
        accepts: is_no_marker,
    },
];

/// The words of all shapes, and which shape each belongs to.
static HINTS: LazyLock<Option<(AhoCorasick, Vec<usize>)>> = LazyLock::new(|| {
    let of_shape = |(index, shape): (usize, &Shape)| {
        shape.hints.iter().map(move |hint| (*hint, index)).collect::<Vec<_>>()
    };
    let (words, shapes): (Vec<_>, Vec<_>) = SHAPES.iter().enumerate().flat_map(of_shape).unzip();
    let mut builder = AhoCorasick::builder();
    builder.ascii_case_insensitive(true).match_kind(MatchKind::Standard);
    Some((builder.build(words).ok()?, shapes))
});

/// Adds what has the shape of a secret.
pub(super) fn find(text: &str, spans: &mut Vec<Span>) {
    if !can_hold(text) {
        return;
    }
    for shape in hinted(text) {
        let Some(expression) = shape.expression.as_ref() else { continue };
        let captured = expression.captures_iter(text).filter_map(|captures| captures.get(1));
        let found = captured.filter(|found| (shape.accepts)(found.as_str()));
        spans.extend(found.map(|found| Span { start: found.start(), kind: shape.kind, end: found.end() }));
    }
    private_key::find(text, spans);
    card::find(text, spans);
}

/// Whether a text is long enough for a secret: names of callers, which every record has, mostly are not.
fn can_hold(text: &str) -> bool {
    let has_mark = || text.bytes().any(|byte| matches!(byte, b' ' | b'\t' | b':' | b'='));
    let digits = || text.bytes().filter(u8::is_ascii_digit).count();
    text.len() >= SHORTEST || has_mark() || digits() >= CARD_DIGITS
}

/// The shapes of which a word is in the text.
fn hinted(text: &str) -> impl Iterator<Item = &'static Shape> {
    let mut hinted = [false; SHAPES.len()];
    if let Some((words, shapes)) = &*HINTS {
        for found in words.find_overlapping_iter(text) {
            let shape = shapes.get(found.pattern().as_usize());
            shape.and_then(|shape| hinted.get_mut(*shape)).into_iter().for_each(|hinted| *hinted = true);
        }
    }
    SHAPES.iter().zip(hinted).filter_map(|(shape, is_hinted)| is_hinted.then_some(shape))
}

fn any(_: &str) -> bool {
    true
}

fn has_digit(text: &str) -> bool {
    text.bytes().any(|byte| byte.is_ascii_digit())
}

fn is_no_marker(text: &str) -> bool {
    !text.starts_with("[redacted:")
}

/// Whether it is no word: it has digits among its letters, or letters of both cases in no order.
fn is_random(text: &str) -> bool {
    let has_letter = text.bytes().any(|byte| byte.is_ascii_alphabetic());
    let inner_capitals = text.bytes().skip(1).filter(u8::is_ascii_uppercase).count();
    let has_lower = text.bytes().any(|byte| byte.is_ascii_lowercase());
    (has_letter && has_digit(text)) || (text.len() >= 16 && inner_capitals >= 3 && has_lower)
}

/// Whether it is a key and no name of several words: letters of both cases and digits, or a long run with digits.
fn is_key(text: &str) -> bool {
    let body = text.get("sk-".len()..).unwrap_or_default();
    let has = |is: fn(&u8) -> bool| body.bytes().any(|byte| is(&byte));
    let mixed = has(u8::is_ascii_uppercase) && has(u8::is_ascii_lowercase) && has(u8::is_ascii_digit);
    mixed || body.split(['-', '_']).any(|run| run.len() >= 20 && has_digit(run))
}

/// Whether every expression is one.
#[cfg(test)]
pub(super) fn all_compile() -> bool {
    HINTS.is_some() && SHAPES.iter().all(|shape| shape.expression.is_some())
}
