//! The sessions over HTTP: whose each is, how many there may be, and the end of each with the token that opened it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::Stream;
use rmcp::model::{ClientJsonRpcMessage, ServerJsonRpcMessage};
use rmcp::transport::streamable_http_server::session::local::{
    LocalSessionManager, LocalSessionManagerError, SessionConfig,
};
use rmcp::transport::streamable_http_server::session::{ServerSseMessage, SessionId, SessionManager};

use super::calls::Calls;
use super::http::HttpOptions;
use crate::caller::Caller;
use crate::tokens::Token;

/// How long the messages of a call that was given up are kept, for whoever lost the connection. Clients that ask for
/// them again do so at once, and a client decides how many calls it gives up.
const KEPT: Duration = Duration::from_secs(1);

tokio::task_local! {
    /// For whom a session is opened, if the request that is handled opens one.
    static OPENER: Arc<Opener>;
}

/// Who sent a request that may open a session.
#[derive(Debug)]
pub(super) struct Opener {
    pub(super) caller: Arc<Caller>,
    /// The token it was sent with; none where callers have none.
    pub(super) token: Option<Arc<Token>>,
    refused: AtomicBool,
}

impl Opener {
    pub(super) fn new(caller: Arc<Caller>, token: Option<Arc<Token>>) -> Arc<Self> {
        Arc::new(Self { caller, token, refused: AtomicBool::new(false) })
    }

    /// Handles their request.
    pub(super) async fn handle<F: Future>(self: &Arc<Self>, handling: F) -> F::Output {
        OPENER.scope(Arc::clone(self), handling).await
    }

    /// Whether a session was not opened since there are too many.
    pub(super) fn was_refused(&self) -> bool {
        self.refused.load(Ordering::Relaxed)
    }
}

/// All sessions of one endpoint. Every one that the protocol opens, for whatever request, is counted here from its
/// first moment to its end.
#[derive(Clone)]
pub(super) struct Sessions(Arc<Inner>);

struct Inner {
    local: LocalSessionManager,
    calls: Arc<Calls>,
    most: usize,
    most_per_caller: usize,
    /// By session: the caller's name.
    owners: Mutex<HashMap<String, String>>,
}

/// Why a session is not opened or does not answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum SessionsError {
    #[error("too many sessions are open")]
    Full,
    #[error(transparent)]
    Local(#[from] LocalSessionManagerError),
}

impl std::fmt::Debug for Sessions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sessions").field("owners", &self.0.owners).finish_non_exhaustive()
    }
}

impl Sessions {
    pub(super) fn new(calls: Arc<Calls>, options: &HttpOptions) -> Self {
        let mut config = SessionConfig::default();
        config.keep_alive = Some(options.idle);
        config.completed_cache_ttl = KEPT;
        let mut local = LocalSessionManager::default();
        local.session_config = config;
        let (most, most_per_caller) = (options.sessions, options.sessions_per_caller);
        Self(Arc::new(Inner { local, calls, most, most_per_caller, owners: Mutex::default() }))
    }

    pub(super) fn is_of(&self, session: &str, caller: &Caller) -> bool {
        self.owners().get(session).is_some_and(|owner| *owner == caller.name)
    }

    /// Whether the caller may open one more now.
    pub(super) fn has_room(&self, caller: &Caller) -> bool {
        self.0.has_room(&self.owners(), caller)
    }

    fn owners(&self) -> MutexGuard<'_, HashMap<String, String>> {
        self.0.owners.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes note of a session that has just been opened; false where it is one too many.
    fn own(&self, session: &SessionId, opener: &Opener) -> bool {
        let mut owners = self.owners();
        if !self.0.has_room(&owners, &opener.caller) {
            return false;
        }
        owners.insert(session.to_string(), opener.caller.name.clone());
        drop(owners);
        let ended = self.0.calls.open_session(session);
        if let Some(token) = opener.token.clone() {
            let (this, session) = (self.clone(), SessionId::clone(session));
            tokio::spawn(async move {
                tokio::select! {
                    () = ended.cancelled() => {}
                    () = token.ended() => this.close(&session).await,
                }
            });
        }
        true
    }

    async fn close(&self, session: &SessionId) {
        if let Err(error) = self.close_session(session).await {
            tracing::warn!("a session did not end: {error}");
        }
    }
}

impl Inner {
    fn has_room(&self, owners: &HashMap<String, String>, caller: &Caller) -> bool {
        let own = owners.values().filter(|owner| **owner == caller.name).count();
        owners.len() < self.most && own < self.most_per_caller
    }
}

impl SessionManager for Sessions {
    type Error = SessionsError;
    type Transport = <LocalSessionManager as SessionManager>::Transport;

    async fn create_session(&self) -> Result<(SessionId, Self::Transport), SessionsError> {
        let opener = OPENER.try_with(Arc::clone).map_err(|_| SessionsError::Full)?;
        let (session, transport) = self.0.local.create_session().await?;
        // Nothing is waited for in between: a request that is given up leaves no session without an owner.
        if self.own(&session, &opener) {
            return Ok((session, transport));
        }
        opener.refused.store(true, Ordering::Relaxed);
        let this = self.clone();
        tokio::spawn(async move { this.close(&session).await });
        Err(SessionsError::Full)
    }

    async fn close_session(&self, session: &SessionId) -> Result<(), SessionsError> {
        self.0.calls.end_session(session);
        let (this, session) = (self.clone(), SessionId::clone(session));
        // A task of its own: whoever asks for the end may go away, and the session ends all the same.
        let closing = tokio::spawn(async move {
            let closed = this.0.local.close_session(&session).await;
            this.owners().remove(&*session);
            closed
        });
        // It ends early only with the runtime, and all sessions with it.
        Ok(closing.await.unwrap_or(Ok(()))?)
    }

    async fn initialize_session(
        &self,
        session: &SessionId,
        message: ClientJsonRpcMessage,
    ) -> Result<ServerJsonRpcMessage, SessionsError> {
        Ok(self.0.local.initialize_session(session, message).await?)
    }

    async fn has_session(&self, session: &SessionId) -> Result<bool, SessionsError> {
        Ok(self.0.local.has_session(session).await?)
    }

    async fn create_stream(
        &self,
        session: &SessionId,
        message: ClientJsonRpcMessage,
    ) -> Result<impl Stream<Item = ServerSseMessage> + Send + Sync + 'static, SessionsError> {
        Ok(self.0.local.create_stream(session, message).await?)
    }

    async fn accept_message(
        &self,
        session: &SessionId,
        message: ClientJsonRpcMessage,
    ) -> Result<(), SessionsError> {
        Ok(self.0.local.accept_message(session, message).await?)
    }

    async fn create_standalone_stream(
        &self,
        session: &SessionId,
    ) -> Result<impl Stream<Item = ServerSseMessage> + Send + Sync + 'static, SessionsError> {
        Ok(self.0.local.create_standalone_stream(session).await?)
    }

    async fn resume(
        &self,
        session: &SessionId,
        last: String,
    ) -> Result<impl Stream<Item = ServerSseMessage> + Send + Sync + 'static, SessionsError> {
        Ok(self.0.local.resume(session, last).await?)
    }
}
