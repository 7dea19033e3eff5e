//! Unsigned, tampered, untrusted or interrupted: nothing of it runs, and what was installed before still does.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail so"
)]

use std::path::{Path, PathBuf};
use std::time::Duration;

use openclaw_tests::{Home, Ran, Skill, component, craft};
use serde_json::json;

fn skill(version: &str) -> Skill {
    Skill::guest("compute").versioned(version)
}

fn signature(archive: &Path) -> PathBuf {
    PathBuf::from(format!("{}.dsse.json", archive.display()))
}

fn echo(home: &Home) -> Ran {
    home.call("compute/echo", &json!({ "text": "hello" }))
}

/// Version 1.0.0 is what is installed, and it works.
#[track_caller]
fn still_works(home: &Home) {
    assert_eq!(echo(home).output()["text"], "hello");
    assert_eq!(home.run(["list"]).json()[0]["version"], "1.0.0");
    let left: Vec<_> =
        std::fs::read_dir(home.data().join("staging")).map(Iterator::collect).unwrap_or_default();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn an_unsigned_package_is_not_installed() {
    let home = Home::with(&skill("1.0.0"));
    let archive = home.pack(&skill("1.1.0"));
    std::fs::remove_file(signature(&archive)).unwrap();
    let refused = home.install_archive(&archive).error();
    assert!(matches!(refused.exit, 3 | 4), "{refused:?}");
    let project = home.path("compute-1.1.0");
    let unsigned = home.path("unsigned.tar.gz");
    let arguments =
        ["skill", "pack", project.to_str().unwrap(), "--output", unsigned.to_str().unwrap(), "--unsigned"];
    let packed = home.run(arguments).json();
    assert!(packed["signer"].is_null(), "{packed}");
    assert!(!signature(&unsigned).exists());
    home.install_archive(&unsigned).error();
    still_works(&home);
    home.run(["skill", "sign", unsigned.to_str().unwrap()]).json();
    assert_eq!(home.install_archive(&unsigned).json()["version"], "1.1.0");
}

#[test]
fn one_bit_anywhere_is_enough_to_refuse() {
    let home = Home::with(&skill("1.0.0"));
    let archive = home.pack(&skill("1.1.0"));
    for path in [archive.clone(), signature(&archive)] {
        let good = std::fs::read(&path).unwrap();
        let positions = [0, 1, 3, 9, 10, good.len() / 3, good.len() / 2, good.len() - 9, good.len() - 1];
        for position in positions {
            let mut changed = good.clone();
            changed[position] ^= 0b100;
            std::fs::write(&path, &changed).unwrap();
            let refused = home.install_archive(&archive).error();
            assert_eq!(refused.exit, 3, "byte {position} of {}: {refused:?}", path.display());
        }
        for bytes in [&good[..good.len() - 2], &good[..good.len() / 2], &[][..], &[&good[..], b"x"].concat()]
        {
            std::fs::write(&path, bytes).unwrap();
            let ran = home.install_archive(&archive);
            assert_eq!(ran.error().exit, 3, "{} bytes of {}: {ran}", bytes.len(), path.display());
        }
        std::fs::write(&path, &good).unwrap();
    }
    still_works(&home);
    assert_eq!(home.install_archive(&archive).json()["version"], "1.1.0");
}

#[test]
fn the_signature_of_another_package_is_none() {
    let home = Home::with(&skill("1.0.0"));
    let (next, other) = (home.pack(&skill("1.1.0")), home.pack(&skill("1.2.0").named("other")));
    let good = std::fs::read(signature(&next)).unwrap();
    for foreign in [signature(&other), signature(&home.path("compute-1.0.0.tar.gz"))] {
        std::fs::copy(foreign, signature(&next)).unwrap();
        assert_eq!(home.install_archive(&next).error().exit, 3);
    }
    still_works(&home);
    std::fs::write(signature(&next), good).unwrap();
    home.install_archive(&next).json();
}

#[test]
fn a_key_that_is_not_trusted_signs_for_nobody() {
    let (home, stranger) = (Home::with(&skill("1.0.0")), Home::new());
    let archive = stranger.pack(&skill("1.1.0"));
    let refused = home.install_archive(&archive).error();
    assert_eq!(refused.exit, 3, "{refused:?}");
    assert!(refused.hint().contains("openclaw trust add"), "{refused:?}");
    // Trust in a key as another publisher's says nothing of this one.
    home.run(["trust", "add", "elsewhere", &stranger.public_key()]).json();
    assert_eq!(home.install_archive(&archive).error().exit, 3);
    still_works(&home);
    home.trust(&stranger.public_key());
    assert_eq!(home.install_archive(&archive).json()["signer"], stranger.public_key());
}

#[test]
fn a_key_that_is_no_longer_trusted_takes_its_skills_with_it() {
    let home = Home::with(&skill("1.0.0"));
    let key = home.public_key();
    home.run(["trust", "remove", "acme", &key]).json();
    let refused = echo(&home).error();
    assert_eq!(refused.exit, 3, "{refused:?}");
    let listed = home.run(["list"]).json();
    assert_eq!(listed[0]["status"], "refused", "{listed}");
    assert_eq!(home.run(["tool", "list"]).json(), json!([]));
    home.trust(&key);
    still_works(&home);
}

/// Where the installed package lies.
fn installed(home: &Home) -> PathBuf {
    let versions = std::fs::read_dir(home.data().join("skills/acme/compute")).unwrap();
    let dirs: Vec<_> = versions.map(|entry| entry.unwrap().path()).collect();
    assert_eq!(dirs.len(), 1, "{dirs:?}");
    dirs[0].join("package")
}

#[test]
fn an_installed_file_that_was_changed_is_named_and_nothing_runs() {
    let home = Home::with(&skill("1.0.0"));
    let package = installed(&home);
    for name in ["SKILL.md", "openclaw/skill.toml", "openclaw/tools.json", "openclaw/skill.wasm"] {
        let path = package.join(name);
        let good = std::fs::read(&path).unwrap();
        let mut changed = good.clone();
        let last = changed.len() - 1;
        changed[last] ^= 1;
        let attempts: [(&str, &dyn Fn()); 3] = [
            ("changed", &|| std::fs::write(&path, &changed).unwrap()),
            ("longer", &|| std::fs::write(&path, [&good[..], b"\n"].concat()).unwrap()),
            ("missing", &|| std::fs::remove_file(&path).unwrap()),
        ];
        for (what, attempt) in attempts {
            attempt();
            let refused = echo(&home).error();
            assert!(matches!(refused.exit, 3 | 6), "{name} {what}: {refused:?}");
            assert!(refused.message.contains(name), "{name} {what}: {refused:?}");
            std::fs::write(&path, &good).unwrap();
            still_works(&home);
        }
    }
}

#[test]
fn an_installed_component_of_another_skill_does_not_run() {
    let home = Home::with(&skill("1.0.0"));
    let path = installed(&home).join("openclaw/skill.wasm");
    let good = std::fs::read(&path).unwrap();
    std::fs::write(&path, component::wat("honest")).unwrap();
    assert!(echo(&home).error().message.contains("openclaw/skill.wasm"));
    std::fs::write(&path, good).unwrap();
    still_works(&home);
}

#[test]
fn a_file_that_was_added_or_is_a_link_is_named_and_nothing_runs() {
    let home = Home::with(&skill("1.0.0"));
    let package = installed(&home);
    for name in ["extra.txt", "scripts/run.sh", "openclaw/other.wasm"] {
        let path = package.join(name);
        let dir = path.parent().unwrap();
        let made = !dir.exists();
        std::fs::create_dir_all(dir).unwrap();
        std::fs::write(&path, "x").unwrap();
        let refused = echo(&home).error();
        assert_eq!(refused.exit, 3, "{refused:?}");
        assert!(refused.message.contains(name), "{refused:?}");
        std::fs::remove_file(&path).unwrap();
        if made {
            std::fs::remove_dir(dir).unwrap();
        }
        still_works(&home);
    }
    // The same bytes by way of a link could be others the next moment.
    let path = package.join("SKILL.md");
    let elsewhere = home.path("SKILL.md");
    std::fs::rename(&path, &elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, &path).unwrap();
    assert!(echo(&home).error().message.contains("SKILL.md"));
    std::fs::remove_file(&path).unwrap();
    std::fs::rename(&elsewhere, &path).unwrap();
    still_works(&home);
}

#[test]
fn a_lockfile_that_was_edited_does_not_load_something_else() {
    let home = Home::with(&skill("1.0.0"));
    let path = home.data().join("openclaw.lock");
    let good = std::fs::read_to_string(&path).unwrap();
    let line = |key: &str| {
        good.lines()
            .find(|line| line.starts_with(key))
            .unwrap_or_else(|| panic!("no {key} in {good}"))
            .to_owned()
    };
    for key in ["archive", "statement", "signer", "version = \"1"] {
        let before = line(key);
        // Another character in the middle of what is pinned.
        let at = before.len() - 6;
        let other = if before.as_bytes()[at] == b'0' { "1" } else { "0" };
        let after = format!("{}{other}{}", &before[..at], &before[at + 1..]);
        std::fs::write(&path, good.replace(&before, &after)).unwrap();
        let refused = echo(&home).error();
        assert!(matches!(refused.exit, 3 | 6), "{after}: {refused:?}");
        std::fs::write(&path, &good).unwrap();
        still_works(&home);
    }
    for garbage in ["", "version = 2\n", "not toml at all [", &format!("{good}\nextra = true\n")] {
        std::fs::write(&path, garbage).unwrap();
        assert!(matches!(echo(&home).error().exit, 3 | 4 | 6), "{garbage}");
        std::fs::write(&path, &good).unwrap();
    }
    still_works(&home);
}

#[test]
fn an_install_that_is_killed_leaves_the_old_version_or_the_new_one() {
    let home = Home::with(&skill("1.0.0"));
    let archive = home.pack(&skill("1.1.0"));
    let kept = home.path("kept");
    copy(&home.data(), &kept);
    // How long a whole install takes here, to kill others somewhere in it.
    let whole = home.install_archive(&archive).took;
    let mut finished = 0;
    for step in 0..14_u32 {
        std::fs::remove_dir_all(home.data()).unwrap();
        copy(&kept, &home.data());
        let mut command = home.command();
        command.args([std::ffi::OsStr::new("install"), archive.as_os_str(), "--yes".as_ref()]);
        let mut child =
            command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null()).spawn().unwrap();
        std::thread::sleep(whole.mul_f64(f64::from(step) / 12.0).min(Duration::from_secs(5)));
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(echo(&home).output()["text"], "hello", "step {step}");
        let version = home.run(["list"]).json()[0]["version"].as_str().unwrap().to_owned();
        assert!(matches!(version.as_str(), "1.0.0" | "1.1.0"), "{version}");
        finished += u32::from(version == "1.1.0");
        // The next install clears what the killed one left, and goes through.
        assert_eq!(home.install_archive(&archive).json()["version"], "1.1.0", "step {step}");
        assert_eq!(std::fs::read_dir(home.data().join("staging")).unwrap().count(), 0, "step {step}");
        installed(&home);
        assert_eq!(echo(&home).output()["text"], "hello", "step {step}");
    }
    assert!(finished < 14, "no install was interrupted");
}

#[test]
fn an_upgrade_that_does_not_load_leaves_the_old_version() {
    let home = Home::with(&skill("1.0.0"));
    let broken = Skill::new("compute", component::wat("newer_function_import")).versioned("1.1.0");
    let archive = craft::package(&home, &broken, &craft::one_tool());
    assert_eq!(home.install_archive(&archive).error().exit, 3);
    still_works(&home);
    home.install(&skill("1.2.0"));
}

fn copy(from: &Path, to: &Path) {
    assert!(std::process::Command::new("cp").arg("-a").arg(from).arg(to).status().unwrap().success());
}

#[test]
fn two_installs_at_once_do_not_mix() {
    let home = Home::with(&skill("1.0.0"));
    let archives =
        [home.pack(&skill("1.1.0")), home.pack(&skill("1.2.0")), home.pack(&skill("1.0.0").named("other"))];
    std::thread::scope(|scope| {
        for archive in &archives {
            scope.spawn(|| home.install_archive(archive));
        }
    });
    let listed = home.run(["list"]).json();
    assert_eq!(listed.as_array().map(Vec::len), Some(2), "{listed}");
    assert_eq!(listed[0]["status"], "loaded", "{listed}");
    assert_eq!(listed[1]["status"], "loaded", "{listed}");
    assert_eq!(echo(&home).output()["text"], "hello");
}

#[test]
fn names_that_read_the_same_are_not_both_installed() {
    let home = Home::with(&skill("1.0.0").named("git-helper"));
    let archive = home.pack(&skill("1.0.0").named("githelper"));
    home.install_archive(&archive).refused("name-collision");
    assert_eq!(home.run(["list"]).json().as_array().map(Vec::len), Some(1));
    home.install(&skill("1.1.0").named("git-helper"));
}

#[test]
fn a_key_is_never_overwritten_and_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let home = Home::new();
    let key = home.public_key();
    home.run(["key", "new", "acme"]).error();
    assert_eq!(home.public_key(), key);
    let path = home.data().join("keys/acme.key");
    assert_eq!(std::fs::metadata(path).unwrap().permissions().mode() & 0o077, 0);
    home.plain(["key", "show", "nobody"]).error_line();
}
