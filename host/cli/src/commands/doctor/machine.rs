//! What the machine has to offer: the toolchain for authors, and the kernel for everybody.

use std::fs;

use landlock::{ABI, Access, AccessFs, CompatLevel, Compatible, Ruleset, RulesetAttr};

use super::{passed, warned};
use crate::json::Check;
use crate::toolchain::{self, OLDEST, TARGET};

/// Memory maps that a process may have on a kernel that nobody tuned.
const USUAL_MAPS: u64 = 65_530;

/// The Rust toolchain. Who only installs skills needs none, so nothing here fails.
pub(super) fn toolchain() -> Vec<Check> {
    let mut checks = Vec::new();
    for program in ["cargo", "rustc"] {
        checks.push(match toolchain::version(program) {
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
    checks.push(if toolchain::has_target() {
        passed("target", format!("{TARGET} is installed"))
    } else {
        warned(
            "target",
            format!("{TARGET} is not installed; building skills needs it"),
            toolchain::add_target(),
        )
    });
    checks
}

/// What the kernel can do.
pub(super) fn kernel() -> Vec<Check> {
    vec![landlock(), namespaces(), pagemap_scan(), swap(), maps()]
}

/// The highest of the versions that can be told apart by their access rights to files.
fn landlock() -> Check {
    let supported = |abi: ABI| {
        let ruleset = Ruleset::default().set_compatibility(CompatLevel::HardRequirement);
        ruleset.handle_access(AccessFs::from_all(abi)).and_then(Ruleset::create).is_ok()
    };
    let versions = [(5, ABI::V5), (3, ABI::V3)];
    match versions.into_iter().find(|(_, abi)| supported(*abi)) {
        Some((version, _)) => passed("landlock", format!("version {version} or later")),
        None => warned(
            "landlock",
            "this kernel does not have it, or an old one; level isolated is refused",
            "use Linux 6.2 or later, built with Landlock and with it in its list of security modules (lsm=)",
        ),
    }
}

fn namespaces() -> Check {
    let number = |path: &str| fs::read_to_string(path).ok().and_then(|text| text.trim().parse::<u64>().ok());
    let forbidden = number("/proc/sys/user/max_user_namespaces") == Some(0)
        || number("/proc/sys/kernel/unprivileged_userns_clone") == Some(0)
        || number("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") == Some(1);
    if forbidden {
        warned(
            "user namespaces",
            "this kernel lets unprivileged users make none; process permissions, when they come, will hold less",
            "see user.max_user_namespaces and kernel.unprivileged_userns_clone in sysctl",
        )
    } else {
        passed("user namespaces", "can be made")
    }
}

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
