//! The file system as a program sees it: its runtime, the granted trees, and nothing else.
//!
//! The launcher prepares once what is the same for every program ([`Base`]), in namespaces of its own. An init has
//! a copy of these; it adds the trees of its program, and makes the result its root ([`Base::enter`]).

use std::ffi::CStr;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CloneFlags, unshare};
use nix::unistd::{getegid, geteuid, pivot_root};

use crate::message::{Failure, Launch, Tree};

/// Where the launcher prepares roots: a directory that every system has, and that no tree is in.
const ROOT: &str = "/sys";

/// What a root has of the machine's: programs, libraries, and their data.
const RUNTIME: [&str; 8] = ["usr", "bin", "sbin", "lib", "lib32", "lib64", "libx32", "nix"];

/// What programs read of `/etc`: how libraries are found, names of users, time zone, certificates, types.
pub(crate) const ETC: [&str; 19] = [
    "alternatives",
    "ca-certificates",
    "fonts",
    "gai.conf",
    "gitconfig",
    "group",
    "inputrc",
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "locale.alias",
    "localtime",
    "magic",
    "mime.types",
    "nsswitch.conf",
    "passwd",
    "pki",
    "ssl/certs",
    "timezone",
];

/// Devices without a state that could be changed. What is mapped of `zero` would be memory that nobody counts.
pub(crate) const DEVICES: [&str; 4] = ["full", "null", "random", "urandom"];

/// What is counted for the user in all namespaces together: one program is not to take all of it.
const NOTIFICATIONS: [(&str, &str); 2] = [("max_inotify_instances", "16"), ("max_inotify_watches", "8192")];

/// Of every root: it holds names only.
const ROOT_OPTIONS: &str = "mode=0755,size=16m";
/// Of what a program has for temporary files.
const TEMPORARY_OPTIONS: &str = "mode=1777,size=128m,nr_inodes=16k";

/// Out of sight: an empty directory, and an empty file, that nobody may open.
pub(crate) const HIDDEN_DIR: &str = "/.hidden-directory";
pub(crate) const HIDDEN_FILE: &str = "/.hidden-file";

/// What is the same in every root.
pub(crate) struct Base {
    /// User and group of this process, as they are outside.
    ids: (u32, u32),
}

impl Base {
    /// Makes namespaces for this process, and in them what is the same in every root.
    pub(crate) fn prepare() -> io::Result<Self> {
        let ids = (geteuid().as_raw(), getegid().as_raw());
        unshare(CloneFlags::CLONE_NEWUSER | CloneFlags::CLONE_NEWNS)?;
        map_ids(ids)?;
        mount(None::<&str>, "/", None::<&str>, MsFlags::MS_REC | MsFlags::MS_SLAVE, None::<&str>)?;
        mount(Some("tmpfs"), ROOT, Some("tmpfs"), PLAIN, Some(ROOT_OPTIONS))?;
        for name in RUNTIME {
            let path = Path::new("/").join(name);
            match fs::symlink_metadata(&path) {
                // As on systems where `/lib` leads to `/usr/lib`.
                Ok(found) if found.is_symlink() => symlink(fs::read_link(&path)?, inside(&path))?,
                Ok(found) if found.is_dir() => bind(&path, READ_ONLY)?,
                _ => {}
            }
        }
        for path in ETC.map(|name| Path::new("/etc").join(name)).iter().filter(|path| path.exists()) {
            if path.is_dir() {
                bind(path, READ_ONLY)?;
            } else {
                fs::create_dir_all(inside(Path::new("/etc")))?;
                fs::copy(path, inside(path))?;
            }
        }
        for name in DEVICES {
            // A device takes what is written to it all the same; what cannot be changed is its mode.
            let fixed = NO_SUID | libc::MOUNT_ATTR_NOEXEC | libc::MOUNT_ATTR_RDONLY;
            bind(&Path::new("/dev").join(name), fixed)?;
        }
        for (name, target) in
            [("fd", "/proc/self/fd"), ("stdin", "fd/0"), ("stdout", "fd/1"), ("stderr", "fd/2")]
        {
            symlink(target, inside(&Path::new("/dev").join(name)))?;
        }
        for name in ["/proc", "/tmp", "/workspace", "/data", HIDDEN_DIR] {
            fs::create_dir(inside(Path::new(name)))?;
        }
        File::create(inside(Path::new(HIDDEN_FILE)))?;
        for hidden in [HIDDEN_DIR, HIDDEN_FILE] {
            fs::set_permissions(inside(Path::new(hidden)), Permissions::from_mode(0o0))?;
        }
        Ok(Self { ids })
    }

    /// Makes a root for one program. The process must be the first of new user, mount and PID namespaces.
    pub(crate) fn prepare_root(&self) -> Result<(), Failure> {
        map_ids(self.ids).map_err(Failure::at("mapping the user"))?;
        for (name, most) in NOTIFICATIONS {
            // A kernel without such limits has them for the whole user.
            let _ = fs::write(Path::new("/proc/sys/user").join(name), most);
        }
        // What was mounted by the launcher is locked here; a copy of it is this process's own.
        open_path(Path::new(ROOT), libc::O_DIRECTORY)
            .and_then(|root| attach(&clone_mount(&root)?, &root))
            .map_err(Failure::at("making a root"))?;
        let temporary = inside(Path::new("/tmp"));
        mount(Some("tmpfs"), &temporary, Some("tmpfs"), PLAIN, Some(TEMPORARY_OPTIONS))
            .map_err(Failure::at("making a temporary directory"))?;
        // What tells a program of its own processes, where that can be; most do without.
        let _ = mount(Some("proc"), &inside(Path::new("/proc")), Some("proc"), PLAIN, Some("subset=pid"));
        Ok(())
    }

    /// Adds the trees of the program, and makes the whole the root of this process.
    pub(crate) fn enter(&self, launch: &Launch) -> Result<(), Failure> {
        for tree in &launch.trees {
            show(tree)?;
        }
        std::env::set_current_dir(ROOT).map_err(Failure::at("entering the root"))?;
        pivot_root(".", ".").map_err(Failure::at("entering the root"))?;
        umount2(".", MntFlags::MNT_DETACH).map_err(Failure::at("leaving the old root"))?;
        std::env::set_current_dir("/").map_err(Failure::at("entering the root"))?;
        let fixed = MsFlags::MS_REMOUNT | MsFlags::MS_BIND | MsFlags::MS_RDONLY | PLAIN;
        mount(None::<&str>, "/", None::<&str>, fixed, None::<&str>).map_err(Failure::at("fixing the root"))
    }
}

/// Without programs, devices, or programs that run as another user.
const PLAIN: MsFlags = MsFlags::MS_NOSUID.union(MsFlags::MS_NODEV).union(MsFlags::MS_NOEXEC);

/// Where a path will be, as long as the root has not been entered.
fn inside(path: &Path) -> PathBuf {
    Path::new(ROOT).join(path.strip_prefix("/").unwrap_or(path))
}

/// Puts a tree where the program sees it, and also where it is, since files may name each other by that.
fn show(tree: &Tree) -> Result<(), Failure> {
    let at = |step: &str| format!("{step} {}", tree.source.display());
    let source = open_path(&tree.source, libc::O_DIRECTORY).map_err(Failure::at(at("opening")))?;
    let found = source.metadata().map_err(Failure::at(at("opening")))?;
    if (found.dev(), found.ino()) != tree.identity {
        return Err(Failure::TreeChanged(tree.source.clone()));
    }
    let attributes = NO_SUID | libc::MOUNT_ATTR_NODEV | libc::MOUNT_ATTR_NOEXEC;
    let attributes = if tree.writes { attributes } else { attributes | libc::MOUNT_ATTR_RDONLY };
    let targets = [Some(&tree.target), (tree.target != tree.source).then_some(&tree.source)];
    for (index, target) in targets.into_iter().flatten().enumerate() {
        let place = inside(target);
        let shown = fs::create_dir_all(&place).and_then(|()| {
            let copy = clone_mount(&source)?;
            set_attributes(&copy, attributes)?;
            attach(&copy, &open_path(&place, libc::O_DIRECTORY)?)
        });
        match shown {
            // A path within the runtime cannot be made; there the program knows the tree by its first name only.
            Err(_) if index > 0 => {}
            shown => shown.map_err(Failure::at(at("mounting")))?,
        }
    }
    Ok(())
}

/// Lets this process be the same user in its new user namespace as outside. One whose memory nobody may read does not
/// own its own entries in `/proc`, so it is readable for as long as that takes.
fn map_ids((user, group): (u32, u32)) -> io::Result<()> {
    nix::sys::prctl::set_dumpable(true)?;
    fs::write("/proc/self/setgroups", "deny").or_else(|error| match error.kind() {
        io::ErrorKind::NotFound => Ok(()),
        _ => Err(error),
    })?;
    fs::write("/proc/self/uid_map", format!("{user} {user} 1"))?;
    fs::write("/proc/self/gid_map", format!("{group} {group} 1"))?;
    Ok(nix::sys::prctl::set_dumpable(false)?)
}

const NO_SUID: u64 = libc::MOUNT_ATTR_NOSUID;
pub(crate) const READ_ONLY: u64 = NO_SUID | libc::MOUNT_ATTR_NODEV | libc::MOUNT_ATTR_RDONLY;

/// Mounts a file or directory where it will be in the root.
fn bind(path: &Path, attributes: u64) -> io::Result<()> {
    let place = inside(path);
    if let Some(parent) = place.parent() {
        fs::create_dir_all(parent)?;
    }
    let source = open_path(path, 0)?;
    if source.metadata()?.is_dir() {
        fs::create_dir_all(&place)?;
    } else {
        File::create(&place)?;
    }
    let copy = clone_mount(&source)?;
    set_attributes(&copy, attributes)?;
    attach(&copy, &open_path(&place, libc::O_NOFOLLOW)?)
}

/// A descriptor that stands for a path and opens nothing.
pub(crate) fn open_path(path: &Path, flags: i32) -> io::Result<File> {
    OpenOptions::new().read(true).custom_flags(libc::O_PATH | libc::O_CLOEXEC | flags).open(path)
}

/// The same file, to be read.
pub(crate) fn reopen(file: &impl AsFd) -> io::Result<File> {
    File::open(format!("/proc/self/fd/{}", file.as_fd().as_raw_fd()))
}

/// A copy of what is mounted at and below a place, mounted nowhere yet (`open_tree(2)`).
#[expect(unsafe_code, reason = "the system call has no safe form in the libraries at hand")]
pub(crate) fn clone_mount(of: &impl AsFd) -> io::Result<OwnedFd> {
    const FLAGS: libc::c_uint = libc::OPEN_TREE_CLONE | libc::OPEN_TREE_CLOEXEC;
    let flags = FLAGS | (libc::AT_EMPTY_PATH | libc::AT_RECURSIVE).unsigned_abs();
    // SAFETY: the path is a string that lives as long as the call, and the result is a descriptor of ours.
    unsafe {
        let raw = libc::syscall(libc::SYS_open_tree, of.as_fd().as_raw_fd(), EMPTY.as_ptr(), flags);
        if raw < 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(OwnedFd::from_raw_fd(i32::try_from(raw).map_err(io::Error::other)?))
    }
}

/// Takes rights from a mount and all below it (`mount_setattr(2)`).
#[expect(unsafe_code, reason = "the system call has no safe form in the libraries at hand")]
pub(crate) fn set_attributes(of: &impl AsFd, attributes: u64) -> io::Result<()> {
    if attributes == 0 {
        return Ok(());
    }
    let change = libc::mount_attr { attr_set: attributes, attr_clr: 0, propagation: 0, userns_fd: 0 };
    let flags = (libc::AT_EMPTY_PATH | libc::AT_RECURSIVE).unsigned_abs();
    // SAFETY: path and structure live as long as the call, and the structure's size is told.
    let done = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            of.as_fd().as_raw_fd(),
            EMPTY.as_ptr(),
            flags,
            &raw const change,
            size_of::<libc::mount_attr>(),
        )
    };
    if done < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Mounts a copy at a place (`move_mount(2)`).
#[expect(unsafe_code, reason = "the system call has no safe form in the libraries at hand")]
pub(crate) fn attach(copy: &impl AsFd, place: &impl AsFd) -> io::Result<()> {
    let flags = libc::MOVE_MOUNT_F_EMPTY_PATH | libc::MOVE_MOUNT_T_EMPTY_PATH;
    // SAFETY: both paths are strings that live as long as the call.
    let done = unsafe {
        libc::syscall(
            libc::SYS_move_mount,
            copy.as_fd().as_raw_fd(),
            EMPTY.as_ptr(),
            place.as_fd().as_raw_fd(),
            EMPTY.as_ptr(),
            flags,
        )
    };
    if done < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

const EMPTY: &CStr = c"";
