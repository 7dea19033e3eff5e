//! What is kept of triggers from one process to the next, in `triggers.db`: what was run, what is paused, and where.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use jiff::Timestamp;
use openclaw_package::name::{NameError, SkillId, ToolId};
use openclaw_runtime::layout::DataDir;
use openclaw_runtime::sqlite;
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};

/// The layout of the file; a newer one is refused.
const SCHEMA_VERSION: i64 = 1;
/// How long another process is waited for.
const PATIENCE: Duration = Duration::from_secs(2);
const SCHEMA: &str = "
    CREATE TABLE schedule (key TEXT PRIMARY KEY, tool TEXT NOT NULL, seen INTEGER NOT NULL,
        last_run INTEGER, last_outcome TEXT) STRICT, WITHOUT ROWID;
    CREATE TABLE paused (name TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
    CREATE TABLE workspace (tool TEXT PRIMARY KEY, dir TEXT NOT NULL) STRICT, WITHOUT ROWID;
";
/// What a run's outcome is while it runs.
const RUNNING: &str = "running";
/// What it is where the process ended before the run did.
const INTERRUPTED: &str = "interrupted";

/// Why `triggers.db` cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// It could not be read or written.
    #[error("{} cannot be used: {source}", path.display())]
    Database {
        /// The file.
        path: PathBuf,
        /// What SQLite said.
        source: rusqlite::Error,
    },
    /// A newer version wrote it.
    #[error("{} was written by a newer version of openclaw", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
    },
    /// Its lock could not be made.
    #[error("{} cannot be used: {source}", path.display())]
    Lock {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The whole skill is paused, so that none of its tools can be resumed alone.
    #[error("all of {0} is paused")]
    SkillPaused(SkillId),
    /// A directory's name is no text.
    #[error("{} cannot be kept: its name is not UTF-8", .0.display())]
    NotText(PathBuf),
}

impl StoreError {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Database { .. } | Self::Newer { .. } | Self::Lock { .. } => "triggers-unavailable",
            Self::SkillPaused(_) => "skill-paused",
            Self::NotText(_) => "invalid-workspace",
        }
    }

    /// What to do next, where there is something.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::SkillPaused(skill) => Some(format!("openclaw trigger resume {skill}")),
            Self::Newer { .. } => Some("update openclaw".to_owned()),
            _ => None,
        }
    }
}

/// What is paused: a tool, or all of a skill, also what a later version of it brings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A skill.
    Skill(SkillId),
    /// A tool.
    Tool(ToolId),
}

impl Subject {
    /// The skill that it is, or is of.
    #[must_use]
    pub fn skill(&self) -> &SkillId {
        match self {
            Self::Skill(skill) => skill,
            Self::Tool(tool) => tool.skill(),
        }
    }

    /// Whether it is, or has, a tool.
    #[must_use]
    pub fn covers(&self, tool: &ToolId) -> bool {
        match self {
            Self::Skill(skill) => skill == tool.skill(),
            Self::Tool(only) => only == tool,
        }
    }
}

impl FromStr for Subject {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        match text.parse() {
            Ok(tool) => Ok(Self::Tool(tool)),
            Err(error) => text.parse().map(Self::Skill).map_err(|_| error),
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Skill(skill) => skill.fmt(f),
            Self::Tool(tool) => tool.fmt(f),
        }
    }
}

/// All that is paused.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Paused(BTreeSet<String>);

impl Paused {
    /// Whether a tool is, or its skill.
    #[must_use]
    pub fn covers(&self, tool: &ToolId) -> bool {
        self.0.contains(tool.as_str()) || self.0.contains(tool.skill().as_str())
    }
}

/// What the owner said of triggers.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// What is paused.
    pub paused: Paused,
    /// The directory that `$workspace` stands for in a tool's runs; it has none where none is named.
    pub workspaces: BTreeMap<ToolId, PathBuf>,
}

/// What is known of a schedule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// Whatever was due until then was run or left out.
    pub seen: Timestamp,
    /// When it ran the last time.
    pub last_run: Option<Timestamp>,
    /// What came of that: `ok`, `running`, `interrupted` or the code of an error.
    pub last_outcome: Option<String>,
}

/// The store.
#[derive(Debug)]
pub struct Store {
    path: PathBuf,
    connection: Connection,
}

type Sql<T> = Result<T, rusqlite::Error>;

impl Store {
    /// Opens the store of a data directory, and makes it where there is none.
    ///
    /// # Errors
    /// [`StoreError`], also where a newer version wrote it.
    pub fn open(dir: &DataDir) -> Result<Self, StoreError> {
        let path = dir.triggers();
        let failed = |source| StoreError::Database { path: path.clone(), source };
        let create = |transaction: &Transaction<'_>, _| transaction.execute_batch(SCHEMA);
        let (connection, version) = sqlite::open(&path, PATIENCE, SCHEMA_VERSION, create).map_err(failed)?;
        if version > SCHEMA_VERSION {
            return Err(StoreError::Newer { path });
        }
        Ok(Self { path, connection })
    }

    /// What the owner said.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub fn settings(&self) -> Result<Settings, StoreError> {
        self.reading(|connection| {
            let paused = texts(connection, "SELECT name FROM paused")?;
            let mut statement = connection.prepare_cached("SELECT tool, dir FROM workspace")?;
            let rows =
                statement.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))?;
            let mut workspaces = BTreeMap::new();
            for row in rows {
                let (tool, dir) = row?;
                // What was a name once may be none for a later version; nobody calls it then.
                workspaces.extend(tool.parse().ok().map(|tool: ToolId| (tool, PathBuf::from(dir))));
            }
            Ok(Settings { paused: Paused(paused), workspaces })
        })
    }

    /// Has a tool, or a skill, not be called by triggers until it is resumed; whether it was not paused before.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub fn pause(&mut self, subject: &Subject) -> Result<bool, StoreError> {
        self.writing(|transaction| {
            let name = subject.to_string();
            let added =
                transaction.execute("INSERT OR IGNORE INTO paused (name) VALUES (?1)", params![name])?;
            Ok(added > 0)
        })
    }

    /// Takes back [`Store::pause`], for a skill also that of each of its tools; whether there was anything to take
    /// back. What was due meanwhile counts as seen.
    ///
    /// # Errors
    /// [`StoreError::SkillPaused`] for a tool whose whole skill is paused.
    pub fn resume(&mut self, subject: &Subject, now: Timestamp) -> Result<bool, StoreError> {
        if let Subject::Tool(tool) = subject {
            let query = "SELECT 1 FROM paused WHERE name = ?1";
            let skill = tool.skill();
            let found = self.reading(|connection| {
                connection.query_row(query, params![skill.as_str()], |_| Ok(())).optional()
            });
            if found?.is_some() {
                return Err(StoreError::SkillPaused(skill.clone()));
            }
        }
        self.writing(|transaction| {
            let (name, below) = (subject.to_string(), format!("{subject}/"));
            let of = "(?1 = tool OR substr(tool, 1, length(?2)) = ?2)";
            let query = format!("DELETE FROM paused WHERE {}", of.replace("tool", "name"));
            let removed = transaction.execute(&query, params![name, below])?;
            if removed > 0 {
                let query = format!("UPDATE schedule SET seen = max(seen, ?3) WHERE {of}");
                transaction.execute(&query, params![name, below, now.as_second()])?;
            }
            Ok(removed > 0)
        })
    }

    /// Names the directory that `$workspace` stands for in a tool's runs, or that it has none.
    ///
    /// # Errors
    /// [`StoreError::NotText`] for a directory whose name is not UTF-8.
    pub fn set_workspace(&mut self, tool: &ToolId, dir: Option<&Path>) -> Result<(), StoreError> {
        let dir = dir.map(|dir| dir.to_str().ok_or_else(|| StoreError::NotText(dir.to_owned())));
        let dir = dir.transpose()?;
        self.writing(|transaction| {
            transaction.execute("DELETE FROM workspace WHERE tool = ?1", params![tool.as_str()])?;
            if let Some(dir) = dir {
                let query = "INSERT INTO workspace (tool, dir) VALUES (?1, ?2)";
                transaction.execute(query, params![tool.as_str(), dir])?;
            }
            Ok(())
        })
    }

    /// Forgets all of a skill.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub fn forget(&mut self, skill: &SkillId) -> Result<(), StoreError> {
        self.writing(|transaction| {
            let (name, below) = (skill.as_str(), format!("{skill}/"));
            for (table, column) in [("schedule", "tool"), ("workspace", "tool"), ("paused", "name")] {
                let query = format!(
                    "DELETE FROM {table} WHERE {column} = ?1 OR substr({column}, 1, length(?2)) = ?2"
                );
                transaction.execute(&query, params![name, below])?;
            }
            Ok(())
        })
    }

    /// What is known of schedules, by their keys.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub fn known(&self) -> Result<BTreeMap<String, Known>, StoreError> {
        self.reading(|connection| {
            let query = "SELECT key, seen, last_run, last_outcome FROM schedule";
            let mut statement = connection.prepare_cached(query)?;
            let time = |seconds: i64| Timestamp::from_second(seconds).unwrap_or(Timestamp::MIN);
            let rows = statement.query_map([], |row| {
                let known = Known {
                    seen: time(row.get(1)?),
                    last_run: row.get::<_, Option<i64>>(2)?.map(time),
                    last_outcome: row.get(3)?,
                };
                Ok((row.get(0)?, known))
            })?;
            rows.collect()
        })
    }

    /// Notes that whatever was due of these was run or left out.
    pub(super) fn saw(&mut self, keys: &[(String, ToolId)], now: Timestamp) -> Result<(), StoreError> {
        let query = "INSERT INTO schedule (key, tool, seen) VALUES (?1, ?2, ?3)
             ON CONFLICT (key) DO UPDATE SET seen = excluded.seen";
        self.each(query, keys, now)
    }

    /// Notes that these begin to run.
    pub(super) fn began(&mut self, keys: &[(String, ToolId)], now: Timestamp) -> Result<(), StoreError> {
        let query = "INSERT INTO schedule (key, tool, seen, last_run, last_outcome)
             VALUES (?1, ?2, ?3, ?3, 'running')
             ON CONFLICT (key) DO UPDATE SET seen = excluded.seen, last_run = excluded.last_run,
             last_outcome = excluded.last_outcome";
        self.each(query, keys, now)
    }

    /// Notes what came of a run.
    pub(super) fn ended(&mut self, key: &str, outcome: &str) -> Result<(), StoreError> {
        self.writing(|transaction| {
            let query = "UPDATE schedule SET last_outcome = ?2 WHERE key = ?1";
            transaction.execute(query, params![key, outcome]).map(drop)
        })
    }

    /// Notes that what still runs, by these notes, was interrupted; and forgets schedules that are neither among
    /// `there` nor were seen since `before`.
    pub(super) fn clean(&mut self, there: &BTreeSet<String>, before: Timestamp) -> Result<(), StoreError> {
        self.writing(|transaction| {
            let query = "UPDATE schedule SET last_outcome = ?1 WHERE last_outcome = ?2";
            transaction.execute(query, params![INTERRUPTED, RUNNING])?;
            let mut statement = transaction.prepare("SELECT key FROM schedule WHERE seen < ?1")?;
            let old = statement.query_map(params![before.as_second()], |row| row.get::<_, String>(0))?;
            for key in old.collect::<Sql<Vec<_>>>()?.iter().filter(|key| !there.contains(*key)) {
                transaction.execute("DELETE FROM schedule WHERE key = ?1", params![key])?;
            }
            Ok(())
        })
    }

    fn each(&mut self, query: &str, keys: &[(String, ToolId)], now: Timestamp) -> Result<(), StoreError> {
        if keys.is_empty() {
            return Ok(());
        }
        self.writing(|transaction| {
            let mut statement = transaction.prepare_cached(query)?;
            for (key, tool) in keys {
                statement.execute(params![key, tool.as_str(), now.as_second()])?;
            }
            Ok(())
        })
    }

    fn reading<T>(&self, read: impl FnOnce(&Connection) -> Sql<T>) -> Result<T, StoreError> {
        read(&self.connection).map_err(|source| StoreError::Database { path: self.path.clone(), source })
    }

    fn writing<T>(&mut self, write: impl FnOnce(&Transaction<'_>) -> Sql<T>) -> Result<T, StoreError> {
        let written = (|| {
            let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let written = write(&transaction)?;
            transaction.commit()?;
            Ok(written)
        })();
        written.map_err(|source| StoreError::Database { path: self.path.clone(), source })
    }
}

fn texts(connection: &Connection, query: &str) -> Sql<BTreeSet<String>> {
    let mut statement = connection.prepare_cached(query)?;
    let rows = statement.query_map([], |row| row.get(0))?;
    rows.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    fn tool(name: &str) -> ToolId {
        name.parse().unwrap()
    }

    fn store() -> (tempfile::TempDir, DataDir, Store) {
        let parent = tempfile::tempdir().unwrap();
        let dir = DataDir::open(parent.path().join("data")).unwrap();
        let store = Store::open(&dir).unwrap();
        (parent, dir, store)
    }

    #[test]
    fn what_is_noted_is_there_for_the_next_process() {
        let (_parent, dir, mut store) = store();
        let keys = [("a".to_owned(), tool("acme/x/a")), ("b".to_owned(), tool("acme/x/b"))];
        store.saw(&keys, at(10)).unwrap();
        store.began(&keys[..1], at(20)).unwrap();
        let known = Store::open(&dir).unwrap().known().unwrap();
        assert_eq!(known["b"], Known { seen: at(10), last_run: None, last_outcome: None });
        let running = Known { seen: at(20), last_run: Some(at(20)), last_outcome: Some(RUNNING.into()) };
        assert_eq!(known["a"], running);
        store.ended("a", "timeout").unwrap();
        store.saw(&keys[..1], at(30)).unwrap();
        let known = store.known().unwrap();
        assert_eq!(
            (known["a"].last_run, known["a"].last_outcome.as_deref()),
            (Some(at(20)), Some("timeout"))
        );
    }

    #[test]
    fn a_run_that_never_ended_was_interrupted_and_old_notes_go() {
        let (_parent, _dir, mut store) = store();
        let keys = [("a".to_owned(), tool("acme/x/a")), ("b".to_owned(), tool("acme/x/b"))];
        store.began(&keys, at(10)).unwrap();
        store.clean(&BTreeSet::from(["a".to_owned()]), at(11)).unwrap();
        let known = store.known().unwrap();
        assert_eq!(known.len(), 1, "b is neither there nor recent");
        assert_eq!(known["a"].last_outcome.as_deref(), Some(INTERRUPTED));
    }

    #[test]
    fn a_tool_is_paused_by_its_name_and_by_that_of_its_skill() {
        let (_parent, dir, mut store) = store();
        let [a, b, other] = ["acme/x/a", "acme/x/b", "acme/xy/a"].map(tool);
        let (skill, only_a) = ("acme/x".parse().unwrap(), "acme/x/a".parse().unwrap());
        assert!(store.pause(&only_a).unwrap() && !store.pause(&only_a).unwrap());
        let paused = Store::open(&dir).unwrap().settings().unwrap().paused;
        assert_eq!([&a, &b, &other].map(|tool| paused.covers(tool)), [true, false, false]);
        store.pause(&skill).unwrap();
        let paused = store.settings().unwrap().paused;
        assert_eq!([&a, &b, &other].map(|tool| paused.covers(tool)), [true, true, false]);
        let error = store.resume(&only_a, at(5)).unwrap_err();
        assert_eq!(
            (error.code(), error.hint().unwrap()),
            ("skill-paused", "openclaw trigger resume acme/x".into())
        );
        assert!(store.resume(&skill, at(5)).unwrap() && !store.resume(&skill, at(5)).unwrap());
        assert_eq!(store.settings().unwrap().paused, Paused::default());
    }

    #[test]
    fn what_was_due_while_it_was_paused_counts_as_seen() {
        let (_parent, _dir, mut store) = store();
        store
            .saw(&[("a".to_owned(), tool("acme/x/a")), ("b".to_owned(), tool("acme/xy/a"))], at(10))
            .unwrap();
        let skill = "acme/x".parse().unwrap();
        store.pause(&skill).unwrap();
        store.resume(&skill, at(50)).unwrap();
        let known = store.known().unwrap();
        assert_eq!((known["a"].seen, known["b"].seen), (at(50), at(10)));
    }

    #[test]
    fn a_workspace_is_a_tools_own_and_goes_with_its_skill() {
        let (_parent, _dir, mut store) = store();
        let [a, other] = ["acme/x/a", "acme/xy/a"].map(tool);
        store.set_workspace(&a, Some(Path::new("/code"))).unwrap();
        store.set_workspace(&other, Some(Path::new("/other"))).unwrap();
        store.pause(&"acme/x".parse().unwrap()).unwrap();
        store.saw(&[("a".to_owned(), a.clone())], at(10)).unwrap();
        assert_eq!(store.settings().unwrap().workspaces[&a], Path::new("/code"));
        store.forget(a.skill()).unwrap();
        let settings = store.settings().unwrap();
        assert_eq!(settings.workspaces.keys().collect::<Vec<_>>(), [&other]);
        assert_eq!(settings.paused, Paused::default());
        assert!(store.known().unwrap().is_empty());
        store.set_workspace(&other, None).unwrap();
        assert!(store.settings().unwrap().workspaces.is_empty());
    }

    #[test]
    fn a_file_of_a_newer_version_is_refused() {
        let (_parent, dir, store) = store();
        store.connection.pragma_update(None, "user_version", SCHEMA_VERSION + 1).unwrap();
        assert!(matches!(Store::open(&dir), Err(StoreError::Newer { .. })));
    }
}
