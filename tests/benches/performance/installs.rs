//! Thousands of installed skills: copies of one, each under a name of its own, signed again and pinned.
//!
//! Packing each with the command would take hours. What a skill is checked for when it is loaded is here as
//! `openclaw install` leaves it; only the digest of the archive, which is not kept, is made up.

use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use openclaw_package::envelope::IN_TOTO_PAYLOAD_TYPE;
use openclaw_package::{Digest, Envelope, PackageSource, SigningKey};
use openclaw_runtime::ToolCall;
use openclaw_runtime::layout::DataDir;
use openclaw_runtime::lockfile::{Locked, Lockfile, SkillOrigin};
use openclaw_tests::Home;
use openclaw_tests::home::PUBLISHER;
use serde_json::{Value, json};

use crate::support::host::tool_call;
use crate::support::project::{INPUT, Project, TOOL};

const COMPONENT: &str = "openclaw/skill.wasm";
/// The files in which the skill's name stands.
const NAMED: [&str; 2] = ["SKILL.md", "openclaw/skill.toml"];

/// A home with this many skills installed, which share one component.
pub fn home_with(project: &Project, skills: usize) -> Home {
    let home = Home::new();
    let data = DataDir::open(home.data()).expect("the data directory");
    let template = Template::new(project, &data);
    let mut lockfile = Lockfile::default();
    for number in 0..skills {
        let name = name(number);
        let id = format!("{PUBLISHER}/{name}").parse().expect("a skill's name");
        let locked = template.install(&name, &data.skill(&id));
        lockfile.insert(id, locked);
    }
    lockfile.save(&data.lockfile()).expect("the lockfile");
    home
}

/// A call of one of them.
pub fn call_of(number: usize) -> ToolCall {
    tool_call(&format!("{}/{TOOL}", name(number)), INPUT)
}

fn name(number: usize) -> String {
    format!("hello-{number}")
}

/// The skill that is copied.
struct Template {
    source: PackageSource,
    statement: Value,
    key: SigningKey,
    /// The component's file, of which each skill gets a link: its bytes are the same.
    component: PathBuf,
}

impl Template {
    fn new(project: &Project, data: &DataDir) -> Self {
        let source = PackageSource::from_dir(project.dir()).expect("a package");
        let packed = source.pack().expect("it packs");
        let statement = serde_json::from_slice(&packed.statement.to_json()).expect("a statement");
        let key = data.key(&PUBLISHER.parse().expect("a name"));
        let key = fs::read_to_string(key).expect("the key").parse().expect("a key");
        let component = data.root().with_file_name("component.wasm");
        fs::write(&component, source.component()).expect("the component");
        Self { source, statement, key, component }
    }

    fn install(&self, name: &str, skill_dir: &Path) -> Locked {
        let archive = Digest::of(name.as_bytes());
        let mut locked = Locked {
            version: self.source.manifest().version().clone(),
            archive,
            statement: archive,
            signer: self.key.public_key(),
            origin: SkillOrigin::Local,
            log_index: None,
            range: None,
            grants: Vec::new(),
        };
        let dir = skill_dir.join(locked.directory());
        let package = dir.join("package");
        DirBuilder::new().recursive(true).mode(0o700).create(package.join("openclaw")).expect("a directory");
        let mut statement = self.statement.clone();
        statement["subject"][0]["digest"]["sha256"] = json!(archive.hex());
        statement["predicate"]["name"] = json!(name);
        for (index, (path, content)) in self.source.files().iter().enumerate() {
            let target = package.join(path.as_str());
            if path.as_str() == COMPONENT {
                fs::hard_link(&self.component, target).expect("the component");
                continue;
            }
            let content =
                if NAMED.contains(&path.as_str()) { renamed(content, name) } else { content.clone() };
            let record = &mut statement["predicate"]["files"][index];
            record["size"] = json!(content.len());
            record["sha256"] = json!(Digest::of(&content).hex());
            if path.as_str() == "openclaw/skill.toml" {
                statement["predicate"]["manifestDigest"] = json!(Digest::of(&content));
            }
            fs::write(target, content).expect("a file");
        }
        let statement = statement.to_string().into_bytes();
        locked.statement = Digest::of(&statement);
        let envelope = Envelope::sign(IN_TOTO_PAYLOAD_TYPE, &statement, &[&self.key]);
        fs::write(dir.join("signature.dsse.json"), envelope.to_json()).expect("the signature");
        locked
    }
}

/// A file with another name of the skill in it, wherever the name stands as a value.
fn renamed(content: &[u8], name: &str) -> Vec<u8> {
    let text = std::str::from_utf8(content).expect("text");
    let named = text.replace("name = \"hello\"", &format!("name = \"{name}\""));
    named.replace("name: hello\n", &format!("name: {name}\n")).into_bytes()
}
