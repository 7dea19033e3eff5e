//! `openclaw gateway` and `openclaw metrics` on the command line.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use jiff::{Span, Timestamp, tz::TimeZone};
use openclaw_gateway::caller::ToolPattern;
use openclaw_gateway::tokens::TokenName;

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
#[command(
    after_help = "Grants, trust, takedowns, installed skills, tokens and certificates are followed while it runs;
config.yaml is read again on SIGHUP, and with --watch whenever it changes; .env at the next start.

Examples:
  openclaw gateway
  openclaw gateway --dev --watch
  openclaw gateway --status
  openclaw gateway token create claude --tool 'acme/*' --workspace ~/code
  openclaw gateway --install"
)]
pub(crate) struct Gateway {
    #[command(subcommand)]
    pub(crate) command: Option<GatewayCommand>,
    /// The address and port to listen on [default: gateway.listen and gateway.port of config.yaml]
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(crate) listen: Option<SocketAddr>,
    /// Write the log for people, at level debug, to standard error
    #[arg(long)]
    pub(crate) dev: bool,
    /// Also read config.yaml again whenever it changes
    #[arg(long)]
    pub(crate) watch: bool,
    #[command(flatten)]
    pub(crate) instead: Instead,
    /// With --install or --print-unit: for the whole machine, not for this user
    #[arg(long, requires = "unit", conflicts_with_all = ["dev", "watch", "status"])]
    pub(crate) system: bool,
    /// With --system: whose gateway it is, who is not root [default: who ran sudo]
    #[arg(long, value_name = "NAME", requires = "system")]
    pub(crate) user: Option<String>,
}

/// What is done instead of serving.
#[derive(Debug, Args)]
#[group(multiple = false)]
pub(crate) struct Instead {
    /// Tell how the gateway that runs is doing; ends with 7 if none does
    #[arg(long, conflicts_with_all = ["dev", "watch"])]
    pub(crate) status: bool,
    /// Write a systemd unit that keeps the gateway running, and say what to do with it
    #[arg(long, group = "unit", conflicts_with_all = ["dev", "watch"])]
    pub(crate) install: bool,
    /// Print that unit
    #[arg(long, group = "unit", conflicts_with_all = ["dev", "watch"])]
    pub(crate) print_unit: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum GatewayCommand {
    /// Make, list and revoke the tokens that callers present
    #[command(subcommand)]
    Token(TokenCommand),
}

#[derive(Debug, Subcommand)]
pub(crate) enum TokenCommand {
    /// Make a token, and show it this once
    Create(TokenCreate),
    /// List the tokens, and what each may do
    #[command(after_help = "Examples:\n  openclaw gateway token list\n  openclaw gateway token list --json")]
    List,
    /// Take a token back; a gateway that runs obeys at once, and ends the calls that it made
    #[command(after_help = "Examples:\n  openclaw gateway token revoke claude")]
    Revoke {
        /// The token's name
        name: TokenName,
    },
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  openclaw gateway token create claude
  openclaw gateway token create ci --tool acme/git-helper --tool acme/notes/list --expires 30d
  openclaw gateway token create prometheus --no-tools --metrics")]
pub(crate) struct TokenCreate {
    /// What records call whoever uses it
    pub(crate) name: TokenName,
    /// Which tools may be seen and called: acme/*, acme/notes or acme/notes/list [default: all]
    #[arg(long = "tool", value_name = "PATTERN")]
    pub(crate) tools: Vec<ToolPattern>,
    /// No tool may be seen or called
    #[arg(long, conflicts_with = "tools")]
    pub(crate) no_tools: bool,
    /// The directory that $workspace stands for in its calls [default: none]
    #[arg(long, value_name = "DIR")]
    pub(crate) workspace: Option<PathBuf>,
    /// When it ends: 12h, 30d, 1y [default: never]
    #[arg(long, value_name = "TIME", value_parser = from_now)]
    pub(crate) expires: Option<Timestamp>,
    /// The person behind it may consent to what a skill asks for, where skills.security_level is moderate
    #[arg(long)]
    pub(crate) may_grant: bool,
    /// It may read the metrics
    #[arg(long)]
    pub(crate) metrics: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "Asks the gateway that runs; ends with 7 if none does.\n\n\
    Examples:\n  openclaw metrics\n  openclaw metrics --format=json\n  openclaw metrics --format=prometheus")]
pub(crate) struct Metrics {
    /// In which form
    #[arg(long, value_enum, default_value_t = MetricsFormat::Table)]
    pub(crate) format: MetricsFormat,
}

/// A form of metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum MetricsFormat {
    /// For people
    Table,
    /// The most important ones, for programs
    Json,
    /// All of them, as Prometheus reads them
    Prometheus,
}

/// A time from now: `12h`, `30d`, `1y`.
fn from_now(text: &str) -> Result<Timestamp, String> {
    let wrong = || format!("{text:?} is no time to come: write 12h, 30d or 1y");
    let span: Span = text.parse().map_err(|_| wrong())?;
    if !span.is_positive() {
        return Err(wrong());
    }
    let then = Timestamp::now().to_zoned(TimeZone::UTC).checked_add(span).map_err(|_| wrong())?;
    Timestamp::from_second(then.timestamp().as_second()).map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_ends_after_some_time_from_now() {
        let now = Timestamp::now();
        for (text, hours) in [("12h", 12), ("30d", 720), ("2w", 336)] {
            let after = from_now(text).unwrap().duration_since(now).as_hours();
            assert!((hours - 1..=hours).contains(&after), "{text}: {after}");
        }
        for text in ["", "soon", "-3d", "0d", "12", "99999999999y"] {
            assert!(from_now(text).is_err(), "{text}");
        }
    }
}
