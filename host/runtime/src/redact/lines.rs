//! Lines of one text: a private key that is written in several of them is cut from each.

use std::borrow::Cow;

use super::{Kind, Redactor, cut, private_key};

/// Redacts lines that come one after the other.
#[derive(Debug)]
pub struct Lines<'a> {
    redactor: &'a Redactor,
    in_key: bool,
}

impl<'a> Lines<'a> {
    pub(super) fn new(redactor: &'a Redactor) -> Self {
        Self { redactor, in_key: false }
    }

    /// The next line without secrets.
    #[must_use]
    pub fn redact<'t>(&mut self, line: &'t str) -> Cow<'t, str> {
        let after = if self.in_key { private_key::rest(line) } else { 0 };
        if self.in_key && after == line.len() && !private_key::ends(line) {
            return Cow::Borrowed(Kind::PrivateKey.marker());
        }
        let rest = line.get(after..).unwrap_or_default();
        self.in_key = private_key::is_open(rest);
        let spans = self.redactor.find(rest);
        match (after, spans.is_empty()) {
            (0, true) => Cow::Borrowed(line),
            (0, false) => Cow::Owned(cut(line, spans)),
            _ => Cow::Owned(format!("{}{}", Kind::PrivateKey.marker(), cut(rest, spans))),
        }
    }
}
