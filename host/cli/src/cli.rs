//! The command line: every command, its arguments and its help.

mod agent;
mod audit;
mod gateway;
mod mcp;
mod registry;

use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand};
use openclaw_agent::trigger::Subject;
use openclaw_package::manifest::Language;
use openclaw_package::{
    Program, PublicKey, PublisherName, Reason, SecretName, SkillId, SkillName, ToolId, ToolName,
};

use crate::exit;

pub(crate) use agent::{AgentArguments, AgentChat, AgentCommand, AgentRun};
pub(crate) use audit::{Audit, AuditCommand, AuditQuery};
pub(crate) use gateway::{Gateway, GatewayCommand, Metrics, MetricsFormat, TokenCommand, TokenCreate};
pub(crate) use mcp::{Client, Mcp, McpCommand, McpServe};
pub(crate) use registry::{
    RegistryAudit, RegistryCommand, RegistryInstall, RegistryLogin, RegistryPublish, RegistrySearch,
    RegistryServe, RegistryUpdate, RegistryYank,
};

/// Write, sign, install and run sandboxed skills.
#[derive(Debug, Parser)]
#[command(name = "openclaw", version, after_help = exit::HELP, max_term_width = 100)]
#[command(disable_help_subcommand = true)]
pub(crate) struct Cli {
    /// Print data as JSON on standard output, and an error as JSON on standard error
    #[arg(long, global = true)]
    pub(crate) json: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make and show the keys that sign your skills
    #[command(subcommand)]
    Key(KeyCommand),
    /// Write, build, try, inspect and pack a skill
    #[command(subcommand)]
    Skill(SkillCommand),
    /// Say whose skills may be installed
    #[command(subcommand)]
    Trust(TrustCommand),
    /// Install a signed skill from a file
    Install(Install),
    /// List the installed skills
    #[command(after_help = "Examples:\n  openclaw list\n  openclaw list --json")]
    List,
    /// Remove an installed skill
    Remove(Remove),
    /// Say what an installed skill may do
    #[command(subcommand)]
    Grant(GrantCommand),
    /// Keep what is put into requests of skills, and no skill sees
    #[command(subcommand)]
    Secret(SecretCommand),
    /// Find, install, update and publish skills
    #[command(subcommand)]
    Registry(RegistryCommand),
    /// Talk with agents, whose models call the tools of installed skills
    #[command(subcommand)]
    Agent(Box<AgentCommand>),
    /// List and call the tools of installed skills
    #[command(subcommand)]
    Tool(ToolCommand),
    /// Serve the tools of installed skills to an agent, over MCP
    Mcp(Mcp),
    /// Serve the installed skills over HTTP
    Gateway(Box<Gateway>),
    /// Show what the gateway that runs has counted
    Metrics(Metrics),
    /// List and pause what makes tools be called, beside somebody who names them
    #[command(subcommand)]
    Trigger(TriggerCommand),
    /// Show what was called, what it did and what it was refused; check that nothing of it was changed
    Audit(Audit),
    /// Check that this machine and your data directory are as they have to be
    #[command(
        after_help = "Ends with 1 if something fails.\n\nExamples:\n  openclaw doctor\n  openclaw doctor --json"
    )]
    Doctor,
    /// Print a completion script for a shell
    #[command(
        after_help = "Examples:\n  openclaw completions bash > ~/.local/share/bash-completion/completions/openclaw"
    )]
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum KeyCommand {
    /// Make a signing key for a publisher name; an existing key is never overwritten
    #[command(after_help = "Examples:\n  openclaw key new acme")]
    New {
        /// The name that your skills begin with: acme in acme/hello
        publisher: PublisherName,
    },
    /// Print the public form of a key, which others trust
    #[command(
        after_help = "Examples:\n  openclaw key show acme\n  openclaw trust add acme \"$(openclaw key show acme)\""
    )]
    Show {
        /// The publisher
        publisher: PublisherName,
    },
    /// Make a new key, have the registry's log grant it, and revoke the one in use
    ///
    /// What was released with the old key stays valid. The old key's file is kept beside the new one.
    #[command(
        after_help = "Examples:\n  openclaw key rotate acme\n  openclaw key rotate acme --reason 'laptop lost'"
    )]
    Rotate {
        /// The publisher
        publisher: PublisherName,
        /// Why the old key goes
        #[arg(long, default_value = "rotated")]
        reason: Reason,
        /// The registry's URL, as at login [default: the default registry]
        #[arg(long, value_name = "URL", env = "OPENCLAW_REGISTRY")]
        registry: Option<String>,
    },
    /// Have the registry's log revoke a key of a publisher; the last one cannot be
    #[command(after_help = "Examples:\n  openclaw key revoke acme ed25519:… --reason 'laptop lost'")]
    Revoke {
        /// The publisher
        publisher: PublisherName,
        /// The key, in its public form
        key: PublicKey,
        /// Why
        #[arg(long)]
        reason: Reason,
        /// The registry's URL, as at login [default: the default registry]
        #[arg(long, value_name = "URL", env = "OPENCLAW_REGISTRY")]
        registry: Option<String>,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum SkillCommand {
    /// Begin a new skill in a new directory
    New(SkillNew),
    /// Build the component, check it against the manifest and list its tools
    Build(SkillBuild),
    /// Call a tool of a project in the sandbox, holding what its manifest requests
    Run(SkillRun),
    /// Run the project's own tests, then try the component in the sandbox
    #[command(after_help = "Examples:\n  openclaw skill test\n  openclaw skill test ./hello --json")]
    Test {
        /// The project
        #[arg(default_value = ".")]
        dir: PathBuf,
    },
    /// Show what a skill is and what it asks for, without running it
    Inspect(SkillInspect),
    /// Write the package: the same files give the same bytes, signed with your key
    Pack(SkillPack),
    /// Sign a package that was packed without a signature
    #[command(after_help = "Examples:\n  openclaw skill sign dist/skill.tar.gz")]
    Sign {
        /// The package
        archive: PathBuf,
    },
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  openclaw skill new hello\n  openclaw skill new hello --lang typescript\n  openclaw skill new git-helper --publisher acme\n  openclaw skill new --from package.json"
)]
pub(crate) struct SkillNew {
    /// The skill's name, and that of its directory
    #[arg(required_unless_present = "from")]
    pub(crate) name: Option<SkillName>,
    /// A package.json with a section "claw": write the manifest that follows from it beside it, and list what is to be decided
    #[arg(long, value_name = "FILE", conflicts_with = "lang")]
    pub(crate) from: Option<PathBuf>,
    /// Who publishes it; not needed where you have one key
    #[arg(long)]
    pub(crate) publisher: Option<PublisherName>,
    /// What it is written in: rust, typescript, javascript or python
    #[arg(long, default_value_t, value_name = "LANGUAGE", value_parser = languages())]
    pub(crate) lang: Language,
}

/// The languages, of which completions know too.
fn languages() -> impl TypedValueParser<Value = Language> {
    PossibleValuesParser::new(Language::ALL.map(Language::as_str)).try_map(|text| text.parse::<Language>())
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  openclaw skill build\n  openclaw skill build ./hello --json")]
pub(crate) struct SkillBuild {
    /// The project
    #[arg(default_value = ".")]
    pub(crate) dir: PathBuf,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  openclaw skill run . greet '{\"name\":\"Ada\"}'
  openclaw skill run . greet - < input.json
  openclaw skill run . search '{\"text\":\"TODO\"}' --workspace ~/code --json")]
pub(crate) struct SkillRun {
    /// The project
    pub(crate) dir: PathBuf,
    /// The tool
    pub(crate) tool: ToolName,
    /// The input as JSON; - reads it from standard input
    #[arg(default_value = "{}", value_name = "JSON")]
    pub(crate) input: String,
    /// The directory that $workspace stands for [default: the current one]
    #[arg(long, value_name = "DIR")]
    pub(crate) workspace: Option<PathBuf>,
    /// Run the component that is there
    #[arg(long)]
    pub(crate) no_build: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  openclaw skill inspect .
  openclaw skill inspect dist/skill.tar.gz --json
  openclaw skill inspect openclaw/skill.wasm --wit
  openclaw skill inspect acme/hello")]
pub(crate) struct SkillInspect {
    /// A project, a package, a component, or the name of an installed skill
    #[arg(value_name = "DIR|PACKAGE|COMPONENT|SKILL")]
    pub(crate) subject: String,
    /// Print the component's interface in WIT instead
    #[arg(long)]
    pub(crate) wit: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  openclaw skill pack --output dist/skill.tar.gz
  openclaw skill pack ./hello --output hello.tar.gz --unsigned")]
pub(crate) struct SkillPack {
    /// The project
    #[arg(default_value = ".")]
    pub(crate) dir: PathBuf,
    /// Where to write the package [default: dist/skill.tar.gz in the project]
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Write no signature: nothing installs such a package
    #[arg(long)]
    pub(crate) unsigned: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum TrustCommand {
    /// Trust a publisher's key: what it signed can be installed
    #[command(
        after_help = "Examples:\n  openclaw trust add acme ed25519:…\n  openclaw trust add acme \"$(openclaw key show acme)\""
    )]
    Add {
        /// The publisher
        publisher: PublisherName,
        /// Its public key, ed25519:…
        key: PublicKey,
    },
    /// List the trusted publishers and their keys
    #[command(after_help = "Examples:\n  openclaw trust list --json")]
    List,
    /// Trust a publisher, or one of its keys, no longer: its skills are not loaded any more
    #[command(after_help = "Examples:\n  openclaw trust remove acme\n  openclaw trust remove acme ed25519:…")]
    Remove {
        /// The publisher
        publisher: PublisherName,
        /// One key of it; all of them where none is given
        key: Option<PublicKey>,
    },
}

#[derive(Debug, Args)]
#[command(after_help = "The signature is read from PACKAGE.dsse.json.

Examples:
  openclaw install dist/skill.tar.gz
  openclaw install dist/skill.tar.gz --yes --workspace ~/code")]
pub(crate) struct Install {
    /// The package
    #[arg(value_name = "PACKAGE")]
    pub(crate) archive: PathBuf,
    #[command(flatten)]
    pub(crate) consent: Consent,
    /// Install a version older than the installed one
    #[arg(long)]
    pub(crate) allow_downgrade: bool,
}

/// What its owner says beforehand of what a skill asks for.
#[derive(Debug, Args)]
pub(crate) struct Consent {
    /// Grant what is shown without asking
    #[arg(long, short)]
    pub(crate) yes: bool,
    /// The directory that requests for $workspace are granted for [default: the current one]
    #[arg(long, value_name = "DIR")]
    pub(crate) workspace: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  openclaw remove acme/hello\n  openclaw remove acme/hello --purge")]
pub(crate) struct Remove {
    /// The skill
    pub(crate) skill: SkillId,
    /// Also delete its data, its memory, its log, its secrets and your rules for it
    #[arg(long)]
    pub(crate) purge: bool,
}

const PERMISSIONS: &str = "Permissions:
  filesystem:read TREE     TREE is $workspace, $data or a directory
  filesystem:write TREE    which includes reading
  network METHODS URL      GET,POST or *; https://host/path, https://*.example.com/
  network:internal METHODS URL
  memory
  llm
  ask
  secret NAME HOST         api.example.com, localhost:8443; by https";

#[derive(Debug, Subcommand)]
pub(crate) enum GrantCommand {
    /// Show what skills ask for, and what they are granted
    #[command(after_help = "Examples:\n  openclaw grant show\n  openclaw grant show acme/notes --json")]
    Show {
        /// One skill; all of them where none is given
        skill: Option<SkillId>,
    },
    /// Allow a skill something
    #[command(after_help = format!("{PERMISSIONS}\n
Examples:
  openclaw grant allow acme/notes filesystem:read '$workspace'
  openclaw grant allow acme/notes network GET https://api.example.com/v1
  openclaw grant allow acme/notes -- process git log -n '<integer:1..100>'
  openclaw grant allow acme/notes memory"))]
    Allow(Rule),
    /// Deny a skill something, whatever it is allowed
    #[command(after_help = format!("{PERMISSIONS}\n
Examples:
  openclaw grant deny acme/notes filesystem:write ~/taxes
  openclaw grant deny acme/notes network '*' https://tracker.example/"))]
    Deny(Rule),
    /// Accept a program as it is now, after it was updated
    #[command(
        after_help = "What a skill may run is pinned by its content. After an update of this machine this\n\
        accepts the new content, for all skills that may run the program.\n\n\
        Examples:\n  openclaw grant pin git\n  openclaw grant pin /usr/bin/git"
    )]
    Pin {
        /// The program: a name, or an absolute path
        program: Program,
    },
    /// Take back what was allowed or denied
    #[command(after_help = format!("{PERMISSIONS}\n
Examples:
  openclaw grant revoke acme/notes memory"))]
    Revoke(Rule),
}

#[derive(Debug, Args)]
pub(crate) struct Rule {
    /// The skill
    pub(crate) skill: SkillId,
    /// The permission and its scope
    #[arg(required = true, value_name = "PERMISSION")]
    pub(crate) permission: Vec<String>,
    /// The directory that $workspace stands for [default: the current one]
    #[arg(long, value_name = "DIR")]
    pub(crate) workspace: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum SecretCommand {
    /// Set the value of a secret, which is typed or comes on standard input
    ///
    /// It is kept in the system's keyring where there is one that is unlocked, and else in a file that only you can read.
    #[command(
        after_help = "Examples:\n  openclaw secret set acme/issues github-token\n  openclaw secret set acme/issues github-token < token.txt\n  openclaw secret set acme/issues github-token --file < token.txt"
    )]
    Set {
        /// The skill
        skill: SkillId,
        /// The skill's name for it
        name: SecretName,
        /// Keep it in a file, for a gateway that runs without your session's keyring
        #[arg(long)]
        file: bool,
    },
    /// List what skills ask for and what is set, without any value
    #[command(after_help = "Examples:\n  openclaw secret list\n  openclaw secret list acme/issues --json")]
    List {
        /// One skill; all of them where none is given
        skill: Option<SkillId>,
    },
    /// Delete the value of a secret
    #[command(after_help = "Examples:\n  openclaw secret remove acme/issues github-token")]
    Remove {
        /// The skill
        skill: SkillId,
        /// The skill's name for it
        name: SecretName,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum ToolCommand {
    /// List the tools of all installed skills
    #[command(after_help = "Examples:\n  openclaw tool list\n  openclaw tool list --json")]
    List,
    /// Call a tool
    Call(ToolCall),
}

#[derive(Debug, Subcommand)]
pub(crate) enum TriggerCommand {
    /// List the schedules and commands of installed skills, when each runs next, and what came of its last run
    #[command(after_help = "`openclaw gateway` runs schedules for as long as it runs itself.\n\n\
        Examples:\n  openclaw trigger list\n  openclaw trigger list --json")]
    List,
    /// Have a tool, or all of a skill, not be called by its triggers until it is resumed
    #[command(
        after_help = "Examples:\n  openclaw trigger pause acme/git-helper/auto-pull\n  openclaw trigger pause acme/git-helper"
    )]
    Pause {
        /// The tool, publisher/skill/tool, or the skill, publisher/skill
        #[arg(value_name = "TOOL|SKILL")]
        subject: Subject,
    },
    /// Let a tool, or all of a skill, be called by its triggers again; what was due meanwhile is not made up for
    #[command(
        after_help = "Examples:\n  openclaw trigger resume acme/git-helper/auto-pull\n  openclaw trigger resume acme/git-helper"
    )]
    Resume {
        /// The tool, publisher/skill/tool, or the skill, publisher/skill
        #[arg(value_name = "TOOL|SKILL")]
        subject: Subject,
    },
    /// Name the directory that $workspace stands for when a schedule calls a tool; it has none by itself
    #[command(after_help = "It says where, and grants nothing: `openclaw grant allow` does.\n\n\
        Examples:\n  openclaw trigger workspace acme/git-helper/auto-pull ~/code\n  \
        openclaw trigger workspace acme/git-helper/auto-pull --none")]
    Workspace {
        /// The tool: publisher/skill/tool
        tool: ToolId,
        /// The directory
        #[arg(required_unless_present = "none")]
        dir: Option<PathBuf>,
        /// Take the directory back
        #[arg(long, conflicts_with = "dir")]
        none: bool,
    },
    /// Call a tool that has a schedule now, as you: with an empty input, and a workspace
    #[command(after_help = "Examples:\n  openclaw trigger run acme/git-helper/auto-pull --workspace ~/code")]
    Run {
        /// The tool: publisher/skill/tool
        tool: ToolId,
        /// The directory that $workspace stands for [default: the current one]
        #[arg(long, value_name = "DIR")]
        workspace: Option<PathBuf>,
    },
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  openclaw tool call acme/hello/greet '{\"name\":\"Ada\"}'
  openclaw tool call acme/file-search/find - --workspace ~/code --json < input.json")]
pub(crate) struct ToolCall {
    /// The tool: publisher/skill/tool
    pub(crate) tool: ToolId,
    /// The input as JSON; - reads it from standard input
    #[arg(default_value = "{}", value_name = "JSON")]
    pub(crate) input: String,
    /// The directory that $workspace stands for [default: the current one]
    #[arg(long, value_name = "DIR")]
    pub(crate) workspace: Option<PathBuf>,
    /// Show what the skill logs
    #[arg(long)]
    pub(crate) logs: bool,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_explains_itself_and_gives_an_example() {
        fn check(command: &clap::Command) {
            let name = command.get_name();
            assert!(command.get_about().is_some(), "{name} has no help");
            if command.get_subcommands().next().is_none() {
                let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
                assert!(help.contains("Examples:\n  openclaw "), "{name} has no example");
            }
            command.get_subcommands().for_each(check);
        }
        check(&Cli::command());
    }
}
