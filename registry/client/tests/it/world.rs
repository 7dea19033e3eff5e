//! An honest registry in memory, with all its keys, so that a test can also sign what an honest one would not.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use openclaw_package::log::{
    Appender, Checkpoint, LogProof, TileId, consistency_proof, inclusion_proof, leaf_hash,
};
use openclaw_package::registry::{
    Action, Event, History, IndexLine, LoggedEvent, Origin, Provenance, Release, Root, RootParts, Takedown,
    TakedownNotice, Takedowns, Visibility,
};
use openclaw_package::{Digest, Envelope, PackagePath, PackageSource, PublisherName, SigningKey, SkillId};
use semver::Version;

pub const TOKEN: &str = "ocr_0123456789abcdefghijklmnopqrstuv";

/// A key that is the same in every run.
pub fn key(seed: u8) -> SigningKey {
    use base64::Engine as _;
    let encoded = base64::engine::general_purpose::STANDARD.encode([seed; 32]);
    SigningKey::from_secret_text(&format!("openclaw-secret-key:ed25519:{encoded}")).unwrap()
}

pub const PUBLISHER_KEY: u8 = 1;
const ROOT_KEY: u8 = 201;
const LOG_KEY: u8 = 202;
const TAKEDOWN_KEY: u8 = 203;

pub fn hello() -> SkillId {
    "acme/hello".parse().unwrap()
}

pub fn version(text: &str) -> Version {
    text.parse().unwrap()
}

pub fn acme() -> PublisherName {
    "acme".parse().unwrap()
}

pub fn in_days(days: i64) -> Timestamp {
    Timestamp::now() + SignedDuration::from_hours(24 * days)
}

/// A packed skill and its signature.
pub struct Pack {
    pub archive: Vec<u8>,
    pub signature: Vec<u8>,
    pub digest: Digest,
    pub statement: Digest,
}

/// Some bytes that do not compress.
pub fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    std::iter::repeat_with(next).take(length).collect()
}

pub fn pack(skill: &SkillId, version: &str, signer: u8) -> Pack {
    let manifest = format!(
        "[skill]\npublisher = \"{}\"\nname = \"{}\"\nversion = \"{version}\"\ncategory = \"developer-tools\"\n",
        skill.publisher(),
        skill.name()
    );
    let text = format!("---\nname: {}\ndescription: Greets people by name.\n---\n# Hello\n", skill.name());
    let component = wat::parse_str(
        "(component (instance $empty) (export \"openclaw:skill/tools@1.0.0\" (instance $empty)))",
    );
    let tools =
        r#"{"tools":[{"name":"greet","description":"Greets.","inputSchema":{"type":"object"}}]}"#.to_owned();
    let files: BTreeMap<PackagePath, Vec<u8>> = [
        ("SKILL.md", text.into_bytes()),
        ("assets/noise.bin", noise(300_000)),
        ("openclaw/skill.toml", manifest.into_bytes()),
        ("openclaw/skill.wasm", component.unwrap()),
        ("openclaw/tools.json", tools.into_bytes()),
    ]
    .map(|(name, content)| (name.parse().unwrap(), content))
    .into();
    let packed = PackageSource::from_files(files).unwrap().pack().unwrap();
    let envelope = packed.sign(&key(signer));
    let statement = Digest::of(envelope.payload_unverified());
    Pack { archive: packed.archive, signature: envelope.to_json(), digest: packed.digest, statement }
}

fn text(envelope: &Envelope) -> String {
    String::from_utf8(envelope.to_json()).unwrap()
}

/// A registry.
#[derive(Clone)]
pub struct World {
    pub origin: Origin,
    pub roots: Vec<String>,
    pub root_parts: RootParts,
    pub root_keys: Vec<u8>,
    pub log_key: u8,
    pub takedown_key: u8,
    pub entries: Vec<Vec<u8>>,
    pub histories: BTreeMap<PublisherName, (History, Vec<LoggedEvent>)>,
    pub indexes: BTreeMap<SkillId, String>,
    pub blobs: BTreeMap<Digest, Vec<u8>>,
    pub takedowns: Takedowns,
}

impl World {
    pub fn new(origin: &str) -> Self {
        let origin: Origin = origin.parse().unwrap();
        let root_parts = RootParts {
            version: 1,
            origin: origin.clone(),
            keys: vec![key(ROOT_KEY).public_key()],
            threshold: 1,
            log_key: key(LOG_KEY).public_key(),
            takedown_key: key(TAKEDOWN_KEY).public_key(),
            expires: in_days(365),
        };
        let takedowns = Takedowns {
            origin: origin.clone(),
            sequence: 0,
            issued: Timestamp::now(),
            expires: in_days(7),
            takedowns: Vec::new(),
        };
        let mut world = Self {
            origin,
            roots: Vec::new(),
            root_parts: root_parts.clone(),
            root_keys: vec![ROOT_KEY],
            log_key: LOG_KEY,
            takedown_key: TAKEDOWN_KEY,
            entries: Vec::new(),
            histories: BTreeMap::new(),
            indexes: BTreeMap::new(),
            blobs: BTreeMap::new(),
            takedowns,
        };
        world.add_root(root_parts, &[ROOT_KEY]);
        world
    }

    /// A registry in which acme has published hello 1.0.0.
    pub fn with_hello() -> Self {
        let mut world = Self::new("skills.example.com");
        world.publish(&hello(), "1.0.0");
        world
    }

    pub fn fingerprint(&self, version: usize) -> Digest {
        let envelope = Envelope::parse(self.roots[version - 1].as_bytes()).unwrap();
        openclaw_package::registry::root::fingerprint(&envelope)
    }

    pub fn add_root(&mut self, parts: RootParts, signers: &[u8]) {
        let keys: Vec<SigningKey> = signers.iter().map(|seed| key(*seed)).collect();
        let root = Root::new(parts.clone()).unwrap().sign(&keys.iter().collect::<Vec<_>>());
        self.entries.push(text(&root).into_bytes());
        self.roots.push(text(&root));
        self.root_parts = parts;
    }

    /// The next root, with other keys.
    pub fn next_root(&mut self, change: impl FnOnce(&mut RootParts)) {
        let mut parts = self.root_parts.clone();
        parts.version += 1;
        change(&mut parts);
        let signers = self.root_keys.clone();
        self.add_root(parts, &signers);
    }

    pub fn event(&mut self, publisher: &PublisherName, action: Action, signers: &[u8]) -> u64 {
        let fresh = || (History::new(self.origin.clone(), publisher.clone()), Vec::new());
        let (history, _) = self.histories.entry(publisher.clone()).or_insert_with(fresh);
        let keys: Vec<SigningKey> = signers.iter().map(|seed| key(*seed)).collect();
        let event = history.next(Timestamp::now(), action).sign(&keys.iter().collect::<Vec<_>>());
        self.append(publisher, &text(&event)).unwrap()
    }

    pub fn append(&mut self, publisher: &PublisherName, entry: &str) -> Result<u64, String> {
        let fresh = || (History::new(self.origin.clone(), publisher.clone()), Vec::new());
        let (history, logged) = self.histories.entry(publisher.clone()).or_insert_with(fresh);
        let envelope = Envelope::parse(entry.as_bytes()).unwrap();
        let event = history.accept(&envelope).map_err(|error| error.code().to_owned())?;
        let index = self.entries.len() as u64;
        logged.push(LoggedEvent { index, entry: entry.to_owned() });
        self.entries.push(entry.as_bytes().to_vec());
        self.note_change(&event);
        Ok(index)
    }

    fn note_change(&mut self, event: &Event) {
        let line = match event.action.clone() {
            Action::Yank { version, reason, .. } => IndexLine::Yank { version, reason: reason.to_string() },
            Action::Unyank { version, reason, .. } => {
                IndexLine::Unyank { version, reason: reason.to_string() }
            }
            _ => return,
        };
        *self.indexes.get_mut(&event.skill().unwrap()).unwrap() += &line.to_line();
    }

    pub fn publish(&mut self, skill: &SkillId, version: &str) -> Pack {
        self.publish_by(skill, version, PUBLISHER_KEY)
    }

    pub fn publish_by(&mut self, skill: &SkillId, version: &str, signer: u8) -> Pack {
        let pack = pack(skill, version, signer);
        if !self.histories.contains_key(skill.publisher()) {
            self.event(skill.publisher(), Action::Init { key: key(signer).public_key() }, &[signer]);
        }
        let release = Release {
            name: skill.name().clone(),
            version: version.parse().unwrap(),
            archive: pack.digest,
            statement: pack.statement,
            signer: key(signer).public_key(),
            visibility: Visibility::Public,
        };
        let index = self.event(skill.publisher(), Action::Release(release.clone()), &[signer]);
        self.list(skill, &release, index, &pack.archive, &pack.signature);
        pack
    }

    pub fn list(
        &mut self,
        skill: &SkillId,
        release: &Release,
        log_index: u64,
        archive: &[u8],
        signature: &[u8],
    ) {
        let line = IndexLine::Release {
            version: release.version.clone(),
            archive: release.archive,
            size: archive.len() as u64,
            signature: Digest::of(signature),
            log_index,
            time: Timestamp::now(),
        };
        *self.indexes.entry(skill.clone()).or_default() += &line.to_line();
        self.blobs.insert(Digest::of(archive), archive.to_vec());
        self.blobs.insert(Digest::of(signature), signature.to_vec());
    }

    pub fn yank(&mut self, skill: &SkillId, version: &str) {
        let (name, version) = (skill.name().clone(), version.parse().unwrap());
        let reason = "it is broken".parse().unwrap();
        self.event(skill.publisher(), Action::Yank { name, version, reason }, &[PUBLISHER_KEY]);
    }

    pub fn take_down(&mut self, skill: &SkillId, version: Option<&str>) {
        let version = version.map(|version| version.parse().unwrap());
        let reason = "it is malware".parse().unwrap();
        let takedown = Takedown { skill: skill.clone(), version, archive: None, reason };
        self.takedowns.sequence += 1;
        self.takedowns.takedowns.push(takedown.clone());
        let (sequence, time, origin) = (self.takedowns.sequence, Timestamp::now(), self.origin.clone());
        let notice = TakedownNotice { origin, sequence, time, takedown }.sign(&key(self.takedown_key));
        self.entries.push(notice.to_json());
    }

    fn tiles(&self, size: usize) -> (Appender, BTreeMap<TileId, Vec<Digest>>) {
        let mut appender = Appender::default();
        let mut tiles: BTreeMap<TileId, Vec<Digest>> = BTreeMap::new();
        for entry in &self.entries[..size] {
            for (tile, hash) in appender.push(leaf_hash(entry)) {
                tiles.entry(tile).or_default().push(hash);
            }
        }
        (appender, tiles)
    }

    pub fn checkpoint(&self, size: usize) -> String {
        let (appender, _) = self.tiles(size);
        Checkpoint::new(self.origin.clone(), size as u64, appender.root()).sign(&key(self.log_key))
    }

    pub fn log_proof(&self, index: u64) -> String {
        let size = self.entries.len();
        let (_, tiles) = self.tiles(size);
        let hashes = inclusion_proof(index, size as u64, &tiles).unwrap();
        LogProof { index, hashes, checkpoint: self.checkpoint(size) }.to_string()
    }

    pub fn consistency(&self, from: u64, to: u64) -> String {
        use base64::Engine as _;
        let (_, tiles) = self.tiles(to as usize);
        let hashes = consistency_proof(from, to, &tiles).unwrap();
        let encode = |hash: &Digest| base64::engine::general_purpose::STANDARD.encode(hash.as_bytes());
        serde_json::to_string(&hashes.iter().map(encode).collect::<Vec<_>>()).unwrap()
    }

    pub fn provenance(&self, skill: &SkillId, version: &Version) -> Option<Provenance> {
        let (_, logged) = self.histories.get(skill.publisher())?;
        let is_release = |event: &&LoggedEvent| {
            let event = Event::read_unverified(&Envelope::parse(event.entry.as_bytes()).unwrap()).unwrap();
            matches!(event.action, Action::Release(release) if release.name == *skill.name() && release.version == *version)
        };
        let release = logged.iter().find(is_release)?;
        Some(Provenance {
            roots: self.roots.clone(),
            history: logged.clone(),
            release: self.log_proof(release.index),
            head: self.log_proof(logged.last()?.index),
        })
    }

    pub fn takedowns_json(&self) -> Vec<u8> {
        self.takedowns.sign(&key(self.takedown_key)).to_json()
    }
}
