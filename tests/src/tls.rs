//! A server on the loopback interface that speaks TLS, with a certificate authority of its own.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::{Arc, Mutex};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::home::Home;
use crate::server::Server;

/// A server that proves to be `localhost`; it serves until the test process ends.
#[derive(Debug)]
pub struct TlsServer {
    server: Server,
    heads: Arc<Mutex<Vec<String>>>,
    authority: String,
}

impl TlsServer {
    /// A server that answers the head of each request with what it is told, byte for byte.
    pub fn answering(answer: impl Fn(&str) -> Vec<u8> + Send + Sync + 'static) -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer =
            CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("an authority");
        let key = KeyPair::generate().expect("a key");
        let certificate = CertificateParams::new(vec!["localhost".to_owned()]).expect("a name");
        let certificate = certificate.signed_by(&key, &issuer).expect("a certificate");
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions of TLS")
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .expect("a certificate");
        let (config, heads) = (Arc::new(config), Arc::new(Mutex::new(Vec::new())));
        let theirs = Arc::clone(&heads);
        let server = Server::start_raw(move |stream, _| {
            // A client that has gone does not matter.
            let _ = serve(&config, stream, &answer, &theirs);
        });
        Self { server, heads, authority: issuer.pem() }
    }

    /// `localhost:PORT`.
    pub fn host(&self) -> String {
        format!("localhost:{}", self.server.port())
    }

    /// `https://localhost:PORT` and a path.
    pub fn url(&self, path: &str) -> String {
        format!("https://{}{path}", self.host())
    }

    /// The heads of the requests that came.
    pub fn heads(&self) -> Vec<String> {
        self.heads.lock().expect("no panic").clone()
    }

    /// Has a home trust the server's authority: a line of its policy, which has nothing else yet.
    pub fn trust(&self, home: &Home) {
        let path = home.path("ca.pem");
        std::fs::write(&path, &self.authority).expect("a file");
        let policy = home.data().join("policy.toml");
        let before = std::fs::read_to_string(&policy).unwrap_or_default();
        std::fs::write(&policy, format!("{before}\n[network]\nca_file = {:?}\n", show(&path)))
            .expect("a policy");
    }
}

fn show(path: &Path) -> &str {
    path.to_str().expect("a path of text")
}

fn serve(
    config: &Arc<ServerConfig>,
    stream: TcpStream,
    answer: &(impl Fn(&str) -> Vec<u8> + Send + Sync),
    heads: &Mutex<Vec<String>>,
) -> Option<()> {
    let connection = ServerConnection::new(Arc::clone(config)).ok()?;
    let mut reader = BufReader::new(StreamOwned::new(connection, stream));
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    heads.lock().expect("no panic").push(head.clone());
    let mut stream = reader.into_inner();
    stream.write_all(&answer(&head)).ok()?;
    stream.conn.send_close_notify();
    stream.flush().ok()
}
