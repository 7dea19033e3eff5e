//! A registry on a backend: the real binary, started, stopped, and asked.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use openclaw_package::Digest;
use openclaw_package::registry::Origin;
use reqwest::{Client, RequestBuilder, Response, StatusCode};
use serde_json::Value;
use tempfile::TempDir;

use crate::postgres::Postgres;
use crate::s3::{self, S3};
use crate::skill::Publisher;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    Sqlite,
    Postgres,
    S3,
}

/// Runs a test against a registry of its own.
pub fn run(backend: Backend, test: impl AsyncFnOnce(World)) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async { test(World::start(backend).await).await });
}

/// A place for a registry: a data directory, perhaps with a database and blobs elsewhere.
pub struct Place {
    pub data: PathBuf,
    _directory: TempDir,
    postgres: Option<Postgres>,
    pub s3: Option<S3>,
}

impl Place {
    pub async fn new(backend: Backend) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let postgres = (backend == Backend::Postgres).then(Postgres::start);
        let s3 = if backend == Backend::S3 { Some(S3::start().await) } else { None };
        Self { data: directory.path().join("data"), _directory: directory, postgres, s3 }
    }

    pub fn arguments(&self) -> Vec<String> {
        let mut arguments = vec!["--data".to_owned(), self.data.display().to_string()];
        if let Some(postgres) = &self.postgres {
            arguments.extend(["--database".to_owned(), postgres.url()]);
        }
        if let Some(s3) = &self.s3 {
            arguments.extend(["--blobs".to_owned(), s3.url()]);
        }
        arguments
    }

    /// The database of the place, for tests that look into it or damage it.
    pub fn database(&self) -> String {
        self.postgres.as_ref().map_or_else(
            || format!("sqlite://{}", self.data.join("registry.sqlite").display()),
            Postgres::url,
        )
    }

    /// The file of a blob.
    pub fn blob(&self, digest: &Digest) -> PathBuf {
        let root = self.s3.as_ref().map_or_else(|| self.data.join("blobs"), S3::directory);
        root.join("sha256").join(&digest.hex()[..2]).join(digest.hex())
    }

    pub fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_openclaw-registry"));
        command.args(words).args(self.arguments()).arg("--json");
        command.env("AWS_ACCESS_KEY_ID", s3::KEY).env("AWS_SECRET_ACCESS_KEY", s3::SECRET);
        command.env("RUST_LOG", "warn");
        command
    }

    /// Runs an operator's command, while the runtime goes on.
    pub async fn output(&self, words: &[&str]) -> Output {
        let mut command = self.command(words);
        tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
    }

    /// Runs an operator's command that must succeed.
    pub async fn admin(&self, words: &[&str]) -> Value {
        let words: Vec<&str> = std::iter::once("admin").chain(words.iter().copied()).collect();
        let output = self.output(&words).await;
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{words:?}: {error} {}", String::from_utf8_lossy(&output.stdout));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// Runs an operator's command that must fail, and gives the code.
    pub async fn refused(&self, words: &[&str]) -> String {
        self.refusal(words).await["code"].as_str().unwrap().to_owned()
    }

    /// Runs an operator's command that must fail, and gives code, message and hint.
    pub async fn refusal(&self, words: &[&str]) -> Value {
        let output = self.output(words).await;
        assert!(!output.status.success(), "{words:?}");
        let text = String::from_utf8_lossy(&output.stderr);
        let line = text.lines().last().unwrap_or_default();
        let error: Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("{text}"));
        error["error"].clone()
    }
}

/// A server that runs.
pub struct Server {
    process: Option<Child>,
    pub url: String,
    pub ready: Value,
}

impl Server {
    /// What stands where a server was.
    pub fn nothing() -> Self {
        Self { process: None, url: String::new(), ready: Value::Null }
    }

    pub fn start(place: &Place, more: &[&str]) -> Self {
        let words: Vec<&str> = ["serve", "--listen", "127.0.0.1:0"].iter().chain(more).copied().collect();
        Self::spawn(place.command(&words))
    }

    fn spawn(mut command: Command) -> Self {
        let mut process = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut text = String::new();
        for line in BufReader::new(process.stdout.take().unwrap()).lines() {
            text += &line.unwrap();
            if let Ok(ready) = serde_json::from_str::<Value>(&text) {
                let url = ready["url"].as_str().unwrap().to_owned();
                return Self { process: Some(process), url, ready };
            }
        }
        panic!("the server does not start: {text} {:?}", process.wait());
    }

    /// Ends it without a chance to do anything.
    pub fn kill(self) {
        drop(self);
    }

    /// Asks it to end, and waits until it has.
    pub fn stop(mut self) -> std::process::ExitStatus {
        let mut process = self.process.take().unwrap();
        let told = Command::new("kill").args(["-TERM", &process.id().to_string()]).status().unwrap();
        assert!(told.success());
        process.wait().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(process) = &mut self.process {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

/// A registry with the publisher `acme`.
pub struct World {
    pub place: Place,
    pub server: Server,
    pub http: Client,
    pub origin: Origin,
    pub fingerprint: Digest,
    pub token: String,
}

/// Many tests ask more in a minute than a client may.
const GENEROUS: [&str; 8] = [
    "--requests-per-minute",
    "1000000",
    "--writes-per-minute",
    "1000000",
    "--uploads-per-hour",
    "1000000",
    "--new-names-per-day",
    "1000000",
];

impl World {
    pub async fn start(backend: Backend) -> Self {
        Self::start_with(Place::new(backend).await, &GENEROUS)
    }

    pub fn start_with(place: Place, more: &[&str]) -> Self {
        let words: Vec<&str> = ["--bootstrap", "acme"].iter().chain(more).copied().collect();
        let server = Server::start(&place, &words);
        Self::with(place, server)
    }

    /// A world whose server writes its log, as it is by default, into a file.
    pub fn start_logging(place: Place, file: &Path) -> Self {
        let mut command = place.command(&["serve", "--listen", "127.0.0.1:0", "--bootstrap", "acme"]);
        command.env_remove("RUST_LOG").stderr(std::fs::File::create(file).unwrap());
        let server = Server::spawn(command);
        Self::with(place, server)
    }

    fn with(place: Place, server: Server) -> Self {
        let text = |name: &str| server.ready[name].as_str().unwrap_or_default().to_owned();
        Self {
            origin: text("origin").parse().unwrap(),
            fingerprint: text("root_fingerprint").parse().unwrap(),
            token: text("first_token"),
            http: http(),
            place,
            server,
        }
    }

    /// Ends the server and starts it again.
    pub fn restart(&mut self) {
        assert!(std::mem::replace(&mut self.server, Server::nothing()).stop().success());
        self.server = Server::start(&self.place, &GENEROUS);
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.server.url)
    }

    pub fn get(&self, path: &str) -> RequestBuilder {
        self.http.get(self.url(path))
    }

    pub async fn ok(&self, path: &str) -> Response {
        let response = self.get(path).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        response
    }

    pub async fn json(&self, path: &str) -> Value {
        self.ok(path).await.json().await.unwrap()
    }

    pub async fn text(&self, path: &str) -> String {
        self.ok(path).await.text().await.unwrap()
    }

    /// The publisher `acme` with the first token and a key of its own.
    pub fn acme(&self) -> Publisher {
        Publisher::new(self, "acme", &self.token, 1)
    }

    /// Another publisher, with a token that may do everything.
    pub async fn publisher(&self, name: &str, seed: u8) -> Publisher {
        self.place.admin(&["publisher", "create", name]).await;
        let token =
            self.issue(&format!("{name}/*"), &["publish-new", "publish-update", "yank", "owners"]).await;
        Publisher::new(self, name, &token, seed)
    }

    /// A token.
    pub async fn issue(&self, pattern: &str, scopes: &[&str]) -> String {
        let mut words = vec!["token", "issue", pattern];
        for scope in scopes {
            words.extend(["--scope", scope]);
        }
        self.place.admin(&words).await["token"].as_str().unwrap().to_owned()
    }

    pub async fn verify(&self) {
        let report = self.place.admin(&["verify"]).await;
        assert_eq!(report["problems"].as_array().unwrap().len(), 0, "{report}");
    }
}

pub fn http() -> Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder().build().unwrap()
}

/// The status and the code of an answer that must be an error of ours.
pub async fn refusal(response: Response) -> (u16, String) {
    let status = response.status().as_u16();
    let text = response.text().await.unwrap();
    let body: Value = serde_json::from_str(&text).unwrap_or_else(|_| panic!("{status}: {text}"));
    let error = &body["error"];
    assert!(error["message"].as_str().is_some_and(|message| !message.is_empty()), "{text}");
    assert_eq!(body.as_object().unwrap().len(), 1, "{text}");
    for internal in ["/tmp", "registry.sqlite", "SELECT", "panicked", "src/"] {
        assert!(!text.contains(internal), "{text}");
    }
    (status, error["code"].as_str().unwrap().to_owned())
}
