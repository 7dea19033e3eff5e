//! The owner's signing keys, a file each, which nobody else can read.

use std::fs::{self, DirBuilder};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use openclaw_package::{PublicKey, PublisherName, SigningKey};
use openclaw_runtime::layout::DataDir;
use zeroize::Zeroizing;

use crate::error::{CliError, Result};
use crate::exit::Exit;

/// Makes a key, and tells where it is kept. A key that is there is left alone.
pub(crate) fn create(dir: &DataDir, publisher: &PublisherName) -> Result<(SigningKey, PathBuf)> {
    create_at(dir, publisher, dir.key(publisher))
}

/// Makes the key that is to take the place of a publisher's, beside it; or finds the one that an interrupted
/// rotation left, which the registry may know already.
pub(crate) fn successor(dir: &DataDir, publisher: &PublisherName) -> Result<SigningKey> {
    let path = successor_path(dir, publisher);
    if path.is_file() {
        return read(&path);
    }
    Ok(create_at(dir, publisher, path)?.0)
}

/// Puts the successor in place, and keeps the old key's file beside it, for nothing is thrown away that signed.
pub(crate) fn succeed(dir: &DataDir, publisher: &PublisherName) -> Result<()> {
    let (old, path) = load(dir, publisher)?;
    let kept = kept_path(dir, publisher, &old.public_key());
    fs::hard_link(&path, &kept).or_else(|error| match error.kind() {
        ErrorKind::AlreadyExists => Ok(()),
        _ => Err(CliError::io(&kept, &error)),
    })?;
    fs::rename(successor_path(dir, publisher), &path).map_err(CliError::at(&path))?;
    sync(&dir.keys())
}

/// Where a key is kept that another one took the place of.
pub(crate) fn kept_path(dir: &DataDir, publisher: &PublisherName, old: &PublicKey) -> PathBuf {
    dir.keys().join(format!("{publisher}.{}.old", old.key_id()))
}

/// The keys of a publisher that others have taken the place of: a registry may not have heard of that yet.
pub(crate) fn kept(dir: &DataDir, publisher: &PublisherName) -> Result<Vec<SigningKey>> {
    let keys = dir.keys();
    let mut found = Vec::new();
    for entry in fs::read_dir(&keys).map_err(CliError::at(&keys))? {
        let entry = entry.map_err(CliError::at(&keys))?;
        let name = entry.file_name();
        let rest = name.to_str().and_then(|name| name.strip_prefix(publisher.as_str()));
        if rest.is_some_and(|rest| rest.starts_with('.') && rest.ends_with(".old")) {
            found.push(read(&entry.path())?);
        }
    }
    Ok(found)
}

/// Makes new names in a directory last.
fn sync(dir: &Path) -> Result<()> {
    fs::File::open(dir).and_then(|dir| dir.sync_all()).map_err(CliError::at(dir))
}

pub(crate) fn successor_path(dir: &DataDir, publisher: &PublisherName) -> PathBuf {
    dir.keys().join(format!("{publisher}.next"))
}

fn create_at(dir: &DataDir, publisher: &PublisherName, path: PathBuf) -> Result<(SigningKey, PathBuf)> {
    let key = SigningKey::generate()?;
    let keys = dir.keys();
    DirBuilder::new().recursive(true).mode(0o700).create(&keys).map_err(CliError::at(&keys))?;
    // Under its own name the key is whole or not there: half a one could be neither read nor made again.
    let mut file = tempfile::NamedTempFile::new_in(&keys).map_err(CliError::at(&keys))?;
    let text = key.to_secret_text();
    file.write_all(text.as_bytes())
        .and_then(|()| file.write_all(b"\n"))
        .and_then(|()| file.as_file().sync_all())
        .map_err(CliError::at(&path))?;
    match file.persist_noclobber(&path) {
        Err(error) if error.error.kind() == ErrorKind::AlreadyExists => {
            let message = format!("{publisher} has a key already: {}", path.display());
            return Err(CliError::new(Exit::Refused, "key-exists", message)
                .hint(format!("openclaw key show {publisher}")));
        }
        persisted => drop(persisted.map_err(|error| CliError::io(&path, &error.error))?),
    }
    // A registry may hear of the key next: the machine must not stop and forget the name of its file.
    sync(&keys)?;
    Ok((key, path))
}

/// Reads a publisher's key.
pub(crate) fn load(dir: &DataDir, publisher: &PublisherName) -> Result<(SigningKey, PathBuf)> {
    let path = dir.key(publisher);
    if !path.is_file() {
        let message = format!("there is no key of {publisher}");
        return Err(CliError::new(Exit::NotFound, "no-key", message).hint(advice(dir, publisher)?));
    }
    Ok((read(&path)?, path))
}

fn read(path: &Path) -> Result<SigningKey> {
    let text = Zeroizing::new(fs::read_to_string(path).map_err(CliError::at(path))?);
    let mode = fs::metadata(path).map_err(CliError::at(path))?.permissions().mode();
    if mode & 0o077 != 0 {
        let message = format!("others can read the key {}", path.display());
        return Err(CliError::new(Exit::Refused, "key-not-private", message)
            .hint(format!("chmod 600 {}", path.display())));
    }
    SigningKey::from_secret_text(&text).map_err(|error| {
        let error = CliError::from(error);
        CliError { message: format!("{}: {}", path.display(), error.message), ..error }
    })
}

/// The publishers whose keys are there, by name.
pub(crate) fn publishers(dir: &DataDir) -> Result<Vec<PublisherName>> {
    let keys = dir.keys();
    let entries = match fs::read_dir(&keys) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(CliError::at(&keys))?,
    };
    let mut publishers = Vec::new();
    for entry in entries {
        let name = entry.map_err(CliError::at(&keys))?.file_name();
        let name = name.to_str().and_then(|name| name.strip_suffix(".key"));
        publishers.extend(name.and_then(|name| name.parse::<PublisherName>().ok()));
    }
    publishers.sort();
    Ok(publishers)
}

/// What to do without a key: there may be others.
fn advice(dir: &DataDir, publisher: &PublisherName) -> Result<String> {
    let others = publishers(dir)?;
    let make = format!("openclaw key new {publisher} makes one");
    if others.is_empty() {
        return Ok(make);
    }
    let others = others.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    Ok(format!("you have keys of {others}; {make}"))
}
