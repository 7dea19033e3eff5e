//! Finds, fetches, checks and publishes skills. What a registry says is believed only where it is proved.
//!
//! - [`Registries`] is what is kept on disk: which registries there was a login to, the root that was pinned for each,
//!   and what was last seen of its log, its takedowns and its publishers' histories.
//! - [`Client`] speaks with one of them: [`Client::resolve`] chooses a version and proves it, [`Client::fetch`] brings
//!   its files, [`Client::publish`] and the events of a publisher add to the log and look for themselves in it.
//! - [`verify_offline`] believes an installed package again when the registry is gone.
//!
//! A hostile registry can refuse, and it can withhold what is newer than anything that was seen. It cannot make a
//! client forget, and it cannot sign for a publisher. Every refusal leaves what was known as it was; where two things
//! that were signed contradict each other both are kept as evidence.

mod audit;
mod cache;
mod client;
mod discover;
mod download;
mod error;
mod events;
mod fetch;
mod login;
mod offline;
mod progress;
mod publish;
mod resolve;
mod state;
mod text;
mod token;
mod transport;
mod trust;
mod url;
mod watch;

pub use audit::{AuditReport, Audited, Finding, Installed, Instead, Severity};
pub use client::Client;
pub use discover::Query;
pub use error::Error;
pub use events::Added;
pub use fetch::Fetched;
pub use login::{LoggedIn, LoginRequest, Pending};
pub use offline::{Expected, verify_offline};
pub use progress::{Progress, Silent};
pub use publish::{PublishError, PublishRequest, Published};
pub use resolve::{ResolveError, ResolveOptions, Resolved, Withdrawn};
pub use state::{KnownRegistry, Registries, StateError};
pub use text::shown;
pub use token::{Token, TokenError};
pub use transport::{ClientOptions, HttpError, Timeouts};
pub use trust::{Fresh, PublisherHistory, TrustError};
pub use url::{RegistryUrl, UrlError};
pub use watch::{WatchFinding, WatchReport};
