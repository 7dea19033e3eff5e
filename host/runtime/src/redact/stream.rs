//! Values cut out of bytes that come in pieces: a value that is split between two pieces is found all the same.

use std::sync::Arc;

use zeroize::Zeroizing;

use super::Kind;
use super::values::{Scan, Values, join};

/// Cuts [`Values`] out of bytes that come in pieces.
///
/// It holds back what may be the beginning of a value: at most one byte less than the longest encoding has, and nothing
/// where the last bytes begin none.
pub struct Stream {
    values: Arc<Values>,
    scan: Option<Scan>,
    held: Zeroizing<Vec<u8>>,
    /// Where values are in what is held.
    found: Vec<(usize, usize)>,
    /// Bytes of what is held that belong to a value whose marker was given out.
    marked: usize,
}

impl Stream {
    pub(super) fn new(values: Arc<Values>) -> Self {
        let scan = values.scan();
        Self { values, scan, held: Zeroizing::default(), found: Vec::new(), marked: 0 }
    }

    /// Takes the next piece; answers the bytes that can be given out now.
    #[must_use]
    pub fn push(&mut self, piece: &[u8]) -> Vec<u8> {
        let Some(mut scan) = self.scan else { return piece.to_vec() };
        let base = self.held.len();
        self.held.extend_from_slice(piece);
        for (at, byte) in piece.iter().enumerate() {
            if let Some(len) = scan.step(&self.values, *byte) {
                let end = base + at + 1;
                join(&mut self.found, end.saturating_sub(len), end);
            }
        }
        self.scan = Some(scan);
        let undecided = if scan.is_under_way() { self.values.longest().saturating_sub(1) } else { 0 };
        self.give_out(self.held.len().saturating_sub(undecided))
    }

    /// Answers what is still held back: nothing comes any more.
    #[must_use]
    pub fn finish(mut self) -> Vec<u8> {
        self.give_out(self.held.len())
    }

    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        self.held.len()
    }

    /// The first `until` bytes of what is held, a marker in place of each value that begins there.
    fn give_out(&mut self, until: usize) -> Vec<u8> {
        let mut given = Vec::with_capacity(until);
        let mut at = self.marked.min(until);
        let mut marked = self.marked.saturating_sub(until);
        self.found.retain_mut(|(start, end)| {
            if *start < until {
                // A value that overlaps one whose marker was given out is the rest of it.
                if *start >= at {
                    given.extend_from_slice(self.held.get(at..*start).unwrap_or_default());
                    given.extend_from_slice(Kind::Secret.marker().as_bytes());
                }
                at = (*end).min(until).max(at);
                marked = marked.max(end.saturating_sub(until));
            }
            let stays = *start >= until;
            (*start, *end) = (start.saturating_sub(until), end.saturating_sub(until));
            stays
        });
        given.extend_from_slice(self.held.get(at..until).unwrap_or_default());
        self.held.drain(..until);
        self.marked = marked;
        given
    }
}

impl std::fmt::Debug for Stream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stream")
            .field("values", &self.values)
            .field("held", &self.held.len())
            .finish_non_exhaustive()
    }
}
