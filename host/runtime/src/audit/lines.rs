//! Lines of a file, forwards and backwards, without holding more than one of them.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::os::unix::fs::FileExt;

/// Bytes that a line may have: a record has far fewer, and a line without an end must not fill the memory.
pub(super) const LINE_BYTES: usize = 16 << 20;
/// Bytes that are read at once.
const CHUNK: usize = 64 << 10;

/// A line without its line break.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// A whole one.
    Whole(Vec<u8>),
    /// The last one, which has no line break.
    Torn(Vec<u8>),
    /// One of more than [`LINE_BYTES`].
    TooLong,
}

/// Reads the first `len` bytes of a file line by line.
#[derive(Debug)]
pub(super) struct Forward {
    reader: BufReader<io::Take<File>>,
}

impl Forward {
    pub(super) fn new(file: File, len: u64) -> Self {
        Self { reader: BufReader::with_capacity(CHUNK, file.take(len)) }
    }

    fn next_line(&mut self) -> io::Result<Option<Line>> {
        let mut line = Vec::new();
        let most = LINE_BYTES as u64 + 1;
        if self.reader.by_ref().take(most).read_until(b'\n', &mut line)? == 0 {
            return Ok(None);
        }
        if line.pop_if(|last| *last == b'\n').is_some() {
            return Ok(Some(Line::Whole(line)));
        }
        if line.len() <= LINE_BYTES {
            return Ok(Some(Line::Torn(line)));
        }
        self.reader.skip_until(b'\n')?;
        Ok(Some(Line::TooLong))
    }
}

impl Iterator for Forward {
    type Item = io::Result<Line>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_line().transpose()
    }
}

/// Reads the first `len` bytes of a file line by line, the last one first.
#[derive(Debug)]
pub(super) struct Backward<'a> {
    file: &'a File,
    /// Bytes of the file that are still to be read.
    before: u64,
    /// What was read and not given out yet; it ends where the next line does.
    held: Vec<u8>,
    /// Bytes at the end of `held` in which there is no line break.
    searched: usize,
    /// Whether a line break comes after `held`.
    is_ended: bool,
    is_too_long: bool,
    is_done: bool,
}

impl<'a> Backward<'a> {
    pub(super) fn new(file: &'a File, len: u64) -> Self {
        let (is_ended, is_too_long, is_done) = (false, false, false);
        Self { file, before: len, held: Vec::new(), searched: 0, is_ended, is_too_long, is_done }
    }

    fn next_line(&mut self) -> io::Result<Option<Line>> {
        while !self.is_done {
            let unsearched = self.held.len() - self.searched;
            let unsearched = self.held.get(..unsearched).unwrap_or_default();
            if let Some(end) = unsearched.iter().rposition(|byte| *byte == b'\n') {
                let line = self.held.split_off(end + 1);
                self.held.truncate(end);
                let given = self.given(line);
                self.is_ended = true;
                if given.is_some() {
                    return Ok(given);
                }
                continue;
            }
            self.searched = self.held.len();
            if self.held.len() > LINE_BYTES {
                self.is_too_long = true;
                self.held.clear();
                self.searched = 0;
            }
            if !self.read_before()? {
                self.is_done = true;
                let rest = std::mem::take(&mut self.held);
                return Ok(self.given(rest));
            }
        }
        Ok(None)
    }

    /// A line that was found; none where only the end of the file comes after the last line break.
    fn given(&mut self, line: Vec<u8>) -> Option<Line> {
        self.searched = 0;
        if std::mem::take(&mut self.is_too_long) || line.len() > LINE_BYTES {
            return Some(Line::TooLong);
        }
        match (self.is_ended, line.is_empty()) {
            (true, _) => Some(Line::Whole(line)),
            (false, false) => Some(Line::Torn(line)),
            (false, true) => None,
        }
    }

    /// Puts the chunk before what is held in front of it; false where there is none.
    fn read_before(&mut self) -> io::Result<bool> {
        let len = self.before.min(CHUNK.max(self.held.len()) as u64);
        if len == 0 {
            return Ok(false);
        }
        let mut chunk = vec![0; usize::try_from(len).unwrap_or(CHUNK)];
        self.before -= len;
        self.file.read_exact_at(&mut chunk, self.before)?;
        chunk.extend_from_slice(&self.held);
        self.held = chunk;
        Ok(true)
    }
}

impl Iterator for Backward<'_> {
    type Item = io::Result<Line>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_line().transpose()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use proptest::prelude::*;

    use super::*;

    fn file(text: &[u8]) -> File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(text).unwrap();
        std::io::Seek::rewind(&mut file).unwrap();
        file
    }

    fn both_ways(text: &[u8]) -> [Vec<Line>; 2] {
        let (file, len) = (file(text), text.len() as u64);
        let mut backwards: Vec<_> = Backward::new(&file, len).map(Result::unwrap).collect();
        backwards.reverse();
        [Forward::new(file, len).map(Result::unwrap).collect(), backwards]
    }

    #[test]
    fn a_line_without_an_end_is_told_apart() {
        let (whole, torn) = (|text: &str| Line::Whole(text.into()), |text: &str| Line::Torn(text.into()));
        for lines in both_ways(b"one\n\ntwo\nthr") {
            assert_eq!(lines, [whole("one"), whole(""), whole("two"), torn("thr")]);
        }
        assert_eq!(both_ways(b""), [vec![], vec![]]);
        assert_eq!(both_ways(b"\n"), [vec![whole("")], vec![whole("")]]);
        assert_eq!(both_ways(b"x"), [vec![torn("x")], vec![torn("x")]]);
    }

    #[test]
    fn a_line_that_is_too_long_is_passed_over() {
        let mut text = b"one\n".to_vec();
        text.extend(std::iter::repeat_n(b'x', LINE_BYTES + 3 * CHUNK));
        text.extend_from_slice(b"\ntwo\n");
        for lines in both_ways(&text) {
            assert_eq!(lines, [Line::Whole(b"one".into()), Line::TooLong, Line::Whole(b"two".into())]);
        }
    }

    proptest! {
        #[test]
        fn backwards_is_forwards_the_other_way_round(lens in prop::collection::vec(0_usize..40_000, 0..12), ends in any::<bool>()) {
            let mut text: Vec<u8> = lens.iter().flat_map(|len| [vec![b'x'; *len], vec![b'\n']].concat()).collect();
            if !ends {
                text.pop();
            }
            let [forwards, backwards] = both_ways(&text);
            prop_assert_eq!(forwards, backwards);
        }
    }
}
