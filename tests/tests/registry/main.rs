//! A registry that need not be trusted, through the real command and the real server: its users, its operator, and its
//! enemies. `row_N` is a row of the table of attacks: `packages` has those about packages, `hostile` those about the
//! registry itself.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail so"
)]

mod accounts;
mod documents;
mod hostile;
mod intruders;
mod keys;
mod outlives;
mod packages;
mod scene;
mod tokens;
mod transfers;
mod travels;
mod typed;
mod withdrawn;

use serde_json::Value;

/// The versions of a page or a list of results, in its order.
fn versions(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|one| one["version"].as_str().unwrap()).collect()
}

/// The codes of what an audit found about the one skill that is installed.
#[track_caller]
fn findings(audit: &Value) -> Vec<&str> {
    let skills = audit["skills"].as_array().unwrap();
    assert_eq!(skills.len(), 1, "{audit}");
    skills[0]["findings"].as_array().unwrap().iter().map(|one| one["code"].as_str().unwrap()).collect()
}
