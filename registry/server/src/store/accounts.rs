//! Publishers and their histories.

use jiff::Timestamp;
use openclaw_package::PublisherName;
use openclaw_package::registry::History;
use serde::Serialize;
use sqlx::AnyConnection;

use super::{parsed, signed, time, unsigned};
use crate::error::{Fault, Refusal, Result};

/// A publisher's account.
#[derive(Debug, Clone, Serialize)]
pub struct Account {
    /// The name.
    pub publisher: PublisherName,
    /// When it was created.
    pub created: Timestamp,
    /// How many events its history has.
    pub history_length: u64,
    /// How many skills it has.
    pub skills: u64,
}

/// Creates an account with an empty history.
///
/// # Errors
///
/// [`Refusal::NameCollision`] where the name, or one that looks like it, is taken.
pub async fn create(connection: &mut AnyConnection, history: &History, now: Timestamp) -> Result<()> {
    let name = history.publisher().as_str();
    let key = name.replace('-', "");
    let taken: Option<(String,)> = sqlx::query_as("SELECT name FROM publishers WHERE collision_key = $1")
        .bind(key.clone())
        .fetch_optional(&mut *connection)
        .await?;
    if let Some((taken,)) = taken {
        return Err(Refusal::NameCollision(name.to_owned(), taken).into());
    }
    sqlx::query("INSERT INTO publishers (name, collision_key, created, history) VALUES ($1, $2, $3, $4)")
        .bind(name.to_owned())
        .bind(key)
        .bind(now.as_second())
        .bind(to_json(history)?)
        .execute(connection)
        .await?;
    Ok(())
}

fn to_json(history: &History) -> Result<String> {
    Ok(serde_json::to_string(history).map_err(|error| Fault::damaged("a history", error))?)
}

/// The state of a publisher's history.
///
/// # Errors
///
/// A failing database.
pub async fn history(connection: &mut AnyConnection, publisher: &PublisherName) -> Result<Option<History>> {
    let row: Option<(String,)> = sqlx::query_as("SELECT history FROM publishers WHERE name = $1")
        .bind(publisher.as_str().to_owned())
        .fetch_optional(connection)
        .await?;
    let read = |(json,): (String,)| {
        serde_json::from_str(&json).map_err(|error| Fault::damaged("a history", error).into())
    };
    row.map(read).transpose()
}

/// The state of the history of a publisher that must be there.
///
/// # Errors
///
/// [`Refusal::NotFound`].
pub async fn existing_history(connection: &mut AnyConnection, publisher: &PublisherName) -> Result<History> {
    let found = history(connection, publisher).await?;
    found.ok_or_else(|| Refusal::NotFound(format!("publisher {publisher}")).into())
}

/// Writes the new state of a history, and where its new events stand in the log.
///
/// # Errors
///
/// A failing database.
pub async fn advance(connection: &mut AnyConnection, history: &History, indices: &[u64]) -> Result<()> {
    sqlx::query("UPDATE publishers SET history = $1 WHERE name = $2")
        .bind(to_json(history)?)
        .bind(history.publisher().as_str().to_owned())
        .execute(&mut *connection)
        .await?;
    let first = history.length().saturating_sub(indices.len() as u64);
    for (sequence, index) in (first..).zip(indices) {
        sqlx::query("INSERT INTO events (publisher, sequence, log_index) VALUES ($1, $2, $3)")
            .bind(history.publisher().as_str().to_owned())
            .bind(signed(sequence))
            .bind(signed(*index))
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

/// The events of a publisher from a place in its history on, with their places in the log.
///
/// # Errors
///
/// A failing database.
pub async fn events(
    connection: &mut AnyConnection,
    publisher: &PublisherName,
    after: u64,
    most: u64,
) -> Result<Vec<(u64, Vec<u8>)>> {
    const SQL: &str = "SELECT e.log_index, l.entry FROM events e JOIN leaves l ON l.log_index = e.log_index
        WHERE e.publisher = $1 AND e.sequence >= $2 ORDER BY e.sequence LIMIT $3";
    let rows: Vec<(i64, Vec<u8>)> = sqlx::query_as(SQL)
        .bind(publisher.as_str().to_owned())
        .bind(signed(after))
        .bind(signed(most))
        .fetch_all(connection)
        .await?;
    rows.into_iter().map(|(index, entry)| Ok((unsigned(index)?, entry))).collect()
}

/// How many bytes all events of a publisher have in the log.
///
/// # Errors
///
/// A failing database.
pub async fn history_size(connection: &mut AnyConnection, publisher: &PublisherName) -> Result<u64> {
    const SQL: &str = "SELECT CAST(COALESCE(SUM(LENGTH(l.entry)), 0) AS BIGINT)
        FROM events e JOIN leaves l ON l.log_index = e.log_index WHERE e.publisher = $1";
    let (size,): (i64,) =
        sqlx::query_as(SQL).bind(publisher.as_str().to_owned()).fetch_one(connection).await?;
    unsigned(size)
}

/// All accounts, by name.
///
/// # Errors
///
/// A failing database.
pub async fn list(connection: &mut AnyConnection) -> Result<Vec<Account>> {
    const SQL: &str = "SELECT p.name, p.created,
            (SELECT COUNT(*) FROM events e WHERE e.publisher = p.name),
            (SELECT COUNT(*) FROM skills s WHERE s.publisher = p.name)
        FROM publishers p ORDER BY p.name";
    let rows: Vec<(String, i64, i64, i64)> = sqlx::query_as(SQL).fetch_all(connection).await?;
    let account = |(name, created, events, skills): (String, i64, i64, i64)| {
        Ok(Account {
            publisher: parsed(&name)?,
            created: time(created)?,
            history_length: unsigned(events)?,
            skills: unsigned(skills)?,
        })
    };
    rows.into_iter().map(account).collect()
}
