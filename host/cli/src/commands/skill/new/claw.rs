//! The section `claw` of a `package.json`: what of it a manifest can say, and what a person has to decide.

use std::fs;
use std::io::Read as _;
use std::path::Path;

use openclaw_package::manifest::Language;
use openclaw_package::{Manifest, SkillId, SkillName};
use semver::Version;
use serde::Deserialize;
use serde_json::{Map, Value};
use toml_edit::value;

use crate::error::{CliError, Result};
use crate::exit::Exit;
use crate::text::one_line;

/// Most bytes of the file that are read.
const MOST_BYTES: u64 = 1 << 20;
/// The tool that triggers call, as such packages have one function and do not name it.
const TOOL: &str = "run";
/// The blocks of permissions of which nothing has to be decided.
const READS: &str = "[[permission.filesystem]]\ntree = \"$workspace\"\naccess = \"read\"\nreason = \"reads files of the workspace\"\n";
const MEMORY: &str = "[permission.memory]\nquota = \"1MiB\"\nreason = \"remembers things between calls\"\n";
const LLM: &str = "[permission.llm]\nreason = \"asks a language model\"\n";
const ASK: &str = "[permission.ask]\nreason = \"asks the person behind the session\"\n";

/// What is looked at in a `package.json`.
#[derive(Deserialize)]
pub(super) struct Package {
    name: Option<String>,
    version: Option<String>,
    description: Option<String>,
    claw: Option<Claw>,
}

#[derive(Deserialize)]
struct Claw {
    #[serde(rename = "type")]
    kind: Option<Value>,
    permissions: Option<Vec<Value>>,
    triggers: Option<Vec<Value>>,
    input_schema: Option<Value>,
    #[serde(flatten)]
    others: Map<String, Value>,
}

/// A manifest, and what it could not say.
#[derive(Debug)]
pub(super) struct Converted {
    /// The text of `openclaw/skill.toml`.
    pub(super) manifest: String,
    /// What a person has to decide, one thing each.
    pub(super) decide: Vec<String>,
}

impl Package {
    /// Reads a file.
    ///
    /// # Errors
    /// It cannot be read, or has no section `claw`.
    pub(super) fn read(path: &Path) -> Result<Self> {
        let refused = |message: String| CliError::new(Exit::Refused, "invalid-package", message);
        let mut text = String::new();
        let file = fs::File::open(path).map_err(CliError::at(path))?;
        file.take(MOST_BYTES + 1).read_to_string(&mut text).map_err(CliError::at(path))?;
        if text.len() as u64 > MOST_BYTES {
            return Err(refused(format!("{} is longer than {MOST_BYTES} bytes", path.display())));
        }
        let package: Self = serde_json::from_str(&text)
            .map_err(|error| refused(format!("{} is no package.json: {error}", path.display())))?;
        if package.claw.is_none() {
            return Err(refused(format!("{} has no section \"claw\"", path.display()))
                .hint("openclaw skill new <name> --lang typescript begins a skill without one"));
        }
        Ok(package)
    }

    /// The skill's name: that of the package, without its scope.
    pub(super) fn skill_name(&self) -> Option<SkillName> {
        self.name.as_deref()?.rsplit('/').next()?.to_ascii_lowercase().replace(['_', '.'], "-").parse().ok()
    }

    /// What the package says of itself, on one line.
    pub(super) fn description(&self) -> Option<String> {
        let text = self.description.as_deref().map(one_line)?;
        (!text.trim().is_empty()).then_some(text)
    }

    /// The manifest of a skill.
    pub(super) fn convert(&self, skill: &SkillId, language: Language) -> Converted {
        let mut decide = Vec::new();
        let version = self.version.as_deref().and_then(|version| version.parse::<Version>().ok());
        let version = version.filter(|version| version.build.is_empty());
        if version.is_none() {
            decide.push("the version: it is none of the form 1.0.0, so the manifest says 0.1.0".to_owned());
        }
        let version = version.unwrap_or(Version::new(0, 1, 0));
        let mut manifest = format!(
            "[skill]\npublisher = \"{}\"\nname = \"{}\"\nversion = \"{version}\"\nlanguage = \"{language}\"\n",
            skill.publisher(),
            skill.name()
        );
        if let Some(claw) = &self.claw {
            let mut draft = Draft { manifest, decide };
            claw.permissions.iter().flatten().for_each(|permission| draft.add_permission(permission));
            claw.triggers.iter().flatten().for_each(|trigger| draft.add_trigger(trigger));
            Draft { manifest, decide } = draft;
            claw.rest(&mut decide);
        }
        Converted { manifest, decide }
    }
}

impl Claw {
    /// What no manifest has a place for.
    fn rest(&self, decide: &mut Vec<String>) {
        if let Some(kind) =
            self.kind.as_ref().filter(|kind| !["skill", "tool"].iter().any(|known| *kind == known))
        {
            decide.push(format!("type {}: every skill is a set of tools here", shown(kind)));
        }
        if let Some(schema) = &self.input_schema {
            decide.push(format!(
                "input_schema: say it with zod, as the input of the tool {TOOL}; as JSON Schema it is {}",
                shown(schema)
            ));
        }
        decide.extend(
            self.others.keys().map(|key| format!("claw.{}: the manifest has nothing like it", one_line(key))),
        );
    }
}

/// A manifest that grows.
struct Draft {
    manifest: String,
    decide: Vec<String>,
}

impl Draft {
    /// Adds a block, if a manifest can have it; else it is to be decided. Tells whether it could.
    fn add(&mut self, block: &str, of: &Value) -> bool {
        let grown = format!("{}\n{block}", self.manifest);
        let added = Manifest::parse(&grown);
        match &added {
            Ok(_) => self.manifest = grown,
            Err(error) => self.ask(of, &format!("it is left out, since {}", one_line(&error.to_string()))),
        }
        added.is_ok()
    }

    fn ask(&mut self, of: &Value, question: &str) {
        self.decide.push(format!("{}: {question}", shown(of)));
    }

    /// One permission, as `area:what`. What is asked for twice is asked for once.
    fn add_permission(&mut self, permission: &Value) {
        let text = permission.as_str().unwrap_or_default();
        let (area, what) = text.split_once(':').unwrap_or((text, ""));
        let block = match (area, what) {
            ("log", _) => return,
            ("filesystem" | "fs", "read") => READS.to_owned(),
            ("memory", _) => MEMORY.to_owned(),
            ("llm", _) => LLM.to_owned(),
            ("ask", _) => ASK.to_owned(),
            ("network" | "net" | "http", url) if url.starts_with("https://") => {
                self.ask(
                    permission,
                    "it becomes GET; add other methods to [[permission.network]] where they are needed",
                );
                let url = value(url);
                format!(
                    "[[permission.network]]\nurl = {url}\nmethods = [\"GET\"]\nreason = \"reads from this address\"\n"
                )
            }
            _ => return self.ask(permission, question(area, what)),
        };
        if !self.manifest.contains(&block) {
            self.add(&block, permission);
        }
    }

    /// One trigger, as `{ "type": "command", "pattern": … }` or `{ "type": "cron", "schedule": … }`.
    fn add_trigger(&mut self, trigger: &Value) {
        let text = |key: &str| trigger.get(key).and_then(Value::as_str);
        let pattern =
            text("pattern").or_else(|| text("command")).map(|pattern| pattern.trim_start_matches('/'));
        let schedule = text("schedule").or_else(|| text("cron"));
        match (pattern, schedule) {
            (Some(pattern), None) => {
                let pattern = value(pattern);
                let block =
                    format!("[[trigger]]\ntype = \"command\"\npattern = {pattern}\ntool = \"{TOOL}\"\n");
                self.add(&block, trigger);
            }
            (None, Some(schedule)) => {
                let named = text("timezone");
                let (schedule, zone) = (value(schedule), value(named.unwrap_or("UTC")));
                let block = format!(
                    "[[trigger]]\ntype = \"cron\"\nschedule = {schedule}\ntimezone = {zone}\ntool = \"{TOOL}\"\n"
                );
                if self.add(&block, trigger) && named.is_none() {
                    self.ask(trigger, "in which time zone? The manifest says UTC");
                }
            }
            _ => self.ask(
                trigger,
                "write [[trigger]] with the pattern of a command, or a schedule of five fields",
            ),
        }
    }
}

/// What has to be decided of a permission that no manifest has as it is.
fn question(area: &str, what: &str) -> &'static str {
    match (area, what) {
        ("filesystem" | "fs", "write") => {
            "which tree, \"$workspace\", \"$data\" or an absolute path? Write [[permission.filesystem]] with tree, access = \"write\" \
             and the reason"
        }
        ("network" | "net" | "http", _) => {
            "which addresses? Write [[permission.network]] with url, methods and the reason for each"
        }
        ("process" | "shell" | "exec", _) => {
            "which programs, with which arguments? Write [[permission.process]] with program, args and the reason for each"
        }
        _ => "no permission is like it",
    }
}

/// A value on one line, of a length that can be looked at.
fn shown(value: &Value) -> String {
    crate::text::summary(&value.to_string(), 200)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn converted(claw: &str) -> Converted {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("package.json");
        let text = format!(r#"{{ "name": "@acme/Git_Helper", "version": "1.2.3", "claw": {claw} }}"#);
        fs::write(&path, text).unwrap();
        let package = Package::read(&path).unwrap();
        assert_eq!(package.skill_name().unwrap().as_str(), "git-helper");
        package.convert(&"acme/git-helper".parse().unwrap(), Language::TypeScript)
    }

    #[test]
    fn what_maps_becomes_a_manifest_that_is_understood() {
        let Converted { manifest, decide } = converted(
            r#"{ "type": "skill", "permissions": ["filesystem:read", "memory", "llm", "ask", "log", "network:https://api.example.com/v1"],
                 "triggers": [{ "type": "command", "pattern": "/git( .*)?" }, { "type": "cron", "schedule": "0 9 * * *", "timezone": "Europe/Berlin" }] }"#,
        );
        let manifest = Manifest::parse(&manifest).unwrap_or_else(|error| panic!("{error}: {manifest}"));
        assert_eq!(
            (manifest.version().to_string(), manifest.language()),
            ("1.2.3".to_owned(), Language::TypeScript)
        );
        let requests = manifest.requests();
        assert!(requests.memory.is_some() && requests.llm.is_some() && requests.ask.is_some());
        assert_eq!((requests.filesystem.len(), requests.network.len(), manifest.triggers().len()), (1, 1, 2));
        assert!(decide.len() == 1 && decide[0].contains("add other methods"), "{decide:?}");
    }

    #[test]
    fn what_is_asked_for_twice_or_cannot_be_granted_leaves_a_manifest_that_is_understood() {
        let Converted { manifest, decide } = converted(
            r#"{ "permissions": ["memory", "memory:write", "llm", "llm", "filesystem:read", "fs:read", "network:https://user:pw@h/", "network:https://h/x?y"],
                 "triggers": null }"#,
        );
        let manifest = Manifest::parse(&manifest).unwrap();
        assert!(manifest.requests().memory.is_some() && manifest.requests().filesystem.len() == 1);
        assert!(manifest.requests().network.is_empty(), "{decide:?}");
        assert_eq!(decide.iter().filter(|line| line.contains("left out")).count(), 2, "{decide:#?}");
    }

    #[test]
    fn what_a_person_has_to_decide_is_listed_and_not_guessed() {
        let Converted { manifest, decide } = converted(
            r#"{ "type": "agent", "permissions": ["filesystem:write", "process:execute", "network:fetch", "camera", 7, "network:http://x/"],
                 "triggers": ["daily", { "type": "cron", "schedule": "whenever" }, { "pattern": "a(" }],
                 "input_schema": { "type": "object" }, "env": ["KEY"] }"#,
        );
        let manifest = Manifest::parse(&manifest).unwrap();
        assert_eq!(manifest.requests(), &Default::default());
        assert!(manifest.triggers().is_empty());
        for word in [
            "filesystem:write",
            "process:execute",
            "network:fetch",
            "camera",
            "7",
            "http://x/",
            "daily",
            "whenever",
            "a(",
            "input_schema",
            "claw.env",
            "agent",
        ] {
            assert!(decide.iter().any(|line| line.contains(word)), "{word}: {decide:#?}");
        }
        assert_eq!(decide.len(), 12);
    }
}
