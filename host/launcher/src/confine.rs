//! What the program's process gives up between `fork` and `execve`, for itself and all that comes of it.

use std::fs::File;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use landlock::{AccessFs, BitFlags, PathBeneath, Ruleset, RulesetCreated, RulesetCreatedAttr, make_bitflags};
use nix::sys::resource::{Resource, getrlimit, setrlimit};

use crate::message::{Failure, Launch};
use crate::rights::{READ, ruleset, write};
use crate::view::{DEVICES, ETC};

/// Files that a program may hold open.
const OPEN_FILES: u64 = 1_024;

/// Libraries and data of programs; the directories of programs themselves are no part of it.
const READABLE: [&str; 14] = [
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/nix/store",
    "/usr/include",
    "/usr/lib",
    "/usr/lib32",
    "/usr/lib64",
    "/usr/libx32",
    "/usr/local/include",
    "/usr/local/lib",
    "/usr/local/share",
    "/usr/share",
];

/// Where the program finds what it may use.
pub(crate) struct Place<'a> {
    pub(crate) program: &'a File,
    /// What loads it, and its helpers.
    pub(crate) loaders: &'a [PathBuf],
    /// A directory for what is temporary.
    pub(crate) temporary: &'a Path,
    /// Whether all of this is in namespaces of its own.
    pub(crate) namespaces: bool,
}

/// Takes away what the kernel hands out in numbers.
pub(crate) fn limit(launch: &Launch) -> Result<(), Failure> {
    let limits = &launch.limits;
    let seconds = limits.time_ms / 1_000 + 2;
    for (resource, most) in [
        (Resource::RLIMIT_CORE, 0),
        (Resource::RLIMIT_CPU, seconds),
        (Resource::RLIMIT_DATA, limits.memory_bytes),
        (Resource::RLIMIT_FSIZE, limits.file_bytes),
        (Resource::RLIMIT_NOFILE, OPEN_FILES),
        (Resource::RLIMIT_NPROC, limits.processes),
    ] {
        let most = getrlimit(resource).map_or(most, |(_, hard)| most.min(hard));
        setrlimit(resource, most, most).map_err(Failure::at("limiting what it uses up"))?;
    }
    Ok(())
}

/// Gives up capabilities for whatever is executed later, by this process or those that it makes; what it can do now
/// stays.
#[expect(unsafe_code, reason = "the system calls have no safe form in the libraries at hand")]
pub(crate) fn bound_capabilities() {
    const LAST: libc::c_int = 63;
    // Nobody who has none can lock them; nobody who has none needs to.
    // SAFETY: these take numbers only.
    unsafe {
        // Those past the last that the kernel has are refused.
        let mut all = 0..=LAST;
        while all.next().is_some_and(|one| libc::prctl(libc::PR_CAPBSET_DROP, one, 0, 0, 0) == 0) {}
        libc::prctl(libc::PR_CAP_AMBIENT, libc::PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    }
}

/// Gives up those that this process has, for good.
#[expect(unsafe_code, reason = "the system call has no safe form in the libraries at hand")]
pub(crate) fn drop_capabilities() -> Result<(), Failure> {
    const VERSION_3: u32 = 0x2008_0522;
    const STEP: &str = "giving up capabilities";
    let header = [VERSION_3, 0];
    let none = [0_u32; 6];
    // SAFETY: both structures are as version 3 of the call has them, and live as long as the call.
    if unsafe { libc::syscall(libc::SYS_capset, header.as_ptr(), none.as_ptr()) } != 0 {
        return Err(Failure::at(STEP)(std::io::Error::last_os_error()));
    }
    nix::sys::prctl::set_no_new_privs().map_err(Failure::at(STEP))
}

/// Leaves it the files that it was given, by Landlock.
pub(crate) fn restrict(launch: &Launch, place: &Place<'_>) -> Result<(), Failure> {
    const STEP: &str = "restricting files";
    let run = make_bitflags!(AccessFs::{Execute | ReadFile});
    let mut rules = Rules(ruleset().and_then(Ruleset::create).map_err(Failure::at(STEP))?);
    rules.add(place.program, run)?;
    for path in place.loaders.iter().map(PathBuf::as_path).chain([launch.program.as_path()]) {
        rules.add_path(path, run)?;
    }
    for helper in &launch.helpers {
        rules.add_path(helper, if helper.is_dir() { run | AccessFs::ReadDir } else { run })?;
    }
    for path in READABLE {
        rules.add_path(Path::new(path), READ)?;
    }
    if place.namespaces {
        rules.add_path(Path::new("/etc"), READ)?;
        rules.add_path(Path::new("/proc"), READ)?;
    } else {
        for name in ETC {
            rules.add_path(&Path::new("/etc").join(name), READ)?;
        }
    }
    for name in DEVICES {
        let device = Path::new("/dev").join(name);
        rules.add_path(&device, make_bitflags!(AccessFs::{ReadFile | WriteFile | Truncate}))?;
    }
    rules.add_path(place.temporary, write())?;
    for tree in &launch.trees {
        let path = if place.namespaces { &tree.target } else { &tree.source };
        rules.add_path(path, if tree.writes { write() } else { READ })?;
        if place.namespaces && tree.target != tree.source {
            rules.add_path(&tree.source, if tree.writes { write() } else { READ })?;
        }
    }
    rules.0.restrict_self().map_err(Failure::at(STEP)).map(drop)
}

struct Rules(RulesetCreated);

impl Rules {
    /// Allows something below a path, if there is such a path.
    fn add_path(&mut self, path: &Path, access: BitFlags<AccessFs>) -> Result<(), Failure> {
        match crate::view::open_path(path, 0) {
            Ok(file) => self.add(&file, access),
            Err(_) => Ok(()),
        }
    }

    fn add(&mut self, file: &File, access: BitFlags<AccessFs>) -> Result<(), Failure> {
        const STEP: &str = "restricting files";
        let is_dir = file.metadata().map_err(Failure::at(STEP))?.is_dir();
        let access = if is_dir { access } else { access & !of_directories() };
        (&mut self.0).add_rule(PathBeneath::new(file.as_fd(), access)).map_err(Failure::at(STEP)).map(drop)
    }
}

/// What only a directory has.
fn of_directories() -> BitFlags<AccessFs> {
    AccessFs::ReadDir
        | AccessFs::RemoveDir
        | AccessFs::RemoveFile
        | AccessFs::MakeDir
        | AccessFs::MakeReg
        | AccessFs::MakeSym
        | AccessFs::Refer
}
