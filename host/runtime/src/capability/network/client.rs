//! Connections: TCP to checked addresses, TLS with the system's roots; no proxy, no pool, no cookies.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::Resumption;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::OnceCell;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;
use url::{Host, Url};
use wasmtime_wasi_http::Error;

use super::dial::{Dial, Dialled, Direct};
use super::fault;
use super::grants::Permitted;
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
pub enum TlsSetupError {
    /// The operator's file cannot be used.
    #[error("cannot read the certificate authorities in {path}: {source}")]
    CaFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: rustls::pki_types::pem::Error,
    },
    /// The system has none, and neither has the file.
    #[error("found no certificate authority to trust: {0:?}")]
    NoRoots(Vec<rustls_native_certs::Error>),
    /// The library does not take it.
    #[error("cannot configure TLS: {0}")]
    Protocol(#[from] rustls::Error),
}

/// Opens connections for all skills; it keeps nothing of a connection, so nothing passes from one to another.
pub(crate) struct HttpClient {
    ca_file: Option<PathBuf>,
    dialer: Arc<dyn Dial>,
    /// None where there is no certificate authority to trust.
    tls: OnceCell<Option<TlsConnector>>,
}

impl std::fmt::Debug for HttpClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HttpClient").field("ca_file", &self.ca_file).finish_non_exhaustive()
    }
}

/// A connection's bytes, plain or through TLS.
pub(super) trait Transport: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Transport for T {}

/// A connection that a request can be sent on.
pub(super) struct Connected {
    pub(super) stream: Box<dyn Transport>,
    /// It leads to the host of this worker, whose answer may be that of no server.
    pub(super) is_relayed: bool,
}

impl HttpClient {
    /// A client; certificate authorities are loaded at the first `https` request.
    pub(crate) fn new(options: HttpClientOptions) -> Self {
        Self {
            ca_file: options.ca_file,
            dialer: Arc::new(Direct::new(options.resolver)),
            tls: OnceCell::new(),
        }
    }

    /// A client whose connections another opens; certificate authorities are loaded now, if they will be needed.
    pub(crate) fn dialling_through(dialer: Arc<dyn Dial>, ca_file: Option<PathBuf>, tls: bool) -> Self {
        let tls = if tls { connector_or_none(ca_file.as_deref()) } else { None };
        Self { ca_file, dialer, tls: OnceCell::new_with(Some(tls)) }
    }

    /// What opens its connections.
    pub(crate) fn dialer(&self) -> &Arc<dyn Dial> {
        &self.dialer
    }

    /// Connects to where a permitted request goes, by the given time.
    pub(super) async fn connect(
        &self,
        permitted: &Permitted,
        account: &Account,
        by: Instant,
    ) -> Result<Connected, Error> {
        let direct = |stream| Connected { stream, is_relayed: false };
        let stream = match self.dialer.dial(permitted, by).await.map_err(|error| error.told(account))? {
            Dialled::Relayed(stream) => return Ok(Connected { stream: Box::new(stream), is_relayed: true }),
            Dialled::Direct(stream) if permitted.url().scheme() != "https" => {
                return Ok(direct(Box::new(stream)));
            }
            Dialled::Direct(stream) => stream,
        };
        let name = server_name(permitted.url()).ok_or(Error::HttpRequestUriInvalid)?;
        let handshake =
            async { self.tls().await?.connect(name, stream).await.map_err(|error| fault::from_tls(&error)) };
        match timeout_at(by, handshake).await {
            Ok(stream) => Ok(direct(Box::new(stream?))),
            Err(_) => Err(Error::ConnectionTimeout),
        }
    }

    async fn tls(&self) -> Result<TlsConnector, Error> {
        let load = || async {
            let ca_file = self.ca_file.clone();
            let loaded = tokio::task::spawn_blocking(move || connector_or_none(ca_file.as_deref())).await;
            loaded.unwrap_or_default()
        };
        self.tls.get_or_init(load).await.clone().ok_or(Error::ConfigurationError)
    }
}

/// The connector, or none with a word to the operator.
fn connector_or_none(ca_file: Option<&Path>) -> Option<TlsConnector> {
    tls_connector(ca_file).inspect_err(|error| tracing::error!(%error, "outgoing TLS is not available")).ok()
}

/// The name that the server must prove, which is the URL's host and nothing else.
fn server_name(url: &Url) -> Option<ServerName<'static>> {
    match url.host()? {
        Host::Domain(name) => ServerName::try_from(name.to_owned()).ok(),
        Host::Ipv4(address) => Some(ServerName::from(std::net::IpAddr::V4(address))),
        Host::Ipv6(address) => Some(ServerName::from(std::net::IpAddr::V6(address))),
    }
}

/// Reads the system's certificate authorities and those of a PEM file, which blocks, and configures TLS.
///
/// # Errors
/// See [`TlsSetupError`].
pub fn tls_connector(ca_file: Option<&Path>) -> Result<TlsConnector, TlsSetupError> {
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
