//! Agents at the command line: the real command against models that follow a script, in the format of each provider.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail so"
)]

mod attacks;
mod chat;
mod commits;
mod config;
mod gateway;
mod models;
mod resume;
mod run;
mod scene;
mod secrets;
mod settings;
mod terminal;
