//! A publisher's history: proved event by event, and held against what was seen of it before.

use openclaw_package::log::LogError;
use openclaw_package::registry::{Event, History, HistoryError, LoggedEvent, Releases};
use openclaw_package::{Digest, Envelope, Origin, PublisherName, SkillName};

use super::TrustError;
use crate::client::Client;
use crate::error::Error;
use crate::state::{Evidence, KnownRegistry, Seen, Update};
use crate::transport::{HttpError, Kind, paths};

/// An answer with fewer events than this is the last: a registry that divides a history makes longer parts.
const LONG_ANSWER: usize = 256;

/// How often it is begun anew because another process has seen something newer meanwhile.
const MAX_TRIES: usize = 5;

/// A publisher's history, every event of which was checked.
#[derive(Debug, Clone)]
pub struct PublisherHistory {
    history: History,
    logged: Vec<LoggedEvent>,
    events: Vec<Event>,
    digests: Vec<Digest>,
}

impl PublisherHistory {
    pub(crate) fn new(origin: Origin, publisher: PublisherName) -> Self {
        let history = History::new(origin, publisher);
        Self { history, logged: Vec::new(), events: Vec::new(), digests: Vec::new() }
    }

    /// The publisher's keys, and how long the history is.
    pub fn state(&self) -> &History {
        &self.history
    }

    /// The events, oldest first.
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// The events as the log has them, oldest first.
    pub fn logged(&self) -> &[LoggedEvent] {
        &self.logged
    }

    /// The digest of each event, oldest first.
    pub fn digests(&self) -> &[Digest] {
        &self.digests
    }

    /// What it says of the versions of one skill.
    pub(crate) fn releases(&self, skill: &SkillName) -> Releases {
        let mut releases = Releases::default();
        for (event, logged) in self.events.iter().zip(&self.logged) {
            releases.note(event, logged.index, skill);
        }
        releases
    }

    pub(crate) fn add(&mut self, logged: LoggedEvent) -> Result<(), TrustError> {
        let (publisher, sequence) = (self.history.publisher().clone(), self.history.length());
        let failed = |error| TrustError::History { publisher, sequence, error };
        let envelope = Envelope::parse(logged.entry.as_bytes())?;
        if self.logged.last().is_some_and(|last| logged.index <= last.index) {
            return Err(failed(HistoryError::Fork));
        }
        let event = self.history.accept(&envelope).map_err(failed)?;
        self.digests.push(Digest::of(envelope.payload_unverified()));
        self.events.push(event);
        self.logged.push(logged);
        Ok(())
    }

    fn add_all(&mut self, lines: Vec<LoggedEvent>) -> Result<(), TrustError> {
        lines.into_iter().try_for_each(|line| self.add(line))
    }

    /// How many bytes the events have.
    fn size(&self) -> u64 {
        self.logged.iter().map(|event| event.entry.len() as u64).sum()
    }

    fn to_lines(&self) -> Vec<u8> {
        to_lines(&self.logged)
    }

    /// Whether what was seen before is a part of it.
    fn contains(&self, seen: Seen) -> bool {
        let place = seen.length.checked_sub(1).and_then(|place| usize::try_from(place).ok());
        seen.length == 0 || place.and_then(|place| self.digests.get(place)) == Some(&seen.head)
    }

    pub(crate) fn seen(&self) -> Option<Seen> {
        self.history.head().map(|head| Seen { length: self.history.length(), head })
    }
}

/// A history as lines of JSON.
pub(crate) fn to_lines(logged: &[LoggedEvent]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for event in logged {
        bytes.extend(serde_json::to_vec(event).unwrap_or_default());
        bytes.push(b'\n');
    }
    bytes
}

fn parse_lines(bytes: &[u8]) -> Result<Vec<LoggedEvent>, HttpError> {
    let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    lines
        .map(|line| {
            serde_json::from_slice(line).map_err(|error| HttpError::malformed(Kind::HISTORY.name, error))
        })
        .collect()
}

/// What is kept of a history that must not have been served.
fn evidence_of(code: &'static str, seen: Seen, served: &[LoggedEvent]) -> Evidence {
    let text = format!("length: {}\nhead: {}\n", seen.length, seen.head);
    Evidence::new(code).file("seen.txt", text).file("served.ndjson", to_lines(served))
}

/// Refuses a history that does not contain what was seen of it.
pub(crate) fn check_seen(
    registry: &KnownRegistry,
    publisher: &PublisherName,
    seen: Option<Seen>,
    digests: &[Digest],
    served: &[LoggedEvent],
) -> Result<(), Error> {
    let Some(seen) = seen.filter(|seen| seen.length > 0) else { return Ok(()) };
    let (url, publisher) = (registry.url().clone(), publisher.clone());
    let place = usize::try_from(seen.length - 1).unwrap_or(usize::MAX);
    match digests.get(place) {
        Some(digest) if *digest == seen.head => Ok(()),
        Some(_) => {
            let evidence = registry.keep(evidence_of("history-forked", seen, served))?;
            Err(TrustError::HistoryForked { registry: url, publisher, evidence }.into())
        }
        None => {
            let evidence = registry.keep(evidence_of("history-shrank", seen, served))?;
            let served = digests.len() as u64;
            Err(TrustError::HistoryShrank { registry: url, publisher, seen: seen.length, served, evidence }
                .into())
        }
    }
}

impl Client {
    /// A publisher's history as the registry serves it now: checked, held against what was seen of it before, and
    /// remembered. One without events is empty.
    ///
    /// # Errors
    ///
    /// An outage, or [`TrustError`].
    pub async fn history(&self, publisher: &PublisherName) -> Result<PublisherHistory, Error> {
        for _ in 0..MAX_TRIES {
            let basis = self.basis().await?;
            let seen = basis.stored.publishers.get(publisher).copied();
            let history = self.newest_history(publisher, seen).await?;
            let mut update = Update::default();
            if history.seen() != seen {
                update.publishers.extend(history.seen().map(|seen| (publisher.clone(), seen)));
            }
            if self.commit(basis.stored, update).await? {
                return Ok(history);
            }
        }
        Err(HttpError::Timeout { what: Kind::HISTORY.name }.into())
    }

    /// What is served, beginning with what the cache has of it. It contains what was seen, and the log has it.
    async fn newest_history(
        &self,
        publisher: &PublisherName,
        seen: Option<Seen>,
    ) -> Result<PublisherHistory, Error> {
        let whole = paths::history(publisher, 0);
        if let Some(mut history) = self.cached_history(publisher, &whole) {
            let known = history.history.length();
            match self.extend_cached(&mut history, seen).await {
                Ok(true) => {
                    self.keep_history(&whole, known, &history);
                    return Ok(history);
                }
                Err(error) if error.is_outage() => return Err(error),
                // The cache may be of a history that was never the registry's: only the whole one decides.
                Ok(false) | Err(_) => {}
            }
        }
        let mut history = PublisherHistory::new(self.registry().origin().clone(), publisher.clone());
        self.extend(&mut history).await?;
        check_seen(self.registry(), publisher, seen, &history.digests, &history.logged)?;
        self.check_newest(&history, seen).await?;
        self.keep_history(&whole, 0, &history);
        Ok(history)
    }

    /// What the cache has of a history, if it has a part of one.
    fn cached_history(&self, publisher: &PublisherName, path: &str) -> Option<PublisherHistory> {
        let kept = parse_lines(&self.cache().find(path)?.bytes).ok()?;
        let mut history = PublisherHistory::new(self.registry().origin().clone(), publisher.clone());
        history.add_all(kept).ok()?;
        (history.history.length() > 0).then_some(history)
    }

    /// Adds what is served; `false` where it does not contain what was seen, for which nobody but the cache is to
    /// blame yet.
    async fn extend_cached(&self, history: &mut PublisherHistory, seen: Option<Seen>) -> Result<bool, Error> {
        self.extend(history).await?;
        let contains = seen.is_none_or(|seen| history.contains(seen));
        if contains {
            self.check_newest(history, seen).await?;
        }
        Ok(contains)
    }

    /// Checks that the log has the newest event, unless it was seen before. Anybody can make a history that holds
    /// in itself, with keys of their own.
    async fn check_newest(&self, history: &PublisherHistory, seen: Option<Seen>) -> Result<(), Error> {
        let newest = history.logged.last().filter(|_| history.seen() != seen);
        let Some(newest) = newest else { return Ok(()) };
        match self.check_logged(newest.entry.as_bytes(), newest.index).await {
            Err(Error::Http(error)) if error.is_not_found() => {
                Err(TrustError::from(LogError::NotIncluded).into())
            }
            other => other,
        }
    }

    /// Adds what a history lacks, answer by answer.
    async fn extend(&self, history: &mut PublisherHistory) -> Result<(), Error> {
        let publisher = history.history.publisher().clone();
        loop {
            let lines = self.history_lines(&publisher, history.history.length()).await?;
            let count = lines.len();
            history.add_all(lines)?;
            if count < LONG_ANSWER {
                return Ok(());
            }
            if history.size() > Kind::HISTORY.max {
                return Err(HttpError::TooLarge { what: Kind::HISTORY.name, max: Kind::HISTORY.max }.into());
            }
        }
    }

    fn keep_history(&self, path: &str, known: u64, history: &PublisherHistory) {
        if history.history.length() > known {
            self.cache().keep(path, None, &history.to_lines());
        }
    }

    pub(crate) async fn history_lines(
        &self,
        publisher: &PublisherName,
        after: u64,
    ) -> Result<Vec<LoggedEvent>, Error> {
        match self.http().bytes(Kind::HISTORY, &paths::history(publisher, after), true).await {
            Ok(bytes) => Ok(parse_lines(&bytes)?),
            // Who has published nothing has no history.
            Err(error) if error.is_not_found() && after == 0 => Ok(Vec::new()),
            Err(error) => Err(error.into()),
        }
    }
}
