//! The log of a real registry, carried on by somebody who holds its keys and checks nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use openclaw_package::log::{
    Appender, Checkpoint, LogProof, TileId, TilePath, consistency_proof, decode_entries, encode_entries,
    inclusion_proof, leaf_hash,
};
use openclaw_package::registry::{
    Action, Event, IndexLine, LoggedEvent, Origin, Provenance, Release, Visibility,
};
use openclaw_package::{Digest, Envelope, PublicKey, SigningKey};

use crate::home::{Home, PUBLISHER};
use crate::http::{Answer, Request};
use crate::proxy::{Proxy, Way};
use crate::registry::Registry;

/// A package, whatever is wrong with it.
#[derive(Clone, Debug)]
pub struct Package {
    /// The skill's own name.
    pub name: String,
    /// The version.
    pub version: String,
    /// The archive.
    pub archive: Vec<u8>,
    /// The file of the signature.
    pub signature: Vec<u8>,
    /// The digest of what was signed.
    pub statement: Digest,
}

impl Package {
    /// The package of an archive, and of a signature beside it.
    #[must_use]
    pub fn new(name: &str, version: &str, archive: Vec<u8>, signature: Vec<u8>) -> Self {
        let payload = Envelope::parse(&signature).map(|envelope| envelope.payload_unverified().to_vec());
        let statement = Digest::of(&payload.unwrap_or_default());
        Self { name: name.to_owned(), version: version.to_owned(), archive, signature, statement }
    }

    /// One that was packed.
    #[must_use]
    pub fn read(name: &str, version: &str, archive: &std::path::Path) -> Self {
        let signature = std::fs::read(format!("{}.dsse.json", archive.display())).expect("the signature");
        Self::new(name, version, std::fs::read(archive).expect("the archive"), signature)
    }

    /// Its release, by a key.
    pub fn release(&self, signer: &PublicKey) -> Action {
        Action::Release(Release {
            name: self.name.parse().expect("a name"),
            version: self.version.parse().expect("a version"),
            archive: Digest::of(&self.archive),
            statement: self.statement,
            signer: signer.clone(),
            visibility: Visibility::Public,
        })
    }
}

/// The signing key of a home's publisher.
#[must_use]
pub fn key_of(home: &Home) -> SigningKey {
    secret(&home.data().join(format!("keys/{PUBLISHER}.key")))
}

/// The key of a registry for one purpose: `root`, `log` or `takedown`.
#[must_use]
pub fn key_for(registry: &Registry, purpose: &str) -> SigningKey {
    let entries = std::fs::read_dir(registry.data().join("keys")).expect("the registry's keys");
    let mut paths = entries.map(|entry| entry.expect("an entry").path());
    let named = |path: &std::path::PathBuf| {
        path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(&format!("{purpose}-")))
    };
    secret(&paths.find(named).unwrap_or_else(|| panic!("no {purpose} key")))
}

fn secret(path: &std::path::Path) -> SigningKey {
    let text = std::fs::read_to_string(path).expect("the key");
    SigningKey::from_secret_text(text.trim()).expect("the key is one")
}

/// A log that goes on from a real one.
#[derive(Clone, Debug)]
pub struct Forgery {
    origin: Origin,
    log_key: Arc<SigningKey>,
    roots: Vec<String>,
    entries: Vec<Vec<u8>>,
    history: Vec<LoggedEvent>,
    indexes: BTreeMap<String, String>,
    blobs: BTreeMap<String, Vec<u8>>,
}

impl Forgery {
    /// The log as it is now.
    #[must_use]
    pub fn of(registry: &Registry) -> Self {
        let log_key = Arc::new(key_for(registry, "log"));
        let origin: Origin = registry.origin().parse().expect("an origin");
        let note = String::from_utf8(registry.get("/checkpoint").ok()).expect("text");
        let checkpoint = Checkpoint::verify(&note, &origin, &log_key.public_key()).expect("a checkpoint");
        let width = u16::try_from(checkpoint.size()).ok().filter(|size| *size < 256).expect("a short log");
        let bundle = registry.get(&format!("/{}", TilePath::Entries { index: 0, width })).ok();
        let root = String::from_utf8(registry.get("/root.json").ok()).expect("text");
        let mut forgery = Self {
            origin,
            log_key,
            roots: vec![root],
            entries: decode_entries(&bundle).expect("entries"),
            history: Vec::new(),
            indexes: BTreeMap::new(),
            blobs: BTreeMap::new(),
        };
        for (index, entry) in forgery.entries.iter().enumerate() {
            let entry = String::from_utf8(entry.clone()).expect("text");
            let event =
                Envelope::parse(entry.as_bytes()).ok().and_then(|entry| Event::read_unverified(&entry).ok());
            let Some(event) = event.filter(|event| event.publisher.as_str() == PUBLISHER) else { continue };
            forgery.history.push(LoggedEvent { index: index as u64, entry });
            if let Some(skill) = event.skill() {
                let path = format!("/index/{skill}");
                let index = registry.get(&path);
                forgery.indexes.insert(path, index.text());
            }
        }
        forgery
    }

    /// The event that would come next.
    pub fn next(&self, action: Action) -> Event {
        let last =
            self.history.last().map(|event| Envelope::parse(event.entry.as_bytes()).expect("an envelope"));
        Event {
            origin: self.origin.clone(),
            publisher: PUBLISHER.parse().expect("a name"),
            sequence: self.history.len() as u64,
            previous: last.map(|last| Digest::of(last.payload_unverified())),
            time: Timestamp::now(),
            action,
        }
    }

    /// Adds an event to the log, whoever signed it and whatever it says.
    pub fn append(&mut self, event: &Envelope) -> u64 {
        let index = self.entries.len() as u64;
        let entry = String::from_utf8(event.to_json()).expect("text");
        self.entries.push(entry.clone().into_bytes());
        self.history.push(LoggedEvent { index, entry });
        index
    }

    /// Adds anything to the log.
    pub fn push(&mut self, entry: &[u8]) {
        self.entries.push(entry.to_vec());
    }

    /// Releases a package by a key, whatever is wrong with either.
    pub fn release(&mut self, package: &Package, key: &SigningKey) {
        let event = self.next(package.release(&key.public_key())).sign(&[key]);
        let index = self.append(&event);
        self.list(package, index);
    }

    /// Puts a package into the index, and its files among the blobs.
    pub fn list(&mut self, package: &Package, log_index: u64) {
        let line = IndexLine::Release {
            version: package.version.parse().expect("a version"),
            archive: Digest::of(&package.archive),
            size: package.archive.len() as u64,
            signature: Digest::of(&package.signature),
            log_index,
            time: Timestamp::now(),
        };
        *self.indexes.entry(format!("/index/{PUBLISHER}/{}", package.name)).or_default() += &line.to_line();
        for bytes in [&package.archive, &package.signature] {
            self.blobs.insert(format!("/blobs/sha256/{}", Digest::of(bytes).hex()), bytes.clone());
        }
    }

    /// Signs the log by another key.
    pub fn sign_with(&mut self, key: SigningKey) {
        self.log_key = Arc::new(key);
    }

    /// How many entries the log has.
    pub fn size(&self) -> u64 {
        self.entries.len() as u64
    }

    /// Forgets what comes after an entry.
    pub fn truncate(&mut self, size: u64) {
        self.entries.truncate(usize::try_from(size).expect("a small log"));
        self.history.retain(|event| event.index < size);
    }

    /// Answers in a registry's place, as far as the log goes; other questions go to the registry itself.
    pub fn speak_through(&self, proxy: &Proxy) {
        let forgery = self.clone();
        proxy.lie("*", move |request, _| forgery.answer(request).map(Way::Whole));
    }

    /// The signed note of the log.
    pub fn checkpoint(&self) -> String {
        let (appender, _) = self.tiles(self.size());
        Checkpoint::new(self.origin.clone(), self.size(), appender.root()).sign(&self.log_key)
    }

    fn answer(&self, request: &Request) -> Option<Answer> {
        let path = request.path();
        let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        let parameter = |name: &str| -> Option<u64> {
            let query = request.target.split_once('?')?.1;
            query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('=')?.parse().ok())
        };
        match parts.as_slice() {
            ["checkpoint"] => Some(Answer::new(200, "text/plain; charset=utf-8", self.checkpoint())),
            ["index", ..] => Some(Answer::new(200, "application/x-ndjson", self.indexes.get(path)?.as_str())),
            ["blobs", ..] => {
                Some(Answer::new(200, "application/octet-stream", self.blobs.get(path)?.as_slice()))
            }
            ["api", "v1", "log", "consistency"] => {
                Some(Answer::json(self.consistency(parameter("from")?, parameter("to")?)))
            }
            ["api", "v1", "log", "proof", index] => {
                Some(Answer::new(200, "text/plain; charset=utf-8", self.proof(index.parse().ok()?)))
            }
            ["api", "v1", "publishers", PUBLISHER, "history"] => {
                let after = usize::try_from(parameter("after").unwrap_or_default()).ok()?;
                let line = |event: &LoggedEvent| serde_json::to_string(event).expect("JSON") + "\n";
                let lines: String = self.history.iter().skip(after).map(line).collect();
                Some(Answer::new(200, "application/x-ndjson", lines))
            }
            ["api", "v1", "skills", PUBLISHER, name, version, "provenance"] => {
                Some(Answer::json(self.provenance(name, version)?))
            }
            ["tile", "entries", ..] => {
                let entries = self.entries.iter().map(Vec::as_slice);
                let bundle = encode_entries(entries).expect("entries that fit");
                Some(Answer::new(200, "application/octet-stream", bundle))
            }
            _ => None,
        }
    }

    fn tiles(&self, size: u64) -> (Appender, BTreeMap<TileId, Vec<Digest>>) {
        let mut appender = Appender::default();
        let mut tiles: BTreeMap<TileId, Vec<Digest>> = BTreeMap::new();
        for entry in self.entries.iter().take(usize::try_from(size).unwrap_or(usize::MAX)) {
            for (tile, hash) in appender.push(leaf_hash(entry)) {
                tiles.entry(tile).or_default().push(hash);
            }
        }
        (appender, tiles)
    }

    fn proof(&self, index: u64) -> String {
        let (_, tiles) = self.tiles(self.size());
        let hashes = inclusion_proof(index, self.size(), &tiles).expect("an entry of the log");
        LogProof { index, hashes, checkpoint: self.checkpoint() }.to_string()
    }

    /// A proof as good as can be had: of sizes that the log never had there is none.
    fn consistency(&self, from: u64, to: u64) -> Vec<u8> {
        let (_, tiles) = self.tiles(to);
        let hashes = consistency_proof(from, to, &tiles).unwrap_or_default();
        let text = |hash: &Digest| STANDARD.encode(hash.as_bytes());
        serde_json::to_vec(&hashes.iter().map(text).collect::<Vec<_>>()).expect("JSON")
    }

    fn provenance(&self, name: &str, version: &str) -> Option<Vec<u8>> {
        let is_release = |logged: &&LoggedEvent| {
            let envelope = Envelope::parse(logged.entry.as_bytes()).expect("an envelope");
            let event: serde_json::Value =
                serde_json::from_slice(envelope.payload_unverified()).unwrap_or_default();
            let action = &event["action"];
            action["type"] == "release" && action["name"] == name && action["version"] == version
        };
        let release = self.history.iter().rev().find(is_release)?;
        let provenance = Provenance {
            roots: self.roots.clone(),
            history: self.history.clone(),
            release: self.proof(release.index),
            head: self.proof(self.history.last()?.index),
        };
        Some(serde_json::to_vec(&provenance).expect("JSON"))
    }
}
