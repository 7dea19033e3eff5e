//! `openclaw skill sign`: a signature for a package that was packed without one.

use std::fs;
use std::path::Path;

use openclaw_package::archive::Limits;
use openclaw_package::{Digest, PackageSource, read_unsigned_unverified};

use super::inspect::Staging;
use super::pack;
use crate::environment::Environment;
use crate::error::{CliError, Result};
use crate::exit::Exit;
use crate::keys;
use crate::output::Output;

/// Checks the package as `install` would, and signs it with its publisher's key.
pub(crate) fn run(archive: &Path, environment: &Environment, output: &Output) -> Result<()> {
    let bytes = fs::read(archive).map_err(CliError::at(archive))?;
    let staging = Staging::new()?;
    let package = read_unsigned_unverified(bytes.as_slice(), &staging.dir, Limits::DEFAULT)?;
    let (key, _) = keys::load(&environment.data_dir()?, package.manifest().id().publisher())?;
    let packed = PackageSource::from_dir(staging.path.path())?.pack()?;
    if packed.digest != Digest::of(&bytes) {
        let message = format!("{} was not written by openclaw skill pack", archive.display());
        return Err(CliError::new(Exit::Refused, "not-canonical", message)
            .hint("pack the project again: openclaw skill pack"));
    }
    pack::tell(&pack::write(archive, &packed, Some(&key))?, "signed", output)
}
