//! What a registry and its clients say to each other, and what a client believes of it.

pub mod origin;

pub use origin::{Origin, OriginError};
