//! Uploads that no release names yet, and how many a publisher has made.

use jiff::Timestamp;
use openclaw_package::{Digest, PublisherName};
use sqlx::AnyConnection;

use super::{parsed, unsigned};
use crate::error::Result;

/// An upload that has not become a release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upload {
    /// Its name, random.
    pub id: String,
    /// The digest of the archive.
    pub archive: Digest,
    /// The digest of the signature's file.
    pub signature: Digest,
}

/// Writes an upload down, before its blobs are put.
///
/// # Errors
///
/// A failing database.
pub async fn insert(connection: &mut AnyConnection, upload: &Upload, now: Timestamp) -> Result<()> {
    sqlx::query("INSERT INTO uploads (id, archive, signature, started) VALUES ($1, $2, $3, $4)")
        .bind(upload.id.clone())
        .bind(upload.archive.to_string())
        .bind(upload.signature.to_string())
        .bind(now.as_second())
        .execute(connection)
        .await?;
    Ok(())
}

/// Removes an upload, and says whether it was there.
///
/// # Errors
///
/// A failing database.
pub async fn remove(connection: &mut AnyConnection, id: &str) -> Result<bool> {
    let done =
        sqlx::query("DELETE FROM uploads WHERE id = $1").bind(id.to_owned()).execute(connection).await?;
    Ok(done.rows_affected() > 0)
}

/// Uploads that began before a time.
///
/// # Errors
///
/// A failing database.
pub async fn before(connection: &mut AnyConnection, time: Timestamp) -> Result<Vec<Upload>> {
    let rows: Vec<(String, String, String)> =
        sqlx::query_as("SELECT id, archive, signature FROM uploads WHERE started < $1 ORDER BY started")
            .bind(time.as_second())
            .fetch_all(connection)
            .await?;
    rows.into_iter()
        .map(|(id, archive, signature)| {
            Ok(Upload { id, archive: parsed(&archive)?, signature: parsed(&signature)? })
        })
        .collect()
}

/// Whether a release or an upload names a blob.
///
/// # Errors
///
/// A failing database.
pub async fn is_named(connection: &mut AnyConnection, digest: &Digest) -> Result<bool> {
    const SQL: &str = "SELECT (SELECT COUNT(*) FROM releases WHERE archive = $1)
        + (SELECT COUNT(*) FROM releases WHERE signature = $1)
        + (SELECT COUNT(*) FROM uploads WHERE archive = $1 OR signature = $1)";
    let (count,): (i64,) = sqlx::query_as(SQL).bind(digest.to_string()).fetch_one(connection).await?;
    Ok(count > 0)
}

/// Counts one more upload of a publisher in this hour, and says how many that makes.
///
/// # Errors
///
/// A failing database.
pub async fn count(connection: &mut AnyConnection, publisher: &PublisherName, now: Timestamp) -> Result<u64> {
    const SQL: &str = "INSERT INTO upload_counts (publisher, hour, uploads) VALUES ($1, $2, 1)
        ON CONFLICT (publisher, hour) DO UPDATE SET uploads = upload_counts.uploads + 1 RETURNING uploads";
    let hour = now.as_second() / 3600;
    sqlx::query("DELETE FROM upload_counts WHERE hour < $1").bind(hour).execute(&mut *connection).await?;
    let (uploads,): (i64,) =
        sqlx::query_as(SQL).bind(publisher.as_str().to_owned()).bind(hour).fetch_one(connection).await?;
    unsigned(uploads)
}

/// How many uploads of a publisher were counted in this hour.
///
/// # Errors
///
/// A failing database.
pub async fn counted(
    connection: &mut AnyConnection,
    publisher: &PublisherName,
    now: Timestamp,
) -> Result<u64> {
    let row: Option<(i64,)> =
        sqlx::query_as("SELECT uploads FROM upload_counts WHERE publisher = $1 AND hour = $2")
            .bind(publisher.as_str().to_owned())
            .bind(now.as_second() / 3600)
            .fetch_optional(connection)
            .await?;
    row.map_or(Ok(0), |(uploads,)| unsigned(uploads))
}
