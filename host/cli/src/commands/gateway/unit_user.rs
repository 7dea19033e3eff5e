//! Whose gateway a unit of the whole machine runs: a user who is not root, and a program that only root can change.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use nix::unistd::{Gid, Uid, User, getgroups, setegid, seteuid, setgroups};

use crate::error::{CliError, Result};
use crate::exit::Exit;

/// The user of that name, or who ran sudo, or this one.
///
/// # Errors
/// It is root, there is none of that name, or only root could read what is theirs.
pub(super) fn find(name: Option<&str>) -> Result<User> {
    let own = Uid::effective();
    let failed = |error: nix::Error| {
        CliError::new(Exit::Host, "host-failure", format!("users cannot be looked up: {error}"))
    };
    let found = match (name, std::env::var("SUDO_UID").ok().filter(|_| own.is_root())) {
        (Some(name), _) => User::from_name(name),
        (None, Some(text)) => text.parse().map_or(Ok(None), |uid| User::from_uid(Uid::from_raw(uid))),
        (None, None) => User::from_uid(own),
    };
    let Some(user) = found.map_err(failed)? else {
        let message = format!("there is no user {}", name.unwrap_or("as sudo and this process name it"));
        return Err(CliError::new(Exit::NotFound, "unknown-user", message).hint("name one: --user NAME"));
    };
    if user.uid.is_root() {
        let message = "a gateway for the whole machine runs as a user, and not as root";
        return Err(CliError::new(Exit::Refused, "root-user", message)
            .hint("name whose skills it serves: sudo openclaw gateway --install --system --user NAME"));
    }
    if user.uid != own && !own.is_root() {
        let message = format!("only root can write a unit for {}", user.name);
        return Err(CliError::new(Exit::Refused, "not-root", message).hint("run it with sudo"));
    }
    Ok(user)
}

/// Does something with the rights of a user, so that nothing is read or made that is not theirs to read or make.
///
/// # Errors
/// This process cannot become that user, or that fails.
pub(super) fn acting_as<T>(user: &User, act: impl FnOnce() -> Result<T>) -> Result<T> {
    let own = Uid::effective();
    if user.uid == own {
        return act();
    }
    let failed = |error: nix::Error| {
        CliError::new(
            Exit::Host,
            "host-failure",
            format!("this process cannot act as {}: {error}", user.name),
        )
    };
    let (group, groups) = (Gid::effective(), getgroups().map_err(failed)?);
    setgroups(&[user.gid])
        .and_then(|()| setegid(user.gid))
        .and_then(|()| seteuid(user.uid))
        .map_err(failed)?;
    let done = act();
    seteuid(own).and_then(|()| setegid(group)).and_then(|()| setgroups(&groups)).map_err(failed)?;
    done
}

/// Refuses a program that others than root could put another in place of.
///
/// # Errors
/// Its file, or a directory above it, is not root's, or others may write there.
pub(super) fn check_program(program: &Path) -> Result<()> {
    for path in program.ancestors() {
        let meta = std::fs::symlink_metadata(path).map_err(CliError::at(path))?;
        if meta.uid() != 0 || meta.mode() & 0o022 != 0 {
            let message = format!("{} can be changed by others than root", path.display());
            return Err(CliError::new(Exit::Refused, "program-not-roots", message).hint(
                "put the program where only root writes: sudo install -m 755 openclaw /usr/local/bin/openclaw",
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn root_and_nobody_known_are_no_users_of_a_gateway() {
        assert_eq!(find(Some("root")).unwrap_err().code, "root-user");
        assert_eq!(find(Some("no-such-user")).unwrap_err().code, "unknown-user");
    }

    #[test]
    fn a_program_that_others_can_change_is_refused() {
        // Directories for temporary files can be written by everybody, so each below one is refused, too.
        let dir = tempfile::tempdir().unwrap();
        let program = dir.path().join("openclaw");
        std::fs::write(&program, "").unwrap();
        assert_eq!(check_program(&program).unwrap_err().code, "program-not-roots");
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o777)).unwrap();
        let error = check_program(&program).unwrap_err();
        assert!(error.message.starts_with(&format!("{} can", program.display())), "{}", error.message);
    }

    #[test]
    fn a_program_of_the_system_is_taken() {
        let Ok(shell) = Path::new("/bin/sh").canonicalize() else { return };
        assert!(check_program(&shell).is_ok());
    }
}
