//! The log read from its first entry to its last: tiles, roots, histories and takedowns as they must be.

use std::collections::BTreeMap;

use openclaw_package::log::{Appender, Checkpoint, TILE_WIDTH, TileId, leaf_hash};
use openclaw_package::registry::event::EVENT_PAYLOAD_TYPE;
use openclaw_package::registry::root::ROOT_PAYLOAD_TYPE;
use openclaw_package::registry::{Action, Event, History, Release, Root, Takedown, TrustedRoot};
use openclaw_package::{Envelope, PublisherName, SkillId};
use semver::Version;
use sqlx::AnyConnection;

use super::{Mode, Report};
use crate::error::Result;
use crate::registry::follow;
use crate::store::{Head, find_head, log, takedowns, unsigned};

/// A change of a skill, in the order of the log.
pub(super) enum Change {
    Release(u64, Box<Release>),
    Yank(Version, String),
    Unyank(Version, String),
    Takedown(Takedown),
}

/// What the log says.
pub(super) struct Replay {
    pub(super) head: Head,
    /// The roots, oldest first, and where they stand.
    pub(super) roots: Vec<(u64, TrustedRoot)>,
    /// Each publisher's history and where its events stand.
    pub(super) histories: BTreeMap<PublisherName, (History, Vec<u64>)>,
    pub(super) changes: BTreeMap<SkillId, Vec<Change>>,
    pub(super) takedowns: Vec<(u64, Takedown)>,
}

impl Replay {
    /// Reads the whole log. `None` where it is so damaged that nothing follows from it.
    pub(super) async fn of_log(
        connection: &mut AnyConnection,
        mode: Mode,
        report: &mut Report,
    ) -> Result<Option<Self>> {
        let Some(head) = find_head(connection).await? else {
            report.problem("log", "there is no registry");
            return Ok(None);
        };
        let mut replay = Self {
            head,
            roots: Vec::new(),
            histories: BTreeMap::new(),
            changes: BTreeMap::new(),
            takedowns: Vec::new(),
        };
        let (mut appender, mut open) = (Appender::default(), BTreeMap::new());
        let size = replay.head.size;
        while appender.size() < size {
            let start = appender.size();
            let entries = log::entries(connection, start, TILE_WIDTH.min(size - start)).await?;
            if entries.is_empty() {
                report.problem("log", format!("entry {start} of {size} is missing"));
                return Ok(None);
            }
            for entry in entries {
                let index = appender.size();
                for (id, hash) in appender.push(leaf_hash(&entry)) {
                    open.entry(id).or_insert_with(Vec::new).extend(hash.as_bytes());
                }
                if let Err(fact) = replay.read(index, &entry) {
                    report.problem(format!("entry {index} of the log"), fact);
                }
            }
            // Tiles that are full are compared at once, so that memory stays small.
            let full = |hashes: &Vec<u8>| hashes.len() as u64 == TILE_WIDTH * 32;
            let done: Vec<TileId> = open.iter().filter(|(_, h)| full(h)).map(|(id, _)| *id).collect();
            for id in done {
                if let Some(hashes) = open.remove(&id) {
                    tile(connection, (id, &hashes), mode, report).await?;
                }
            }
        }
        for (id, hashes) in &open {
            tile(connection, (*id, hashes), mode, report).await?;
        }
        report.checked.entries = size;
        report.checked.roots = replay.roots.len() as u64;
        replay.check_head(&appender, report);
        extra(connection, size, report).await?;
        Ok(Some(replay))
    }

    /// Reads an entry as what it is.
    fn read(&mut self, index: u64, entry: &[u8]) -> std::result::Result<(), String> {
        let envelope = Envelope::parse(entry).map_err(|error| error.to_string())?;
        match envelope.payload_type_unverified() {
            ROOT_PAYLOAD_TYPE => self.read_root(index, &envelope),
            EVENT_PAYLOAD_TYPE => self.read_event(index, &envelope),
            _ => self.read_takedown(index, &envelope),
        }
    }

    fn read_root(&mut self, index: u64, envelope: &Envelope) -> std::result::Result<(), String> {
        let before = self.roots.last().map(|(_, root)| root);
        let root = follow(before, envelope).map_err(|error| error.to_string())?;
        self.roots.push((index, root));
        Ok(())
    }

    /// The newest root.
    pub(super) fn root(&self) -> Option<&Root> {
        self.roots.last().map(|(_, root)| root.root())
    }

    fn read_event(&mut self, index: u64, envelope: &Envelope) -> std::result::Result<(), String> {
        let claimed = Event::read_unverified(envelope).map_err(|error| error.to_string())?;
        let origin = self.head.origin.clone();
        let publisher = claimed.publisher;
        let new = || (History::new(origin, publisher.clone()), Vec::new());
        let (history, places) = self.histories.entry(publisher.clone()).or_insert_with(new);
        let event = history.accept(envelope).map_err(|error| error.to_string())?;
        places.push(index);
        let Some(skill) = event.skill() else { return Ok(()) };
        let change = match event.action {
            Action::Release(release) => Change::Release(index, Box::new(release)),
            Action::Yank { version, reason, .. } => Change::Yank(version, reason.to_string()),
            Action::Unyank { version, reason, .. } => Change::Unyank(version, reason.to_string()),
            _ => return Ok(()),
        };
        self.changes.entry(skill).or_default().push(change);
        Ok(())
    }

    fn read_takedown(&mut self, index: u64, envelope: &Envelope) -> std::result::Result<(), String> {
        let roots = self.roots.iter().map(|(_, root)| root);
        let opened = takedowns::open(envelope, &self.head.origin, roots);
        let takedown = opened.ok_or("it is no root, event or takedown that is signed as it must be")?;
        for (skill, changes) in &mut self.changes {
            let covers = |change: &Change| match change {
                Change::Release(_, release) => takedown.covers(skill, &release.version, &release.archive),
                _ => false,
            };
            if changes.iter().any(covers) {
                changes.push(Change::Takedown(takedown.clone()));
            }
        }
        self.takedowns.push((index, takedown));
        Ok(())
    }

    fn check_head(&self, appender: &Appender, report: &mut Report) {
        let Some(root) = self.root() else {
            report.problem("log", "no root stands in it");
            return;
        };
        if root.version() != self.head.root_version {
            report.problem("log", "the newest root in it is another one than the head names");
        }
        if self.takedowns.len() as u64 != self.head.takedown_sequence {
            report.problem("log", "it has another number of takedowns than the head names");
        }
        let expected = Checkpoint::new(self.head.origin.clone(), self.head.size, appender.root());
        match Checkpoint::verify(&self.head.checkpoint, &self.head.origin, root.log_key()) {
            Ok(found) if found == expected => {}
            Ok(_) => report.problem("checkpoint", "it is not of the entries that are there"),
            Err(error) => report.problem("checkpoint", error),
        }
    }
}

async fn tile(
    connection: &mut AnyConnection,
    (id, expected): (TileId, &[u8]),
    mode: Mode,
    report: &mut Report,
) -> Result<()> {
    report.checked.tiles += 1;
    if log::stored_tile(connection, id).await?.is_some_and(|hashes| hashes == expected) {
        return Ok(());
    }
    if mode == Mode::Repair {
        log::write_tile(connection, id, expected.to_vec()).await?;
    }
    report.found(mode, format!("tile {id}"), "it is not what follows from the entries");
    Ok(())
}

/// What stands in the tables beyond the end of the log.
async fn extra(connection: &mut AnyConnection, size: u64, report: &mut Report) -> Result<()> {
    let (entries,): (i64,) =
        sqlx::query_as("SELECT COUNT(*) FROM leaves").fetch_one(&mut *connection).await?;
    if unsigned(entries)? != size {
        report.problem("log", format!("there are {entries} entries, and the head counts {size}"));
    }
    let tiles: Vec<(i64, i64)> =
        sqlx::query_as("SELECT level, tile FROM tiles").fetch_all(connection).await?;
    for (level, tile) in tiles {
        let id = u8::try_from(level).ok().filter(|level| *level < 8);
        let width = id.map_or(0, |level| TileId { level, index: tile.unsigned_abs() }.width(size));
        if width == 0 {
            report.problem(format!("tile {level}/{tile}"), "it lies beyond the end of the log");
        }
    }
    Ok(())
}
