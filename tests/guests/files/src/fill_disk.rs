//! Writes to a file until it is refused.

use std::io::Write;

use kit::{Input, Outcome, at, json};

pub fn run(input: &Input) -> Outcome {
    let path = input.text("path")?;
    let most = input.number_or("most", 1 << 34);
    let block = vec![7_u8; 1 << 20];
    let mut file = std::fs::File::create(path).map_err(|error| at(path, error))?;
    let mut written = 0;
    while written < most {
        if let Err(error) = file.write_all(&block) {
            return Ok(json!({ "written": written, "error": error.to_string() }));
        }
        written += block.len() as u64;
    }
    Ok(json!({ "written": written, "error": null }))
}
