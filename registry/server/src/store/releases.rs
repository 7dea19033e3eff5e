//! Releases: what was published, where its bytes are, and whether it may still be chosen.

use std::collections::BTreeSet;

use jiff::Timestamp;
use openclaw_package::registry::api::{PermissionLine, ReleasePage};
use openclaw_package::registry::{IndexLine, Visibility};
use openclaw_package::{Digest, PublisherName, SkillId};
use semver::Version;
use sqlx::AnyConnection;

use super::{parsed, signed, time, unsigned};
use crate::error::{Error, Fault, Result};

/// A release as its row has it, without its page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    /// The version.
    pub version: Version,
    /// The digest of the archive.
    pub archive: Digest,
    /// The length of the archive, in bytes.
    pub archive_size: u64,
    /// The digest of the signature's file.
    pub signature: Digest,
    /// Its length, in bytes.
    pub signature_size: u64,
    /// The place of the release's event in the log.
    pub log_index: u64,
    /// When it was published.
    pub published: Timestamp,
    /// Its category.
    pub category: Option<String>,
    /// Why it was yanked, if it was.
    pub yanked: Option<String>,
    /// Why it was taken down, if it was.
    pub taken_down: Option<String>,
    /// The kinds of permission that it asks for.
    pub kinds: Vec<String>,
    /// What it says of itself.
    pub description: String,
}

impl Release {
    /// Whether the version may still be chosen.
    pub fn is_available(&self) -> bool {
        self.yanked.is_none() && self.taken_down.is_none()
    }

    /// The line of the skill's index that says that it was released.
    pub fn index_line(&self) -> IndexLine {
        IndexLine::Release {
            version: self.version.clone(),
            archive: self.archive,
            size: self.archive_size,
            signature: self.signature,
            log_index: self.log_index,
            time: self.published,
        }
    }
}

/// The kinds of some permissions, each once.
pub fn kinds(permissions: &[PermissionLine]) -> Vec<String> {
    let kinds: BTreeSet<&String> = permissions.iter().map(|line| &line.permission).collect();
    kinds.into_iter().cloned().collect()
}

type Row = (
    String,
    String,
    i64,
    String,
    i64,
    i64,
    i64,
    Option<String>,
    Option<String>,
    Option<String>,
    String,
    String,
);

const COLUMNS: &str =
    "version, archive, archive_size, signature, signature_size, log_index, published, category,
    yanked, taken_down, kinds, description";

fn release(row: Row) -> Result<Release> {
    let (version, archive, archive_size, signature, signature_size, log_index, published, ..) = &row;
    Ok(Release {
        version: parsed(version)?,
        archive: parsed(archive)?,
        archive_size: unsigned(*archive_size)?,
        signature: parsed(signature)?,
        signature_size: unsigned(*signature_size)?,
        log_index: unsigned(*log_index)?,
        published: time(*published)?,
        category: row.7,
        yanked: row.8,
        taken_down: row.9,
        kinds: row.10.split_whitespace().map(str::to_owned).collect(),
        description: row.11,
    })
}

/// Writes a release down.
///
/// # Errors
///
/// A failing database.
pub async fn insert(
    connection: &mut AnyConnection,
    skill: u64,
    release: &Release,
    page: &ReleasePage,
) -> Result<()> {
    const SQL: &str =
        "INSERT INTO releases (skill, version, archive, archive_size, signature, signature_size,
            log_index, published, category, taken_down, kinds, description, page)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)";
    let page = serde_json::to_string(page).map_err(|error| Fault::damaged("a page", error))?;
    sqlx::query(SQL)
        .bind(signed(skill))
        .bind(release.version.to_string())
        .bind(release.archive.to_string())
        .bind(signed(release.archive_size))
        .bind(release.signature.to_string())
        .bind(signed(release.signature_size))
        .bind(signed(release.log_index))
        .bind(release.published.as_second())
        .bind(release.category.clone())
        .bind(release.taken_down.clone())
        .bind(release.kinds.join(" "))
        .bind(release.description.clone())
        .bind(page)
        .execute(connection)
        .await?;
    Ok(())
}

/// The releases of a skill, in the order of the log.
///
/// # Errors
///
/// A failing database.
pub async fn list(connection: &mut AnyConnection, skill: u64) -> Result<Vec<Release>> {
    let sql = format!("SELECT {COLUMNS} FROM releases WHERE skill = $1 ORDER BY log_index");
    let rows: Vec<Row> =
        sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(signed(skill)).fetch_all(connection).await?;
    rows.into_iter().map(release).collect()
}

/// One release of a skill.
///
/// # Errors
///
/// A failing database.
pub async fn find(connection: &mut AnyConnection, skill: u64, version: &Version) -> Result<Option<Release>> {
    let sql = format!("SELECT {COLUMNS} FROM releases WHERE skill = $1 AND version = $2");
    let row: Option<Row> = sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(signed(skill))
        .bind(version.to_string())
        .fetch_optional(connection)
        .await?;
    row.map(release).transpose()
}

/// The page of a release, with what is true of it now.
///
/// # Errors
///
/// A failing database.
pub async fn page(connection: &mut AnyConnection, skill: u64, release: &Release) -> Result<ReleasePage> {
    let (page,): (String,) = sqlx::query_as("SELECT page FROM releases WHERE skill = $1 AND version = $2")
        .bind(signed(skill))
        .bind(release.version.to_string())
        .fetch_one(connection)
        .await?;
    let page: ReleasePage = serde_json::from_str(&page).map_err(|error| Fault::damaged("a page", error))?;
    Ok(ReleasePage { yanked: release.yanked.clone(), taken_down: release.taken_down.clone(), ..page })
}

/// Writes what is shown of a release.
///
/// # Errors
///
/// A failing database.
pub async fn set_page(connection: &mut AnyConnection, skill: u64, page: &ReleasePage) -> Result<()> {
    let json = serde_json::to_string(page).map_err(|error| Fault::damaged("a page", error))?;
    sqlx::query(
        "UPDATE releases SET kinds = $1, description = $2, page = $3 WHERE skill = $4 AND version = $5",
    )
    .bind(kinds(&page.permissions).join(" "))
    .bind(page.description.clone())
    .bind(json)
    .bind(signed(skill))
    .bind(page.version.to_string())
    .execute(connection)
    .await?;
    Ok(())
}

/// The names and words of a release's tools, for searching.
pub(super) async fn tools(connection: &mut AnyConnection, skill: u64, release: &Release) -> Result<String> {
    let tools = match page(connection, skill, release).await {
        Ok(page) => page.tools,
        // A page that cannot be read is made anew from its package by a verification, and the words with it.
        Err(Error::Failed(Fault::Damaged(_))) => Vec::new(),
        Err(error) => return Err(error),
    };
    let words = tools.iter().map(|tool| format!("{} {}", tool.name, tool.description));
    Ok(words.collect::<Vec<_>>().join("\n"))
}

/// Writes down why a version is yanked, or that it is not any more.
///
/// # Errors
///
/// A failing database.
pub async fn set_yanked(
    connection: &mut AnyConnection,
    skill: u64,
    version: &Version,
    reason: Option<&str>,
) -> Result<()> {
    sqlx::query("UPDATE releases SET yanked = $1 WHERE skill = $2 AND version = $3")
        .bind(reason.map(str::to_owned))
        .bind(signed(skill))
        .bind(version.to_string())
        .execute(connection)
        .await?;
    Ok(())
}

/// Writes down why a version was taken down.
///
/// # Errors
///
/// A failing database.
pub async fn set_taken_down(
    connection: &mut AnyConnection,
    skill: u64,
    version: &Version,
    reason: &str,
) -> Result<()> {
    sqlx::query("UPDATE releases SET taken_down = $1 WHERE skill = $2 AND version = $3")
        .bind(reason.to_owned())
        .bind(signed(skill))
        .bind(version.to_string())
        .execute(connection)
        .await?;
    Ok(())
}

/// Writes down whether a version is yanked and taken down, whatever stood there.
///
/// # Errors
///
/// A failing database.
pub async fn set_state(
    connection: &mut AnyConnection,
    skill: u64,
    version: &Version,
    yanked: &Option<String>,
    taken_down: &Option<String>,
) -> Result<()> {
    sqlx::query("UPDATE releases SET yanked = $1, taken_down = $2 WHERE skill = $3 AND version = $4")
        .bind(yanked.clone())
        .bind(taken_down.clone())
        .bind(signed(skill))
        .bind(version.to_string())
        .execute(connection)
        .await?;
    Ok(())
}

/// The skills that have a release with these bytes, by the ids of their rows.
///
/// # Errors
///
/// A failing database.
pub async fn with_archive(connection: &mut AnyConnection, archive: &Digest) -> Result<Vec<(u64, Version)>> {
    const SQL: &str = "SELECT skill, version FROM releases WHERE archive = $1 ORDER BY log_index";
    let rows: Vec<(i64, String)> =
        sqlx::query_as(SQL).bind(archive.to_string()).fetch_all(connection).await?;
    rows.into_iter().map(|(skill, version)| Ok((unsigned(skill)?, parsed(&version)?))).collect()
}

/// The category that a skill had last, of a release that was not taken down.
///
/// # Errors
///
/// A failing database.
pub async fn last_category(connection: &mut AnyConnection, skill: u64) -> Result<Option<String>> {
    const SQL: &str = "SELECT category FROM releases
        WHERE skill = $1 AND category IS NOT NULL AND taken_down IS NULL ORDER BY log_index DESC LIMIT 1";
    let row: Option<(String,)> = sqlx::query_as(SQL).bind(signed(skill)).fetch_optional(connection).await?;
    Ok(row.map(|(category,)| category))
}

/// What a blob is to a release that names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlobUse {
    /// Whose the release is.
    pub publisher: PublisherName,
    /// Who may see it.
    pub visibility: Visibility,
    /// Why it was taken down, if it was.
    pub taken_down: Option<String>,
    /// Whether the blob is the archive; otherwise it is the signature.
    pub is_archive: bool,
    /// Its length, in bytes.
    pub size: u64,
}

/// The releases that name a blob.
///
/// # Errors
///
/// A failing database.
pub async fn blob_uses(connection: &mut AnyConnection, digest: &Digest) -> Result<Vec<BlobUse>> {
    const SQL: &str = "SELECT s.publisher, s.visibility, r.taken_down, 'archive', r.archive_size
            FROM releases r JOIN skills s ON s.id = r.skill WHERE r.archive = $1
        UNION ALL SELECT s.publisher, s.visibility, r.taken_down, 'signature', r.signature_size
            FROM releases r JOIN skills s ON s.id = r.skill WHERE r.signature = $1";
    let rows: Vec<(String, String, Option<String>, String, i64)> =
        sqlx::query_as(SQL).bind(digest.to_string()).fetch_all(connection).await?;
    rows.into_iter()
        .map(|(publisher, visibility, taken_down, kind, size)| {
            Ok(BlobUse {
                publisher: parsed(&publisher)?,
                visibility: parsed(&visibility)?,
                taken_down,
                is_archive: kind == "archive",
                size: unsigned(size)?,
            })
        })
        .collect()
}

/// How many bytes all archives have together.
///
/// # Errors
///
/// A failing database.
pub async fn total_size(connection: &mut AnyConnection) -> Result<u64> {
    const SQL: &str = "SELECT CAST(COALESCE(SUM(archive_size + signature_size), 0) AS BIGINT) FROM releases";
    let (sum,): (i64,) = sqlx::query_as(SQL).fetch_one(connection).await?;
    unsigned(sum)
}

/// The newest version of a public skill, as lists of others have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// The skill.
    pub skill: SkillId,
    /// What it says of itself.
    pub description: String,
    /// The digest of the archive.
    pub archive: Digest,
}

/// The newest versions of all public skills that may be chosen.
///
/// # Errors
///
/// A failing database.
pub async fn listed(connection: &mut AnyConnection) -> Result<Vec<Listed>> {
    const SQL: &str = "SELECT s.publisher, s.name, r.description, r.archive
        FROM skills s JOIN releases r ON r.skill = s.id AND r.version = s.latest
        WHERE s.visibility = 'public' ORDER BY s.id";
    let rows: Vec<(String, String, String, String)> = sqlx::query_as(SQL).fetch_all(connection).await?;
    rows.into_iter()
        .map(|(publisher, name, description, archive)| {
            let skill = SkillId::new(parsed(&publisher)?, parsed(&name)?);
            Ok(Listed { skill, description, archive: parsed(&archive)? })
        })
        .collect()
}
