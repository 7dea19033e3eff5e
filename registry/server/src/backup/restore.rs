//! Reading a backup back into an empty place: all of it is verified before any of it counts.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;

use futures::StreamExt as _;
use openclaw_package::Digest;
use sqlx::AnyConnection;
use tar::{Archive, Entry, EntryType};

use super::tables::{TABLES, Table};
use super::{DIGESTS, FORMAT, MANIFEST, Manifest, Summary};
use crate::blobs::Blobs;
use crate::error::{Fault, Result};
use crate::keys::Keys;
use crate::location::Location;
use crate::store::{SCHEMA_VERSION, find_head};
use crate::verify::verify_rows;

/// The largest table, blob or key of a backup that is read, in bytes.
const MAX_SMALL: u64 = 64 << 20;

/// Restores a registry into a place that has none.
///
/// # Errors
///
/// A place that is not empty; a backup that is not as it was written, or whose registry does not verify. Then
/// nothing is there afterwards that was not there before.
pub async fn restore(location: &Location, path: &Path) -> Result<Summary> {
    let manifest = check(path)?;
    location.create()?;
    let _lock = location.lock()?;
    let (store, blobs, keys) = (location.store().await?, location.blobs()?, location.keys());
    let mut written = Written { blobs: Vec::new(), keys: Vec::new() };
    must_be_empty(&mut *store.read().await?, &blobs, &keys).await?;
    let (mut transaction, _turn) = store.first_write().await?;
    let done = load(&mut transaction, &blobs, &keys, path, &mut written).await;
    match done {
        Ok(rows) => {
            transaction.commit().await?;
            Ok(Summary {
                done: "restored",
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
            Err(error)
        }
    }
}

/// What was put outside the transaction.
struct Written {
    blobs: Vec<Digest>,
    keys: Vec<String>,
}

async fn must_be_empty(connection: &mut AnyConnection, blobs: &Blobs, keys: &Keys) -> Result<()> {
    let refuse = |what: &str| {
        let fact = format!("{what} already; a backup is restored into an empty place only");
        Err(Fault::state(fact, "name an empty directory with --data").into())
    };
    if find_head(connection).await?.is_some() {
        return refuse("there is a registry in this database");
    }
    if blobs.list().next().await.transpose()?.is_some() {
        return refuse("there are blobs in this place");
    }
    if !keys.files()?.is_empty() {
        return refuse("there are keys in this directory");
    }
    Ok(())
}

/// Reads a backup through once: nothing in it but what belongs there, and all of it as it was written.
fn check(path: &Path) -> Result<Manifest> {
    let bad = |fact: &str| Fault::Backup(fact.to_owned());
    let (mut manifest, mut digests, mut found) = (None, None, BTreeMap::new());
    each(path, |name, mut entry| {
        if digests.is_some() {
            return Err(bad("something follows its end").into());
        }
        if name == DIGESTS {
            digests = Some(json::<BTreeMap<String, Digest>>(&mut entry)?);
            return Ok(());
        }
        if name == MANIFEST {
            let bytes = small(&mut entry)?;
            found.insert(name.to_owned(), Digest::of(&bytes));
            let read = serde_json::from_slice::<Manifest>(&bytes);
            manifest = Some(read.map_err(|error| Fault::Backup(error.to_string()))?);
            return Ok(());
        }
        let (digest, _) = Digest::of_reader(&mut entry).map_err(Fault::file(path))?;
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
    Ok(manifest)
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
    for entry in archive.entries().map_err(Fault::file(path))? {
        let mut entry = entry.map_err(Fault::file(path))?;
        let name = name(&entry)?;
        if let Some(table) = table(&name) {
            for line in BufReader::new(&mut entry).split(b'\n') {
                table.insert(connection, &line.map_err(Fault::file(path))?).await?;
                rows += 1;
            }
        } else if let Some(hex) = name.strip_prefix("blobs/") {
            let digest = Digest::from_hex(hex).map_err(|error| Fault::Backup(error.to_string()))?;
            let bytes = small(&mut entry)?;
            written.blobs.push(digest);
            blobs.put(&digest, bytes.into()).await?;
        } else if let Some(name) = name.strip_prefix("keys/") {
            keys.store(name, &small(&mut entry)?)?;
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

fn each(path: &Path, mut visit: impl FnMut(&str, BackupEntry<'_>) -> Result<()>) -> Result<()> {
    let mut archive = Archive::new(BufReader::new(File::open(path).map_err(Fault::file(path))?));
    for entry in archive.entries().map_err(Fault::file(path))? {
        let entry = entry.map_err(Fault::file(path))?;
        let name = name(&entry)?;
        visit(&name, entry)?;
    }
    Ok(())
}

/// The name of an entry, if it is one that a backup has.
fn name(entry: &BackupEntry<'_>) -> Result<String> {
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
    if known && entry.header().entry_type() == EntryType::Regular {
        return Ok(name.to_owned());
    }
    Err(Fault::Backup(format!("{:?} has no place in it", name.chars().take(80).collect::<String>())).into())
}

fn small(entry: &mut BackupEntry<'_>) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut bounded = entry.take(MAX_SMALL);
    bounded.read_to_end(&mut bytes).map_err(|error| Fault::Backup(error.to_string()))?;
    Ok(bytes)
}

fn json<T: serde::de::DeserializeOwned>(entry: &mut BackupEntry<'_>) -> Result<T> {
    let mut bytes = Vec::new();
    entry.read_to_end(&mut bytes).map_err(|error| Fault::Backup(error.to_string()))?;
    Ok(serde_json::from_slice(&bytes).map_err(|error| Fault::Backup(error.to_string()))?)
}
