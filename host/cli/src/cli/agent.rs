//! The command line of `openclaw agent`.

use std::num::{NonZeroU32, NonZeroU64};
use std::path::PathBuf;

use clap::{Args, Subcommand};
use openclaw_agent::models::Dollars;
use openclaw_gateway::caller::ToolPattern;

use crate::config::{AgentId, TurnLimits};

/// What can be done with agents.
#[derive(Debug, Subcommand)]
pub(crate) enum AgentCommand {
    /// Say one thing to an agent, and print what it answers once it is done
    Run(AgentRun),
    /// Talk with an agent at the terminal
    Chat(AgentChat),
    /// List the agents, their models, what they may call and where they work
    #[command(after_help = "Examples:\n  openclaw agent list\n  openclaw agent list --json")]
    List,
}

/// One turn.
#[derive(Debug, Args)]
#[command(
    after_help = "Calls that can change something or reach beyond this machine wait for your yes where you sit at a \
                        terminal, and are not made elsewhere; --approve says yes beforehand.\n\n\
                        Examples:\n  openclaw agent run \"what did I change today?\"\n  \
                        openclaw agent run --agent coder \"commit it\" --approve acme/git-helper/smart-commit\n  \
                        git diff | openclaw agent run - --max-cost 0.10 --json"
)]
pub(crate) struct AgentRun {
    /// What to say; - reads it from standard input
    pub(crate) message: String,
    #[command(flatten)]
    pub(crate) agent: AgentArguments,
    /// Go on with a conversation of this name, or begin it
    #[arg(long, value_name = "NAME")]
    pub(crate) conversation: Option<String>,
    /// Begin a new conversation, as is done where none is named
    #[arg(long, conflicts_with = "conversation")]
    pub(crate) new: bool,
    #[command(flatten)]
    pub(crate) limits: LimitArguments,
}

/// A conversation.
#[derive(Debug, Args)]
#[command(
    after_help = "A line that ends in \\ goes on in the next one. Ctrl-C ends what the agent does, and twice leaves; \
                        Ctrl-D leaves. /help lists the commands of a chat.\n\n\
                        Examples:\n  openclaw agent chat\n  openclaw agent chat --agent coder --workspace ~/code\n  \
                        openclaw agent chat --continue"
)]
pub(crate) struct AgentChat {
    #[command(flatten)]
    pub(crate) agent: AgentArguments,
    /// Go on with a conversation of this name, or begin it
    #[arg(long, value_name = "NAME")]
    pub(crate) conversation: Option<String>,
    /// Go on with the latest conversation
    #[arg(long = "continue", conflicts_with = "conversation")]
    pub(crate) latest: bool,
    #[command(flatten)]
    pub(crate) limits: LimitArguments,
}

/// Which agent, and what it may do.
#[derive(Debug, Args)]
pub(crate) struct AgentArguments {
    /// The agent; not needed where there is one
    #[arg(long, value_name = "ID")]
    pub(crate) agent: Option<AgentId>,
    /// The directory that $workspace stands for [default: the agent's own, else the current one]
    #[arg(long, value_name = "DIR")]
    pub(crate) workspace: Option<PathBuf>,
    /// Approve calls of these tools beforehand: acme/*, acme/git-helper or acme/git-helper/status; may be repeated
    #[arg(long, value_name = "PATTERN")]
    pub(crate) approve: Vec<ToolPattern>,
}

/// What ends a turn; where the configuration says less, that holds.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct LimitArguments {
    /// Most answers of the model
    #[arg(long, value_name = "N")]
    max_steps: Option<NonZeroU32>,
    /// Most tokens
    #[arg(long, value_name = "N")]
    max_tokens: Option<NonZeroU64>,
    /// Most dollars
    #[arg(long, value_name = "DOLLARS")]
    max_cost: Option<Dollars>,
    /// Most time, in milliseconds
    #[arg(long, value_name = "MS")]
    max_time: Option<NonZeroU64>,
}

impl LimitArguments {
    /// As they are configured.
    pub(crate) fn limits(self) -> TurnLimits {
        let Self { max_steps, max_tokens, max_cost, max_time } = self;
        TurnLimits { steps: max_steps, tokens: max_tokens, cost: max_cost, time: max_time }
    }
}
