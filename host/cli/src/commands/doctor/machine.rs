//! What the machine has to offer: the toolchain for authors, and the kernel for everybody.

use std::fs;

use openclaw_runtime::launcher::{Launcher, Means};

use super::{passed, warned};
use crate::environment;
use crate::error::CliError;
use crate::exit::Exit;
use crate::invocation::wait;
use crate::json::Check;
use crate::toolchain::cargo::{self, OLDEST, TARGET};
use crate::toolchain::interpreters;

/// Memory maps that a process may have on a kernel that nobody tuned.
const USUAL_MAPS: u64 = 65_530;

/// What skills are built with. Who only installs them needs none of it, so nothing here fails.
pub(super) fn toolchain() -> Vec<Check> {
    let mut checks = Vec::new();
    for program in ["cargo", "rustc"] {
        checks.push(match cargo::version(program) {
            Ok(version) if version < OLDEST => {
                let detail = format!("{version}; building skills needs {OLDEST} or later");
                warned(program, detail, "rustup update stable")
            }
            Ok(version) => passed(program, version.to_string()),
            Err(error) => {
                let mend = error.hint.unwrap_or_default();
                warned(program, format!("{}; building skills needs it", error.message), mend)
            }
        });
    }
    checks.push(if cargo::has_target() {
        passed("target", format!("{TARGET} is installed"))
    } else {
        warned("target", format!("{TARGET} is not installed; building skills needs it"), cargo::add_target())
    });
    checks.extend(interpreters().map(|(program, languages, version)| match version {
        Ok(version) => passed(program, version.to_string()),
        Err(error) => {
            let detail = format!("{}; building skills in {languages} needs it", error.message);
            warned(program, detail, error.hint.unwrap_or_default())
        }
    }));
    checks
}

/// What the kernel can do.
pub(super) fn kernel() -> Vec<Check> {
    let mut checks = confinement();
    checks.extend([pagemap_scan(), swap(), maps()]);
    checks
}

/// What confines worker processes and programs of skills, as the launcher finds it.
fn confinement() -> Vec<Check> {
    let means = environment::launcher().and_then(|launcher| {
        let means = wait(async { Launcher::new(launcher).means().await })?;
        means.map_err(|error| CliError::new(Exit::Host, "launcher-unavailable", error.to_string()))
    });
    match means {
        Ok(Means { landlock, namespaces }) => vec![
            if landlock {
                passed("landlock", "of Linux 6.2 or later")
            } else {
                warned(
                    "landlock",
                    "this kernel does not have it, or an old one; level isolated and programs of skills are refused",
                    NO_LANDLOCK,
                )
            },
            if namespaces {
                passed("user namespaces", "can be made")
            } else {
                warned(
                    "namespaces",
                    "nobody but root can make them here; programs of skills that may change files are refused",
                    NO_NAMESPACES,
                )
            },
        ],
        Err(error) => vec![warned("confinement", error.message, error.hint.unwrap_or_default())],
    }
}

const NO_LANDLOCK: &str = "use Linux 6.2 or later, built with Landlock and with it in its list of security modules (lsm=). \
    To let programs of skills do all that you can do instead, put unconfined_processes = true at the top of policy.toml";
const NO_NAMESPACES: &str = "see user.max_user_namespaces, kernel.unprivileged_userns_clone and \
    kernel.apparmor_restrict_unprivileged_userns in sysctl; in a container, allow unshare and clone with namespaces. \
    To run such programs unprotected instead, put unconfined_processes = true at the top of policy.toml";

fn pagemap_scan() -> Check {
    let uname = rustix::system::uname();
    let release = uname.release().to_string_lossy().into_owned();
    let mut numbers = release.split(|c: char| !c.is_ascii_digit()).map_while(|part| part.parse::<u32>().ok());
    let version = (numbers.next().unwrap_or_default(), numbers.next().unwrap_or_default());
    if version >= (6, 7) {
        passed("kernel", release)
    } else {
        warned("kernel", format!("{release}; from 6.7 on, calls begin faster"), "use a newer kernel")
    }
}

fn swap() -> Check {
    if rustix::system::sysinfo().totalswap == 0 {
        passed("swap", "off")
    } else {
        warned(
            "swap",
            "on; without it, calls begin faster",
            "nothing has to be done; swapoff -a turns it off",
        )
    }
}

fn maps() -> Check {
    let path = "/proc/sys/vm/max_map_count";
    match fs::read_to_string(path).ok().and_then(|text| text.trim().parse::<u64>().ok()) {
        Some(maps) if maps < USUAL_MAPS => warned(
            "memory maps",
            format!("a process may have {maps}; the sandbox counts on {USUAL_MAPS}"),
            format!("sysctl -w vm.max_map_count={USUAL_MAPS}"),
        ),
        Some(maps) => passed("memory maps", maps.to_string()),
        None => warned("memory maps", format!("{path} cannot be read"), "mount /proc"),
    }
}
