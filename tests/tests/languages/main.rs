//! Skills in TypeScript, JavaScript and Python: begun, built, tested, packed, installed and called as their authors do,
//! and attacked as skills in Rust are. The toolchains come from their own registries, once for all tests.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail so"
)]

mod examples;
mod guide;
mod javascript;
mod python;
mod scene;
mod tour;
