//! `openclaw mcp`: installed skills as tools of an agent that started this, and what an agent is told to do so.

use std::collections::BTreeMap;
use std::io::IsTerminal as _;
use std::path::Path;
use std::sync::Arc;

use openclaw_gateway::mcp::serve_stdio;
use openclaw_gateway::{Caller, Scope};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

use crate::cli::{Client, Mcp, McpCommand, McpServe};
use crate::environment::{self, Environment};
use crate::error::{CliError, Result};
use crate::exit::Exit;
use crate::invocation;
use crate::output::Output;
use crate::text::pretty_json;

/// Who calls, as records name it.
const CALLER: &str = "mcp";

/// What is logged unless `RUST_LOG` says otherwise: our own words, and of the libraries only what is wrong.
const LOGGED: &str = "warn,openclaw_gateway=info,openclaw_runtime=info,rmcp=error";

/// Serves, or prints.
pub(crate) fn run(arguments: Mcp, environment: &Environment, output: &Output) -> Result<()> {
    match arguments.command {
        None => serve(&arguments.serve, environment, output),
        Some(McpCommand::Config { client, serve }) => config(client, &serve, output),
    }
}

fn serve(arguments: &McpServe, environment: &Environment, output: &Output) -> Result<()> {
    log_to_stderr();
    let caller = Caller {
        name: CALLER.to_owned(),
        scope: scope(arguments),
        workspace: environment::workspace(arguments.workspace.as_deref())?,
        may_grant: true,
    };
    if std::io::stdin().is_terminal() {
        output
            .note("waiting for an MCP client on standard input; `openclaw mcp config` shows how one is told");
    }
    let config = environment.config()?;
    let (service, _) = environment.service(&config)?;
    let _watching = service.runtime().watch().map_err(openclaw_runtime::RuntimeError::from)?;
    let threads = invocation::threads().build().map_err(host_failure)?;
    let served = threads.block_on(async {
        let shutdown = CancellationToken::new();
        end_with_signals(&shutdown)?;
        let served = serve_stdio(Arc::clone(&service), caller, shutdown).await;
        service.logs_written().await;
        served.map_err(|error| CliError::new(Exit::Host, "mcp-failed", error.to_string()))
    });
    // A thread may still wait for a terminal; nothing waits for it.
    threads.shutdown_background();
    served
}

/// All, or what the patterns cover.
fn scope(arguments: &McpServe) -> Scope {
    if arguments.skills.is_empty() { Scope::all() } else { Scope::of(arguments.skills.clone()) }
}

fn host_failure(error: impl std::fmt::Display) -> CliError {
    CliError::new(Exit::Host, "host-failure", format!("this process cannot wait for its client: {error}"))
}

/// Ends at the usual signals as at the end of input.
fn end_with_signals(shutdown: &CancellationToken) -> Result<()> {
    for kind in [SignalKind::terminate(), SignalKind::interrupt(), SignalKind::hangup()] {
        let mut signals = signal(kind).map_err(host_failure)?;
        let shutdown = shutdown.clone();
        tokio::spawn(async move {
            signals.recv().await;
            shutdown.cancel();
        });
    }
    Ok(())
}

/// Words about what happens, where the protocol is not.
fn log_to_stderr() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(LOGGED));
    let logging = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    // One that is there already does it.
    let _ = logging.try_init();
}

/// How an agent starts this server.
#[derive(Debug, Serialize)]
struct Registration {
    /// The name under which it is registered.
    name: &'static str,
    /// The absolute path of this program.
    command: String,
    /// Its arguments.
    args: Vec<String>,
    /// What its environment has to hold for it to find what this command found.
    env: BTreeMap<&'static str, String>,
}

fn config(client: Client, arguments: &McpServe, output: &Output) -> Result<()> {
    let registration = registration(arguments)?;
    if output.is_json() {
        return output.document(&registration);
    }
    let (words, text) = told(client, &registration);
    output.note(words);
    output.line(text);
    Ok(())
}

fn registration(arguments: &McpServe) -> Result<Registration> {
    let mut args = vec!["mcp".to_owned()];
    if let Some(workspace) =
        environment::workspace(arguments.workspace.as_deref())?.filter(|_| arguments.workspace.is_some())
    {
        args.extend(["--workspace".to_owned(), text(workspace.path())?]);
    }
    for pattern in &arguments.skills {
        args.extend(["--skill".to_owned(), pattern.to_string()]);
    }
    let variables = ["OPENCLAW_DATA_DIR", "OPENCLAW_CACHE_DIR", "OPENCLAW_CONFIG_PATH"];
    let set = |name: &'static str| Some((name, std::env::var(name).ok().filter(|value| !value.is_empty())?));
    Ok(Registration {
        name: "openclaw",
        command: text(&environment::this_program()?)?,
        args,
        env: variables.into_iter().filter_map(set).collect(),
    })
}

fn text(path: &Path) -> Result<String> {
    path.to_str().map(str::to_owned).ok_or_else(|| {
        let words = format!("{} is no text, which an agent's configuration has to be", path.display());
        CliError::new(Exit::Usage, "usage", words)
    })
}

/// What to do, and what to do it with.
fn told(client: Client, registration: &Registration) -> (&'static str, String) {
    let Registration { name, command, args, env } = registration;
    let line = |before: &str, variable: &str| {
        let mut words: Vec<String> = before.split(' ').map(str::to_owned).collect();
        env.iter().for_each(|(key, value)| words.extend([variable.to_owned(), format!("{key}={value}")]));
        words.extend([name.to_string(), "--".to_owned(), command.clone()]);
        words.extend(args.iter().cloned());
        // Neither a path nor a pattern holds a NUL, which is all that cannot be quoted.
        shlex::try_join(words.iter().map(String::as_str)).unwrap_or_default()
    };
    let mut server = json!({ "command": command, "args": args });
    if !env.is_empty()
        && let Some(server) = server.as_object_mut()
    {
        server.insert("env".to_owned(), json!(env));
    }
    let below = |key: &str| pretty(&json!({ key: { *name: server } }));
    match client {
        Client::Claude => {
            ("run once; --scope user makes it known in every project", line("claude mcp add", "--env"))
        }
        Client::Codex => ("run once", line("codex mcp add", "--env")),
        Client::Vscode => ("run once, or put it below \"servers\" in .vscode/mcp.json", {
            let mut named = server.clone();
            if let Some(named) = named.as_object_mut() {
                named.insert("name".to_owned(), json!(name));
            }
            let words = ["code", "--add-mcp", &named.to_string()].map(str::to_owned);
            shlex::try_join(words.iter().map(String::as_str)).unwrap_or_default()
        }),
        Client::ClaudeDesktop => {
            ("put it into claude_desktop_config.json (Settings, Developer, Edit Config)", below("mcpServers"))
        }
        Client::Cursor => {
            ("put it into ~/.cursor/mcp.json, or .cursor/mcp.json of a project", below("mcpServers"))
        }
        Client::Zed => ("put it into settings.json", below("context_servers")),
        Client::Json => ("most agents read this", below("mcpServers")),
    }
}

fn pretty(value: &Value) -> String {
    pretty_json(&value.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn registration(env: &[(&'static str, &str)]) -> Registration {
        Registration {
            name: "openclaw",
            command: "/opt/open claw/openclaw".to_owned(),
            args: vec!["mcp".to_owned(), "--skill".to_owned(), "acme/*".to_owned()],
            env: env.iter().map(|(name, value)| (*name, (*value).to_owned())).collect(),
        }
    }

    #[test]
    fn a_command_line_is_quoted_for_a_shell() {
        let (_, line) = told(Client::Claude, &registration(&[]));
        assert_eq!(line, "claude mcp add openclaw -- '/opt/open claw/openclaw' mcp --skill 'acme/*'");
        let (_, line) = told(Client::Codex, &registration(&[("OPENCLAW_DATA_DIR", "/d d")]));
        assert!(line.starts_with("codex mcp add --env 'OPENCLAW_DATA_DIR=/d d' openclaw -- "), "{line}");
        let (_, line) = told(Client::Vscode, &registration(&[]));
        let words = shlex::split(&line).unwrap();
        let server: Value = serde_json::from_str(&words[2]).unwrap();
        assert_eq!(
            (&server["name"], &server["command"]),
            (&json!("openclaw"), &json!("/opt/open claw/openclaw"))
        );
    }

    #[test]
    fn a_document_has_the_key_that_the_agent_reads() {
        let clients = [
            (Client::Cursor, "mcpServers"),
            (Client::ClaudeDesktop, "mcpServers"),
            (Client::Zed, "context_servers"),
            (Client::Json, "mcpServers"),
        ];
        for (client, key) in clients {
            let (_, text) = told(client, &registration(&[("OPENCLAW_DATA_DIR", "/d")]));
            let document: Value = serde_json::from_str(&text).unwrap();
            let server = &document[key]["openclaw"];
            assert_eq!(server["args"], json!(["mcp", "--skill", "acme/*"]));
            assert_eq!(server["env"]["OPENCLAW_DATA_DIR"], "/d");
        }
    }
}
