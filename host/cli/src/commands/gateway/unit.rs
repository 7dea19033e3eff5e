//! `openclaw gateway --install`: a systemd unit that keeps the gateway running, confined as far as its skills allow.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use openclaw_gateway::tokens::TokenStore;
use openclaw_package::Access;
use openclaw_runtime::layout::replace;
use openclaw_runtime::policy::{Place, Policy, Rule};

use super::unit_user::{acting_as, check_program, find};
use crate::cli::Gateway;
use crate::environment::{self, Environment};
use crate::error::{CliError, Result};
use crate::exit::Exit;
use crate::json::GatewayUnit;
use crate::output::Output;

/// What the unit is called.
const NAME: &str = "openclaw-gateway.service";

/// What a unit says of this owner.
struct Unit {
    program: PathBuf,
    data_dir: PathBuf,
    cache_dir: PathBuf,
    config: PathBuf,
    /// Directories that skills were granted for writing.
    writable: BTreeSet<PathBuf>,
    /// For the whole machine: as whom it runs.
    user: Option<(u32, u32)>,
}

/// Writes the unit.
pub(super) fn install(arguments: &Gateway, environment: &Environment, output: &Output) -> Result<()> {
    let system = arguments.system;
    let text = Unit::asked(arguments, environment)?.text()?;
    let path = if system { Path::new("/etc/systemd/system").join(NAME) } else { user_dir()?.join(NAME) };
    if let Some(dir) = path.parent() {
        std::fs::create_dir_all(dir).map_err(CliError::at(dir))?;
    }
    replace(&path, text.as_bytes())?;
    let systemctl = if system { "systemctl" } else { "systemctl --user" };
    let mut next = vec![format!("{systemctl} daemon-reload"), format!("{systemctl} enable --now {NAME}")];
    if !system {
        next.push("loginctl enable-linger    # to keep it running while you are logged out".to_owned());
    }
    if output.is_json() {
        return output.document(&GatewayUnit { path, next });
    }
    output.line(format_args!("{} is written; next:", path.display()));
    output.lines(next.iter().map(|line| format!("  {line}")));
    output.note("after a grant of another directory for writing, write the unit again");
    Ok(())
}

/// Prints the unit.
pub(super) fn print(arguments: &Gateway, environment: &Environment, output: &Output) -> Result<()> {
    output.bytes(Unit::asked(arguments, environment)?.text()?.as_bytes());
    Ok(())
}

fn user_dir() -> Result<PathBuf> {
    let config = std::env::var_os("XDG_CONFIG_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let config = config.or_else(|| Some(std::env::home_dir()?.join(".config")));
    let config = config.ok_or_else(|| {
        CliError::new(Exit::Host, "no-home", "this user has no home directory").hint("set XDG_CONFIG_HOME")
    })?;
    Ok(config.join("systemd/user"))
}

impl Unit {
    /// For this user, or for the whole machine.
    fn asked(arguments: &Gateway, environment: &Environment) -> Result<Self> {
        let program = environment::this_program()?;
        if !arguments.system {
            return Self::of(program, environment);
        }
        let user = find(arguments.user.as_deref())?;
        check_program(&program)?;
        let unit = acting_as(&user, || {
            if rustix::process::getuid() == rustix::process::geteuid() {
                return Self::of(program, environment);
            }
            Self::of(program, &Environment::of_home(&user.dir)?)
        })?;
        Ok(Self { user: Some((user.uid.as_raw(), user.gid.as_raw())), ..unit })
    }

    fn of(program: PathBuf, environment: &Environment) -> Result<Self> {
        let (dir, config) = (environment.data_dir()?, environment.config()?);
        let tokens = TokenStore::of(&dir).list()?.into_iter().filter_map(|token| token.workspace);
        let agents = config.agents(environment.config_dir()).into_iter().filter_map(|agent| agent.workspace);
        let memory = config.memory(environment.config_dir()).file_memory.path;
        Ok(Self {
            program,
            data_dir: dir.root().to_owned(),
            cache_dir: environment.cache_path().to_owned(),
            config: environment.config_path().to_owned(),
            writable: writable(&Policy::load(&dir.policy())?),
            user: None,
        }
        .with_workspaces(tokens.chain(agents).chain(memory)))
    }

    fn with_workspaces(mut self, workspaces: impl Iterator<Item = PathBuf>) -> Self {
        self.writable.extend(workspaces);
        self
    }

    fn text(&self) -> Result<String> {
        let value = |path: &Path| quoted("", path);
        // What is not there by then keeps nothing from starting.
        let optional = |path: &Path| quoted("-", path);
        let user = self.user.map(|(user, group)| format!("User={user}\nGroup={group}\n")).unwrap_or_default();
        let mut writable = format!("ReadWritePaths={}\n", value(&self.data_dir)?);
        for path in self.writable.iter().chain([&self.cache_dir]) {
            writable.push_str(&format!("ReadWritePaths={}\n", optional(path)?));
        }
        let system = if self.user.is_some() { SYSTEM } else { "" };
        let target = if self.user.is_some() { "multi-user.target" } else { "default.target" };
        Ok(TEMPLATE
            .replace("{program}", &value(&self.program)?)
            .replace("{data}", &quoted("OPENCLAW_DATA_DIR=", &self.data_dir)?)
            .replace("{cache}", &quoted("OPENCLAW_CACHE_DIR=", &self.cache_dir)?)
            .replace("{config}", &quoted("OPENCLAW_CONFIG_PATH=", &self.config)?)
            .replace("{user}", &user)
            .replace("{writable}", &writable)
            .replace("{system}", system)
            .replace("{target}", target))
    }
}

/// The directories that the policy lets skills write to.
fn writable(policy: &Policy) -> BTreeSet<PathBuf> {
    let rules = policy.skills().flat_map(|(_, skill)| &skill.allow);
    let trees = rules.filter_map(|rule| match rule {
        Rule::Filesystem(rule) if rule.access == Access::Write => match &rule.place {
            Place::Path(path) => Some(path.clone()),
            Place::Data => None,
        },
        _ => None,
    });
    trees.collect()
}

/// A path as a unit takes it literally, with what stands before it.
fn quoted(prefix: &str, path: &Path) -> Result<String> {
    let text = path.to_str().filter(|text| !text.contains(['\n', '\r', '\0']));
    let Some(text) = text else {
        let message = format!("{} cannot stand in a unit", path.display());
        return Err(
            CliError::new(Exit::Host, "invalid-path", message).hint("choose a path of plain characters")
        );
    };
    Ok(format!("\"{prefix}{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('%', "%%")))
}

/// What a manager of one user may not set. Whoever makes a user namespace has all rights in it again, so programs of
/// skills are confined without any right outside.
const SYSTEM: &str = "\
CapabilityBoundingSet=
PrivateDevices=yes
ProtectKernelModules=yes
ProtectClock=yes
";

/// What is left out is left out for a reason: namespaces and mounts are how programs of skills are confined, over /proc
/// nothing may lie for that (as with `ProtectKernelLogs=` and `ProtectKernelTunables=`), and compiled skills are memory
/// that was written and is executed.
const TEMPLATE: &str = "\
# Written by `openclaw gateway --install`, which writes it anew.
[Unit]
Description=OpenClaw gateway
Documentation=man:systemd.exec(5)
After=network-online.target
Wants=network-online.target
StartLimitIntervalSec=60
StartLimitBurst=5

[Service]
Type=notify
NotifyAccess=main
ExecStart={program} gateway
ExecReload=/bin/kill -HUP $MAINPID
Environment={data}
Environment={cache}
Environment={config}
{user}Restart=on-failure
RestartSec=2
TimeoutStartSec=60
TimeoutStopSec=90
KillMode=mixed
UMask=0077

# It reads what its skills may read, and writes what is listed here and nothing else.
NoNewPrivileges=yes
ProtectSystem=strict
{writable}{system}PrivateTmp=yes
LockPersonality=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK
SystemCallArchitectures=native
MemoryMax=4G
TasksMax=4096
LimitNOFILE=65536

[Install]
WantedBy={target}
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_taken_literally() {
        assert_eq!(quoted("-", Path::new("/srv/my code")).unwrap(), "\"-/srv/my code\"");
        assert_eq!(quoted("", Path::new("/a%b\"d\\e")).unwrap(), r#""/a%%b\"d\\e""#);
        assert!(quoted("", Path::new("/a\nExecStart=/bin/sh")).is_err());
    }

    #[test]
    fn what_skills_may_write_is_writable() {
        let text = "version = 1\n[skill.\"acme/x\"]\nallow = [\"filesystem:write /srv/code\", \"filesystem:read /srv/docs\", \
                    \"filesystem:write $data\"]\n";
        let policy = Policy::parse(text, Path::new("policy.toml")).unwrap();
        assert_eq!(writable(&policy), BTreeSet::from([PathBuf::from("/srv/code")]));
    }
}
