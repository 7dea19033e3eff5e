//! Rights on files by Landlock, as every confined process of this host has them.

use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible, Ruleset, RulesetAttr, Scope,
    make_bitflags,
};

/// The least Landlock that will do: since Linux 6.2 it also covers truncation.
const REQUIRED: ABI = ABI::V3;
/// The newest that is asked for where the kernel has it.
const WANTED: ABI = ABI::V6;

/// Reading files and listing directories.
pub const READ: BitFlags<AccessFs> = make_bitflags!(AccessFs::{ReadFile | ReadDir});

/// What nobody does in a tree: starting programs, using devices, making anything but files, directories and links.
const NEVER: BitFlags<AccessFs> =
    make_bitflags!(AccessFs::{Execute | IoctlDev | MakeChar | MakeBlock | MakeFifo | MakeSock});

/// Reading and changing.
#[must_use]
pub fn write() -> BitFlags<AccessFs> {
    AccessFs::from_all(WANTED) & !NEVER
}

/// Whether this machine's kernel has enough of Landlock.
#[must_use]
pub fn is_landlock_supported() -> bool {
    ruleset().is_ok_and(|ruleset| ruleset.create().is_ok())
}

/// Rules that allow nothing yet: no file, no TCP, no signal and no abstract socket beyond the process and its children.
///
/// # Errors
/// A kernel without Landlock, or with one older than Linux 6.2.
pub fn ruleset() -> Result<Ruleset, landlock::RulesetError> {
    Ruleset::default()
        .set_compatibility(CompatLevel::HardRequirement)
        .handle_access(AccessFs::from_all(REQUIRED))?
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(WANTED))?
        .handle_access(AccessNet::from_all(WANTED))?
        .scope(Scope::from_all(WANTED))
}
