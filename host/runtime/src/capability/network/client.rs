//! Connections: TCP to checked addresses, TLS with the system's roots; no proxy, no pool, no cookies.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::Resumption;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::OnceCell;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::TlsConnector;
use url::{Host, Url};
use wasmtime_wasi_http::Error;

use super::fault;
use super::grants::{CheckedAddr, Permitted, Unresolved};
use super::meter::Account;
use super::resolve::{Resolve, SystemResolver};

/// What an [`HttpClient`] is made from.
pub(crate) struct HttpClientOptions {
    /// A PEM file of certificate authorities to trust beside the system's.
    pub(crate) ca_file: Option<PathBuf>,
    /// Answers for host names.
    pub(crate) resolver: Arc<dyn Resolve>,
}

impl Default for HttpClientOptions {
    fn default() -> Self {
        Self { ca_file: None, resolver: Arc::new(SystemResolver::new()) }
    }
}

/// Why TLS cannot be used; the operator's to mend.
#[derive(Debug, thiserror::Error)]
enum TlsSetupError {
    #[error("cannot read the certificate authorities in {path}: {source}")]
    CaFile { path: PathBuf, source: rustls::pki_types::pem::Error },
    #[error("found no certificate authority to trust: {0:?}")]
    NoRoots(Vec<rustls_native_certs::Error>),
    #[error("cannot configure TLS: {0}")]
    Protocol(#[from] rustls::Error),
    #[error("loading certificate authorities was interrupted: {0}")]
    Interrupted(#[from] tokio::task::JoinError),
}

/// Opens connections for all skills; it keeps nothing of a connection, so nothing passes from one to another.
pub(crate) struct HttpClient {
    options: HttpClientOptions,
    tls: OnceCell<TlsConnector>,
}

impl std::fmt::Debug for HttpClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HttpClient").field("ca_file", &self.options.ca_file).finish_non_exhaustive()
    }
}

/// A connection's bytes, plain or through TLS.
pub(super) trait Transport: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Transport for T {}

impl HttpClient {
    /// A client; certificate authorities are loaded at the first `https` request.
    pub(crate) fn new(options: HttpClientOptions) -> Self {
        Self { options, tls: OnceCell::new() }
    }

    /// Connects to where a permitted request goes, by the given time.
    pub(super) async fn connect(
        &self,
        permitted: &Permitted,
        account: &Account,
        by: Instant,
    ) -> Result<Box<dyn Transport>, Error> {
        let addresses = self.resolve(permitted, account, by).await?;
        let stream = open(addresses, by).await?;
        if permitted.url().scheme() != "https" {
            return Ok(Box::new(stream));
        }
        let name = server_name(permitted.url()).ok_or(Error::HttpRequestUriInvalid)?;
        let handshake =
            async { self.tls().await?.connect(name, stream).await.map_err(|error| fault::from_tls(&error)) };
        match timeout_at(by, handshake).await {
            Ok(stream) => Ok(Box::new(stream?)),
            Err(_) => Err(Error::ConnectionTimeout),
        }
    }

    async fn resolve(
        &self,
        permitted: &Permitted,
        account: &Account,
        by: Instant,
    ) -> Result<Vec<CheckedAddr>, Error> {
        let resolved = timeout_at(by, permitted.resolve(self.options.resolver.as_ref())).await;
        resolved.map_err(|_| Error::DnsTimeout)?.map_err(|unresolved| match unresolved {
            Unresolved::Denied(denial) => {
                account.deny(denial);
                Error::DestinationIpProhibited
            }
            Unresolved::NotFound => Error::DestinationNotFound,
            Unresolved::Lookup(error) => {
                tracing::debug!(%error, "name resolution failed");
                Error::DnsError { rcode: None, info_code: None }
            }
        })
    }

    async fn tls(&self) -> Result<TlsConnector, Error> {
        let connector = self.tls.get_or_try_init(|| async {
            let ca_file = self.options.ca_file.clone();
            tokio::task::spawn_blocking(move || connector(ca_file.as_deref())).await?
        });
        connector.await.cloned().map_err(|error: TlsSetupError| {
            tracing::error!(%error, "outgoing TLS is not available");
            Error::ConfigurationError
        })
    }
}

/// Connects to the first address that answers.
async fn open(addresses: Vec<CheckedAddr>, by: Instant) -> Result<TcpStream, Error> {
    let mut failure = Error::DestinationNotFound;
    let mut untried = u32::try_from(addresses.len()).unwrap_or(u32::MAX);
    for address in addresses {
        // An address that swallows packets must leave time for those after it.
        let share = by.saturating_duration_since(Instant::now()) / untried.max(1);
        untried = untried.saturating_sub(1);
        failure = match timeout(share, TcpStream::connect(address.socket())).await {
            Ok(Ok(stream)) => {
                stream.set_nodelay(true).map_err(|error| fault::from_connect(&error))?;
                return Ok(stream);
            }
            Ok(Err(error)) => fault::from_connect(&error),
            Err(_) => Error::ConnectionTimeout,
        };
    }
    Err(failure)
}

/// The name that the server must prove, which is the URL's host and nothing else.
fn server_name(url: &Url) -> Option<ServerName<'static>> {
    match url.host()? {
        Host::Domain(name) => ServerName::try_from(name.to_owned()).ok(),
        Host::Ipv4(address) => Some(ServerName::from(std::net::IpAddr::V4(address))),
        Host::Ipv6(address) => Some(ServerName::from(std::net::IpAddr::V6(address))),
    }
}

/// Reads the certificate authorities, which blocks, and configures TLS.
fn connector(ca_file: Option<&Path>) -> Result<TlsConnector, TlsSetupError> {
    let mut roots = RootCertStore::empty();
    let native = rustls_native_certs::load_native_certs();
    roots.add_parsable_certificates(native.certs);
    if let Some(path) = ca_file {
        let fail = |source| TlsSetupError::CaFile { path: path.to_owned(), source };
        for certificate in CertificateDer::pem_file_iter(path).map_err(fail)? {
            roots.add(certificate.map_err(fail)?)?;
        }
    }
    if roots.is_empty() {
        return Err(TlsSetupError::NoRoots(native.errors));
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    // A resumed session would tell a server that two skills share a host.
    config.resumption = Resumption::disabled();
    Ok(TlsConnector::from(Arc::new(config)))
}
