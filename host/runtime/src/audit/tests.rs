//! What is done to a log and what the check says of it; files that are full, torn, old or too many.

use std::path::PathBuf;

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;

/// A log in a directory of its own.
struct Scene {
    dir: TempDir,
    path: PathBuf,
}

impl Scene {
    fn empty() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("audit.ndjson");
        Self { dir, path }
    }

    /// A log of so many records, in one file.
    fn of(count: u32) -> Self {
        let scene = Self::empty();
        scene.add(count, Rotation::default());
        scene
    }

    fn add(&self, count: u32, rotation: Rotation) {
        let log = AuditLog::open(&self.path, rotation).unwrap();
        for n in 0..count {
            log.append(&serde_json::json!({ "n": n, "text": "x".repeat(100) })).unwrap();
            log.flush().unwrap();
        }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join("audit").join(name)
    }

    fn text(&self) -> String {
        std::fs::read_to_string(&self.path).unwrap()
    }

    /// Changes the lines of the file that is written.
    fn change(&self, change: impl FnOnce(&mut Vec<String>)) {
        let mut lines = self.text().lines().map(|line| format!("{line}\n")).collect();
        change(&mut lines);
        std::fs::write(&self.path, lines.concat()).unwrap();
    }

    fn verify(&self) -> Verification {
        verify(&self.path, None).unwrap()
    }

    /// What is wrong: the kind, the line and the number of each fault.
    fn faults(&self) -> Vec<(FaultCode, Option<u64>, Option<u64>)> {
        self.verify().faults.into_iter().map(|fault| (fault.code, fault.line, fault.number)).collect()
    }
}

fn small(keep: Option<u32>) -> Rotation {
    let keep = keep.map(|keep| format!("keep_files = {keep}")).unwrap_or_default();
    toml::from_str(&format!("file_size = \"16KiB\"\n{keep}")).unwrap()
}

#[test]
fn a_whole_log_has_no_fault() {
    assert_eq!(Scene::empty().verify(), Verification::default());
    let found = Scene::of(5).verify();
    assert_eq!((found.records, found.fault_count, found.head.unwrap().number), (5, 0, 5));
}

#[test]
fn whatever_is_done_to_records_is_found_where_it_was_done() {
    use FaultCode::{Duplicated, Edited, Misplaced, NotARecord, Removed, Truncated};
    type Change = fn(&mut Vec<String>);
    type Found = Vec<(FaultCode, Option<u64>, Option<u64>)>;
    let changes: [(&str, Change, Found); 16] = [
        ("removed", |lines| drop(lines.remove(3)), vec![(Removed, Some(4), Some(4))]),
        ("two removed", |lines| drop(lines.drain(3..5)), vec![(Removed, Some(4), Some(4))]),
        ("the first removed", |lines| drop(lines.remove(0)), vec![(Removed, Some(1), Some(1))]),
        ("the last removed", |lines| drop(lines.pop()), vec![(Truncated, None, Some(8))]),
        ("all removed", Vec::clear, vec![(Truncated, None, Some(1))]),
        (
            "edited",
            |lines| lines[3] = lines[3].replace("\"n\":3", "\"n\":7"),
            vec![(Edited, Some(4), Some(4))],
        ),
        (
            "the first edited",
            |lines| lines[0] = lines[0].replace("\"n\":0", "\"n\":7"),
            vec![(Edited, Some(1), Some(1))],
        ),
        (
            "the last edited",
            |lines| lines[7] = lines[7].replace("\"n\":7", "\"n\":8"),
            vec![(Edited, None, Some(8))],
        ),
        (
            "renumbered",
            |lines| lines[3] = lines[3].replace("\"number\":4", "\"number\":6"),
            vec![(Edited, Some(4), Some(4))],
        ),
        (
            "a space added",
            |lines| lines[3] = lines[3].replace("\"n\":3", "\"n\": 3"),
            vec![(Edited, Some(4), Some(4))],
        ),
        ("doubled", |lines| lines.insert(3, lines[3].clone()), vec![(Duplicated, Some(5), Some(4))]),
        (
            "doubled further down",
            |lines| lines.insert(6, lines[3].clone()),
            vec![(Misplaced, Some(7), Some(4))],
        ),
        (
            "two swapped",
            |lines| lines.swap(3, 4),
            vec![(Removed, Some(4), Some(4)), (Misplaced, Some(5), Some(4))],
        ),
        (
            "rubbish put in",
            |lines| lines.insert(3, "rubbish\n".to_owned()),
            vec![(NotARecord, Some(4), None)],
        ),
        ("made rubbish", |lines| lines[3] = "{}\n".to_owned(), vec![(NotARecord, Some(4), None)]),
        (
            "one put in",
            |lines| lines.insert(3, "{\"number\":4,\"prev\":null,\"n\":9}\n".to_owned()),
            vec![(Edited, Some(3), Some(3)), (Misplaced, Some(5), Some(4)), (Edited, Some(4), Some(4))],
        ),
    ];
    for (name, change, faults) in changes {
        let scene = Scene::of(8);
        scene.change(change);
        assert_eq!(scene.faults(), faults, "{name}");
        // What was done stays to be seen, whatever is written after it.
        scene.add(2, Rotation::default());
        assert!(scene.verify().fault_count > 0, "{name}, and written to");
    }
}

#[test]
fn a_log_that_was_chained_anew_does_not_fit_a_head_that_was_kept() {
    let scene = Scene::of(8);
    let kept = head(&scene.path).unwrap().unwrap();
    assert_eq!(verify(&scene.path, Some(kept)).unwrap().faults, []);
    scene.add(1, Rotation::default());
    assert_eq!(verify(&scene.path, Some(kept)).unwrap().faults, [], "it has only grown");
    // Whoever writes the directory writes a chain that is sound in itself.
    let other = Scene::of(9);
    std::fs::remove_file(&scene.path).unwrap();
    std::fs::copy(&other.path, &scene.path).unwrap();
    scene.change(|lines| lines[8] = lines[8].replace("\"n\":8", "\"n\":5"));
    let text = scene.text();
    let last = text.lines().last().unwrap();
    std::fs::write(scene.file("head"), format!("{:020}:{}\n", 9, Digest::of(last.as_bytes()))).unwrap();
    scene.change(|lines| lines.truncate(9));
    assert_eq!(scene.faults(), [], "that alone cannot be seen");
    let edited = Checkpoint { number: 9, hash: Digest::of(b"what was there") };
    for (known, code) in
        [(edited, FaultCode::OtherHead), (Checkpoint { number: 10, ..kept }, FaultCode::OtherHead)]
    {
        let faults = verify(&scene.path, Some(known)).unwrap().faults;
        assert_eq!(faults.iter().map(|fault| fault.code).collect::<Vec<_>>(), [code]);
    }
}

#[test]
fn a_missing_file_is_found() {
    for name in ["000000000001.ndjson", "head", "current", "middle"] {
        let scene = Scene::empty();
        scene.add(200, small(None));
        let files = scene.verify().files;
        assert!(files.len() > 2 && scene.faults().is_empty(), "{files:?}");
        let path = match name {
            "current" => scene.path.clone(),
            "middle" => scene.file(&files[1]),
            name => scene.file(name),
        };
        std::fs::remove_file(path).unwrap();
        let codes: Vec<_> = scene.faults().into_iter().map(|(code, ..)| code).collect();
        let expected = match name {
            "current" => FaultCode::Truncated,
            "head" => FaultCode::HeadLost,
            _ => FaultCode::Removed,
        };
        assert_eq!(codes, [expected], "{name}");
        scene.add(1, Rotation::default());
        assert!(scene.verify().fault_count > 0, "{name}, and written to");
    }
}

#[test]
fn files_that_were_exchanged_are_found() {
    let scene = Scene::empty();
    scene.add(300, small(None));
    let [first, second, ..] = &scene.verify().files[..] else { panic!("too few files") };
    let (first, second, aside) = (scene.file(first), scene.file(second), scene.file("aside"));
    for (from, to) in [(&first, &aside), (&second, &first), (&aside, &second)] {
        std::fs::rename(from, to).unwrap();
    }
    assert!(scene.verify().fault_count > 0);
}

#[test]
fn a_torn_line_is_taken_out_and_told() {
    let scene = Scene::of(3);
    let mut text = scene.text();
    text.push_str("{\"number\":4,\"prev\":\"sha2");
    std::fs::write(&scene.path, &text).unwrap();
    let found = scene.verify();
    assert_eq!((found.torn, found.fault_count), (true, 0), "a process was killed");
    scene.add(2, Rotation::default());
    let found = scene.verify();
    assert_eq!((found.torn, found.repaired, found.records, found.fault_count), (false, 1, 5, 0));
    assert!(scene.text().contains(r#""event":"repaired","bytes":24,"torn":"{\"number\":4,\"prev\":\"sha2""#));
}

#[test]
fn a_torn_line_that_the_head_knows_as_whole_was_cut() {
    let scene = Scene::of(3);
    let text = scene.text();
    std::fs::write(&scene.path, &text[..text.len() - 20]).unwrap();
    assert_eq!(scene.faults(), [(FaultCode::Truncated, None, Some(3))]);
    scene.add(1, Rotation::default());
    assert_eq!(scene.faults(), [(FaultCode::Removed, Some(3), Some(3))], "the number is not given again");
}

#[test]
fn a_batch_that_was_written_and_not_told_by_the_head_is_no_fault() {
    let scene = Scene::of(3);
    let head = std::fs::read(scene.file("head")).unwrap();
    scene.add(2, Rotation::default());
    std::fs::write(scene.file("head"), head).unwrap();
    assert_eq!(scene.faults(), []);
    scene.add(1, Rotation::default());
    assert_eq!((scene.verify().records, scene.faults()), (6, vec![]));
}

#[test]
fn a_log_of_an_older_version_is_set_aside() {
    let scene = Scene::empty();
    std::fs::write(&scene.path, "{\"time\":\"old\"}\n{\"time\":\"old too\"}\n").unwrap();
    scene.add(2, Rotation::default());
    let found = scene.verify();
    assert_eq!((found.records, found.fault_count), (2, 0));
    assert_eq!(found.unchained, ["unchained.ndjson"]);
    assert!(scene.text().starts_with("{\"number\":1,\"prev\":null,"));
    let old = scene.file("unchained.ndjson");
    std::fs::write(&old, "{\"time\":\"new\"}\n").unwrap();
    assert_eq!(scene.faults(), [(FaultCode::UnchainedChanged, None, None)]);
    std::fs::rename(&old, scene.file("unchained-2.ndjson")).unwrap();
    let codes: Vec<_> = scene.faults().into_iter().map(|(code, ..)| code).collect();
    assert_eq!(codes, [FaultCode::UnknownFile, FaultCode::UnchainedChanged]);
}

#[test]
fn the_oldest_files_go_only_where_the_owner_says_so() {
    let scene = Scene::empty();
    scene.add(400, small(None));
    let before = scene.verify();
    assert!(before.files.len() > 4 && before.pruned_upto == 0, "{before:?}");
    scene.add(200, small(Some(2)));
    let found = scene.verify();
    assert_eq!((found.files.len(), found.fault_count), (3, 0), "{found:?}");
    assert!(found.pruned_upto > 0 && found.records < 600, "{found:?}");
    // One more that goes is missed.
    std::fs::remove_file(scene.file(&found.files[0])).unwrap();
    assert_eq!(scene.faults().len(), 1);
}

#[test]
fn a_lost_directory_is_no_end_of_the_log() {
    let scene = Scene::of(1);
    let log = AuditLog::open(&scene.path, Rotation::default()).unwrap();
    std::fs::rename(scene.dir.path().join("audit"), scene.dir.path().join("moved")).unwrap();
    log.append(&serde_json::json!({ "n": 1 })).unwrap();
    log.flush().unwrap();
    let codes: Vec<_> = scene.faults().into_iter().map(|(code, ..)| code).collect();
    assert!(codes.is_empty(), "the process knew where the chain ended: {codes:?}");
    assert_eq!(head(&scene.path).unwrap().unwrap().number, 2);
}

#[test]
fn hostile_files_are_told_of_and_harm_nobody() {
    for text in [
        "\n\n\n",
        "{\"number\":18446744073709551615,\"prev\":null,\"n\":1}\n",
        "{\"number\":1",
        "\0\0\0\n",
        "[]\n",
    ] {
        let scene = Scene::of(2);
        let whole = scene.text();
        std::fs::write(&scene.path, format!("{whole}{text}")).unwrap();
        let _ = scene.verify();
        // Where the numbers are used up, nothing is written: that is an error, and no panic.
        if let Ok(log) = AuditLog::open(&scene.path, Rotation::default()) {
            let _ = log.append(&serde_json::json!({ "n": 1 }));
            let _ = log.flush();
        }
        let search = search(&scene.path, &Query::default(), |_| Ok::<_, AuditError>(()));
        assert!(search.unwrap() > 0, "{text}");
    }
    for head in ["", "x", "99", "00000000000000000001:sha256:00\n"] {
        let scene = Scene::of(2);
        std::fs::write(scene.file("head"), head).unwrap();
        assert_eq!(scene.faults(), [(FaultCode::HeadLost, None, None)], "{head}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_byte_can_be_changed_unseen(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let scene = Scene::of(6);
        let mut text = scene.text().into_bytes();
        let at = at.index(text.len());
        prop_assume!(text[at] != byte);
        text[at] = byte;
        std::fs::write(&scene.path, text).unwrap();
        prop_assert!(scene.verify().fault_count > 0);
    }

    #[test]
    fn no_bytes_can_be_cut_out_unseen(at in any::<prop::sample::Index>(), len in 1_usize..400) {
        let scene = Scene::of(6);
        let mut text = scene.text().into_bytes();
        let at = at.index(text.len());
        text.drain(at..(at + len).min(text.len()));
        std::fs::write(&scene.path, text).unwrap();
        prop_assert!(scene.verify().fault_count > 0);
    }

    #[test]
    fn no_order_but_the_right_one_passes(order in Just((0..6).collect::<Vec<usize>>()).prop_shuffle()) {
        let scene = Scene::of(6);
        scene.change(|lines| *lines = order.iter().map(|index| lines[*index].clone()).collect());
        prop_assert_eq!(scene.verify().fault_count == 0, order.is_sorted());
    }
}
