//! The system's keyring: the Secret Service of the session, where there is one that is unlocked.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::Duration;

use keyring_core::{CredentialStore, Entry, Error};
use openclaw_package::{SecretName, SkillId};
use openclaw_runtime::secrets::{Keyring, SecretError, SecretValue};
use zbus_secret_service_keyring_store::Store;
use zeroize::Zeroizing;

/// How long the keyring may take: one that is locked asks a person, who may not be there.
const PATIENCE: Duration = Duration::from_secs(3);

/// How many questions may wait for a keyring that does not answer; each holds a thread.
const WAITING: usize = 4;

/// The name under which all entries of this program stand.
const SERVICE: &str = "openclaw";

/// The keyring of the session. Nothing is connected to before it is asked for something.
#[derive(Debug)]
pub(crate) struct SystemKeyring {
    /// Two data directories of one user are two owners.
    data_dir: PathBuf,
    waiting: Arc<AtomicUsize>,
}

impl SystemKeyring {
    /// The keyring, for the secrets of a data directory.
    pub(crate) fn new(data_dir: PathBuf) -> Self {
        Self { data_dir, waiting: Arc::default() }
    }

    /// Does something with an entry, on a thread of its own, which may have to be left behind.
    fn with<T: Send + 'static>(
        &self,
        skill: &SkillId,
        name: &SecretName,
        act: impl FnOnce(&Entry) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, SecretError> {
        let user = format!("{skill}/{name} in {}", self.data_dir.display());
        if self.waiting.fetch_add(1, Ordering::SeqCst) >= WAITING {
            self.waiting.fetch_sub(1, Ordering::SeqCst);
            return Err(SecretError::Keyring("it does not answer".to_owned()));
        }
        let (answer, answered) = sync_channel(1);
        let waiting = Arc::clone(&self.waiting);
        std::thread::spawn(move || {
            // A connection for each question: one that hangs does not hold up the next.
            let done = Store::new().and_then(|store| {
                let store: Arc<CredentialStore> = store;
                act(&Entry::new_in_store(&store, SERVICE, &user)?)
            });
            waiting.fetch_sub(1, Ordering::SeqCst);
            // Whoever asked may have given up.
            let _ = answer.send(done);
        });
        match answered.recv_timeout(PATIENCE) {
            Ok(done) => done.map_err(|error| SecretError::Keyring(told(&error))),
            Err(RecvTimeoutError::Timeout) => {
                Err(SecretError::Keyring(format!("it did not answer within {} s", PATIENCE.as_secs())))
            }
            Err(RecvTimeoutError::Disconnected) => Err(SecretError::Keyring("it failed".to_owned())),
        }
    }
}

/// What is wrong, without what the library may say of an entry's content.
fn told(error: &Error) -> String {
    match error {
        Error::NoStorageAccess(_) => "it is locked".to_owned(),
        Error::PlatformFailure(_) => "there is none in this session".to_owned(),
        Error::Ambiguous(_) => "it has more than one entry of that name".to_owned(),
        Error::BadEncoding(_) | Error::BadDataFormat(..) => "its entry is not text".to_owned(),
        _ => "it refused".to_owned(),
    }
}

impl Keyring for SystemKeyring {
    fn get(&self, skill: &SkillId, name: &SecretName) -> Result<Option<SecretValue>, SecretError> {
        let got = self.with(skill, name, |entry| match entry.get_password() {
            Ok(value) => Ok(Some(Zeroizing::new(value))),
            Err(Error::NoEntry) => Ok(None),
            Err(error) => Err(error),
        })?;
        let unusable = |error| SecretError::Keyring(format!("what it has cannot be used: {error}"));
        got.map(SecretValue::new).transpose().map_err(unusable)
    }

    fn set(&self, skill: &SkillId, name: &SecretName, value: &SecretValue) -> Result<(), SecretError> {
        let value = value.clone();
        self.with(skill, name, move |entry| entry.set_password(value.expose()))
    }

    fn remove(&self, skill: &SkillId, name: &SecretName) -> Result<(), SecretError> {
        self.with(skill, name, |entry| match entry.delete_credential() {
            Err(Error::NoEntry) => Ok(()),
            done => done,
        })
    }
}
