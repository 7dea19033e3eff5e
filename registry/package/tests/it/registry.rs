//! A registry in memory, as honest or as hostile as a test wants it.

use jiff::Timestamp;
use openclaw_package::log::{Appender, Checkpoint, LogProof, inclusion_proof, inclusion_tiles, leaf_hash};
use openclaw_package::registry::{
    Action, Event, History, LoggedEvent, Origin, Provenance, Release, Root, RootParts, Visibility,
};
use openclaw_package::{Digest, Envelope, SigningKey, SkillId};
use semver::Version;

use crate::common::key;

pub const ORIGIN: &str = "skills.example.com";

pub fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub fn now() -> Timestamp {
    time("2026-11-25T10:00:00Z")
}

pub fn origin() -> Origin {
    ORIGIN.parse().unwrap()
}

pub fn hello() -> SkillId {
    "acme/hello".parse().unwrap()
}

pub fn version(text: &str) -> Version {
    text.parse().unwrap()
}

pub const ROOT_KEY: u8 = 1;
pub const LOG_KEY: u8 = 2;
pub const TAKEDOWN_KEY: u8 = 3;
pub const PUBLISHER_KEY: u8 = 4;

pub fn root_parts() -> RootParts {
    RootParts {
        version: 1,
        origin: origin(),
        keys: vec![key(ROOT_KEY).public_key()],
        threshold: 1,
        log_key: key(LOG_KEY).public_key(),
        takedown_key: key(TAKEDOWN_KEY).public_key(),
        expires: time("2028-11-25T00:00:00Z"),
    }
}

pub fn first_root() -> Envelope {
    Root::new(root_parts()).unwrap().sign(&[&key(ROOT_KEY)])
}

pub fn fingerprint() -> Digest {
    openclaw_package::registry::root::fingerprint(&first_root())
}

pub fn release(text: &str, signer: &SigningKey) -> Release {
    Release {
        name: "hello".parse().unwrap(),
        version: version(text),
        archive: Digest::of(format!("archive {text}").as_bytes()),
        statement: Digest::of(format!("statement {text}").as_bytes()),
        signer: signer.public_key(),
        visibility: Visibility::Public,
    }
}

pub fn yank(text: &str) -> Action {
    let reason = "broken".parse().unwrap();
    Action::Yank { name: "hello".parse().unwrap(), version: version(text), reason }
}

/// The log of a registry and the history of one publisher in it.
pub struct Registry {
    pub entries: Vec<Vec<u8>>,
    pub history: History,
    pub events: Vec<LoggedEvent>,
}

impl Registry {
    /// A registry with a root and a publisher with one key.
    pub fn new() -> Self {
        let history = History::new(origin(), "acme".parse().unwrap());
        let mut registry = Self { entries: vec![first_root().to_json()], history, events: Vec::new() };
        registry.add(Action::Init { key: key(PUBLISHER_KEY).public_key() });
        registry
    }

    /// Adds an event that the publisher's key signs.
    pub fn add(&mut self, action: Action) -> Event {
        self.add_signed(action, &[&key(PUBLISHER_KEY)])
    }

    /// Adds an event that is as it must be.
    pub fn add_signed(&mut self, action: Action, keys: &[&SigningKey]) -> Event {
        let envelope = self.history.next(now(), action).sign(keys);
        let event = self.history.accept(&envelope).unwrap();
        self.log(&envelope);
        event
    }

    /// Logs an envelope as an event of the publisher, whatever it is.
    pub fn log(&mut self, envelope: &Envelope) {
        let index = self.entries.len() as u64;
        self.entries.push(envelope.to_json());
        self.events.push(LoggedEvent { index, entry: String::from_utf8(envelope.to_json()).unwrap() });
    }

    /// Logs an event that the history would not accept.
    pub fn forge(&mut self, action: Action, keys: &[&SigningKey]) {
        let envelope = self.history.next(now(), action).sign(keys);
        self.log(&envelope);
    }

    pub fn checkpoint(&self) -> String {
        let mut tree = Appender::new(0, Vec::new()).unwrap();
        for entry in &self.entries {
            tree.push(leaf_hash(entry));
        }
        Checkpoint::new(origin(), tree.size(), tree.root()).sign(&key(LOG_KEY))
    }

    pub fn proof(&self, index: u64) -> LogProof {
        let size = self.entries.len() as u64;
        let mut tree = Appender::new(0, Vec::new()).unwrap();
        let mut tiles = std::collections::BTreeMap::<_, Vec<Digest>>::new();
        for entry in &self.entries {
            for (tile, hash) in tree.push(leaf_hash(entry)) {
                tiles.entry(tile).or_default().push(hash);
            }
        }
        assert!(inclusion_tiles(index, size).iter().all(|tile| tiles.contains_key(tile)));
        let hashes = inclusion_proof(index, size, &tiles).unwrap();
        LogProof { index, hashes, checkpoint: self.checkpoint() }
    }

    /// The proof of the release at a place of the history.
    pub fn provenance(&self, sequence: usize) -> Provenance {
        let head = self.events.last().unwrap().index;
        Provenance {
            roots: vec![String::from_utf8(first_root().to_json()).unwrap()],
            history: self.events.clone(),
            release: self.proof(self.events[sequence].index).to_string(),
            head: self.proof(head).to_string(),
        }
    }
}

#[test]
fn an_array_does_not_stand_for_an_object() {
    let signer = key(1);
    let public = signer.public_key();
    let action = format!(r#"{{"type":"init","key":"{public}"}}"#);
    let event = |action: &str| {
        format!(
            r#"{{"origin":"o","publisher":"acme","sequence":0,"previous":null,"time":"2026-11-25T10:00:00Z","action":{action}}}"#
        )
    };
    let array = format!(r#"["o","acme",0,null,"2026-11-25T10:00:00Z",{action}]"#);
    let inner = event(&format!(r#"["init","{public}"]"#));
    for (payload, is_event) in [(event(&action), true), (array, false), (inner, false)] {
        let envelope = Envelope::sign(
            openclaw_package::registry::event::EVENT_PAYLOAD_TYPE,
            payload.as_bytes(),
            &[&signer],
        );
        assert_eq!(Event::read_unverified(&envelope).is_ok(), is_event, "{payload}");
        let text = String::from_utf8(envelope.to_json()).unwrap();
        let written: serde_json::Value = serde_json::from_str(&text).unwrap();
        let array = serde_json::json!([written["payload"], written["payloadType"], written["signatures"]]);
        assert!(Envelope::parse(array.to_string().as_bytes()).is_err());
    }
}
