//! The registries that there was a login to, and which of them is the default.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use openclaw_package::registry::KeptTakedowns;
use openclaw_package::{Digest, Origin};

use super::files;
use super::known::{ROOTS, TAKEDOWNS, TOKEN, Update};
use super::{KnownRegistry, StateError, Stored};
use crate::token::Token;
use crate::trust::Basis;
use crate::url::RegistryUrl;

const DEFAULT: &str = "default";

/// The directory in which everything that is known of registries lies.
#[derive(Debug, Clone)]
pub struct Registries {
    dir: PathBuf,
}

/// What a login has found, checked and had confirmed.
pub(crate) struct Login {
    pub(crate) url: RegistryUrl,
    pub(crate) origin: Origin,
    pub(crate) fingerprint: Digest,
    pub(crate) roots: Vec<String>,
    pub(crate) token: Option<Token>,
    pub(crate) replace: bool,
}

impl Registries {
    /// Opens the directory, and makes it, for this user alone, if it is not there.
    ///
    /// # Errors
    ///
    /// A directory that cannot be made, or in which others can write.
    pub fn open(dir: impl Into<PathBuf>) -> Result<Self, StateError> {
        let dir = dir.into();
        files::private_dir(&dir)?;
        files::check_private(&dir)?;
        Ok(Self { dir })
    }

    /// The directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// All registries, in the order of their URLs.
    ///
    /// # Errors
    ///
    /// A damaged file, which is named.
    pub fn list(&self) -> Result<Vec<KnownRegistry>, StateError> {
        let mut found = Vec::new();
        for folder in self.folders()? {
            found.extend(KnownRegistry::read(&folder)?);
        }
        found.sort_by(|one, next| one.url().cmp(next.url()));
        Ok(found)
    }

    fn folders(&self) -> Result<Vec<PathBuf>, StateError> {
        let mut folders = Vec::new();
        for entry in std::fs::read_dir(&self.dir).map_err(StateError::io(&self.dir))? {
            let path = entry.map_err(StateError::io(&self.dir))?.path();
            let hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
            if !hidden && path.is_dir() {
                folders.push(path);
            }
        }
        Ok(folders)
    }

    /// The registry of that URL; without one the default, which is also the only one there is.
    ///
    /// # Errors
    ///
    /// [`StateError::UnknownRegistry`], which names the registry whose URL it resembles;
    /// [`StateError::NoRegistry`] or [`StateError::NoDefault`].
    pub fn select(&self, url: Option<&RegistryUrl>) -> Result<KnownRegistry, StateError> {
        if let Some(url) = url {
            return self.named(url);
        }
        if let Some(url) = self.default_url()? {
            return self.named(&url);
        }
        let mut all = self.list()?;
        match all.len() {
            0 => Err(StateError::NoRegistry),
            1 => all.pop().ok_or(StateError::NoRegistry),
            _ => Err(StateError::NoDefault(all.iter().map(|known| known.url().clone()).collect())),
        }
    }

    /// The registry that signs with that origin; of several mirrors of one registry the default, or the first.
    ///
    /// # Errors
    ///
    /// A damaged file.
    pub fn of_origin(&self, origin: &Origin) -> Result<Option<KnownRegistry>, StateError> {
        let default = self.default_url()?;
        let of_origin = self.list()?.into_iter().filter(|known| known.origin() == origin);
        Ok(of_origin.min_by_key(|known| default.as_ref() != Some(known.url())))
    }

    /// The URL of the default registry, where one was set.
    ///
    /// # Errors
    ///
    /// A damaged file.
    pub fn default_url(&self) -> Result<Option<RegistryUrl>, StateError> {
        let path = self.dir.join(DEFAULT);
        let Some(text) = files::read_text(&path)? else { return Ok(None) };
        let url = RegistryUrl::new_allowing_plain_http(text.trim_end());
        url.map(Some).map_err(|error| StateError::damaged(&path, error))
    }

    /// Makes a known registry the default.
    ///
    /// # Errors
    ///
    /// As [`Registries::select`].
    pub fn set_default(&self, url: &RegistryUrl) -> Result<KnownRegistry, StateError> {
        let known = self.named(url)?;
        let _lock = files::lock(&self.dir)?;
        files::replace(&self.dir.join(DEFAULT), format!("{url}\n").as_bytes())?;
        Ok(known)
    }

    /// Forgets a registry's token. Its pins stay, so that a later login is held against them. Says whether there
    /// was a token.
    ///
    /// # Errors
    ///
    /// As [`Registries::select`].
    pub fn forget_token(&self, url: &RegistryUrl) -> Result<bool, StateError> {
        let known = self.named(url)?;
        let _lock = files::lock(&self.dir)?;
        known.forget_token()
    }

    /// What is known under exactly that URL.
    pub(crate) fn find(&self, url: &RegistryUrl) -> Result<Option<KnownRegistry>, StateError> {
        KnownRegistry::read(&self.dir.join(url.folder()))
    }

    fn named(&self, url: &RegistryUrl) -> Result<KnownRegistry, StateError> {
        if let Some(known) = self.find(url)? {
            return Ok(known);
        }
        let resembles =
            self.list()?.iter().map(KnownRegistry::url).find(|known| known.resembles(url)).cloned();
        Err(StateError::UnknownRegistry { url: url.clone(), resembles })
    }

    /// Stores a login. The first registry becomes the default.
    pub(crate) fn store(&self, login: Login) -> Result<KnownRegistry, StateError> {
        let _lock = files::lock(&self.dir)?;
        let dir = self.dir.join(login.url.folder());
        self.check_origin(&login)?;
        let known = match KnownRegistry::read(&dir) {
            // The roots that were fetched lead on from the pinned one: it is the same registry.
            Ok(Some(known)) if known.fingerprint() == login.fingerprint && !login.replace => known,
            Ok(Some(known)) if !login.replace => {
                let (known, given) = (known.fingerprint(), login.fingerprint);
                return Err(StateError::OtherRoot { url: login.url, known, given });
            }
            Err(error) if !login.replace => return Err(error),
            Ok(_) | Err(_) => self.make(&dir, &login)?,
        };
        if let Some(token) = &login.token {
            known.write_token(token)?;
        }
        if self.default_url()?.is_none() {
            files::replace(&self.dir.join(DEFAULT), format!("{}\n", login.url).as_bytes())?;
        }
        Ok(known)
    }

    /// Refuses a registry that has the name of another one. Mirrors of one registry have roots in common.
    fn check_origin(&self, login: &Login) -> Result<(), StateError> {
        // What is in the place of this one may be damaged, and is mended by this.
        let own = self.dir.join(login.url.folder());
        for folder in self.folders()?.into_iter().filter(|folder| *folder != own) {
            let Some(known) = KnownRegistry::read(&folder)? else { continue };
            if *known.origin() != login.origin {
                continue;
            }
            if !known.stored()?.roots.iter().any(|root| login.roots.contains(root)) {
                let (url, origin) = (login.url.clone(), login.origin.clone());
                return Err(StateError::OriginTaken { url, origin, known: known.url().clone() });
            }
        }
        Ok(())
    }

    /// Makes the folder of a registry: it is there whole or not at all.
    fn make(&self, dir: &Path, login: &Login) -> Result<KnownRegistry, StateError> {
        let staging = tempfile::Builder::new()
            .prefix(".login-")
            .permissions(Permissions::from_mode(0o700))
            .tempdir_in(&self.dir)
            .map_err(StateError::io(&self.dir))?;
        let (url, origin) = (login.url.clone(), login.origin.clone());
        let staged = KnownRegistry::new(staging.path().to_owned(), url, origin, login.fingerprint);
        staged.write_identity()?;
        let update = Update { roots: Some(login.roots.clone()), ..Update::default() };
        staged.write(&Stored::default(), &update)?;
        salvage(dir, &staged)?;
        if dir.exists() {
            // What was known of the registry in this one's place is evidence now, and is not thrown away.
            let evidence = staging.path().join("evidence");
            files::private_dir(&evidence)?;
            let time = Timestamp::now().strftime("%Y%m%dT%H%M%S%.6fZ");
            let old = evidence.join(format!("{time}-replaced"));
            files::sweep(dir)?;
            // Evidence lies in one folder, whether the registry was begun anew or not.
            gather(&dir.join("evidence"), &evidence)?;
            files::remove(&dir.join(TOKEN))?;
            std::fs::rename(dir, &old).map_err(StateError::io(dir))?;
        }
        let staging = staging.keep();
        std::fs::rename(&staging, dir).map_err(StateError::io(dir))?;
        files::sync_dir(&self.dir)?;
        KnownRegistry::read(dir)?.ok_or_else(|| StateError::damaged(dir, "it is missing"))
    }
}

/// Moves what was kept as evidence before beside what is kept now.
fn gather(from: &Path, to: &Path) -> Result<(), StateError> {
    let entries = match std::fs::read_dir(from) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        entries => entries.map_err(StateError::io(from))?,
    };
    for entry in entries {
        let entry = entry.map_err(StateError::io(from))?;
        let place = to.join(entry.file_name());
        std::fs::rename(entry.path(), &place).map_err(StateError::io(&place))?;
    }
    std::fs::remove_dir(from).map_err(StateError::io(from))
}

/// Takes over what a login in a registry's place must not make anybody forget, as far as it still holds: what was
/// taken down, and of the same registry the newest root and the token. How far log and histories went is forgotten,
/// for that is what a backup that was restored contradicts.
fn salvage(old: &Path, staged: &KnownRegistry) -> Result<(), StateError> {
    let is_same = KnownRegistry::read(old)
        .is_ok_and(|known| known.is_some_and(|known| known.fingerprint() == staged.fingerprint()));
    if is_same && let Ok(Some(token)) = files::read(&old.join(TOKEN)) {
        files::replace(&staged.dir().join(TOKEN), &token)?;
    }
    let names: &[&str] = if is_same { &[ROOTS, TAKEDOWNS] } else { &[TAKEDOWNS] };
    for name in names {
        let path = staged.dir().join(name);
        let before = files::read(&path)?;
        let Ok(Some(kept)) = files::read(&old.join(name)) else { continue };
        files::replace(&path, &kept)?;
        let holds = *name != TAKEDOWNS || KeptTakedowns::verify_file(&kept).is_ok();
        if !holds || Basis::read(staged).is_err() {
            match before {
                Some(before) => files::replace(&path, &before)?,
                None => files::remove(&path).map(drop)?,
            }
        }
    }
    Ok(())
}
