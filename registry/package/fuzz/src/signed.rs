//! What is signed: envelopes, and the statements in them.

use openclaw_package::archive::Limits;
use openclaw_package::envelope::{IN_TOTO_PAYLOAD_TYPE, MAX_ENVELOPE_SIZE, MAX_SIGNATURES};
use openclaw_package::{Envelope, SigningKey, Statement};

use super::told;

/// An envelope means the same written anew, and is verified only by what its key signs.
pub fn envelope(data: &[u8]) {
    let envelope = match Envelope::parse(data) {
        Ok(envelope) => envelope,
        Err(error) => return told(&error, error.code(), error.hint()),
    };
    assert!(data.len() <= MAX_ENVELOPE_SIZE && envelope.payload_unverified().len() < data.len());
    let json = envelope.to_json();
    // Padding that was left out may lead past the limit.
    if json.len() <= MAX_ENVELOPE_SIZE {
        assert_eq!(Envelope::parse(&json).as_ref(), Ok(&envelope));
    }
    let key = test_key();
    let public = key.public_key();
    let own = Envelope::sign(envelope.payload_type_unverified(), envelope.payload_unverified(), &[&key]);
    match envelope.verify(&[public.clone(), public.clone()], 0) {
        Ok(verified) => {
            assert_eq!(verified.payload(), envelope.payload_unverified());
            assert_eq!(verified.signers(), std::slice::from_ref(&public));
            assert_eq!(envelope.payload_type_unverified(), IN_TOTO_PAYLOAD_TYPE);
            // Signing gives the same bytes each time, so any other signature would be a forged one.
            assert!(signatures(&json).contains(&signatures(&own.to_json())[0]));
            assert!(envelope.verify(&[public.clone(), public], 2).is_err(), "one key counted twice");
        }
        Err(error) => {
            told(&error, error.code(), error.hint());
            let honest = envelope.payload_type_unverified() == IN_TOTO_PAYLOAD_TYPE;
            assert!(!honest || !signatures(&json).contains(&signatures(&own.to_json())[0]));
        }
    }
    let mut merged = envelope.clone();
    if merged.merge(own) {
        let again = Envelope::parse(&merged.to_json());
        assert!(again.as_ref() == Ok(&merged) || merged.to_json().len() > MAX_ENVELOPE_SIZE, "{again:?}");
        assert!(signatures(&merged.to_json()).len() <= MAX_SIGNATURES);
    }
}

/// A statement means the same written anew, and lists files that fit into a package.
pub fn statement(data: &[u8]) {
    match Statement::parse(data) {
        Ok(statement) => {
            assert_eq!(Statement::parse(&statement.to_json()).as_ref(), Ok(&statement));
            assert!(statement.version().build.is_empty());
            assert_eq!(statement.id().publisher(), statement.publisher());
            let files = statement.files();
            assert!(files.len() <= Limits::DEFAULT.files);
            assert!(files.iter().zip(files.iter().skip(1)).all(|(one, next)| one.path < next.path));
            let total: u128 = files.iter().map(|file| u128::from(file.size)).sum();
            assert!(total <= u128::from(Limits::DEFAULT.unpacked));
        }
        Err(error) => told(&error, error.code(), error.hint()),
    }
}

/// The one key that is trusted here: its seed is no secret.
pub(super) fn test_key() -> SigningKey {
    let text = "openclaw-secret-key:ed25519:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";
    SigningKey::from_secret_text(text).expect("a seed of ones")
}

fn signatures(json: &[u8]) -> Vec<String> {
    let value: serde_json::Value = serde_json::from_slice(json).expect("an envelope is JSON");
    let list = value["signatures"].as_array().expect("an envelope has signatures");
    list.iter().map(|signature| signature["sig"].to_string()).collect()
}
