//! A real registry: the `openclaw registry serve` command in a home of its own, and what homes do with it.

use std::ffi::OsStr;
use std::fs::File;
use std::io::Read;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use openclaw_package::registry::api::Publication;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::home::{Home, PUBLISHER};
use crate::http::{Answer, Request};
use crate::ran::Ran;
use crate::skill::Skill;
use crate::snapshot::Snapshot;

/// The skill that most of the tests are about.
pub const HELLO: &str = "acme/hello";

/// It, in some version.
#[must_use]
pub fn hello(version: &str) -> Skill {
    Skill::tiny("hello").versioned(version)
}

/// A registry in which it is published in some versions, and its publisher's home.
#[must_use]
pub fn with_hello(versions: &[&str]) -> (Registry, Home) {
    let registry = Registry::start();
    let publisher = Home::publisher_at(&registry);
    for version in versions {
        publisher.publish(&hello(version));
    }
    (registry, publisher)
}

/// A registry with the publisher `acme`, and a token of it.
#[derive(Debug)]
pub struct Registry {
    home: Home,
    server: Option<Child>,
    address: SocketAddr,
    fingerprint: String,
    origin: String,
    token: String,
}

impl Registry {
    /// A registry in which nothing was published yet.
    #[must_use]
    pub fn start() -> Self {
        Self::start_in(Home::empty(), "")
    }

    /// A registry that calls itself as it likes.
    #[must_use]
    pub fn start_as(origin: &str) -> Self {
        Self::start_in(Home::empty(), origin)
    }

    /// The copy that somebody made of a registry while it was stopped, keys and all: from here on they may differ.
    #[must_use]
    pub fn copy(original: &mut Self) -> Self {
        original.stop();
        let home = Home::empty();
        let copied = Command::new("cp").arg("-a").args([original.data(), home.path("registry")]).status();
        assert!(copied.is_ok_and(|status| status.success()), "a registry's directory can be copied");
        original.serve();
        let mut copy = Self::start_in(home, &original.origin);
        copy.token.clone_from(&original.token);
        copy
    }

    fn start_in(home: Home, origin: &str) -> Self {
        let mut registry = Self {
            home,
            server: None,
            address: own_address(),
            fingerprint: String::new(),
            origin: origin.to_owned(),
            token: String::new(),
        };
        registry.serve();
        registry
    }

    /// Starts the server, at the address that it had before.
    ///
    /// # Panics
    ///
    /// The server does not come up.
    pub fn serve(&mut self) {
        let mut command = self.home.command();
        command.args(["registry", "serve", "--bootstrap", PUBLISHER, "--json"]);
        // A test asks more in a second than a person does in an hour.
        command.args(["--requests-per-minute", "1000000", "--writes-per-minute", "1000000"]);
        command.args(["--listen", &self.address.to_string()]).arg("--data").arg(self.data());
        if !self.origin.is_empty() {
            command.args(["--origin", &self.origin]);
        }
        let said = File::options().create(true).append(true).open(self.said()).expect("a file");
        let mut server =
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(said).spawn().expect("a process");
        let started = first_document(server.stdout.take().expect("a pipe"));
        let Some(started) = started else {
            let _ = server.kill();
            panic!("the server did not start: {}", std::fs::read_to_string(self.said()).unwrap_or_default());
        };
        self.server = Some(server);
        let text = |key: &str| started[key].as_str().map(str::to_owned);
        let url = text("url").unwrap_or_else(|| panic!("no URL in {started}"));
        let address = url.strip_prefix("http://").and_then(|url| url.trim_end_matches('/').parse().ok());
        self.address = address.unwrap_or_else(|| panic!("another URL than was asked for in {started}"));
        self.fingerprint = text("root_fingerprint").unwrap_or_else(|| panic!("no fingerprint in {started}"));
        self.origin = text("origin").unwrap_or_else(|| panic!("no origin in {started}"));
        if let Some(token) = text("first_token") {
            self.token = token;
        }
    }

    /// Has the server end as an operator would.
    pub fn stop(&mut self) {
        if let Some(mut server) = self.server.take() {
            let pid = i32::try_from(server.id()).ok().and_then(Pid::from_raw).expect("a process");
            kill_process(pid, Signal::TERM).expect("a server can be stopped");
            let status = server.wait().expect("a server can be waited for");
            assert!(status.success(), "the server ended with {status}");
        }
    }

    /// Kills the server in the middle of whatever it does.
    pub fn kill(&mut self) {
        if let Some(mut server) = self.server.take() {
            server.kill().expect("a server can be killed");
            server.wait().expect("a server can be waited for");
        }
    }

    /// Ends the server and deletes all that it had.
    pub fn vanish(&mut self) {
        self.stop();
        std::fs::remove_dir_all(self.data()).expect("a registry can be deleted");
    }

    /// The directory of the registry.
    pub fn data(&self) -> PathBuf {
        self.home.path("registry")
    }

    /// What the server has said to people so far.
    pub fn said(&self) -> PathBuf {
        self.home.path("serve.log")
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its URL.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The fingerprint of its root.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// Its name in all that it signs.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The first token.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// Runs `openclaw registry admin …` on the registry's directory.
    pub fn admin<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Ran {
        let arguments = arguments.into_iter().map(|argument| argument.as_ref().to_owned());
        let mut line = vec!["registry".into(), "admin".into()];
        line.extend(arguments);
        line.extend(["--data".into(), self.data().into_os_string()]);
        self.home.run(line)
    }

    /// A token for a publisher, who is made where there is none.
    pub fn token_of(&self, publisher: &str) -> String {
        if publisher != PUBLISHER {
            self.admin(["publisher", "create", publisher]).json();
        }
        self.issue(&format!("{publisher}/*"), &["publish-new", "publish-update", "yank", "owners"])
    }

    /// A token for certain skills and scopes.
    pub fn issue(&self, pattern: &str, scopes: &[&str]) -> String {
        let scopes = scopes.iter().flat_map(|scope| ["--scope", scope]);
        let issued = self.admin(["token", "issue", pattern].into_iter().chain(scopes)).json();
        issued["token"].as_str().unwrap_or_else(|| panic!("no token in {issued}")).to_owned()
    }

    /// What it answers.
    pub fn get(&self, target: &str) -> Answer {
        self.ask(&Request::get(target))
    }

    /// What it answers to a request.
    pub fn ask(&self, request: &Request) -> Answer {
        request.send(self.address).unwrap_or_else(|error| panic!("{request:?}: {error}"))
    }

    /// Uploads whatever is given, as no client of ours would.
    pub fn put(&self, path: &str, token: &str, upload: &Upload<'_>) -> Answer {
        let boundary = "a-boundary-that-stands-nowhere-else";
        let mut body = Vec::new();
        let publication = serde_json::to_vec(&upload.publication).expect("JSON");
        for (name, kind, bytes) in [
            ("publication", "application/json", publication.as_slice()),
            ("signature", "application/json", upload.signature),
            ("archive", "application/gzip", upload.archive),
        ] {
            let head = format!(
                "--{boundary}\r\ncontent-disposition: form-data; name=\"{name}\"; filename=\"{name}\"\r\n\
                 content-type: {kind}\r\n\r\n"
            );
            body.extend([head.as_bytes(), bytes, b"\r\n"].concat());
        }
        body.extend(format!("--{boundary}--\r\n").into_bytes());
        let request = Request {
            method: "PUT".to_owned(),
            target: format!("/api/v1/skills/{path}"),
            headers: vec![("content-type".to_owned(), format!("multipart/form-data; boundary={boundary}"))],
            body,
        };
        self.ask(&request.by(token))
    }

    /// What was published so far: the log, the files, and what is left of uploads.
    pub fn state(&self) -> Published {
        let entries = std::fs::read_dir(self.data()).expect("the registry is there");
        let kept = ["registry.sqlite", "registry.sqlite-wal", "registry.sqlite-shm", "lock"];
        let paths = entries.map(|entry| entry.expect("an entry").path());
        Published { checkpoint: self.get("/checkpoint").text(), files: Snapshot::of(paths, &kept).of_files() }
    }

    /// The whole store is as it has to be.
    #[track_caller]
    pub fn is_sound(&self) {
        self.admin(["verify"]).json();
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        if let Some(mut server) = self.server.take() {
            // What could go wrong here does not matter any more.
            let _ = server.kill();
            let _ = server.wait();
        }
    }
}

/// What was published in a registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    checkpoint: String,
    files: Snapshot,
}

impl Published {
    /// Nothing was added, and nothing is left of what was refused.
    #[track_caller]
    pub fn is_still(&self, registry: &Registry, what: &dyn std::fmt::Display) {
        let now = registry.state();
        assert_eq!(self.checkpoint, now.checkpoint, "{what}");
        self.files.is_still(&now.files, what);
    }
}

/// The parts of an upload.
#[derive(Clone, Debug)]
pub struct Upload<'a> {
    /// What is said about it.
    pub publication: Publication,
    /// The signature.
    pub signature: &'a [u8],
    /// The archive.
    pub archive: &'a [u8],
}

/// What homes do with registries.
impl Home {
    /// A publisher at another machine: a key of `acme`, a cache of its own, and the first token of a registry.
    #[must_use]
    pub fn publisher_at(registry: &Registry) -> Self {
        let home = Self::empty().apart();
        home.run(["key", "new", PUBLISHER]).json();
        home.login(&registry.url(), registry, Some(registry.token())).json();
        home
    }

    /// Another machine of the same publisher, at a registry or at a copy of it.
    #[must_use]
    pub fn heir_of(publisher: &Home, registry: &Registry) -> Self {
        let home = Self::empty().apart();
        std::fs::create_dir(home.data().join("keys")).expect("a directory");
        let key = |home: &Self| home.data().join("keys").join(format!("{PUBLISHER}.key"));
        std::fs::copy(key(publisher), key(&home)).expect("the publisher has a key");
        home.login(&registry.url(), registry, Some(registry.token())).json();
        home
    }

    /// Somebody at another machine who has nothing but the URL and the fingerprint of a registry.
    #[must_use]
    pub fn reader_of(registry: &Registry) -> Self {
        Self::reader_at(&registry.url(), registry)
    }

    /// The same by way of another URL.
    #[must_use]
    pub fn reader_at(url: &str, registry: &Registry) -> Self {
        let home = Self::empty().apart();
        home.login(url, registry, None).json();
        home
    }

    /// Logs in, with or without a token.
    pub fn login(&self, url: &str, registry: &Registry, token: Option<&str>) -> Ran {
        let mut line = vec!["registry", "login", "--registry", url, "--fingerprint", registry.fingerprint()];
        match token {
            None => self.run(line),
            // Nobody sees it there, not even another process.
            Some(token) => {
                line.extend(["--token", "-"]);
                self.run_with_input(line, token.as_bytes())
            }
        }
    }

    /// Runs `openclaw registry …`.
    pub fn registry<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Ran {
        let arguments = arguments.into_iter().map(|argument| argument.as_ref().to_owned());
        self.run(std::iter::once("registry".into()).chain(arguments))
    }

    /// Packs a skill and publishes it for everybody.
    pub fn publish(&self, skill: &Skill) -> Value {
        let archive = self.pack(skill);
        self.publish_archive(&archive, &[]).json()
    }

    /// Publishes an archive.
    pub fn publish_archive(&self, archive: &Path, arguments: &[&str]) -> Ran {
        let line = ["publish".as_ref(), archive.as_os_str()];
        self.registry(line.into_iter().chain(arguments.iter().map(OsStr::new)))
    }

    /// Installs from the default registry, with consent to all that is asked for.
    pub fn fetch(&self, skill: &str) -> Ran {
        self.registry(["install", skill, "--yes"])
    }

    /// `hello` is installed, and its tool can be called.
    #[track_caller]
    pub fn runs_hello(&self) {
        assert_eq!(self.call("hello/run", &json!({})).output(), json!({ "ok": true }));
    }

    /// The version of a skill that is installed.
    pub fn version_of(&self, skill: &str) -> Option<String> {
        let listed = self.run(["list"]).json();
        let found = listed.as_array()?.iter().find(|one| one["skill"] == skill)?;
        found["version"].as_str().map(str::to_owned)
    }

    /// All that this home has but its caches, what waits to be put in place and what is kept as evidence.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot::of([self.data(), self.path("home"), self.workspace()], &["staging", "evidence", ".lock"])
    }

    /// The same without what is known of registries.
    pub fn installed_snapshot(&self) -> Snapshot {
        let without = ["staging", "evidence", ".lock", "registries"];
        Snapshot::of([self.data(), self.path("home"), self.workspace()], &without)
    }

    /// Nothing is left of what was not installed.
    #[track_caller]
    pub fn has_nothing_staged(&self) {
        let staged = std::fs::read_dir(self.data().join("staging")).map(Iterator::count).unwrap_or_default();
        assert_eq!(staged, 0, "something is left in staging");
    }

    /// The pieces of evidence that are kept, each with the names of its files.
    pub fn evidence(&self) -> Vec<(PathBuf, Vec<String>)> {
        let directories = |path: &Path| -> Vec<PathBuf> {
            let entries = std::fs::read_dir(path).into_iter().flatten();
            let mut paths: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
            paths.sort();
            paths
        };
        let registries = directories(&self.data().join("registries"));
        let kept = registries.iter().flat_map(|registry| directories(&registry.join("evidence")));
        let names = |path: &PathBuf| {
            let names = directories(path);
            names.iter().filter_map(|path| Some(path.file_name()?.to_str()?.to_owned())).collect()
        };
        kept.map(|path| (path.clone(), names(&path))).collect()
    }
}

/// An address of this process alone, so that a server finds its port free when it comes back.
pub(crate) fn own_address() -> SocketAddr {
    let [_, high, middle, low] = std::process::id().to_be_bytes();
    SocketAddr::from(([127, 1 + high % 100, middle, low.clamp(1, 254)], 0))
}

/// The first document of a stream that goes on.
pub(crate) fn first_document(stdout: impl Read) -> Option<Value> {
    serde_json::Deserializer::from_reader(stdout).into_iter().next()?.ok()
}
