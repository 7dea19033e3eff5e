//! Rows 6 and 17: an install that is killed, and an installed file that is edited.

use std::process::Stdio;
use std::time::Duration;

use openclaw_package::Digest;
use openclaw_tests::proxy::Way;
use openclaw_tests::registry::{HELLO, hello};
use serde_json::json;

use crate::scene::Scene;

#[test]
fn row_6_an_install_that_is_killed_leaves_the_old_version_or_the_new_one() {
    let scene = Scene::new();
    scene.publisher.publish(&hello("1.1.0"));
    let home = &scene.victim;
    let kept = home.path("kept");
    let copy = |from: &std::path::Path, to: &std::path::Path| {
        assert!(std::process::Command::new("cp").arg("-a").args([from, to]).status().unwrap().success());
    };
    copy(&home.data(), &kept);
    scene.proxy.forget();
    let whole = home.fetch(HELLO);
    let took = whole.took;
    whole.json();
    let requests = scene.proxy.requests().len();
    // At each of its questions, and then at moments of what it does when it has all the answers.
    let moments = (0..requests).map(Some).chain((0..12).map(|_| None)).enumerate();
    let mut finished = 0;
    for (step, at) in moments {
        for dir in [home.data(), home.cache().to_owned()] {
            std::fs::remove_dir_all(dir).unwrap();
        }
        copy(&kept, &home.data());
        scene.proxy.be_honest();
        let (tell, told) = std::sync::mpsc::channel();
        let (tell, count) = (std::sync::Mutex::new(tell), std::sync::atomic::AtomicUsize::new(0));
        let last = at.unwrap_or(requests - 1);
        scene.proxy.lie("*", move |_, _| {
            if count.fetch_add(1, std::sync::atomic::Ordering::Relaxed) != last {
                return None;
            }
            tell.lock().unwrap().send(()).unwrap();
            at.map(|_| Way::Silent)
        });
        let mut command = home.command();
        command.args(["registry", "install", HELLO, "--yes"]);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        told.recv().unwrap();
        if at.is_none() {
            let part = f64::from(u32::try_from(step - requests).unwrap()) / 12.0;
            std::thread::sleep(took.mul_f64(part).min(Duration::from_secs(5)));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        scene.proxy.be_honest();
        home.runs_hello();
        let version = home.version_of(HELLO).unwrap();
        assert!(matches!(version.as_str(), "1.0.0" | "1.1.0"), "{version}");
        assert!(at.is_none() || version == "1.0.0", "it was killed before it had all answers");
        finished += u32::from(version == "1.1.0");
        // The next one clears what the killed one left, and goes through.
        assert_eq!(home.fetch(HELLO).json()[0]["version"], "1.1.0", "step {step}");
        home.has_nothing_staged();
        let versions = std::fs::read_dir(home.data().join("skills/acme/hello")).unwrap().count();
        assert_eq!(versions, 1, "step {step}");
        assert_eq!(home.registry(["verify"]).json()[0]["status"], "verified", "step {step}");
    }
    assert!(finished < 12, "no install was interrupted after its questions");
}

#[test]
fn row_17_an_installed_file_that_was_edited_is_refused_and_installed_anew() {
    let scene = Scene::new();
    let home = &scene.victim;
    let version = std::fs::read_dir(home.data().join("skills/acme/hello")).unwrap().next().unwrap().unwrap();
    let package = version.path().join("package");
    for name in ["SKILL.md", "openclaw/skill.toml", "openclaw/tools.json", "openclaw/skill.wasm"] {
        let path = package.join(name);
        let good = std::fs::read(&path).unwrap();
        let mut changed = good.clone();
        *changed.last_mut().unwrap() ^= 1;
        std::fs::write(&path, changed).unwrap();
        let refused = home.call("hello/run", &json!({})).error();
        assert!(refused.exit == 3 && refused.message.contains(name), "{refused:?}");
        let verified = home.registry(["verify"]);
        assert_eq!(verified.code, Some(3), "{verified}");
        assert!(verified.stdout.contains("changed-file"), "{verified}");
        // What was damaged is mended by installing the same again.
        assert_eq!(home.fetch(HELLO).json()[0]["version"], "1.0.0");
        assert_eq!(std::fs::read(&path).unwrap(), good);
        scene.still_works();
    }
    // The proof beside it is checked as well.
    let proof = version.path().join("provenance.json");
    let good = std::fs::read_to_string(&proof).unwrap();
    let other = Digest::of(b"another").hex();
    for changed in [good.replacen("\"index\":", "\"index\":1", 1), good[..good.len() / 2].to_owned(), other] {
        std::fs::write(&proof, changed).unwrap();
        let verified = home.registry(["verify"]);
        assert_eq!(verified.code, Some(3), "{verified}");
    }
    std::fs::write(&proof, good).unwrap();
    scene.still_works();
}
