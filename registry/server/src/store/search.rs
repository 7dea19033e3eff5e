//! Search: words in names, categories, tools and descriptions, best first, bounded in what is looked at.
//!
//! The database finds skills that match, those that match by name first and no more than some hundreds; which of them is
//! best is counted here, so that it is the same on each database and costs the same whatever is looked for.

mod query;
mod rank;

use std::collections::BTreeMap;

use jiff::Timestamp;
use openclaw_package::SkillId;
use openclaw_package::registry::Visibility;
use openclaw_package::registry::api::SearchHit;
use sqlx::AnyConnection;

use super::releases::Release;
use super::{Dialect, parsed, signed, time, unsigned};
use crate::error::Result;

pub use query::Query;

use query::{Expression, Joint};

/// How many skills are looked at that match by their names, and how many that match at all.
const BY_NAME: u64 = 100;
const BY_ANYTHING: u64 = 250;

/// How much of the words of a skill's tools is searched, in bytes: a search reads them of hundreds of skills, and
/// PostgreSQL refuses a text with too many words.
const MAX_TOOLS_LEN: usize = 16 << 10;

/// What is searched of a skill.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words {
    /// Publisher and name, their parts apart.
    pub name: String,
    /// What it says of itself.
    pub description: String,
    /// The category, its parts apart.
    pub category: String,
    /// Names and descriptions of the tools.
    pub tools: String,
}

impl Words {
    /// What is searched of a release.
    pub fn of(skill: &SkillId, release: &Release, tools: &str) -> Self {
        let apart = |label: &str| label.replace(['-', '/'], " ");
        Self {
            name: apart(skill.as_str()),
            description: release.description.clone(),
            category: release.category.as_deref().map(apart).unwrap_or_default(),
            tools: start(tools, MAX_TOOLS_LEN).replace('-', " "),
        }
    }
}

/// The start of a text, of so many bytes at most.
fn start(text: &str, most: usize) -> &str {
    text.get(..text.floor_char_boundary(most)).unwrap_or(text)
}

/// Makes a skill findable.
///
/// # Errors
///
/// A failing database.
pub async fn insert(connection: &mut AnyConnection, skill: u64, words: &Words) -> Result<()> {
    sqlx::query("INSERT INTO search (rowid, name, description, category, tools) VALUES ($1, $2, $3, $4, $5)")
        .bind(signed(skill))
        .bind(words.name.clone())
        .bind(words.description.clone())
        .bind(words.category.clone())
        .bind(words.tools.clone())
        .execute(connection)
        .await?;
    Ok(())
}

/// Makes a skill not findable.
///
/// # Errors
///
/// A failing database.
pub async fn remove(connection: &mut AnyConnection, skill: u64) -> Result<()> {
    sqlx::query("DELETE FROM search WHERE rowid = $1").bind(signed(skill)).execute(connection).await?;
    Ok(())
}

/// What is searched of a skill, as it is stored.
///
/// # Errors
///
/// A failing database.
pub async fn stored(connection: &mut AnyConnection, skill: u64) -> Result<Option<Words>> {
    const SQL: &str = "SELECT name, description, category, tools FROM search WHERE rowid = $1";
    let row: Option<(String, String, String, String)> =
        sqlx::query_as(SQL).bind(signed(skill)).fetch_optional(connection).await?;
    Ok(row.map(|(name, description, category, tools)| Words { name, description, category, tools }))
}

/// How many skills can be found.
///
/// # Errors
///
/// A failing database.
pub async fn count(connection: &mut AnyConnection) -> Result<u64> {
    let (count,): (i64,) = sqlx::query_as("SELECT COUNT(*) FROM search").fetch_one(connection).await?;
    super::unsigned(count)
}

/// The skills that match, best first; without words the newest first. Where no skill has all words, those that
/// have some.
///
/// # Errors
///
/// A failing database.
pub async fn find(connection: &mut AnyConnection, dialect: Dialect, query: &Query) -> Result<Vec<SearchHit>> {
    if query.text.trim().is_empty() {
        return newest(connection, query).await;
    }
    let words = query.words();
    if words.is_empty() {
        return Ok(Vec::new());
    }
    let wanted = query.offset.saturating_add(query.limit);
    let mut found = BTreeMap::new();
    // Whole words are found without reading much; starts of words are asked for only where these do not do.
    for (joint, prefix) in [(Joint::And, false), (Joint::And, true), (Joint::Or, true)] {
        let expression = Expression { words: &words, joint, prefix };
        matching(connection, dialect, query, &expression, &mut found).await?;
        let enough = match joint {
            Joint::And if prefix => !found.is_empty(),
            _ => found.len() as u64 >= wanted,
        };
        if enough || (words.len() == 1 && prefix) {
            break;
        }
    }
    let ranked = rank::best_first(&words, found);
    let page = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
    let ids: Vec<u64> = ranked.into_iter().skip(page(query.offset)).take(page(query.limit)).collect();
    hits(connection, &ids).await
}

/// Adds the skills that match an expression: those by name first, and others only where these are too few, since
/// they rank behind.
async fn matching(
    connection: &mut AnyConnection,
    dialect: Dialect,
    query: &Query,
    expression: &Expression<'_>,
    found: &mut BTreeMap<u64, Words>,
) -> Result<()> {
    for (by_name, most) in [(true, BY_NAME), (false, BY_ANYTHING)] {
        let sql = match dialect {
            Dialect::Sqlite => format!(
                "SELECT search.rowid, search.name, search.description, search.category, search.tools
                 FROM search CROSS JOIN skills s ON s.id = search.rowid
                 WHERE search MATCH $1 AND {} LIMIT {most}",
                query.filters()
            ),
            Dialect::Postgres => format!(
                "SELECT f.rowid, f.name, f.description, f.category, f.tools
                 FROM search f JOIN skills s ON s.id = f.rowid
                 WHERE f.words @@ to_tsquery('simple', $1) AND {} ORDER BY f.rowid LIMIT {most}",
                query.filters()
            ),
        };
        let rows: Vec<(i64, String, String, String, String)> =
            query.bind(&sql, expression.write(dialect, query, by_name)).fetch_all(&mut *connection).await?;
        for (id, name, description, category, tools) in rows {
            found.insert(unsigned(id)?, Words { name, description, category, tools });
        }
        if found.len() as u64 >= query.offset.saturating_add(query.limit) {
            break;
        }
    }
    Ok(())
}

type Row = (i64, String, String, String, Option<String>, String, String, String, i64);

const HITS: &str =
    "SELECT s.id, s.publisher, s.name, s.visibility, s.category, r.version, r.kinds, r.description,
    r.published FROM skills s JOIN releases r ON r.skill = s.id AND r.version = s.latest";

/// The newest skills that the filters let through.
async fn newest(connection: &mut AnyConnection, query: &Query) -> Result<Vec<SearchHit>> {
    let (filters, limit, offset) = (query.filters(), query.limit, query.offset);
    let sql =
        format!("{HITS} WHERE {filters} ORDER BY s.updated DESC, s.id DESC LIMIT {limit} OFFSET {offset}");
    let rows: Vec<Row> = query.bind(&sql, String::new()).fetch_all(connection).await?;
    rows.into_iter().map(|row| Ok(hit(row)?.1)).collect()
}

/// The skills with these ids, in that order.
async fn hits(connection: &mut AnyConnection, ids: &[u64]) -> Result<Vec<SearchHit>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let numbers: Vec<String> = ids.iter().map(u64::to_string).collect();
    let sql = format!("{HITS} WHERE s.id IN ({})", numbers.join(", "));
    // The statement is another one for each page, so it is not worth keeping.
    let rows: Vec<Row> =
        sqlx::query_as(sqlx::AssertSqlSafe(sql)).persistent(false).fetch_all(connection).await?;
    let mut found = rows.into_iter().map(hit).collect::<Result<BTreeMap<u64, SearchHit>>>()?;
    Ok(ids.iter().filter_map(|id| found.remove(id)).collect())
}

fn hit(row: Row) -> Result<(u64, SearchHit)> {
    let (id, publisher, name, visibility, category, version, kinds, description, published) = row;
    let visibility: Visibility = parsed(&visibility)?;
    let published: Timestamp = time(published)?;
    let hit = SearchHit {
        skill: SkillId::new(parsed(&publisher)?, parsed(&name)?),
        version: parsed(&version)?,
        permissions: kinds.split_whitespace().map(str::to_owned).collect(),
        description,
        category,
        visibility,
        published,
    };
    Ok((unsigned(id)?, hit))
}
