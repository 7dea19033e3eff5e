//! The manifest `openclaw/skill.toml`: who the skill is, what it asks for and why, how much it needs.

mod error;
mod language;
mod limits;
mod permissions;
mod process;
mod section;
mod triggers;

use semver::Version;
use toml::de::DeTable;

use crate::name::SkillId;
use crate::permission::Requests;

pub use error::{ManifestError, ManifestErrorKind};
pub use language::{Language, UnknownLanguage};
pub use limits::RequestedLimits;
pub use triggers::{
    CommandPattern, CommandTrigger, CronTrigger, MAX_COMMAND_LEN, MAX_PATTERN_LEN, MAX_TRIGGERS, Missed,
    Overlap, PatternError, Schedule, ScheduleError, Trigger, ZoneName, ZoneNameError,
};

use error::Issue;
use section::Section;

/// The largest manifest, in bytes.
pub const MAX_MANIFEST_SIZE: usize = 64 << 10;

const MAX_CATEGORY_LEN: usize = crate::name::MAX_LABEL_LEN;

/// A manifest that was read and whose every part is understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    id: SkillId,
    version: Version,
    category: Option<String>,
    language: Language,
    requests: Requests,
    limits: RequestedLimits,
    triggers: Vec<Trigger>,
}

impl Manifest {
    /// Reads a manifest.
    ///
    /// # Errors
    ///
    /// Whatever is not understood, by name, line and column: unknown keys and permissions too.
    pub fn parse(text: &str) -> Result<Self, ManifestError> {
        read(text).map_err(|issue| issue.in_text(text))
    }

    /// Reads a manifest from the bytes of a file.
    ///
    /// # Errors
    ///
    /// Bytes that are not UTF-8, and what [`Manifest::parse`] refuses.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ManifestError> {
        match std::str::from_utf8(bytes) {
            Ok(text) => Self::parse(text),
            Err(_) => Err(Issue::new(ManifestErrorKind::NotUtf8, 0..0).in_text("")),
        }
    }

    /// Publisher and name.
    pub fn id(&self) -> &SkillId {
        &self.id
    }

    /// The version (Semantic Versioning 2.0, without build metadata).
    pub fn version(&self) -> &Version {
        &self.version
    }

    /// The category under which a registry lists the skill.
    pub fn category(&self) -> Option<&str> {
        self.category.as_deref()
    }

    /// What it is written in; Rust where it does not say.
    pub fn language(&self) -> Language {
        self.language
    }

    /// What the skill asks for.
    pub fn requests(&self) -> &Requests {
        &self.requests
    }

    /// How much the skill needs of what is metered.
    pub fn limits(&self) -> &RequestedLimits {
        &self.limits
    }

    /// What makes its tools be called, beside somebody who names them.
    pub fn triggers(&self) -> &[Trigger] {
        &self.triggers
    }
}

fn read(text: &str) -> Result<Manifest, Issue> {
    if text.len() > MAX_MANIFEST_SIZE {
        return Err(Issue::new(ManifestErrorKind::TooLarge(text.len()), 0..0));
    }
    let document = DeTable::parse(text).map_err(|error| {
        let kind = ManifestErrorKind::Syntax(error.message().to_owned());
        Issue::new(kind, error.span().unwrap_or(0..0))
    })?;
    let top = Section::top(document.get_ref(), document.span());
    top.only(&["skill", "permission", "limits", "trigger"])?;
    let skill = top.required_section("skill")?;
    let (id, version, category, language) = read_skill(&skill)?;
    let requests = match top.section("permission")? {
        Some(section) => permissions::read(&section)?,
        None => Requests::default(),
    };
    let limits = match top.section("limits")? {
        Some(section) => limits::read(&section)?,
        None => RequestedLimits::default(),
    };
    let triggers = triggers::read(&top)?;
    Ok(Manifest { id, version, category, language, requests, limits, triggers })
}

fn read_skill(skill: &Section<'_>) -> Result<(SkillId, Version, Option<String>, Language), Issue> {
    if let Some(span) = skill.key_span("description") {
        let kind = ManifestErrorKind::UnknownKey { key: "description".to_owned(), section: skill.name() };
        let hint = "the description stands in SKILL.md, for every agent to read";
        return Err(Issue::new(kind, span).hint(hint));
    }
    skill.only(&["publisher", "name", "version", "category", "language"])?;
    let id = SkillId::new(skill.parsed("publisher")?, skill.parsed("name")?);
    let version = skill.required_text("version")?;
    let span = version.span();
    let version: Version = version.get_ref().parse().map_err(|error: semver::Error| {
        Issue::new(ManifestErrorKind::invalid("version", error.to_string()), span.clone())
            .hint("write major.minor.patch, for example 1.0.0")
    })?;
    if !version.build.is_empty() {
        let kind =
            ManifestErrorKind::invalid("version", "it has build metadata, which tells no versions apart");
        return Err(Issue::new(kind, span).hint("leave out the + and what follows"));
    }
    let category = skill.text("category")?.map(|category| {
        let label = category.get_ref();
        let kebab = label.parse::<crate::name::SkillName>().is_ok() && label.len() <= MAX_CATEGORY_LEN;
        if kebab {
            return Ok((*label).to_owned());
        }
        let kind = ManifestErrorKind::invalid("category", "it is not a kebab-case label");
        Err(Issue::new(kind, category.span()).hint("write for example developer-tools"))
    });
    let language = skill.value("language").map(|_| skill.parsed("language")).transpose()?;
    Ok((id, version, category.transpose()?, language.unwrap_or_default()))
}
