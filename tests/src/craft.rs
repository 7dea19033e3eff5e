//! Packages that are signed with a good key and were never checked: what a publisher who is not meant well would make.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use openclaw_package::archive::write;
use openclaw_package::envelope::IN_TOTO_PAYLOAD_TYPE;
use openclaw_package::{Digest, Envelope, PackagePath, SigningKey};
use serde_json::{Value, json};

use crate::home::{Home, PUBLISHER};
use crate::skill::Skill;

/// The tools of the text components: one, `run`.
#[must_use]
pub fn one_tool() -> Vec<u8> {
    let tool = json!({ "name": "run", "description": "Runs.", "inputSchema": { "type": "object" } });
    tools(&[tool])
}

/// A `tools.json` of any tools.
#[must_use]
pub fn tools(tools: &[Value]) -> Vec<u8> {
    json!({ "tools": tools }).to_string().into_bytes()
}

/// Packs and signs a skill with the home's key, whatever is wrong with it.
pub fn package(home: &Home, skill: &Skill, tools: &[u8]) -> PathBuf {
    let files = BTreeMap::from([
        ("SKILL.md", skill.skill_md().into_bytes()),
        ("openclaw/skill.toml", skill.manifest().into_bytes()),
        ("openclaw/skill.wasm", skill.component().to_vec()),
        ("openclaw/tools.json", tools.to_vec()),
    ]);
    let path = home.path(format!("crafted-{}-{}.tar.gz", skill.name(), skill.version()));
    let archive = archive(&files);
    std::fs::write(&path, &archive).expect("the archive");
    let statement = statement(skill, &archive, &files);
    sign(home, &statement, &path);
    path
}

/// The bytes of an archive.
#[must_use]
pub fn archive(files: &BTreeMap<&str, Vec<u8>>) -> Vec<u8> {
    let named =
        |(name, bytes): (&&str, &Vec<u8>)| (name.parse::<PackagePath>().expect("a path"), bytes.clone());
    let mut archive = Vec::new();
    write(&files.iter().map(named).collect(), &mut archive).expect("the files fit an archive");
    archive
}

/// The statement that a publisher signs.
#[must_use]
pub fn statement(skill: &Skill, archive: &[u8], files: &BTreeMap<&str, Vec<u8>>) -> Value {
    let hex = |bytes: &[u8]| Digest::of(bytes).hex();
    let digest = |name: &str| Digest::of(&files[name]).to_string();
    let file =
        |(name, bytes): (&&str, &Vec<u8>)| json!({ "path": name, "size": bytes.len(), "sha256": hex(bytes) });
    json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{ "name": "skill.tar.gz", "digest": { "sha256": hex(archive) } }],
        "predicateType": "https://openclaw.dev/skill-release/v1",
        "predicate": {
            "publisher": PUBLISHER,
            "name": skill.name(),
            "version": skill.version(),
            "manifestDigest": digest("openclaw/skill.toml"),
            "componentDigest": digest("openclaw/skill.wasm"),
            "files": files.iter().map(file).collect::<Vec<_>>(),
        },
    })
}

/// Signs a statement with the home's key, beside an archive.
pub fn sign(home: &Home, statement: &Value, archive: &Path) {
    let key = std::fs::read_to_string(home.data().join(format!("keys/{PUBLISHER}.key"))).expect("the key");
    let key = SigningKey::from_secret_text(key.trim()).expect("the key is one");
    let envelope = Envelope::sign(IN_TOTO_PAYLOAD_TYPE, statement.to_string().as_bytes(), &[&key]);
    std::fs::write(format!("{}.dsse.json", archive.display()), envelope.to_json()).expect("the signature");
}
