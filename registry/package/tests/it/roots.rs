//! Roots and takedowns: who speaks for a registry, and how that changes.

use openclaw_package::Digest;
use openclaw_package::registry::root::fingerprint;
use openclaw_package::registry::takedown::KeptTakedowns;
use openclaw_package::registry::{Root, RootParts, Takedown, Takedowns, TrustedRoot};

use crate::common::key;
use crate::registry::{
    LOG_KEY, ROOT_KEY, TAKEDOWN_KEY, first_root, hello, now, origin, root_parts, time, version,
};

fn second(change: impl FnOnce(&mut RootParts)) -> Root {
    let mut parts = root_parts();
    parts.version = 2;
    change(&mut parts);
    Root::new(parts).unwrap()
}

fn code(chain: &[openclaw_package::Envelope]) -> &'static str {
    TrustedRoot::pin(chain, &fingerprint(&first_root())).unwrap_err().code()
}

#[test]
fn keys_change_when_old_and_new_agree() {
    let next = second(|parts| {
        parts.keys = vec![key(7).public_key(), key(8).public_key()];
        parts.threshold = 2;
    });
    let good = next.sign(&[&key(ROOT_KEY), &key(7), &key(8)]);
    let trusted = TrustedRoot::pin(&[first_root(), good.clone()], &fingerprint(&first_root())).unwrap();
    assert_eq!(trusted.root(), &next);
    assert_eq!(trusted.fingerprint(), fingerprint(&good));
    // Pinned at the second, the first is not looked at.
    assert!(TrustedRoot::pin(&[first_root(), good.clone()], &fingerprint(&good)).is_ok());
    for few in [vec![key(7), key(8)], vec![key(ROOT_KEY), key(7)], vec![key(ROOT_KEY)]] {
        assert_eq!(code(&[first_root(), next.sign(&few.iter().collect::<Vec<_>>())]), "bad-signature");
    }
}

#[test]
fn a_chain_holds_to_its_end_or_not_at_all() {
    let foreign = second(|parts| parts.origin = "other.example.com".parse().unwrap());
    assert_eq!(code(&[first_root(), foreign.sign(&[&key(ROOT_KEY)])]), "foreign-origin");
    let third = second(|parts| parts.version = 3);
    assert_eq!(code(&[first_root(), third.sign(&[&key(ROOT_KEY)])]), "invalid-root");
    assert_eq!(code(&[first_root(), first_root()]), "invalid-root");
    assert_eq!(code(&[]), "root-not-pinned");
}

#[test]
fn keys_that_cannot_be_are_refused() {
    let invalid = |change: fn(&mut RootParts)| {
        let mut parts = root_parts();
        change(&mut parts);
        Root::new(parts).unwrap_err().code()
    };
    assert_eq!(invalid(|parts| parts.threshold = 2), "invalid-root");
    assert_eq!(invalid(|parts| parts.threshold = 0), "invalid-root");
    assert_eq!(invalid(|parts| parts.keys.clear()), "invalid-root");
    assert_eq!(invalid(|parts| parts.keys = vec![key(1).public_key(); 2]), "invalid-root");
    assert_eq!(invalid(|parts| parts.version = 0), "invalid-root");
}

#[test]
fn a_root_ends() {
    let trusted = TrustedRoot::pin(&[first_root()], &fingerprint(&first_root())).unwrap();
    assert!(trusted.check_expiry(now()).is_ok());
    assert_eq!(trusted.check_expiry(time("2028-11-25T00:00:00Z")).unwrap_err().code(), "root-expired");
}

fn list(takedowns: Vec<Takedown>) -> Takedowns {
    Takedowns {
        origin: origin(),
        sequence: takedowns.len() as u64,
        issued: now(),
        expires: time("2026-12-02T10:00:00Z"),
        takedowns,
    }
}

fn takedown(version: Option<&str>, archive: Option<Digest>) -> Takedown {
    let version = version.map(crate::registry::version);
    Takedown { skill: hello(), version, archive, reason: "malware".parse().unwrap() }
}

#[test]
fn a_takedown_covers_a_skill_a_version_or_bytes_under_any_name() {
    let (one, two) = (Digest::of(b"1"), Digest::of(b"2"));
    let other = "evil/copy".parse().unwrap();
    let whole = takedown(None, None);
    assert!(whole.covers(&hello(), &version("9.0.0"), &one));
    assert!(!whole.covers(&other, &version("9.0.0"), &one));
    let one_version = takedown(Some("1.0.0"), None);
    assert!(one_version.covers(&hello(), &version("1.0.0"), &two));
    assert!(!one_version.covers(&hello(), &version("1.0.1"), &two));
    let bytes = takedown(None, Some(one));
    assert!(bytes.covers(&other, &version("3.0.0"), &one));
    assert!(!bytes.covers(&hello(), &version("1.0.0"), &two));
}

#[test]
fn a_list_is_the_registrys_and_only_grows() {
    let older = list(vec![takedown(None, None)]);
    let newer = list(vec![takedown(None, None), takedown(Some("1.0.0"), None)]);
    assert!(newer.extends(&older) && !older.extends(&newer));
    assert!(!list(vec![takedown(Some("1.0.0"), None); 2]).extends(&older));
    let takedown_key = key(TAKEDOWN_KEY).public_key();
    let signed = newer.sign(&key(TAKEDOWN_KEY));
    assert_eq!(Takedowns::verify(&signed, &origin(), &takedown_key).unwrap(), newer);
    assert!(Takedowns::verify(&newer.sign(&key(LOG_KEY)), &origin(), &takedown_key).is_err());
    let other = "other.example.com".parse().unwrap();
    assert_eq!(Takedowns::verify(&signed, &other, &takedown_key).unwrap_err().code(), "foreign-origin");
}

#[test]
fn a_kept_list_is_proved_from_the_pin() {
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let kept = |key_of_list: u8| KeptTakedowns {
        fingerprint: fingerprint(&first_root()),
        root: text(first_root().to_json()),
        list: text(list(vec![takedown(None, None)]).sign(&key(key_of_list)).to_json()),
    };
    assert_eq!(kept(TAKEDOWN_KEY).verify().unwrap().takedowns.len(), 1);
    assert!(kept(LOG_KEY).verify().is_err());
    let unpinned = KeptTakedowns { fingerprint: Digest::of(b"x"), ..kept(TAKEDOWN_KEY) };
    assert!(unpinned.verify().is_err());
    assert!(KeptTakedowns::verify_file(b"{}").is_err());
}
