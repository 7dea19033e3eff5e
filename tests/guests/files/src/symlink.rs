//! Plants a link, and reads and writes through it.

use kit::{Input, Outcome, json};

use crate::raw::{content, put, tree, word};

pub fn run(input: &Input) -> Outcome {
    let tree = tree(input)?;
    let (target, path) = (input.text("target")?, input.text("path")?);
    let through = input.text_or("through", path);
    Ok(json!({
        "plant": word(tree.symlink_at(target, path)),
        "read": content(&tree, through).unwrap_or_else(|code| code.name().to_owned()),
        "write": word(put(&tree, through, "guest")),
    }))
}
