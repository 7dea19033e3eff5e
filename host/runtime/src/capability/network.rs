//! The network capability: outgoing `wasi:http`, to what the manifest names and the owner granted.
//!
//! A request passes in this order:
//!
//! 1. [`NetworkGrants::permit`] decides on its method and URL, and returns the URL to be used;
//! 2. the call's budget of requests and connections is charged;
//! 3. [`Permitted::resolve`] checks every address of the host, and returns those to be used;
//! 4. the secrets that the manifest says it carries are due ([`secret`](super::secret)), or it is not sent;
//! 5. it is sent on a connection of its own, which no other request, call or skill ever uses. What is secret is put in
//!    when that stands, and cut out of what comes back.
//!
//! The host follows no redirect, obeys no proxy setting and keeps no cookie: each is a new request
//! of the guest's, or nothing.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Instant;

use http::HeaderName;
use tokio::sync::watch;
use url::Url;
use wasmtime::component::{Linker, ResourceTable};
use wasmtime_wasi_http::p2::bindings::{LinkOptions, http as bindings};
use wasmtime_wasi_http::{
    Error, ForbiddenHeaderFilter, RequestOptions, WasiBody, WasiHttp, WasiHttpCtx, WasiHttpCtxView,
    WasiHttpHooks,
};

use crate::capability::secret::{Carried, SecretValues};
use crate::capability::{Denial, Denials};

mod address;
mod body;
mod client;
pub(crate) mod dial;
mod exchange;
mod fault;
mod grants;
mod headers;
mod lines;
mod meter;
mod reading;
mod relay;
pub(crate) mod resolve;
mod rule;
#[cfg(test)]
mod tests;

pub(crate) use client::{HttpClient, HttpClientOptions};
pub use client::{TlsSetupError, tls_connector};
pub(crate) use grants::{NetworkGrants, Permitted};
pub(crate) use meter::{NetworkLimits, NetworkUsage};
pub(crate) use relay::Relay;
pub use rule::{MethodRule, NetworkRule, NetworkRuleError};

use exchange::{Exchange, Timing};
use meter::{Account, Ledger};

/// Roughly the bytes of memory that a guest's header fields may take.
const FIELDS_BYTES: usize = 32 << 10;

/// The most that a guest can write to a request's body at once.
const BODY_CHUNK_BYTES: usize = 64 << 10;

/// Links `wasi:http/types` and `wasi:http/outgoing-handler`; `view` finds them in the store's data.
pub(crate) fn add_to_linker<T: Send + 'static>(
    linker: &mut Linker<T>,
    view: fn(&mut T) -> WasiHttpCtxView<'_>,
) -> wasmtime::Result<()> {
    let options = LinkOptions::default();
    bindings::types::add_to_linker::<T, WasiHttp>(linker, &(&options).into(), view)?;
    lines::add_to_linker(linker, view)?;
    bindings::outgoing_handler::add_to_linker::<T, WasiHttp>(linker, view)
}

/// What one call holds of the network; its connections end when it is dropped.
///
/// The default is that of a skill which declares no network, and so is not linked to it.
#[derive(Default)]
pub(crate) struct NetworkState {
    ctx: WasiHttpCtx,
    hooks: NetworkHooks,
}

impl NetworkState {
    /// The state of a call.
    pub(crate) fn new(means: Means) -> Self {
        let mut ctx = WasiHttpCtx::new();
        ctx.set_field_size_limit(FIELDS_BYTES);
        let session = Session::new(means);
        Self { ctx, hooks: NetworkHooks::Declared(Box::new(session)) }
    }

    /// What [`add_to_linker`] needs of the store's data.
    pub(crate) fn view<'a>(&'a mut self, table: &'a mut ResourceTable) -> WasiHttpCtxView<'a> {
        WasiHttpCtxView { hooks: &mut self.hooks, table, ctx: &mut self.ctx }
    }

    /// What the call has used so far.
    pub(crate) fn usage(&self) -> NetworkUsage {
        match &self.hooks {
            NetworkHooks::Undeclared => NetworkUsage::default(),
            NetworkHooks::Declared(session) => session.ledger.usage(),
        }
    }
}

/// What `wasi:http` asks the host to do.
#[derive(Default)]
enum NetworkHooks {
    #[default]
    Undeclared,
    Declared(Box<Session>),
}

/// What the requests of a call are decided on and sent with.
pub(crate) struct Means {
    pub(crate) grants: Arc<NetworkGrants>,
    pub(crate) client: Arc<HttpClient>,
    pub(crate) denials: Denials,
    pub(crate) limits: NetworkLimits,
    /// The values of secrets; none in a worker, whose host has them.
    pub(crate) secrets: Option<Arc<SecretValues>>,
    /// When the call ends.
    pub(crate) deadline: Instant,
}

/// The requests of one call.
struct Session {
    means: Means,
    ledger: Arc<Ledger>,
    /// Request bodies that the guest has opened.
    bodies: u64,
    /// Its receivers learn from its drop that the call is over.
    call: watch::Sender<()>,
}

impl Session {
    fn new(means: Means) -> Self {
        let ledger = Arc::new(Ledger::new(means.limits));
        Self { means, ledger, bodies: 0, call: watch::Sender::new(()) }
    }

    /// The secrets that a permitted request carries.
    fn carry(&self, url: &Url, headers: &http::HeaderMap) -> Result<Carried, Denial> {
        let due = self.means.grants.secrets().due(url, headers)?;
        match &self.means.secrets {
            Some(values) if !due.is_empty() => values.of(&due),
            _ => Ok(Carried::nothing()),
        }
    }

    /// Decides on a request before anything of it is sent.
    fn admit(
        &self,
        request: http::Request<WasiBody>,
        options: Option<RequestOptions>,
    ) -> Result<Exchange, Error> {
        let url = checkable(request.uri())?;
        let Means { grants, client, denials, limits, deadline, .. } = &self.means;
        let denied = |denial| {
            denials.record(denial);
            Error::HttpRequestDenied
        };
        let permitted = grants.permit(request.method(), &url).map_err(denied)?;
        let carried = self.carry(permitted.url(), request.headers()).map_err(denied)?;
        let account = Account::new(
            Arc::clone(&self.ledger),
            denials.clone(),
            permitted.capability(),
            permitted.target(),
        );
        let slot = account.open().ok_or(Error::ConnectionLimitReached)?;
        Ok(Exchange {
            client: Arc::clone(client),
            permitted,
            request,
            carried,
            timing: Timing::new(limits, options, (*deadline).into()),
            account,
            slot,
            call: self.call.subscribe(),
        })
    }

    /// How much of a request's body may be in the host's memory at once: each body that is open may
    /// hold two chunks there, sent or not.
    fn body_chunk(&mut self) -> usize {
        self.bodies = self.bodies.saturating_add(1);
        if self.bodies <= self.means.limits.requests { BODY_CHUNK_BYTES } else { 1 }
    }
}

/// The URL of a request, as the one parser reads it whose result is both checked and used.
fn checkable(uri: &http::Uri) -> Result<Url, Error> {
    Url::parse(&uri.to_string()).map_err(|_| Error::HttpRequestUriInvalid)
}

type Outcome = Result<(http::Response<WasiBody>, Box<dyn Future<Output = Result<(), Error>> + Send>), Error>;

impl WasiHttpHooks for NetworkHooks {
    fn is_forbidden_header(&mut self, name: &HeaderName) -> bool {
        headers::is_reserved(name)
    }

    fn forbidden_header_filter(&mut self) -> ForbiddenHeaderFilter {
        Arc::new(headers::is_reserved)
    }

    fn set_host_header(&mut self) -> bool {
        false
    }

    fn p2_outgoing_body_chunk_size(&mut self) -> usize {
        match self {
            Self::Undeclared => 1,
            Self::Declared(session) => session.body_chunk(),
        }
    }

    fn send_request(
        &mut self,
        request: http::Request<WasiBody>,
        options: Option<RequestOptions>,
        _processed: Box<dyn Future<Output = Result<(), Error>> + Send>,
    ) -> Box<dyn Future<Output = Outcome> + Send> {
        let admitted = match self {
            Self::Undeclared => Err(Error::HttpRequestDenied),
            Self::Declared(session) => session.admit(request, options),
        };
        Box::new(async move {
            let (response, mut connection) = admitted?.run().await?;
            let done: Box<dyn Future<Output = _> + Send> = Box::new(async move {
                // How the connection ended has been told by the body, or nobody reads it.
                let _ = Pin::new(&mut *connection).await;
                Ok(())
            });
            Ok((response, done))
        })
    }
}
