//! One owner's home: a data directory, a workspace, and the real `openclaw` command in them.

use std::ffi::OsStr;
use std::io::{Read, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::ran::Ran;
use crate::skill::Skill;

/// Longer than any command of these tests may take, on a machine that is busy with other things.
const PATIENCE: Duration = Duration::from_secs(240);

/// The publisher of the guests.
pub const PUBLISHER: &str = "acme";

/// A machine of its own, as far as OpenClaw can tell.
#[derive(Debug)]
pub struct Home {
    dir: TempDir,
    cache: PathBuf,
}

impl Home {
    /// A home in which nothing was done yet.
    #[must_use]
    pub fn empty() -> Self {
        let dir = tempfile::Builder::new().prefix("openclaw-test-").tempdir().expect("a temporary directory");
        for name in ["home", "workspace", "data"] {
            std::fs::DirBuilder::new().mode(0o700).create(dir.path().join(name)).expect("a directory");
        }
        Self { dir, cache: cache_dir() }
    }

    /// The same with a cache of its own: what another home has fetched or compiled is not found in it.
    #[must_use]
    pub fn apart(mut self) -> Self {
        self.cache = self.path("cache");
        self
    }

    /// A home with a key of the publisher `acme`, whom its owner trusts.
    #[must_use]
    pub fn new() -> Self {
        let home = Self::empty();
        home.run(["key", "new", PUBLISHER]).json();
        home.trust(&home.public_key());
        home
    }

    /// A home with a skill installed and everything granted that it asks for.
    #[must_use]
    pub fn with(skill: &Skill) -> Self {
        let home = Self::new();
        home.install(skill);
        home
    }

    /// A path in the home's own directory, which is not that of its data.
    pub fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.root().join(name)
    }

    /// The home's own directory, without links.
    pub fn root(&self) -> PathBuf {
        self.dir.path().canonicalize().expect("the home is there")
    }

    /// `$OPENCLAW_DATA_DIR`.
    pub fn data(&self) -> PathBuf {
        self.path("data")
    }

    /// `$OPENCLAW_CACHE_DIR`.
    pub fn cache(&self) -> &Path {
        &self.cache
    }

    /// The directory in which commands are run, which is `$workspace` for them.
    pub fn workspace(&self) -> PathBuf {
        self.path("workspace")
    }

    /// The public form of the publisher's key.
    pub fn public_key(&self) -> String {
        self.plain(["key", "show", PUBLISHER]).success().trim().to_owned()
    }

    /// Trusts a key as the publisher's.
    pub fn trust(&self, key: &str) {
        self.run(["trust", "add", PUBLISHER, key]).json();
    }

    /// Packs a skill with the publisher's key, and answers where the archive is.
    pub fn pack(&self, skill: &Skill) -> PathBuf {
        let archive = self.path(format!("{}-{}.tar.gz", skill.name(), skill.version()));
        self.try_pack(skill, &archive).json();
        archive
    }

    /// Tries to pack a skill.
    pub fn try_pack(&self, skill: &Skill, archive: &Path) -> Ran {
        let project = self.path(format!("{}-{}", skill.name(), skill.version()));
        skill.write(&project);
        self.run([
            OsStr::new("skill"),
            "pack".as_ref(),
            project.as_ref(),
            "--output".as_ref(),
            archive.as_ref(),
        ])
    }

    /// Packs and installs a skill, with consent to all that it asks for.
    pub fn install(&self, skill: &Skill) -> Value {
        let archive = self.pack(skill);
        self.install_archive(&archive).json()
    }

    /// Packs and installs a skill without consenting to anything.
    pub fn install_ungranted(&self, skill: &Skill) {
        self.install(skill);
        let shown = self.run(["grant", "show", &skill.id()]).json();
        let document = if shown.is_array() { &shown[0] } else { &shown };
        for rule in document["allow"].as_array().expect("a list of rules") {
            let rule = rule.as_str().expect("a rule");
            self.run(["grant", "revoke", &skill.id(), rule]).json();
        }
    }

    /// Installs an archive, with consent to all that it asks for.
    pub fn install_archive(&self, archive: &Path) -> Ran {
        self.run([OsStr::new("install"), archive.as_ref(), "--yes".as_ref()])
    }

    /// Calls a tool, as `skill/tool` of the publisher.
    pub fn call(&self, tool: &str, input: &Value) -> Ran {
        self.run(["tool", "call", &format!("{PUBLISHER}/{tool}"), &input.to_string()])
    }

    /// The record of the last call.
    pub fn last_record(&self) -> Value {
        self.run(["audit", "--last", "1"]).json().get_mut(0).map_or(Value::Null, Value::take)
    }

    /// Runs a command line as the owner would paste it: `openclaw …`, read by a shell.
    pub fn paste(&self, line: &str) -> Ran {
        let rest = line.strip_prefix("openclaw ").unwrap_or_else(|| panic!("{line:?} is no command of ours"));
        let mut shell = self.environment(Command::new("/bin/sh"));
        shell.arg("-c").arg(format!("exec \"$OPENCLAW\" --json {rest}")).env("OPENCLAW", binary());
        finish(shell, line.to_owned(), None)
    }

    /// Runs `openclaw --json` with these arguments.
    pub fn run<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Ran {
        self.spawn_and_wait(arguments, true, None)
    }

    /// Runs `openclaw` with these arguments, for a person to read.
    pub fn plain<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Ran {
        self.spawn_and_wait(arguments, false, None)
    }

    /// Runs `openclaw --json` with something on its standard input.
    pub fn run_with_input<S: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = S>,
        input: &[u8],
    ) -> Ran {
        self.spawn_and_wait(arguments, true, Some(input))
    }

    fn spawn_and_wait<S: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = S>,
        json: bool,
        input: Option<&[u8]>,
    ) -> Ran {
        let mut command = self.command();
        let mut line = "openclaw".to_owned();
        for argument in arguments {
            line.push(' ');
            line.push_str(&argument.as_ref().to_string_lossy());
            command.arg(argument);
        }
        if json {
            command.arg("--json");
        }
        finish(command, line, input)
    }

    /// The command, in the workspace and with nothing of the test's own environment.
    pub fn command(&self) -> Command {
        self.environment(Command::new(binary()))
    }

    /// Gives any program the surroundings of this home.
    pub fn environment(&self, mut command: Command) -> Command {
        command.env_clear().current_dir(self.workspace());
        for name in ["PATH", "RUSTUP_HOME", "RUSTUP_TOOLCHAIN", "CARGO_HOME"] {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        // Where the toolchain is, if the owner's real home has to tell.
        if let Some(home) = std::env::home_dir() {
            for (name, dir) in [("RUSTUP_HOME", ".rustup"), ("CARGO_HOME", ".cargo")] {
                if std::env::var_os(name).is_none() && home.join(dir).is_dir() {
                    command.env(name, home.join(dir));
                }
            }
        }
        command
            .env("HOME", self.path("home"))
            .env("OPENCLAW_DATA_DIR", self.data())
            .env("OPENCLAW_CACHE_DIR", self.cache())
            // The keyring of whoever runs the tests is nothing to them.
            .env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent/bus");
        command
    }
}

impl Default for Home {
    fn default() -> Self {
        Self::new()
    }
}

/// The real binary: the one that `OPENCLAW_TESTS_BINARY` names, or the one beside the test's own.
pub fn binary() -> PathBuf {
    if let Some(path) = std::env::var_os("OPENCLAW_TESTS_BINARY") {
        return path.into();
    }
    let test = std::env::current_exe().expect("a test knows itself");
    let deps = test.ancestors().find(|dir| dir.ends_with("deps")).and_then(Path::parent);
    // A program of the tests lies beside it.
    let profile = deps.or_else(|| test.parent());
    let path = profile.expect("tests lie in target/<profile>/deps").join("openclaw");
    assert!(path.is_file(), "{} is not there: run `cargo build -p openclaw` first", path.display());
    path
}

/// Where all tests of a run keep compiled components, so that none is compiled twice.
pub fn cache_dir() -> PathBuf {
    let user = rustix::process::geteuid().as_raw();
    let path = Path::new(env!("OPENCLAW_TESTS_TARGET")).join(format!("openclaw-tests-cache-{user}"));
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&path).expect("a directory for the cache");
    path
}

/// Runs a command to its end, and kills it if it does not come to one.
pub fn finish(mut command: Command, line: String, input: Option<&[u8]>) -> Ran {
    let begun = Instant::now();
    let stdin = if input.is_some() { Stdio::piped() } else { Stdio::null() };
    let mut child = command
        .stdin(stdin)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{line}: {error}"));
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let stdin = child.stdin.take();
    let (code, stdout, stderr) = std::thread::scope(|scope| {
        scope.spawn(move || stdin.zip(input).map(|(mut stdin, input)| stdin.write_all(input)));
        let stdout = scope.spawn(move || read_all(stdout));
        let stderr = scope.spawn(move || read_all(stderr));
        let code = wait(&mut child, begun + PATIENCE);
        (code, stdout.join().expect("stdout"), stderr.join().expect("stderr"))
    });
    let ran = Ran { line, code: code.flatten(), stdout, stderr, took: begun.elapsed() };
    assert!(code.is_some(), "it did not end: {ran}");
    ran
}

/// The exit code, if there is one; none if it had to be killed.
fn wait(child: &mut Child, deadline: Instant) -> Option<Option<i32>> {
    loop {
        if let Some(status) = child.try_wait().expect("a child can be waited for") {
            return Some(status.code());
        }
        if Instant::now() > deadline {
            child.kill().expect("a child can be killed");
            child.wait().expect("a child can be waited for");
            return None;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn read_all(source: Option<impl Read>) -> String {
    let mut bytes = Vec::new();
    if let Some(mut source) = source {
        source.read_to_end(&mut bytes).expect("a pipe can be read");
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
