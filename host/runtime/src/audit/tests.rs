//! What is done to a log and what the check says of it; files that are full, torn, old or too many.

use std::path::PathBuf;

use proptest::prelude::*;
use tempfile::TempDir;

use super::chain::{Event, chain};
use super::files::{Files, Head};
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
        self.against(Expected::default())
    }

    fn against(&self, expected: Expected) -> Verification {
        verify(&self.path, &expected).unwrap()
    }

    /// Whoever can write the directory appends a well-chained event, in a file of its own or behind the last record.
    fn forge(&self, pruned: &str, upto: Checkpoint, in_new_file: bool) {
        let files = Files::of(&self.path);
        let Head::At(mut end) = files.head().unwrap() else { panic!("no head") };
        let mut text = self.text();
        if in_new_file {
            let first: u64 =
                text.trim_start_matches("{\"number\":").split(',').next().unwrap().parse().unwrap();
            std::fs::rename(&self.path, files.for_rotated(first)).unwrap();
            text.clear();
        }
        let (mut lines, mut chained) = (Vec::new(), Vec::new());
        let event = Event::Pruned { file: pruned.to_owned(), upto: upto.number, hash: upto.hash };
        event.write(&mut lines).unwrap();
        chain(&lines, &mut end, &mut chained).unwrap();
        std::fs::write(&self.path, text + std::str::from_utf8(&chained).unwrap()).unwrap();
        files.write_head(end).unwrap();
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

fn expecting(head: Checkpoint) -> Expected {
    Expected { head: Some(head), ..Expected::default() }
}

fn keeping(keep: Option<u32>) -> Expected {
    Expected { rotation: small(keep), ..Expected::default() }
}

/// The kind of each fault.
fn codes(found: &Verification) -> Vec<FaultCode> {
    found.faults.iter().map(|fault| fault.code).collect()
}

/// The end of what a file holds.
fn end_of(path: &std::path::Path) -> Checkpoint {
    let text = std::fs::read_to_string(path).unwrap();
    let number = text.lines().last().unwrap().trim_start_matches("{\"number\":").split(',').next().unwrap();
    Checkpoint { number: number.parse().unwrap(), hash: Digest::of(text.lines().last().unwrap().as_bytes()) }
}

/// A log of which the writer has pruned what an owner's policy of two full files said, and the heads before and after.
fn pruned_scene() -> (Scene, Checkpoint, Checkpoint) {
    let scene = Scene::empty();
    scene.add(60, small(None));
    let before = head(&scene.path).unwrap().unwrap();
    scene.add(540, small(Some(2)));
    let after = head(&scene.path).unwrap().unwrap();
    (scene, before, after)
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
    assert_eq!(scene.against(expecting(kept)).faults, []);
    scene.add(1, Rotation::default());
    assert_eq!(scene.against(expecting(kept)).faults, [], "it has only grown");
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
        let faults = scene.against(expecting(known)).faults;
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
    let found = scene.against(keeping(Some(2)));
    assert_eq!((found.files.len(), found.fault_count), (3, 0), "{found:?}");
    assert!(found.pruned_upto > 0 && found.records < 600, "{found:?}");
    // One more that goes is missed.
    std::fs::remove_file(scene.file(&found.files[0])).unwrap();
    assert_eq!(codes(&scene.against(keeping(Some(2)))), [FaultCode::Removed]);
}

#[test]
fn no_full_file_need_stay_where_the_owner_keeps_none() {
    let scene = Scene::empty();
    scene.add(400, small(Some(0)));
    let found = scene.against(keeping(Some(0)));
    assert_eq!((found.files.len(), found.fault_count), (1, 0), "{found:?}");
    assert!(found.pruned_upto > 0, "{found:?}");
}

#[test]
fn files_that_went_though_the_policy_keeps_them_are_missed() {
    let (scene, _, after) = pruned_scene();
    let upto = scene.against(keeping(Some(2))).pruned_upto;
    let large =
        Expected { rotation: Rotation { keep_files: Some(2), ..Rotation::default() }, ..keeping(None) };
    for expected in [keeping(None), keeping(Some(3)), large] {
        let found = scene.against(expected);
        assert_eq!((codes(&found), found.pruned_upto), (vec![FaultCode::Removed], 0), "{expected:?}");
        assert!(found.faults[0].message.contains(&format!("--pruned-upto {upto}")), "{found:?}");
        let known = |pruned_upto| scene.against(Expected { pruned_upto, ..expected });
        assert_eq!((codes(&known(upto)), known(upto).pruned_upto), (vec![], upto), "{expected:?}");
        assert_eq!(codes(&known(upto - 1)), [FaultCode::Removed], "{expected:?}");
        // A head of a later time proves that the event was there then.
        let found = scene.against(Expected { head: Some(after), ..expected });
        assert_eq!((codes(&found), found.pruned_upto), (vec![], upto), "{expected:?}");
    }
}

#[test]
fn a_kept_head_whose_record_was_deleted_is_a_fault_unless_that_is_expected() {
    let (scene, before, _) = pruned_scene();
    let upto = scene.against(keeping(Some(2))).pruned_upto;
    let lines = std::fs::read_to_string(&scene.path).unwrap();
    let event = lines.lines().filter_map(|line| Event::read(line.as_bytes())).find_map(|event| match event {
        Event::Pruned { upto: number, hash, .. } if number == upto => Some(Checkpoint { number, hash }),
        _ => None,
    });
    let last = event.expect("the newest file tells of it");
    assert!(before.number < upto);
    let check = |head, pruned_upto| {
        codes(&scene.against(Expected { head: Some(head), pruned_upto, ..keeping(Some(2)) }))
    };
    for head in [before, last] {
        assert_eq!(check(head, 0), [FaultCode::OtherHead]);
        assert_eq!(check(head, head.number - 1), [FaultCode::OtherHead]);
        assert_eq!(check(head, upto), []);
    }
    // Expected or not: another record than the log says.
    let other = Checkpoint { hash: Digest::of(b"what was there"), ..last };
    assert_eq!(check(other, upto), [FaultCode::OtherHead]);
}

#[test]
fn an_event_that_was_put_there_does_not_hide_what_is_missing() {
    let name = "000000000001.ndjson";
    let policies = [None, Some(0), Some(1)].map(keeping);
    // The beginning of the only file, or of a full one, with an event behind the last record, or where the next file begins.
    for (count, in_new_file) in [(8, false), (8, true), (300, false), (300, true)] {
        let scene = Scene::empty();
        scene.add(count, small(None));
        let first = scene.verify().files[0].clone();
        let path = if count == 8 { scene.path.clone() } else { scene.file(&first) };
        let text = std::fs::read_to_string(&path).unwrap();
        let lines: Vec<_> = text.lines().collect();
        let upto = Checkpoint { number: 5, hash: Digest::of(lines[4].as_bytes()) };
        std::fs::write(&path, lines[5..].join("\n") + "\n").unwrap();
        scene.forge(name, upto, in_new_file);
        for expected in policies {
            // Cut out of the only file, the rest bears the right number: then it is too small to be a full one.
            let may_hide = count == 8 && in_new_file && expected == keeping(Some(0));
            let expected_codes = if may_hide { vec![] } else { vec![FaultCode::Removed] };
            assert_eq!(codes(&scene.against(expected)), expected_codes, "{count} {in_new_file} {expected:?}");
            let known = Expected { head: Some(upto), ..expected };
            let found = codes(&scene.against(known));
            assert!(found.contains(&FaultCode::OtherHead), "{count} {in_new_file} {expected:?}");
        }
    }
    // A whole file that is deleted, and an event in the middle of another, or of a file that cannot have held the records.
    for (pruned, in_new_file) in [(name, false), ("000000009999.ndjson", true), ("../x", true)] {
        let scene = Scene::empty();
        scene.add(300, small(None));
        let upto = end_of(&scene.file(name));
        std::fs::remove_file(scene.file(name)).unwrap();
        scene.forge(pruned, upto, in_new_file);
        assert_eq!(codes(&scene.against(keeping(Some(1)))), [FaultCode::Removed], "{pruned}");
        let known = Expected { pruned_upto: upto.number, ..keeping(None) };
        assert_eq!(codes(&scene.against(known)), [FaultCode::Removed], "{pruned}");
    }
}

#[test]
fn bytes_behind_the_last_line_of_a_full_file_are_found() {
    let scene = Scene::empty();
    scene.add(200, small(None));
    let files = scene.verify().files;
    for name in &files[..files.len() - 1] {
        let path = scene.file(name);
        let text = std::fs::read(&path).unwrap();
        std::fs::write(&path, [&text[..], b"{\"number\":"].concat()).unwrap();
        let found = scene.verify();
        assert_eq!((codes(&found), found.torn), (vec![FaultCode::NotARecord], false), "{name}");
        assert_eq!(&found.faults[0].file, name);
        std::fs::write(&path, text).unwrap();
    }
    assert_eq!(scene.faults(), []);
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
