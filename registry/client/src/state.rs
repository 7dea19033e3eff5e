//! What is known of registries, on disk: pins, tokens, and what was last seen of each log.
//!
//! ```text
//! default                       the URL of the default registry
//! .lock                         held while anything here is changed
//! <host>-<digest of the URL>/   one registry
//!   registry.toml                 URL, origin, pinned fingerprint        token          0600, in its own file
//!   roots.json                    the chain of roots                     checkpoint     the newest that was seen
//!   takedowns.json                the newest signed list                 publishers.json  how far histories went
//!   watch.json                    how far the log was audited            evidence/      what was refused, and why
//! ```

mod error;
mod evidence;
mod files;
mod known;
mod records;
mod registries;

pub use error::StateError;
pub use known::KnownRegistry;
pub use registries::Registries;

pub(crate) use evidence::Evidence;
pub(crate) use files::{private_dir, read, read_at_most, replace};
pub(crate) use known::{CHECKPOINT, ROOTS, TAKEDOWNS, Update};
pub(crate) use records::{Seen, Stored, parse_json, to_json};
pub(crate) use registries::Login;
