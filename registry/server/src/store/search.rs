//! Search: words in names, categories, tools and descriptions, best first, bounded in what is looked at.

use jiff::Timestamp;
use openclaw_package::registry::Visibility;
use openclaw_package::registry::api::SearchHit;
use openclaw_package::{PublisherName, SkillId, SkillName};
use sqlx::AnyConnection;

use super::releases::Release;
use super::{Dialect, parsed, signed, time};
use crate::error::Result;

/// How many matches are ranked; a search that matches more is not worth its order.
const RANKED: u64 = 1000;

/// How many words of a query are looked at.
const MAX_WORDS: usize = 8;

/// The longest word that is looked for, in characters.
const MAX_WORD_LEN: usize = 40;

/// From how many letters on the last word may be the start of one.
const MIN_PREFIX_LEN: usize = 2;

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
            tools: tools.replace('-', " "),
        }
    }
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

/// What somebody looks for.
#[derive(Debug, Clone, Default)]
pub struct Query {
    /// Words, of which the last may be the start of one.
    pub text: String,
    /// Only of this category, a kebab-case label.
    pub category: Option<SkillName>,
    /// Only of this publisher.
    pub publisher: Option<PublisherName>,
    /// Whose private skills may be seen.
    pub viewer: Option<PublisherName>,
    /// How many at most.
    pub limit: u64,
    /// How many are left out before.
    pub offset: u64,
}

impl Query {
    /// The words that are looked for: letters and digits only, so none of them means anything to a database.
    fn words(&self) -> Vec<String> {
        let words = self.text.split(|character: char| !character.is_alphanumeric());
        let words = words.filter(|word| !word.is_empty()).take(MAX_WORDS);
        words.map(|word| word.chars().take(MAX_WORD_LEN).collect::<String>().to_lowercase()).collect()
    }
}

/// The words as the database's own query language has them, joined by its word for `and` or `or`.
fn expression(dialect: Dialect, words: &[String], joint: Joint) -> String {
    let last = words.len().saturating_sub(1);
    let term = |(place, word): (usize, &String)| {
        let prefix = place == last && word.chars().count() >= MIN_PREFIX_LEN;
        match (dialect, prefix) {
            (Dialect::Sqlite, true) => format!("\"{word}\" *"),
            (Dialect::Sqlite, false) => format!("\"{word}\""),
            (Dialect::Postgres, true) => format!("'{word}':*"),
            (Dialect::Postgres, false) => format!("'{word}'"),
        }
    };
    let joint = match (dialect, joint) {
        (Dialect::Sqlite, Joint::And) => " AND ",
        (Dialect::Sqlite, Joint::Or) => " OR ",
        (Dialect::Postgres, Joint::And) => " & ",
        (Dialect::Postgres, Joint::Or) => " | ",
    };
    words.iter().enumerate().map(term).collect::<Vec<_>>().join(joint)
}

/// Narrows an expression to what a filter can let through, so that the cap does not cut that off.
fn narrowed(dialect: Dialect, query: &Query, expression: &str) -> String {
    let category = query.category.iter().map(|label| ("category", 'B', label.as_str()));
    let publisher = query.publisher.iter().map(|label| ("name", 'A', label.as_str()));
    let mut terms = vec![format!("({expression})")];
    for (column, weight, label) in category.chain(publisher) {
        for word in label.split('-') {
            terms.push(match dialect {
                Dialect::Sqlite => format!("({column} : \"{word}\")"),
                Dialect::Postgres => format!("'{word}':{weight}"),
            });
        }
    }
    terms.join(match dialect {
        Dialect::Sqlite => " AND ",
        Dialect::Postgres => " & ",
    })
}

/// How words are joined.
#[derive(Clone, Copy)]
enum Joint {
    And,
    Or,
}

/// The skills that match, best first; without words the newest first. Where no skill has all words, those that
/// have some.
///
/// # Errors
///
/// A failing database.
pub async fn find(connection: &mut AnyConnection, dialect: Dialect, query: &Query) -> Result<Vec<SearchHit>> {
    let words = query.words();
    if words.is_empty() {
        // Words of which nothing is left match nothing, where no words at all match everything.
        let none = !query.text.trim().is_empty();
        return if none { Ok(Vec::new()) } else { select(connection, dialect, query, None).await };
    }
    let all = expression(dialect, &words, Joint::And);
    let found = select(connection, dialect, query, Some(all)).await?;
    if !found.is_empty() || words.len() == 1 || query.offset > 0 {
        return Ok(found);
    }
    select(connection, dialect, query, Some(expression(dialect, &words, Joint::Or))).await
}

type Row = (String, String, String, Option<String>, String, String, String, i64);

const COLUMNS: &str =
    "s.publisher, s.name, s.visibility, s.category, r.version, r.kinds, r.description, r.published";

/// The matches as a table `found (id, score)`, the lower the better.
fn matches(dialect: Dialect) -> String {
    match dialect {
        // Names weigh most; the cap bounds what a word that is everywhere costs.
        Dialect::Sqlite => format!(
            "(SELECT rowid AS id, bm25(search, 10.0, 1.0, 3.0, 2.0) AS score FROM search
              WHERE search MATCH $1 LIMIT {RANKED}) found"
        ),
        Dialect::Postgres => format!(
            "(SELECT rowid AS id, -ts_rank('{{0.1, 0.2, 0.4, 1.0}}', words, to_tsquery('simple', $1)) AS score
              FROM search WHERE words @@ to_tsquery('simple', $1) LIMIT {RANKED}) found"
        ),
    }
}

/// The statement for a query, with `$1` the words and `$2` the viewer.
fn statement(dialect: Dialect, query: &Query, with_words: bool) -> String {
    let mut filters = vec!["s.latest IS NOT NULL", "(s.visibility = 'public' OR s.publisher = $2)"];
    if query.category.is_some() {
        filters.push("s.category = $3");
    }
    if query.publisher.is_some() {
        filters.push("s.publisher = $4");
    }
    let (limit, offset) = (query.limit, query.offset);
    let (from, order) = if with_words {
        (format!("{} JOIN skills s ON s.id = found.id", matches(dialect)), "found.score, s.id")
    } else {
        ("skills s".to_owned(), "s.updated DESC, s.id DESC")
    };
    let filters = filters.join(" AND ");
    format!(
        "SELECT {COLUMNS} FROM {from} JOIN releases r ON r.skill = s.id AND r.version = s.latest
         WHERE {filters} ORDER BY {order} LIMIT {limit} OFFSET {offset}"
    )
}

async fn select(
    connection: &mut AnyConnection,
    dialect: Dialect,
    query: &Query,
    words: Option<String>,
) -> Result<Vec<SearchHit>> {
    let text = |value: Option<&PublisherName>| value.map(|name| name.as_str().to_owned()).unwrap_or_default();
    let sql = statement(dialect, query, words.is_some());
    let words = words.map(|words| narrowed(dialect, query, &words)).unwrap_or_default();
    let rows: Vec<Row> = sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(words)
        .bind(text(query.viewer.as_ref()))
        .bind(query.category.as_ref().map(|label| label.as_str().to_owned()).unwrap_or_default())
        .bind(text(query.publisher.as_ref()))
        .fetch_all(connection)
        .await?;
    rows.into_iter().map(hit).collect()
}

fn hit(
    (publisher, name, visibility, category, version, kinds, description, published): Row,
) -> Result<SearchHit> {
    let visibility: Visibility = parsed(&visibility)?;
    let published: Timestamp = time(published)?;
    Ok(SearchHit {
        skill: SkillId::new(parsed(&publisher)?, parsed(&name)?),
        version: parsed(&version)?,
        permissions: kinds.split_whitespace().map(str::to_owned).collect(),
        description,
        category,
        visibility,
        published,
    })
}
