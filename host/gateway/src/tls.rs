//! TLS by certificate files, which are read again without a connection noticing.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

/// The files of a certificate, both in PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate, and those between it and a root.
    pub cert: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// Why a certificate cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{}: {reason}", path.display())]
pub struct TlsError {
    path: PathBuf,
    reason: String,
}

impl TlsFiles {
    /// What accepts connections with this certificate.
    ///
    /// # Errors
    /// [`TlsError`]: a file cannot be read, others can read the key, or the two do not belong together.
    pub fn acceptor(&self) -> Result<TlsAcceptor, TlsError> {
        let meta = std::fs::metadata(&self.key).map_err(at(&self.key))?;
        if meta.mode() & 0o007 != 0 {
            return Err(at(&self.key)("everybody can read or change this private key: chmod 600 it"));
        }
        let certificates = certificates(&self.cert)?;
        let key = PrivateKeyDer::from_pem_file(&self.key).map_err(at(&self.key))?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(at(&self.cert))?
            .with_no_client_auth()
            .with_single_cert(certificates, key)
            .map_err(at(&self.cert))?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(TlsAcceptor::from(Arc::new(config)))
    }
}

/// The certificates of a file, the server's own first.
///
/// # Errors
/// [`TlsError`]: the file cannot be read, or holds none.
pub fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let read = CertificateDer::pem_file_iter(path).map_err(at(path))?;
    let certificates = read.collect::<Result<Vec<_>, _>>().map_err(at(path))?;
    if certificates.is_empty() {
        return Err(at(path)("it holds no certificate"));
    }
    Ok(certificates)
}

fn at<E: ToString>(path: &Path) -> impl FnOnce(E) -> TlsError + '_ {
    move |error| TlsError { path: path.to_owned(), reason: error.to_string() }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_key_that_everybody_can_read_or_that_is_anothers_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str, text: String, mode: u32| {
            let path = dir.path().join(name);
            std::fs::write(&path, text).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            path
        };
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let other = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let cert = write("cert.pem", made.cert.pem(), 0o644);
        let key = write("key.pem", made.signing_key.serialize_pem(), 0o600);
        let open = write("open.pem", made.signing_key.serialize_pem(), 0o644);
        let wrong = write("other.pem", other.signing_key.serialize_pem(), 0o600);
        assert!(TlsFiles { cert: cert.clone(), key: key.clone() }.acceptor().is_ok());
        for key in [open, wrong, cert.clone(), dir.path().join("none")] {
            assert!(
                TlsFiles { cert: cert.clone(), key: key.clone() }.acceptor().is_err(),
                "{}",
                key.display()
            );
        }
        assert!(TlsFiles { cert: write("empty.pem", String::new(), 0o644), key }.acceptor().is_err());
    }
}
