//! TLS: certificates of the system and of one more file, and no others.

use std::path::PathBuf;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

use crate::home::Home;
use crate::server::Server;
use crate::world::World;

/// A certificate authority in a file, and a server that it vouches for under a name.
fn authority(home: &Home, name: &str) -> (PathBuf, ServerConfig) {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap();
    let issuer = Issuer::new(params, key);
    let own = KeyPair::generate().unwrap();
    let leaf = CertificateParams::new(vec![name.to_owned()]).unwrap().signed_by(&own, &issuer).unwrap();
    let file = home.place.path().join("authority.pem");
    std::fs::write(&file, certificate.pem()).unwrap();
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![leaf.der().clone()], PrivateKeyDer::try_from(own.serialize_der()).unwrap())
        .unwrap();
    (file, config)
}

#[tokio::test]
async fn a_registry_is_believed_by_a_named_authority_only() {
    let home = Home::new();
    let server = Server::start(World::with_hello()).await;
    let (file, config) = authority(&home, "localhost");
    let url = server.start_tls("localhost", config).await;
    let mut request = home.request(&server);
    request.url = url.parse().unwrap();

    let error = home.refused(home.login(request.clone())).await;
    assert_eq!(error.code(), "registry-unreachable");
    assert!(server.requests("/").is_empty(), "nothing was said to a stranger");

    let mut options = home.options();
    options.ca_file = Some(file);
    let pending = home.registries.login(request, options.clone()).await.unwrap();
    let known = pending.accept().await.unwrap().registry;
    assert_eq!(known.url().as_str(), url);
    let client = openclaw_registry_client::Client::connect(known, options).unwrap();
    client.refresh().await.unwrap();
}

#[tokio::test]
async fn a_certificate_of_another_name_is_refused() {
    let home = Home::new();
    let server = Server::start(World::with_hello()).await;
    let (file, config) = authority(&home, "skills.example.com");
    let mut request = home.request(&server);
    request.url = server.start_tls("localhost", config).await.parse().unwrap();
    let mut options = home.options();
    options.ca_file = Some(file);
    let error = home.registries.login(request, options).await.unwrap_err();
    assert_eq!(error.code(), "registry-unreachable");
}

#[tokio::test]
async fn a_file_without_certificates_is_named() {
    let home = Home::new();
    let server = Server::start(World::with_hello()).await;
    let file = home.place.path().join("empty.pem");
    std::fs::write(&file, "").unwrap();
    for file in [file, home.place.path().join("missing.pem")] {
        let mut options = home.options();
        options.ca_file = Some(file.clone());
        let error = home.registries.login(home.request(&server), options).await.unwrap_err();
        assert_eq!(error.code(), "no-connection");
        assert!(error.to_string().contains(file.file_name().unwrap().to_str().unwrap()), "{error}");
    }
}
