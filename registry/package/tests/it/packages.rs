//! From a project directory to an installed package and back.

use std::fs;

use openclaw_package::{
    Depth, Limits, Package, PackageSource, ToolList, read_unsigned_dir_unverified, read_unsigned_unverified,
    verify_archive, verify_dir,
};

use crate::common::{Staging, hello, hello_files, key, path, staging, trust};

fn project() -> tempfile::TempDir {
    let place = tempfile::tempdir().unwrap();
    for (name, content) in hello_files() {
        let file = place.path().join(name.as_str());
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, content).unwrap();
    }
    fs::create_dir(place.path().join("src")).unwrap();
    fs::write(place.path().join("src/lib.rs"), "").unwrap();
    place
}

fn refusal(change: impl Fn(&std::path::Path)) -> String {
    let project = project();
    change(project.path());
    let error = Package::from_dir(project.path()).unwrap_err();
    assert!(error.code() == "io" || error.hint().is_some(), "{error}");
    format!("{} {error}", error.code())
}

fn installed() -> (Staging, openclaw_package::Envelope) {
    let staging = staging();
    let packed = hello().pack().unwrap();
    let envelope = packed.sign(&key(1));
    verify_archive(packed.archive.as_slice(), &envelope, |_| trust(&key(1)), &staging.dir, Limits::DEFAULT)
        .unwrap();
    (staging, envelope)
}

#[test]
fn a_project_is_packed_signed_and_verified() {
    let project = project();
    let packed = Package::from_dir(project.path()).unwrap().pack().unwrap();
    assert_eq!(packed, hello().pack().unwrap(), "what lies beside the package is not in it");
    let envelope = packed.sign(&key(1));
    let staging = staging();
    let keys = |publisher: &openclaw_package::PublisherName| {
        assert_eq!(publisher.as_str(), "acme");
        vec![key(2).public_key(), key(1).public_key()]
    };
    let verified =
        verify_archive(packed.archive.as_slice(), &envelope, keys, &staging.dir, Limits::DEFAULT).unwrap();
    assert_eq!(verified.signer(), &key(1).public_key());
    assert_eq!(verified.archive_digest(), packed.digest);
    assert_eq!(verified.manifest().id().to_string(), "acme/hello");
    assert_eq!(verified.tools().len(), 1);
    assert_eq!(verified.skill_md().description(), "Greets people by name.");
    assert_eq!(verified.files().len(), 6);
    assert_eq!(verified.statement_digest(), openclaw_package::Digest::of(envelope.payload_unverified()));
    let loaded = verify_dir(&staging.dir, &envelope, keys, Depth::Full).unwrap();
    assert_eq!(loaded.statement(), verified.statement());
    assert_eq!(loaded.read_component(&staging.dir).unwrap(), hello().component());
}

#[test]
fn the_components_own_answer_takes_the_place_of_the_file() {
    let project = project();
    fs::remove_file(project.path().join("openclaw/tools.json")).unwrap();
    assert_eq!(Package::from_dir(project.path()).unwrap_err().code(), "missing-file");
    let tools = ToolList::parse(crate::common::TOOLS.as_bytes()).unwrap();
    let source = PackageSource::from_dir_with_tools(project.path(), &tools).unwrap();
    assert_eq!(source.files()[&path("openclaw/tools.json")], tools.to_json());
}

#[test]
fn a_project_that_is_no_package_is_told_why() {
    let remove = |name: &'static str| move |dir: &std::path::Path| fs::remove_file(dir.join(name)).unwrap();
    let add = |name: &'static str| {
        move |dir: &std::path::Path| {
            fs::create_dir_all(dir.join(name).parent().unwrap()).unwrap();
            fs::write(dir.join(name), "x").unwrap();
        }
    };
    insta::assert_snapshot!(refusal(remove("SKILL.md")), @"missing-file SKILL.md is missing");
    insta::assert_snapshot!(refusal(remove("openclaw/skill.wasm")), @"missing-file openclaw/skill.wasm is missing");
    insta::assert_snapshot!(refusal(add("openclaw/notes.txt")), @"extra-file openclaw/notes.txt has no place in the package");
    insta::assert_snapshot!(refusal(add("scripts/run.sh")), @"scripts-directory the package has a directory scripts/, which another agent might run outside any sandbox");
    insta::assert_snapshot!(refusal(add("assets/con.txt")), @r#"unsafe-path the path "assets/con.txt" has the name of a Windows device"#);
    insta::assert_snapshot!(refusal(add("assets/ä.txt")), @r#"unsafe-path the path "assets/ä.txt" is not ASCII"#);
    insta::assert_snapshot!(refusal(|dir| fs::write(dir.join("SKILL.md"), "---\nname: other\ndescription: x\n---\n").unwrap()), @r#"identity-mismatch the name is "other" in SKILL.md, and "hello" elsewhere"#);
    insta::assert_snapshot!(refusal(|dir| fs::write(dir.join("openclaw/skill.toml"), crate::common::MANIFEST.split("[[").next().unwrap()).unwrap()), @"undeclared-import the component imports wasi:http/outgoing-handler@0.2.12, which the manifest does not declare");
}

#[test]
fn files_that_cannot_live_together_are_refused_before_they_are_packed() {
    for (first, second) in
        [("assets/a", "assets/a/b"), ("assets/a", "assets/A"), ("assets/b/c", "assets/B/d")]
    {
        let mut files = hello_files();
        files.insert(path(first), Vec::new());
        files.insert(path(second), Vec::new());
        assert_eq!(
            PackageSource::from_files(files).unwrap_err().code(),
            "duplicate-path",
            "{first} {second}"
        );
    }
}

#[cfg(unix)]
#[test]
fn links_and_special_files_are_not_packed() {
    let link = |name: &'static str| {
        move |dir: &std::path::Path| {
            let _ = fs::remove_file(dir.join(name));
            let _ = fs::remove_dir_all(dir.join(name));
            std::os::unix::fs::symlink("/etc/hostname", dir.join(name)).unwrap();
        }
    };
    for name in ["SKILL.md", "assets/logo.svg", "assets", "openclaw/skill.toml"] {
        assert!(refusal(link(name)).starts_with("not-a-regular-file"), "{name}");
    }
    let socket =
        |dir: &std::path::Path| drop(std::os::unix::net::UnixListener::bind(dir.join("assets/s")).unwrap());
    assert!(refusal(socket).starts_with("not-a-regular-file assets/s"));
}

#[test]
fn an_installed_package_is_checked_at_every_load() {
    let load = |staging: &Staging, envelope: &openclaw_package::Envelope, depth| {
        verify_dir(&staging.dir, envelope, |_| trust(&key(1)), depth)
            .map(|_| ())
            .map_err(|error| format!("{} {error}", error.code()))
    };
    let (staging, envelope) = installed();
    let file = |name: &str| staging.place.path().join(name);
    assert_eq!(load(&staging, &envelope, Depth::Full), Ok(()));
    let component = fs::read(file("openclaw/skill.wasm")).unwrap();
    let mut other = component.clone();
    *other.last_mut().unwrap() ^= 1;
    fs::write(file("openclaw/skill.wasm"), other).unwrap();
    assert_eq!(load(&staging, &envelope, Depth::WithoutComponent), Ok(()));
    let package = verify_dir(&staging.dir, &envelope, |_| trust(&key(1)), Depth::WithoutComponent).unwrap();
    assert_eq!(package.read_component(&staging.dir).unwrap_err().code(), "changed-file");
    let changed = "changed-file openclaw/skill.wasm is not as it was signed";
    assert_eq!(load(&staging, &envelope, Depth::Full).unwrap_err(), changed);
    fs::write(file("openclaw/skill.wasm"), b"").unwrap();
    assert_eq!(load(&staging, &envelope, Depth::WithoutComponent).unwrap_err(), changed);
    fs::write(file("openclaw/skill.wasm"), component).unwrap();

    fs::write(file("references/more.md"), "x").unwrap();
    assert!(load(&staging, &envelope, Depth::Full).unwrap_err().starts_with("extra-file references/more.md"));
    fs::remove_file(file("references/more.md")).unwrap();
    fs::remove_file(file("references/guide.md")).unwrap();
    assert!(
        load(&staging, &envelope, Depth::Full).unwrap_err().starts_with("missing-file references/guide.md")
    );
}

#[test]
fn a_package_without_a_signature_passes_every_other_check() {
    let packed = hello().pack().unwrap();
    let place = staging();
    let package = read_unsigned_unverified(packed.archive.as_slice(), &place.dir, Limits::DEFAULT).unwrap();
    assert_eq!(package.archive_digest(), Some(packed.digest));
    assert_eq!(package.files().len(), 6);
    let again = read_unsigned_dir_unverified(&place.dir).unwrap();
    assert_eq!(again.files(), package.files());
    assert_eq!(again.archive_digest(), None);
    fs::write(place.place.path().join("extra"), "x").unwrap();
    assert_eq!(read_unsigned_dir_unverified(&place.dir).unwrap_err().code(), "extra-file");
}

#[test]
fn a_package_is_the_one_that_was_asked_for() {
    let (staging, envelope) = installed();
    let package = verify_dir(&staging.dir, &envelope, |_| trust(&key(1)), Depth::Full).unwrap();
    let version = semver::Version::new(1, 0, 0);
    assert!(package.expect(&"acme/hello".parse().unwrap(), &version).is_ok());
    for (id, version) in [("acme/other", version), ("acme/hello", semver::Version::new(1, 0, 1))] {
        let error = package.expect(&id.parse().unwrap(), &version).unwrap_err();
        assert_eq!(error.code(), "identity-mismatch");
    }
}

#[test]
fn a_project_has_as_many_files_as_an_archive() {
    let project = project();
    for n in 6..512 {
        fs::write(project.path().join(format!("assets/{n}")), "").unwrap();
    }
    fs::create_dir(project.path().join("references/empty")).unwrap();
    assert_eq!(Package::from_dir(project.path()).unwrap().files().len(), 512);
    fs::write(project.path().join("assets/more"), "").unwrap();
    assert_eq!(Package::from_dir(project.path()).unwrap_err().code(), "too-many-files");
}
