//! What of a registry's words is believed: roots from the pinned one on, a log that only grows, histories that
//! only grow, takedowns that stay.

mod basis;
mod error;
mod history;
mod log;
mod refresh;
mod served;
mod takedowns;

pub use error::TrustError;
pub use history::PublisherHistory;
pub use refresh::Fresh;

pub(crate) use basis::{Basis, Seal};
pub(crate) use history::check_seen;
pub(crate) use served::version_unverified;
