//! The command line of `openclaw mcp`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use openclaw_gateway::caller::ToolPattern;

/// Serves, unless a command says what else.
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "An agent starts this and talks to it on standard input and output; what is logged goes to standard \
                  error. It ends when its input does.\n\n\
                  Examples:\n  openclaw mcp\n  openclaw mcp --workspace ~/code --skill acme/git-helper\n  \
                  openclaw mcp config claude"
)]
pub(crate) struct Mcp {
    #[command(subcommand)]
    pub(crate) command: Option<McpCommand>,
    #[command(flatten)]
    pub(crate) serve: McpServe,
}

/// What is served.
#[derive(Debug, Args)]
pub(crate) struct McpServe {
    /// The directory that $workspace stands for [default: the current one]
    #[arg(long, value_name = "DIR")]
    pub(crate) workspace: Option<PathBuf>,
    /// Only these tools: acme/*, acme/git-helper or acme/git-helper/status; all where none is given
    #[arg(long = "skill", value_name = "PATTERN")]
    pub(crate) skills: Vec<ToolPattern>,
}

/// What there is beside serving.
#[derive(Debug, Subcommand)]
pub(crate) enum McpCommand {
    /// Print what an agent is told so that it starts this server
    #[command(after_help = "Examples:\n  openclaw mcp config claude\n  \
                            openclaw mcp config cursor --workspace ~/code\n  openclaw mcp config --json")]
    Config {
        /// The agent
        #[arg(value_enum, default_value_t = Client::Json)]
        client: Client,
        #[command(flatten)]
        serve: McpServe,
    },
}

/// Agents whose way of being told is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Client {
    /// Claude Code: a command
    Claude,
    /// Claude Desktop: `claude_desktop_config.json`
    ClaudeDesktop,
    /// Cursor: `~/.cursor/mcp.json`
    Cursor,
    /// VS Code: a command
    Vscode,
    /// Codex: a command
    Codex,
    /// Zed: `settings.json`
    Zed,
    /// Any other: the object that most of them read
    Json,
}
