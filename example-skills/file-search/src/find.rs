//! Finds files by their paths.

use std::path::Path;

use openclaw_skill::Result;

use crate::walk::{self, Scope};
use crate::{File, FindFilesOutput};

/// Lists the files of a scope, at most `most` of them.
pub fn find(root: &Path, scope: &Scope, most: usize) -> Result<FindFilesOutput> {
    let mut output = FindFilesOutput::default();
    for found in walk::files(root, scope)? {
        let file = found.ok().and_then(|found| {
            let size = found.path.metadata().ok()?.len();
            Some(File { path: found.name, size })
        });
        match file {
            None => output.unreadable += 1,
            Some(_) if output.files.len() == most => {
                output.truncated = true;
                break;
            }
            Some(file) => output.files.push(file),
        }
    }
    Ok(output)
}
