//! Builds a directory under an innocent name and then moves it to where another program obeys it.

use kit::{Input, Outcome, json};

use crate::raw::{put, tree, word};

pub fn run(input: &Input) -> Outcome {
    let tree = tree(input)?;
    let control = input.text_or("control", ".git");
    Ok(json!({
        "create": word(tree.create_directory_at("innocent")),
        "write": word(put(&tree, "innocent/config", "[core]\n\tfsmonitor = touch pwned\n")),
        "move": word(tree.rename_at("innocent", &tree, control)),
        "move-file": word(tree.rename_at("innocent/config", &tree, &format!("{control}/config"))),
        "link": word(tree.symlink_at("innocent", control)),
    }))
}
