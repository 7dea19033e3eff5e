//! What differs between systems: looking at a file without opening it, and acting on just the file that was looked at.

#[cfg(target_os = "linux")]
pub(super) use linux::{LOOK, append, is_kernel_interface, link, real_path, reopen, set_times};
#[cfg(not(target_os = "linux"))]
pub(super) use other::{LOOK, append, is_kernel_interface, link, real_path, reopen, set_times};

#[cfg(target_os = "linux")]
mod linux {
    use std::ffi::OsString;
    use std::io::IoSlice;
    use std::os::fd::{AsFd, AsRawFd, OwnedFd};
    use std::os::unix::ffi::OsStringExt;
    use std::path::PathBuf;

    use rustix::fs::{
        AtFlags, CWD, Mode, OFlags, Timestamps, fstatfs, futimens, linkat, open, readlinkat, utimensat,
    };
    use rustix::io::{Errno, ReadWriteFlags, pwritev2};

    /// How a file is looked at: nothing is opened, so that a device does nothing and a FIFO does not wait.
    pub(in super::super) const LOOK: OFlags = OFlags::PATH.union(OFlags::CLOEXEC);

    /// File systems whose files are ways to speak to the kernel, by the numbers in `statfs(2)`.
    const KERNEL_INTERFACES: [u32; 14] = [
        0x9fa0,      // proc
        0x6265_6572, // sysfs
        0x6462_6720, // debugfs
        0x7472_6163, // tracefs
        0x7363_6673, // securityfs
        0xf97c_ff8c, // selinuxfs
        0x4341_5d53, // smackfs
        0x0027_e0eb, // cgroup
        0x6367_7270, // cgroup2
        0x6265_6570, // configfs
        0xcafe_4a11, // bpf
        0xde5e_81e4, // efivarfs
        0x1cd1,      // devpts
        0x4249_4e4d, // binfmt_misc
    ];

    /// Whether a file is a way to speak to the kernel: such a file counts as regular, and it may be the
    /// memory of this very process.
    pub(in super::super) fn is_kernel_interface(fd: impl AsFd) -> Result<bool, Errno> {
        let number = fstatfs(fd)?.f_type;
        Ok(KERNEL_INTERFACES.iter().any(|known| i128::from(*known) == i128::from(number)))
    }

    fn magic_link(fd: impl AsFd) -> String {
        format!("/proc/self/fd/{}", fd.as_fd().as_raw_fd())
    }

    /// Without `/proc` nothing can be known of a descriptor: not that the file does not exist.
    fn without_proc(error: Errno) -> Errno {
        if error == Errno::NOENT { Errno::IO } else { error }
    }

    /// Where an open file is now.
    pub(in super::super) fn real_path(fd: impl AsFd) -> Result<PathBuf, Errno> {
        let path = readlinkat(CWD, magic_link(fd), Vec::with_capacity(256)).map_err(without_proc)?;
        Ok(PathBuf::from(OsString::from_vec(path.into_bytes())))
    }

    /// Opens the very file that was looked at, wherever its name leads by now.
    pub(in super::super) fn reopen(looked_at: &OwnedFd, flags: OFlags) -> Result<OwnedFd, Errno> {
        open(magic_link(looked_at), flags, Mode::empty()).map_err(without_proc)
    }

    /// Gives the very file that was looked at another name.
    pub(in super::super) fn link(
        looked_at: &OwnedFd,
        _old: (impl AsFd, &str),
        (parent, name): (impl AsFd, &str),
    ) -> Result<(), Errno> {
        linkat(CWD, magic_link(looked_at), parent, name, AtFlags::SYMLINK_FOLLOW)
    }

    /// Sets the times of the very file that was looked at.
    pub(in super::super) fn set_times(looked_at: &OwnedFd, times: &Timestamps) -> Result<(), Errno> {
        match reopen(looked_at, OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC) {
            Ok(file) => futimens(file, times),
            // A file that may not be read; by name, which a confined process is not allowed.
            Err(_) => utimensat(CWD, magic_link(looked_at), times, AtFlags::empty()).map_err(without_proc),
        }
    }

    /// Writes at the end of a file, wherever that is by now.
    pub(in super::super) fn append(file: impl AsFd, bytes: &[u8]) -> Result<usize, Errno> {
        pwritev2(file, &[IoSlice::new(bytes)], 0, ReadWriteFlags::APPEND)
    }
}

#[cfg(not(target_os = "linux"))]
mod other {
    use std::os::fd::{AsFd, OwnedFd};
    use std::path::PathBuf;

    use rustix::fs::{AtFlags, Mode, OFlags, Timestamps, fstat, futimens, linkat, open};
    use rustix::io::{Errno, pwrite};

    /// How a file is looked at: opened for reading in a way that does not wait.
    pub(in super::super) const LOOK: OFlags =
        OFlags::RDONLY.union(OFlags::NONBLOCK).union(OFlags::NOCTTY).union(OFlags::CLOEXEC);

    /// Whether a file is a way to speak to the kernel: no such file system is known here.
    pub(in super::super) fn is_kernel_interface(_fd: impl AsFd) -> Result<bool, Errno> {
        Ok(false)
    }

    /// Where an open file is now.
    pub(in super::super) fn real_path(fd: impl AsFd) -> Result<PathBuf, Errno> {
        #[cfg(target_vendor = "apple")]
        {
            use std::ffi::OsString;
            use std::os::unix::ffi::OsStringExt;
            let path = rustix::fs::getpath(fd)?;
            Ok(PathBuf::from(OsString::from_vec(path.into_bytes())))
        }
        #[cfg(not(target_vendor = "apple"))]
        {
            let _ = fd;
            Err(Errno::NOTSUP)
        }
    }

    /// Opens the very file that was looked at: by its path, and only if that is still the same file.
    pub(in super::super) fn reopen(looked_at: &OwnedFd, flags: OFlags) -> Result<OwnedFd, Errno> {
        let opened = open(real_path(looked_at)?, flags | OFlags::NOFOLLOW, Mode::empty())?;
        let (was, is) = (fstat(looked_at)?, fstat(&opened)?);
        if (was.st_dev, was.st_ino) == (is.st_dev, is.st_ino) { Ok(opened) } else { Err(Errno::AGAIN) }
    }

    /// Gives a file another name.
    pub(in super::super) fn link(
        _looked_at: &OwnedFd,
        (old_parent, old_name): (impl AsFd, &str),
        (parent, name): (impl AsFd, &str),
    ) -> Result<(), Errno> {
        linkat(old_parent, old_name, parent, name, AtFlags::empty())
    }

    /// Sets the times of the very file that was looked at.
    pub(in super::super) fn set_times(looked_at: &OwnedFd, times: &Timestamps) -> Result<(), Errno> {
        futimens(looked_at, times)
    }

    /// Writes at the end of a file, as it was a moment ago.
    pub(in super::super) fn append(file: impl AsFd, bytes: &[u8]) -> Result<usize, Errno> {
        let end = u64::try_from(fstat(&file)?.st_size).unwrap_or(0);
        pwrite(file, bytes, end)
    }
}
