//! Agents behind the gateway: the tools that they call, who speaks to them, and what they say while they work.

mod conversations;
mod outbox;
mod speaker;
mod tools;

pub(crate) use conversations::{Conversations, Running, Said, reason_label};
pub(crate) use outbox::{Out, Outbox, Piece, event_bytes};
pub use speaker::Speakers;
pub use tools::ServedTools;
