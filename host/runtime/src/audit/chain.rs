//! What makes lines a chain: each carries its number and the digest of the line before it.

use std::fmt;
use std::io::Write as _;
use std::str::FromStr;

use jiff::Timestamp;
use openclaw_package::digest::Digest;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

/// How a chained line begins; lines of older versions do not.
pub(super) const PREFIX: &[u8] = b"{\"number\":";

/// The end of a chain: the number of a record, and the digest of its line without the line break. Whoever keeps one
/// elsewhere can tell later whether anything up to it has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Checkpoint {
    /// The record's number; the first is 1.
    pub number: u64,
    /// The digest of its line.
    pub hash: Digest,
}

/// A text that is no [`Checkpoint`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a number and a digest, as `openclaw audit head` prints them: 42:sha256:…")]
pub struct CheckpointError(String);

/// What every chained line has.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
pub(super) struct Link {
    /// Its number.
    pub(super) number: u64,
    /// The digest of the line before; none for the first.
    pub(super) prev: Option<Digest>,
    /// Something, where the line is an [`Event`].
    #[serde(default)]
    pub(super) event: Option<IgnoredAny>,
}

/// What the log says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub(super) enum Event {
    /// A log without a chain, as older versions wrote it, was set aside.
    Unchained {
        /// Where it is now, beside the other files.
        file: String,
        /// Its digest.
        digest: Digest,
    },
    /// The last line had no end, as a killed process or a full disk leaves it, and was taken out.
    Repaired {
        /// How many bytes it had.
        bytes: u64,
        /// Its beginning.
        torn: String,
    },
    /// The head was not there, or could not be understood: what stood at the end then may be gone.
    HeadLost,
    /// The oldest file was deleted, as the owner's policy says.
    Pruned {
        /// Its name.
        file: String,
        /// Its last record.
        upto: u64,
        /// The digest of that record's line.
        hash: Digest,
    },
}

/// An event as a line has it.
#[derive(Debug, Serialize, Deserialize)]
struct EventLine {
    time: Timestamp,
    #[serde(flatten)]
    event: Event,
}

impl Event {
    /// Adds its line, which is not chained yet.
    ///
    /// # Errors
    /// It has no JSON form.
    pub(super) fn write(self, lines: &mut Vec<u8>) -> std::io::Result<()> {
        serde_json::to_writer(&mut *lines, &EventLine { time: Timestamp::now(), event: self })?;
        lines.push(b'\n');
        Ok(())
    }

    /// The event of a line, if it is one.
    pub(super) fn read(line: &[u8]) -> Option<Self> {
        serde_json::from_slice::<EventLine>(line).ok().map(|line| line.event)
    }
}

impl Link {
    /// What a line has of a chain, if it is part of one.
    pub(super) fn read(line: &[u8]) -> Option<Self> {
        line.starts_with(PREFIX).then(|| serde_json::from_slice(line).ok())?
    }
}

/// Chains lines to what came before them: `chained` gets each with its number and the digest of the one before.
///
/// # Errors
/// A line is no JSON object with a field, or the numbers are used up.
pub(super) fn chain(
    lines: &[u8],
    end: &mut Option<Checkpoint>,
    chained: &mut Vec<u8>,
) -> std::io::Result<()> {
    for line in lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let fields = line.strip_prefix(b"{").filter(|fields| fields.len() > 1);
        let fields = fields.ok_or_else(|| std::io::Error::other("a record is no JSON object"))?;
        let number = end.map_or(0, |end| end.number).checked_add(1);
        let number = number.ok_or_else(|| std::io::Error::other("its numbers are used up"))?;
        let start = chained.len();
        chained.extend_from_slice(PREFIX);
        match end {
            Some(end) => write!(chained, "{number},\"prev\":\"{}\",", end.hash)?,
            None => write!(chained, "{number},\"prev\":null,")?,
        }
        chained.extend_from_slice(fields);
        let hash = Digest::of(chained.get(start..).unwrap_or_default());
        chained.push(b'\n');
        *end = Some(Checkpoint { number, hash });
    }
    Ok(())
}

impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.number, self.hash)
    }
}

impl FromStr for Checkpoint {
    type Err = CheckpointError;

    fn from_str(text: &str) -> Result<Self, CheckpointError> {
        let parts = text.trim().split_once(':');
        let parsed = parts.and_then(|(number, hash)| Some((number.parse().ok()?, hash.parse().ok()?)));
        parsed
            .map(|(number, hash)| Self { number, hash })
            .ok_or_else(|| CheckpointError(text.chars().take(100).collect()))
    }
}

impl TryFrom<String> for Checkpoint {
    type Error = CheckpointError;

    fn try_from(text: String) -> Result<Self, CheckpointError> {
        text.parse()
    }
}

impl From<Checkpoint> for String {
    fn from(checkpoint: Checkpoint) -> Self {
        checkpoint.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_has_the_digest_of_the_one_before() {
        let (mut end, mut chained) = (None, Vec::new());
        chain(b"{\"a\":1}\n{\"a\":2}\n", &mut end, &mut chained).unwrap();
        chain(b"{\"a\":3}\n", &mut end, &mut chained).unwrap();
        let lines: Vec<_> = std::str::from_utf8(&chained).unwrap().lines().collect();
        assert_eq!(lines[0], r#"{"number":1,"prev":null,"a":1}"#);
        for (index, pair) in lines.windows(2).enumerate() {
            let link = Link::read(pair[1].as_bytes()).unwrap();
            let hash = Digest::of(pair[0].as_bytes());
            assert_eq!(link, Link { number: index as u64 + 2, prev: Some(hash), event: None });
        }
        assert_eq!(end, Some(Checkpoint { number: 3, hash: Digest::of(lines[2].as_bytes()) }));
    }

    #[test]
    fn what_is_no_object_is_not_chained() {
        for line in ["3\n", "{}\n", "[1]\n", "{\n"] {
            assert!(chain(line.as_bytes(), &mut None, &mut Vec::new()).is_err(), "{line}");
        }
        let mut end = Some(Checkpoint { number: u64::MAX, hash: Digest::of(b"x") });
        assert!(chain(b"{\"a\":1}\n", &mut end, &mut Vec::new()).is_err(), "the numbers are used up");
    }

    #[test]
    fn a_checkpoint_is_written_as_it_is_read() {
        let checkpoint = Checkpoint { number: 42, hash: Digest::of(b"x") };
        assert_eq!(checkpoint.to_string().parse(), Ok(checkpoint));
        for text in ["", "42", "42:", "x:sha256:00", ":sha256:00", "-1:sha256:00"] {
            assert!(text.parse::<Checkpoint>().is_err(), "{text}");
        }
    }

    #[test]
    fn an_event_is_read_as_it_was_written() {
        let event = Event::Pruned { file: "x".to_owned(), upto: 7, hash: Digest::of(b"x") };
        let (mut lines, mut chained) = (Vec::new(), Vec::new());
        event.clone().write(&mut lines).unwrap();
        chain(&lines, &mut None, &mut chained).unwrap();
        assert_eq!(Event::read(chained.trim_ascii_end()), Some(event));
        assert_eq!(Event::read(br#"{"number":1,"caller":"x,\"event\":\"pruned\""}"#), None);
    }
}
