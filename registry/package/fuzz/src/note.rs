//! The log's texts and bytes: checkpoints, log proofs, paths of tiles, tiles, bundles of entries.

use openclaw_package::Origin;
use openclaw_package::log::{
    Checkpoint, LogError, LogProof, MAX_ENTRY_SIZE, MAX_LOG_PROOF_SIZE, MAX_NOTE_SIZE, MAX_PROOF_HASHES,
    TilePath, decode_entries, decode_hashes, encode_entries, encode_hashes,
};

use super::signed::test_key;
use super::{text, told};

/// What is read of the log is read in one form, and is believed only with the signature that its key makes.
pub fn note(data: &[u8]) {
    if let Some(entries) = accepted(decode_entries(data)) {
        assert!(entries.len() <= 256 && entries.iter().all(|entry| entry.len() <= MAX_ENTRY_SIZE));
        let again = encode_entries(entries.iter().map(Vec::as_slice));
        assert_eq!(again.as_deref(), Ok(data), "a bundle has a second form");
    }
    if let Some(hashes) = accepted(decode_hashes(data)) {
        assert_eq!(encode_hashes(&hashes), data, "a tile has a second form");
    }
    let Some(text) = text(data) else { return };
    if let Some(path) = accepted(TilePath::parse(text)) {
        assert_eq!(path.to_string(), text, "a path has a second form");
        let inside = |element: &str| element.bytes().all(|byte| byte.is_ascii_alphanumeric());
        assert!(text.split('/').all(|element| inside(element.trim_end_matches(".p"))), "{text}");
    }
    checkpoint(text);
    if let Some(proof) = accepted(LogProof::parse(text)) {
        assert!(text.len() <= MAX_LOG_PROOF_SIZE && proof.hashes.len() <= MAX_PROOF_HASHES);
        let written = proof.to_string();
        assert_eq!(LogProof::parse(&written).as_ref(), Ok(&proof));
        assert!(written == text || text.contains("\nextra "), "a proof has a second form");
        if let Some(verified) = accepted(proof.verify(b"entry", &origin(), &test_key().public_key())) {
            assert!(proof.index < verified.size());
        }
        checkpoint(&proof.checkpoint);
    }
}

/// A checkpoint that is verified holds the very signature that the key makes over its text.
fn checkpoint(note: &str) {
    let key = test_key();
    let Some(verified) = accepted(Checkpoint::verify(note, &origin(), &key.public_key())) else { return };
    assert!(note.len() <= MAX_NOTE_SIZE);
    let own = verified.sign(&key);
    assert_eq!(Checkpoint::verify(&own, &origin(), &key.public_key()).as_ref(), Ok(&verified));
    let (text, signature) = own.rsplit_once("\n\n").expect("a note has a blank line");
    assert!(note.starts_with(text));
    // More lines may be signed, and more may sign; then the signature is another one, or not alone.
    if note.strip_prefix(text).is_some_and(|rest| rest.starts_with("\n\n")) {
        // Signing gives the same bytes each time, so any other signature would be a forged one.
        assert!(note.contains(signature), "{note}");
    }
}

fn origin() -> Origin {
    "example.com/log".parse().expect("an origin")
}

fn accepted<T>(result: Result<T, LogError>) -> Option<T> {
    result.map_err(|error| told(&error, error.code(), error.hint())).ok()
}
