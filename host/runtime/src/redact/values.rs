//! Exact values that must not leave, found in all their encodings in one pass.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use aho_corasick::automaton::{Automaton as _, StateID};
use aho_corasick::nfa::contiguous::NFA;
use aho_corasick::{Anchored, MatchKind};

use super::{Kind, Span, Stream, cut, encodings};

/// Bytes that one value may have.
const VALUE_BYTES: usize = 64 << 10;
/// Values of one set.
const COUNT: usize = 256;

/// Values to be cut, and their common encodings. Built once for a set of secrets, then shared.
///
/// The values stay in memory for as long as this does.
pub struct Values {
    /// None where there is no value.
    automaton: Option<NFA>,
    /// The bytes with which one may begin.
    begins: [bool; 256],
}

/// Why values cannot be looked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ValuesError {
    /// There are too many, or one is too long.
    #[error(
        "secrets of {VALUE_BYTES} bytes at most, and {COUNT} of them, can be kept out of results and logs"
    )]
    TooLarge,
    /// The automaton cannot be built.
    #[error("secrets cannot be looked for: {0}")]
    Automaton(String),
}

impl Values {
    /// A set of values. An empty one is passed over; a value of several lines is also looked for line by line.
    ///
    /// Encodings of fewer than six bytes are not looked for: they would be found everywhere.
    ///
    /// # Errors
    /// [`ValuesError`], where the set is larger than 256 values of 64 KiB.
    pub fn new<'a>(values: impl IntoIterator<Item = &'a [u8]>) -> Result<Self, ValuesError> {
        let mut needles = BTreeSet::new();
        for (index, value) in values.into_iter().enumerate() {
            if value.len() > VALUE_BYTES || index >= COUNT {
                return Err(ValuesError::TooLarge);
            }
            encodings::needles(value, &mut needles);
        }
        if needles.is_empty() {
            return Ok(Self { automaton: None, begins: [false; 256] });
        }
        let mut begins = [false; 256];
        for first in needles.iter().filter_map(|needle| needle.first()) {
            begins.iter_mut().skip(usize::from(*first)).take(1).for_each(|begins| *begins = true);
        }
        let mut builder = NFA::builder();
        builder.match_kind(MatchKind::Standard).prefilter(false);
        let automaton = builder.build(&needles).map_err(|error| ValuesError::Automaton(error.to_string()))?;
        Ok(Self { automaton: Some(automaton), begins })
    }

    /// Whether there is nothing to be cut.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.automaton.is_none()
    }

    /// The text without the values; what only has the shape of a secret stays.
    #[must_use]
    pub fn redact<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let spans: Vec<_> = self.spans(text.as_bytes()).collect();
        if spans.is_empty() { Cow::Borrowed(text) } else { Cow::Owned(cut(text, spans)) }
    }

    /// The same for bytes.
    #[must_use]
    pub fn redact_bytes<'a>(&self, bytes: &'a [u8]) -> Cow<'a, [u8]> {
        let found = self.find(bytes);
        if found.is_empty() {
            return Cow::Borrowed(bytes);
        }
        let (mut kept, mut at) = (Vec::with_capacity(bytes.len()), 0);
        for (start, end) in found {
            kept.extend_from_slice(bytes.get(at..start).unwrap_or_default());
            kept.extend_from_slice(Kind::Secret.marker().as_bytes());
            at = end;
        }
        kept.extend_from_slice(bytes.get(at..).unwrap_or_default());
        Cow::Owned(kept)
    }

    /// Cuts the values out of bytes that come in pieces.
    #[must_use]
    pub fn stream(self: &Arc<Self>) -> Stream {
        Stream::new(Arc::clone(self))
    }

    pub(super) fn spans(&self, bytes: &[u8]) -> impl Iterator<Item = Span> {
        self.find(bytes).into_iter().map(|(start, end)| Span { start, kind: Kind::Secret, end })
    }

    /// Where the values are, in order; those that overlap as one.
    fn find(&self, bytes: &[u8]) -> Vec<(usize, usize)> {
        let mut found = Vec::new();
        let Some(mut scan) = self.scan() else { return found };
        let mut at = 0;
        while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
            // Most bytes begin nothing.
            if !scan.is_under_way() {
                match rest.iter().position(|byte| self.begins(*byte)) {
                    Some(skipped) => at += skipped,
                    None => break,
                }
            }
            let Some(byte) = bytes.get(at) else { break };
            at += 1;
            if let Some(len) = scan.step(self, *byte) {
                join(&mut found, at.saturating_sub(len), at);
            }
        }
        found
    }

    fn begins(&self, byte: u8) -> bool {
        self.begins.get(usize::from(byte)).copied().unwrap_or(true)
    }

    /// The beginning of a search, where there is something to be found.
    pub(super) fn scan(&self) -> Option<Scan> {
        let start = self.automaton.as_ref()?.start_state(Anchored::No).ok()?;
        Some(Scan { start, state: start })
    }

    /// Bytes of the longest encoding.
    pub(super) fn longest(&self) -> usize {
        self.automaton.as_ref().map_or(0, NFA::max_pattern_len)
    }
}

impl fmt::Debug for Values {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let needles = self.automaton.as_ref().map_or(0, NFA::patterns_len);
        write!(f, "Values({needles} forms)")
    }
}

/// How far a search is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scan {
    start: StateID,
    state: StateID,
}

impl Scan {
    /// Takes the next byte; answers how long the longest value is that ends with it.
    pub(super) fn step(&mut self, values: &Values, byte: u8) -> Option<usize> {
        let automaton = values.automaton.as_ref()?;
        self.state = automaton.next_state(Anchored::No, self.state, byte);
        if !automaton.is_match(self.state) {
            return None;
        }
        let matches = 0..automaton.match_len(self.state);
        matches.map(|index| automaton.pattern_len(automaton.match_pattern(self.state, index))).max()
    }

    /// Whether the bytes so far end with the beginning of a value.
    pub(super) fn is_under_way(&self) -> bool {
        self.state != self.start
    }
}

/// Adds what ends last to what was found before, and makes one of those that overlap.
pub(super) fn join(found: &mut Vec<(usize, usize)>, mut start: usize, end: usize) {
    while let Some((before, _)) = found.pop_if(|(_, before_end)| *before_end > start) {
        start = start.min(before);
    }
    found.push((start, end));
}
