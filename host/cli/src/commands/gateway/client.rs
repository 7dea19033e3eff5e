//! Asks the gateway that runs here, with the token that is kept for the owner's own commands.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::header::{AUTHORIZATION, HOST};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use openclaw_gateway::tls::{TlsFiles, certificates};
use openclaw_gateway::tokens::{Secret, TokenStore};
use serde::de::DeserializeOwned;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error as TlsError, SignatureScheme,
};

use super::peer;
use crate::environment::Environment;
use crate::error::{CliError, Result};
use crate::exit::Exit;
use crate::invocation;

/// Paths that are answered without a token, which therefore never goes there.
const OPEN_PATHS: [&str; 2] = ["/health", "/ready"];
/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// Bytes of an answer that are read.
const ANSWER_BYTES: usize = 16 << 20;

/// A gateway of this owner, on this machine.
pub(in crate::commands) struct Client {
    address: SocketAddr,
    tls: Option<TlsFiles>,
    token: Option<Secret>,
}

/// What it answered.
pub(in crate::commands) struct Answer {
    /// The status.
    pub(in crate::commands) status: StatusCode,
    /// The body.
    pub(in crate::commands) body: Bytes,
}

impl Client {
    /// The gateway that the configuration describes, or one at another address.
    pub(in crate::commands) fn of(environment: &Environment, listen: Option<SocketAddr>) -> Result<Self> {
        let config = environment.config()?;
        let token = TokenStore::of(&environment.data_dir()?).owner()?;
        let tls = config.settings(environment.config_dir()).tls;
        Ok(Self { address: reachable(listen.unwrap_or_else(|| config.listen())), tls, token })
    }

    /// Where it is.
    pub(in crate::commands) fn url(&self) -> String {
        format!("{}://{}", if self.tls.is_some() { "https" } else { "http" }, self.address)
    }

    /// Asks for a document.
    pub(in crate::commands) fn document<T: DeserializeOwned>(&self, path: &str) -> Result<T> {
        let answer = self.get(path)?;
        if answer.status != StatusCode::OK {
            return Err(self.refused(&answer));
        }
        serde_json::from_slice(&answer.body).map_err(|_| self.stranger())
    }

    /// Asks for a path.
    pub(in crate::commands) fn get(&self, path: &str) -> Result<Answer> {
        let asked = async { tokio::time::timeout(PATIENCE, self.ask(path)).await };
        match invocation::wait(asked)? {
            Ok(answer) => answer,
            Err(_) => Err(self.unreachable("it does not answer in time")),
        }
    }

    async fn ask(&self, path: &str) -> Result<Answer> {
        let mut request = Request::get(path).header(HOST, self.address.to_string());
        let stream =
            TcpStream::connect(self.address).await.map_err(|error| self.unreachable(&error.to_string()))?;
        if let Some(token) = self.token.as_ref().filter(|_| !OPEN_PATHS.contains(&path)) {
            self.may_have_token(&stream)?;
            request = request.header(AUTHORIZATION, format!("Bearer {}", token.reveal()));
        }
        let request = request.body(Empty::new()).map_err(|_| self.stranger())?;
        match &self.tls {
            None => self.exchange(stream, request).await,
            Some(files) => {
                let name = ServerName::IpAddress(self.address.ip().into());
                let stream = connector(files)?.connect(name, stream).await;
                self.exchange(stream.map_err(|error| self.unreachable(&error.to_string()))?, request).await
            }
        }
    }

    /// Whether the token may be sent. Over TLS only whoever has the gateway's own key reads it; without, it has to stay
    /// on this machine, with this user.
    fn may_have_token(&self, stream: &TcpStream) -> Result<()> {
        if self.tls.is_some() {
            return Ok(());
        }
        let untrusted = |why: String| {
            CliError::new(
                Exit::Refused,
                "gateway-untrusted",
                format!("the token is not sent to {}: {why}", self.url()),
            )
        };
        if !self.address.ip().is_loopback() {
            let error = untrusted("without TLS it would be sent in the clear".to_owned());
            return Err(error.hint("name a certificate under gateway.tls, or ask the gateway over 127.0.0.1"));
        }
        let failed = |error: std::io::Error| self.unreachable(&error.to_string());
        let (server, client) = (stream.peer_addr().map_err(failed)?, stream.local_addr().map_err(failed)?);
        peer::trusted(server, client).map_err(|why| {
            untrusted(format!("what listens there {why}"))
                .hint("see who has the port: ss -ltnp; choose another one with gateway.port in config.yaml")
        })
    }

    async fn exchange(
        &self,
        stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
        request: Request<Empty<Bytes>>,
    ) -> Result<Answer> {
        let failed = |_| self.stranger();
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(failed)?;
        let answer = async {
            let response = sender.send_request(request).await.map_err(failed)?;
            let status = response.status();
            let body = Limited::new(response.into_body(), ANSWER_BYTES).collect().await;
            Ok(Answer { status, body: body.map_err(|_| self.stranger())?.to_bytes() })
        };
        tokio::pin!(answer);
        tokio::select! {
            answer = &mut answer => answer,
            _ = connection => answer.await,
        }
    }

    fn unreachable(&self, why: &str) -> CliError {
        let message = format!("no gateway answers at {}: {why}", self.url());
        CliError::new(Exit::Registry, "gateway-unreachable", message).hint("start it: openclaw gateway")
    }

    fn stranger(&self) -> CliError {
        let message = format!("what answers at {} is no gateway", self.url());
        CliError::new(Exit::Registry, "gateway-unreachable", message)
            .hint("another program has the port: choose one with gateway.port in config.yaml")
    }

    /// What a gateway refuses is told in its own words.
    pub(in crate::commands) fn refused(&self, answer: &Answer) -> CliError {
        let error = serde_json::from_slice::<serde_json::Value>(&answer.body).unwrap_or_default();
        let message = error.pointer("/error/message").and_then(|message| message.as_str());
        let Some(message) = message else { return self.stranger() };
        let error = CliError::new(Exit::Refused, "gateway-refused", format!("{}: {message}", self.url()));
        if answer.status == StatusCode::UNAUTHORIZED {
            return error.hint("the owner's token was revoked, or the gateway is another one's");
        }
        error
    }
}

/// An address that listens for all is reached over loopback.
fn reachable(listen: SocketAddr) -> SocketAddr {
    let address = match listen.ip() {
        IpAddr::V4(address) if address.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(address) if address.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        address => address,
    };
    SocketAddr::new(address, listen.port())
}

/// Accepts the gateway's own certificate, whatever names it has and whoever signed it, and no other one.
fn connector(files: &TlsFiles) -> Result<TlsConnector> {
    let invalid = |error: String| CliError::new(Exit::Host, "invalid-certificate", error);
    let own = certificates(&files.cert).map_err(|error| invalid(error.to_string()))?.into_iter().next();
    let own = own.ok_or_else(|| invalid("there is no certificate".to_owned()))?;
    let provider = Arc::new(ring::default_provider());
    let config = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| invalid(error.to_string()))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Own { certificate: own, provider }))
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

/// Holds what a server presents against the one certificate that it has to be.
#[derive(Debug)]
struct Own {
    certificate: CertificateDer<'static>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Own {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, TlsError> {
        if *end_entity == self.certificate {
            return Ok(ServerCertVerified::assertion());
        }
        Err(TlsError::InvalidCertificate(CertificateError::ApplicationVerificationFailure))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        verify_tls12_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
