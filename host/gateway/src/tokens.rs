//! Tokens: who may ask the gateway, for which tools, and until when. Only their hashes are kept.

mod file;
mod secret;

use std::sync::Arc;

use arc_swap::ArcSwap;
use jiff::Timestamp;
use openclaw_runtime::workspace::Workspace;
use subtle::ConstantTimeEq as _;
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

use crate::caller::Caller;
use crate::storage::{Storage, Version};

pub use file::{
    NewToken, OWNER, OWNER_TOKEN_FILE, TOKENS_FILE, TokenName, TokenRecord, TokenStore, TokensError,
};
pub use secret::Secret;

/// The tokens that a running gateway accepts; another list may take their place at any time.
#[derive(Debug)]
pub struct Tokens {
    storage: Arc<dyn Storage>,
    accepted: ArcSwap<Vec<Arc<Token>>>,
    /// Which list was read last; held while it is read, so that no older list takes a newer one's place.
    read: Mutex<Option<Version>>,
}

/// A token that is accepted, and whom it speaks for.
#[derive(Debug)]
pub struct Token {
    record: TokenRecord,
    caller: Arc<Caller>,
    revoked: CancellationToken,
}

impl Tokens {
    /// Those of a storage.
    ///
    /// # Errors
    /// [`TokensError`] where they cannot be read.
    pub async fn open(storage: Arc<dyn Storage>) -> Result<Self, TokensError> {
        let tokens = Self { storage, accepted: ArcSwap::default(), read: Mutex::default() };
        tokens.reload().await?;
        Ok(tokens)
    }

    /// Reads them again. Who is not among them any more is told so, calls that run included; the others notice nothing.
    ///
    /// # Errors
    /// [`TokensError`]; the tokens before then stay.
    pub async fn reload(&self) -> Result<(), TokensError> {
        let mut read = self.read.lock().await;
        // Looked at before they are read: what changes in between is then seen as a change.
        let version = self.storage.tokens_version().await;
        self.read_now(&mut read, version).await
    }

    /// Reads them again if they may have changed since.
    ///
    /// # Errors
    /// As [`Tokens::reload`]; a list that is none is looked at again only when it changes.
    pub async fn renew(&self) -> Result<(), TokensError> {
        let mut read = self.read.lock().await;
        let version = self.storage.tokens_version().await;
        if version == *read { Ok(()) } else { self.read_now(&mut read, version).await }
    }

    async fn read_now(
        &self,
        read: &mut Option<Version>,
        version: Option<Version>,
    ) -> Result<(), TokensError> {
        match self.storage.tokens().await {
            Ok(records) => {
                self.accept(records);
                // Only now: whoever asked may have gone away in between.
                *read = version;
                Ok(())
            }
            Err(error) => {
                if matches!(error, TokensError::Invalid { .. }) {
                    *read = version;
                }
                Err(error)
            }
        }
    }

    fn accept(&self, records: Vec<TokenRecord>) {
        let before = self.accepted.load_full();
        let mut kept = Vec::with_capacity(records.len());
        for record in records {
            let same = before.iter().find(|token| token.record == record);
            kept.push(same.map_or_else(|| Arc::new(Token::new(record)), Arc::clone));
        }
        let gone: Vec<_> =
            before.iter().filter(|old| !kept.iter().any(|token| Arc::ptr_eq(old, token))).collect();
        self.accepted.store(Arc::new(kept));
        gone.iter().for_each(|token| token.revoked.cancel());
    }

    /// The token that was presented, if it is accepted; one that is not known is looked for in the storage as well, if
    /// that changed since it was read: who just made a token need not wait until the change is noticed.
    pub async fn find_now(&self, presented: &str) -> Option<Arc<Token>> {
        if let Some(found) = self.find(presented) {
            return Some(found);
        }
        // What can be no token is not worth a look.
        Secret::parse(presented)?;
        if let Err(error) = self.renew().await {
            tracing::error!("tokens were not read again, the old ones stay: {error}");
        }
        self.find(presented)
    }

    /// The token of a name, if it is accepted now.
    pub(crate) fn named(&self, name: &str) -> Option<Arc<Token>> {
        let accepted = self.accepted.load();
        let token = accepted.iter().find(|token| token.caller.name == name)?;
        (!token.is_expired(Timestamp::now())).then(|| Arc::clone(token))
    }

    /// The token that was presented, if it is accepted now. How long this takes says nothing of the others.
    #[must_use]
    pub fn find(&self, presented: &str) -> Option<Arc<Token>> {
        let hash = Secret::parse(presented)?.hash();
        let accepted = self.accepted.load();
        let mut found = None;
        for token in accepted.iter() {
            if bool::from(token.record.hash.as_bytes().ct_eq(hash.as_bytes())) {
                found = Some(token);
            }
        }
        found.filter(|token| !token.is_expired(Timestamp::now())).map(Arc::clone)
    }
}

impl Token {
    fn new(record: TokenRecord) -> Self {
        let workspace = record.workspace.as_deref().and_then(|path| match Workspace::resolve(path) {
            Ok(workspace) => Some(workspace),
            Err(error) => {
                tracing::warn!(
                    token = record.name.as_str(),
                    "calls with this token have no workspace: {error}"
                );
                None
            }
        });
        let caller = Caller {
            name: record.name.as_str().to_owned(),
            scope: record.tools.clone(),
            workspace,
            may_grant: record.may_grant,
        };
        Self { record, caller: Arc::new(caller), revoked: CancellationToken::new() }
    }

    /// Whom it speaks for.
    #[must_use]
    pub fn caller(&self) -> &Arc<Caller> {
        &self.caller
    }

    /// Whether it may read the metrics.
    #[must_use]
    pub fn may_read_metrics(&self) -> bool {
        self.record.metrics
    }

    /// Done once it is no longer accepted: revoked, changed or expired.
    pub async fn ended(&self) {
        let Some(expires) = self.record.expires else { return self.revoked.cancelled().await };
        loop {
            let left = expires.duration_since(Timestamp::now());
            let Ok(left) = std::time::Duration::try_from(left) else { return };
            // Sleeping for years is more than a timer can; who wakes early looks again.
            let left = left.min(std::time::Duration::from_secs(86_400));
            if left.is_zero() || tokio::time::timeout(left, self.revoked.cancelled()).await.is_ok() {
                return;
            }
        }
    }

    fn is_expired(&self, now: Timestamp) -> bool {
        self.record.expires.is_some_and(|expires| expires <= now)
    }
}

#[cfg(test)]
mod tests {
    use openclaw_runtime::layout::DataDir;

    use super::*;
    use crate::caller::Scope;
    use crate::storage::LocalStorage;

    async fn open(dir: &DataDir) -> Tokens {
        Tokens::open(Arc::new(LocalStorage::of(dir))).await.unwrap()
    }

    fn store() -> (tempfile::TempDir, DataDir) {
        let parent = tempfile::tempdir().unwrap();
        let dir = DataDir::open(parent.path().join("data")).unwrap();
        (parent, dir)
    }

    fn new(name: &str) -> NewToken {
        NewToken::new(name.parse().unwrap(), Scope::all())
    }

    #[tokio::test]
    async fn a_token_that_was_just_made_is_found_and_a_list_that_broke_loses_none() {
        let (_parent, dir) = store();
        let tokens = open(&dir).await;
        let file = TokenStore::of(&dir);
        let (one, _) = file.create(new("one")).unwrap();
        assert!(tokens.find(one.reveal()).is_none());
        assert_eq!(tokens.find_now(one.reveal()).await.unwrap().caller().name, "one");
        let (two, _) = file.create(new("two")).unwrap();
        std::fs::write(file.tokens_path(), "broken").unwrap();
        assert!(tokens.find_now(two.reveal()).await.is_none());
        assert!(tokens.find_now(one.reveal()).await.is_some());
    }

    #[tokio::test]
    async fn gateways_over_one_storage_take_each_others_tokens() {
        let (_parent, dir) = store();
        let storage: Arc<dyn Storage> = Arc::new(LocalStorage::of(&dir));
        let file = TokenStore::of(&dir);
        let (one, _) = file.create(new("one")).unwrap();
        let [first, second] = [storage.clone(), storage].map(Tokens::open);
        let (first, second) = (first.await.unwrap(), second.await.unwrap());
        let running = second.find(one.reveal()).unwrap();
        file.revoke(&"one".parse().unwrap()).unwrap();
        for gateway in [&first, &second] {
            gateway.renew().await.unwrap();
            assert!(gateway.find(one.reveal()).is_none());
        }
        assert!(running.revoked.is_cancelled());
    }

    /// Tokens that take a while to be told.
    #[derive(Debug)]
    struct Slow(LocalStorage);

    #[async_trait::async_trait]
    impl Storage for Slow {
        async fn tokens(&self) -> Result<Vec<TokenRecord>, TokensError> {
            tokio::task::yield_now().await;
            self.0.tokens().await
        }

        async fn tokens_version(&self) -> Option<Version> {
            self.0.tokens_version().await
        }

        async fn sealing_key(&self) -> std::io::Result<crate::storage::SealingKey> {
            self.0.sealing_key().await
        }

        async fn open_question(&self, nonce: &str, patience: std::time::Duration) -> std::io::Result<()> {
            self.0.open_question(nonce, patience).await
        }

        async fn close_question(&self, nonce: &str) -> std::io::Result<bool> {
            self.0.close_question(nonce).await
        }
    }

    #[tokio::test]
    async fn who_goes_away_while_they_are_read_keeps_nobody_from_reading_them() {
        let (_parent, dir) = store();
        let tokens = Tokens::open(Arc::new(Slow(LocalStorage::of(&dir)))).await.unwrap();
        let (one, _) = TokenStore::of(&dir).create(new("one")).unwrap();
        let stranger = Secret::generate().unwrap();
        assert!(futures::poll!(std::pin::pin!(tokens.find_now(stranger.reveal()))).is_pending());
        assert_eq!(tokens.find_now(one.reveal()).await.unwrap().caller().name, "one");
    }

    #[tokio::test]
    async fn a_token_is_accepted_until_it_is_revoked() {
        let (_parent, dir) = store();
        let file = TokenStore::of(&dir);
        let (one, _) = file.create(new("one")).unwrap();
        let (two, _) = file.create(new("two")).unwrap();
        let tokens = open(&dir).await;
        let first = tokens.find(one.reveal()).unwrap();
        assert_eq!(first.caller().name, "one");
        file.revoke(&"one".parse().unwrap()).unwrap();
        assert!(tokens.find(one.reveal()).is_some(), "nobody has read the file again");
        tokens.reload().await.unwrap();
        assert!(tokens.find(one.reveal()).is_none());
        assert!(first.revoked.is_cancelled(), "calls that run with it are told");
        let second = tokens.find(two.reveal()).unwrap();
        assert!(!second.revoked.is_cancelled(), "the others notice nothing");
        assert!(tokens.find("ocg_").is_none() && tokens.find("").is_none());
    }

    #[tokio::test]
    async fn a_token_ends_by_itself() {
        let (_parent, dir) = store();
        let file = TokenStore::of(&dir);
        let soon = Timestamp::now() + std::time::Duration::from_millis(300);
        let (secret, _) = file.create(NewToken { expires: Some(soon), ..new("short") }).unwrap();
        let tokens = open(&dir).await;
        let token = tokens.find(secret.reveal()).unwrap();
        tokio::time::timeout(std::time::Duration::from_secs(20), token.ended()).await.unwrap();
        assert!(tokens.find(secret.reveal()).is_none());
    }

    #[tokio::test]
    async fn a_broken_file_leaves_the_tokens_as_they_were() {
        let (_parent, dir) = store();
        let (secret, _) = TokenStore::of(&dir).create(new("one")).unwrap();
        let tokens = open(&dir).await;
        std::fs::write(dir.root().join(TOKENS_FILE), "version = 1\n[[token]]\nname = \"x\"\nright = 1\n")
            .unwrap();
        assert!(tokens.reload().await.is_err());
        assert!(tokens.find(secret.reveal()).is_some());
    }
}
