//! What the benchmarks share: the skill that is called, the host that calls it, and the arms beside it.

pub mod arms;
pub mod contract;
pub mod host;
pub mod project;
pub mod tuned;
pub mod untuned;
