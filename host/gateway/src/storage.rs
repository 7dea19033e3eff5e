//! What a gateway knows beyond the request at hand, behind one interface: gateways over the same storage take each other's
//! tokens and answers.
//!
//! Not here is what ends with a connection (sessions, calls that run), and what is the machine's own: skills, policy and
//! audit are the runtime's, conversations the agents'.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use openclaw_runtime::layout::DataDir;
use zeroize::Zeroizing;

use crate::tokens::{TokenRecord, TokenStore, TokensError};

/// By what one list of tokens is told from another: opaque, as an `ETag` is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version(String);

impl Version {
    /// One that this text is different for whenever the list is.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(text)
    }
}

/// 256 random bits, which `Debug` does not show.
#[derive(Clone)]
pub struct SealingKey(Zeroizing<[u8; 32]>);

impl SealingKey {
    /// These, which nobody else may know.
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        self.0.as_slice()
    }
}

impl fmt::Debug for SealingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealingKey(…)")
    }
}

/// Where a gateway keeps what it knows. Methods may wait for another machine.
#[async_trait]
pub trait Storage: fmt::Debug + Send + Sync {
    /// Who may ask.
    ///
    /// # Errors
    /// [`TokensError`] where that cannot be read: then nobody new is let in.
    async fn tokens(&self) -> Result<Vec<TokenRecord>, TokensError>;

    /// Another one once the tokens may have changed; none where there are none. It is asked every few seconds, and for
    /// whoever presents an unknown token, so it has to be quick.
    async fn tokens_version(&self) -> Option<Version>;

    /// The key that seals what clients carry from one request to the next, always the same.
    ///
    /// # Errors
    /// There is none: then nobody is asked anything.
    async fn sealing_key(&self) -> io::Result<SealingKey>;

    /// Takes note of a question that may be answered within this time. The oldest may be given up for it.
    ///
    /// # Errors
    /// It could not be noted: then it is not put.
    async fn open_question(&self, nonce: &str, patience: Duration) -> io::Result<()>;

    /// Whether a question is open. It is not any more: of all who ask, one is told yes.
    ///
    /// # Errors
    /// Nobody knows: then the answer is not taken.
    async fn close_question(&self, nonce: &str) -> io::Result<bool>;
}

/// Questions that may be open at once.
const MOST_OPEN: usize = 1024;

/// The storage of one gateway: tokens in the data directory, and questions in this process, with which they end.
#[derive(Debug)]
pub struct LocalStorage {
    tokens: TokenStore,
    key: Result<SealingKey, getrandom::Error>,
    /// By nonce: until when.
    questions: Mutex<HashMap<String, Instant>>,
}

impl LocalStorage {
    /// That of a data directory.
    #[must_use]
    pub fn of(dir: &DataDir) -> Self {
        let mut key = [0; 32];
        let key = getrandom::fill(&mut key).map(|()| SealingKey::new(key));
        Self { tokens: TokenStore::of(dir), key, questions: Mutex::default() }
    }
}

#[async_trait]
impl Storage for LocalStorage {
    async fn tokens(&self) -> Result<Vec<TokenRecord>, TokensError> {
        self.tokens.list()
    }

    async fn tokens_version(&self) -> Option<Version> {
        self.tokens.version()
    }

    async fn sealing_key(&self) -> io::Result<SealingKey> {
        Ok(self.key.clone()?)
    }

    async fn open_question(&self, nonce: &str, patience: Duration) -> io::Result<()> {
        let (mut open, now) = (self.questions.lock().unwrap_or_else(PoisonError::into_inner), Instant::now());
        open.retain(|_, until| *until > now);
        if open.len() >= MOST_OPEN {
            let oldest = open.iter().min_by_key(|(_, until)| **until).map(|(nonce, _)| nonce.clone());
            oldest.map(|nonce| open.remove(&nonce));
        }
        open.insert(nonce.to_owned(), now + patience);
        Ok(())
    }

    async fn close_question(&self, nonce: &str) -> io::Result<bool> {
        let until = self.questions.lock().unwrap_or_else(PoisonError::into_inner).remove(nonce);
        Ok(until.is_some_and(|until| until > Instant::now()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(60);

    #[test]
    fn the_key_is_not_shown() {
        assert_eq!(format!("{:?}", SealingKey::new([7; 32])), "SealingKey(…)");
    }

    #[tokio::test]
    async fn a_question_is_closed_once_and_not_after_its_time() {
        let dir = tempfile::tempdir().unwrap();
        let storage = LocalStorage::of(&DataDir::open(dir.path().join("data")).unwrap());
        storage.open_question("one", PATIENCE).await.unwrap();
        storage.open_question("late", Duration::ZERO).await.unwrap();
        assert!(storage.close_question("one").await.unwrap());
        for nonce in ["one", "late", "never"] {
            assert!(!storage.close_question(nonce).await.unwrap(), "{nonce}");
        }
    }

    #[tokio::test]
    async fn the_oldest_question_is_given_up_for_one_too_many() {
        let dir = tempfile::tempdir().unwrap();
        let storage = LocalStorage::of(&DataDir::open(dir.path().join("data")).unwrap());
        for number in 0..=MOST_OPEN {
            storage.open_question(&number.to_string(), PATIENCE).await.unwrap();
        }
        assert!(!storage.close_question("0").await.unwrap());
        assert!(storage.close_question("1").await.unwrap());
    }
}
