//! Takedowns: the notices in the log, and the signed list that is served.

use jiff::Timestamp;
use openclaw_package::Envelope;
use openclaw_package::registry::{Origin, Takedown, TakedownNotice, TrustedRoot};
use sqlx::AnyConnection;

use super::{signed, time, unsigned};
use crate::error::{Fault, Result};

/// Writes down at which index of the log a notice stands.
///
/// # Errors
///
/// A failing database.
pub async fn insert(connection: &mut AnyConnection, sequence: u64, index: u64) -> Result<()> {
    sqlx::query("INSERT INTO takedowns (sequence, log_index) VALUES ($1, $2)")
        .bind(signed(sequence))
        .bind(signed(index))
        .execute(connection)
        .await?;
    Ok(())
}

/// The notices as they stand in the log, oldest first, with their indices.
///
/// # Errors
///
/// A failing database.
pub async fn notices(connection: &mut AnyConnection) -> Result<Vec<(u64, Vec<u8>)>> {
    const SQL: &str =
        "SELECT t.log_index, l.entry FROM takedowns t JOIN leaves l ON l.log_index = t.log_index
        ORDER BY t.sequence";
    let rows: Vec<(i64, Vec<u8>)> = sqlx::query_as(SQL).fetch_all(connection).await?;
    rows.into_iter().map(|(index, entry)| Ok((unsigned(index)?, entry))).collect()
}

/// What a notice says, if it is ours and was signed by the takedown key of one of our roots.
pub fn open<'a>(
    envelope: &Envelope,
    origin: &Origin,
    roots: impl IntoIterator<Item = &'a TrustedRoot>,
) -> Option<Takedown> {
    let mut keys = roots.into_iter().map(|root| root.root().takedown_key());
    keys.find_map(|key| TakedownNotice::verify(envelope, origin, key).ok()).map(|notice| notice.takedown)
}

/// All that was taken down, oldest first.
///
/// # Errors
///
/// A failing database, or notices that do not hold.
pub async fn all(
    connection: &mut AnyConnection,
    origin: &Origin,
    roots: &[TrustedRoot],
) -> Result<Vec<Takedown>> {
    let read = |(_, entry): (u64, Vec<u8>)| {
        let envelope = Envelope::parse(&entry).map_err(|error| Fault::damaged("a takedown", error))?;
        let opened = open(&envelope, origin, roots);
        opened.ok_or_else(|| Fault::Damaged("a takedown is not signed by a takedown key".to_owned()).into())
    };
    notices(connection).await?.into_iter().map(read).collect()
}

/// The list as it was signed last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedList {
    /// How many takedowns it has.
    pub sequence: u64,
    /// When it was signed.
    pub issued: Timestamp,
    /// Under which version of the root.
    pub root_version: u64,
    /// The envelope.
    pub envelope: String,
}

/// The list as it was signed last, if it ever was.
///
/// # Errors
///
/// A failing database.
pub async fn list(connection: &mut AnyConnection) -> Result<Option<SignedList>> {
    const SQL: &str = "SELECT sequence, issued, root_version, envelope FROM takedown_lists WHERE id = 1";
    let row: Option<(i64, i64, i64, String)> = sqlx::query_as(SQL).fetch_optional(connection).await?;
    row.map(|(sequence, issued, root, envelope)| {
        Ok(SignedList {
            sequence: unsigned(sequence)?,
            issued: time(issued)?,
            root_version: unsigned(root)?,
            envelope,
        })
    })
    .transpose()
}

/// Keeps the list that was signed.
///
/// # Errors
///
/// A failing database.
pub async fn set_list(connection: &mut AnyConnection, list: &SignedList) -> Result<()> {
    const SQL: &str = "INSERT INTO takedown_lists (id, sequence, issued, root_version, envelope)
        VALUES (1, $1, $2, $3, $4) ON CONFLICT (id) DO UPDATE SET sequence = excluded.sequence,
            issued = excluded.issued, root_version = excluded.root_version, envelope = excluded.envelope";
    sqlx::query(SQL)
        .bind(signed(list.sequence))
        .bind(list.issued.as_second())
        .bind(signed(list.root_version))
        .bind(list.envelope.clone())
        .execute(connection)
        .await?;
    Ok(())
}
