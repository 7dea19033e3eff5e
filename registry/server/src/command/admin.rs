//! `registry admin …`: what only an operator may do. All but `restore` work while the server runs.

use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, Subcommand};
use jiff::SignedDuration;
use openclaw_package::registry::Takedown;
use openclaw_package::{Digest, PublicKey, PublisherName, Reason, SkillId};
use semver::Version;

use super::report::{self, Report};
use crate::error::Result;
use crate::location::Location;
use crate::registry::{NewToken, Registry, Rotation};
use crate::store::accounts;
use crate::token::{Pattern, Scope};
use crate::{backup, verify};

/// Look after a registry
#[derive(Debug, Clone, Subcommand)]
pub enum Admin {
    /// Create and list publishers
    #[command(subcommand)]
    Publisher(Publisher),
    /// Issue, list and revoke tokens
    #[command(subcommand)]
    Token(Token),
    /// Take a skill, a version or an archive down
    Takedown(TakeDown),
    /// Show and rotate the registry's root
    #[command(subcommand)]
    Root(RootCommand),
    /// Write everything into one file
    Backup(Backup),
    /// Read a backup back into an empty place
    Restore(Restore),
    /// Verify the whole store
    Verify(Verify),
}

/// Create and list publishers
#[derive(Debug, Clone, Subcommand)]
pub enum Publisher {
    /// Create a publisher
    Create(CreatePublisher),
    /// List the publishers
    List(ListPublishers),
}

/// Create a publisher
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:\n\
    \x20 openclaw registry admin publisher create zenith --data ./reg")]
pub struct CreatePublisher {
    /// The name
    publisher: PublisherName,
    #[command(flatten)]
    location: Location,
}

/// List the publishers
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:\n\
    \x20 openclaw registry admin publisher list --data ./reg\n\
    \x20 openclaw registry admin publisher list --data ./reg --json")]
pub struct ListPublishers {
    #[command(flatten)]
    location: Location,
}

/// Issue, list and revoke tokens
#[derive(Debug, Clone, Subcommand)]
pub enum Token {
    /// Issue a token, and show it once
    Issue(IssueToken),
    /// List tokens, by what is known of them
    List(ListTokens),
    /// Revoke a token
    Revoke(RevokeToken),
}

/// Issue a token, and show it once
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:\n\
    \x20 openclaw registry admin token issue 'zenith/*' --scope publish-new,publish-update --data ./reg\n\
    \x20 openclaw registry admin token issue zenith/notes --scope publish-update --name ci --data ./reg")]
pub struct IssueToken {
    /// For which skills: acme/*, acme/tool-* or acme/hello
    pattern: Pattern,
    /// What it may do; several with commas between them, or several times
    #[arg(long = "scope", value_enum, value_name = "SCOPE", required = true, value_delimiter = ',')]
    scopes: Vec<Scope>,
    /// What it is called
    #[arg(long, default_value = "token")]
    name: String,
    /// How long it holds, as 90d or 12h: an hour to ten years
    #[arg(long, value_name = "TIME", default_value = "90d")]
    expires: Lifetime,
    #[command(flatten)]
    location: Location,
}

/// List tokens, by what is known of them
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:\n\
    \x20 openclaw registry admin token list --data ./reg\n\
    \x20 openclaw registry admin token list zenith --data ./reg")]
pub struct ListTokens {
    /// Only those of one publisher
    publisher: Option<PublisherName>,
    #[command(flatten)]
    location: Location,
}

/// Revoke a token
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:\n\
    \x20 openclaw registry admin token revoke 0f3a6c1d2b4e5f60 --data ./reg")]
pub struct RevokeToken {
    /// Its id, as `token list` shows it
    id: String,
    #[command(flatten)]
    location: Location,
}

/// Take a skill, a version or an archive down
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:\n\
    \x20 openclaw registry admin takedown acme/evil --reason 'steals tokens' --data ./reg\n\
    \x20 openclaw registry admin takedown acme/hello --version 1.2.0 --reason 'steals tokens' --data ./reg\n\
    \x20 openclaw registry admin takedown acme/hello --archive sha256:… --reason 'steals tokens' --data ./reg")]
pub struct TakeDown {
    /// The skill
    skill: SkillId,
    /// Only this version
    #[arg(long)]
    version: Option<Version>,
    /// These bytes, under whatever name
    #[arg(long, value_name = "DIGEST")]
    archive: Option<Digest>,
    /// Why, for everybody to read
    #[arg(long)]
    reason: Reason,
    #[command(flatten)]
    location: Location,
}

/// Show and rotate the registry's root
#[derive(Debug, Clone, Subcommand)]
pub enum RootCommand {
    /// Show the newest root
    Show(ShowRoot),
    /// Sign the next version of the root; without other flags with a new root key
    Rotate(RotateRoot),
}

/// Show the newest root
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:\n\
    \x20 openclaw registry admin root show --data ./reg")]
pub struct ShowRoot {
    #[command(flatten)]
    location: Location,
}

/// Sign the next version of the root; without other flags with a new root key
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:\n\
    \x20 openclaw registry admin root rotate --data ./reg\n\
    \x20 openclaw registry admin root rotate --renew --data ./reg\n\
    \x20 openclaw registry admin root rotate --add-key ed25519:… --threshold 2 --data ./reg")]
pub struct RotateRoot {
    /// Change nothing but the expiry
    #[arg(long, conflicts_with_all = ["add_keys", "threshold", "log_key", "takedown_key"])]
    renew: bool,
    /// Add a root key, whose secret half somebody else may have
    #[arg(long = "add-key", value_name = "KEY")]
    add_keys: Vec<PublicKey>,
    /// How many root keys must sign from now on
    #[arg(long, value_name = "COUNT")]
    threshold: Option<usize>,
    /// Make a new key for the log
    #[arg(long)]
    log_key: bool,
    /// Make a new key for takedowns
    #[arg(long)]
    takedown_key: bool,
    #[command(flatten)]
    location: Location,
}

/// Write everything into one file
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:\n\
    \x20 openclaw registry admin backup reg.tar --data ./reg")]
pub struct Backup {
    /// The file, which is not there yet
    file: PathBuf,
    #[command(flatten)]
    location: Location,
}

/// Read a backup back into an empty place
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:\n\
    \x20 openclaw registry admin restore reg.tar --data ./reg2\n\
    \x20 openclaw registry admin restore reg.tar --data ./reg2 --database postgres://registry@db/registry")]
pub struct Restore {
    /// The file
    file: PathBuf,
    #[command(flatten)]
    location: Location,
}

/// Verify the whole store
#[derive(Debug, Clone, Args)]
#[command(after_help = "Ends with 1 if something is wrong that was not repaired.\n\nExamples:\n\
    \x20 openclaw registry admin verify --data ./reg\n\
    \x20 openclaw registry admin verify --repair --data ./reg")]
pub struct Verify {
    /// Write anew what follows from signed things and differs, and remove what nothing names
    #[arg(long)]
    repair: bool,
    #[command(flatten)]
    location: Location,
}

/// How long a token holds: `90d`, `12h`.
#[derive(Debug, Clone, Copy)]
struct Lifetime(SignedDuration);

impl FromStr for Lifetime {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let hint = || "write for example 90d or 12h".to_owned();
        let (count, hours) = match (text.strip_suffix('d'), text.strip_suffix('h')) {
            (Some(days), _) => (days, 24),
            (_, Some(hours)) => (hours, 1),
            _ => return Err(hint()),
        };
        let count: u32 = count.parse().map_err(|_| hint())?;
        Ok(Self(SignedDuration::from_hours(i64::from(count) * hours)))
    }
}

impl Admin {
    /// Does it.
    ///
    /// # Errors
    ///
    /// What cannot be done, with nothing changed.
    pub async fn run(self) -> Result<Report> {
        match self {
            Self::Publisher(Publisher::Create(args)) => {
                Registry::open(&args.location).await?.create_publisher(&args.publisher).await?;
                Ok(Report::Created(report::Created { publisher: args.publisher, created: true }))
            }
            Self::Publisher(Publisher::List(args)) => {
                let registry = Registry::open(&args.location).await?;
                let mut connection = registry.store().read().await?;
                let publishers = accounts::list(&mut connection).await?;
                Ok(Report::Publishers(report::Publishers { publishers }))
            }
            Self::Token(Token::Issue(args)) => args.run().await,
            Self::Token(Token::List(args)) => {
                let registry = Registry::open(&args.location).await?;
                let tokens = registry.list_tokens(args.publisher.as_ref()).await?;
                Ok(Report::Tokens(report::Tokens { tokens }))
            }
            Self::Token(Token::Revoke(args)) => {
                Registry::open(&args.location).await?.revoke_token(&args.id).await?;
                Ok(Report::Revoked(report::Revoked { id: args.id, revoked: true }))
            }
            Self::Takedown(args) => args.run().await,
            Self::Root(RootCommand::Show(args)) => {
                let (root, fingerprint) = Registry::open(&args.location).await?.show_root().await?;
                Ok(Report::Root(Box::new(report::ShownRoot { root, fingerprint })))
            }
            Self::Root(RootCommand::Rotate(args)) => args.run().await,
            Self::Backup(args) => {
                let registry = Registry::open(&args.location).await?;
                Ok(Report::Backup(backup::create(&registry, &args.file).await?))
            }
            Self::Restore(args) => Ok(Report::Backup(backup::restore(&args.location, &args.file).await?)),
            Self::Verify(args) => {
                let mode = if args.repair { verify::Mode::Repair } else { verify::Mode::Look };
                let registry = Registry::open(&args.location).await?;
                Ok(Report::Verify(verify::verify(&registry, mode).await?))
            }
        }
    }
}

impl IssueToken {
    async fn run(self) -> Result<Report> {
        let registry = Registry::open(&self.location).await?;
        let new = NewToken {
            name: self.name,
            pattern: self.pattern,
            scopes: self.scopes,
            lifetime: self.expires.0,
        };
        let issued = registry.issue_token(&new).await?;
        let secret = issued.secret.reveal().to_owned();
        Ok(Report::Issued(report::IssuedToken { secret, token: issued.token }))
    }
}

impl TakeDown {
    async fn run(self) -> Result<Report> {
        let registry = Registry::open(&self.location).await?;
        let takedown =
            Takedown { skill: self.skill, version: self.version, archive: self.archive, reason: self.reason };
        let (log_index, releases) = registry.take_down(takedown).await?;
        Ok(Report::Takedown(report::TakenDown::new(log_index, releases)))
    }
}

impl RotateRoot {
    async fn run(self) -> Result<Report> {
        let registry = Registry::open(&self.location).await?;
        let others =
            !self.add_keys.is_empty() || self.threshold.is_some() || self.log_key || self.takedown_key;
        let rotation = Rotation {
            root_key: !self.renew && !others,
            add_keys: self.add_keys,
            threshold: self.threshold,
            log_key: self.log_key,
            takedown_key: self.takedown_key,
        };
        let (root, fingerprint) = registry.rotate_root(&rotation).await?;
        Ok(Report::Root(Box::new(report::ShownRoot { root, fingerprint })))
    }
}
