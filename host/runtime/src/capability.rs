//! What a skill can hold, and the one function that decides each use of it.
//!
//! The order of a decision, the same for every capability:
//!
//! 1. what the signed manifest does not request is denied (`not-requested`);
//! 2. what a deny rule of the owner covers is denied (`denied-by-owner`), however it was allowed;
//! 3. what an allow rule of the owner covers is permitted;
//! 4. everything else is denied (`not-granted`), and the hint is the command that would grant it.
//!
//! A permit carries the value to be used (a directory, a destination), so that what was checked
//! and what is used cannot differ.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// A kind of capability: a manifest requests, a policy grants and an audit record names the same ones.
pub use openclaw_package::permission::PermissionKind as Capability;
pub(crate) use openclaw_package::text::hides;
use serde::{Deserialize, Serialize};

pub mod ask;
pub(crate) mod filesystem;
pub mod grant;
pub mod llm;
pub mod log;
pub mod memory;
pub mod network;
pub mod process;
pub mod secret;

/// Why a use of a capability was denied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// The manifest does not ask for it.
    NotRequested,
    /// A deny rule of the owner covers it.
    DeniedByOwner,
    /// No allow rule of the owner covers it.
    NotGranted,
    /// It is granted for reading only.
    ReadOnly,
    /// It leads out of the granted tree.
    OutsideTree,
    /// It is a file that other programs obey (`.git/config`, shell start-up files), not granted by name.
    ControlFile,
    /// It is neither a regular file nor a directory.
    SpecialFile,
    /// A budget of the call or a quota of the skill is used up.
    QuotaExceeded,
    /// The address is loopback, private, link-local or otherwise special.
    InternalAddress,
    /// The request itself is not of a form that the host sends on.
    ForbiddenRequest,
    /// The program is not, or no longer, the one that was granted.
    ProgramChanged,
    /// This machine lacks what would confine a program.
    NotConfinable,
    /// The owner has set no value for the secret, or it cannot be read.
    NoValue,
}

impl Reason {
    /// The stable name.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::NotRequested => "not-requested",
            Self::DeniedByOwner => "denied-by-owner",
            Self::NotGranted => "not-granted",
            Self::ReadOnly => "read-only",
            Self::OutsideTree => "outside-tree",
            Self::ControlFile => "control-file",
            Self::SpecialFile => "special-file",
            Self::QuotaExceeded => "quota-exceeded",
            Self::InternalAddress => "internal-address",
            Self::ForbiddenRequest => "forbidden-request",
            Self::ProgramChanged => "program-changed",
            Self::NotConfinable => "not-confinable",
            Self::NoValue => "no-value",
        }
    }
}

impl Reason {
    /// What the command does that a denial for this reason hints at.
    #[must_use]
    pub const fn remedy(self) -> &'static str {
        match self {
            Self::NoValue => "to set it",
            _ => "to grant it",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.label())
    }
}

/// One use of a capability that was refused.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Denial {
    /// What was tried.
    pub capability: Capability,
    /// On what: a guest path or a method and URL, with control characters escaped.
    pub target: String,
    /// Why not.
    pub reason: Reason,
    /// The command that would grant it, where one would.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl Denial {
    /// A denial of `target`, which a stranger wrote: it is escaped and clipped to 256 characters.
    pub(crate) fn new(capability: Capability, target: &str, reason: Reason) -> Self {
        let target = target.chars().flat_map(char::escape_debug).take(256).collect();
        Self { capability, target, reason, hint: None }
    }

    /// Adds the command that would grant it.
    pub(crate) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} denied ({}): {}", self.capability, self.reason, self.target)?;
        if let Some(hint) = &self.hint {
            write!(f, "; {}: {hint}", self.reason.remedy())?;
        }
        Ok(())
    }
}

/// A character as it is shown: itself, or its escape if it could forge lines or hide text. Line breaks and tabs
/// stay, since whoever shows them indents.
pub fn shown(character: char) -> impl Iterator<Item = char> {
    let stays = matches!(character, '\n' | '\t') || !hides(character);
    let escape = (!stays).then(|| character.escape_unicode());
    stays.then_some(character).into_iter().chain(escape.into_iter().flatten())
}

/// The denials of one call, shared by every view that can deny; at most [`Denials::KEPT`] distinct ones.
#[derive(Clone, Debug, Default)]
pub(crate) struct Denials(Arc<Mutex<DenialLog>>);

#[derive(Debug, Default)]
struct DenialLog {
    kept: Vec<Denial>,
    count: u64,
}

impl Denials {
    /// How many distinct denials of a call are kept; the rest are only counted.
    pub(crate) const KEPT: usize = 32;

    /// Notes a denial.
    pub(crate) fn record(&self, denial: Denial) {
        let mut log = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        log.count += 1;
        if log.kept.len() < Self::KEPT && !log.kept.contains(&denial) {
            log.kept.push(denial);
        }
    }

    /// The distinct denials so far, and how many there were in all.
    pub(crate) fn take(&self) -> (Vec<Denial>, u64) {
        let mut log = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        (std::mem::take(&mut log.kept), log.count)
    }
}

/// Decides one use of a capability, in the order that the module's documentation gives.
///
/// `requested`, `denied` and `allowed` tell whether the manifest, a deny rule and an allow rule
/// cover the use.
pub(crate) fn decide(requested: bool, denied: bool, allowed: bool) -> Result<(), Reason> {
    if !requested {
        Err(Reason::NotRequested)
    } else if denied {
        Err(Reason::DeniedByOwner)
    } else if allowed {
        Ok(())
    } else {
        Err(Reason::NotGranted)
    }
}
