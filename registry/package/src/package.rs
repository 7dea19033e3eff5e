//! A whole package: collected from a project, packed and signed, and on the other side verified.

mod error;
mod layout;
mod source;
mod verify;

pub use error::RefusalError;
pub use source::{Package, PackageSource, Packed};
pub use verify::{
    Depth, UnsignedPackage, VerifiedPackage, read_unsigned_dir_unverified, read_unsigned_unverified,
    verify_archive, verify_dir,
};

/// Where the manifest stands in a package.
pub const MANIFEST_PATH: &str = "openclaw/skill.toml";

/// Where the component stands in a package.
pub const COMPONENT_PATH: &str = "openclaw/skill.wasm";

/// Where the tools stand in a package.
pub const TOOLS_PATH: &str = "openclaw/tools.json";

/// Where the words for every agent stand in a package.
pub const SKILL_MD_PATH: &str = "SKILL.md";
