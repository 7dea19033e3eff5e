//! Writing a backup: of one state of the database, whatever is published meanwhile.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Seek as _, SeekFrom, Write};
use std::path::Path;

use jiff::Timestamp;
use openclaw_package::Digest;
use sqlx::AnyConnection;
use tar::{Builder, Header};

use super::tables::TABLES;
use super::{DIGESTS, Done, FORMAT, MANIFEST, Manifest, Summary};
use crate::error::{Fault, Result};
use crate::registry::Registry;
use crate::store::{SCHEMA_VERSION, parsed, read_head};

/// Writes a backup of a registry into a file that is not there yet: whole, or not at all.
///
/// # Errors
///
/// A store that cannot be read or has lost a blob; a file that cannot be written.
pub async fn create(registry: &Registry, path: &Path) -> Result<Summary> {
    let failed = || Fault::file(path);
    if path.exists() {
        return Err(Fault::Usage(format!("{} is there already", path.display())).into());
    }
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if !directory.is_dir() {
        let fact = format!("there is no directory {} to write the backup into", directory.display());
        return Err(Fault::Usage(fact).into());
    }
    // Only its owner may read it: it holds secret keys.
    let mut file = tempfile::Builder::new().prefix(".backup-").tempfile_in(directory).map_err(failed())?;
    let mut archive = Archive { tar: Builder::new(file.as_file_mut()), digests: BTreeMap::new(), path };
    let mut snapshot = registry.store().snapshot().await?;
    let head = read_head(&mut snapshot).await?;
    let manifest = Manifest {
        format: FORMAT,
        schema: SCHEMA_VERSION,
        origin: head.origin.clone(),
        log_size: head.size,
        created: Timestamp::now(),
    };
    archive.json(MANIFEST, &manifest)?;
    let mut rows = 0;
    for table in &TABLES {
        let mut lines = tempfile::tempfile_in(directory).map_err(failed())?;
        rows += table.dump(&mut snapshot, |line| Ok(lines.write_all(line).map_err(failed())?)).await?;
        archive.file(&format!("tables/{}.ndjson", table.name), lines)?;
    }
    let mut blobs = 0;
    for digest in named(&mut snapshot).await? {
        let bytes = registry.blobs().read(&digest).await?;
        let bytes = bytes.ok_or_else(|| Fault::Damaged(format!("the blob {digest} is missing")))?;
        if Digest::of(&bytes) != digest {
            return Err(Fault::Damaged(format!("the blob {digest} has other bytes")).into());
        }
        archive.bytes(&format!("blobs/{}", digest.hex()), &bytes)?;
        blobs += 1;
    }
    let keys = registry.keys().files()?;
    for (name, content) in &keys {
        archive.bytes(&format!("keys/{name}"), content)?;
    }
    let digests = std::mem::take(&mut archive.digests);
    archive.json(DIGESTS, &digests)?;
    archive.tar.finish().map_err(failed())?;
    drop(archive);
    file.as_file().sync_all().map_err(failed())?;
    file.persist_noclobber(path).map_err(|error| failed()(error.error))?;
    File::open(directory).and_then(|directory| directory.sync_all()).map_err(failed())?;
    Ok(Summary {
        done: Done::BackedUp,
        origin: head.origin,
        log_size: head.size,
        rows,
        blobs,
        keys: keys.len() as u64,
    })
}

/// The blobs that releases name, each once.
async fn named(connection: &mut AnyConnection) -> Result<Vec<Digest>> {
    const SQL: &str = "SELECT archive FROM releases UNION SELECT signature FROM releases ORDER BY 1";
    let rows: Vec<(String,)> = sqlx::query_as(SQL).fetch_all(connection).await?;
    rows.iter().map(|(digest,)| parsed(digest)).collect()
}

/// A tar that is being written, and the digests of what is in it.
struct Archive<'a> {
    tar: Builder<&'a mut File>,
    digests: BTreeMap<String, Digest>,
    path: &'a Path,
}

impl Archive<'_> {
    fn json(&mut self, name: &str, value: &impl serde::Serialize) -> Result<()> {
        let bytes = serde_json::to_vec_pretty(value).map_err(|error| Fault::Backup(error.to_string()))?;
        self.bytes(name, &bytes)
    }

    fn bytes(&mut self, name: &str, bytes: &[u8]) -> Result<()> {
        self.digests.insert(name.to_owned(), Digest::of(bytes));
        let mut header = header(bytes.len() as u64);
        Ok(self.tar.append_data(&mut header, name, bytes).map_err(Fault::file(self.path))?)
    }

    fn file(&mut self, name: &str, mut file: File) -> Result<()> {
        let failed = || Fault::file(self.path);
        file.seek(SeekFrom::Start(0)).map_err(failed())?;
        let (digest, size) = Digest::of_reader(&file).map_err(failed())?;
        file.seek(SeekFrom::Start(0)).map_err(failed())?;
        self.digests.insert(name.to_owned(), digest);
        Ok(self.tar.append_data(&mut header(size), name, file).map_err(failed())?)
    }
}

fn header(size: u64) -> Header {
    let mut header = Header::new_ustar();
    header.set_size(size);
    header.set_mode(0o600);
    header
}
