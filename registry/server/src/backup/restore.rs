//! Reading a backup back into an empty place: all of it is verified before any of it counts.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _};
use std::path::Path;

use futures::StreamExt as _;
use openclaw_package::Digest;
use sqlx::AnyConnection;
use tar::{Archive, Entry, EntryType};

use super::tables::{TABLES, Table};
use super::{DIGESTS, Done, FORMAT, MANIFEST, Manifest, Summary};
use crate::blobs::Blobs;
use crate::error::{Fault, Result};
use crate::keys::Keys;
use crate::location::Location;
use crate::store::{SCHEMA_VERSION, find_head};
use crate::verify::verify_rows;

/// The largest blob, key or list of digests of a backup that is read, in bytes.
const MAX_SIZE: u64 = 1 << 30;

/// Restores a registry into a place that has none. The place is marked until all of it is there: a server refuses one
/// that is half restored, and the same backup can be restored into it again.
///
/// # Errors
///
/// A place that is not empty; a backup that is not as it was written, or whose registry does not verify. Then
/// nothing is there afterwards that was not there before.
pub async fn restore(location: &Location, path: &Path) -> Result<Summary> {
    let Contents { manifest, names } = check(path)?;
    location.create()?;
    let _lock = location.lock()?;
    let (store, blobs, keys) = (location.store().await?, location.blobs()?, location.keys());
    let mut written = Written { blobs: Vec::new(), keys: Vec::new() };
    // What an interrupted restore of this backup left is written over.
    let left = if location.is_half_restored() { names } else { BTreeSet::new() };
    must_be_empty(&mut *store.read().await?, location, (&blobs, &keys), &left).await?;
    location.begin_restore()?;
    left.iter().filter_map(|name| name.strip_prefix("keys/")).for_each(|name| keys.discard(name));
    let (mut transaction, _turn) = store.first_write().await?;
    let done = load(&mut transaction, &blobs, &keys, path, &mut written).await;
    match done {
        Ok(rows) => {
            transaction.commit().await?;
            location.end_restore()?;
            Ok(Summary {
                done: Done::Restored,
                origin: manifest.origin,
                log_size: manifest.log_size,
                rows,
                blobs: written.blobs.len() as u64,
                keys: written.keys.len() as u64,
            })
        }
        Err(error) => {
            transaction.rollback().await?;
            for digest in &written.blobs {
                blobs.remove(digest).await?;
            }
            for name in &written.keys {
                keys.discard(name);
            }
            location.end_restore()?;
            Err(error)
        }
    }
}

/// What was put outside the transaction.
struct Written {
    blobs: Vec<Digest>,
    keys: Vec<String>,
}

async fn must_be_empty(
    connection: &mut AnyConnection,
    location: &Location,
    (blobs, keys): (&Blobs, &Keys),
    left: &BTreeSet<String>,
) -> Result<()> {
    let shown = location.data.display();
    let refuse = |what: String| Err(Fault::state(what, "name an empty directory with --data").into());
    if find_head(connection).await?.is_some() {
        let place = if location.is_embedded() { shown.to_string() } else { "the database".to_owned() };
        return refuse(format!("there is a registry in {place} already"));
    }
    let mut there = blobs.list();
    while let Some((blob, _)) = there.next().await.transpose()? {
        if !blob.is_ok_and(|digest| left.contains(&format!("blobs/{}", digest.hex()))) {
            let place =
                if location.blobs.is_none() { format!("{shown}/blobs") } else { "--blobs".to_owned() };
            return refuse(format!("there are blobs in {place} already"));
        }
    }
    if keys.files()?.iter().any(|(name, _)| !left.contains(&format!("keys/{name}"))) {
        return refuse(format!("there are keys in {} already", keys.directory().display()));
    }
    Ok(())
}

/// What a backup has: what it says of itself, and the names of what is in it.
struct Contents {
    manifest: Manifest,
    names: BTreeSet<String>,
}

/// Reads a backup through once: nothing in it but what belongs there, and all of it as it was written.
fn check(path: &Path) -> Result<Contents> {
    let (mut manifest, mut digests, mut found) = (None, None, BTreeMap::new());
    each(path, |name, mut entry| {
        if digests.is_some() {
            return Err(bad("something follows its end").into());
        }
        if name == DIGESTS {
            let bytes = whole(path, &mut entry)?;
            let read = serde_json::from_slice::<BTreeMap<String, Digest>>(&bytes);
            digests = Some(read.map_err(|_| bad("its digests cannot be read"))?);
            return Ok(());
        }
        if name == MANIFEST {
            let bytes = whole(path, &mut entry)?;
            found.insert(name.to_owned(), Digest::of(&bytes));
            let read = serde_json::from_slice::<Manifest>(&bytes);
            manifest = Some(read.map_err(|_| bad("what it says of itself cannot be read"))?);
            return Ok(());
        }
        let (digest, _) = Digest::of_reader(&mut entry).map_err(unreadable(path))?;
        match found.insert(name.to_owned(), digest) {
            None => Ok(()),
            Some(_) => Err(bad("something stands there twice").into()),
        }
    })?;
    if digests.is_none_or(|digests| digests != found) {
        return Err(bad("it is cut short, or was changed").into());
    }
    let manifest = manifest.ok_or_else(|| bad("it does not say what it is"))?;
    if manifest.format != FORMAT || manifest.schema > SCHEMA_VERSION {
        return Err(bad("it is of a newer server").into());
    }
    Ok(Contents { manifest, names: found.into_keys().collect() })
}

fn bad(fact: &str) -> Fault {
    Fault::Backup(fact.to_owned())
}

/// What the disk refuses is told as that. What the format refuses is not repeated: the file may be anything.
fn unreadable(path: &Path) -> impl Fn(io::Error) -> Fault {
    let path = path.to_owned();
    move |error| match error.raw_os_error() {
        Some(_) => Fault::file(&path)(error),
        None => bad("it is cut short, or was changed"),
    }
}

async fn load(
    connection: &mut AnyConnection,
    blobs: &Blobs,
    keys: &Keys,
    path: &Path,
    written: &mut Written,
) -> Result<u64> {
    let mut rows = 0;
    let mut archive = Archive::new(BufReader::new(File::open(path).map_err(Fault::file(path))?));
    for entry in archive.entries().map_err(unreadable(path))? {
        let mut entry = entry.map_err(unreadable(path))?;
        let name = name(&entry).ok_or_else(|| bad("something has no place in it"))?;
        if let Some(table) = table(&name) {
            for line in BufReader::new(&mut entry).split(b'\n') {
                table.insert(connection, &line.map_err(Fault::file(path))?).await?;
                rows += 1;
            }
        } else if let Some(hex) = name.strip_prefix("blobs/") {
            let digest = Digest::from_hex(hex).map_err(|_| bad("something has no place in it"))?;
            let bytes = whole(path, &mut entry)?;
            written.blobs.push(digest);
            blobs.put(&digest, bytes.into()).await?;
        } else if let Some(name) = name.strip_prefix("keys/") {
            keys.store(name, &whole(path, &mut entry)?)?;
            written.keys.push(name.to_owned());
        }
    }
    let report = verify_rows(connection, blobs).await?;
    if report.is_clean() { Ok(rows) } else { Err(Fault::Backup(report.to_string()).into()) }
}

fn table(name: &str) -> Option<&'static Table> {
    let name = name.strip_prefix("tables/")?.strip_suffix(".ndjson")?;
    TABLES.iter().find(|table| table.name == name)
}

type BackupEntry<'a> = Entry<'a, BufReader<File>>;

/// Visits what is in a backup. A file that does not begin as one is none, whatever else it is.
fn each(path: &Path, mut visit: impl FnMut(&str, BackupEntry<'_>) -> Result<()>) -> Result<()> {
    let file = File::open(path).map_err(Fault::file(path))?;
    let none = || Fault::NotBackup(path.to_owned());
    if !file.metadata().map_err(Fault::file(path))?.is_file() {
        return Err(none().into());
    }
    let mut archive = Archive::new(BufReader::new(file));
    let mut begun = false;
    for entry in archive.entries().map_err(unreadable(path))? {
        let entry = match entry {
            Err(error) if !begun && error.raw_os_error().is_none() => return Err(none().into()),
            entry => entry.map_err(unreadable(path))?,
        };
        match name(&entry) {
            Some(name) if begun || name == MANIFEST => visit(&name, entry)?,
            _ if !begun => return Err(none().into()),
            _ => return Err(bad("something has no place in it").into()),
        }
        begun = true;
    }
    if begun { Ok(()) } else { Err(none().into()) }
}

/// The name of an entry, if it is one that a backup has.
fn name(entry: &BackupEntry<'_>) -> Option<String> {
    let bytes = entry.path_bytes();
    let name = std::str::from_utf8(&bytes).unwrap_or_default();
    let is_key = |name: &str| {
        let stem = name.strip_suffix(".key").unwrap_or_default();
        !stem.is_empty() && stem.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
    };
    let known = name == MANIFEST
        || name == DIGESTS
        || table(name).is_some()
        || name.strip_prefix("blobs/").is_some_and(|hex| Digest::from_hex(hex).is_ok())
        || name.strip_prefix("keys/").is_some_and(is_key);
    (known && entry.header().entry_type() == EntryType::Regular).then(|| name.to_owned())
}

/// All of an entry, which only a file that was changed has larger than is read.
fn whole(path: &Path, entry: &mut BackupEntry<'_>) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = entry.take(MAX_SIZE + 1).read_to_end(&mut bytes).map_err(unreadable(path))?;
    if read as u64 > MAX_SIZE {
        return Err(bad("something in it is too large").into());
    }
    Ok(bytes)
}
