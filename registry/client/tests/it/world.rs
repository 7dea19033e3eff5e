//! An honest registry in memory, with all its keys, so that a test can also sign what an honest one would not.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use openclaw_package::log::{
    Appender, Checkpoint, LogProof, TileId, TilePath, consistency_proof, encode_entries, inclusion_proof,
    leaf_hash,
};
use openclaw_package::registry::api::{Appended, NewEvents, Publication};
use openclaw_package::registry::{
    Action, Event, History, IndexLine, LoggedEvent, Origin, Provenance, Release, Root, RootParts, Takedown,
    TakedownNotice, Takedowns, Visibility,
};
use openclaw_package::{Digest, Envelope, PackagePath, PackageSource, PublisherName, SigningKey, SkillId};
use semver::Version;

use crate::server::{Answer, Request};

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

    fn append(&mut self, publisher: &PublisherName, entry: &str) -> Result<u64, String> {
        let fresh = || (History::new(self.origin.clone(), publisher.clone()), Vec::new());
        let (history, logged) = self.histories.entry(publisher.clone()).or_insert_with(fresh);
        let envelope = Envelope::parse(entry.as_bytes()).unwrap();
        let event = history.accept(&envelope).map_err(|error| error.code().to_owned())?;
        let index = self.entries.len() as u64;
        logged.push(LoggedEvent { index, entry: entry.to_owned() });
        self.entries.push(entry.as_bytes().to_vec());
        self.to_index(&event);
        Ok(index)
    }

    fn to_index(&mut self, event: &Event) {
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

    fn list(&mut self, skill: &SkillId, release: &Release, log_index: u64, archive: &[u8], signature: &[u8]) {
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

    /// What an honest registry answers.
    pub fn answer(&mut self, request: &Request) -> Answer {
        let path = request.path.split('?').next().unwrap();
        let query: BTreeMap<&str, &str> = request
            .path
            .split_once('?')
            .map(|(_, query)| query.split('&').filter_map(|pair| pair.split_once('=')).collect())
            .unwrap_or_default();
        let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        let missing = || Answer::error(404, "not-found");
        match (request.method.as_str(), parts.as_slice()) {
            ("GET", ["root.json"]) => Answer::json(self.roots.last().unwrap().as_str()),
            ("GET", ["root", name]) => {
                let number: usize = name.trim_end_matches(".json").parse().unwrap();
                self.roots.get(number - 1).map_or_else(missing, |root| Answer::json(root.as_str()))
            }
            ("GET", ["checkpoint"]) => {
                Answer::new(200, "text/plain; charset=utf-8", self.checkpoint(self.entries.len()))
            }
            ("GET", ["takedowns.json"]) => Answer::json(self.takedowns_json()),
            ("GET", ["index", publisher, name]) => {
                let skill = format!("{publisher}/{name}").parse().unwrap();
                self.indexes.get(&skill).map_or_else(missing, |index| tagged(request, index))
            }
            ("GET", ["blobs", "sha256", hex]) => {
                let digest = Digest::from_hex(hex).unwrap();
                self.blobs.get(&digest).map_or_else(missing, |blob| ranged(request, blob))
            }
            ("GET", ["tile", ..]) => self.bundle(path.trim_start_matches('/')),
            ("GET", ["api", "v1", "log", "proof", index]) => {
                Answer::new(200, "text/plain", self.log_proof(index.parse().unwrap()))
            }
            ("GET", ["api", "v1", "log", "consistency"]) => {
                Answer::json(self.consistency(query["from"].parse().unwrap(), query["to"].parse().unwrap()))
            }
            ("GET", ["api", "v1", "skills", publisher, name, version, "provenance"]) => {
                let skill = format!("{publisher}/{name}").parse().unwrap();
                let provenance = self.provenance(&skill, &version.parse().unwrap());
                provenance
                    .map_or_else(missing, |provenance| Answer::json(serde_json::to_vec(&provenance).unwrap()))
            }
            ("GET", ["api", "v1", "publishers", publisher, "history"]) => {
                let after = query.get("after").map_or(0, |after| after.parse().unwrap());
                self.history(&publisher.parse().unwrap(), after)
                    .map_or_else(missing, |lines| Answer::new(200, "application/x-ndjson", lines))
            }
            ("GET", ["api", "v1", "whoami"]) => whoami(request),
            ("PUT", ["api", "v1", "skills", publisher, name, version]) => {
                self.put(request, &format!("{publisher}/{name}").parse().unwrap(), version)
            }
            ("POST", ["api", "v1", "publishers", publisher, "events"]) => {
                let body: NewEvents = serde_json::from_slice(&request.body).unwrap();
                self.append_all(&publisher.parse().unwrap(), &body.events).unwrap_or_else(refused)
            }
            _ => missing(),
        }
    }

    pub fn history(&self, publisher: &PublisherName, after: usize) -> Option<String> {
        let (_, logged) = self.histories.get(publisher)?;
        let line = |event: &LoggedEvent| serde_json::to_string(event).unwrap() + "\n";
        Some(logged.iter().skip(after).map(line).collect())
    }

    fn bundle(&self, path: &str) -> Answer {
        let TilePath::Entries { index, width } = TilePath::parse(path).unwrap() else { panic!("{path}") };
        let start = index as usize * 256;
        let Some(entries) = self.entries.get(start..start + usize::from(width)) else {
            return Answer::error(404, "not-found");
        };
        let bytes = encode_entries(entries.iter().map(Vec::as_slice)).unwrap();
        Answer::new(200, "application/octet-stream", bytes)
    }

    fn append_all(&mut self, publisher: &PublisherName, events: &[String]) -> Result<Answer, String> {
        let before = self.clone();
        let mut log_indices = Vec::new();
        for event in events {
            match self.append(publisher, event) {
                Ok(index) => log_indices.push(index),
                Err(code) => {
                    *self = before;
                    return Err(code);
                }
            }
        }
        let checkpoint = self.checkpoint(self.entries.len());
        Ok(Answer::json(serde_json::to_vec(&Appended { log_indices, checkpoint }).unwrap()))
    }

    fn put(&mut self, request: &Request, skill: &SkillId, version: &str) -> Answer {
        if request.header("authorization") != Some(&format!("Bearer {TOKEN}")) {
            return Answer::error(401, "unauthorized");
        }
        let parts = multipart(request);
        let publication: Publication = serde_json::from_slice(&parts["publication"]).unwrap();
        if self.indexes.get(skill).is_some_and(|index| index.contains(&format!("\"version\":\"{version}\"")))
        {
            return Answer::error(409, "version-exists");
        }
        let answer = match self.append_all(skill.publisher(), &publication.events) {
            Ok(answer) => answer,
            Err(code) => return refused(code),
        };
        let event = publication.events.last().unwrap();
        let event = Event::read_unverified(&Envelope::parse(event.as_bytes()).unwrap()).unwrap();
        let Action::Release(release) = event.action else { panic!("the last event is the release") };
        let index = self.entries.len() as u64 - 1;
        self.list(skill, &release, index, &parts["archive"], &parts["signature"]);
        answer
    }
}

fn refused(code: String) -> Answer {
    Answer::error(409, &code)
}

fn whoami(request: &Request) -> Answer {
    if request.header("authorization") != Some(&format!("Bearer {TOKEN}")) {
        return Answer::error(401, "unauthorized");
    }
    Answer::json(format!(
        r#"{{"publisher":"acme","name":"ci","scopes":["publish-new"],"pattern":"*","expires":"{}"}}"#,
        in_days(30)
    ))
}

fn tagged(request: &Request, text: &str) -> Answer {
    let tag = format!("\"{}\"", Digest::of(text.as_bytes()).hex());
    if request.header("if-none-match") == Some(&tag) {
        return Answer::new(304, "application/x-ndjson", "");
    }
    Answer::new(200, "application/x-ndjson", text).with("etag", &tag)
}

fn ranged(request: &Request, blob: &[u8]) -> Answer {
    let kind = "application/octet-stream";
    let Some(range) = request.header("range") else { return Answer::new(200, kind, blob) };
    let from: usize = range.trim_start_matches("bytes=").trim_end_matches('-').parse().unwrap();
    if from >= blob.len() {
        return Answer::new(416, kind, "");
    }
    let range = format!("bytes {from}-{}/{}", blob.len() - 1, blob.len());
    Answer::new(206, kind, &blob[from..]).with("content-range", &range)
}

fn multipart(request: &Request) -> BTreeMap<String, Vec<u8>> {
    let boundary = request.header("content-type").unwrap().split("boundary=").nth(1).unwrap();
    let delimiter = format!("--{boundary}").into_bytes();
    let mut parts = BTreeMap::new();
    let body = &request.body;
    let places: Vec<usize> = (0..body.len()).filter(|place| body[*place..].starts_with(&delimiter)).collect();
    for pair in places.windows(2) {
        let part = &body[pair[0] + delimiter.len() + 2..pair[1] - 2];
        let end = part.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
        let head = String::from_utf8(part[..end].to_vec()).unwrap();
        let name = head.split("name=\"").nth(1).unwrap().split('"').next().unwrap();
        parts.insert(name.to_owned(), part[end + 4..].to_vec());
    }
    parts
}
