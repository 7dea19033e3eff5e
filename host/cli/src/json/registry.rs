//! The documents of `openclaw registry`. What a registry serves is printed as it serves it.

use std::borrow::Cow;

use jiff::Timestamp;
use openclaw_package::registry::api::{TriggerLine, Whoami};
use openclaw_package::registry::{Origin, Visibility};
use openclaw_package::{Digest, PublicKey, PublisherName, SkillId};
use semver::Version;
use serde::Serialize;

use super::Permission;

/// `registry login`, and an element of `registry list`.
#[derive(Debug, Serialize)]
pub(crate) struct KnownRegistry {
    /// The URL, as it was given.
    pub(crate) registry: String,
    /// The name that stands in everything that the registry signs.
    pub(crate) origin: Origin,
    /// The fingerprint that is pinned.
    pub(crate) fingerprint: Digest,
    /// Whether there is a token.
    pub(crate) has_token: bool,
    /// Whether it is the default.
    pub(crate) default: bool,
    /// Of `login`: what the token may do, or null.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) token: Option<Whoami>,
}

/// `registry logout`.
#[derive(Debug, Serialize)]
pub(crate) struct LoggedOut {
    /// The URL.
    pub(crate) registry: String,
    /// Whether there was a token.
    pub(crate) had_token: bool,
}

/// `registry publish`.
#[derive(Debug, Serialize)]
pub(crate) struct Published {
    /// The skill.
    pub(crate) skill: SkillId,
    /// The version.
    pub(crate) version: Version,
    /// The digest of the archive.
    pub(crate) digest: Digest,
    /// The place of the release in the log.
    pub(crate) log_index: u64,
    /// Who may see this version.
    pub(crate) visibility: Visibility,
    /// Whether these very bytes had been published before.
    pub(crate) already: bool,
}

/// `registry yank`, `key rotate` and `key revoke`.
#[derive(Debug, Serialize)]
pub(crate) struct Logged {
    /// Whose history it is.
    pub(crate) publisher: PublisherName,
    /// The places of the events in the log; none where it was so already.
    pub(crate) log_indices: Vec<u64>,
    /// Of `key rotate`: the new key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) public_key: Option<PublicKey>,
}

/// An element of `registry update --dry-run`.
#[derive(Debug, Serialize)]
pub(crate) struct Update {
    /// The skill.
    pub(crate) skill: SkillId,
    /// The version that is installed.
    pub(crate) installed: Version,
    /// The version that would be.
    pub(crate) version: Version,
    /// What changes in what it asks for.
    #[serde(flatten)]
    pub(crate) changes: Changes,
}

/// What changes in what a skill asks for.
#[derive(Debug, Serialize)]
pub(crate) struct Changes {
    /// What waits for consent.
    pub(crate) asks_anew: Vec<Permission>,
    /// What makes its tools be called, and waits for consent.
    pub(crate) triggers_anew: Vec<TriggerLine>,
    /// What it does not ask for any more, in words.
    pub(crate) asks_no_longer: Vec<String>,
}

/// An element of `registry verify`.
#[derive(Debug, Serialize)]
pub(crate) struct VerifiedSkill {
    /// The skill.
    pub(crate) skill: SkillId,
    /// The version.
    pub(crate) version: Version,
    /// Where it came from.
    pub(crate) origin: String,
    /// The place of its release in the log, or null.
    pub(crate) log_index: Option<u64>,
    /// `verified`, or `refused`.
    pub(crate) status: &'static str,
    /// The code of what is wrong, or null.
    pub(crate) code: Option<Cow<'static, str>>,
    /// What is wrong, or null.
    pub(crate) reason: Option<String>,
}

/// `registry audit`.
#[derive(Debug, Serialize)]
pub(crate) struct Audit {
    /// The skills, with what there is to know of each.
    pub(crate) skills: Vec<AuditedSkill>,
    /// The registries that were asked.
    pub(crate) registries: Vec<AuditedRegistry>,
}

/// An installed skill, and what there is to know of it.
#[derive(Debug, Serialize)]
pub(crate) struct AuditedSkill {
    /// The skill.
    pub(crate) skill: SkillId,
    /// The version.
    pub(crate) version: Version,
    /// Where it came from.
    pub(crate) origin: String,
    /// The gravest first.
    pub(crate) findings: Vec<AuditFinding>,
}

/// Something to know.
#[derive(Debug, Serialize)]
pub(crate) struct AuditFinding {
    /// The stable code.
    pub(crate) code: &'static str,
    /// `note`, `warning` or `refuse`.
    pub(crate) severity: &'static str,
    /// In words.
    pub(crate) message: String,
    /// What to do next, or null.
    pub(crate) hint: Option<String>,
}

/// A registry that was asked.
#[derive(Debug, Serialize)]
pub(crate) struct AuditedRegistry {
    /// The URL.
    pub(crate) registry: String,
    /// The name that it signs with, which its skills name.
    #[serde(skip)]
    pub(crate) origin: Origin,
    /// When the list of takedowns was signed that was used, or null.
    pub(crate) list_issued: Option<Timestamp>,
    /// Why it could not be asked, or null.
    pub(crate) outage: Option<String>,
    /// Of `--whole-log`: how many entries of the log were read, and what does not agree.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) log: Option<AuditedLog>,
}

/// What was read of a log.
#[derive(Debug, Serialize)]
pub(crate) struct AuditedLog {
    /// How many entries had been read before.
    pub(crate) from: u64,
    /// How many the log has.
    pub(crate) to: u64,
    /// What does not agree.
    pub(crate) findings: Vec<AuditFinding>,
}
