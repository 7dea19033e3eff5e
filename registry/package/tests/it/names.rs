//! Names, digests and sizes.

use openclaw_package::{ByteSize, Digest, PublisherName, SkillId, SkillName, ToolId, ToolName};

#[test]
fn labels_are_kebab_case() {
    for good in ["a", "7", "git-helper", "a1-b2-c3", &"x".repeat(64)] {
        assert_eq!(good.parse::<SkillName>().unwrap().to_string(), good);
    }
    let long = "x".repeat(65);
    for bad in ["", "-", "-a", "a-", "a--b", "A", "a_b", "a.b", "a/b", "a b", "ä", "a\0", &long] {
        let error = bad.parse::<PublisherName>().unwrap_err();
        assert_eq!(error.code(), "invalid-name", "{bad:?}");
        assert!(error.hint().is_some());
    }
}

#[test]
fn a_refusal_shows_what_could_hide() {
    for hidden in ["\u{3164}", "\u{202e}", "\u{200b}", "\n"] {
        let error = format!("a{hidden}").parse::<SkillName>().unwrap_err();
        assert!(!error.to_string().contains(hidden), "{hidden:?}");
    }
    assert_eq!(
        "aB".parse::<SkillName>().unwrap_err().to_string(),
        "\"aB\" is not a skill name: 'B' is not one of a-z, 0-9 and -"
    );
}

#[test]
fn ids_are_joined_by_slashes() {
    let id: ToolId = "acme/git-helper/status".parse().unwrap();
    assert_eq!(id.skill().publisher().as_str(), "acme");
    assert_eq!(id.skill().name().as_str(), "git-helper");
    assert_eq!(id.tool().as_str(), "status");
    assert_eq!(id.to_string(), "acme/git-helper/status");
    let skill: SkillId = "acme/git-helper".parse().unwrap();
    assert_eq!(skill.tool("status".parse::<ToolName>().unwrap()), id);
    for bad in ["acme", "acme/", "/x", "acme/a/b", "acme//b", "Acme/x", "../x"] {
        assert!(bad.parse::<SkillId>().is_err(), "{bad:?}");
    }
    assert!("acme/x".parse::<ToolId>().is_err());
    assert_eq!(
        "acme".parse::<SkillId>().unwrap_err().to_string(),
        "\"acme\" is not a skill id: it has 1 parts, not 2"
    );
}

#[test]
fn names_that_differ_by_separators_collide() {
    let key = |text: &str| text.parse::<SkillId>().unwrap().collision_key();
    assert_eq!(key("acme/git-helper"), key("acme/githelper"));
    assert_eq!(key("acme/g-i-t"), key("ac-me/git"));
    assert_ne!(key("acme/git"), key("acm/egit"));
}

#[test]
fn names_are_texts_in_json() {
    let id: SkillId = serde_json::from_str("\"acme/hello\"").unwrap();
    assert_eq!(serde_json::to_string(&id).unwrap(), "\"acme/hello\"");
    assert!(serde_json::from_str::<SkillId>("\"acme/Hello\"").is_err());
}

#[test]
fn digests_are_sha256_in_lower_case_hex() {
    let empty = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    assert_eq!(Digest::of(b"").to_string(), empty);
    assert_eq!(empty.parse::<Digest>().unwrap(), Digest::of(b""));
    assert_eq!(Digest::of_reader(&b"abc"[..]).unwrap(), (Digest::of(b"abc"), 3));
    let bare = &empty["sha256:".len()..];
    assert_eq!(Digest::from_hex(bare).unwrap().hex(), bare);
    for bad in [bare, "sha256:", "sha256:00", &empty.to_uppercase(), &format!("{empty}00"), "md5:00"] {
        assert_eq!(bad.parse::<Digest>().unwrap_err().code(), "invalid-digest", "{bad}");
    }
}

#[test]
fn sizes_have_binary_units() {
    for (text, bytes, shown) in [
        ("64MiB", 64 << 20, "64MiB"),
        ("512KiB", 512 << 10, "512KiB"),
        ("100B", 100, "100B"),
        ("1000", 1000, "1000B"),
        ("2048B", 2048, "2KiB"),
        ("1GiB", 1 << 30, "1GiB"),
        ("0", 0, "0B"),
    ] {
        let size: ByteSize = text.parse().unwrap();
        assert_eq!((size.as_u64(), size.to_string().as_str()), (bytes, shown));
    }
    for bad in ["", "MiB", "64MB", "64mib", "-1", "1.5MiB", "1 MiB", "99999999999999999999", "99999999999GiB"]
    {
        assert_eq!(bad.parse::<ByteSize>().unwrap_err().code(), "invalid-size", "{bad:?}");
    }
    assert_eq!(serde_json::from_str::<ByteSize>("1024").unwrap(), ByteSize::kib(1));
    assert_eq!(serde_json::from_str::<ByteSize>("\"1KiB\"").unwrap(), ByteSize::kib(1));
}
