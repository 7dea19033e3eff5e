//! Files of SQLite whose layout has a version.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, Result, Transaction, TransactionBehavior};

/// Opens a file, or makes it for this user alone, and waits for other processes for as long as `patience`. `migrate` brings it
/// from an older version, which is 0 for a new file, to `version`. Answers with its version then, which a newer file keeps.
///
/// # Errors
/// What SQLite says.
pub fn open(
    path: &Path,
    patience: Duration,
    version: i64,
    migrate: impl FnOnce(&Transaction<'_>, i64) -> Result<()>,
) -> Result<(Connection, i64)> {
    // Where it cannot be made, SQLite says so.
    let _ = OpenOptions::new().create(true).append(true).mode(0o600).open(path);
    let version_of =
        |connection: &Connection| connection.pragma_query_value(None, "user_version", |row| row.get(0));
    let mut connection = Connection::open(path)?;
    connection.busy_timeout(patience)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    if version_of(&connection)? < version {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        // Another process may have been first.
        let found = version_of(&transaction)?;
        if found < version {
            migrate(&transaction, found)?;
            transaction.pragma_update(None, "user_version", version)?;
        }
        transaction.commit()?;
    }
    let found = version_of(&connection)?;
    Ok((connection, found))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn open_as(path: &Path, version: i64, from: i64) -> Result<i64> {
        let opened = open(path, Duration::ZERO, version, |transaction, found| {
            assert_eq!(found, from);
            transaction.execute_batch(&format!("CREATE TABLE of_{version} (x ANY) STRICT;"))
        });
        opened.map(|(_, found)| found)
    }

    #[test]
    fn a_file_is_ones_own_and_is_migrated_once_or_not_at_all() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.db");
        assert_eq!(open_as(&path, 1, 0), Ok(1));
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(open_as(&path, 1, 99), Ok(1));
        let failed = open(&path, Duration::ZERO, 2, |transaction, _| {
            transaction.execute_batch("CREATE TABLE of_2 (x ANY) STRICT; CREATE TABLE of_1 (x ANY) STRICT;")
        });
        assert!(failed.is_err());
        assert_eq!(open_as(&path, 2, 1), Ok(2));
        assert_eq!(open_as(&path, 1, 99), Ok(2), "a newer one is left as it is");
        assert!(open_as(&dir.path().join("nowhere/x.db"), 1, 0).is_err());
    }

    #[test]
    fn while_another_writes_a_file_that_is_up_to_date_is_opened() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.db");
        let (mut one, _) = open(&path, Duration::ZERO, 1, |_, _| Ok(())).unwrap();
        let _writing = one.transaction_with_behavior(TransactionBehavior::Immediate).unwrap();
        assert_eq!(open_as(&path, 1, 99), Ok(1));
        assert!(open_as(&path, 2, 1).is_err(), "that needs the lock");
    }
}
