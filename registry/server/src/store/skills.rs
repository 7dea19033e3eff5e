//! Skills and their indexes.

use jiff::Timestamp;
use openclaw_package::registry::Visibility;
use openclaw_package::registry::index::{IndexLine, MAX_INDEX_SIZE};
use openclaw_package::{Digest, PublisherName, SkillId};
use semver::Version;
use sqlx::AnyConnection;

use super::{parsed, releases, search, signed, unsigned};
use crate::error::{Refusal, Result};

/// A skill as its row has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skill {
    /// The place of its first release in the log, which no other skill has.
    pub id: u64,
    /// Its name.
    pub skill: SkillId,
    /// Who may see it.
    pub visibility: Visibility,
    /// Its category.
    pub category: Option<String>,
    /// The newest version that may be chosen.
    pub latest: Option<Version>,
}

type Row = (i64, String, String, String, Option<String>, Option<String>);

const COLUMNS: &str = "id, publisher, name, visibility, category, latest";

fn skill((id, publisher, name, visibility, category, latest): Row) -> Result<Skill> {
    Ok(Skill {
        id: unsigned(id)?,
        skill: SkillId::new(parsed(&publisher)?, parsed(&name)?),
        visibility: parsed(&visibility)?,
        category,
        latest: latest.as_deref().map(parsed).transpose()?,
    })
}

/// A skill by its name.
///
/// # Errors
///
/// A failing database.
pub async fn find(connection: &mut AnyConnection, id: &SkillId) -> Result<Option<Skill>> {
    let sql = format!("SELECT {COLUMNS} FROM skills WHERE publisher = $1 AND name = $2");
    let row: Option<Row> = sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(id.publisher().as_str().to_owned())
        .bind(id.name().as_str().to_owned())
        .fetch_optional(connection)
        .await?;
    row.map(skill).transpose()
}

/// A skill by the id of its row.
///
/// # Errors
///
/// A failing database.
pub async fn by_row(connection: &mut AnyConnection, id: u64) -> Result<Option<Skill>> {
    let sql = format!("SELECT {COLUMNS} FROM skills WHERE id = $1");
    let row: Option<Row> =
        sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(signed(id)).fetch_optional(connection).await?;
    row.map(skill).transpose()
}

/// The skills of a publisher, by name.
///
/// # Errors
///
/// A failing database.
pub async fn of_publisher(connection: &mut AnyConnection, publisher: &PublisherName) -> Result<Vec<Skill>> {
    let sql = format!("SELECT {COLUMNS} FROM skills WHERE publisher = $1 ORDER BY name");
    let rows: Vec<Row> = sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(publisher.as_str().to_owned())
        .fetch_all(connection)
        .await?;
    rows.into_iter().map(skill).collect()
}

/// All skills, in the order of their first releases.
///
/// # Errors
///
/// A failing database.
pub async fn all(connection: &mut AnyConnection, after: Option<u64>, most: u64) -> Result<Vec<Skill>> {
    let sql = format!("SELECT {COLUMNS} FROM skills WHERE id > $1 ORDER BY id LIMIT $2");
    let rows: Vec<Row> = sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(after.map_or(-1, signed))
        .bind(signed(most))
        .fetch_all(connection)
        .await?;
    rows.into_iter().map(skill).collect()
}

/// Registers a skill with an empty index.
///
/// # Errors
///
/// [`Refusal::NameCollision`] where another name looks like it.
pub async fn insert(
    connection: &mut AnyConnection,
    id: u64,
    skill: &SkillId,
    visibility: Visibility,
    now: Timestamp,
) -> Result<()> {
    const SKILL: &str = "INSERT INTO skills
        (id, publisher, name, collision_key, visibility, created, updated) VALUES ($1, $2, $3, $4, $5, $6, $6)";
    let key = skill.collision_key();
    let taken: Option<(String, String)> =
        sqlx::query_as("SELECT publisher, name FROM skills WHERE collision_key = $1")
            .bind(key.clone())
            .fetch_optional(&mut *connection)
            .await?;
    if let Some((publisher, name)) = taken {
        return Err(Refusal::NameCollision(skill.to_string(), format!("{publisher}/{name}")).into());
    }
    sqlx::query(SKILL)
        .bind(signed(id))
        .bind(skill.publisher().as_str().to_owned())
        .bind(skill.name().as_str().to_owned())
        .bind(key)
        .bind(visibility.as_str())
        .bind(now.as_second())
        .execute(&mut *connection)
        .await?;
    sqlx::query("INSERT INTO indexes (skill, etag, body) VALUES ($1, $2, '')")
        .bind(signed(id))
        .bind(etag(""))
        .execute(connection)
        .await?;
    Ok(())
}

/// How many skills a publisher registered since a time.
///
/// # Errors
///
/// A failing database.
pub async fn count_since(
    connection: &mut AnyConnection,
    publisher: &PublisherName,
    since: Timestamp,
) -> Result<u64> {
    let (count,): (i64,) =
        sqlx::query_as("SELECT COUNT(*) FROM skills WHERE publisher = $1 AND created > $2")
            .bind(publisher.as_str().to_owned())
            .bind(since.as_second())
            .fetch_one(connection)
            .await?;
    unsigned(count)
}

/// Makes a private skill public.
///
/// # Errors
///
/// A failing database.
pub async fn make_public(connection: &mut AnyConnection, id: u64) -> Result<()> {
    sqlx::query("UPDATE skills SET visibility = 'public' WHERE id = $1")
        .bind(signed(id))
        .execute(connection)
        .await?;
    Ok(())
}

/// An index as it is served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredIndex {
    /// Who may see the skill.
    pub visibility: Visibility,
    /// Changes with the body.
    pub etag: String,
    /// Lines of JSON; empty where it was not asked for.
    pub body: String,
}

/// The index of a skill, with its body or only its tag.
///
/// # Errors
///
/// A failing database.
pub async fn index(
    connection: &mut AnyConnection,
    skill: &SkillId,
    with_body: bool,
) -> Result<Option<StoredIndex>> {
    const TAG: &str = "SELECT s.visibility, i.etag, '' FROM skills s JOIN indexes i ON i.skill = s.id
        WHERE s.publisher = $1 AND s.name = $2";
    const BODY: &str = "SELECT s.visibility, i.etag, i.body FROM skills s JOIN indexes i ON i.skill = s.id
        WHERE s.publisher = $1 AND s.name = $2";
    let row: Option<(String, String, String)> = sqlx::query_as(if with_body { BODY } else { TAG })
        .bind(skill.publisher().as_str().to_owned())
        .bind(skill.name().as_str().to_owned())
        .fetch_optional(connection)
        .await?;
    row.map(|(visibility, etag, body)| Ok(StoredIndex { visibility: parsed(&visibility)?, etag, body }))
        .transpose()
}

/// The tag of an index with that body.
pub fn etag(body: &str) -> String {
    let hex = Digest::of(body.as_bytes()).hex();
    format!("\"{}\"", hex.get(..32).unwrap_or_default())
}

/// Adds a line to the index of a skill.
///
/// # Errors
///
/// [`Refusal::IndexFull`] where clients would not read the index any more.
pub async fn append_index(connection: &mut AnyConnection, skill: &Skill, line: &IndexLine) -> Result<()> {
    let (mut body,): (String,) = sqlx::query_as("SELECT body FROM indexes WHERE skill = $1")
        .bind(signed(skill.id))
        .fetch_one(&mut *connection)
        .await?;
    body.push_str(&line.to_line());
    // Room is kept for the operator's takedowns. Yanking and taking it back may fill no more than the beginning: each
    // line of a large index costs all of it again, while everybody else who writes waits.
    let room = match line {
        IndexLine::Takedown { .. } => 0,
        IndexLine::Unyank { .. } => MAX_INDEX_SIZE - MAX_INDEX_SIZE / 8,
        _ => MAX_INDEX_SIZE / 8,
    };
    if body.len() > MAX_INDEX_SIZE - room {
        return Err(Refusal::IndexFull(skill.skill.clone()).into());
    }
    set_index(connection, skill.id, &body).await
}

/// Writes the index of a skill.
///
/// # Errors
///
/// A failing database.
pub async fn set_index(connection: &mut AnyConnection, skill: u64, body: &str) -> Result<()> {
    sqlx::query("UPDATE indexes SET etag = $1, body = $2 WHERE skill = $3")
        .bind(etag(body))
        .bind(body.to_owned())
        .bind(signed(skill))
        .execute(connection)
        .await?;
    Ok(())
}

/// The newest of some versions: a release before a pre-release, the higher before the lower.
pub fn newest<'a>(versions: impl Iterator<Item = &'a Version>) -> Option<&'a Version> {
    versions.max_by_key(|version| (version.pre.is_empty(), *version))
}

/// What follows from a skill's releases.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Derived {
    /// The newest release that may be chosen.
    pub release: releases::Release,
    /// What is searched.
    pub words: search::Words,
}

/// Computes what follows from a skill's releases; nothing where none may be chosen.
///
/// # Errors
///
/// A failing database.
pub async fn derive(connection: &mut AnyConnection, skill: &Skill) -> Result<Option<Derived>> {
    let mut all = releases::list(connection, skill.id).await?;
    all.retain(releases::Release::is_available);
    let latest = newest(all.iter().map(|release| &release.version)).cloned();
    let Some(release) = all.into_iter().find(|release| Some(&release.version) == latest.as_ref()) else {
        return Ok(None);
    };
    let tools = releases::tools(connection, skill.id, &release).await?;
    let words = search::Words::of(&skill.skill, &release, &tools);
    Ok(Some(Derived { release, words }))
}

/// Writes anew what follows from a skill's releases: the version that may be chosen, and what is searched.
///
/// # Errors
///
/// A failing database.
pub async fn refresh(connection: &mut AnyConnection, skill: &Skill, now: Timestamp) -> Result<()> {
    let derived = derive(connection, skill).await?;
    let release = derived.as_ref().map(|derived| &derived.release);
    sqlx::query("UPDATE skills SET latest = $1, category = $2, updated = $3 WHERE id = $4")
        .bind(release.map(|release| release.version.to_string()))
        .bind(release.and_then(|release| release.category.clone()))
        .bind(now.as_second())
        .bind(signed(skill.id))
        .execute(&mut *connection)
        .await?;
    search::remove(connection, skill.id).await?;
    match derived {
        Some(derived) => search::insert(connection, skill.id, &derived.words).await,
        None => Ok(()),
    }
}

/// Public categories and how many skills that may be chosen are in each, by name.
///
/// # Errors
///
/// A failing database.
pub async fn categories(connection: &mut AnyConnection) -> Result<Vec<(String, u64)>> {
    const SQL: &str = "SELECT category, COUNT(*) FROM skills
        WHERE visibility = 'public' AND latest IS NOT NULL AND category IS NOT NULL
        GROUP BY category ORDER BY category";
    let rows: Vec<(String, i64)> = sqlx::query_as(SQL).fetch_all(connection).await?;
    rows.into_iter().map(|(category, count)| Ok((category, unsigned(count)?))).collect()
}
