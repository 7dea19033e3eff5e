//! A package unpacked to be looked at, in a directory that goes with it.

use std::fs::{self, File};
use std::path::Path;

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use openclaw_package::archive::Limits;
use openclaw_package::package::COMPONENT_PATH;
use openclaw_package::{UnsignedPackage, read_unsigned_unverified};
use tempfile::TempDir;

use crate::error::{CliError, Result};

/// An empty directory, until it is dropped.
#[derive(Debug)]
pub(crate) struct Staging {
    /// Its path.
    pub(crate) path: TempDir,
    /// The directory itself.
    pub(crate) dir: Dir,
}

impl Staging {
    /// Makes one.
    pub(crate) fn new() -> Result<Self> {
        let path = TempDir::new().map_err(CliError::at(&std::env::temp_dir()))?;
        let dir =
            Dir::open_ambient_dir(path.path(), ambient_authority()).map_err(CliError::at(path.path()))?;
        Ok(Self { path, dir })
    }
}

/// What is in a package, whoever signed it.
#[derive(Debug)]
pub(crate) struct Unpacked {
    /// Its parts; all checks but the signature's were made.
    pub(crate) package: UnsignedPackage,
    /// Its component.
    pub(crate) component: Vec<u8>,
    /// Where it is unpacked.
    pub(crate) staging: Staging,
}

impl Unpacked {
    /// Unpacks an archive.
    pub(crate) fn read(archive: &Path) -> Result<Self> {
        let staging = Staging::new()?;
        let file = File::open(archive).map_err(CliError::at(archive))?;
        let package = read_unsigned_unverified(file, &staging.dir, Limits::DEFAULT)?;
        let path = staging.path.path().join(COMPONENT_PATH);
        let component = fs::read(&path).map_err(CliError::at(&path))?;
        Ok(Self { package, component, staging })
    }
}
