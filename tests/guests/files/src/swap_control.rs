//! Renames a control directory away, changes what is in it, and renames it back.

use kit::{Input, Outcome, json};

use crate::raw::{put, tree, word};

pub fn run(input: &Input) -> Outcome {
    let tree = tree(input)?;
    let away = word(tree.rename_at(".git", &tree, "away"));
    let write = word(put(&tree, "away/config", "guest"));
    let back = word(tree.rename_at("away", &tree, ".git"));
    Ok(json!({ "away": away, "write": write, "back": back }))
}
