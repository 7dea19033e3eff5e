//! The JSON that a registry takes and gives, for server and client alike.
//!
//! What it says is a hint unless something signed proves it.

use jiff::Timestamp;
use semver::Version;
use serde::{Deserialize, Serialize};

use super::Origin;
use super::event::Visibility;
use crate::digest::Digest;
use crate::key::PublicKey;
use crate::manifest::Trigger;
use crate::name::{PublisherName, SkillId, ToolName};

/// Types that are written as text have no schema of their own.
macro_rules! body {
    ($(#[$meta:meta])* pub struct $name:ident { $($(#[$field_meta:meta])* pub $field:ident : $kind:ty,)* }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        pub struct $name { $($(#[$field_meta])* pub $field: $kind,)* }
    };
}

body! {
    /// Why a request was refused.
    pub struct ErrorBody {
        /// The error.
        pub error: ErrorDetail,
    }
}

body! {
    /// An error: a stable code, the fact, and what to do next.
    pub struct ErrorDetail {
        /// The stable code.
        pub code: String,
        /// The fact.
        pub message: String,
        /// What to do next.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub hint: Option<String>,
    }
}

body! {
    /// What a search found.
    pub struct SearchResults {
        /// The best first.
        pub results: Vec<SearchHit>,
        /// The offset of the next page, if there may be one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub next: Option<u64>,
    }
}

body! {
    /// A skill that was found. What it asks for stands before what it says of itself.
    pub struct SearchHit {
        /// The skill.
        #[cfg_attr(feature = "openapi", schema(value_type = String, example = "acme/hello"))]
        pub skill: SkillId,
        /// The newest version that may be chosen.
        #[cfg_attr(feature = "openapi", schema(value_type = String, example = "1.0.0"))]
        pub version: Version,
        /// What it asks for, a kind each.
        pub permissions: Vec<String>,
        /// What it says of itself.
        pub description: String,
        /// Its category.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub category: Option<String>,
        /// Who may see it.
        pub visibility: Visibility,
        /// When that version was published, as the registry says.
        #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
        pub published: Timestamp,
    }
}

body! {
    /// A category, and how many skills are in it.
    pub struct Category {
        /// Its name.
        pub category: String,
        /// How many public skills are in it.
        pub skills: u64,
    }
}

body! {
    /// A skill: all its versions, and the newest that may be chosen in full.
    pub struct SkillPage {
        /// The skill.
        #[cfg_attr(feature = "openapi", schema(value_type = String, example = "acme/hello"))]
        pub skill: SkillId,
        /// Who may see it.
        pub visibility: Visibility,
        /// Its category.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub category: Option<String>,
        /// The newest version that may be chosen; the newest of all where none may.
        pub release: ReleasePage,
        /// All versions, the highest first.
        pub versions: Vec<VersionLine>,
    }
}

body! {
    /// A version in a list.
    pub struct VersionLine {
        /// The version.
        #[cfg_attr(feature = "openapi", schema(value_type = String, example = "1.0.0"))]
        pub version: Version,
        /// When it was published, as the registry says.
        #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
        pub published: Timestamp,
        /// Why it was yanked, if it was.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub yanked: Option<String>,
        /// Why it was taken down, if it was.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub taken_down: Option<String>,
    }
}

body! {
    /// A version in full. What it asks for comes first.
    pub struct ReleasePage {
        /// The version.
        #[cfg_attr(feature = "openapi", schema(value_type = String, example = "1.0.0"))]
        pub version: Version,
        /// What it asks for, one by one, with the author's reasons.
        pub permissions: Vec<PermissionLine>,
        /// What in that deserves a second look.
        pub warnings: Vec<String>,
        /// What makes its tools be called, beside somebody who names them.
        pub triggers: Vec<TriggerLine>,
        /// The key that signed the package.
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        pub signer: PublicKey,
        /// The place of the release in the log.
        pub log_index: u64,
        /// The digest of the archive.
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        pub archive: Digest,
        /// The length of the archive, in bytes.
        pub size: u64,
        /// When it was published, as the registry says.
        #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
        pub published: Timestamp,
        /// Why it was yanked, if it was.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub yanked: Option<String>,
        /// Why it was taken down, if it was.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub taken_down: Option<String>,
        /// Its tools.
        pub tools: Vec<ToolLine>,
        /// What it says of itself, in a sentence.
        pub description: String,
        /// The licence, as SKILL.md names it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub license: Option<String>,
        /// The text of SKILL.md as HTML that was made harmless.
        pub readme_html: String,
    }
}

body! {
    /// Something that a skill asks for.
    pub struct PermissionLine {
        /// The kind, as `network:external`.
        pub permission: String,
        /// Of what, as the manifest writes it.
        pub scope: String,
        /// The same in words.
        pub words: String,
        /// What it is used for, in the author's words.
        pub reason: String,
    }
}

body! {
    /// What makes a tool be called, beside somebody who names it.
    pub struct TriggerLine {
        /// The tool that is called.
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        pub tool: ToolName,
        /// `cron` or `command`.
        #[serde(rename = "type", default = "cron")]
        pub kind: String,
        /// Of cron: when, in five fields.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub schedule: Option<String>,
        /// Of cron: the zone whose time that is.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub timezone: Option<String>,
        /// Of cron: `skip` or `once`, for runs whose time came while nothing ran.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub missed: Option<String>,
        /// Of cron: `skip` or `queue`, for a run whose time comes while the one before still runs.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub overlap: Option<String>,
        /// Of command: a regular expression for the whole command.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub pattern: Option<String>,
        /// Of command: the property of the tool's input that is the command.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub input: Option<String>,
    }
}

/// The type of a trigger that was written down before there was another.
fn cron() -> String {
    "cron".to_owned()
}

impl From<&Trigger> for TriggerLine {
    fn from(trigger: &Trigger) -> Self {
        let tool = trigger.tool().clone();
        match trigger {
            Trigger::Cron(trigger) => Self {
                tool,
                kind: cron(),
                schedule: Some(trigger.schedule.to_string()),
                timezone: Some(trigger.timezone.to_string()),
                missed: Some(trigger.missed.as_str().to_owned()),
                overlap: Some(trigger.overlap.as_str().to_owned()),
                pattern: None,
                input: None,
            },
            Trigger::Command(trigger) => Self {
                tool,
                kind: "command".to_owned(),
                schedule: None,
                timezone: None,
                missed: None,
                overlap: None,
                pattern: Some(trigger.pattern.to_string()),
                input: trigger.input.clone(),
            },
        }
    }
}

impl TriggerLine {
    /// The same in words, to stand behind "it asks to".
    pub fn words(&self) -> String {
        let tool = &self.tool;
        let text = |field: &Option<String>| field.clone().unwrap_or_default();
        if self.kind == "command" {
            let given = self.input.as_ref().map(|input| format!(", with the command as its {input}"));
            let pattern = text(&self.pattern);
            return format!(
                "have {tool} called for commands that match {pattern}{}",
                given.unwrap_or_default()
            );
        }
        let zone = self.timezone.as_deref().unwrap_or("UTC");
        let mut words = format!("have {tool} called by itself, at {} ({zone})", text(&self.schedule));
        if self.missed.as_deref() == Some("once") {
            words.push_str(", and once for times that were missed");
        }
        if self.overlap.as_deref() == Some("queue") {
            words.push_str(", and again after a run that takes too long");
        }
        words
    }
}

body! {
    /// A tool of a skill.
    pub struct ToolLine {
        /// Its name.
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        pub name: ToolName,
        /// What it does, in the author's words.
        pub description: String,
    }
}

body! {
    /// What is published with an archive and its signature.
    pub struct Publication {
        /// Who may see the skill. A private skill can be made public with its next release, not the other way round.
        pub visibility: Visibility,
        /// The category; by default that of the manifest.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub category: Option<String>,
        /// The envelopes that continue the publisher's history: `init` if it has none, and the release.
        pub events: Vec<String>,
    }
}

body! {
    /// Events to be added to a publisher's history.
    pub struct NewEvents {
        /// The envelopes, in order.
        pub events: Vec<String>,
    }
}

body! {
    /// What was added to the log.
    pub struct Appended {
        /// The places of the events in the log, in order.
        pub log_indices: Vec<u64>,
        /// The checkpoint that has them, a signed note.
        pub checkpoint: String,
    }
}

body! {
    /// A publisher.
    pub struct PublisherPage {
        /// The name.
        #[cfg_attr(feature = "openapi", schema(value_type = String, example = "acme"))]
        pub publisher: PublisherName,
        /// The keys that speak for it.
        #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>))]
        pub active_keys: Vec<PublicKey>,
        /// The keys that were withdrawn.
        #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>))]
        pub revoked_keys: Vec<PublicKey>,
        /// How many events its history has.
        pub history_length: u64,
        /// Its skills, as far as the caller may see them, by name.
        #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>))]
        pub skills: Vec<SkillId>,
    }
}

body! {
    /// What a token may do.
    pub struct Whoami {
        /// The publisher that it acts for.
        #[cfg_attr(feature = "openapi", schema(value_type = String, example = "acme"))]
        pub publisher: PublisherName,
        /// What its issuer called it.
        pub name: String,
        /// What it may do.
        pub scopes: Vec<String>,
        /// On which skills.
        pub pattern: String,
        /// When it ends.
        #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
        pub expires: Timestamp,
    }
}

body! {
    /// Whether the registry is well.
    pub struct Health {
        /// `ok`, or what is wrong.
        pub status: String,
        /// The version of the server.
        pub version: String,
        /// The name of the registry.
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        pub origin: Origin,
        /// How many entries the log has.
        pub log_size: u64,
        /// The version of the newest root.
        pub root_version: u64,
        /// When that ends.
        #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
        pub root_expires: Timestamp,
    }
}
