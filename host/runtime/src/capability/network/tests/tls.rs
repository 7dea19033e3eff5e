//! Whom a skill talks to over TLS.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{HandshakeKind, ServerConfig};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use wasmtime_wasi_http::Error;

use super::super::*;
use super::support::*;

/// A certificate authority, and the file that makes it trusted.
pub(super) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    file: tempfile::NamedTempFile,
}

impl Authority {
    pub(super) fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), issuer.pem()).unwrap();
        Self { issuer, file }
    }

    /// A server that proves to be `name`, and tells the name that each client asked for.
    async fn serve(&self, name: &str) -> (u16, mpsc::UnboundedReceiver<(Option<String>, HandshakeKind)>) {
        let (names, asked) = mpsc::unbounded_channel();
        (handshakes(self.acceptor(name), names).await, asked)
    }

    /// What proves to be `name`.
    pub(super) fn acceptor(&self, name: &str) -> TlsAcceptor {
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let certificate = certificate.signed_by(&key, &self.issuer).unwrap();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap();
        TlsAcceptor::from(Arc::new(config))
    }

    pub(super) fn trusted(&self) -> Option<PathBuf> {
        Some(self.file.path().to_owned())
    }
}

/// A server that tells of each handshake; its port.
async fn handshakes(
    acceptor: TlsAcceptor,
    names: mpsc::UnboundedSender<(Option<String>, HandshakeKind)>,
) -> u16 {
    let address = serve(move |stream| {
        let (acceptor, names) = (acceptor.clone(), names.clone());
        async move {
            let Ok(mut stream) = acceptor.accept(stream).await else { return };
            let connection = stream.get_ref().1;
            let name = connection.server_name().map(str::to_owned);
            let _ = names.send((name, connection.handshake_kind().unwrap()));
            let _ = stream.read(&mut [0; 4096]).await;
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nsecure").await;
            let _ = stream.shutdown().await;
        }
    })
    .await;
    address.port()
}

/// A call that may reach the loopback interface as `host`.
fn call(host: &str, port: u16, ca_file: Option<PathBuf>) -> Call {
    let resolver = Arc::new(FakeResolver::answering(host, &[&["127.0.0.1"]]));
    let client = HttpClientOptions { ca_file, resolver };
    Call::new(local(&format!("https://{host}:{port}")), CallOptions { client, ..CallOptions::default() })
}

#[tokio::test]
async fn the_ca_file_is_trusted_beside_the_system() {
    let authority = Authority::new();
    let (port, mut asked) = authority.serve("api.example").await;
    let mut call = call("api.example", port, authority.trusted());
    for _ in 0..2 {
        let response = call.get(&format!("https://api.example:{port}/")).await.unwrap();
        assert_eq!(text(response).await.unwrap(), "secure");
        // Nothing of one connection is resumed by the next.
        assert_eq!(asked.recv().await.unwrap(), (Some("api.example".to_owned()), HandshakeKind::Full));
    }
}

#[tokio::test]
async fn an_address_is_proved_as_an_address() {
    let authority = Authority::new();
    let (port, mut asked) = authority.serve("127.0.0.1").await;
    let mut call = call("127.0.0.1", port, authority.trusted());
    let response = call.get(&format!("https://127.0.0.1:{port}/")).await.unwrap();
    assert_eq!(text(response).await.unwrap(), "secure");
    assert_eq!(asked.recv().await.unwrap().0, None);
}

#[tokio::test]
async fn a_foreign_authority_and_a_foreign_name_are_refused() {
    let (authority, other) = (Authority::new(), Authority::new());
    let (port, _asked) = authority.serve("api.example").await;
    for (host, ca_file) in [("api.example", other.trusted()), ("other.example", authority.trusted())] {
        let mut call = call(host, port, ca_file);
        let error = call.get(&format!("https://{host}:{port}/")).await.unwrap_err();
        assert!(matches!(error, Error::TlsCertificateError), "{host}: {error}");
    }
}

#[tokio::test]
async fn a_server_without_tls_is_refused() {
    let server = serve(|mut stream| async move {
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        let _ = stream.read(&mut [0; 4096]).await;
    })
    .await;
    let authority = Authority::new();
    let mut call = call("api.example", server.port(), authority.trusted());
    let error = call.get(&format!("https://api.example:{}/", server.port())).await.unwrap_err();
    assert!(matches!(error, Error::TlsProtocolError), "{error}");
}

#[tokio::test]
async fn a_stalled_handshake_ends_at_the_connect_timeout() {
    let server = serve(|stream| async move {
        tokio::time::sleep(Duration::from_secs(60)).await;
        drop(stream);
    })
    .await;
    let authority = Authority::new();
    let short = Duration::from_millis(300);
    let limits = NetworkLimits { connect: short, ..NetworkLimits::default() };
    let default = Duration::from_secs(20);
    for (limits, time) in [(limits, default), (NetworkLimits::default(), short)] {
        let resolver = Arc::new(FakeResolver::answering("api.example", &[&["127.0.0.1"]]));
        let client = HttpClientOptions { ca_file: authority.trusted(), resolver };
        let origin = format!("https://api.example:{}", server.port());
        let mut call =
            Call::new(local(&origin), CallOptions { limits, client, time, ..CallOptions::default() });
        let error = call.get(&format!("{origin}/")).await.unwrap_err();
        assert!(matches!(error, Error::ConnectionTimeout), "{error}");
    }
}

#[tokio::test]
async fn a_ca_file_that_is_not_there_is_the_operators_to_mend() {
    let authority = Authority::new();
    let (port, _asked) = authority.serve("api.example").await;
    let mut call = call("api.example", port, Some(PathBuf::from("/nonexistent/ca.pem")));
    let error = call.get(&format!("https://api.example:{port}/")).await.unwrap_err();
    assert!(matches!(error, Error::ConfigurationError), "{error}");
}
