//! A registry that lies: what it says is refused with a stable code, what was known stays, and what is installed runs.
//!
//! The lies are told by a proxy in front of a real registry, or by a second one that was copied from it, keys and all.

mod answers;
mod installs;
mod keys;
mod log;
mod token;

use openclaw_tests::registry::HELLO;

/// The verbs by which a client learns what a registry says.
const ASKING: [&[&str]; 3] = [&["install", HELLO, "--yes"], &["update", "--yes"], &["audit"]];
