//! What `git log` tells, and the commits that were made here.

use openclaw_skill::memory::Store;
use openclaw_skill::{Deserialize, Error, Result, Serialize};

use crate::text::parts;

/// How many commits are remembered.
const REMEMBERED: usize = 50;
/// Characters of a first line that are remembered.
const SUBJECT: usize = 200;
const KEY: &str = "commits";

/// A commit of a log.
#[derive(Debug, PartialEq)]
pub struct Commit {
    pub hash: String,
    pub subject: String,
    /// When it was made, with its time zone.
    pub time: String,
    pub body: String,
}

/// The commits of a log, in its order.
pub fn parse(output: &[u8]) -> Result<Vec<Commit>> {
    let entries = parts(output, '\0');
    let commit = |entry: &String| {
        let [hash, subject, time, body] = Vec::from_iter(entry.splitn(4, '\u{1f}'))[..] else {
            return Err(Error::failed(format!("git log printed {entry:?}")));
        };
        let [hash, subject, time, body] = [hash, subject, time, body.trim()].map(str::to_owned);
        Ok(Commit { hash, subject, time, body })
    };
    entries.iter().map(commit).collect()
}

/// A commit that was made here.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(crate = "openclaw_skill::serde")]
pub struct Made {
    pub hash: String,
    pub subject: String,
    pub time: String,
    /// The directory in the workspace; empty for the workspace itself.
    pub repository: String,
}

/// Remembers a commit, and forgets the oldest where there are many.
pub fn remember(memory: Store<'_>, commit: &Commit, repository: Option<&str>) -> Result<()> {
    let mut made = remembered(memory)?;
    let Commit { hash, subject, time, .. } = commit;
    let subject = subject.chars().take(SUBJECT).collect();
    let repository = repository.unwrap_or_default().to_owned();
    made.insert(0, Made { hash: hash.clone(), subject, time: time.clone(), repository });
    made.truncate(REMEMBERED);
    Ok(memory.set_json(KEY, &made)?)
}

/// The commits that were made here, the newest first.
pub fn remembered(memory: Store<'_>) -> Result<Vec<Made>> {
    Ok(memory.get_json(KEY)?.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use openclaw_skill::Context;
    use openclaw_skill::permission::Memory as _;

    use super::*;

    #[test]
    fn a_log_is_read() {
        let commits =
            parse(b"h2\x1fSecond\x1f2026-03-01T10:00:00+01:00\x1fWhy.\n\0h1\x1fFirst\x1ft\x1f\0").unwrap();
        assert_eq!(commits.len(), 2);
        assert_eq!((commits[0].subject.as_str(), commits[0].body.as_str()), ("Second", "Why."));
        assert!(parse(b"").unwrap().is_empty() && parse(b"h1").is_err());
    }

    #[test]
    fn the_last_fifty_are_remembered() {
        let ctx = Context::fake();
        for number in 0..60 {
            let [subject, time, body] = ["s".repeat(300), "t".to_owned(), String::new()];
            let commit = Commit { hash: number.to_string(), subject, time, body };
            remember(ctx.memory(), &commit, Some("work")).unwrap();
        }
        let made = remembered(ctx.memory()).unwrap();
        assert_eq!((made.len(), made[0].hash.as_str(), made[49].hash.as_str()), (50, "59", "10"));
        assert_eq!((made[0].subject.len(), made[0].repository.as_str()), (200, "work"));
    }
}
