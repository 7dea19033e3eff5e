//! What must hold whatever bytes a stranger sends: a function for each parser of `openclaw-package`.
//!
//! libFuzzer calls them through `fuzz_targets/`, and `tests/fuzz.rs` of the package includes this file and calls
//! them with the corpus. Each takes any bytes and panics where a promise is broken; `docs/fuzzing.md` lists them.

mod archive;
mod component;
mod manifest;
mod note;
mod package;
mod permission;
mod process;
mod registry;
mod schema;
mod signed;
mod skill_md;
mod tools;
mod url_pattern;
mod words;

use std::fmt::Display;

pub use archive::{archive, tar};
pub use component::{component, proof};
pub use manifest::manifest;
pub use note::note;
pub use package::package;
pub use permission::permission;
pub use registry::registry;
pub use signed::{envelope, statement};
pub use skill_md::skill_md;
pub use tools::tools;
pub use url_pattern::url_pattern;
pub use words::{digest, interface, key, name, path, size};

/// The longest refusal in bytes: what is quoted is cut short, and lists of what is known are short.
const LONGEST_REFUSAL: usize = 8 << 10;

/// A refusal has a stable code, and shows a person nothing that hides, reorders or floods.
fn told(error: &dyn Display, code: &str, hint: Option<String>) {
    let kebab = |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase());
    assert!(code.split('-').all(kebab), "{code:?}");
    for text in [error.to_string(), hint.unwrap_or_default()] {
        assert!(text.len() <= LONGEST_REFUSAL, "{} bytes of {text:.80}", text.len());
        assert!(!text.chars().any(hides), "{text:?}");
    }
    assert!(!error.to_string().is_empty(), "{code}");
}

/// Whether a character is a control, takes no room, or turns the direction of what stands beside it.
fn hides(character: char) -> bool {
    character.is_control()
        || matches!(u32::from(character), 0x200b..=0x200f | 0x2028..=0x202e | 0x2060..=0x206f | 0xe0000..=0xe007f)
        || matches!(
            character,
            '\u{ad}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}'
        )
}

/// The bytes as text, which most parsers begin with.
fn text(data: &[u8]) -> Option<&str> {
    std::str::from_utf8(data).ok()
}
