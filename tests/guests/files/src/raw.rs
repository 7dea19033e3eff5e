//! Help, not a behaviour: `wasi:filesystem` without a standard library in between, which would tidy up paths.

use kit::{Failure, Input};

use crate::wasi::filesystem::preopens::get_directories;
use crate::wasi::filesystem::types::{Descriptor, DescriptorFlags, ErrorCode, OpenFlags, PathFlags};

/// The tree that the input names, `/workspace` if it names none.
pub fn tree(input: &Input) -> Result<Descriptor, Failure> {
    named_tree(input.text_or("tree", "/workspace"))
}

/// A preopened tree.
pub fn named_tree(name: &str) -> Result<Descriptor, Failure> {
    let found = get_directories().into_iter().find(|(_, path)| path == name);
    found.map(|(tree, _)| tree).ok_or_else(|| Failure::Failed(format!("{name} is not preopened")))
}

/// An error code as the contract writes it, after what was tried.
pub fn failure(what: &str, code: ErrorCode) -> Failure {
    let text = format!("{what}: {}", code.name());
    match code {
        ErrorCode::Access | ErrorCode::NotPermitted | ErrorCode::ReadOnly => Failure::Denied(text),
        _ => Failure::Failed(text),
    }
}

/// Opens a file of a tree for reading and gives its content as text.
pub fn content(tree: &Descriptor, path: &str) -> Result<String, ErrorCode> {
    let file = tree.open_at(PathFlags::SYMLINK_FOLLOW, path, OpenFlags::empty(), DescriptorFlags::READ)?;
    let (bytes, _) = file.read(1 << 16, 0)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Puts a text into a file of a tree, and makes the file if it is not there.
pub fn put(tree: &Descriptor, path: &str, text: &str) -> Result<(), ErrorCode> {
    let open = OpenFlags::CREATE | OpenFlags::TRUNCATE;
    let file = tree.open_at(PathFlags::SYMLINK_FOLLOW, path, open, DescriptorFlags::WRITE)?;
    file.write(text.as_bytes(), 0).map(drop)
}

/// The outcome of a step as one word: `ok`, or the error code.
pub fn word<T>(outcome: Result<T, ErrorCode>) -> String {
    outcome.map_or_else(|code| code.name().to_owned(), |_| "ok".to_owned())
}
