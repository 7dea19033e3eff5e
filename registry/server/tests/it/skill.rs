//! Skills made with the package crate, and publishers who sign and publish them.

use std::collections::BTreeMap;

use base64::Engine as _;
use jiff::Timestamp;
use openclaw_package::registry::api::{Appended, NewEvents, Publication};
use openclaw_package::registry::{Action, History, LoggedEvent, Release, Visibility};
use openclaw_package::{
    Digest, Envelope, PackagePath, PackageSource, Packed, PublisherName, Reason, SigningKey, SkillId,
};
use reqwest::multipart::{Form, Part};
use reqwest::{Client, Response, StatusCode};

use crate::world::World;

/// What a test may want different in a skill.
#[derive(Debug, Clone)]
pub struct Skill {
    pub id: SkillId,
    pub version: String,
    pub description: String,
    pub category: Option<String>,
    pub body: String,
    pub tools: String,
    pub more: Vec<u8>,
}

pub fn skill(id: &str, version: &str) -> Skill {
    Skill {
        id: id.parse().unwrap(),
        version: version.to_owned(),
        description: "Greets people by name.".to_owned(),
        category: Some("developer-tools".to_owned()),
        body: "# Hello\n\n<script>alert(1)</script>\n\nIt *greets*.\n".to_owned(),
        tools: r#"{"tools":[{"name":"greet","description":"Says hello.","inputSchema":{"type":"object"}}]}"#
            .to_owned(),
        more: Vec::new(),
    }
}

impl Skill {
    pub fn pack(&self) -> Packed {
        let category =
            self.category.as_ref().map(|label| format!("category = \"{label}\"\n")).unwrap_or_default();
        let manifest = format!(
            "[skill]\npublisher = \"{}\"\nname = \"{}\"\nversion = \"{}\"\n{category}\n\
             [[permission.network]]\nurl = \"https://api.example.com/v1/\"\nmethods = [\"GET\"]\n\
             reason = \"looks up the greeting\"\n",
            self.id.publisher(),
            self.id.name(),
            self.version
        );
        let skill_md =
            format!("---\nname: {}\ndescription: {}\n---\n{}", self.id.name(), self.description, self.body);
        let path = |text: &str| text.parse::<PackagePath>().unwrap();
        let mut files: BTreeMap<PackagePath, Vec<u8>> = BTreeMap::from([
            (path("SKILL.md"), skill_md.into_bytes()),
            (path("openclaw/skill.toml"), manifest.into_bytes()),
            (path("openclaw/skill.wasm"), component()),
            (path("openclaw/tools.json"), self.tools.clone().into_bytes()),
        ]);
        if !self.more.is_empty() {
            files.insert(path("assets/more.bin"), self.more.clone());
        }
        PackageSource::from_files(files).unwrap().pack().unwrap()
    }
}

fn component() -> Vec<u8> {
    let text = r#"(component
        (import "openclaw:skill/log@1.0.0" (instance))
        (import "wasi:io/streams@0.2.6" (instance))
        (import "wasi:http/outgoing-handler@0.2.12" (instance))
        (instance $empty)
        (export "openclaw:skill/tools@1.0.0" (instance $empty)))"#;
    wat::parse_str(text).unwrap()
}

/// A key that is the same in every run.
pub fn key(seed: u8) -> SigningKey {
    let encoded = base64::engine::general_purpose::STANDARD.encode([seed; 32]);
    SigningKey::from_secret_text(&format!("openclaw-secret-key:ed25519:{encoded}")).unwrap()
}

/// A publisher with a token and a key.
pub struct Publisher {
    pub name: PublisherName,
    pub token: String,
    pub key: SigningKey,
    pub http: Client,
    base: String,
    origin: openclaw_package::registry::Origin,
}

/// An upload that can be sent as often as a test wants.
#[derive(Clone)]
pub struct Prepared {
    pub skill: Skill,
    pub publication: Publication,
    pub signature: Vec<u8>,
    pub archive: Vec<u8>,
    pub digest: Digest,
}

impl Publisher {
    pub fn new(world: &World, name: &str, token: &str, seed: u8) -> Self {
        Self {
            name: name.parse().unwrap(),
            token: token.to_owned(),
            key: key(seed),
            http: world.http.clone(),
            base: world.server.url.clone(),
            origin: world.origin.clone(),
        }
    }

    /// The publisher's history as the registry has it.
    pub async fn history(&self) -> History {
        self.try_history().await.unwrap()
    }

    pub async fn prepare(&self, skill: &Skill, visibility: Visibility) -> Prepared {
        let packed = skill.pack();
        let history = self.history().await;
        self.prepare_on(skill, &packed, visibility, history)
    }

    pub fn prepare_on(
        &self,
        skill: &Skill,
        packed: &Packed,
        visibility: Visibility,
        mut history: History,
    ) -> Prepared {
        let mut events = Vec::new();
        if history.length() == 0 {
            let init = history.next(now(), Action::Init { key: self.key.public_key() }).sign(&[&self.key]);
            history.accept(&init).unwrap();
            events.push(text(&init));
        }
        let release = Release {
            name: skill.id.name().clone(),
            version: skill.version.parse().unwrap(),
            archive: packed.digest,
            statement: Digest::of(&packed.statement.to_json()),
            signer: self.key.public_key(),
            visibility,
        };
        events.push(text(&history.next(now(), Action::Release(release)).sign(&[&self.key])));
        Prepared {
            skill: skill.clone(),
            publication: Publication { visibility, category: None, events },
            signature: packed.sign(&self.key).to_json(),
            archive: packed.archive.clone(),
            digest: packed.digest,
        }
    }

    pub async fn send(&self, upload: &Prepared) -> Response {
        let path = format!("{}/{}", upload.skill.id, upload.skill.version);
        self.send_to(&path, upload).await
    }

    pub async fn send_to(&self, path: &str, upload: &Prepared) -> Response {
        let url = format!("{}/api/v1/skills/{path}", self.base);
        self.http.put(url).bearer_auth(&self.token).multipart(form(upload)).send().await.unwrap()
    }

    /// The history, as long as the server is there.
    pub async fn try_history(&self) -> Option<History> {
        let url = format!("{}/api/v1/publishers/{}/history", self.base, self.name);
        let text = self.http.get(url).send().await.ok()?.text().await.ok()?;
        let mut history = History::new(self.origin.clone(), self.name.clone());
        for line in text.lines() {
            let event: LoggedEvent = serde_json::from_str(line).unwrap();
            history.accept(&Envelope::parse(event.entry.as_bytes()).unwrap()).unwrap();
        }
        Some(history)
    }

    /// The status of a publication, as long as the server is there.
    pub async fn try_send(&self, upload: &Prepared) -> Option<u16> {
        let url = format!("{}/api/v1/skills/{}/{}", self.base, upload.skill.id, upload.skill.version);
        let request = self.http.put(url).bearer_auth(&self.token).multipart(form(upload));
        Some(request.send().await.ok()?.status().as_u16())
    }

    /// Publishes, and must succeed.
    pub async fn publish(&self, skill: &Skill) -> Appended {
        self.publish_as(skill, Visibility::Public).await
    }

    pub async fn publish_as(&self, skill: &Skill, visibility: Visibility) -> Appended {
        let response = self.send(&self.prepare(skill, visibility).await).await;
        let status = response.status();
        let text = response.text().await.unwrap();
        assert_eq!(status, StatusCode::CREATED, "{text}");
        serde_json::from_str(&text).unwrap()
    }

    /// Sends events that follow the history, signed by these keys.
    pub async fn events(&self, actions: Vec<Action>, keys: &[&SigningKey]) -> Response {
        let mut history = self.history().await;
        let mut events = Vec::new();
        for action in actions {
            let envelope = history.next(now(), action).sign(keys);
            // The registry decides whether it holds; here only what comes after it depends on that.
            let _ = history.accept(&envelope);
            events.push(text(&envelope));
        }
        self.post(&events).await
    }

    pub async fn post(&self, events: &[String]) -> Response {
        let url = format!("{}/api/v1/publishers/{}/events", self.base, self.name);
        let body = NewEvents { events: events.to_vec() };
        self.http.post(url).bearer_auth(&self.token).json(&body).send().await.unwrap()
    }
}

fn form(upload: &Prepared) -> Form {
    Form::new()
        .part("publication", Part::bytes(serde_json::to_vec(&upload.publication).unwrap()))
        .part("signature", Part::bytes(upload.signature.clone()))
        .part("archive", Part::bytes(upload.archive.clone()))
}

pub fn text(envelope: &Envelope) -> String {
    String::from_utf8(envelope.to_json()).unwrap()
}

pub fn now() -> Timestamp {
    Timestamp::from_second(Timestamp::now().as_second()).unwrap()
}

pub fn reason(text: &str) -> Reason {
    text.parse().unwrap()
}
