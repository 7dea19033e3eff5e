//! Tokens in the database: their hashes, and what they are for.

use jiff::Timestamp;
use openclaw_package::{Digest, PublisherName};
use sqlx::AnyConnection;

use super::{parsed, time};
use crate::error::{Refusal, Result};
use crate::token::{Scope, Token};

/// How exactly the last use is kept, in seconds: a read must not always cost a write.
const USE_STEP: i64 = 3600;

type Row = (String, String, String, String, String, i64, i64, Option<i64>, Option<i64>);

const COLUMNS: &str = "id, name, publisher, scopes, pattern, created, expires, revoked, last_used";

fn token(row: Row) -> Result<Token> {
    let (id, name, publisher, scopes, pattern, created, expires, revoked, last_used) = row;
    Ok(Token {
        id,
        name,
        publisher: parsed(&publisher)?,
        scopes: scopes.split_whitespace().map(parsed::<Scope>).collect::<Result<_>>()?,
        pattern: parsed(&pattern)?,
        created: time(created)?,
        expires: time(expires)?,
        revoked: revoked.map(time).transpose()?,
        last_used: last_used.map(time).transpose()?,
    })
}

/// Writes a new token down by its hash.
///
/// # Errors
///
/// A failing database; a publisher that is not there.
pub async fn insert(connection: &mut AnyConnection, token: &Token, hash: &Digest) -> Result<()> {
    const SQL: &str = "INSERT INTO tokens (id, hash, publisher, name, scopes, pattern, created, expires)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    let scopes: Vec<&str> = token.scopes.iter().map(|scope| scope.as_str()).collect();
    sqlx::query(SQL)
        .bind(token.id.clone())
        .bind(hash.to_string())
        .bind(token.publisher.as_str().to_owned())
        .bind(token.name.clone())
        .bind(scopes.join(" "))
        .bind(token.pattern.to_string())
        .bind(token.created.as_second())
        .bind(token.expires.as_second())
        .execute(connection)
        .await?;
    Ok(())
}

/// The token with that hash, as long as it holds.
///
/// # Errors
///
/// [`Refusal::Token`] where there is none, or it was revoked or has expired.
pub async fn find(connection: &mut AnyConnection, hash: &Digest, now: Timestamp) -> Result<Token> {
    let sql = format!("SELECT {COLUMNS} FROM tokens WHERE hash = $1");
    let row: Option<Row> =
        sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(hash.to_string()).fetch_optional(connection).await?;
    holding(row, now)
}

/// The token with that id, as long as it holds.
///
/// # Errors
///
/// As [`find`].
pub async fn find_by_id(connection: &mut AnyConnection, id: &str, now: Timestamp) -> Result<Token> {
    let sql = format!("SELECT {COLUMNS} FROM tokens WHERE id = $1");
    let row: Option<Row> =
        sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(id.to_owned()).fetch_optional(connection).await?;
    holding(row, now)
}

fn holding(row: Option<Row>, now: Timestamp) -> Result<Token> {
    let token = token(row.ok_or(Refusal::Token("is not known"))?)?;
    if token.revoked.is_some() {
        return Err(Refusal::Token("was revoked").into());
    }
    if token.expires <= now {
        return Err(Refusal::Token("has expired").into());
    }
    Ok(token)
}

/// Notes that a token was used, where that was not noted within the hour.
///
/// # Errors
///
/// A failing database.
pub async fn touch(connection: &mut AnyConnection, id: &str, now: Timestamp) -> Result<()> {
    const SQL: &str =
        "UPDATE tokens SET last_used = $1 WHERE id = $2 AND (last_used IS NULL OR last_used <= $3)";
    let now = now.as_second();
    sqlx::query(SQL).bind(now).bind(id.to_owned()).bind(now - USE_STEP).execute(connection).await?;
    Ok(())
}

/// Whether a use of the token is worth noting.
pub fn is_stale(token: &Token, now: Timestamp) -> bool {
    token.last_used.is_none_or(|used| used.as_second() + USE_STEP <= now.as_second())
}

/// All tokens, of one publisher or of all, oldest first.
///
/// # Errors
///
/// A failing database.
pub async fn list(connection: &mut AnyConnection, publisher: Option<&PublisherName>) -> Result<Vec<Token>> {
    let filter = publisher.map_or("", |_| "WHERE publisher = $1");
    let sql = format!("SELECT {COLUMNS} FROM tokens {filter} ORDER BY created, id");
    let mut query = sqlx::query_as(sqlx::AssertSqlSafe(sql));
    if let Some(publisher) = publisher {
        query = query.bind(publisher.as_str().to_owned());
    }
    let rows: Vec<Row> = query.fetch_all(connection).await?;
    rows.into_iter().map(token).collect()
}

/// What the revocation of a token came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Revocation {
    /// It holds no more.
    Done,
    /// It was revoked before.
    Before,
    /// There is none with that id.
    Unknown,
}

/// Revokes a token.
///
/// # Errors
///
/// A failing database.
pub async fn revoke(connection: &mut AnyConnection, id: &str, now: Timestamp) -> Result<Revocation> {
    let done = sqlx::query("UPDATE tokens SET revoked = $1 WHERE id = $2 AND revoked IS NULL")
        .bind(now.as_second())
        .bind(id.to_owned())
        .execute(&mut *connection)
        .await?;
    if done.rows_affected() > 0 {
        return Ok(Revocation::Done);
    }
    let known: Option<(String,)> = sqlx::query_as("SELECT id FROM tokens WHERE id = $1")
        .bind(id.to_owned())
        .fetch_optional(connection)
        .await?;
    Ok(if known.is_some() { Revocation::Before } else { Revocation::Unknown })
}
