//! `openclaw skill sign`: a signature for a package that was packed without one.

use std::path::Path;

use openclaw_package::PackageSource;

use super::pack;
use crate::environment::Environment;
use crate::error::{CliError, Result};
use crate::exit::Exit;
use crate::keys;
use crate::output::Output;
use crate::unpacked::Unpacked;

/// Checks the package as `install` would, and signs it with its publisher's key.
pub(crate) fn run(archive: &Path, environment: &Environment, output: &Output) -> Result<()> {
    let unpacked = Unpacked::read(archive)?;
    let (key, _) = keys::load(&environment.data_dir()?, unpacked.package.manifest().id().publisher())?;
    let packed = PackageSource::from_dir(unpacked.staging.path.path())?.pack()?;
    // There is one archive of these files; another one would be signed under this one's digest.
    if Some(packed.digest) != unpacked.package.archive_digest() {
        let message = format!("{} was not written by openclaw skill pack", archive.display());
        return Err(CliError::new(Exit::Refused, "not-canonical", message)
            .hint("pack the project again: openclaw skill pack"));
    }
    pack::tell(&pack::write(archive, &packed, Some(&key))?, "signed", output)
}
