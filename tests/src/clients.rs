//! Real clients of MCP, driven by the programs of `tests/clients`.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::component::repository;
use crate::home::{Home, binary, finish};

/// Which client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    /// `mcp` of PyPI.
    Python,
    /// `@modelcontextprotocol/client` of npm.
    Node,
}

/// Which revision of the protocol it is to speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Revision {
    /// 2025-11-25: `initialize`, and a session.
    Sessions,
    /// 2026-07-28: each request for itself.
    Stateless,
}

impl Revision {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sessions => "2025-11-25",
            Self::Stateless => "2026-07-28",
        }
    }
}

/// What a client is to talk to.
pub fn stdio(home: &Home, arguments: &[&str]) -> Value {
    let command = home.command();
    let environment: Value = command
        .get_envs()
        .filter_map(|(name, value)| Some((name.to_str()?.to_owned(), json!(value?.to_str()?))))
        .collect::<serde_json::Map<_, _>>()
        .into();
    let args: Vec<&str> = std::iter::once("mcp").chain(arguments.iter().copied()).collect();
    json!({ "command": binary(), "args": args, "env": environment, "cwd": home.workspace() })
}

/// A step in which the owner runs `openclaw` with these arguments.
pub fn owner(home: &Home, arguments: &[&str]) -> Value {
    let mut step = stdio(home, &[]);
    let argv: Vec<String> = std::iter::once(binary().display().to_string())
        .chain(arguments.iter().map(|argument| (*argument).to_owned()))
        .collect();
    step["do"] = json!("run");
    step["argv"] = json!(argv);
    step
}

/// Has a client talk as the script says, and answers with what it prints.
pub fn drive(home: &Home, program: Program, revision: Revision, mut script: Value) -> Value {
    script["revision"] = json!(revision.name());
    let clients = installed();
    let sources = repository().join("tests/clients");
    let mut command = match program {
        Program::Python => {
            let mut command = Command::new(clients.join("python/bin/python"));
            command.arg(sources.join("python/drive.py"));
            command
        }
        Program::Node => {
            // Beside its modules, where Node looks for them.
            let program = clients.join("node/drive.mjs");
            place(&sources.join("node/drive.mjs"), &program);
            let mut command = Command::new("node");
            command.arg(program);
            command
        }
    };
    command.arg(script.to_string());
    let ran = finish(home.environment(command), format!("{program:?} {revision:?}"), None);
    let shown = ran.to_string();
    let mut heard: Value =
        serde_json::from_str(ran.stdout.trim()).unwrap_or_else(|error| panic!("{error}: {shown}"));
    assert_eq!(heard["revision"], revision.name(), "{shown}");
    heard["stderr"] = json!(ran.stderr);
    heard
}

/// Where the clients are; the first test that needs them installs them, as `scripts/test` does beforehand.
fn installed() -> PathBuf {
    let clients = Path::new(env!("OPENCLAW_TESTS_TARGET")).join("tests/mcp-clients");
    let library = repository().join("scripts/lib.sh");
    let script =
        format!("set -euo pipefail; . '{}'; need_mcp_clients '{}'", library.display(), clients.display());
    let ran = Command::new("bash").arg("-c").arg(script).output().expect("bash is there");
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    clients
}

/// Copies a file; whoever looks meanwhile sees the old one or the new one.
fn place(from: &Path, to: &Path) {
    let bytes = std::fs::read(from).expect("the program is there");
    if std::fs::read(to).is_ok_and(|there| there == bytes) {
        return;
    }
    let beside = to.with_extension(format!("{}.mjs", std::process::id()));
    std::fs::write(&beside, bytes).expect("the directory of the clients can be written");
    std::fs::rename(&beside, to).expect("a file can be replaced");
}
