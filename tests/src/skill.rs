//! A skill to be packed: a component, a manifest and a SKILL.md, without any source.

use std::fmt::Write as _;
use std::path::Path;

use crate::component;
use crate::home::PUBLISHER;

/// A skill of the publisher `acme`.
#[derive(Clone, Debug)]
pub struct Skill {
    name: String,
    version: String,
    component: Vec<u8>,
    permissions: String,
    limits: Vec<(String, String)>,
}

impl Skill {
    /// A skill of any component, with time for ten seconds and no permission.
    #[must_use]
    pub fn new(name: &str, component: Vec<u8>) -> Self {
        let limits = vec![("timeout".to_owned(), "\"10s\"".to_owned())];
        Self {
            name: name.to_owned(),
            version: "1.0.0".to_owned(),
            component,
            permissions: String::new(),
            limits,
        }
    }

    /// A skill of a crate of `guests/`, by the same name.
    #[must_use]
    pub fn guest(name: &str) -> Self {
        Self::new(name, component::rust(name))
    }

    /// A skill of a file of `guests/wat/`.
    #[must_use]
    pub fn wat(name: &str) -> Self {
        Self::new(&name.replace('_', "-"), component::wat(name))
    }

    /// A skill of one tool, `run`, that answers `{"ok":true}`; small, so that much can be done with it.
    #[must_use]
    pub fn tiny(name: &str) -> Self {
        Self::new(name, component::listing(&[("run", "Runs.", r#"{"type":"object"}"#)]))
    }

    /// The same skill under another name.
    #[must_use]
    pub fn named(mut self, name: &str) -> Self {
        name.clone_into(&mut self.name);
        self
    }

    /// The same skill in another version.
    #[must_use]
    pub fn versioned(mut self, version: &str) -> Self {
        version.clone_into(&mut self.version);
        self
    }

    /// Asks for a tree.
    #[must_use]
    pub fn tree(mut self, tree: &str, access: &str) -> Self {
        let _ = write!(
            self.permissions,
            "\n[[permission.filesystem]]\ntree = \"{tree}\"\naccess = \"{access}\"\nreason = \"tests\"\n"
        );
        self
    }

    /// Asks for requests.
    #[must_use]
    pub fn network(mut self, url: &str, methods: &[&str], internal: bool) -> Self {
        let _ = write!(
            self.permissions,
            "\n[[permission.network]]\nurl = \"{url}\"\nmethods = {methods:?}\ninternal = {internal}\n\
             reason = \"tests\"\n"
        );
        self
    }

    /// Asks for a secret for a host, with its place as TOML.
    #[must_use]
    pub fn secret(mut self, name: &str, host: &str, place: &str) -> Self {
        let _ = write!(
            self.permissions,
            "\n[[permission.secret]]\nname = \"{name}\"\nhost = \"{host}\"\n{place}\nreason = \"tests\"\n"
        );
        self
    }

    /// Asks for a key-value store.
    #[must_use]
    pub fn memory(mut self) -> Self {
        self.permissions.push_str("\n[permission.memory]\nreason = \"tests\"\n");
        self
    }

    /// Asks for the owner's language model, for so many tokens a call.
    #[must_use]
    pub fn llm(mut self, tokens: u64) -> Self {
        let _ = write!(self.permissions, "\n[permission.llm]\ntokens = {tokens}\nreason = \"tests\"\n");
        self
    }

    /// Asks for questions to the person behind the session.
    #[must_use]
    pub fn ask(mut self) -> Self {
        self.permissions.push_str("\n[permission.ask]\nreason = \"tests\"\n");
        self
    }

    /// Asks for a program, with what its arguments may be and whatever else the manifest says of it, as TOML.
    #[must_use]
    pub fn program(mut self, program: &str, args: &str, rest: &str) -> Self {
        let _ = write!(
            self.permissions,
            "\n[[permission.process]]\nprogram = \"{program}\"\nargs = {args}\n{rest}\nreason = \"tests\"\n"
        );
        self
    }

    /// Puts any text into the manifest, after the permissions.
    #[must_use]
    pub fn manifest_text(mut self, text: &str) -> Self {
        self.permissions.push_str(text);
        self
    }

    /// Asks for a limit, as the manifest writes its value.
    #[must_use]
    pub fn limit(mut self, name: &str, value: &str) -> Self {
        self.limits.retain(|(known, _)| known != name);
        self.limits.push((name.to_owned(), value.to_owned()));
        self
    }

    /// `acme/name`.
    pub fn id(&self) -> String {
        format!("{PUBLISHER}/{}", self.name)
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its version.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Its component.
    pub fn component(&self) -> &[u8] {
        &self.component
    }

    /// Its manifest.
    pub fn manifest(&self) -> String {
        let Self { name, version, permissions, .. } = self;
        let mut text = format!(
            "[skill]\npublisher = \"{PUBLISHER}\"\nname = \"{name}\"\nversion = \"{version}\"\n{permissions}\n[limits]\n"
        );
        for (name, value) in &self.limits {
            let _ = writeln!(text, "{name} = {value}");
        }
        text
    }

    /// Its SKILL.md.
    pub fn skill_md(&self) -> String {
        format!(
            "---\nname: {}\ndescription: A guest of the tests.\n---\n\n# A guest\n\nIt is not meant well.\n",
            self.name
        )
    }

    /// Writes the project, or the changes to it.
    pub fn write(&self, project: &Path) {
        std::fs::create_dir_all(project.join("openclaw")).expect("a directory");
        std::fs::write(project.join("SKILL.md"), self.skill_md()).expect("SKILL.md");
        std::fs::write(project.join("openclaw/skill.toml"), self.manifest()).expect("the manifest");
        std::fs::write(project.join("openclaw/skill.wasm"), &self.component).expect("the component");
    }
}
