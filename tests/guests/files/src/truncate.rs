//! Cuts a file short in every way there is.

use kit::{Input, Outcome, json};

use crate::raw::{tree, word};
use crate::wasi::filesystem::types::{DescriptorFlags, NewTimestamp, OpenFlags, PathFlags};

pub fn run(input: &Input) -> Outcome {
    let (tree, path) = (tree(input)?, input.text("path")?);
    let open = |open, flags| tree.open_at(PathFlags::SYMLINK_FOLLOW, path, open, flags);
    let reader = open(OpenFlags::empty(), DescriptorFlags::READ);
    let on_reader = |act: &dyn Fn(&crate::wasi::filesystem::types::Descriptor) -> String| {
        reader.as_ref().map_or_else(|code| code.name().to_owned(), act)
    };
    Ok(json!({
        "truncate-reader": word(open(OpenFlags::TRUNCATE, DescriptorFlags::READ)),
        "truncate-writer": word(open(OpenFlags::TRUNCATE, DescriptorFlags::WRITE)),
        "create-truncate": word(open(OpenFlags::CREATE | OpenFlags::TRUNCATE, DescriptorFlags::WRITE)),
        "set-size": on_reader(&|file| word(file.set_size(0))),
        "write": on_reader(&|file| word(file.write(b"guest", 0))),
        "write-stream": on_reader(&|file| word(file.write_via_stream(0).map(drop))),
        "append-stream": on_reader(&|file| word(file.append_via_stream().map(drop))),
        "set-times": on_reader(&|file| word(file.set_times(NewTimestamp::Now, NewTimestamp::Now))),
        "unlink": word(tree.unlink_file_at(path)),
    }))
}
