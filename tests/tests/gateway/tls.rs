//! TLS by certificate files, and where plain HTTP is refused.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use openclaw_tests::Home;
use openclaw_tests::gateway::Gateway;

use crate::{configure, home};

/// Makes a certificate for localhost, with openssl, and puts it in place.
fn certify(home: &Home) {
    let made = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            "-days",
            "2",
        ])
        .args(["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"])
        .arg("-keyout")
        .arg(home.data().join("new-key.pem"))
        .arg("-out")
        .arg(home.data().join("new-cert.pem"))
        .output()
        .expect("openssl");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    std::fs::set_permissions(home.data().join("new-key.pem"), std::fs::Permissions::from_mode(0o600))
        .unwrap();
    for name in ["key.pem", "cert.pem"] {
        std::fs::rename(home.data().join(format!("new-{name}")), home.data().join(name)).unwrap();
    }
}

/// What curl gets from a path, trusting one certificate alone.
fn curl(gateway: &Gateway<'_>, trusted: &Path, path: &str) -> Option<String> {
    let port = gateway.address().port();
    let url = format!("https://localhost:{port}{path}");
    let resolve = format!("localhost:{port}:{}", gateway.address().ip());
    let ran =
        Command::new("curl").args(["-sS", "--resolve", &resolve, "--cacert"]).arg(trusted).arg(url).output();
    let ran = ran.expect("curl");
    ran.status.success().then(|| String::from_utf8_lossy(&ran.stdout).into_owned())
}

#[test]
fn a_certificate_is_served_and_replaced_while_it_runs() {
    let home = home();
    certify(&home);
    configure(&home, "gateway: { tls: { cert: cert.pem, key: key.pem } }\n");
    let gateway = Gateway::try_start(&home, &[]).unwrap();
    let (first, second) = (home.path("first.pem"), home.path("second.pem"));
    std::fs::copy(home.data().join("cert.pem"), &first).unwrap();
    gateway.wait_until("it is ready", || {
        curl(&gateway, &first, "/ready").is_some_and(|text| text.contains("ready"))
    });
    let status = home.run(["gateway", "--status", "--listen", &gateway.address().to_string()]).json();
    assert_eq!((&status["ready"], &status["status"]), (&true.into(), &"healthy".into()));
    certify(&home);
    std::fs::copy(home.data().join("cert.pem"), &second).unwrap();
    gateway.wait_until("the new one is served", || curl(&gateway, &second, "/health").is_some());
    assert!(curl(&gateway, &first, "/health").is_none(), "the old one is not served any more");
    std::fs::write(home.data().join("cert.pem"), "broken").unwrap();
    gateway.wait_until("it is refused", || gateway.log().contains("the certificate is not taken"));
    assert!(curl(&gateway, &second, "/health").is_some(), "the one before stays");
    let plain = gateway.raw(b"GET /health HTTP/1.1\r\n\r\n");
    assert!(!plain.contains("200"), "{plain}");
}

#[test]
fn other_machines_are_not_served_without_tls_unless_that_is_said() {
    let home = home();
    let said = Gateway::try_start(&home, &["--listen", "0.0.0.0:0"]).unwrap_err();
    assert!(said.contains("insecure-listen"), "{said}");
    configure(&home, "gateway: { listen: 0.0.0.0 }\n");
    let said = Gateway::try_start(&home, &[]).unwrap_err();
    assert!(said.contains("gateway.insecure"), "{said}");
    configure(&home, "gateway: { insecure: true }\n");
    assert!(Gateway::try_start(&home, &["--listen", "0.0.0.0:0"]).is_ok());
}
