//! Which certificates are believed: the system's, and those of one more file.

use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};

use super::HttpError;

/// How TLS is spoken, with ring. Without encryption there is no store of certificates to read.
pub(super) fn config(ca_file: Option<&Path>, encrypted: bool) -> Result<ClientConfig, HttpError> {
    let mut roots = RootCertStore::empty();
    if encrypted {
        // A system may hold certificates that are no longer understood; the others still count.
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    }
    if let Some(path) = ca_file {
        add_file(&mut roots, path)?;
    }
    if encrypted && roots.is_empty() {
        return Err(HttpError::Setup("the system has no certificate authorities".to_owned()));
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| HttpError::Setup(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

fn add_file(roots: &mut RootCertStore, path: &Path) -> Result<(), HttpError> {
    let failed = |detail: String| HttpError::Setup(format!("{}: {detail}", path.display()));
    let mut count = 0_usize;
    for certificate in CertificateDer::pem_file_iter(path).map_err(|error| failed(error.to_string()))? {
        let certificate = certificate.map_err(|error| failed(error.to_string()))?;
        roots.add(certificate).map_err(|error| failed(error.to_string()))?;
        count += 1;
    }
    if count == 0 { Err(failed("it holds no certificate".to_owned())) } else { Ok(()) }
}
