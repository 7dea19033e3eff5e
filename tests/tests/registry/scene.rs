//! Where most attacks take place: a registry behind a proxy, its publisher, and somebody who has installed from it.

use std::path::PathBuf;

use openclaw_package::registry::Visibility;
use openclaw_package::registry::api::Publication;
use openclaw_package::{Envelope, SigningKey};
use openclaw_tests::forgery::{Forgery, Package, key_of};
use openclaw_tests::http::Answer;
use openclaw_tests::registry::{HELLO, Upload, with_hello};
use openclaw_tests::{Home, Proxy, Ran, Registry};

/// A registry behind a proxy, its publisher, and somebody who has installed 1.0.0 by way of the proxy.
pub struct Scene {
    pub registry: Registry,
    pub publisher: Home,
    pub key: SigningKey,
    pub proxy: Proxy,
    pub victim: Home,
}

impl Scene {
    pub fn new() -> Self {
        let (registry, publisher) = with_hello(&["1.0.0"]);
        let proxy = Proxy::before(&registry);
        let victim = Home::reader_at(&proxy.url(), &registry);
        victim.fetch(HELLO).json();
        let key = key_of(&publisher);
        Self { registry, publisher, key, proxy, victim }
    }

    /// Uploads a package as no client of ours would.
    pub fn put(&self, path: &str, package: &Package) -> Answer {
        let release = package.release(&self.key.public_key());
        let event = Forgery::of(&self.registry).next(release).sign(&[&self.key]);
        put(&self.registry, self.registry.token(), path, package, &[event])
    }

    /// Publishes a package with the command.
    pub fn publish(&self, package: &Package) -> Ran {
        let path = self.publisher.path("bad.tar.gz");
        std::fs::write(&path, &package.archive).unwrap();
        let signature = PathBuf::from(format!("{}.dsse.json", path.display()));
        std::fs::write(signature, &package.signature).unwrap();
        self.publisher.publish_archive(&path, &[])
    }

    /// A command is refused with that code, nothing has changed, and version 1.0.0 works.
    #[track_caller]
    pub fn refuses(&self, line: &[&str], code: &str) {
        let before = self.victim.snapshot();
        let ran = self.victim.registry(line);
        let refused = ran.error();
        assert_eq!(refused.code, code, "{ran}");
        assert_eq!(refused.exit, if code.starts_with("answer-truncated") { 7 } else { 3 }, "{ran}");
        before.is_still(&self.victim.snapshot(), &ran);
        self.victim.has_nothing_staged();
    }

    #[track_caller]
    pub fn still_works(&self) {
        self.victim.runs_hello();
        assert_eq!(self.victim.version_of(HELLO).as_deref(), Some("1.0.0"));
        assert_eq!(self.victim.registry(["verify"]).json()[0]["status"], "verified");
    }
}

/// Uploads a package with events as they are given.
pub fn put(registry: &Registry, token: &str, path: &str, package: &Package, events: &[Envelope]) -> Answer {
    let events = events.iter().map(|event| String::from_utf8(event.to_json()).unwrap()).collect();
    let publication = Publication { visibility: Visibility::Public, category: None, events };
    let upload = Upload { publication, signature: &package.signature, archive: &package.archive };
    registry.put(path, token, &upload)
}
