//! The commands below `openclaw registry`.

use std::path::PathBuf;
use std::str::FromStr;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Subcommand};
use openclaw_package::registry::Visibility;
use openclaw_package::{Digest, Reason, SkillId, SkillName};
use openclaw_registry_server::command::{Admin, LogFormat, Serve};
use semver::{Version, VersionReq};

use super::Consent;

#[derive(Debug, Subcommand)]
pub(crate) enum RegistryCommand {
    /// Pin a registry's root, and store the token that you got from its operator
    Login(RegistryLogin),
    /// Forget a registry's token; its pins stay
    #[command(
        after_help = "Examples:\n  openclaw registry logout\n  openclaw registry logout --registry https://skills.example.com"
    )]
    Logout {
        #[command(flatten)]
        at: At,
    },
    /// List the registries that are known, or make one the default
    #[command(
        after_help = "Examples:\n  openclaw registry list\n  openclaw registry list --default https://skills.example.com"
    )]
    List {
        /// Make this one the default
        #[arg(long, value_name = "URL")]
        default: Option<String>,
    },
    /// Show what your token may do
    #[command(after_help = "Examples:\n  openclaw registry whoami")]
    Whoami {
        #[command(flatten)]
        at: At,
    },
    /// Publish a signed package
    Publish(RegistryPublish),
    /// Find skills by words, category or both
    Search(RegistrySearch),
    /// Show what a skill asks for, who signed it, its tools and its versions
    #[command(
        after_help = "Examples:\n  openclaw registry info acme/hello\n  openclaw registry info acme/hello --json"
    )]
    Info {
        /// The skill
        skill: SkillId,
        #[command(flatten)]
        at: At,
    },
    /// Install skills: resolve, prove, fetch, show what is asked for, put in place
    Install(RegistryInstall),
    /// Bring installed skills up to date, showing what changes in what they ask for
    Update(RegistryUpdate),
    /// Have a version of yours not chosen any more; those who have it in a lockfile keep it
    Yank(RegistryYank),
    /// Check installed skills against their signatures and the log's proofs, without the registry
    #[command(
        after_help = "Examples:\n  openclaw registry verify\n  openclaw registry verify acme/hello --json"
    )]
    Verify {
        /// The skills [default: all that are installed]
        skills: Vec<SkillId>,
    },
    /// Ask the registries what became of the installed skills: takedowns, revoked keys, yanks, new versions
    Audit(RegistryAudit),
    /// Run a registry: SQLite and a directory unless you say otherwise
    Serve(Box<RegistryServe>),
    /// Look after a registry that you run: publishers, tokens, takedowns, root keys, backups
    #[command(subcommand)]
    Admin(Box<Admin>),
}

/// Which registry is meant.
#[derive(Debug, Args)]
pub(crate) struct At {
    /// The registry's URL, letter by letter as at login [default: the default registry]
    #[arg(long, value_name = "URL", env = "OPENCLAW_REGISTRY")]
    pub(crate) registry: Option<String>,
}

#[derive(Debug, Args)]
#[command(
    after_help = "The fingerprint comes from the registry's operator, over another channel. Without --fingerprint it is shown and\n\
                  you are asked; where nobody can be asked, the login is refused.\n\nExamples:\n  \
                  openclaw registry login --registry https://skills.example.com --token \"$TOKEN\" --fingerprint sha256:…\n  \
                  openclaw registry login --registry https://skills.example.com     to read only"
)]
pub(crate) struct RegistryLogin {
    /// The registry's URL
    #[arg(long, value_name = "URL", env = "OPENCLAW_REGISTRY")]
    pub(crate) registry: String,
    /// The token; - reads it from standard input
    #[arg(long, env = "OPENCLAW_REGISTRY_TOKEN", hide_env_values = true)]
    pub(crate) token: Option<String>,
    /// The fingerprint of the registry's root
    #[arg(long)]
    pub(crate) fingerprint: Option<Digest>,
    /// Take this registry in place of another one that is known under the URL
    #[arg(long)]
    pub(crate) replace: bool,
    /// Allow http:// to another machine: what is fetched is checked all the same, the token can be read on the way
    #[arg(long)]
    pub(crate) allow_plain_http: bool,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  openclaw registry publish dist/skill.tar.gz\n  openclaw registry publish dist/skill.tar.gz --visibility=public --category=developer-tools"
)]
pub(crate) struct RegistryPublish {
    /// The package; its signature is beside it
    #[arg(value_name = "PACKAGE")]
    pub(crate) archive: PathBuf,
    /// Who may see it: everybody, or tokens of its publisher [default: as the skill is now; public for a new one]
    #[arg(long, value_parser = visibilities())]
    pub(crate) visibility: Option<Visibility>,
    /// The category [default: the manifest's]
    #[arg(long, value_parser = category)]
    pub(crate) category: Option<String>,
    #[command(flatten)]
    pub(crate) at: At,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  openclaw registry search hello\n  openclaw registry search git --category developer-tools --json\n  openclaw registry search --categories"
)]
pub(crate) struct RegistrySearch {
    /// Words, the last of which may be the beginning of one
    pub(crate) words: Vec<String>,
    /// Only skills of this category
    #[arg(long)]
    pub(crate) category: Option<String>,
    /// The most results
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub(crate) limit: u32,
    /// How many results to leave out
    #[arg(long, default_value_t = 0)]
    pub(crate) offset: u64,
    /// List the categories instead
    #[arg(long, conflicts_with_all = ["words", "category", "offset"])]
    pub(crate) categories: bool,
    #[command(flatten)]
    pub(crate) at: At,
}

#[derive(Debug, Args)]
#[command(
    after_help = "A version range is one of Cargo's: @^1, @~1.2, @=1.2.3, @1 (the same as ^1).\n\nExamples:\n  \
                  openclaw registry install acme/hello\n  openclaw registry install acme/hello@^1 acme/git-helper --yes\n  \
                  openclaw registry install --lockfile ../other/openclaw.lock"
)]
pub(crate) struct RegistryInstall {
    /// The skills, each with a range of versions or without
    #[arg(value_name = "SKILL[@RANGE]", required_unless_present = "lockfile")]
    pub(crate) skills: Vec<SkillSpec>,
    /// Install what another lockfile pins: these versions and these bytes, yanked ones too
    #[arg(long, value_name = "FILE", conflicts_with = "skills")]
    pub(crate) lockfile: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) consent: Consent,
    /// Choose pre-releases too
    #[arg(long)]
    pub(crate) pre_releases: bool,
    /// Install a version older than the installed one
    #[arg(long)]
    pub(crate) allow_downgrade: bool,
    #[command(flatten)]
    pub(crate) at: At,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Each skill stays within the range that it was installed with. What asks for more waits for your consent.\n\n\
                  Examples:\n  openclaw registry update --dry-run\n  openclaw registry update acme/hello --yes\n  \
                  openclaw registry update --latest"
)]
pub(crate) struct RegistryUpdate {
    /// The skills [default: all that came from a registry]
    pub(crate) skills: Vec<SkillId>,
    /// Show what would change, and change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Leave the range that a skill was installed with, and forget it
    #[arg(long)]
    pub(crate) latest: bool,
    #[command(flatten)]
    pub(crate) consent: Consent,
    /// Choose pre-releases too
    #[arg(long)]
    pub(crate) pre_releases: bool,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  openclaw registry yank acme/hello@1.0.0\n  openclaw registry yank acme/hello@1.0.0 --reason 'loses data'\n  openclaw registry yank acme/hello@1.0.0 --undo"
)]
pub(crate) struct RegistryYank {
    /// The version
    #[arg(value_name = "SKILL@VERSION")]
    pub(crate) release: ReleaseSpec,
    /// Why, for those who have it
    #[arg(long, default_value = "withdrawn by its publisher")]
    pub(crate) reason: Reason,
    /// Take the yank back
    #[arg(long)]
    pub(crate) undo: bool,
    #[command(flatten)]
    pub(crate) at: At,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Ends with 3 if something that is installed must not run. Fetches the lists of takedowns, which count from then on\n\
                  also without the registry.\n\nExamples:\n  openclaw registry audit\n  openclaw registry audit --whole-log --json"
)]
pub(crate) struct RegistryAudit {
    /// Also read what the log has since the last time, whole, and compare it with what the registry serves
    #[arg(long)]
    pub(crate) whole_log: bool,
}

#[derive(Debug, Args)]
pub(crate) struct RegistryServe {
    #[command(flatten)]
    pub(crate) serve: Serve,
    /// How the log on standard error is written; RUST_LOG says how much of it
    #[arg(long, value_enum, default_value_t = LogFormat::Text)]
    pub(crate) log_format: LogFormat,
}

/// The values that a visibility has, so that help and completions list them.
fn visibilities() -> impl TypedValueParser<Value = Visibility> {
    PossibleValuesParser::new(["public", "private"]).try_map(|text| text.parse::<Visibility>())
}

/// A category is named as a skill is.
fn category(text: &str) -> Result<String, String> {
    match text.parse::<SkillName>() {
        Ok(_) => Ok(text.to_owned()),
        Err(_) => Err(format!("{text:?} is not a category: use a-z, 0-9 and -, as in developer-tools")),
    }
}

/// A skill, and which of its versions: `acme/hello@^1`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SkillSpec {
    /// The skill.
    pub(crate) skill: SkillId,
    /// The versions that will do, where some were named.
    pub(crate) range: Option<VersionReq>,
}

impl FromStr for SkillSpec {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (skill, range) = split(text)?;
        let range = range.map(|range| {
            range.parse().map_err(|error| format!("{range:?} is not a range of versions: {error}"))
        });
        Ok(Self { skill, range: range.transpose()? })
    }
}

/// A version of a skill: `acme/hello@1.0.0`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ReleaseSpec {
    /// The skill.
    pub(crate) skill: SkillId,
    /// The version.
    pub(crate) version: Version,
}

impl FromStr for ReleaseSpec {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (skill, version) = split(text)?;
        let version = version.ok_or_else(|| "name the version: acme/hello@1.0.0".to_owned())?;
        let version = version.parse().map_err(|error| format!("{version:?} is not a version: {error}"))?;
        Ok(Self { skill, version })
    }
}

fn split(text: &str) -> Result<(SkillId, Option<&str>), String> {
    let (skill, version) = match text.split_once('@') {
        Some((skill, version)) => (skill, Some(version)),
        None => (text, None),
    };
    Ok((skill.parse().map_err(|error: openclaw_package::NameError| error.to_string())?, version))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_skill_is_named_with_a_range_or_without() {
        let spec: SkillSpec = "acme/hello@^1".parse().unwrap();
        assert_eq!((spec.skill.as_str(), spec.range), ("acme/hello", Some("^1".parse().unwrap())));
        assert_eq!("acme/hello".parse::<SkillSpec>().unwrap().range, None);
        for wrong in
            ["acme", "acme/hello@", "acme/hello@one", "acme/hello@1@2", "../hello", "acme/hello/greet"]
        {
            assert!(wrong.parse::<SkillSpec>().is_err(), "{wrong}");
        }
        assert!("acme/hello@^1".parse::<ReleaseSpec>().is_err());
        assert!("acme/hello".parse::<ReleaseSpec>().is_err());
        assert!("acme/hello@1.0.0".parse::<ReleaseSpec>().is_ok());
    }
}
