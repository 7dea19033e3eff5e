//! The gateway through its front door: the real command, and requests as friends and strangers send them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail so"
)]

mod calls;
mod chat;
mod commands;
mod hosted;
mod hostile;
mod life;
mod mcp;
mod names;
mod openapi;
mod spans;
mod tls;
mod tokens;
mod triggers;
mod ws;

use openclaw_tests::{Home, Skill};

/// A home with the guest whose tools echo, spin, sleep and log.
fn home() -> Home {
    Home::with(&compute())
}

fn compute() -> Skill {
    Skill::guest("compute").limit("timeout", "\"60s\"").limit("fuel", "50_000_000_000")
}

/// Writes `config.yaml`.
fn configure(home: &Home, text: &str) {
    std::fs::write(home.data().join("config.yaml"), text).unwrap();
}
