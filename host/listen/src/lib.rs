//! What the servers of OpenClaw share: connections that are bounded in number and in how slow they may be.

mod crowd;
mod patient;

pub use crowd::{Crowd, Member, network};
pub use patient::Patient;
